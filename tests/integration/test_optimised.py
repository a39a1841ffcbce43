"""Python's ``-O`` and ``-OO`` change nothing that the safety core decides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK = """
import hashlib, importlib.util, random, sys
from pathlib import Path

from safety.facts import Intent, IntentKind, Role
from safety.table import TABLE

spec = importlib.util.spec_from_file_location("bench", Path("tests/unit/conftest.py"))
module = importlib.util.module_from_spec(spec)
sys.modules["bench"] = module
spec.loader.exec_module(module)
rows = [(r.state.name, r.event.name, r.next.name, [g.__name__ for g in r.guards]) for r in TABLE]
digest = hashlib.sha256(repr(rows).encode())
visited, chance = set(), random.Random(5)
for story in range(4):
    bench = module.Bench()
    bench.to_running()
    for scan in range(150):
        bench.pen.has_contact = chance.random() < 0.9
        if scan == 100:
            bench.pen.fail(0x81)
        bench.pen.is_button_down = scan == 60
        bench.lost_answers = 2 * (chance.random() < 0.02)
        wishes = [kind for kind in IntentKind if kind.name not in ("ESTOP", "DISCONNECT")]
        if chance.random() < 0.3:
            current = bench.memory.current
            area = "" if current is None else current.plan.area
            bench.scan(Intent(chance.choice(wishes), "key", chance.choice(list(Role)), area))
        bench.scan()
        visited.add(bench.state.name)
    for *_, decision in bench.log:
        digest.update(repr(decision).encode())
    print(len(bench.log), end=" ")
print(len(rows), *sorted(visited), digest.hexdigest(), f"-O{sys.flags.optimize}")
"""
"""Prints how much was decided, where it led, a hash over every row and decision, and the flag."""


def walk(*flags: str) -> list[str]:
    """Play it in a process of its own and return the words that it prints."""
    command = [sys.executable, *flags, "-c", WALK]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "" == result.stderr
    return result.stdout.split()


@pytest.fixture(scope="module")
def plain() -> list[str]:
    """What is printed without a flag."""
    return walk()


@pytest.mark.slow
@pytest.mark.req("SR-018")
@pytest.mark.parametrize(("flag", "level"), [("-O", "-O1"), ("-OO", "-O2")])
def test_core_decides_alike_when_optimised(plain: list[str], flag: str, level: str) -> None:
    """Every row of the table and every decision of four sessions is the same to the letter."""
    optimised = walk(flag)

    assert plain[:-1] == optimised[:-1]
    assert ("-O0", level) == (plain[-1], optimised[-1])


@pytest.mark.slow
def test_walk_decides_something(plain: list[str]) -> None:
    """What is compared is not an idle session: hundreds of scans, needles that run, a fault."""
    scans = [int(word) for word in plain[:4]]

    assert min(scans) >= 150
    assert {"RUNNING", "FAULT", "STOPPING", "PAUSED"} <= set(plain)
