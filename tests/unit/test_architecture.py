"""The packages import each other only in the direction of the house; seeded offences are caught."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("controller", "drivers", "hil", "safety", "simulator")

PURE = {"__future__", "collections", "collections.abc", "copy", "dataclasses", "enum", "functools"}
PURE |= {"itertools", "math", "operator", "transitions", "types", "typing"}
"""All that safety may import from outside. Unknown counts as unsafe: this list is closed."""

IMPORT_BY_NAME = {"__import__", "import_module", "exec", "eval"}
"""Calls that import without an import statement."""


def imports_in(source: str) -> set[str]:
    """Return the full names of all modules that a source imports, in functions as well.

    An import by name counts as one of the module ``?``, which no list allows.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            names |= {"?"} if called in IMPORT_BY_NAME else set()
    return names


def impure_imports(source: str) -> set[str]:
    """Return what a source imports and safety may not."""
    return {name for name in imports_in(source) - PURE if name.split(".")[0] != "safety"}


def simulator_imports(source: str) -> set[str]:
    """Return what a source imports of ours and the simulator may not."""
    refused = {"controller", "drivers", "hil", "safety", "", "?"}
    found = {name for name in imports_in(source) if name.split(".")[0] in refused}
    return found - {"drivers.registers"}


def is_choice_of_words(node: ast.AST) -> bool:
    """Tell whether a node only picks one of two texts to show, plain or as ``Text("...")``."""
    if not isinstance(node, ast.IfExp):
        return False
    parts = [part for side in (node.body, node.orelse) for part in ast.walk(side)]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    shown = ast.Constant | ast.Call | ast.keyword | ast.Name | ast.Load
    return names <= {"Text"} and all(isinstance(part, shown) for part in parts)


def branches_on_simulation(source: str) -> list[str]:
    """Return the conditions of a source that ask whether the pen is a simulated one.

    Telling people so is no branch: a choice between two texts is left alone.
    """
    nodes = [node for node in ast.walk(ast.parse(source)) if not is_choice_of_words(node)]
    conditions = [node.test for node in nodes if isinstance(node, ast.If | ast.IfExp | ast.While)]
    conditions += [node.subject for node in nodes if isinstance(node, ast.Match)]
    texts = [ast.unparse(condition) for condition in conditions]
    return [text for text in texts if re.search(r"(?i)simulat|is_sim|\bfake|\bmock", text)]


def sources_of(*packages: str) -> dict[str, str]:
    """Return every source of some packages by its path."""
    paths = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of ``pyproject.toml`` against the packages in a folder."""
    program = "import sys; from importlinter.cli import lint_imports as run"
    program += "; sys.exit(run(no_cache=True, no_logo=True))"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.req("SR-026")
def test_contracts_hold_for_the_packages() -> None:
    """Every import-linter contract of pyproject.toml is kept."""
    result = lint_imports(ROOT)

    assert 0 == result.returncode, result.stdout + result.stderr


CLEAN_TREE = {
    **{f"{package}/__init__.py": "" for package in PACKAGES},
    "controller/loop.py": "import drivers.block\nimport safety.limits\n",
    "drivers/block.py": "from drivers import registers\nimport serial\n",
    "drivers/later.py": "",
    "drivers/registers.py": "",
    "hil/bench.py": "import controller.loop\nimport simulator.codec\n",
    "safety/limits.py": "import enum\nimport transitions\n",
    "simulator/codec.py": "from drivers import registers\nimport struct\n",
}
"""The house in small, with every direction of import that is allowed."""


def lint_tree(folder: Path, tree: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Write a tree of sources and check the contracts of this project against it."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, source in tree.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source, encoding="utf-8")
    return lint_imports(folder)


@pytest.mark.req("SR-026")
def test_contracts_hold_for_a_clean_tree(tmp_path: Path) -> None:
    """The allowed directions break no contract, so that an offence below is the offence's own."""
    result = lint_tree(tmp_path, CLEAN_TREE)

    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.req("SR-026")
