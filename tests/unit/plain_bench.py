"""A driver of plain Modbus pens at a simulated one, in memory, whose answers can be changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.exchange import Exchange
from drivers.plain.driver import PlainPen
from drivers.plain.frames import sealed
from drivers.plain.profile_file import parse_profile
from drivers.registers import Command
from hil.contract_port import ContractPort
from simulator.pen import Pen
from simulator.plain import PlainPen as SimulatedPlainPen

PENS = Path(__file__).parents[2] / "examples" / "pens"
SIMULATED = (PENS / "simulated.toml").read_text(encoding="utf-8")
WANTED = {"depth_um": 400, "speed_dhz": 1_000}
STOP, RUN_ADDRESS = sealed(bytes.fromhex("010601020000")), b"\x01\x02"
WRITES = {6, 16}


class Far:
    """The simulated plain pen, with a place where its answers can be changed."""

    def __init__(self) -> None:
        self.pen: Pen = SimulatedPlainPen()
        self.change: Callable[[bytes, bytes], bytes] = lambda _, answer: answer
        self.executed: list[Command] = []
        self.is_running = False

    def answer(self, frame: bytes, now_us: int) -> bytes:
        """Return the pen's answer, changed."""
        return self.change(frame, self.pen.receive(frame, now_us))

    def is_stop(self, frame: bytes) -> bool:
        """Return whether the motor is told to stop."""
        return frame == STOP

    def is_read(self, frame: bytes) -> bool:
        """Return whether a frame only reads."""
        return frame[1] not in WRITES


class Bench:
    """A driver, its port, and the pen."""

    def __init__(self, text: str = SIMULATED) -> None:
        self.far = Far()
        self.port = ContractPort(self.far)
        self.driver = PlainPen(
            self.port, parse_profile(text.encode()), self.port.clock_us, lambda: 77
        )

    def ask(self, command: Command, **wanted: int) -> Exchange:
        """Ask one thing, one scan later."""
        self.port.now_us += 50_000
        return self.driver.exchange(command, timeout_us=25_000, **wanted)

    def run(self, *, until: Command = Command.START) -> Exchange:
        """Lead the pen to RUN, or to the last order named."""
        self.driver.identify()
        self.ask(Command.OPEN)
        last = self.ask(Command.ARM, **WANTED)
        for _ in range(6 if until is not Command.ARM else 0):
            last = self.ask(Command.POLL)
        return last if until is not Command.START else self.ask(Command.START, **WANTED)

    def writes_since(self, count: int) -> list[bytes]:
        """Return the frames written since then that do not only read."""
        return [frame for frame in self.port.written[count:] if frame[1] in WRITES]
