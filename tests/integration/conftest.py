"""Fixtures for tests with real programs: plans, a simulated pen, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, read_truth

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
        path.write_text('format = 1\nname = "Test plan"\n' + "".join(tables))
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
def pen(tmp_path: Path) -> Iterator[SimulatedPen]:
    """A simulated pen that runs as a program, on a pty."""
    with simulated_pen(tmp_path) as running:
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
