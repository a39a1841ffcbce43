"""Writes controller/catalogue.toml from tests, guards and requirements; it decides nothing.

The file holds what an installed penpilot cannot see: which tests show a code, what requirements
say, and what the guards answer when they refuse. ``python docs/make_catalogue.py`` writes it,
``--check`` compares it and fails if it is stale.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # a plain script: it also runs where nothing is installed

from controller.catalogue import fault_code  # noqa: E402
from controller.errors import ExitCode  # noqa: E402
from drivers.registers import Fault  # noqa: E402
from safety.causes import CauseCode  # noqa: E402

DATA = ROOT / "controller" / "catalogue.toml"
TESTS_MAX = 2
"""So many tests are named for a code: the most specific ones. ASSUMED: a reader opens no more."""

OF_THE_PEN = re.compile(r"integration/|test_(simulator|hil)")
"""Test modules in which a text such as ``"stall"`` is a fault to inject, and no cause."""

ABOUT_CODES = re.compile(r"causes|alarms|page|explain|safety_command|catalogue|drivers_block")
"""Test modules about the codes themselves, which show none of them."""

AS_THE_CAUSE_SAYS = "Do what the cause says: penpilot explain CODE."
"""What stands for a remedy that a guard takes from the cause it has found."""

HEAD = """\
# Written by docs/make_catalogue.py from tests, guards and requirements; a test finds it if stale.

[tests]
"""


NAME = re.compile(r"\b(?:CauseCode|ExitCode|Fault)\.\w+|\bFault\)|\"[\w-]+\"")
"""How a test may name a code. A test run over all of ``Fault)`` names every fault."""


class Shown(NamedTuple):
    """A test, where it stands, and all names in its source and its decorators."""

    name: str
    names: frozenset[str]


def shown(name: str, text: str) -> Shown:
    """Return a test with all names in its text."""
    return Shown(name, frozenset(NAME.findall(text)))


class Refuser(NamedTuple):
    """A function that refuses: under which rules, and with which remedies."""

    rules: list[str]
    fixes: list[str]


def tests_of_the_tree() -> list[Shown]:
    """Return every test of this checkout, by path and then by line, and the rest of each module.

    The rest stands for the tables that tests are run over, under the name of the module.
    """
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if ABOUT_CODES.search(path.stem):
            continue
        source = path.read_text(encoding="utf-8")
        module = path.relative_to(ROOT).as_posix()
        rest = dict(enumerate(source.splitlines(), 1))
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                text = [rest.pop(line) for line in range(first, (node.end_lineno or first) + 1)]
                found.append(shown(f"{module}::{node.name}", "\n".join(text)))
        found.append(shown(module, "\n".join(rest.values())))
    return found


def names_of(rules: list[str]) -> list[dict[str, set[str]]]:
    """Return for each kind of code, causes first, the names that stand for each code."""
    return [
        {str(code): {f"CauseCode.{code.name}", f'"{code}"'} for code in CauseCode},
        {fault_code(one): {f"Fault.{one.name}", "Fault)"} for one in Fault if one},
        {rule: {f'"{rule}"'} for rule in rules},
        {f"exit-{int(one)}": {f"ExitCode.{one.name}"} for one in ExitCode},
    ]


def shown_by(known: dict[str, set[str]], tests: list[Shown]) -> dict[str, list[str]]:
    """Return for each code of one kind the tests that name it, those that name few codes first."""
    named = {
        test.name: [code for code, names in known.items() if names & test.names] for test in tests
    }
    by_code = {}
    for code in known:
        found = [name for name, codes in named.items() if code in codes]
        found.sort(key=lambda name: ("::" not in name, len(named[name]), "safety" not in name))
        by_code[code] = found[:TESTS_MAX]
    return by_code


def refusers() -> dict[str, Refuser]:
    """Return every function of the safety core that refuses, with its rules and remedies."""
    found: dict[str, Refuser] = {}
    for path in sorted((ROOT / "safety").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for rule, fix in _refusals(node):
                    told = found.setdefault(node.name, Refuser([], []))
                    told.rules.extend({rule} - {*told.rules})
                    told.fixes.extend({fix} - {*told.fixes})
    return dict(sorted(found.items()))


def _refusals(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield rule and remedy of each refusal that a function writes out."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "Refusal":
            continue
        given = dict(zip(("rule", "reason", "fix"), node.args, strict=False))
        given |= {word.arg: word.value for word in node.keywords if word.arg}
        fix = given["fix"]
        is_written = isinstance(fix, ast.Constant)
        yield (
            ast.literal_eval(given["rule"]),
            ast.literal_eval(fix) if is_written else AS_THE_CAUSE_SAYS,
        )


def requirements() -> dict[str, str]:
    """Return the text of every requirement."""
    path = ROOT / "requirements" / "requirements.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
    return {row["id"]: row["text"] for row in rows}


def data() -> str:
    """Return the data file."""
    refusing, texts = refusers(), requirements()
    rules = sorted({rule for one in refusing.values() for rule in one.rules})
    tests = tests_of_the_tree()
    causes, *others = names_of(rules)
    found = shown_by(causes, [one for one in tests if not OF_THE_PEN.search(one.name)])
    for known in others:
        found |= shown_by(known, tests)
    lines = [f"{_text(code)} = {_list(names)}" for code, names in found.items()]
    for rule in rules:
        fixes = [fix for one in refusing.values() if rule in one.rules for fix in one.fixes]
        lines += ["", f"[rule.{rule}]", f"text = {_text(texts[rule])}"]
        lines.append(f"fixes = {_list(list(dict.fromkeys(fixes)))}")
    for name, told in refusing.items():
        lines += ["", f"[refusal.{name}]"]
        lines += [f"rules = {_list(told.rules)}", f"fixes = {_list(told.fixes)}"]
    return HEAD + "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a text as TOML writes it; for what stands here that is as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _list(values: list[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"


def main(arguments: list[str]) -> int:
    """Write the data file, or compare it if asked to; return the exit code."""
    if arguments == ["--check"]:
        is_current = DATA.is_file() and DATA.read_text(encoding="utf-8") == data()
        if not is_current:
            sys.stderr.write(f"{DATA.name} is stale: run python docs/make_catalogue.py\n")
        return 0 if is_current else 1
    if arguments:
        sys.stderr.write("usage: make_catalogue.py [--check]\n")
        return 2
    DATA.write_text(data(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
