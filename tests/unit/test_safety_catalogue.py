"""Each cause is what its page and a snapshot say; neither shows that it is right."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

from safety.catalogue import CATALOGUE
from safety.cause_kinds import CauseCode

TESTS = Path(__file__).parents[1]
NOTED = tomllib.loads((TESTS / "data" / "causes.toml").read_text(encoding="utf-8"))
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.req("SR-045")
def test_page_says_of_every_cause_what_the_core_goes_by() -> None:
    """A cause that differs from docs/alarms.md was changed without writing the page anew."""
    spec = importlib.util.spec_from_file_location("make_alarms", DOCS / "make_alarms.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert (DOCS / "alarms.md").read_text(encoding="utf-8") == script.page()


@pytest.mark.parametrize("code", CauseCode)
def test_cause_is_unchanged_since_it_was_noted(code: CauseCode) -> None:
    """A snapshot: a change of severity, harm, onset, event or hazards does not go unseen."""
    kind = CATALOGUE[code]
    event = "" if kind.event is None else kind.event.name
    said = [kind.severity.name, kind.harm.name, kind.onset.name, event, list(kind.hazards)]

    assert NOTED[code.value] == said


@pytest.mark.req("SR-045")
def test_catalogue_has_every_code() -> None:
    """A cause without an entry would have no severity."""
    assert set(CauseCode) == set(CATALOGUE)
