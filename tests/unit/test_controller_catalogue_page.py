"""docs/alarms.md and controller/catalogue.toml say what the sources say, and staleness is seen."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from controller.catalogue import entries
from safety.alarms import PRIORITIES, Priority
from safety.alarms_signals import LOOKS
from safety.causes import Harm, Onset

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.req("SR-045")

SCRIPTS = {"make_catalogue": "DATA", "make_alarms": "PAGE"}
"""Scripts, and the name under which each holds the path that it writes."""


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_writes_is_current(name: str) -> None:
    """Whoever changes a cause, a guard, a requirement or a test writes data file and page anew."""
    script = DOCS / f"{name}.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("name", "path"), SCRIPTS.items())
def test_script_writes_then_finds_it_current_and_finds_one_changed_word(
    name: str,
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Missing and changed are stale, and the message says what to do; a slip writes nothing."""
    module = load(name, monkeypatch)
    shipped = getattr(module, path)
    written = tmp_path / shipped.name
    monkeypatch.setattr(module, path, written)

    assert (2, False) == (module.main(["--chek"]), written.exists())
    assert "usage" in capsys.readouterr().err
    assert 1 == module.main(["--check"])
    assert 0 == module.main([])
    assert 0 == module.main(["--check"])
    assert shipped.read_bytes() == written.read_bytes()
    capsys.readouterr()
    written.write_text(written.read_text("utf-8").replace("over-depth", "overdepth"), "utf-8")
    assert 1 == module.main(["--check"])
    assert f"run python docs/{name}.py" in capsys.readouterr().err


@pytest.mark.req("SR-045")
def test_page_has_a_section_for_every_code_with_its_words() -> None:
    """Nothing of an entry is missing, and every section is one of the catalogue."""
    text = (DOCS / "alarms.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))

    known = entries()
    assert list(known) == list(sections)
    for code, entry in known.items():
        section = sections[code]
        for words in (entry.text[1:], entry.pen, entry.next_step, entry.clears, *entry.tests):
            assert words in section
        for label, words in (("severity", entry.severity), ("alarm", entry.priority.lower())):
            assert (f"- {label}: {words}\n" in section) == bool(words)
        rows = re.findall(r"^- hazards: (.*)$", section, re.MULTILINE)
        assert [", ".join(map(str, entry.hazards))] * bool(entry.hazards) == rows


def test_page_tells_priorities_and_how_each_looks() -> None:
    """The tables are those of the core."""
    text = (DOCS / "alarms.md").read_text(encoding="utf-8")

    for harm in Harm:
        cells = " | ".join(PRIORITIES[harm, onset].name.lower() for onset in Onset)
        assert f"| {harm.name.lower()} | {cells} |" in text
    for priority in Priority:
        look = LOOKS[priority]
        assert f"| {priority.name.lower()} | `{look.symbol}` | {look.colour}, " in text


def test_tests_that_name_few_codes_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most specific test shows a code; functions go before modules, the core before others."""
    module = load("make_catalogue", monkeypatch)
    known = {"a": {"CauseCode.A", '"a"'}, "b": {"Fault.B", "Fault)"}, "c": {'"c"'}}
    tests = [
        module.shown("tests/unit/test_many.py::test_1", 'CauseCode.A == f("fault", Fault)'),
        module.shown("tests/unit/test_other.py::test_2", "x = CauseCode.A"),
        module.shown("tests/unit/test_safety_x.py::test_3", 'CauseCode.AB, "a"'),
        module.shown("tests/unit/test_module.py", '"a" "c"'),
    ]

    expected = {
        "a": ["tests/unit/test_safety_x.py::test_3", "tests/unit/test_other.py::test_2"],
        "b": ["tests/unit/test_many.py::test_1"],
        "c": ["tests/unit/test_module.py"],
    }
    assert expected == module.shown_by(known, tests)
