"""The kinds of entries: all that the core writes are known, and all that are known are told of."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from controller.records.kinds import SAMPLES, Kind, Outcome
from safety.ledger import Outcome as LedgerOutcome

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
WRITERS = {"write", "note"}
"""Names of what the core calls to make an entry; the kind is the last text before the body."""


def kinds_of(source: str) -> set[str]:
    """Return the kinds that a module of the core writes, as they stand in its calls."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
        if name in WRITERS and first:
            found.add(str(first[0]))
    return found


def rows_of(page: str) -> dict[str, str]:
    """Return the table of kinds: each kind and what its row says of the body."""
    section = page.partition("## 4. Kinds")[2].partition("`session_opened` holds")[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|(.*)\|$", section, re.MULTILINE)
    return dict(rows)


@pytest.mark.req("SR-022")
def test_every_kind_that_the_core_writes_is_known() -> None:
    """What safety writes down has a name here, and the search finds what it is to find."""
    written = set[str]()
    for path in (ROOT / "safety").rglob("*.py"):
        written |= kinds_of(path.read_text(encoding="utf-8"))

    assert {"pass_planned", "pass_reconciled", "alarms_acknowledged", "area_chosen"} <= written
    assert written <= set(Kind)


def test_every_kind_stands_in_the_page_and_no_other() -> None:
    """docs/records.md tells of each kind once."""
    assert set(Kind) == set(rows_of(PAGE))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("pass_planned", "strokes_before strokes_in_contact_before serial_number epoch"),
        ("pass_reconciled", "area number outcome strokes_in_contact strokes_before strokes_now"),
        ("area_chosen", "area source"),
        ("alarms_acknowledged", "source"),
        ("audio_paused", "source"),
        ("fault_gone", "code"),
        ("reset", "role codes"),
        ("cartridge_changed", "before after"),
    ],
)
def test_page_names_what_an_entry_holds(kind: str, names: str) -> None:
    """The names in a row are those of the body."""
    told = re.findall(r"`(\w+)`", rows_of(PAGE)[kind])

    assert set(names.split()) <= set(told)


@pytest.mark.req("SR-007")
def test_record_and_ledger_have_the_same_outcomes() -> None:
    """All but the one of a pass in flight, which is never written down."""
    assert {str(one) for one in LedgerOutcome} - {"planned"} == {str(one) for one in Outcome}


def test_samples_are_no_part_of_what_a_session_follows_from() -> None:
    """A summary leaves out measurements alone."""
    assert {"scan"} == SAMPLES
