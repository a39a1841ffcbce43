"""The house style that no other tool checks, as rules; each rule is shown to catch an offence.

A rule is a function from a text to its findings. Snippets of offences contain the mark ``~`` where
the rule would otherwise find them in this very file; it is taken out before they are used.
"""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("controller/*.py", "drivers/*.py", "hil/*.py", "safety/*.py", "simulator/*.py")
PURE = ("drivers/*.py", "safety/*.py", "simulator/*.py")

SKIPPED = re.compile(
    r"\.git|\.venv.*|__pycache__|\..*_cache|\.coverage.*|\.hypothesis|build|dist|htmlcov|vendor"
)
"""Names of what is not ours: made by tools, or carried along unchanged."""

BINARY = {".db", ".gz", ".ico", ".jpg", ".pdf", ".png", ".woff2"}
"""Endings of files that hold no text."""

MODULE_LINES, FUNCTION_LINES, LINE_LENGTH = 400, 60, 100
"""Ceilings. Source: CONTRIBUTING.md."""

BANNED_CALLS = {
    r"time\..*": "time is an argument",
    r"datetime\.(datetime\.(now|utcnow|today)|date\.today)": "time is an argument",
    r"random\.(?!Random$).*": "take a seeded random.Random as an argument",
    r"(secrets\..*|os\.urandom|uuid\.uuid[14])": "take what is drawn as an argument",
}
"""Calls that may not stand where time and chance are arguments, and what stands there instead."""

SINGLE_WRITES = re.compile(r"write_(coil|register)|WriteSingle(Coil|Register)(Request)?")
"""Names of Modbus functions 05 and 06, whose echo proves nothing. Source: docs/protocol.md."""

PHYSICAL = {"age", "current", "delay", "depth", "duration", "force", "gap", "interval", "lease"}
PHYSICAL |= {"period", "pressure", "speed", "supply", "temperature", "tick", "time", "timeout"}
UNITS = {"um", "mm", "m", "dhz", "hz", "ms", "us", "ns", "s", "ma", "a", "mv", "v", "mn", "n"}
UNITS |= {"cdegc", "mdegc", "degc", "baud", "bits", "bytes", "words", "hash", "count", "scans"}


class Rule(NamedTuple):
    """One rule, where it holds, where not, and texts that it must catch and must let pass."""

    find: Callable[[str], Iterator[str]]
    where: tuple[str, ...]
    offences: tuple[str, ...]
    clean: str
    exempt: tuple[str, ...] = ()


