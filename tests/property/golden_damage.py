"""Golden frames, every way to damage them a little, and the two ends that must not fall for it."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from drivers import native
from drivers.block import Defect, decode_identity
from drivers.framing import Framing
from drivers.link import LinkCore
from drivers.native import NativeFraming
from drivers.registers import Command, PenState
from drivers.rtu import RTU
from simulator.frames import FrameReader
from simulator.native import NativeReader
from simulator.nonvolatile import Memory
from simulator.pen import Pen, Transport
from simulator.tame_host import TameHost
from tests.contract.golden import EPOCH as EPOCH_AT
from tests.contract.golden import SERIAL_NUMBER, TOKEN
from tests.contract.scripted_pen import FRAMES

EPOCH = int.from_bytes(FRAMES["status of the poll"][3:][EPOCH_AT], "big")
NATIVE = NativeFraming()

TO_HOST = {name: frame for name, frame in FRAMES.items() if len(frame) in {5, 45, 69}}
"""Identity, statuses, and an exception."""

TO_PEN = {name: frame for name, frame in FRAMES.items() if len(frame) in {8, 33}}
"""Requests: who are you, orders, and STOP by function 06."""

COMMAND_AT = 12
"""Place of the command in the frame of an order."""


def as_native(frame: bytes) -> bytes:
    """Return the native frame with the same block as a frame of Modbus; docs/protocol.md 10."""
    kinds = {8: (b"I", frame[:0]), 33: (b"W", frame[11:-2]), 45: (b"R", frame[3:-2])}
    kind, block = kinds.get(len(frame), (b"I", frame[3:-2]))
    return native.frame(kind + block)


def flips(frame: bytes, count: int = 1) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Yield every way to flip so many bits: their places, and the damaged frame."""
    for places in combinations(range(8 * len(frame)), count):
        damaged = bytearray(frame)
        for place in places:
            damaged[place // 8] ^= 1 << place % 8
        yield places, bytes(damaged)


def truncations(frame: bytes) -> Iterator[bytes]:
    """Yield every beginning and every end of a frame but the whole."""
    for place in range(1, len(frame)):
        yield frame[:place]
        yield frame[place:]


class Host:
    """Waits for a golden answer, and tells whether it believes what comes."""

    def __init__(self, name: str, framing: Framing = RTU) -> None:
        self._frame, self._framing = FRAMES[name], framing

    def believes(self, data: bytes) -> bool:
        """Return whether a host that waits for the golden answer takes these bytes for one."""
        if len(self._frame) == 69:
            replies = self._framing.identity_finder(Counter()).feed(data)
            return any(
                reply.exception is None and not isinstance(decode_identity(reply.registers), Defect)
                for reply in replies
            )
        core = LinkCore(TOKEN, self._framing)
        core.adopt(SERIAL_NUMBER)
        if len(self._frame) == 45:
            core.sequence = struct.unpack(">H", self._frame[9:11])[0] - 1
        core.request(Command.POLL, now_us=0)
        return core.feed(data, 1) is not None


class GoldenPen:
    """A pen that would take a golden request, at the moment for which it was written.

    Args:
        name: Of the request.
        transport: How it hears.
    """

    def __init__(self, name: str, transport: Transport = "rtu") -> None:
        self.transport: Transport = transport
        first_tick_ms = 89_000 if name in {"start", "renew", "stop"} else 4_900
        self.pen = Pen(
            memory=Memory(epoch=EPOCH - 1), first_tick_ms=first_tick_ms, transport=transport
        )
        if name in {"start", "renew", "stop"}:
            self._arm()
        else:
            self.pen.advance(150_000)
        if name in {"renew", "stop"}:
            self.hear(self._golden("start"))
            self.pen.advance(1_055_000)
        if name == "stop":
            self.hear(self._golden("renew"))

    def hear(self, data: bytes) -> bytes:
        """Hear these bytes now, as if nothing had come before them, and return the answer."""
        self.pen._reader = FrameReader() if self.transport == "rtu" else NativeReader()
        return self.pen.receive(data, self.pen.now_us)

    @property
    def state(self) -> tuple[object, ...]:
        """All that a request could change."""
        firmware = self.pen.firmware
        session = firmware.session
        return (
            *(firmware.state, firmware.fault, firmware.lease_end_ms, firmware.last_order),
            *(firmware.set_depth_um, firmware.set_speed_dhz, self.pen.bridge_is_on),
            *(session.token, session._sequence, session._seen_ms, session._barrier_ms),
        )

    @property
    def is_stopped(self) -> bool:
        """Whether the motor is off, no token is live and nothing leads on but OPEN."""
        at_rest = self.pen.state in (PenState.SAFE, PenState.STOPPING)
        return at_rest and not self.pen.bridge_is_on and self.pen.firmware.session.token == 0

    def _golden(self, name: str) -> bytes:
        return FRAMES[name] if self.transport == "rtu" else as_native(FRAMES[name])

    def _arm(self) -> None:
        """Come to READY at tick 90,005 with the number before that of the golden START."""
        host: Any = TameHost(self.pen, TOKEN)
        host.sequence, host.epoch, host.depth_um, host.speed_dhz = 253, EPOCH, 750, 1_000
        for command, wait_ms in (
            (Command.POLL, 100),
            (Command.OPEN, 5),
            (Command.ARM, 5),
            (Command.POLL, 890),
        ):
            host.wait(wait_ms)
            request = host.frame(command)
            answer = self.hear(request if self.transport == "rtu" else as_native(request))
            host.tick_ms = self.pen.tick_ms
            if not answer:
                raise AssertionError(f"{command.name} was not answered")
        host.wait(5)
