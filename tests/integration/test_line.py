"""The line between real programs: who is asked first, who hangs up, how late it is."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.hangup import does_hang_up
from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, first_after, read_truth

pytestmark = pytest.mark.slow

WHO_ARE_YOU = bytes.fromhex("01 03 00 00 00 20 44 12")
"""Reads 32 registers from 0. Source: docs/protocol.md 8."""

SOON_MS = 80
"""A hang-up is noticed at once; a pen brakes within 50 ms. Source: docs/protocol.md 2, and 30 ms
for a machine that is shared (ASSUMED)."""

BATCH_S = 0.016
"""How long a USB bridge may hold bytes back. Source: [SAF] 8.3."""

PATIENCE_S = 20.0

AREA, LONG_AREA = ("cheek", 500, 1, 60), ("cheek", 500, 1, 7_200)
"""A pass of half a second, and one of a minute, at a depth that every pen may get."""


@contextmanager
def carried(work: Callable[[int], None]) -> Iterator[str]:
    """Run a thread at one end of a pty; gives the path of the other end."""
    near, far = os.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    over = threading.Event()

    def carry() -> None:
        while not over.is_set():
            work(near)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield os.ttyname(far)
    finally:
        over.set()
        thread.join()
        os.close(near)
        os.close(far)


def waiting(fd: int) -> bytes:
    """Return what waits at a descriptor."""
    return os.read(fd, 4_096) if select.select([fd], [], [], 0)[0] else b""


@contextmanager
def slow_bridge(url: str) -> Iterator[str]:
    """A bridge to a port that hands bytes over every 16 ms, both ways; gives its other end."""
    line = os.open(url, os.O_RDWR | os.O_NOCTTY)

    def carry(near: int) -> None:
        time.sleep(BATCH_S)
        for source, target in ((line, near), (near, line)):
            if data := waiting(source):
                os.write(target, data)

    try:
        with carried(carry) as path:
            yield path
    finally:
        os.close(line)


@pytest.mark.parametrize("answer", [b"", bytes.fromhex("01 03 40") + bytes(64) + b"\x12\x34"])
@pytest.mark.parametrize("command", ["identify", "treat", "reset", "commission", "plan"])
@pytest.mark.req("SR-015", "HZ-25")
def test_nothing_is_written_to_a_device_that_is_no_pen(
    command: str, answer: bytes, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """Whatever is asked for, all that a foreign device ever hears is the question who it is."""
    heard: list[bytes] = []

    def device(near: int) -> None:
        if select.select([near], [], [], 0.01)[0]:
            heard.append(os.read(near, 4_096))
            os.write(near, answer)

    before = {
        "plan": ("plan", "check", str(make_plan(AREA))),
        "treat": ("treat", str(make_plan(AREA))),
    }
    options = ("--yes",) if command == "treat" else ()
    with carried(device) as port:
        done = penpilot(*before.get(command, (command,)), "--port", port, *options)
    requests = b"".join(heard)

    assert 4 == done.returncode, done.stderr
    assert len(requests) >= len(WHO_ARE_YOU)
    assert b"" == requests.replace(WHO_ARE_YOU, b"")


@pytest.mark.req("SR-058")
def test_ports_opens_none(tmp_path: Path) -> None:
    """While ports are listed, no port is opened, and a slash more in a name changes nothing."""
    near, far = os.openpty()
    script = f"""
import sys
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo
opened = []
sys.addaudithook(lambda name, values: opened.append(str(values[0])) if name == "open" else None)
list_ports.comports = lambda: [ListPortInfo({os.ttyname(far)!r})]
from controller.cli import penpilot
penpilot(["ports", "--json"], standalone_mode=False)
assert opened, "the hook does not see what is opened"
assert not [path for path in opened if path.startswith("/dev/")], opened
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PENPILOT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(near)
    os.close(far)

    assert 0 == done.returncode, done.stderr
    assert [os.path.realpath(f"/dev/pts/{0}")[:9]] == [json.loads(done.stdout)[0]["device"][:9]]


