"""Hazards, requirements, invariants and tests hang together, and each kind of slip is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.small_matrix import ROOT, SHOWN, SMALL, Rows, part

trace_rows, trace_tests = part("trace_rows"), part("trace_tests")


def numbered(form: str, count: int) -> set[str]:
    """Return ids from 1 to a count."""
    return {form.format(number) for number in range(1, count + 1)}


def test_rows_are_well_formed_and_their_links_lead_somewhere() -> None:
    """No row is misshapen, doubled, orphaned or linked to nothing, and none waits in vain."""
    rows = trace_rows.rows_of(ROOT / "requirements")

    assert [] == trace_rows.malformed(rows)
    assert [] == trace_rows.faults_of(rows, ROOT)


def test_every_row_of_the_reference_is_here() -> None:
    """All 42 hazards and all 54 invariants that the project began with have their row."""
    rows = trace_rows.rows_of(ROOT / "requirements")
    counts = {"H": 18, "D": 12, "W": 9, "R": 9, "S": 6}
    wanted = {name for letter, n in counts.items() for name in numbered(letter + "{:02}", n)}

    assert wanted == trace_rows.ids_of(rows, "invariant")
    assert numbered("HZ-{:02}", 42) <= trace_rows.ids_of(rows, "hazard")


def test_every_row_is_named_by_a_test_and_every_mark_names_a_row() -> None:
    """Nothing is untested, and no test claims what does not exist."""
    rows = trace_rows.rows_of(ROOT / "requirements")

    assert "" == "\n".join(trace_tests.unshown(rows, trace_tests.tests_under(ROOT)))


@pytest.fixture
def small() -> Rows:
    """A matrix of one's own to break."""
    return copy.deepcopy(SMALL)


def test_small_matrix_is_sound(small: Rows, tmp_path: Path) -> None:
    """What the tests below break is whole before."""
    tests = trace_tests.tests_in(SHOWN, "tests/test_x.py")

    assert [] == trace_rows.malformed(small)
    assert [] == trace_rows.faults_of(small, tmp_path)
    assert [] == trace_tests.unshown(small, tests)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("requirement", {"id": "SR-2"}),
        ("requirement", {"id": "SR-002"}),
        ("requirement", {"text": "No full stop"}),
        ("requirement", {"source": " "}),
        ("requirement", {"owner": "nobody"}),
        ("requirement", {"invariants": "H01"}),
        ("requirement", {"invariants": ["H01", "H01"]}),
        ("hazard", {"id": "SR-002"}),
        ("hazard", {"severity": 6}),
        ("hazard", {"severity": True}),
        ("hazard", {"severity": "5"}),
        ("hazard", {"stpa": "X"}),
        ("hazard", {"limit_ms": -1}),
        ("hazard", {"limit_ms": True}),
        ("hazard", {"limit_ms": 2.5}),
        ("hazard", {"cause": ""}),
        ("hazard", {"waits_for": ""}),
        ("invariant", {"id": "X01"}),
        ("invariant", {"group": 7}),
        ("cell", {"empty": ""}),
    ],
)
def test_misshapen_row_is_found(small: Rows, kind: str, change: dict[str, Any]) -> None:
    """A wrong or doubled id, an empty, foreign or wrongly typed field and a bad text are seen."""
    small[kind][0] |= change

    assert trace_rows.malformed(small)


@pytest.mark.parametrize("kind", list(SMALL))
def test_missing_field_and_unknown_kind_are_found(small: Rows, kind: str) -> None:
    """Every field that a row must have is missed, and a kind that nobody knows is no row."""
    for field in trace_rows.FIELDS[kind][0]:
        rows = copy.deepcopy(small)
        del rows[kind][0][field]

        assert trace_rows.malformed(rows), field

    assert ["[[risk]]: no such kind of row"] == trace_rows.malformed(small | {"risk": []})


def drop_links(rows: Rows) -> None:
    """Let the first hazard lead nowhere."""
    rows["hazard"][0] |= {"requirements": [], "invariants": []}


SLIPS: dict[str, tuple[Callable[[Rows], object], str]] = {
    "link to no requirement": (
        lambda rows: rows["hazard"][0]["requirements"].append("SR-009"),
        "HZ-01: requirements names SR-009, which is no requirement",
    ),
    "link to no invariant": (
        lambda rows: rows["requirement"][1]["invariants"].append("H02"),
        "SR-002: invariants names H02, which is no invariant",
    ),
    "cell of no hazard": (
        lambda rows: rows["cell"][0]["hazards"].append("HZ-09"),
        "ARM-N: hazards names HZ-09, which is no hazard",
    ),
    "requirement out of nothing": (
        lambda rows: rows["requirement"][1].update(source="s"),
        "SR-002: no hazard and no decision leads to this requirement",
    ),
    "hazard without requirement": (drop_links, "HZ-01: leads to no requirement"),
    "invariant of no requirement": (
        lambda rows: rows["requirement"][0]["invariants"].clear(),
        "H01: no requirement links to this invariant",
    ),
    "waiting invariant of no hazard": (
        lambda rows: rows["hazard"][1]["invariants"].clear(),
        "S01: no requirement links to this invariant",
    ),
    "broken chain": (
        lambda rows: rows["hazard"][0].update(requirements=["SR-002"]),
        "HZ-01: none of its requirements has H01",
    ),
    "missing cell": (lambda rows: rows["cell"].pop(0), "ARM-N: the cell is missing"),
    "foreign cell": (
        lambda rows: rows["cell"][0].update(id="FLY-N"),
        "FLY-N: no such cell",
    ),
    "cell without reason": (
        lambda rows: rows["cell"][0].update(hazards=[]),
        "ARM-N: wanted hazards, or else an argument why it is empty",
    ),
    "cell with reason and hazard": (
        lambda rows: rows["cell"][0].update(empty="No."),
        "ARM-N: wanted hazards, or else an argument why it is empty",
    ),
    "wait outside": (
        lambda rows: rows["hazard"][1].update(waits_for="../part"),
        "HZ-02: ../part is no path in this repository",
    ),
    "wait anywhere": (
        lambda rows: rows["hazard"][1].update(waits_for="/tmp"),  # noqa: S108  a path to refuse
        "HZ-02: /tmp is no path in this repository",
    ),
}


