"""Every safety requirement is shown by a test, and every mark names one; read from the sources."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIELDS = {"id", "group", "text", "source"}


def requirements_in(text: str) -> list[dict[str, str]]:
    """Return the requirements of a TOML text."""
    return list(tomllib.loads(text)["requirement"])


def malformed(requirements: list[dict[str, str]]) -> list[str]:
    """Return what is wrong with requirements: ids, fields, empty texts."""
    ids = [requirement.get("id", "") for requirement in requirements]
    findings = [f"{name}: given {ids.count(name)} times" for name in ids if ids.count(name) > 1]
    for requirement in requirements:
        name = requirement.get("id", "?")
        if not re.fullmatch(r"SR-\d{3}", name):
            findings.append(f"{name}: wanted SR- and three digits")
        if set(requirement) != FIELDS or not all(value.strip() for value in requirement.values()):
            findings.append(f"{name}: wanted {sorted(FIELDS)}, none of them empty")
        if not requirement.get("text", "").endswith("."):
            findings.append(f"{name}: wanted a text of whole sentences")
    return findings


def marks_in(source: str) -> set[str]:
    """Return the ids in every ``pytest.mark.req`` of a test module.

    An id that is not written out as a text cannot be traced and counts as ``?``.
    """
    ids: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.req":
            values = [a.value if isinstance(a, ast.Constant) else "?" for a in node.args] or ["?"]
            ids |= {value if isinstance(value, str) else "?" for value in values}
    return ids


def marks_of_the_tree() -> dict[str, set[str]]:
    """Return the marked ids of every test module of this checkout by its path."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    texts = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in paths}
    return {path: marks_in(text) for path, text in texts.items()}


REQUIREMENTS = [
    requirement
    for path in sorted((ROOT / "requirements").glob("*.toml"))
    for requirement in requirements_in(path.read_text(encoding="utf-8"))
]
KNOWN = {requirement["id"] for requirement in REQUIREMENTS}


def test_requirements_are_well_formed() -> None:
    """Every requirement has an id of its own, a group, a text and a source."""
    assert [] == malformed(REQUIREMENTS)
    assert REQUIREMENTS


def test_every_requirement_is_named_by_a_test() -> None:
    """No requirement is without a test that says that it shows it."""
    assert "" == " ".join(sorted(KNOWN - set().union(*marks_of_the_tree().values())))


def test_every_mark_names_a_known_requirement() -> None:
    """No test claims a requirement that does not exist."""
    unknown = {path: ids - KNOWN for path, ids in marks_of_the_tree().items()}

    assert {} == {path: ids for path, ids in unknown.items() if ids}


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        ('@pytest.mark.req("SR-001")\ndef test_a(): ...', {"SR-001"}),
        ('@pytest.mark.req("SR-001", "SR-002")\ndef test_a(): ...', {"SR-001", "SR-002"}),
        (
            '@pytest.mark.req("SR-001")\n@pytest.mark.req("SR-003")\ndef test_a(): ...',
            {"SR-001", "SR-003"},
        ),
        ('@pytest.mark.req("SR-004")\nclass TestA: ...', {"SR-004"}),
        ('pytestmark = [pytest.mark.slow, pytest.mark.req("SR-005")]', {"SR-005"}),
        ('pytest.param(1, marks=pytest.mark.req("SR-006"))', {"SR-006"}),
        ("@pytest.mark.req(NAME)\ndef test_a(): ...", {"?"}),
        ("@pytest.mark.req()\ndef test_a(): ...", {"?"}),
        ('@pytest.mark.slow\ndef test_a():\n    """Not SR-007."""', set()),
    ],
)
def test_marks_are_found_wherever_they_stand(source: str, ids: set[str]) -> None:
    """Marks count at tests, classes, modules and parameters, one id or several."""
    assert ids == marks_in(source)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "SR-2"},
        {"id": "SR-001"},
        {"text": "No full stop"},
        {"source": " "},
        {"owner": "nobody"},
    ],
)
def test_slip_in_a_requirement_is_found(change: dict[str, str]) -> None:
    """A malformed or doubled id, an empty or foreign field and a broken text are seen."""
    first = {"id": "SR-001", "group": "limits", "text": "Fact.", "source": "DESIGN 4"}
    second = first | {"id": "SR-002"}

    assert [] == malformed([first, second])
    assert malformed([first, second | change])
