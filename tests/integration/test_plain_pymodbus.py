"""Our driver against a Modbus device that is not ours: pymodbus's server, in another process."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.plain.driver import PlainPen
from drivers.registers import Command, PenState, Result
from drivers.registry import open_pen

HERE = Path(__file__).parent
PROFILE = HERE.parents[1] / "examples" / "pens" / "simulated.toml"
PATIENT_US = 500_000

pytestmark = pytest.mark.slow


class Bridge(threading.Thread):
    """Two pseudo-terminals, joined: what goes into one comes out of the other."""

    def __init__(self) -> None:
        super().__init__(name="bridge")
        pairs = [os.openpty() for _ in range(2)]
        for _, far in pairs:
            tty.setraw(far)
        self._near = [near for near, _ in pairs]
        self._far = [far for _, far in pairs]
        self.paths = [os.ttyname(far) for far in self._far]
        self._quit = os.pipe()

    def run(self) -> None:
        """Carry bytes until told to end."""
        others = dict(zip(self._near, reversed(self._near), strict=True))
        while True:
            ready, _, _ = select.select([*self._near, self._quit[0]], [], [])
            if self._quit[0] in ready:
                return
            for fd in ready:
                os.write(others[fd], os.read(fd, 1_024))

    def end(self) -> None:
        """Stop carrying and close everything."""
        os.write(self._quit[1], b"q")
        self.join()
        for fd in (*self._near, *self._far, *self._quit):
            os.close(fd)


@pytest.fixture
def port() -> Iterator[str]:
    """Return the port behind which pymodbus serves."""
    bridge = Bridge()
    bridge.start()
    command = [sys.executable, str(HERE / "pymodbus_pen.py"), bridge.paths[0]]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        assert b"ready\n" == server.stdout.readline()
        yield bridge.paths[1]
    finally:
        server.kill()
        server.communicate()
        bridge.end()


@pytest.fixture
def pen(port: str) -> Iterator[PlainPen]:
    """Return our driver at the other end."""
    driver = open_pen(
        f"modbus:{PROFILE}+{port}",
        clock_us=lambda: time.monotonic_ns() // 1_000,
        token_source=lambda: 7,
    )
    assert isinstance(driver, PlainPen)
    yield driver
    driver.close()


def test_everything_is_read_from_a_pymodbus_server(pen: PlainPen) -> None:
    """Signs, scales and word orders come out as the other side means them."""
    heard = pen.measure()

    names = ("depth_um", "current_ma", "temperature_cdegc", "supply_mv", "strokes", "serial_number")
    assert [-12, 3, 2_350, 3_980, 132_072, 77] == [heard.number(name) for name in names]
    assert (True, True, False) == tuple(
        heard.is_on(name) for name in ("cartridge", "simulated", "motor_on")
    )


def test_session_is_written_to_a_pymodbus_server_and_read_back(pen: PlainPen) -> None:
    """It keeps setpoints and watchdog as written, and is armed; its needles never settle."""
    identity = pen.identify()
    opened = pen.exchange(Command.OPEN, timeout_us=PATIENT_US)
    armed = pen.exchange(Command.ARM, depth_um=400, speed_dhz=1_000, timeout_us=PATIENT_US)
    started = pen.exchange(Command.START, depth_um=400, speed_dhz=1_000, timeout_us=PATIENT_US)
    stopped = pen.stop(timeout_us=PATIENT_US)

    assert 77 == identity.serial_number
    assert (Result.DONE, PenState.SAFE) == (opened.status.result, opened.status.state)
    assert (Result.DONE, PenState.READY) == (armed.status.result, armed.status.state)
    assert Result.NOT_SETTLED is started.status.result
    assert stopped.status.is_stopped
    assert {} == pen.metrics().discards
