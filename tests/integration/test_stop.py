"""STOP from the keyboard, from a signal, and from another terminal, with real programs."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.programs import SimulatedPen
from hil.truth import TrueEvent, first_after

pytestmark = pytest.mark.slow

BUDGET_MS = 1_000
"""Far above what a stop takes (about 60 ms), so that a busy machine does not fail it."""


@pytest.mark.req("SR-013", "SR-005", "S02")
def test_stop_command_goes_through_the_running_session(
    pen: SimulatedPen,
    long_plan: Path,
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """`penpilot stop` in another terminal stops a session that owns the port, by a STOP frame."""
    treat = start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes", "--json")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    stopped = penpilot("stop", "--port", pen.url, "--json")
    out, _ = treat.communicate(timeout=20)
    result = json.loads(stopped.stdout)
    events = wait_for_truth(pen.truth, lambda es: es[-1].event != "", "anything")
    stop = next(e for e in events if e.event == "stop")
    still = first_after(events, "needles_still", stop.monotonic_us)

    assert stopped.returncode == 0, stopped.stderr
    assert result["way"] == "session"
    assert result["confirmed"]
    assert treat.returncode == 130
    assert json.loads(out.splitlines()[-1])["reason"] == "stopped by command"
    assert still is not None
    assert still.tick_ms - stop.tick_ms <= 50
    assert not any(e.event == "lease_end" for e in events)


@pytest.mark.parametrize("way", ["space", "escape", "interrupt"])
@pytest.mark.req("SR-013")
def test_keyboard_stops_a_treatment_in_a_terminal(
    way: str,
    pen: SimulatedPen,
    long_plan: Path,
    penpilot_home: Path,
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """Space, Esc and Ctrl-C at a real terminal each stop the pen and end the treatment with 130."""
    arguments = [sys.executable, "-m", "controller.cli", "treat", str(long_plan)]
    child, terminal = pty.fork()
    if child == 0:
        os.environ["PENPILOT_HOME"] = str(penpilot_home)
        os.execv(  # noqa: S606 our own program
            sys.executable, [*arguments, "--port", pen.url, "--yes"]
        )
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    pressed_us = time.monotonic_ns() // 1_000
    os.write(terminal, {"space": b" ", "escape": b"\x1b", "interrupt": b"\x03"}[way])
    status = drain_until_exit(child, terminal)
    events = wait_for_truth(
        pen.truth, lambda es: first_after(es, "needles_still", pressed_us) is not None, "standstill"
    )
    still = first_after(events, "needles_still", pressed_us)

    assert os.waitstatus_to_exitcode(status) == 130
    assert still is not None
    assert (still.monotonic_us - pressed_us) // 1_000 <= BUDGET_MS
    assert first_after(events, "stop", pressed_us) is not None


def drain_until_exit(child: int, terminal: int) -> int:
    """Read what the child writes to its terminal until it ends; return its wait status."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 65_536)
            except OSError:
                break
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            os.close(terminal)
            return status
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return status


@pytest.mark.req("SR-005", "SR-052", "HZ-54")
def test_death_of_the_guiding_program_stops_the_pen(
    pen: SimulatedPen,
    long_plan: Path,
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """When the guiding program dies, the control process stops the pen and ends the session."""
    treat = start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    os.kill(treat.pid, signal.SIGKILL)
    events = wait_for_truth(
        pen.truth, lambda es: any(e.event == "needles_still" for e in es), "standstill"
    )
    until = time.monotonic() + 10
    status = "running"
    while status == "running" and time.monotonic() < until:
        status = json.loads(penpilot("records", "list", "--json").stdout)[0]["status"]

    assert any(e.event == "stop" for e in events)
    assert status == "stopped"


def test_stop_without_a_session_goes_to_the_pen_directly(
    pen: SimulatedPen, penpilot: Callable[..., Any]
) -> None:
    """With no session on the port, STOP is written to the pen itself, first of all."""
    done = penpilot("stop", "--port", pen.url, "--json")
    result = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert (result["way"], result["confirmed"]) == ("direct", True)


def test_stop_without_a_port_needs_a_running_session(penpilot: Callable[..., Any]) -> None:
    """`penpilot stop` alone says what is missing when no session runs."""
    done = penpilot("stop")

    assert done.returncode == 2
    assert "--port" in done.stderr
