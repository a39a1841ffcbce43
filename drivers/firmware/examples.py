"""The worked frames of docs/protocol.md section 8 as values, and their bytes; it sends none.

The values stand here once, as data. Their bytes come from the encoders that the host uses, and a
test compares them with the golden frames, which are typed from the page.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drivers import native
from drivers.block import Identity, Order, Status, encode_identity, encode_order, encode_status
from drivers.modbus import sealed
from drivers.packing import block_crc32
from drivers.registers import (
    IDENTITY,
    ORDER,
    STATUS,
    UNIT_ID,
    Block,
    Capability,
    Command,
    Fault,
    Flag,
    PenState,
    Result,
)
from drivers.rtu import EXCHANGE, READ, exchange_request, read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

SERIAL_NUMBER = 42
TOKEN = 0x1234ABCD
EPOCH = 7
LIMITS_HASH = 0x957A

SHOWN = (IDENTITY, ORDER, STATUS)
"""The blocks that examples carry."""

IN_FRAME = {"identity": 3, "order": 11, "status": 3}
"""Where a block begins in its frame, in bytes. Source: Modbus application protocol, 6.3, 6.17."""

CRC16_POLYNOMIAL = bytes((0x03, 0x40, 0x01))
"""x^16 + x^15 + x^2 + 1 as it lies on the line, low bit first: no CRC-16 sees these four flips.
Source: Modbus over serial line V1.02, 2.5.1.2."""


@dataclass(frozen=True, slots=True)
class Example:
    """One worked frame.

    Args:
        name: As in the golden frames.
        frame: Its bytes, CRC-16 included.
        block: Which block it carries; None for a frame without one.
    """

    name: str
    frame: bytes
    block: Block | None = None


PEN = Identity(
    version_minor=0,
    serial_number=SERIAL_NUMBER,
    firmware_major=1,
    firmware_minor=0,
    model=1,
    capabilities=Capability(0x3F),
    depth_um_max=2_500,
    depth_step_um=50,
    speed_dhz_min=500,
    speed_dhz_max=1_500,
    lease_ms=200,
    depth_tolerance_um=150,
    needles=12,
    cartridge_depth_um_max=2_500,
    cartridge_uid=0xC0FFEE01,
    limits_hash=LIMITS_HASH,
    stop_ms_max=50,
)

ORDERS = {
    "poll": Order(Command.POLL, TOKEN, 1, 0),
    "open": Order(Command.OPEN, TOKEN, 2, 5_000, EPOCH),
    "start": Order(Command.START, TOKEN, 258, 90_000, 750, 1_000),
    "renew": Order(Command.RENEW, TOKEN, 259, 90_005, 750, 1_000),
    "stop": Order(Command.STOP, TOKEN, 260, 90_055),
}

_FIRST_STATUS = Status(
    state=PenState.SAFE,
    fault=Fault.NONE,
    flags=Flag.CARTRIDGE,
    token_echo=TOKEN & 0xFFFF,
    sequence_echo=1,
    tick_ms=5_000,
    epoch=EPOCH,
    last_order_token=0,
    last_order_sequence=0,
    result=Result.NONE,
    depth_um=0,
    speed_dhz=0,
    current_ma=0,
    temperature_cdegc=2_350,
    supply_mv=3_980,
    strokes=1_000,
    limits_hash=LIMITS_HASH,
)

_STATUS_OF_START = replace(
    _FIRST_STATUS,
    state=PenState.RUN,
    flags=Flag.MOTOR_ON | Flag.CARTRIDGE | Flag.SETTLED | Flag.TOKEN_LIVE,
    sequence_echo=258,
    tick_ms=90_005,
    last_order_token=TOKEN & 0xFFFF,
    last_order_sequence=258,
    result=Result.DONE,
    depth_um=748,
    current_ma=212,
    temperature_cdegc=2_410,
    supply_mv=3_870,
)

_STATUS_OF_STOP = replace(
    _STATUS_OF_START,
    state=PenState.STOPPING,
    flags=Flag.CARTRIDGE,
    sequence_echo=260,
    tick_ms=90_105,
    last_order_sequence=260,
    depth_um=701,
    speed_dhz=962,
    current_ma=-85,
    temperature_cdegc=2_412,
    supply_mv=3_941,
    strokes=1_006,
)

STATUSES = {
    "status of the poll": _FIRST_STATUS,
    "status of the start": _STATUS_OF_START,
    "status of the stop": _STATUS_OF_STOP,
    "refused renew in a fault": replace(
        _STATUS_OF_STOP,
        state=PenState.FAULT,
        fault=Fault.OVER_DEPTH,
        sequence_echo=261,
        tick_ms=90_155,
        result=Result.FAULT_ACTIVE,
        depth_um=-12,
        speed_dhz=0,
        current_ma=18,
        supply_mv=3_990,
        strokes=1_007,
    ),
}

_STOP_BY_06 = struct.pack(">BBHH", UNIT_ID, 0x06, ORDER.address, Command.STOP)
_EXCEPTION_02 = bytes((UNIT_ID, EXCHANGE | 0x80, 2))


def examples() -> tuple[Example, ...]:
    """Return every worked frame, in the order of the page where blocks are alike."""
    return (
        Example("identity request", read_request(UNIT_ID, IDENTITY.address, IDENTITY.words)),
        Example("identity", _reply(READ, IDENTITY, encode_identity(PEN)), IDENTITY),
        *(Example(name, order_frame(order), ORDER) for name, order in ORDERS.items()),
        *(
            Example(name, _reply(EXCHANGE, STATUS, encode_status(status, SERIAL_NUMBER)), STATUS)
            for name, status in STATUSES.items()
        ),
        Example("stop by function 06", sealed(_STOP_BY_06)),
        Example("exception 02 to function 23", sealed(_EXCEPTION_02)),
    )


def native_examples() -> tuple[Example, ...]:
    """Return the same in native frames, as far as there is a block or a question for one."""
    asked = Example("identity request", native.frame(IDENTITY.direction))
    found = [
        Example(one.name, native.frame(one.block.direction + block_of(one)), one.block)
        for one in examples()
        if one.block is not None
    ]
    return (asked, *(_with_stop_bytes(one) if one.name == "stop" else one for one in found))


def block_of(example: Example) -> bytes:
    """Return the block that a worked frame carries. Raises TypeError if it carries none."""
    if example.block is None:
        raise TypeError(f"{example.name} carries no block")
    return example.frame[IN_FRAME[example.block.name] : -2]


def _with_stop_bytes(example: Example) -> Example:
    return replace(example, frame=native.STOP_BYTES + example.frame)


def stops() -> tuple[Example, ...]:
    """Return frames that stop every pen that hears them (docs/protocol.md 6)."""
    frame = order_frame(ORDERS["stop"])
    spoilt = bytearray(frame[:-2])
    spoilt[IN_FRAME["order"]] ^= 0xFF  # version
    spoilt[IN_FRAME["order"] + 4] ^= 0xFF  # token, and with it the CRC-32
    return (
        Example("stop", frame, ORDER),
        Example("stop with version, token and CRC-32 wrong", sealed(bytes(spoilt)), ORDER),
        Example("stop to everybody", sealed(bytes(1) + frame[1:-2]), ORDER),
        Example("stop by function 06", sealed(_STOP_BY_06)),
        Example("stop by function 06 to everybody", sealed(bytes(1) + _STOP_BY_06[1:])),
    )


def refused() -> tuple[Example, ...]:
    """Return orders with a right CRC-16 that pen 42 must not take: their CRC-32 is wrong."""
    good = order_frame(ORDERS["start"])
    body = good[IN_FRAME["order"] : -2 - 4]
    forged = {
        "start for pen 43": block_crc32(ORDER, body, SERIAL_NUMBER + 1),
        "start under the direction of a status": block_crc32(
            replace(ORDER, direction=STATUS.direction), body, SERIAL_NUMBER
        ),
        "start under another address": block_crc32(
            replace(ORDER, address=ORDER.address + 1), body, SERIAL_NUMBER
        ),
        "start with nothing under its CRC-32": zlib.crc32(body),
    }
    head = good[: IN_FRAME["order"]]
    flipped, doubled = bytearray(good[:-2]), bytearray(good)
    flipped[IN_FRAME["order"] + 13] ^= 0x01
    for place, bits in enumerate(CRC16_POLYNOMIAL, IN_FRAME["order"] + 12):
        doubled[place] ^= bits
    return (
        *(Example(n, sealed(head + body + crc.to_bytes(4)), ORDER) for n, crc in forged.items()),
        Example("start with a bit flipped and CRC-16 made anew", sealed(bytes(flipped)), ORDER),
        Example("start with an error that CRC-16 cannot see", bytes(doubled), ORDER),
    )


def order_frame(order: Order, serial_number: int = SERIAL_NUMBER) -> bytes:
    """Return the frame that carries an order to the pen of that serial number."""
    registers = encode_order(order, serial_number)
    return exchange_request(UNIT_ID, ORDER.address, registers, STATUS.address, STATUS.words)


def _reply(function: int, block: Block, registers: Sequence[int]) -> bytes:
    head = bytes((UNIT_ID, function, 2 * block.words))
    return sealed(head + struct.pack(f">{block.words}H", *registers))
