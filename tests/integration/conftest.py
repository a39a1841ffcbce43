"""Fixtures for tests with real programs: plans, a simulated pen, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from controller.config import Home
from controller.pairing_keys import PenKey, save
from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, read_truth
from hil.wakeful import wakeful

HEAD = """\
format = 1
name = "Test plan"
indication = "acne_scars"
patient = { modifiers = [] }
"""

HELD_UP_MS = 40
"""A machine that holds a sleeping thread up for longer cannot watch a pen. Source: [SAF] 8.3."""

RUNS_MAX = 4
"""How often a test with real programs is run on a machine that was seen to hold programs up."""


class Canary(threading.Thread):
    """A thread that sleeps and looks how late it wakes: the machine's own lateness, not ours."""

    def __init__(self) -> None:
        super().__init__(name="canary", daemon=True)
        self.late_ms = 0
        self._is_over = threading.Event()

    def run(self) -> None:
        """Measure until told to end."""
        while not self._is_over.is_set():
            before = time.monotonic()
            self._is_over.wait(0.005)
            self.late_ms = max(self.late_ms, round((time.monotonic() - before) * 1_000) - 5)

    def end(self) -> int:
        """Return the worst lateness in milliseconds."""
        self._is_over.set()
        self.join()
        return self.late_ms


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a failed test with real programs again, if the machine was seen to hold programs up.

    penpilot stops a pen that it cannot watch, so on such a machine nothing else can be observed.
    Without that evidence a failure stays a failure; every further run is printed.
    """
    if item.get_closest_marker("slow") is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for run in range(1, RUNS_MAX + 1):
        canary = Canary()
        canary.start()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        late_ms = canary.end()
        has_failed = any(report.failed for report in reports)
        if not has_failed or late_ms <= HELD_UP_MS or run == RUNS_MAX:
            break
        sys.stderr.write(f"\n{item.nodeid}: run {run} was held up by {late_ms} ms, running again\n")
        item._initrequest()  # type: ignore[attr-defined]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session", autouse=True)
def awake() -> Iterator[None]:
    """Keep a virtual machine's processors awake while programs are tested."""
    with wakeful():
        yield


AREA = """
[[area]]
area = "{area}"
depth_um = {depth_um}
speed_dhz = 1000
passes = {passes}
patch_mm2 = {patch_mm2}
"""


MakePlan = Callable[..., Path]


@pytest.fixture
def make_plan(tmp_path: Path) -> MakePlan:
    """Write a plan of areas given as name, depth_um, passes, patch_mm2."""

    def make(*areas: tuple[str, int, int, int]) -> Path:
        path = tmp_path / "plan.toml"
        tables = [AREA.format(area=a, depth_um=d, passes=p, patch_mm2=m) for a, d, p, m in areas]
        path.write_text(HEAD + "".join(tables))
        return path

    return make


@pytest.fixture
def short_plan(make_plan: MakePlan) -> Path:
    """A plan of two areas, one pass of half a second each."""
    return make_plan(("forehead", 500, 1, 60), ("cheek", 1000, 1, 60))


@pytest.fixture
def long_plan(make_plan: MakePlan) -> Path:
    """A plan whose first pass takes a minute, so that something can happen in the middle of it."""
    return make_plan(("cheek", 750, 2, 7200))


@pytest.fixture
def paired(penpilot_home: Path) -> list[str]:
    """Options of a simulated pen that is paired with the data folder of the test."""
    key = PenKey(42, bytes(range(32)), "a test", "2026-11-22T14:03:05.000Z")
    return ["--paired", str(save(Home(penpilot_home), key))]


@pytest.fixture
def pen(tmp_path: Path, paired: list[str]) -> Iterator[SimulatedPen]:
    """A simulated pen that runs as a program, on a pty, and is paired."""
    with simulated_pen(tmp_path, options=paired) as running:
        yield running


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_penpilot(penpilot_home: Path) -> Iterator[Start]:
    """Start `penpilot` with arguments; what still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "controller.cli", *arguments],
            env={**os.environ, "PENPILOT_HOME": str(penpilot_home), "PYTHONUTF8": "1"},
            text=True,
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "stdin": subprocess.DEVNULL,
                **options,
            },  # type: ignore[call-overload]
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def penpilot(start_penpilot: Start) -> Run:
    """Run `penpilot` with arguments to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        process = start_penpilot(*arguments)
        out, err = process.communicate(timeout=50)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


WaitForTruth = Callable[..., list[TrueEvent]]


def _wait_for_truth(
    path: Path, is_there: Callable[[list[TrueEvent]], bool], what: str, timeout_s: float = 20.0
) -> list[TrueEvent]:
    """Return the pen's log as soon as it shows something; fail if it does not in time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        events = read_truth(path)
        if is_there(events):
            return events
        # A real program is waited for here, so real time must pass.
        time.sleep(0.02)
    pytest.fail(f"the pen's log never showed {what}: {[e.event for e in read_truth(path)]}")


@pytest.fixture
def wait_for_truth() -> WaitForTruth:
    """Wait for something in the pen's log."""
    return _wait_for_truth


@pytest.fixture
def on_skin() -> Callable[[list[TrueEvent]], bool]:
    """Whether the motor runs and the hand has set the pen down."""

    def is_on_skin(events: list[TrueEvent]) -> bool:
        names = [e.event for e in events]
        return "motor_on" in names and "skin_on" in names

    return is_on_skin