@pytest.mark.parametrize(
    ("contract", "offences"),
    [
        (
            "safety is pure",
            ["safety.limits -> time", "safety.limits -> threading", "safety.limits -> os"],
        ),
        (
            "The house",
            [
                "controller.loop -> hil.bench",
                "controller.loop -> simulator.codec",
                "drivers.block -> controller.loop",
                "drivers.block -> safety.limits",
                "safety.limits -> drivers.registers",
                "simulator.codec -> controller.loop",
            ],
        ),
        (
            "simulator shares only",
            [
                "simulator.codec -> drivers.block",
                "simulator.codec -> drivers.later",
                "simulator.codec -> safety.limits",
            ],
        ),
    ],
)
def test_contract_catches_each_seeded_offence(
    tmp_path: Path, contract: str, offences: list[str]
) -> None:
    """Each import in a wrong direction is named by the contract that forbids it."""
    tree = dict(CLEAN_TREE)
    for offence in offences:
        importer, imported = offence.split(" -> ")
        tree[importer.replace(".", "/") + ".py"] += f"import {imported}\n"

    result = lint_tree(tmp_path, tree)

    assert 1 == result.returncode, result.stdout + result.stderr
    assert re.search(rf"^{contract}.* BROKEN", result.stdout, re.MULTILINE), result.stdout
    assert [] == [offence for offence in offences if offence not in result.stdout]


@pytest.mark.req("SR-026", "SR-051", "H15")
def test_safety_imports_only_what_is_pure() -> None:
    """Safety imports itself and a closed list of modules that neither do I/O nor read a clock."""
    found = {path: impure_imports(source) for path, source in sources_of("safety").items()}

    assert {} == {path: names for path, names in found.items() if names}
    assert len(found) > 1


@pytest.mark.req("SR-026")
def test_simulator_imports_only_the_register_map_of_ours() -> None:
    """The simulated pen shares ``drivers.registers`` with the host and nothing else."""
    found = {path: simulator_imports(source) for path, source in sources_of("simulator").items()}

    assert {} == {path: names for path, names in found.items() if names}
    assert len(found) > 1


REFUSES_REAL_PENS = "controller/tracing/host_side.py"
"""Says recorded orders again, which no pen with needles may hear: it must ask."""


def test_nothing_branches_on_a_simulated_pen() -> None:
    """Only who refuses real pens asks, in controller, drivers and safety, whether one is real."""
    sources = sources_of("controller", "drivers", "safety")
    found = {str(path): branches_on_simulation(source) for path, source in sources.items()}

    assert [REFUSES_REAL_PENS] == [path for path, conditions in found.items() if conditions]


@pytest.mark.parametrize(
    ("offence", "name"),
    [
        ("import time", "time"),
        ("import os.path as p", "os.path"),
        ("def f():\n    from datetime import datetime", "datetime"),
        ("import random, enum", "random"),
        ("from socket import socket", "socket"),
        ("from drivers import registers", "drivers"),
        ("from . import limits", "."),
        ("__import__('time')", "?"),
        ("importlib.import_module('time')", "?"),
    ],
)
def test_impure_import_is_found_in_an_offending_source(offence: str, name: str) -> None:
    """Each way to import something impure is seen."""
    assert {name} == impure_imports(offence)


def test_pure_imports_are_left_alone_in_a_clean_source() -> None:
    """What safety really uses is no offence."""
    clean = "from collections.abc import Mapping\nimport enum\nfrom safety.limits import LIMITS\n"

    assert set() == impure_imports(clean)


@pytest.mark.parametrize(
    "offence",
    [
        "from drivers import registers",
        "import drivers.block",
        "from controller.errors import X",
        "from . import codec",
        "importlib.import_module(name)",
    ],
)
def test_simulator_import_is_found_in_an_offending_source(offence: str) -> None:
    """The simulator may name ``drivers.registers`` and its own modules in full, nothing else."""
    assert simulator_imports(offence)
    assert set() == simulator_imports("import struct\nfrom drivers.registers import ORDER\n")


@pytest.mark.parametrize(
    "offence",
    [
        "if simulating: pass",
        "x = limit if pen.is_simulated() else 2",
        "x = fast() if pen.is_simulated() else slow()",
        "while Capability.SIMULATED in capabilities: pass",
        "match kind_of_simulator:\n    case 1: pass",
        "if isinstance(pen, FakePen): pass",
    ],
)
def test_branch_on_simulation_is_found_in_an_offending_source(offence: str) -> None:
    """Each way to treat a simulated pen differently is seen; a plain value and a word are not."""
    clean = "simulated = bool(flags & 1)\nif ready: pass\nmark = 'SIMULATED' if simulated else ''\n"
    clean += "mark = Text('SIMULATED', style='yellow') if simulated else Text('')\n"

    assert branches_on_simulation(offence)
    assert [] == branches_on_simulation(clean)
