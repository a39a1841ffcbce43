"""The defect that must be impossible: a pen that runs on after its host has gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.drills import STOP_BUDGET_MS
from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, first_after

pytestmark = pytest.mark.slow

RAW_HOST = """
import sys, time
from controller.clock import MonotonicClock
from controller.session_link import fresh_token
from drivers.pen import PenLink
from drivers.port import SerialPort
from drivers.registers import Command

port = SerialPort(sys.argv[1])
link = PenLink(port, MonotonicClock().now_us, fresh_token)
link.identify()
link.exchange(Command.OPEN)
link.exchange(Command.ARM, depth_um=750, speed_dhz=1000)
while not link.exchange(Command.POLL).status.flags & 8:
    pass
link.exchange(Command.START, depth_um=750, speed_dhz=1000)
end = time.monotonic() + 1.0
while time.monotonic() < end:
    link.exchange(Command.RENEW, depth_um=750, speed_dhz=1000)
    time.sleep(0.02)
print(time.monotonic_ns() // 1000, flush=True)
port.close()
time.sleep(30)
"""
"""A host that closes its port with the needles running, and lives on."""


def still_after_ms(events: list[TrueEvent], struck_us: int) -> int:
    """Return the milliseconds from the cause to needles still, by the pen's own clock."""
    still = first_after(events, "needles_still", struck_us)
    assert still is not None
    return (still.monotonic_us - struck_us) // 1_000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.req("SR-012", "HZ-05", "HZ-06", "D01")
def test_needles_are_still_within_the_budget_when_the_host_is_lost(
    number: signal.Signals,
    pen: SimulatedPen,
    long_plan: Path,
    penpilot_home: Path,
    start_penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """Killed or frozen while the motor runs, a control process leaves needles still in 251 ms."""
    start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    (running,) = (penpilot_home / "run").glob("*.json")
    control = json.loads(running.read_text())["pid"]
    struck_us = time.monotonic_ns() // 1_000
    os.kill(control, number)
    events = wait_for_truth(
        pen.truth, lambda es: first_after(es, "needles_still", struck_us) is not None, "standstill"
    )
    if number is signal.SIGSTOP:
        os.kill(control, signal.SIGKILL)

    assert 0 <= still_after_ms(events, struck_us) <= STOP_BUDGET_MS
    assert first_after(events, "lease_end", struck_us) is not None
    assert first_after(events, "motor_on", struck_us) is None


@pytest.mark.req("SR-012")
def test_needles_are_still_within_the_budget_when_the_host_closes_its_port(
    tmp_path: Path, wait_for_truth: Callable[..., list[TrueEvent]]
) -> None:
    """A host that closes its port while the motor runs leaves needles still in 251 ms."""
    with simulated_pen(tmp_path) as pen:
        host = subprocess.Popen(
            [sys.executable, "-c", RAW_HOST, pen.url], stdout=subprocess.PIPE, text=True
        )
        try:
            assert host.stdout is not None
            struck_us = int(host.stdout.readline())
            events = wait_for_truth(
                pen.truth, lambda es: any(e.event == "needles_still" for e in es), "standstill"
            )
        finally:
            host.kill()
            host.communicate()

    assert 0 <= still_after_ms(events, struck_us) <= STOP_BUDGET_MS


@pytest.mark.req("SR-021", "SR-012", "HZ-06", "H12")
def test_frozen_host_does_not_drive_again_when_it_is_let_go_on(
    pen: SimulatedPen,
    long_plan: Path,
    penpilot_home: Path,
    start_penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """After a freeze of a second the host stops for being late, and ends; the motor stays off."""
    treat = start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes", "--json")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    (running,) = (penpilot_home / "run").glob("*.json")
    control = json.loads(running.read_text())["pid"]
    struck_us = time.monotonic_ns() // 1_000
    os.kill(control, signal.SIGSTOP)
    events = wait_for_truth(
        pen.truth, lambda es: first_after(es, "needles_still", struck_us) is not None, "standstill"
    )
    os.kill(control, signal.SIGCONT)
    out, _ = treat.communicate(timeout=20)

    assert treat.returncode in (4, 5)
    assert json.loads(out.splitlines()[-1])["outcome"] in ("stopped", "interrupted")
    assert first_after(events, "motor_on", struck_us) is None


@pytest.mark.req("SR-007", "SR-022", "SR-014", "HZ-13", "H05", "R08")
def test_killed_session_is_shown_counted_and_moves_nothing_by_itself(
    pen: SimulatedPen,
    make_plan: Callable[..., Path],
    penpilot_home: Path,
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """After kill -9 mid-pass the pass counts, a new start is refused, and only --resume goes on."""
    plan = make_plan(("cheek", 750, 2, 240))
    start_penpilot("treat", str(plan), "--port", pen.url, "--yes")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    (running,) = (penpilot_home / "run").glob("*.json")
    os.kill(json.loads(running.read_text())["pid"], signal.SIGKILL)
    events = wait_for_truth(
        pen.truth, lambda es: any(e.event == "needles_still" for e in es), "standstill"
    )
    killed_us = events[-1].monotonic_us

    listed = json.loads(penpilot("records", "list", "--json").stdout)
    again = penpilot("treat", str(plan), "--port", pen.url, "--yes")
    between = wait_for_truth(pen.truth, bool, "anything")
    resumed = penpilot(
        "treat", str(plan), "--port", pen.url, "--yes", "--resume", listed[0]["session"]
    )
    after = json.loads(penpilot("records", "list", "--json").stdout)

    assert [s["status"] for s in listed] == ["interrupted"]
    assert listed[0]["areas"][0]["counted"] == 1
    assert listed[0]["areas"][0]["passes"][0]["outcome"] == "uncertain"
    assert again.returncode == 3
    assert "--resume" in again.stderr
    assert first_after(between, "motor_on", killed_us) is None
    assert resumed.returncode == 0, resumed.stderr
    outcomes = [p["outcome"] for p in after[0]["areas"][0]["passes"]]
    assert outcomes == ["uncertain", "delivered"]
    assert after[0]["status"] == "completed"


@pytest.mark.req("SR-022")
def test_interrupted_session_can_be_set_aside_with_a_reason(
    pen: SimulatedPen,
    long_plan: Path,
    penpilot_home: Path,
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """`records close` ends an interrupted session for good; its passes stay counted."""
    start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    (running,) = (penpilot_home / "run").glob("*.json")
    os.kill(json.loads(running.read_text())["pid"], signal.SIGKILL)
    session = json.loads(penpilot("records", "list", "--json").stdout)[0]["session"]
    closed = penpilot("records", "close", session, "--reason", "client went home")
    (row,) = json.loads(penpilot("records", "list", "--json").stdout)

    assert closed.returncode == 0, closed.stderr
    assert (row["status"], row["reason"]) == ("stopped", "client went home")
    assert row["areas"][0]["counted"] == 1
    assert penpilot("records", "close", session, "--reason", "again").returncode == 3
