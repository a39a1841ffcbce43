"""What is written about each cause is what the core goes by: severity, alarm, who clears it."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

from safety.catalogue import CATALOGUE
from safety.cause_kinds import CauseCode

TESTS = Path(__file__).parents[1]
TWICE = tomllib.loads((TESTS / "data" / "causes.toml").read_text(encoding="utf-8"))
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.req("SR-045")
def test_page_says_of_every_cause_what_the_core_goes_by() -> None:
    """docs/alarms.md was read by people; a cause that differs from it was changed behind them."""
    spec = importlib.util.spec_from_file_location("make_alarms", DOCS / "make_alarms.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert (DOCS / "alarms.md").read_text(encoding="utf-8") == script.page()


@pytest.mark.req("SR-045")
@pytest.mark.parametrize("code", CauseCode)
def test_cause_is_what_was_written_down_twice(code: CauseCode) -> None:
    """Severity, harm, onset, event and hazards of each cause, in a second account of them."""
    kind = CATALOGUE[code]
    event = "" if kind.event is None else kind.event.name
    said = [kind.severity.name, kind.harm.name, kind.onset.name, event, list(kind.hazards)]

    assert TWICE[code.value] == said


@pytest.mark.req("SR-045")
def test_catalogue_has_every_code() -> None:
    """A cause without an entry would have no severity."""
    assert set(CauseCode) == set(CATALOGUE)
