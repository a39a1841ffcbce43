"""Checksums and blocks of Pen Link, the pen's own: values to bytes and back.

Written from docs/protocol.md alone. It shares the register map with the host and no code, so
that a slip in either codec shows at the golden frames. It knows nothing of frames or of time.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from drivers.registers import DATA_ID, IDENTITY, LIMIT_WORDS, ORDER, STATUS, Block, Field

CRC_BYTES = 4
"""A block ends in a CRC-32 of two registers. Source: docs/protocol.md 5."""


def _table(reflected_polynomial: int) -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = (rest >> 1) ^ (reflected_polynomial if rest & 1 else 0)
        entries.append(rest)
    return tuple(entries)


_CRC16 = _table(0xA001)
"""Polynomial 0x8005 reflected. Source: Modbus over serial line, 2.5.1.2."""

_CRC32 = _table(0xEDB88320)
"""Polynomial 0x04C11DB7 reflected. Source: docs/protocol.md 5."""

_CRC32_MASK = 0xFFFFFFFF


def crc16(data: bytes) -> int:
    """Return the CRC-16 of Modbus RTU; it is sent with its low byte first."""
    rest = 0xFFFF
    table = _CRC16
    for byte in data:
        rest = (rest >> 8) ^ table[(rest ^ byte) & 0xFF]
    return rest


def crc32(data: bytes, before: int = 0) -> int:
    """Return the CRC-32 of zlib, going on from the one of the bytes before."""
    rest = before ^ _CRC32_MASK
    table = _CRC32
    for byte in data:
        rest = (rest >> 8) ^ table[(rest ^ byte) & 0xFF]
    return rest ^ _CRC32_MASK


def seal(frame: bytes) -> bytes:
    """Return an RTU frame with its CRC-16 behind it."""
    return frame + crc16(frame).to_bytes(2, "little")


class BlockCodec:
    """Packs and unpacks one block of the register map.

    Args:
        block: The block; its fields stand in the order of their registers.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self._names = tuple(entry.name for entry in block.fields)
        self._struct = struct.Struct(_layout(block))
        self._hidden = (0, _hidden_part(block, 0))

    @property
    def size(self) -> int:
        """Bytes of the block, CRC-32 included."""
        return 2 * self.block.words

    def pack(self, values: Mapping[str, int | bytes], serial_number: int) -> bytes:
        """Return the block with its CRC-32.

        Raises:
            KeyError: If a field is missing.
            struct.error: If a value does not fit into its field.
        """
        body = self._struct.pack(*[values[name] for name in self._names])
        return body + self._check(body, serial_number).to_bytes(CRC_BYTES)

    def unpack(self, data: bytes) -> dict[str, Any]:
        """Return the values of a block, right or wrong; see `is_intact`.

        Raises:
            struct.error: If the data are not `size` bytes.
        """
        body = data[: self.size - CRC_BYTES]
        return dict(zip(self._names, self._struct.unpack(body), strict=True))

    def is_intact(self, data: bytes, serial_number: int) -> bool:
        """Whether a block has its length and the CRC-32 of that pen, direction and address."""
        if len(data) != self.size:
            return False
        body = data[:-CRC_BYTES]
        return int.from_bytes(data[-CRC_BYTES:]) == self._check(body, serial_number)

    def _check(self, body: bytes, serial_number: int) -> int:
        known_serial_number, hidden = self._hidden
        if serial_number != known_serial_number:
            hidden = _hidden_part(self.block, serial_number)
            self._hidden = (serial_number, hidden)
        return crc32(body, hidden)


def limits_hash(identity: Mapping[str, int]) -> int:
    """Return the low half of the CRC-32 of registers 8 to 15 of an identity."""
    body = IDENTITY_CODEC.pack({**identity, "limits_hash": 0}, 0)
    first, last = LIMIT_WORDS
    return crc32(body[2 * first : 2 * last]) & 0xFFFF


def _hidden_part(block: Block, serial_number: int) -> int:
    """Return the CRC-32 of what is never sent. Source: docs/protocol.md 5."""
    hidden = DATA_ID + serial_number.to_bytes(4) + block.direction + block.address.to_bytes(2)
    return crc32(hidden)


def _layout(block: Block) -> str:
    """Return the struct format of everything but the CRC-32; unnamed registers are zero."""
    layout = ">"
    for entry in block.fields:
        gap = 2 * entry.offset + (entry.part == "low") - struct.calcsize(layout)
        layout += "x" * gap + _letter(entry)
    rest = 2 * block.words - CRC_BYTES - struct.calcsize(layout)
    return layout + "x" * rest


def _letter(entry: Field) -> str:
    if entry.words > 2:
        return f"{2 * entry.words}s"
    if entry.words == 2:
        letter = "I"
    elif entry.part == "word":
        letter = "H"
    else:
        letter = "B"
    return letter.lower() if entry.signed else letter


IDENTITY_CODEC = BlockCodec(IDENTITY)
ORDER_CODEC = BlockCodec(ORDER)
STATUS_CODEC = BlockCodec(STATUS)
