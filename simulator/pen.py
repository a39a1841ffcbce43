"""The simulated pen as one deterministic machine: time and bytes in, bytes out.

Same parameters, seed and inputs give the same bytes. It reads no clock and opens nothing; who
calls it decides what time it is and when an answer is delivered. Properties named ``true`` are
for tests and judges: the firmware does not see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Literal

from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    STATUS,
    Capability,
    Command,
    PenState,
    Result,
)
from simulator.codec import IDENTITY_CODEC, ORDER_CODEC, STATUS_CODEC, seal
from simulator.faults import KINDS, Evidence, FaultOrder, Injector
from simulator.firmware import Firmware
from simulator.frames import (
    BROADCAST,
    ILLEGAL_ADDRESS,
    Frame,
    FrameReader,
    Request,
    read_request,
)
from simulator.motor import RAD_S_PER_DHZ
from simulator.native import NativeFrame, NativeReader, packed
from simulator.nonvolatile import Memory
from simulator.pairing import is_intact_request
from simulator.parameters import PenParameters
from simulator.plant import Plant
from simulator.report import identity_fields, status_fields
from simulator.session import Order
from simulator.truth import TruthWriter, truth_line

Transport = Literal["rtu", "native"]
"""Modbus RTU (docs/protocol.md 1) or native frames (10)."""

US_PER_MS = 1_000
_EXCEPTION = 0x80
_NO_SERIAL_NUMBER = 0
"""The identity's reader does not know the pen yet. Source: docs/protocol.md 5."""

_WHO_ARE_YOU = NativeFrame(IDENTITY.direction, b"")