@pytest.mark.parametrize("name", sorted(SLIPS))
def test_slip_in_links_cells_or_waits_is_found(small: Rows, tmp_path: Path, name: str) -> None:
    """Whatever does not hang together is named."""
    slip, finding = SLIPS[name]
    slip(small)

    assert finding in trace_rows.faults_of(small, tmp_path)


def test_row_may_not_wait_for_what_is_there(small: Rows, tmp_path: Path) -> None:
    """As soon as the path exists, file or folder, every row that waits for it is found."""
    (tmp_path / "later/part").mkdir(parents=True)

    found = trace_rows.faults_of(small, tmp_path)
    wanted = "{}: waits for later/part, which is there: show it by a test"
    assert [wanted.format("HZ-02"), wanted.format("S01")] == found


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ('@pytest.mark.req("SR-001")\ndef test_a(): ...', {"test_a": {"SR-001"}}),
        ('@pytest.mark.req("SR-001", "HZ-02")\ndef test_a(): ...', {"test_a": {"SR-001", "HZ-02"}}),
        (
            '@pytest.mark.req("SR-001")\n@pytest.mark.req("H03")\nasync def test_a(): ...',
            {"test_a": {"SR-001", "H03"}},
        ),
        (
            '@pytest.mark.req("SR-004")\nclass A:\n @pytest.mark.req("W01")\n def test_b(_): ...',
            {"A.test_b": {"SR-004", "W01"}},
        ),
        ('class TestA(B):\n pytestmark = pytest.mark.req("SR-004")', {"TestA": {"SR-004"}}),
        (
            'pytestmark = [pytest.mark.slow, pytest.mark.req("SR-005")]\ndef test_a(): ...',
            {"test_a": {"SR-005"}},
        ),
        (
            'TestA = B.TestCase\nTestA.pytestmark = [pytest.mark.req("SR-005")]',
            {"TestA": {"SR-005"}},
        ),
        (
            '@parametrize("x", [param(1, marks=pytest.mark.req("D01"))])\ndef test_a(x): ...',
            {"test_a": {"D01"}},
        ),
        ("@pytest.mark.req(NAME)\ndef test_a(): ...", {"test_a": {"?"}}),
        ("@pytest.mark.req()\ndef test_a(): ...", {"test_a": {"?"}}),
        ('@pytest.mark.slow\ndef test_a():\n    """Not SR-007."""', {"test_a": set()}),
        ('@pytest.mark.req("SR-001")\ndef helper(): ...', {"": {"SR-001"}}),
        ('X = [pytest.param(1, marks=pytest.mark.req("SR-006"))]', {"": {"SR-006"}}),
    ],
)
def test_marks_are_found_wherever_they_stand(source: str, named: dict[str, set[str]]) -> None:
    """Marks count at tests, classes, modules and parameters; one at no test has no name."""
    assert named == {test.name: set(test.ids) for test in trace_tests.tests_in(source, "t.py")}


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        (SHOWN.replace('"SR-001", ', ""), "SR-001: untested, no test names it"),
        (SHOWN.replace('"HZ-01", ', ""), "HZ-01: untested, no test names it"),
        (SHOWN.replace(', "H01"', ""), "H01: untested, no test names it"),
        ("@pytest.mark.skip\n" + SHOWN, "HZ-01: untested, no test names it"),
        ('@pytest.mark.xfail(reason="r")\n' + SHOWN, "HZ-01: untested, no test names it"),
        (SHOWN.replace("test_a", "helper"), "HZ-01: untested, no test names it"),
        (
            SHOWN.replace("test_a", "helper"),
            "t.py: marks ['H01', 'HZ-01', 'SR-001', 'SR-002'] stand at no test",
        ),
        (
            SHOWN.replace("HZ-01", "HZ-03"),
            "t.py: test_a: HZ-03 is no requirement, hazard or invariant",
        ),
        (SHOWN.replace('"H01"', "NAME"), "t.py: test_a: ? is no requirement, hazard or invariant"),
        (
            SHOWN.replace('"H01"', '"ARM-N"'),
            "t.py: test_a: ARM-N is no requirement, hazard or invariant",
        ),
        (SHOWN.replace('"H01"', '"S01"'), "S01: waits although test_a shows it"),
    ],
)
def test_untested_row_and_unknown_mark_are_found(small: Rows, source: str, finding: str) -> None:
    """A row that no test names, one named while it waits, and a mark of nothing are seen."""
    assert finding in trace_tests.unshown(small, trace_tests.tests_in(source, "t.py"))
