"""A whole treatment with a plain Modbus pen, and what becomes of it when its host dies."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, read_truth

PROFILE = Path(__file__).parents[2] / "examples" / "pens" / "simulated.toml"
WATCHDOG_MS, BRAKE_MS, LATE_MS = 500, 50, 60
"""As the profile says; the last is for a machine that holds programs up."""

pytestmark = pytest.mark.slow


@pytest.fixture
def plain_pen(tmp_path: Path) -> Iterator[SimulatedPen]:
    """A simulated plain pen that runs as a program, on a pty."""
    with simulated_pen(tmp_path, options=("--transport", "plain")) as running:
        yield running


def address(pen: SimulatedPen) -> str:
    """Return how a host names that pen."""
    return f"modbus:{PROFILE}+{pen.url}"


def test_treatment_is_completed_on_a_plain_pen(
    plain_pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., object]
) -> None:
    """Two areas are delivered, each motion was ordered, and all strokes are on record."""
    plan = make_plan(("forehead", 400, 1, 60), ("cheek", 500, 1, 60))

    result = penpilot("treat", str(plan), "--port", address(plain_pen), "--yes", "--json")

    closed = json.loads(result.stdout.splitlines()[-1])
    assert (0, "completed", []) == (result.returncode, closed["outcome"], closed["causes"])
    events = read_truth(plain_pen.truth)
    assert 2 == [event.event for event in events].count("motor_on")
    assert 2 == [event.event for event in events].count("motor_off")


@pytest.mark.req("SR-001", "SR-059")
def test_plan_beyond_supervised_limits_is_refused(
    plain_pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., object]
) -> None:
    """What a pen with its own protections may do, a supervised one may not; nothing moves."""
    plan = make_plan(("cheek", 750, 1, 60))

    result = penpilot("treat", str(plan), "--port", address(plain_pen), "--yes")

    assert 3 == result.returncode
    assert "motor_on" not in [event.event for event in read_truth(plain_pen.truth)]


@pytest.mark.req("SR-012")
def test_plain_pen_stops_by_its_watchdog_when_the_host_is_killed(
    plain_pen: SimulatedPen,
    make_plan: Callable[..., Path],
    start_penpilot: Callable[..., object],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
    penpilot_home: Path,
) -> None:
    """Its control process dies in the middle of a pass: the needles stand within the watchdog."""
    plan = make_plan(("cheek", 500, 2, 7_200))
    start_penpilot("treat", str(plan), "--port", address(plain_pen), "--yes", "--json")
    wait_for_truth(plain_pen.truth, on_skin, "needles on skin")
    (running,) = (penpilot_home / "run").glob("*.json")

    killed_us = time.monotonic_ns() // 1_000
    os.kill(json.loads(running.read_text(encoding="utf-8"))["pid"], signal.SIGKILL)

    events = wait_for_truth(plain_pen.truth, has_come_to_rest, "needles at rest")
    (stop,) = [e for e in events if e.event == "stop" and e.fields["source"] == "watchdog"]
    still = next(e for e in events if e.event == "needles_still")
    assert stop.monotonic_us - killed_us <= (WATCHDOG_MS + LATE_MS) * 1_000
    assert still.tick_ms - stop.tick_ms <= BRAKE_MS


def has_come_to_rest(events: list[TrueEvent]) -> bool:
    """Return whether the needles have stood still after they moved."""
    return "needles_still" in [event.event for event in events]
