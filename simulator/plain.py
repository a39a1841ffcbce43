"""The simulated pen behind plain registers: no block, no function 23, a watchdog for a lease.

The same physics and the same firmware, with its own limits, as every simulated pen; only what it
says on the wire is different. Reading and writing single registers is all that a host can do, so
the registers give the firmware its orders themselves, and keep its lease alive for as long as the
watchdog is kicked. ``examples/pens/simulated.toml`` describes these registers to a host.

::

    input registers (function 04)          holding registers (functions 03, 06, 16)
    0  bits: motor, skin contact,          0x100  needle protrusion, 10 um
       cartridge, stop button, watchdog    0x101  speed, revolutions per minute, 1 stroke each
       ran out, simulated                  0x102  1 starts, 0 stops and retracts
    1  fault, as in docs/protocol.md 4     0x103  watchdog: any number but 0 kicks it
    2  needle protrusion, um, signed       0x104  watchdog, ms, 50 to 5,000
    3  speed, revolutions per minute       0x105  0xA5 clears a fault; reads as 0
    4  current, mA, signed
    5  temperature, 0.1 degC, signed
    6  supply, 10 mV
    7, 8    strokes, low word first
    9, 10   uptime, ms, high word first
    11, 12  serial number, high word first
    13  deepest protrusion, 10 um
    14  fastest speed, revolutions per minute
    15  0x5050, what this is
"""

from __future__ import annotations

from drivers.registers import PROTOCOL_VERSION, Command, PenState, Result
from simulator.codec import seal
from simulator.frames import (
    BROADCAST,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    WRITE_ONE,
    Frame,
)
from simulator.native import NativeFrame
from simulator.pen import Pen
from simulator.session import Order

READ_HOLDING, READ_INPUT, WRITE_MANY = 0x03, 0x04, 0x10
DEVICE_FAILURE = 4
"""Exception of an order that the firmware refuses. Source: Modbus application protocol, 7."""

DEVICE_ID = 0x5050
HOLDING = 0x100
DEPTH, SPEED, RUN, KICK, TIMEOUT, CLEAR = range(6)
CLEAR_CODE = 0xA5

WATCHDOG_MS = 1_000
WATCHDOG_MS_RANGE = range(50, 5_001)
"""After boot, and what may be set. ASSUMED, as common for drives with a watchdog."""

RPM_PER_DHZ = 6
"""One stroke each turn: 1 dHz is 0.1 x 60 turns a minute."""

_KEEP_ALIVE_MS = 50
_TOKEN = 1


