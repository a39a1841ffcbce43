"""Mutants of functions: tried after the import, each on just the tests that reach its line.

Tests that start a program are left out: it would import the module as it is.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import coverage
import pytest

from tests.mutants.nursery import UNREACHED, Ended, Job, Nursery, Pool
from tests.mutants.operators import Mutant, Source

if TYPE_CHECKING:
    from tests.mutants.runs import Run

TEST_S, TEST_TIMES = 5, 5
"""A test may take so many times what it took without a mutant, and so much longer. ASSUMED."""

SLOW_S = 1
"""Tests that take longer are not tried on a mutant that none of its nearest tests killed. They
could only kill more; without them one can wait for the score. ASSUMED."""


class Warm:
    """What the process does that has collected all tests: measures them, then forks mutants."""

    def __init__(self, parent: Run, sources: dict[str, Source]) -> None:
        """Start to note which lines run during the import."""
        self._parent, self._sources = parent, sources
        self._mutants, self._folder = parent.mutants, parent.folder
        self._pool = Pool(parent.folder, parent.say)
        self._lines = new_coverage()
        self._lines.start()

    def run(self, session: pytest.Session) -> bool | None:
        """Do everything and end; in the process of a mutant return None, so that pytest goes on."""
        self._lines.stop()
        if self._pool.run([Job("measured", lambda: None, ())]) is not None:
            measure(session, self._folder / "reach.json")
            os._exit(0)
        reach = json.loads((self._folder / "reach.json").read_text(encoding="utf-8"))
        if reach["failed"] or session.testsfailed:
            self._parent.say("   fail without any mutant: " + " ".join(reach["failed"]))
            os._exit(1)
        self._pool.ended.clear()
        early = [number for number in self._parent.numbers if self._is_early(number)]
        later = [number for number in self._parent.numbers if number not in set(early)]
        self._parent.say(f"   {len(session.items)} tests take {sum(reach['seconds']):.0f} s")
        self._parent.say(f"   {len(later)} mutants after the import, {len(early)} before it")
        job = self._pool.run(self._jobs(session.items, reach, later))
        if job is not None:
            Nursery.begin(self._parent, session, job)
            self._parent.job, self._parent.warm = job, None
            session.items[:] = [session.items[int(number)] for number in job.tests]
            job.install()
            return None
        slow = [
            i.nodeid for i, t in zip(session.items, reach["seconds"], strict=True) if t > SLOW_S
        ]
        left_out = {"programs": reach["programs"], "slow": slow}
        found = {"ended": self._pool.ended, "early": early} | left_out
        (self._folder / "warm.json").write_text(json.dumps(found), encoding="utf-8")
        os._exit(0)

    @cached_property
    def _at_import(self) -> dict[str, set[int]]:
        return lines_of(self._lines)

    def _is_early(self, number: int) -> bool:
        """Say whether the mutated statement runs during the import, or cannot be replaced after."""
        mutant = self._mutants[number]
        lines = set(range(mutant.lines[0], mutant.lines[1] + 1))
        if not mutant.is_in_function or self._at_import[mutant.file] & lines:
            return True
        return function_of(mutant) is None

    def _jobs(
        self, items: list[pytest.Item], reach: dict[str, Any], numbers: list[int]
    ) -> Iterator[Job]:
        """Yield a job for each mutant: first tests that killed its neighbours, then quick ones."""
        seconds, programs = reach["seconds"], set(reach["programs"])
        for item, taken in zip(items, seconds, strict=True):
            item.add_marker(pytest.mark.timeout(TEST_S + TEST_TIMES * taken))
        places = {item.nodeid: place for place, item in enumerate(items)}
        killers: dict[str, Counter[int]] = defaultdict(Counter)
        seen = 0
        for number in numbers:
            mutant = self._mutants[number]
            for ended in self._pool.ended[seen:]:
                if ended.killer in places:
                    file = self._mutants[int(ended.name)].file
                    killers[file][places[ended.killer]] += 1
            seen = len(self._pool.ended)
            lines = reach["lines"].get(mutant.file, {})
            span = range(mutant.lines[0], mutant.lines[1] + 1)
            tests = {test for line in span for test in lines.get(str(line), ())}
            kills = killers[mutant.file]
            known = places.get(self._parent.killers.get(mutant.key, ""))
            ranks = [(test != known, -kills[test], seconds[test], test) for test in tests]
            order = [test for *_, test in sorted(ranks) if items[test].nodeid not in programs]
            if order:
                yield Job(str(number), partial(self._patch, mutant), tuple(order))
            else:
                self._pool.ended.append(Ended(str(number), UNREACHED, ""))

    def _patch(self, mutant: Mutant) -> None:
        """Give the function the mutant's code."""
        function = function_of(mutant)
        if function is None:
            raise LookupError(str(mutant))
        code = find(self._sources[mutant.file].code(mutant), function.__qualname__)
        function.__code__ = code


def function_of(mutant: Mutant) -> FunctionType | None:
    """Return the outermost function around the mutant, if its code can be replaced."""
    target: Any = importlib.import_module(mutant.module)
    for name in mutant.function.split("."):
        target = vars(target).get(name)
        if isinstance(target, property):
            target = target.fget
        target = getattr(target, "__func__", target)
        target = getattr(target, "__wrapped__", target)
        if isinstance(target, FunctionType):
            return target
        if target is None:
            return None
    return None


def find(code: CodeType, name: str) -> CodeType:
    """Return the code of a function out of the code of its module."""
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    for part in inner:
        if part.co_qualname == name:
            return part
        if name.startswith(part.co_qualname + "."):
            return find(part, name)
    raise LookupError(name)


def new_coverage() -> coverage.Coverage:
    """Measure lines of safety, in memory only."""
    return coverage.Coverage(data_file=None, config_file=False, include=["*/safety/*"])


def lines_of(measured: coverage.Coverage) -> dict[str, set[int]]:
    """Return the lines that ran, by file."""
    data = measured.get_data()
    found: dict[str, set[int]] = defaultdict(set)
    for path in data.measured_files():
        found[Path(path).relative_to(Path.cwd()).as_posix()] |= set(data.lines(path) or ())
    return found


def measure(session: pytest.Session, out: Path) -> None:
    """Run each test for itself; write down its time, the lines it reaches, what it starts."""
    measured = new_coverage()
    seconds, failed, programs, now = [], [], set[str](), [""]

    def watch(event: str, _: object) -> None:
        if event == "subprocess.Popen":
            programs.add(now[0])

    sys.addaudithook(watch)
    measured.start()
    for number, item in enumerate(session.items):
        now[0] = item.nodeid
        measured.switch_context(str(number))
        begin, before = time.perf_counter(), session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        seconds.append(time.perf_counter() - begin)
        if session.testsfailed > before:
            failed.append(item.nodeid)
    measured.stop()
    data = measured.get_data()
    lines = {
        Path(path).relative_to(Path.cwd()).as_posix(): {
            line: [int(test) for test in tests if test]
            for line, tests in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    found = {"seconds": seconds, "failed": failed, "programs": sorted(programs), "lines": lines}
    out.write_text(json.dumps(found), encoding="utf-8")
