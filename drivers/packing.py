"""Fields of a block into registers and back, and the CRC-32 over them; gives them no meaning.

Driven by the blocks of `drivers.registers`; what the values say is the business of `drivers.block`.

Source: docs/protocol.md, sections 1 and 5.
"""

from __future__ import annotations

import struct
import zlib
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    head = DATA_ID + struct.pack(">IcH", serial_number, block.direction, block.address)
    return zlib.crc32(head + body)


def pack(block: Block, values: Mapping[str, int], serial_number: int) -> tuple[int, ...]:
    """Return the registers of a block, its CRC-32 included; what no field covers is zero.

    Raises:
        ValueError: If a value does not fit its field; the text names field, value and range.
    """
    checked = [_checked(field, values[field.name]) for field in block.fields]
    body = _LAYOUTS[block.name].pack(*checked)
    sealed = body + struct.pack(">I", block_crc32(block, body, serial_number))
    return struct.unpack(f">{block.words}H", sealed)


def unpack(block: Block, registers: Sequence[int], serial_number: int) -> dict[str, int] | Defect:
    """Return the values of a block by field name, or why the registers are not that block."""
    sealed = as_bytes(registers)
    if sealed is None or len(registers) != block.words:
        return Defect.REGISTERS
    body, crc32 = sealed[:-4], int.from_bytes(sealed[-4:], "big")
    if block_crc32(block, body, serial_number) != crc32:
        return Defect.CRC32
    names = [field.name for field in block.fields]
    return dict(zip(names, _LAYOUTS[block.name].unpack(body), strict=True))


def as_bytes(registers: Sequence[int]) -> bytes | None:
    """Return the registers as they travel, or None if they are not all 16-bit numbers."""
    try:
        return struct.pack(f">{len(registers)}H", *registers)
    except struct.error:
        return None


def _checked(field: Field, value: object) -> int:
    bits = 8 if field.part != "word" else 16 * field.words
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if field.signed else (0, (1 << bits) - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{field.name} = {value!r}: must be a whole number from {low} to {high}")
    members = MEMBERS.get(field.name)
    if members is not None and value not in members:
        raise ValueError(f"{field.name} = {value!r}: must be one of {sorted(members)}")
    return value


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
_LAYOUTS = {block.name: _layout(block) for block in (IDENTITY, ORDER, STATUS)}
