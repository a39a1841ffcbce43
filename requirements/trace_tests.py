"""Which test shows which row, read from the sources of the tests, and how the tests came out.

A mark names ids of any kind: ``@pytest.mark.req("SR-005", "HZ-09", "H10")``. It may stand at a
test, at a class, at a parameter of a test, or as ``pytestmark`` of a module or class. Nothing is
imported and nothing is run.
"""
# ruff: noqa: INP001  a script and its parts, not a package

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from trace_rows import Rows

OUTCOMES = ("failed", "skipped", "passed", "not run")
"""What became of a test, worst first; of many runs of one test the worst counts."""

NO_PROOF = {"pytest.mark.skip", "pytest.mark.xfail"}
"""A test with one of these shows nothing."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[str, list[ast.expr]]
"""Name of a test, and the pieces of source in which its marks stand."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test function, or a class that runs as one test, and the ids that it names.

    Args:
        path: Its module, from the root of the repository, with slashes.
        name: Its name, with its class in front: ``TestA.test_b``.
        ids: The ids, of any kind; ``?`` for one that is not written out as a text.
        counts: Whether it shows anything; one that is skipped or expected to fail does not.
    """

    path: str
    name: str
    ids: frozenset[str]
    counts: bool = True


def marks_in(node: ast.AST) -> list[ast.Call]:
    """Return every ``pytest.mark.req(...)`` in a piece of source."""
    calls = [found for found in ast.walk(node) if isinstance(found, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) == "pytest.mark.req"]


def ids_in(nodes: list[ast.expr]) -> frozenset[str]:
    """Return the ids of all marks in pieces of source; one that is not written out is ``?``."""
    ids: set[str] = set()
    for call in (call for node in nodes for call in marks_in(node)):
        values = [one.value if isinstance(one, ast.Constant) else "?" for one in call.args]
        ids |= {one if isinstance(one, str) else "?" for one in values or ["?"]}
    return frozenset(ids)


def is_proof(nodes: list[ast.expr]) -> bool:
    """Return whether no mark says that the test is skipped or may fail."""
    inner = [one for node in nodes for one in ast.walk(node)]
    return not NO_PROOF & {ast.unparse(one) for one in inner if isinstance(one, ast.Attribute)}


def own_marks(body: list[ast.stmt]) -> list[ast.expr]:
    """Return what ``pytestmark`` of a module or class is set to."""
    assigned = [node for node in body if isinstance(node, ast.Assign)]
    return [node.value for node in assigned if ast.unparse(node.targets[0]) == "pytestmark"]


def places_in_class(node: ast.ClassDef) -> Iterator[Place]:
    """Yield the tests of a class with their marks; one without methods is itself a test."""
    marks = [*node.decorator_list, *own_marks(node.body)]
    methods = [m for m in node.body if isinstance(m, Function) and m.name.startswith("test_")]
    for method in methods:
        yield f"{node.name}.{method.name}", [*marks, *method.decorator_list]
    if not methods and node.name.startswith("Test"):
        yield node.name, marks


def places_in(tree: ast.Module) -> Iterator[Place]:
    """Yield the tests of a module with the marks of their own and of their class."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from places_in_class(node)
        elif isinstance(node, Function) and node.name.startswith("test_"):
            yield node.name, node.decorator_list
        elif isinstance(node, ast.Assign):
            owner, _, attribute = ast.unparse(node.targets[0]).rpartition(".")
            if owner and attribute == "pytestmark":
                yield owner, [node.value]


def tests_in(source: str, path: str) -> list[Test]:
    """Return the tests of a module; marks that stand at none are a test without a name."""
    tree = ast.parse(source, path)
    above = own_marks(tree.body)
    tests, used = [], {id(call) for node in above for call in marks_in(node)}
    for name, own in places_in(tree):
        nodes = [*above, *own]
        tests.append(Test(path, name, ids_in(nodes), is_proof(nodes)))
        used |= {id(call) for node in own for call in marks_in(node)}
    lost: list[ast.expr] = [call for call in marks_in(tree) if id(call) not in used]
    return [*tests, Test(path, "", ids_in(lost))] if lost else tests


def tests_under(root: Path) -> list[Test]:
    """Return the tests of every module below ``tests`` of a repository."""
    tests: list[Test] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        tests += tests_in(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    return tests


def proofs(tests: list[Test]) -> dict[str, list[Test]]:
    """Return the tests that show each id."""
    shown: dict[str, list[Test]] = {}
    for test in tests:
        for name in sorted(test.ids) if test.counts and test.name else ():
            shown.setdefault(name, []).append(test)
    return shown


def unshown(rows: Rows, tests: list[Test]) -> list[str]:
    """Return ids without a test, ids that wait in vain, and marks that mean nothing.

    There is one rule for requirements, hazards and invariants alike: **a test names the id**. A
    hazard is therefore shown where a test names it, and its whole chain is, since every id of
    the chain stands under the same rule. A row that waits is named by none.
    """
    by_name = proofs(tests)
    found, known = [], set()
    for kind in ("requirement", "hazard", "invariant"):
        for row in rows[kind]:
            name, waits = row["id"], "waits_for" in row
            known.add(name)
            if waits and name in by_name:
                found.append(f"{name}: waits although {by_name[name][0].name} shows it")
            elif not waits and name not in by_name:
                found.append(f"{name}: untested, no test names it")
    for test in tests:
        if not test.name:
            found.append(f"{test.path}: marks {sorted(test.ids)} stand at no test")
        found += [
            f"{test.path}: {test.name}: {name} is no requirement, hazard or invariant"
            for name in sorted(test.ids - known)
        ]
    return found


def outcomes_in(xml: str, tests: list[Test]) -> dict[Test, str]:
    """Return what became of each test by a JUnit file of pytest; of many runs the worst counts."""
    modules = {test.path.removesuffix(".py").replace("/", "."): test.path for test in tests}
    ran: dict[tuple[str, str], str] = {}
    for case in ET.fromstring(xml).iter("testcase"):  # noqa: S314  our own pytest wrote it
        parts = case.get("classname", "").split(".")
        cuts = (n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in modules)
        if (cut := next(cuts, 0)) == 0:
            continue
        tags = {child.tag for child in case}
        outcome = "failed" if tags & {"failure", "error"} else "passed"
        outcome = "skipped" if "skipped" in tags else outcome
        function = case.get("name", "").split("[")[0].split("@")[0]
        for name in (*parts[cut:], function):
            key = modules[".".join(parts[:cut])], name
            ran[key] = min(outcome, ran.get(key, outcome), key=OUTCOMES.index)
    return {test: ran.get((test.path, test.name.rpartition(".")[2]), "not run") for test in tests}


def unproven(rows: Rows, tests: list[Test], outcomes: dict[Test, str]) -> list[str]:
    """Return ids of which a test did not pass, or none ran, in the run that is looked at."""
    found = []
    by_name = proofs(tests)
    for kind in ("requirement", "hazard", "invariant"):
        for row in rows[kind]:
            results = [(outcomes[test], test.name) for test in by_name.get(row["id"], ())]
            bad = sorted(name for outcome, name in results if outcome in {"failed", "skipped"})
            if bad:
                found.append(f"{row['id']}: did not pass: {', '.join(bad)}")
            elif results and not any(outcome == "passed" for outcome, _ in results):
                found.append(f"{row['id']}: none of its tests ran")
    return found