def test_ports_tells_which_session_holds_one(
    pen: SimulatedPen,
    make_plan: Callable[..., Path],
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """A port that a session of ours has is listed with its name, though it is no USB device."""
    first = start_penpilot("treat", str(make_plan(LONG_AREA)), "--port", pen.url, "--yes", "--json")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    rows = json.loads(penpilot("ports", "--json").stdout)
    told = penpilot("ports").stdout
    penpilot("stop", "--port", pen.url)
    out, _ = first.communicate(timeout=PATIENCE_S)
    session = json.loads(out.splitlines()[0])["session"]

    assert [pen.url] == [row["choice"] for row in rows if row["session"] == session]
    assert f"[held by session {session}]" in told


@pytest.mark.req("SR-012", "HZ-05")
def test_hang_up_stops_a_pen_that_listens_to_it_long_before_its_lease(
    tmp_path: Path,
    make_plan: Callable[..., Path],
    penpilot_home: Path,
    start_penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """Kill -9 lets go of the port: with DTR the bridge is off at once, not at the lease's end."""
    with simulated_pen(tmp_path, options=["--dtr-stops"]) as pen:
        start_penpilot("treat", str(make_plan(LONG_AREA)), "--port", pen.url, "--yes")
        wait_for_truth(pen.truth, on_skin, "needles on skin")
        (running,) = (penpilot_home / "run").glob("*.json")
        control = json.loads(running.read_text())["pid"]
        fd = os.open(pen.url, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        is_set = does_hang_up(fd)
        os.close(fd)
        struck_us = time.monotonic_ns() // 1_000
        os.kill(control, signal.SIGKILL)
        events = wait_for_truth(
            pen.truth, lambda es: first_after(es, "needles_still", struck_us) is not None, "rest"
        )
    stop = first_after(events, "stop", struck_us)
    still = first_after(events, "needles_still", struck_us)

    assert is_set
    assert stop is not None
    assert still is not None
    print(  # noqa: T201 the figure is wanted in the report of a run
        f"hang-up: stop after {(stop.monotonic_us - struck_us) / 1_000:.1f} ms, "
        f"still after {(still.monotonic_us - struck_us) / 1_000:.1f} ms"
    )
    assert "hang-up" == stop.fields["source"]
    assert (still.monotonic_us - struck_us) / 1_000 <= SOON_MS
    assert first_after(events, "lease_end", struck_us) is None


@pytest.mark.parametrize("options", [["--tcp", "127.0.0.1:0"], []], ids=["tcp", "pty"])
@pytest.mark.parametrize("is_listening", [True, False])
def test_pen_notes_a_hang_up_and_stops_only_if_it_listens_to_it(
    options: list[str],
    is_listening: bool,
    tmp_path: Path,
    penpilot: Callable[..., Any],
) -> None:
    """The last close of a client is an event of the line; without `dtr_stops` nothing follows."""
    more = ["--dtr-stops"] if is_listening else []
    with simulated_pen(tmp_path, options=[*options, *more]) as pen:
        identified = penpilot("identify", "--port", pen.url)
        again = penpilot("identify", "--port", pen.url)
    events = [event.event for event in read_truth(pen.truth)]
    sources = [e.fields["source"] for e in read_truth(pen.truth) if e.event == "stop"]

    assert (0, 0) == (identified.returncode, again.returncode)
    assert (2 if options or is_listening else 0) == events.count("hang_up")
    assert (["hang-up"] * 2 if is_listening else []) == sources


@pytest.mark.req("SR-057", "HZ-80")
def test_slow_line_is_refused_by_commissioning_and_then_by_treat(
    pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """A bridge that collects bytes for 16 ms fails, the verdict is kept, and nothing was moved."""
    with slow_bridge(pen.url) as port:
        measured = penpilot("commission", "--port", port, "--exchanges", "100", "--json")
        refused = penpilot("treat", str(make_plan(AREA)), "--port", port, "--yes")
    found = json.loads(measured.stdout)

    assert 3 == measured.returncode == found["exit_code"]
    assert not found["passed"]
    assert found["p50_us"] > 16_000
    assert found["p99_us"] > 25_000
    assert "took longer than 25 ms" in found["faults"][0]
    assert found["remedy"]
    assert found["at"] in Path(found["file"]).read_text()
    assert 3 == refused.returncode
    assert f"commissioned {found['at']}" in refused.stderr
    assert 1 == len(refused.stderr.splitlines())
    assert not [e for e in read_truth(pen.truth) if e.event in ("motor_on", "order")]


@pytest.mark.req("SR-057", "HZ-80")
def test_slow_line_that_nobody_commissioned_is_refused_as_the_session_opens(
    pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """A short look is enough to see it; the pen hears no order, and no session is begun."""
    with slow_bridge(pen.url) as port:
        refused = penpilot("treat", str(make_plan(AREA)), "--port", port, "--yes")
    listed = penpilot("records", "list", "--json")

    assert 3 == refused.returncode
    assert "took longer than 25 ms" in refused.stderr
    assert "penpilot commission --port" in refused.stderr
    assert not [e for e in read_truth(pen.truth) if e.event in ("motor_on", "order")]
    assert [] == json.loads(listed.stdout)


def test_good_line_passes_and_is_treated_over(
    pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """A line that holds the lease is commissioned with its figures, and a session runs on it."""
    measured = penpilot("commission", "--port", pen.url, "--exchanges", "200")
    treated = penpilot("treat", str(make_plan(AREA)), "--port", pen.url, "--yes")

    assert 0 == measured.returncode, measured.stdout
    assert "can hold the lease" in measured.stdout
    assert "SIMULATED" in measured.stdout
    assert "█" in measured.stdout
    assert 0 == treated.returncode, treated.stderr


class AtTheKeys:
    """Somebody at a terminal who treats a plan: reads the lines, presses Enter, pulls no plug.

    Args:
        process: ``penpilot treat --json``.
        keys: Terminal that its keys come from.
    """

    def __init__(self, process: subprocess.Popen[str], keys: int) -> None:
        self._process = process
        self._keys = keys
        self.told: list[dict[str, Any]] = []

    def read_until(self, is_there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read lines until one is wanted; fail if the program ends before."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told.append(json.loads(line))
            if is_there(self.told[-1]):
                return self.told[-1]
        pytest.fail(f"ended with {self._process.wait()} after {self.told[-3:]}")

    def wait_for(self, kind: str, state: str) -> dict[str, Any]:
        """Read until a line of this type and state."""
        return self.read_until(lambda told: (told["type"], told.get("state")) == (kind, state))

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._keys, keys)


@pytest.mark.req("SR-006", "SR-007", "SR-015", "HZ-26")
def test_pen_that_was_unplugged_is_waited_for_and_goes_on_only_by_hand(
    tmp_path: Path, make_plan: Callable[..., Path], start_penpilot: Callable[..., Any]
) -> None:
    """A cable out and in again: the same pen is known anew, tested, and armed by a person only."""
    near, far = os.openpty()
    options = ["--pty-link", str(tmp_path / "pen")]
    with simulated_pen(tmp_path, faults=["cable-pull:2500@run=600"], options=options) as pen:
        plan = str(make_plan(("cheek", 500, 2, 200)))
        treat = start_penpilot("treat", plan, "--port", pen.url, "--json", stdin=far)
        person = AtTheKeys(treat, near)
        person.wait_for("scan", "PLANNED")
        person.press(b"\r")
        person.wait_for("scan", "ARMED")
        time.sleep(0.5)  # the needles settle, and a person looks at them
        person.press(b"\r")
        person.wait_for("scan", "RUNNING")
        person.wait_for("reconnect", "waiting")
        person.press(b"\r\r\r")
        person.wait_for("reconnect", "back")
        time.sleep(0.5)  # nothing happens by itself
        starts = [e for e in read_truth(pen.truth) if e.event == "motor_on"]
        person.press(b"\r")
        ready = person.read_until(lambda told: told["type"] == "ready")
        planned = person.wait_for("scan", "PLANNED")
        person.press(b" ")
        closed = person.read_until(lambda told: told["type"] == "closed")
    os.close(near)
    os.close(far)

    assert 1 == len(starts)
    assert person.told[0]["session"] == ready["session"]
    assert 42 == ready["serial_number"]
    assert [("cheek", 1, "uncertain")] == [
        (p["area"], p["number"], p["outcome"]) for p in planned["passes"]
    ]
    assert "stopped" == closed["outcome"]
    assert 1 == len([told for told in person.told if told.get("outcome") == "interrupted"])
