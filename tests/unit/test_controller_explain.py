"""`penpilot explain`: every code has its words, and what they name exists."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.catalogue import FAULT_WORDS, Entry, entries, remedy_of
from controller.commands.explain import explain
from controller.errors import ExitCode
from drivers.registers import Fault
from safety.alarms import priority_of
from safety.causes import CATALOGUE, CauseCode
from safety.states import Severity

ROOT = Path(__file__).parents[2]
ENTRIES = entries()
pytestmark = pytest.mark.req("SR-045")

NAMES = {"code", "kind", "text", "pen", "next_step", "clears"}
NAMES |= {"severity", "priority", "hazards", "tests"}
HAZARDS = {
    int(row["id"].removeprefix("HZ-"))
    for row in tomllib.loads((ROOT / "requirements" / "hazards.toml").read_text("utf-8"))["hazard"]
}


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    result = CliRunner().invoke(explain, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: str) -> tuple[int, Any]:
    """Return exit code and the one JSON document of the command."""
    code, out, err = run(*arguments, "--json")
    assert ("", 1) == (err, out.count("\n"))
    return code, json.loads(out)


def of_kind(kind: str) -> list[Entry]:
    """Return the entries of one kind."""
    return [entry for entry in ENTRIES.values() if entry.kind == kind]


def test_every_code_is_in_the_catalogue_once() -> None:
    """Causes, faults of the pen, rules that refuse, and exit codes; and nothing else."""
    text = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "safety").rglob("*.py"))
    rules = set(re.findall(r"Refusal\(\s*\"(SR-\d{3})\"", text))

    assert [str(code) for code in CATALOGUE] == [one.code for one in of_kind("cause")]
    assert set(CauseCode) == set(CATALOGUE)
    assert [f"0x{one:02x}" for one in Fault if one] == [one.code for one in of_kind("pen fault")]
    assert sorted(rules) == [one.code for one in of_kind("rule")]
    assert [f"exit-{int(one)}" for one in ExitCode] == [one.code for one in of_kind("exit code")]
    kinds = {"cause", "pen fault", "rule", "exit code"}
    assert kinds == {entry.kind for entry in ENTRIES.values()}
    assert all(code == entry.code for code, entry in ENTRIES.items())


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.code)
def test_entry_says_all_that_a_person_needs(entry: Entry) -> None:
    """What happened, what the pen does, what to do next, and who may clear it."""
    assert all((entry.text, entry.pen, entry.clears))
    assert re.search(r"[.!]$", entry.pen)
    assert re.search(r"[.!]$", entry.next_step)
    is_alarm = entry.kind in {"cause", "pen fault"}
    assert is_alarm == bool(entry.severity) == bool(entry.priority) == bool(entry.hazards)
    assert set(entry.hazards) <= HAZARDS


@pytest.mark.parametrize("kind", ["cause", "pen fault", "rule", "exit code"])
def test_every_code_is_shown_by_a_test(kind: str) -> None:
    """No code is without a test that names it."""
    assert [] == [entry.code for entry in of_kind(kind) if not entry.tests]


def test_tests_that_show_a_code_exist() -> None:
    """Module and function are there, under the name that is told."""
    named = {test for entry in ENTRIES.values() for test in entry.tests}
    missing = []
    for test in sorted(named):
        path, _, function = test.partition("::")
        module = ROOT / path
        tree = ast.parse(module.read_text(encoding="utf-8")) if module.is_file() else None
        names = (
            [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
        )
        missing += [test] * (tree is None or bool(function and function not in names))

    assert [] == missing


def test_cause_is_told_as_the_safety_core_tells_it() -> None:
    """No word and no figure is changed on the way."""
    for code, kind in CATALOGUE.items():
        entry = ENTRIES[str(code)]

        assert (kind.text, kind.pen, kind.next_step, kind.clears, kind.hazards) == (
            entry.text,
            entry.pen,
            entry.next_step,
            entry.clears,
            entry.hazards,
        )
        assert (kind.severity.name, priority_of(kind).name) == (entry.severity, entry.priority)


def test_fault_of_the_pen_is_cleared_by_a_technician_from_0x80_on() -> None:
    """Severity follows the code; what is in memory over a power cycle is never an operator's."""
    told = {entry.code: entry.severity for entry in of_kind("pen fault")}
    operator, technician = Severity.FAULT_OPERATOR.name, Severity.FAULT_TECHNICIAN.name

    assert {f"0x{n:02x}": technician if n >= 0x80 else operator for n in FAULT_WORDS} == told
    assert (operator, technician) == (told["0x07"], told["0x81"])
    needles_out = {e.code for e in of_kind("pen fault") if "retracted" not in e.pen}
    assert {"0x81", "0x82"} == needles_out


