"""Fields of a block into registers and back, and the CRC-32 over them; gives them no meaning.

Driven by the blocks of `drivers.registers`; what the values say is the business of `drivers.block`.

Source: docs/protocol.md, sections 1 and 5.
"""

from __future__ import annotations

import struct
import zlib
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from drivers.registers import DATA_ID, Block, Command, Fault, Field, PenState, Result

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


def block_crc32(block: Block, registers: Sequence[int], serial_number: int) -> int:
    """Return the CRC-32 of a block: identifier, serial number, direction, address, registers.

    Args:
        block: Which block it is.
        registers: All registers of the block but the two of the CRC-32.
        serial_number: Of the pen; 0 for the identity.

    Source: docs/protocol.md 5.
    """
    head = DATA_ID + struct.pack(">IcH", serial_number, block.direction, block.address)
    return zlib.crc32(struct.pack(f">{len(registers)}H", *registers), zlib.crc32(head))


def pack(block: Block, values: Mapping[str, int], serial_number: int) -> tuple[int, ...]:
    """Return the registers of a block, its CRC-32 included; what no field covers is zero.

    Raises:
        ValueError: If a value does not fit its field; the text names field, value and range.
    """
    registers = [0] * block.words
    for field in block.fields:
        raw = _raw(field, values[field.name])
        if field.words == 2:
            registers[field.offset : field.offset + 2] = divmod(raw, 0x10000)
        else:
            registers[field.offset] |= raw << 8 if field.part == "high" else raw
    registers[-2:] = divmod(block_crc32(block, registers[:-2], serial_number), 0x10000)
    return tuple(registers)


def unpack(block: Block, registers: Sequence[int], serial_number: int) -> dict[str, int] | Defect:
    """Return the values of a block by field name, or why the registers are not that block."""
    if not are_registers(registers, block.words):
        return Defect.REGISTERS
    if block_crc32(block, registers[:-2], serial_number) != joined(registers, block.words - 2):
        return Defect.CRC32
    return {field.name: _value(field, registers) for field in block.fields}


def joined(registers: Sequence[int], offset: int) -> int:
    """Return the value of two registers, the high word first."""
    return registers[offset] << 16 | registers[offset + 1]


def are_registers(registers: Sequence[int], words: int) -> bool:
    """Return whether this is so many 16-bit numbers, whatever else it may be."""
    return len(registers) == words and all(
        isinstance(word, int) and 0 <= word <= 0xFFFF for word in registers
    )


def _raw(field: Field, value: object) -> int:
    """Return the unsigned bits of a value after checking it."""
    bits = 8 if field.part != "word" else 16 * field.words
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if field.signed else (0, (1 << bits) - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{field.name} = {value!r}: must be a whole number from {low} to {high}")
    members = MEMBERS.get(field.name)
    if members is not None and value not in members:
        raise ValueError(f"{field.name} = {value!r}: must be one of {sorted(members)}")
    return int(value) & (1 << bits) - 1


def _value(field: Field, registers: Sequence[int]) -> int:
    if field.words == 2:
        return joined(registers, field.offset)
    word = registers[field.offset]
    if field.part == "high":
        return word >> 8
    if field.part == "low":
        return word & 0xFF
    return word - 0x10000 if field.signed and word & 0x8000 else word
