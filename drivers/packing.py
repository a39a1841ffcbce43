"""Fields of a block into registers and back, and the CRC-32 over them; gives them no meaning.

Driven by the blocks of `drivers.registers`; what the values say is the business of `drivers.block`.

Source: docs/protocol.md, sections 1 and 5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from drivers.registers import (
    DATA_ID,
    IDENTITY,
    ORDER,
    STATUS,
    Block,
    Command,
    Fault,
    Field,
    PenState,
    Result,
)


class Defect(Enum):
    """Why registers are not a block. The value says it in words."""

    REGISTERS = "wrong number of registers, or one that is no 16-bit number"
    MAGIC = "does not begin like a pen's identity"
    CRC32 = "CRC-32 wrong"
    VERSION = "another protocol version"
    COMMAND = "unknown command"
    TOKEN = "token 0"  # noqa: S105 - a session's name, not a secret
    STATE = "unknown state"
    FAULT = "unknown fault"
    FLAGS = "unknown flag"
    RESULT = "unknown result"


MEMBERS: dict[str, dict[int, IntEnum]] = {
    "command": {int(member): member for member in Command},
    "state": {int(member): member for member in PenState},
    "fault": {int(member): member for member in Fault},
    "result": {int(member): member for member in Result},
}
"""The only numbers that a field of this name may hold, with their names."""


def block_crc32(block: Block, body: bytes, serial_number: int) -> int:
    """Return the CRC-32 of a block: identifier, serial number, direction, address, registers.

    Args:
        block: Which block it is.
        body: All bytes of the block but the four of the CRC-32.
        serial_number: Of the pen; 0 for the identity.

    Source: docs/protocol.md 5.
    """
    return zlib.crc32(body, _head_crc32(block.direction, block.address, serial_number))


def pack(block: Block, numbers: Sequence[int], serial_number: int) -> tuple[int, ...]:
    """Return the registers of a block, its CRC-32 included; what no field covers is zero.

    Args:
        block: Which block it is.
        numbers: The value of each field, in the order of the fields.
        serial_number: Of the pen; 0 for the identity.

    Raises:
        ValueError: If a value does not fit its field; the text names field, value and range.
    """
    plan = _PLANS[block.name]
    for value, name, low, high, members in zip(numbers, *plan.rules, strict=True):
        if value.__class__ is bool or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{name} = {value!r}: must be a whole number from {low} to {high}")
        if members is not None and value not in members:
            raise ValueError(f"{name} = {value!r}: must be one of {sorted(members)}")
    body = plan.layout.pack(*numbers)
    crc32 = block_crc32(block, body, serial_number)
    return plan.registers.unpack(body + crc32.to_bytes(4, "big"))


def unpack(block: Block, registers: Sequence[int], serial_number: int) -> dict[str, int] | Defect:
    """Return the values of a block by field name, or why the registers are not that block."""
    numbers = unpack_numbers(block, registers, serial_number)
    if isinstance(numbers, Defect):
        return numbers
    return dict(zip(_PLANS[block.name].names, numbers, strict=True))


def unpack_numbers(
    block: Block, registers: Sequence[int], serial_number: int
) -> tuple[int, ...] | Defect:
    """Return the values of a block in the order of its fields, or why it is not that block."""
    plan = _PLANS[block.name]
    sealed = as_bytes(registers)
    if sealed is None or len(registers) != block.words:
        return Defect.REGISTERS
    body = sealed[:-4]
    if block_crc32(block, body, serial_number) != int.from_bytes(sealed[-4:], "big"):
        return Defect.CRC32
    return plan.layout.unpack(body)


def as_bytes(registers: Sequence[int]) -> bytes | None:
    """Return the registers as they travel, or None if they are not all 16-bit numbers."""
    try:
        return struct.pack(f">{len(registers)}H", *registers)
    except struct.error:
        return None


@lru_cache(maxsize=64)
def _head_crc32(direction: bytes, address: int, serial_number: int) -> int:
    """Return the CRC-32 over what is never sent; the same in every exchange with one pen."""
    return zlib.crc32(DATA_ID + struct.pack(">IcH", serial_number, direction, address))


class _Plan(NamedTuple):
    """What is known of a block before any values are: every exchange packs and unpacks one."""

    names: tuple[str, ...]
    lows: tuple[int, ...]
    highs: tuple[int, ...]
    members: tuple[Mapping[int, IntEnum] | None, ...]
    layout: struct.Struct
    registers: struct.Struct

    @property
    def rules(self) -> tuple[tuple[Any, ...], ...]:
        """What each number is called, and what it must be."""
        return self.names, self.lows, self.highs, self.members


def _plan(block: Block) -> _Plan:
    bounds = [_bounds(field) for field in block.fields]
    return _Plan(
        names=tuple(field.name for field in block.fields),
        lows=tuple(low for low, _ in bounds),
        highs=tuple(high for _, high in bounds),
        members=tuple(MEMBERS.get(field.name) for field in block.fields),
        layout=_layout(block),
        registers=struct.Struct(f">{block.words}H"),
    )


def _bounds(field: Field) -> tuple[int, int]:
    bits = 8 if field.part != "word" else 16 * field.words
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if field.signed else (0, (1 << bits) - 1)


def _layout(block: Block) -> struct.Struct:
    """Return the block, all but its CRC-32, as one layout of bytes, most significant first.

    Fields stand in the order of their registers; what none of them covers is skipped or zero.
    """
    codes, end = ">", 0
    for field in block.fields:
        start = 2 * field.offset + (field.part == "low")
        code = _CODES[field.part, field.words]
        codes += "x" * (start - end) + (code.lower() if field.signed else code)
        end = start + struct.calcsize(f">{code}")
    return struct.Struct(codes + "x" * (2 * block.words - 4 - end))


_CODES = {("high", 1): "B", ("low", 1): "B", ("word", 1): "H", ("word", 2): "I"}
_PLANS = {block.name: _plan(block) for block in (IDENTITY, ORDER, STATUS)}
