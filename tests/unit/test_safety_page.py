"""docs/state-machine.md says what `safety.table` says, and the script that writes it notices."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

from safety.states import Event, State
from safety.table import ROWS

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = DOCS / "make_state_machine.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, writing into a folder of its own."""
    spec = importlib.util.spec_from_file_location("make_state_machine", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAGE", tmp_path / "state-machine.md")
    return module


@pytest.mark.req("SR-004")
def test_page_is_current() -> None:
    """Whoever changes the table writes the page anew."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.req("SR-004")
def test_page_decides_every_pair_as_the_table_does() -> None:
    """Each state has a table of all events with next state and guards."""
    text = (DOCS / "state-machine.md").read_text(encoding="utf-8")
    told: dict[tuple[str, str], tuple[str, int]] = {}
    for section in text.split("\n## ")[1:]:
        state = section.split("\n")[0]
        for event, leads, guards in re.findall(
            r"^\| (\w+) \| (\w+) \|(.*)\|$", section, re.MULTILINE
        ):
            if event in Event.__members__:
                count = len([g for g in guards.split(",") if g.strip()])
                told[state, event] = (leads, count)

    expected = {
        (state.name, event.name): (row.next.name, len(row.guards)) if row else ("refused", 0)
        for state, event in product(State, Event)
        for row in [ROWS.get((state, event))]
    }
    assert expected == told


def test_diagram_shows_every_row_that_not_many_states_have() -> None:
    """What four states or more take is left out and named, so that the rest can be seen."""
    text = (DOCS / "state-machine.md").read_text(encoding="utf-8")
    told = {
        (before, event.split()[0], after, "[guarded]" in event)
        for before, after, events in re.findall(r"^    (\w+) --> (\w+): (.*)$", text, re.MULTILINE)
        for event in events.split(", ")
    }

    takers = Counter(event for _, event in ROWS)
    expected = {
        (r.state.name, r.event.name, r.next.name, bool(r.guards))
        for r in ROWS.values()
        if takers[r.event] < 4
    }
    assert expected == told
    left_out = text[text.index("Left out") : text.index("```mermaid")].split(":")[1]
    assert [e.name for e in Event if takers[e] >= 4] == re.findall(r"\w+", left_out)


def test_script_writes_the_page_and_then_finds_it_current(script: ModuleType) -> None:
    """What it writes is what it checks, and what the repository holds."""
    assert 1 == script.main(["--check"])
    assert 0 == script.main([])
    assert 0 == script.main(["--check"])
    assert (DOCS / "state-machine.md").read_bytes() == script.PAGE.read_bytes()


def test_script_finds_a_stale_page(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """One changed word is enough, and the message says what to do."""
    script.PAGE.write_text(script.page().replace("ARMED", "ARMS"), encoding="utf-8")

    assert 1 == script.main(["--check"])
    assert "run python docs/make_state_machine.py" in capsys.readouterr().err


def test_script_refuses_other_arguments(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip of the pen writes nothing."""
    assert 2 == script.main(["--chek"])
    assert "usage" in capsys.readouterr().err
    assert not script.PAGE.exists()


@pytest.mark.req("SR-004")
def test_page_is_what_the_script_makes_of_the_table_here(script: ModuleType) -> None:
    """The same in this process: rows, guards and the words for each event."""
    assert (DOCS / "state-machine.md").read_text(encoding="utf-8") == script.page()