class Pen:
    """One pen, switched on at 0 us.

    Args:
        parameters: Its figures; the reference pen unless given.
        seed: Names its tolerances, its noise and the hand that holds it.
        memory: What it remembers without power; a pen fresh from the factory unless given.
        store: Called whenever `memory` must be made to last.
        truth: Takes the lines of the truth log.
        faults: What goes wrong, and when.
        monotonic_us: Reading of the judge's clock at 0 us, for the truth log.
        first_tick_ms: Tick at the first boot; other than 0 only to get near its wrap.
        transport: How it hears and speaks.
        draw: Gives so many random bytes, for pairing; follows from the seed unless given.
    """

    def __init__(
        self,
        parameters: PenParameters | None = None,
        seed: int = 1,
        *,
        memory: Memory | None = None,
        store: Callable[[], None] | None = None,
        truth: TruthWriter | None = None,
        faults: Iterable[FaultOrder] = (),
        monotonic_us: int = 0,
        first_tick_ms: int = 0,
        transport: Transport = "rtu",
        draw: Callable[[int], bytes] | None = None,
    ) -> None:
        self.parameters = parameters or PenParameters()
        self.memory = memory or Memory()
        self.cable_in = True
        self.is_deaf = False
        self.is_mute = False
        self.faults = Injector.of(faults)
        self._store = store or _store_nothing
        self._truth = truth
        self._transport = transport
        # Nothing secret hangs on it: the program hands in what nobody can guess.
        self._draw = draw or Random(f"pairing {seed}").randbytes  # noqa: S311
        self._monotonic_us = monotonic_us
        self._now_ms = 0
        self._was_moving = False
        self._serial_number = self.parameters.serial_number
        cartridge = self.parameters.cartridge
        self._identities = {
            False: identity_fields(self.parameters, None),
            True: identity_fields(self.parameters, cartridge),
        }
        self.plant = Plant(self.parameters, seed, self.log)
        self._boot(first_tick_ms)

    @property
    def now_us(self) -> int:
        """Time since the program began, in whole milliseconds that have been lived through."""
        return self._now_ms * US_PER_MS

    @property
    def tick_ms(self) -> int:
        """The pen's own clock, as in its status."""
        return self.firmware.tick_ms

    @property
    def epoch(self) -> int:
        """Number of the present boot."""
        return self.memory.epoch

    @property
    def state(self) -> PenState:
        """State of the firmware."""
        return self.firmware.state

    @property
    def bridge_is_on(self) -> bool:
        """Whether the motor is driven."""
        return self.plant.motor.driving

    @property
    def true_depth_um(self) -> int:
        """How far the needles truly protrude at the top of a stroke."""
        return round(self.plant.depth.true_um)

    @property
    def true_speed_dhz(self) -> int:
        """True strokes per second, in tenths."""
        return round(self.plant.motor.speed_rad_s / RAD_S_PER_DHZ)

    @property
    def needles_still(self) -> bool:
        """Whether the needles stand still."""
        return self.plant.motor.speed_rad_s == 0.0

    @property
    def true_strokes(self) -> int:
        """Strokes since the program began."""
        return self.plant.motor.strokes

    @property
    def true_skin_strokes(self) -> int:
        """Strokes since the program began that went into skin."""
        return self.plant.skin_strokes

    @property
    def on_skin(self) -> bool:
        """Whether the hand truly holds the pen on skin."""
        return self.plant.hand.on_skin

    def advance(self, to_us: int) -> None:
        """Live on to that time; a time that has gone by changes nothing."""
        target_ms = to_us // US_PER_MS
        while self._now_ms < target_ms:
            if self.plant.is_at_rest and self._rest_until(target_ms):
                continue
            self._tick()

    def receive(self, data: bytes, at_us: int) -> bytes:
        """Live on to that time, take bytes from the line and return what the pen says to them."""
        self.advance(at_us)
        if self.is_deaf or not self.cable_in:
            return b""
        answers = b"".join([self._answer(frame) for frame in self._reader.feed(data, at_us)])
        return b"" if self.is_mute or not self.cable_in else answers

    def hang_up(self) -> None:
        """Notice that the host has let go of the line: DTR fell. Source: docs/protocol.md 1."""
        self.log("hang_up")
        if self.parameters.firmware.dtr_stops:
            self.firmware.stop("hang-up")

    def inject(self, name: str, value: int | None = None) -> Evidence:
        """Let a fault happen now.

        Args:
            name: One of `simulator.faults.KINDS`.
            value: See its kind; its default unless given.

        Raises:
            KeyError: If there is no such fault.
        """
        value = KINDS[name].default if value is None else value
        return self.faults.strike(self, name, value, self._now_ms)

    def restart(self) -> None:
        """Lose the RAM and boot; the physics does not notice."""
        self._boot(0)

    def log(self, event: str, /, **fields: int | str) -> None:
        """Write one line of the truth log."""
        if self._truth is not None:
            self._truth(truth_line(event, self.tick_ms, self.memory.epoch, fields))

    def _boot(self, first_tick_ms: int) -> None:
        self._reader: FrameReader | NativeReader = (
            NativeReader() if self._transport == "native" else FrameReader()
        )
        self.firmware = Firmware(
            self.parameters,
            self.plant,
            self.memory,
            self._store,
            self.log,
            self._draw,
            first_tick_ms,
        )
        self.log(
            "boot",
            monotonic_us=self._monotonic_us + self.now_us - first_tick_ms * US_PER_MS,
            serial_number=self._serial_number,
        )

    def _tick(self) -> None:
        self._now_ms += 1
        plant = self.plant
        plant.step()
        self.firmware.step()
        is_moving = plant.motor.speed_rad_s > 0.0
        if self._was_moving and not is_moving:
            self.log("needles_still", strokes=plant.motor.strokes)
        self._was_moving = is_moving
        if not self.faults.is_done:
            self.faults.step(self, self._now_ms, plant.motor.strokes)

    def _rest_until(self, target_ms: int) -> bool:
        """Jump over time in which nothing can happen; whether there was any."""
        firmware = self.firmware
        spare_ms = firmware.may_rest_until_ms() - firmware.uptime_ms
        until_ms = min(target_ms, self._now_ms + spare_ms, self.faults.next_ms() - 1)
        if until_ms <= self._now_ms:
            return False
        firmware.uptime_ms += until_ms - self._now_ms
        self.plant.rest_until(until_ms)
        self._now_ms = until_ms
        return True

    def _answer(self, frame: Frame | NativeFrame) -> bytes:
        if isinstance(frame, NativeFrame):
            return self._answer_native(frame)
        return self._answer_rtu(frame)

    def _answer_rtu(self, frame: Frame) -> bytes:
        if frame.unit not in (BROADCAST, self.parameters.unit_id):
            return b""
        request = read_request(frame)
        if frame.unit == BROADCAST:
            if request.is_stop:
                self.firmware.stop("broadcast")
            return b""
        head = bytes((frame.unit, frame.function))
        block = self._block(request)
        if block:
            return seal(head + _counted(block))
        if request.is_stop:
            self.firmware.stop("write")
        if request.kind == "stop":
            return seal(head + frame.body)
        # What only pens with pairing know is an address like any other to those without.
        exception = request.exception or ILLEGAL_ADDRESS
        return seal(bytes((frame.unit, frame.function | _EXCEPTION, exception)))

    def _block(self, request: Request) -> bytes:
        """Return the block that answers a request, or nothing if none does."""
        if request.kind == "exchange":
            return self._exchange(request.order)
        if request.kind == "identity":
            return IDENTITY_CODEC.pack(self._identity(), _NO_SERIAL_NUMBER)
        if request.kind == "pairing" and self._can_be_paired:
            return self.firmware.pair(request.order)
        return b""

    def _answer_native(self, frame: NativeFrame) -> bytes:
        """What the CRC-32 denies is not answered, but STOP works. Source: docs/protocol.md 10."""
        if frame.is_stop_byte:
            self.firmware.stop("byte")
        elif frame == _WHO_ARE_YOU:
            identity = IDENTITY_CODEC.pack(self._identity(), _NO_SERIAL_NUMBER)
            return packed(IDENTITY.direction, identity)
        elif frame.kind == ORDER.direction:
            if ORDER_CODEC.is_intact(frame.block, self._serial_number):
                return packed(STATUS.direction, self._exchange(frame.block))
            if frame.block[1:2] == bytes((Command.STOP,)):
                self.firmware.stop("frame")
        elif frame.kind == PAIRING_REQUEST.direction and self._can_be_paired:
            is_intact = is_intact_request(frame.block, self._serial_number)
            if is_intact:
                return packed(PAIRING_ANSWER.direction, self.firmware.pair(frame.block))
        return b""

    def _exchange(self, data: bytes) -> bytes:
        order = Order(**ORDER_CODEC.unpack(data))
        intact = ORDER_CODEC.is_intact(data, self._serial_number)
        result = self.firmware.execute(order, intact=intact)
        if result is Result.DONE and order.command == Command.START:
            self.faults.starts_ms.append(self._now_ms)
        limits_in_force = self._identity()["limits_hash"]
        status = status_fields(self.firmware, order, result, limits_in_force)
        return STATUS_CODEC.pack(status, self._serial_number)

    @property
    def _can_be_paired(self) -> bool:
        return bool(self.parameters.firmware.capabilities & Capability.PAIRING)

    def _identity(self) -> dict[str, int]:
        identity = self._identities[self.plant.cartridge_in]
        if self._can_be_paired and self.firmware.pairing.is_paired:
            return {**identity, "capabilities": identity["capabilities"] | Capability.PAIRED}
        return identity


def _counted(block: bytes) -> bytes:
    return bytes((len(block),)) + block


def _store_nothing() -> None:
    """A pen without a file forgets with the program."""