class PlainPen(Pen):
    """One pen with plain registers, switched on at 0 us; made and used as `simulator.pen.Pen`."""

    def _boot(self, first_tick_ms: int) -> None:
        super()._boot(first_tick_ms)
        self._holding = [0, 0, 0, 0, WATCHDOG_MS, 0]
        self._dog_end_ms = first_tick_ms
        self._dog_tripped = False
        self._sequence = 0

    def _tick(self) -> None:
        super()._tick()
        firmware = self.firmware
        if firmware.state is PenState.RUN:
            if firmware.uptime_ms >= self._dog_end_ms:
                self._dog_tripped = True
                firmware.stop("watchdog")
            elif firmware.uptime_ms % _KEEP_ALIVE_MS == 0:
                self._order(Command.RENEW)
        elif firmware.state is PenState.READY and firmware.uptime_ms % _KEEP_ALIVE_MS == 0:
            self._order(Command.POLL)
        if firmware.state not in (PenState.RUN, PenState.READY):
            self._holding[DEPTH] = self._holding[RUN] = 0

    def _answer(self, frame: Frame | NativeFrame) -> bytes:
        if isinstance(frame, NativeFrame) or frame.unit not in (BROADCAST, self.parameters.unit_id):
            return b""
        if frame.unit == BROADCAST:
            if (frame.function, frame.body) == (WRITE_ONE, _words(HOLDING + RUN, 0)):
                self.firmware.stop("broadcast")
            return b""
        answer = self._serve(frame.function, frame.body)
        if isinstance(answer, int):
            return seal(bytes((frame.unit, frame.function | 0x80, answer)))
        return seal(bytes((frame.unit, frame.function)) + answer)

    def _serve(self, function: int, body: bytes) -> bytes | int:
        """Return what follows the function in the answer, or an exception code."""
        address = int.from_bytes(body[:2])
        if function == READ_HOLDING:
            return _read(self._holding, address - HOLDING, int.from_bytes(body[2:4]))
        if function == READ_INPUT:
            return _read(self._inputs(), address, int.from_bytes(body[2:4]))
        if function == WRITE_ONE:
            return self._write(address, [int.from_bytes(body[2:4])]) or body
        if function == WRITE_MANY:
            count, values = int.from_bytes(body[2:4]), body[5:]
            if not body[4] == 2 * count == len(values):
                return ILLEGAL_VALUE
            written = [int.from_bytes(values[at : at + 2]) for at in range(0, 2 * count, 2)]
            return self._write(address, written) or body[:4]
        return ILLEGAL_FUNCTION

    def _inputs(self) -> list[int]:
        plant, firmware, memory = self.plant, self.firmware, self.memory
        bits = (
            plant.motor.driving,
            firmware.contact,
            plant.cartridge_in,
            plant.button_down,
            self._dog_tripped,
            True,
        )
        own = self.parameters.firmware
        return [
            sum(int(bit) << place for place, bit in enumerate(bits)),
            int(firmware.fault),
            plant.depth_um & 0xFFFF,
            min(plant.speed_dhz * RPM_PER_DHZ, 0xFFFF),
            plant.current_ma & 0xFFFF,
            plant.temperature_cdegc // 10 & 0xFFFF,
            plant.supply_mv // 10,
            *(memory.strokes & 0xFFFF, memory.strokes >> 16),
            *(self.tick_ms >> 16, self.tick_ms & 0xFFFF),
            *(self._serial_number >> 16, self._serial_number & 0xFFFF),
            own.depth_um_max // 10,
            own.speed_dhz_max * RPM_PER_DHZ,
            DEVICE_ID,
        ]

    def _write(self, address: int, values: list[int]) -> int:
        """Write registers in their order until one is refused; return the exception code or 0."""
        start = address - HOLDING
        if start < 0 or not 1 <= len(values) <= len(self._holding) - start:
            return ILLEGAL_ADDRESS
        for place, value in enumerate(values, start):
            code = self._write_one(place, value)
            if code:
                return code
        return 0

    def _write_one(self, place: int, value: int) -> int:
        if place == RUN:
            return self._run(value)
        if place == KICK:
            return self._kick(value)
        if place == CLEAR:
            return ILLEGAL_VALUE if value != CLEAR_CODE else self._refused(Command.RESET)
        if self.firmware.state is PenState.RUN:
            return DEVICE_FAILURE
        return self._set_depth(value) if place == DEPTH else self._set(place, value)

    def _set(self, place: int, value: int) -> int:
        if place == TIMEOUT and value not in WATCHDOG_MS_RANGE:
            return ILLEGAL_VALUE
        self._holding[place] = value
        return 0

    def _kick(self, value: int) -> int:
        if value == 0:
            return ILLEGAL_VALUE
        self._holding[KICK] = value
        self._dog_end_ms = self.firmware.uptime_ms + self._holding[TIMEOUT]
        return 0

    def _run(self, value: int) -> int:
        if value == 0:
            self.firmware.stop("write")
            self._holding[DEPTH] = self._holding[RUN] = 0
            return 0
        if value != 1:
            return ILLEGAL_VALUE
        if self.firmware.uptime_ms >= self._dog_end_ms or self._refused(Command.START):
            return DEVICE_FAILURE
        self.faults.starts_ms.append(self._now_ms)
        self._holding[RUN] = 1
        self._dog_tripped = False
        return 0

    def _set_depth(self, value: int) -> int:
        if value == 0:
            if self.firmware.state is PenState.READY:
                self.firmware.stop("write")
            self._holding[DEPTH] = 0
            return 0
        before = self._holding[DEPTH]
        self._holding[DEPTH] = value
        code = 0 if self.firmware.session.token == _TOKEN else self._refused(Command.OPEN)
        code = code or self._refused(Command.ARM)
        if code:
            self._holding[DEPTH] = before
        return code

    def _refused(self, command: Command) -> int:
        return 0 if self._order(command) is Result.DONE else DEVICE_FAILURE

    def _order(self, command: Command) -> Result:
        """Give the firmware an order of this moment, with the setpoints of the registers."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        names_boot = command in (Command.OPEN, Command.RESET)
        order = Order(
            version=PROTOCOL_VERSION,
            command=command,
            token=_TOKEN,
            sequence=self._sequence,
            tick_echo_ms=self.tick_ms,
            depth_um=self.epoch if names_boot else self._holding[DEPTH] * 10,
            speed_dhz=self._holding[SPEED] // RPM_PER_DHZ,
        )
        return self.firmware.execute(order, intact=True)


def _read(registers: list[int], start: int, count: int) -> bytes | int:
    if start < 0 or not 1 <= count <= len(registers) - start:
        return ILLEGAL_ADDRESS
    return bytes((2 * count,)) + _words(*registers[start : start + count])


def _words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)
