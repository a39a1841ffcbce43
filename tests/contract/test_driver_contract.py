"""The contract of all drivers, over every driver that ships and the example of another maker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.driver import Opener
from drivers.native import open_native
from drivers.pen import open_penlink
from drivers.plain.driver import open_plain
from drivers.registers import Command
from hil.contract import DriverContract
from simulator.pen import Pen
from simulator.plain import PlainPen

PENS = Path(__file__).parents[2] / "examples" / "pens"
READING = {3, 4}
WITHOUT_BLOCK_BYTES = 10


class SimulatedPen:
    """A simulated pen as the contract wants it; what it executed is told by its own log."""

    def __init__(
        self,
        make: Callable[..., Pen],
        is_stop: Callable[[bytes], bool],
        is_read: Callable[[bytes], bool] = lambda frame: frame[1] in READING,
        **options: str,
    ) -> None:
        self._events: list[dict[str, object]] = []
        self._pen = make(truth=lambda line: self._events.append(json.loads(line)), **options)
        self.is_stop = is_stop
        self.is_read = is_read

    @property
    def executed(self) -> list[Command]:
        """Return the orders that the firmware has taken."""
        taken = [e for e in self._events if e["event"] == "order" and e["result"] == "DONE"]
        return [Command[str(event["command"])] for event in taken]

    @property
    def is_running(self) -> bool:
        """Return whether the bridge is on."""
        return self._pen.bridge_is_on

    def answer(self, frame: bytes, now_us: int) -> bytes:
        """Return what the pen says."""
        return self._pen.receive(frame, now_us)


class TestPenLink(DriverContract):
    """A Pen Link 1 pen on Modbus RTU."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Return what the entry point names."""
        return open_penlink

    @pytest.fixture
    def pen(self) -> SimulatedPen:
        """Return the simulated pen; STOP is an exchange with command 5."""
        return SimulatedPen(Pen, lambda frame: frame[1] == 0x17 and frame[12] == Command.STOP)


class TestNativePen(DriverContract):
    """A Pen Link 1 pen on native frames; every STOP begins with the stop byte."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Return what the entry point names."""
        return open_native

    @pytest.fixture
    def pen(self) -> SimulatedPen:
        """Return the simulated pen; "who are you" is the only frame without a block."""
        return SimulatedPen(
            Pen,
            lambda frame: frame.startswith(b"\xe5\xe5\xe5"),
            lambda frame: len(frame) < WITHOUT_BLOCK_BYTES,
            transport="native",
        )


class TestPlainPen(DriverContract):
    """A plain Modbus pen, described by the example that ships."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Return what the entry point names."""
        return open_plain

    @pytest.fixture
    def argument(self) -> str:
        """Return the description of the simulated plain pen."""
        return str(PENS / "simulated.toml")

    @pytest.fixture
    def pen(self) -> SimulatedPen:
        """Return the simulated pen; STOP writes 0 to its run register."""
        stop = bytes.fromhex("010601020000")
        return SimulatedPen(PlainPen, lambda frame: frame[:-2] == stop)


class TestPlainPenWithoutClock(TestPlainPen):
    """The same, but its clock is not known: what plain Modbus can be trusted with by itself."""

    @pytest.fixture
    def argument(self, tmp_path: Path) -> str:
        """Return the description without its clock."""
        text = (PENS / "simulated.toml").read_text(encoding="utf-8")
        head, _, tail = text.partition("[measured.tick_ms]")
        path = tmp_path / "pen.toml"
        path.write_text(head + tail[tail.index("[measured.serial_number]") :])
        return str(path)