def test_rule_is_told_as_the_requirements_tell_it() -> None:
    """Its text is that of the requirement, and its remedies are those of the guards."""
    path = ROOT / "requirements" / "requirements.toml"
    texts = {r["id"]: r["text"] for r in tomllib.loads(path.read_text("utf-8"))["requirement"]}

    assert {r.code: texts[r.code] for r in of_kind("rule")} == {
        r.code: r.text for r in of_kind("rule")
    }
    assert ("SR-009",) == remedy_of("telemetry_is_fresh").rules
    assert remedy_of("telemetry_is_fresh").fixes[0] in ENTRIES["SR-009"].next_step


def test_exit_code_is_told_as_the_page_of_the_command_line_tells_it() -> None:
    """docs/cli.md and the catalogue say the same of every code."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE))

    expected = {f"exit-{code}": text.replace("`", "") for code, text in told.items()}
    assert expected == {entry.code: entry.text for entry in of_kind("exit code")}


def test_command_named_in_a_remedy_exists() -> None:
    """Nobody is sent to a command that there is not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    commands = set(project["entry-points"]["penpilot.commands"])
    texts = " ".join(f"{e.text} {e.pen} {e.next_step} {e.clears}" for e in ENTRIES.values())
    named = set(re.findall(r"penpilot (\w+)", texts))

    assert named <= commands
    assert "explain" in named


@pytest.mark.parametrize("code", ENTRIES)
def test_code_is_explained_in_words_and_as_json(code: str) -> None:
    """All of an entry is printed; the document has the names of docs/cli.md."""
    entry = ENTRIES[code]
    status, out, err = run(code)

    assert (0, "") == (status, err)
    assert out.startswith(f"{code} ({entry.kind}): {entry.text}\n")
    labels = {"the pen": entry.pen, "next step": entry.next_step, "may clear it": entry.clears}
    labels |= {"severity": entry.severity.lower().replace("_", " ")}
    labels |= {"alarm": entry.priority.lower()}
    labels |= {"hazards": ", ".join(map(str, entry.hazards))}
    told = dict(re.findall(r"^  (\S[\w ]*?)  +(\S.*)$", out, re.MULTILINE))
    assert {name: text for name, text in labels.items() if text} == {
        name: text for name, text in told.items() if name != "shown by"
    }
    assert list(entry.tests) == re.findall(r"tests/\S+", out)
    status, document = run_json(code)
    assert (0, NAMES) == (status, set(document))
    assert document == {
        **{name: getattr(entry, name) for name in NAMES},
        "severity": entry.severity or None,
        "priority": entry.priority or None,
        "hazards": list(entry.hazards),
        "tests": list(entry.tests),
    }


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("OVER-DEPTH", "over-depth"),
        ("OVER_DEPTH", "over-depth"),
        (" over-depth ", "over-depth"),
        ("sr-009", "SR-009"),
        ("0X81", "0x81"),
        ("0x7", "0x07"),
        ("EXIT-3", "exit-3"),
    ],
)
def test_code_is_found_however_it_is_typed(typed: str, code: str) -> None:
    """Case and a missing zero do not matter."""
    assert run(code) == run(typed)


@pytest.mark.parametrize(
    ("typed", "near"), [("overdepth", "over-depth"), ("0x99", "0x"), ("SR-999", "SR-009")]
)
def test_unknown_code_is_one_line_with_the_nearest_names(typed: str, near: str) -> None:
    """The exit code is that of wrong input, and nothing is printed as if it were known."""
    code, out, err = run(typed)

    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"penpilot: there is no code '{typed}'; nearest: ")
    assert near in err.split("nearest: ")[1]
    assert (ExitCode.INPUT, {"error", "exit_code"}) == (
        run_json(typed)[0],
        set(run_json(typed)[1]),
    )


@pytest.mark.parametrize("typed", ["", "zzzzzz", "0x", "0xzz", "0x123", "\x1b[2J"])
def test_code_that_is_like_no_other_is_one_line(typed: str) -> None:
    """Whatever is typed, the answer is one clean line."""
    code, out, err = run(typed)

    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert err.strip().isprintable()


def test_codes_are_listed_without_a_code() -> None:
    """Every code stands in the list by kind, with the priority of its alarm and its words."""
    code, out, err = run()
    status, documents = run_json()

    assert (0, "", 0) == (code, err, status)
    lines = out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert ["Causes", "Pen faults", "Rules", "Exit codes"] == heads
    rows = [line for line in lines if line.startswith("  ")]
    assert list(ENTRIES) == [row.split()[0] for row in rows]
    for row, entry in zip(rows, ENTRIES.values(), strict=True):
        assert row.endswith(f"  {entry.text}")
        priority = [entry.priority.lower()] if entry.priority else []
        assert [entry.code, *priority] == row.removesuffix(entry.text).split()
    assert list(ENTRIES) == [one["code"] for one in documents]
    assert all(NAMES == set(one) for one in documents)