def functions_in(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return all functions of a source, nested ones and methods as well."""
    nodes = ast.walk(ast.parse(source))
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def long_module(source: str) -> Iterator[str]:
    """A module has one subject, and at most 400 lines."""
    lines = source.count("\n")
    if lines > MODULE_LINES:
        yield f"{lines} lines, at most {MODULE_LINES}: split it by subject"


def long_function(source: str) -> Iterator[str]:
    """A function fits on a screen: at most 60 lines."""
    for node in functions_in(source):
        lines = (node.end_lineno or 0) - node.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"line {node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"


def long_line(source: str) -> Iterator[str]:
    """A line has at most 100 characters."""
    for number, line in enumerate(source.splitlines(), 1):
        if len(line.split("  # noqa: ")[0]) > LINE_LENGTH:
            yield f"line {number}: {len(line)} characters, at most {LINE_LENGTH}"


def no_module_docstring(source: str) -> Iterator[str]:
    """A module says in one line what it is."""
    if not ast.get_docstring(ast.parse(source)):
        yield "no docstring: say what the module is, then what it must not know or do"


def imported_names(source: str) -> dict[str, str]:
    """Return the full name behind each name that a source imports."""
    names: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def banned_call(source: str) -> Iterator[str]:
    """Nothing that decides or models reads a clock, sleeps or draws unseeded chance."""
    imported = imported_names(source)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        first, _, rest = ast.unparse(node).partition(".")
        name = ".".join(filter(None, [imported.get(first, ""), rest]))
        for banned, instead in BANNED_CALLS.items():
            if first in imported and re.fullmatch(r"[\w.]+", name) and re.fullmatch(banned, name):
                yield f"line {node.lineno}: {name}: {instead}"


def calls_in(source: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line and name of every call of a source, and whether it gets an argument."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), bool(node.args or node.keywords)


def unseeded_random(source: str) -> Iterator[str]:
    """A generator of chance gets a seed."""
    for line, name, has_argument in calls_in(source):
        if name in {"Random", "random.Random"} and not has_argument:
            yield f"line {line}: Random() without a seed"


def print_call(source: str) -> Iterator[str]:
    """People are spoken to through click.echo, logs go through structlog."""
    for line, name, _ in calls_in(source):
        if name == "print":
            yield f"line {line}: print: use click.echo, or structlog for a log"


def bare_assert(source: str) -> Iterator[str]:
    """An assertion vanishes under ``python -O``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert: raise an error that the caller can tell apart"


def broad_except(source: str) -> Iterator[str]:
    """Only who passes it on may catch everything."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "BaseException"
        last = node.body[-1]
        passed_on = isinstance(last, ast.Raise) and last.exc is None
        if re.search(r"\b(Base)?Exception\b", caught) and not passed_on:
            yield f"line {node.lineno}: except {caught}: name the errors, or end with raise"


def single_write(source: str) -> Iterator[str]:
    """Drivers write whole blocks with function 23 or 16; the echo of 05 and 06 proves nothing."""
    for node in ast.walk(ast.parse(source)):
        name = getattr(node, "attr", getattr(node, "id", getattr(node, "name", "")))
        if isinstance(name, str) and SINGLE_WRITES.fullmatch(name):
            yield f"line {getattr(node, 'lineno', 0)}: {name}: use one checked exchange"


def number_without_unit(source: str) -> Iterator[str]:
    """A number with a physical name carries its unit in the name."""
    named: list[tuple[int, str, ast.expr | None]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg):
            named.append((node.lineno, node.arg, node.annotation))
        elif isinstance(node, ast.AnnAssign):
            named.append((node.lineno, ast.unparse(node.target), node.annotation))
    for line, name, annotation in named:
        kind = ast.unparse(annotation) if annotation else ""
        words = set(name.lower().split("_"))
        if re.fullmatch(r"(int|float)( \| None)?", kind) and words & PHYSICAL and not words & UNITS:
            yield f"line {line}: {name}: {kind} has no unit: depth_um, timeout_ms, speed_dhz"


def no_fact(source: str) -> Iterator[str]:
    """A test states in one sentence the fact that it shows."""
    for node in functions_in(source):
        text = " ".join((ast.get_docstring(node) or "").split())
        one_sentence = text.endswith(".") and not re.search(r"[.!?] [A-Z]", text)
        if node.name.startswith("test_") and not one_sentence:
            yield f"line {node.lineno}: {node.name}: state the fact in one sentence."


def leftover_marker(text: str) -> Iterator[str]:
    """What is left to do stands in an issue, not in the code."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.search(r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b", line):
            yield f"line {number}: {found[0]}: do it, or open an issue"


def place_of_one_machine(text: str) -> Iterator[str]:
    """No package index and no path of one machine stands in the repository."""
    place = r"py(pi|thonhosted)\.org|npmjs\.(org|com)|(?<![\w.~-])/(work|root)/|C:\\Users"
    place += r"|(?<![\w.~-])/(home|Users)/\w\w"  # one letter is an example, and nobody's name
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.search(place, line):
            yield f"line {number}: {found[0]}: is true on one machine only"


def name_of(rule: Rule) -> str:
    """Return the name of a rule for the test report."""
    return rule.find.__name__


