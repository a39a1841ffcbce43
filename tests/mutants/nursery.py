"""Runs tests on mutants, each in a forked process of its own; no file is ever changed.

One pytest comes from its configuration to its exit code as in `make test`. It is forked at two
points: before anything of ours is imported, for a mutant that matters during the import, and after
all tests have been collected, for one that does not; there it replaces the code of one function.
"""

from __future__ import annotations

import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType

ROOT = Path(__file__).parents[2]
WORKERS = 2
"""Processes at a time. Source: the two processors on which the figures of ADR 0010 were taken."""

MEMORY_BYTES = 2**30
"""A mutant that takes more gets a MemoryError. ASSUMED."""

PROCESS_S = 240
"""A process that is still there then is killed, and its mutant with it. ASSUMED."""

SURVIVED, KILLED, TIMED_OUT, UNREACHED = "survived", "killed", "timed out", "not reached"
NOBODY = "killed by nobody"
"""Ended badly, and no test says that it failed: that is no proof, hence no kill."""

WARM = "warm"
"""Name of the job that collects all tests once and forks from there."""

ROOTS = ("safety.step", "safety.alarms_signals", "safety.modifiers", "safety.render")
"""What imports all of safety. A mutant that breaks the import is killed by it."""


class Job(NamedTuple):
    """A process to be forked.

    Args:
        name: Of the job, and of the file for what it leaves.
        install: Puts the mutant in its place.
        tests: Paths to collect and run, or numbers of collected tests.
    """

    name: str
    install: Callable[[], None]
    tests: tuple[str, ...] | tuple[int, ...]


class Ended(NamedTuple):
    """What became of a job; ``killer`` is the test that failed first, if one did."""

    name: str
    verdict: str
    killer: str


@dataclass
class Pool:
    """Forks a process for each job, and two at a time."""

    folder: Path
    say: Callable[[str], None]
    ended: list[Ended] = field(default_factory=list)
    _running: dict[int, tuple[Job, float]] = field(default_factory=dict)

    def run(self, jobs: Iterable[Job]) -> Job | None:
        """Return its job to each new process, and None to this one when all of them have ended."""
        begin, before, mother = time.monotonic(), len(self.ended), os.getppid()
        for job in jobs:
            child = os.fork()
            if not child:
                return job
            self._running[child] = job, time.monotonic()
            while len(self._running) >= WORKERS:
                self._wait(mother)
            done = len(self.ended) - before
            if done and done % 200 == 0:
                self.say(f"   {done} tried, {done / (time.monotonic() - begin):.1f} each second")
        while self._running:
            self._wait(mother)
        return None

    def _wait(self, mother: int) -> None:
        """Wait a little for a process to end, and note what became of its job."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            job, _ = self._running.pop(pid)
            self.ended.append(self._judge(job, status))
            return
        time.sleep(0.002)
        if os.getppid() != mother:  # which was killed: nobody waits for this any more
            os._exit(1)
        for child, (job, since) in self._running.items():
            # The one that measures and forks all others takes as long as they do.
            if job.name != WARM and time.monotonic() - since > PROCESS_S:
                os.kill(child, signal.SIGKILL)

    def _judge(self, job: Job, status: int) -> Ended:
        note = self.folder / job.name
        killer = note.read_text(encoding="utf-8") if note.exists() else ""
        if os.WIFSIGNALED(status) or killer.startswith(TIMED_OUT):
            return Ended(job.name, TIMED_OUT, killer.removeprefix(TIMED_OUT))
        if status and not killer:
            return Ended(job.name, NOBODY, "")
        return Ended(job.name, KILLED if status else SURVIVED, killer)


class Nursery:
    """The part of the plugin that all share: it forks early, and notes the first failure.

    Args:
        folder: For what the processes leave.
        say: How to speak, since pytest is made to be silent.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.pool = Pool(folder, say)
        self.job: Job | None = None
        self.problem = ""

    def passes_unchanged(self) -> bool:
        """Say whether the first job, which had no mutant, passed; forget it."""
        first = self.pool.ended.pop()
        if first.verdict != SURVIVED:
            self.problem = f"Without any mutant {first.killer or first.name} fails."
        return not self.problem

    def batches(self) -> Iterator[Iterable[Job]]:
        """Yield jobs; a batch begins when all of the one before have ended."""
        raise NotImplementedError

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """Fork; a new process goes on to collect the tests of its job, the first one ends here."""
        be_steady()
        for batch in self.batches():
            self.job = self.pool.run(batch)
            if self.job is not None:
                self.begin(session, self.job)
                session.config.args = [str(path) for path in self.job.tests]
                self.job.install()
                self._import()
                return None
        session.items = []
        return True

    def begin(self, session: pytest.Session, job: Job) -> None:
        """Make a new process small, silent and quick to give up."""
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        os.dup2(1, 2)
        session.config.option.maxfail = 1
        self.job = job

    def _import(self) -> None:
        """Note a mutant that does not even let itself be imported."""
        try:
            for name in ROOTS:
                importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the import fails
            self._leave(f"import ({type(error).__name__})")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note tests that cannot even be collected."""
        if report.failed:
            self._leave(f"{report.nodeid} (collection)")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first test that fails."""
        if report.failed:
            is_late = "Timeout (>" in report.longreprtext
            self._leave((TIMED_OUT if is_late else "") + report.nodeid)

    def _leave(self, text: str) -> None:
        if self.job is not None and not (self.folder / self.job.name).exists():
            (self.folder / self.job.name).write_text(text, encoding="utf-8")


def be_steady() -> None:
    """Let hypothesis draw the same examples every time, and not waste time on a nicer failure."""
    # Not above: pytest wants to be the first to import it.
    from hypothesis import HealthCheck, Phase, settings

    steady = settings(
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.register_profile("mutants", steady)
    settings.load_profile("mutants")


class Importer:
    """Gives a mutant's code whenever its module is imported."""

    def __init__(self, module: str, file: str, code: CodeType) -> None:
        self._module, self._path = module, str(Path(file).resolve())
        self._code = code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """Answer for one module only."""
        if name != self._module:
            return None
        loader = SourceFileLoader(name, self._path)
        setattr(loader, "get_code", lambda _: self._code)  # noqa: B010 - on this one object only
        places = [str(Path(self._path).parent)] if self._path.endswith("__init__.py") else None
        return spec_from_file_location(
            name, self._path, loader=loader, submodule_search_locations=places
        )

    def install(self) -> None:
        """Stand before every other importer."""
        if self._module in sys.modules:
            raise RuntimeError(f"{self._module} was imported too early to be replaced")
        sys.meta_path.insert(0, self)


def run_pytest(nursery: Nursery, arguments: list[str]) -> None:
    """Run pytest in silence; only the process that was not forked comes back."""
    options = ["-q", "-s", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "timeout=120"]
    kept, sink = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    nursery.say = nursery.pool.say = lambda text: void(os.write(kept, f"{text}\n".encode()))
    sys.stdout.flush()
    os.dup2(sink, 1)
    code = pytest.main([*options, *arguments], plugins=[nursery])
    sys.stdout.flush()
    if nursery.job is not None:
        os._exit(int(code))
    os.dup2(kept, 1)


def void(_: object) -> None:
    """Return nothing."""


def in_a_copy(module: str, arguments: list[str]) -> int:
    """Run a module of this folder in a copy of the checkout, so that nobody's edits disturb it."""
    left_out = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "build", "dist")
    with tempfile.TemporaryDirectory(prefix="penpilot-mutants-") as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=left_out)
        command = [sys.executable, "-m", module, "--here", *arguments]
        return subprocess.call(command, cwd=copy)
