"""The order of a run: which mutants are tried when, and on which tests of safety."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.mutants.nursery import SURVIVED, WARM, Ended, Importer, Job, Nursery
from tests.mutants.operators import Mutant, Source
from tests.mutants.survivors import Key
from tests.mutants.warm import Warm

TESTS = ("unit/test_safety_*.py", "property/test_safety_*.py", "oracle/test_*.py")
"""The real tests of safety, under tests/; nothing is run but these."""

NEAREST = {
    "safety.catalogue": ("catalogue", "alarms"),
    "safety.catalogue_measured": ("catalogue", "alarms"),
    "safety.catalogue_told": ("catalogue", "alarms"),
    "safety.catalogue_words": ("catalogue",),
    "safety.cause_kinds": ("catalogue", "causes"),
    "safety.causes": ("catalogue", "causes"),
    "safety.errors": ("units", "limits"),
    "safety.facts": ("guards",),
    "safety.machine": ("table",),
    "safety.progress": ("start", "treatment", "session", "selftest", "edges", "stops", "review"),
    "safety.reactions": ("stops", "reset", "session", "edges", "review"),
    "safety.render": ("page", "render"),
    "safety.scan": ("stops", "start"),
    "safety.table": ("table", "reset", "oracle"),
    "safety.wishes": ("start", "treatment"),
}
"""Tests tried first where the name does not tell. All others follow, so only time depends on it."""


class Run(Nursery):
    """Tries mutants: of functions after the import, all others, and samples, before it.

    Args:
        folder: For what the processes leave.
        mutants: All that there are.
        sources: Their modules.
        numbers: Which of them are tried.
        is_sample: Whether they are too few for it to be worth while to measure the tests.
        is_thorough: Whether a mutant that its nearest tests left alive is tried on all others.
        killers: Tests that killed mutants in an earlier run; they are tried first.
    """

    def __init__(
        self,
        folder: Path,
        mutants: list[Mutant],
        sources: dict[str, Source],
        numbers: list[int],
        *,
        is_sample: bool,
        is_thorough: bool,
        killers: Mapping[Key, str],
    ) -> None:
        super().__init__(folder, print)
        self.mutants, self.numbers, self.results = mutants, numbers, dict[int, Ended]()
        self._sources, self._is_sample, self._is_thorough = sources, is_sample, is_thorough
        self.killers = killers
        self.warm: Warm | None = None
        self._left_out: list[str] = []

    def batches(self) -> Iterator[Iterable[Job]]:
        """Yield what must pass unchanged, then mutants on their nearest tests, then on all."""
        tests = {path for number in self.numbers for path in self._nearest(number)}
        name = "unchanged" if self._is_sample else WARM
        yield [Job(name, lambda: None, tuple(sorted(tests) if self._is_sample else all_tests()))]
        if not self.passes_unchanged():
            return
        numbers = self.numbers
        if not self._is_sample:
            found = json.loads((self.folder / "warm.json").read_text(encoding="utf-8"))
            self._note(Ended(*ended) for ended in found["ended"])
            numbers, self._left_out = found["early"], found["programs"]
        yield (self._early(number, self._nearest(number)) for number in numbers)
        self._note(self.pool.ended)
        left = [number for number in numbers if self.results[number].verdict == SURVIVED]
        self.say(f"   {len(numbers) - len(left)} killed by the nearest tests, {len(left)} left")
        if not (self._is_thorough or self._is_sample):
            return
        if not self._is_sample:
            self._left_out += found["slow"]
        yield (self._early(number, self._others(number)) for number in left)
        self._note(self.pool.ended)

    def begin(self, session: pytest.Session, job: Job) -> None:
        """Prepare a new process; tests that start programs would not see the mutant."""
        super().begin(session, job)
        session.config.option.deselect = self._left_out
        if job.name == WARM:
            self.warm = Warm(self, self._sources)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Let the process that measures tests do so; everybody else runs them as always."""
        return None if self.warm is None else self.warm.run(session)

    def _note(self, ended: Iterable[Ended]) -> None:
        self.results |= {int(e.name): e for e in ended}

    def _early(self, number: int, tests: list[str]) -> Job:
        mutant = self.mutants[number]

        def install() -> None:
            code = self._sources[mutant.file].code(mutant)
            Importer(mutant.module, mutant.file, code).install()

        (self.folder / str(number)).unlink(missing_ok=True)
        return Job(str(number), install, tuple(tests))

    def _nearest(self, number: int) -> list[str]:
        """Return tests called like the module, and those that killed most of its mutants so far."""
        mutant = self.mutants[number]
        words = mutant.module.split(".")[1:]
        stems = [words[:size] for size in range(len(words), 0, -1)]
        known = self.killers.get(mutant.key, "").split("::")[0]
        named = [known] if Path(known).is_file() else []
        named += next((found for stem in stems if (found := paths("_".join(stem)))), [])
        named += [path for hint in NEAREST.get(mutant.module, ()) for path in paths(hint)]
        named += paths("monitors_figures") if words[0] == "monitors" else []
        killers = Counter(
            ended.killer.split("::")[0]
            for other, ended in self.results.items()
            if ended.killer and self.mutants[other].file == mutant.file
        )
        named += [path for path, _ in killers.most_common(2) if Path(path).is_file()]
        return list(dict.fromkeys(named)) or all_tests()

    def _others(self, number: int) -> list[str]:
        near = self._nearest(number)
        return [path for path in all_tests() if path not in near] or near


def paths(stem: str) -> list[str]:
    """Return the tests of safety whose names begin so."""
    return [p for p in all_tests() if Path(p).name.startswith(f"test_safety_{stem}")]


def all_tests() -> list[str]:
    """Return the paths of all tests of safety."""
    return sorted(p.as_posix() for pattern in TESTS for p in Path("tests").glob(pattern))