LONG = "def f():\n" + "    pass\n" * FUNCTION_LINES
RULES = (
    Rule(long_module, ("*.py",), ("\n" * 401,), "\n" * 400),
    Rule(long_function, ("*.py",), (LONG, f"class C:\n {LONG}".replace("\n", "\n ")), LONG[:-9]),
    Rule(long_line, ("*.py",), ("#" * 101,), "#" * 100),
    Rule(no_module_docstring, ("*.py",), ("", "import ast"), '"""What it is."""'),
    Rule(
        banned_call,
        PURE,
        (
            "import time\ntime.sleep(1)",
            "import time as t\nwait = t.time",
            "from time import sleep as nap\nnap(1)",
            "from time import monotonic_ns\nnow(clock=monotonic_ns)",
            "from datetime import datetime\ndatetime.now()",
            "import datetime\ndatetime.date.today()",
            "import random\nrandom.random()",
            "from random import choice\nchoice(x)",
            "import secrets\nsecrets.randbits(32)",
            "from uuid import uuid4\nuuid4()",
        ),
        "import random\nfrom datetime import datetime\nrandom.Random(7)\ndatetime(2026, 1, 1)\n"
        "self.time.sleep(1)\nrandom.Random(seed).random()",
        exempt=("simulator/cli.py",),  # the program that runs a pen in real time
    ),
    Rule(unseeded_random, PURE, ("x = random.Random()", "x = Random()"), "x = Random(seed)"),
    Rule(print_call, PACKAGES, ("def f():\n    print(1)",), "click.echo(1)\nprinter.print(1)"),
    Rule(bare_assert, PACKAGES, ("assert x > 0, 'm'",), "if not x > 0:\n    raise ValueError(x)"),
    Rule(
        broad_except,
        PACKAGES,
        (
            "try:\n    f()\nexcept:\n    g()",
            "try:\n    f()\nexcept Exception:\n    g()",
            "try:\n    f()\nexcept (OSError, BaseException) as e:\n    raise X from e",
        ),
        "try:\n    f()\nexcept OSError:\n    g()\nexcept BaseException:\n    h()\n    raise",
    ),
    Rule(
        single_write,
        ("drivers/*.py",),
        (
            "client.write_register(1, 2)",
            "from pymodbus.pdu import WriteSingleCoilRequest",
            "x = WriteSingleRegisterRequest",
            "def write_coil(): ...",
        ),
        "client.write_registers(1, [2])\nReadWriteMultipleRegistersRequest()",
    ),
    Rule(
        number_without_unit,
        ("drivers/*.py", "safety/*.py"),
        (
            "def f(depth: int): ...",
            "def f(*, timeout: float | None = None): ...",
            "class C:\n    speed_max: int = 0",
            "LEASE: int = 200",
        ),
        "def f(depth_um_max: int, age: Age, time: str, timeout_ms: int | None): ...\nLEASE_MS: int",
    ),
    Rule(
        no_fact,
        ("tests/*.py",),
        (
            "def test_a(): ...",
            'def test_a():\n    """No full stop"""',
            'async def test_a():\n    """One fact. And another one."""',
        ),
        'def test_a():\n    """A fact that\n    holds."""\ndef helper(): ...',
    ),
    Rule(
        leftover_marker, ("*",), ("# TO~DO later", "FIX~ME", "a XX~X b", "HA~CK"), "Todo FIX XXXX"
    ),
    Rule(
        place_of_one_machine,
        ("*",),
        (
            "https://py~pi.org/simple",
            "https://files.python~hosted.org/x",
            "https://registry.npm~js.org",
            "see /wo~rk/main",
            "'/ro~ot/x'",
            "open /ho~me/me",
            "C:\\Us~ers\\me",
        ),
        "https://example.org/home/x docs/work/x ~/elsewhere/x /dev/pts/3",
        exempt=("tests/unit/test_controller_config.py",),  # its user's home is made up
    ),
)


def texts_under(patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield path and text of every text file of this checkout that fits one of the patterns."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            name = path.relative_to(ROOT).as_posix()
            if SKIPPED.fullmatch(path.name):
                continue
            if path.is_dir():
                folders.append(path)
            elif path.suffix not in BINARY and any(fnmatchcase(name, p) for p in patterns):
                yield name, path.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule_is_kept_by_the_tree(rule: Rule) -> None:
    """Nothing in the checkout offends against the rule, but for the places that it names."""
    texts = {name: text for name, text in texts_under(rule.where) if name not in rule.exempt}

    found = [f"{name}: {finding}" for name, text in texts.items() for finding in rule.find(text)]

    assert [] == found, "\n".join(["", *found])
    assert texts


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_rule_finds_each_offence_and_nothing_in_clean_text(rule: Rule) -> None:
    """A rule that cannot fail is worthless, and so is one that always does."""
    missed = [text for text in rule.offences if not list(rule.find(text.replace("~", "")))]

    assert ([], []) == (missed, list(rule.find(rule.clean)))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.exempt], ids=name_of)
def test_exemption_is_still_needed(rule: Rule) -> None:
    """Every place that a rule leaves out would really offend."""
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in rule.exempt}

    assert [] == [path for path, text in texts.items() if not list(rule.find(text))]


def test_tests_folders_shadow_no_package() -> None:
    """No ``__init__.py`` lies under tests and no test folder is called like a package."""
    folders = {path.name for path in (ROOT / "tests").rglob("*") if path.is_dir()}

    assert set() == folders & {pattern.split("/")[0] for pattern in PACKAGES}
    assert [] == list((ROOT / "tests").rglob("__init__.py"))
