"""A host and a simulated pen on one virtual line, and the golden values, for tests of pairing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.framing import Framing
from drivers.native import NativeFraming
from drivers.pen import PenLink
from drivers.registers import Capability
from drivers.rtu import RTU
from hil.world import VirtualClock, VirtualPort
from simulator.nonvolatile import Memory
from simulator.parameters import FirmwareParameters, PenParameters
from simulator.pen import Pen, Transport

GOLDEN: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "pairing.toml").read_text(encoding="utf-8")
)
SERIAL_NUMBER, EPOCH = GOLDEN["pen"]["serial_number"], GOLDEN["pen"]["epoch"]
KEY = bytes.fromhex(GOLDEN["pen"]["key"])
OTHER_KEY = bytes(range(100, 132))
FRAMINGS: dict[Transport, Framing] = {"rtu": RTU, "native": NativeFraming()}


def golden(part: str, name: str) -> bytes:
    """Return golden bytes."""
    return bytes.fromhex(GOLDEN[part][name])


def block_of(frame: bytes) -> bytes:
    """Return the 40 bytes of block at the end of an RTU frame of pairing."""
    return frame[-42:-2]


def a_pen(
    key: bytes = b"",
    *,
    can_be_paired: bool = True,
    draw: Callable[[int], bytes] | None = None,
    **more: Any,
) -> Pen:
    """Return a pen that has booted, with a key or without; its epoch is the golden one."""
    older = FirmwareParameters()
    capabilities = older.capabilities | (Capability.PAIRING if can_be_paired else 0)
    parameters = PenParameters(firmware=replace(older, capabilities=capabilities))
    memory = Memory(epoch=EPOCH - 1, key=key.hex())
    pen = Pen(parameters, memory=memory, draw=draw, **more)
    pen.advance(1_000_000)
    return pen


def drawn(*values: bytes) -> Callable[[int], bytes]:
    """Return a source of chance that gives these values, and fails when they are used up."""
    left = iter(values)

    def draw(count: int) -> bytes:
        value = next(left)
        if len(value) != count:
            raise AssertionError(f"{count} bytes were drawn, {len(value)} are next")
        return value

    return draw


def tokens(start: int = 0x1000_0001) -> Callable[[], int]:
    """Return a source of tokens that anybody could guess, which is enough for a test."""
    numbers: Iterator[int] = iter(range(start, 0xFFFF_FFFF, 0x0001_0001))
    return lambda: next(numbers)


class Bench:
    """A pen, a line to it, and hosts on that line one after the other.

    Args:
        pen: The pen.
        transport: How both speak.
    """

    def __init__(self, pen: Pen, transport: Transport = "rtu") -> None:
        self.pen = pen
        self.clock = VirtualClock()
        self.port = VirtualPort(pen, self.clock)
        self.port._began_us -= pen.now_us  # the pen has lived for a while
        self.transport = transport

    def host(self, key: bytes | None = None, start: int = 0x1000_0001) -> PenLink:
        """Return a host that holds this key of the pen, or none."""

        def keys(serial_number: int) -> bytes | None:
            return key if serial_number == SERIAL_NUMBER else None

        framing = FRAMINGS[self.transport]
        return PenLink(self.port, self.clock.now_us, tokens(start), framing, keys)

    def wait_ms(self, duration_ms: int) -> None:
        """Let time go by."""
        self.clock.wait_until(self.clock.now_us() + 1_000 * duration_ms)
        self.pen.advance(self.clock.now_us() - self.port._began_us)
