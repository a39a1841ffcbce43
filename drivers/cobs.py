"""COBS for short bodies: takes one byte value out of some bytes, and back; knows no frame.

::

    11 22 00 33        pieces between zeros: 11 22 | 33
    03 11 22 02 33     before each piece its length + 1

Below 254 bytes the code byte 0xFF, which stands for a long piece, never occurs; what is left is one
line each way. The package `cobs` does the same with a compiled extension for any length.

Source: Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999; docs/protocol.md 10.
"""

from __future__ import annotations

BODY_BYTES_MAX = 253
"""Longer bodies could need the code byte 0xFF."""


def encode(body: bytes) -> bytes:
    """Return the body without a zero byte, one byte longer.

    Raises:
        ValueError: If it is longer than 253 bytes.
    """
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"{len(body)} bytes: must be at most {BODY_BYTES_MAX}")
    return b"".join(bytes([len(piece) + 1]) + piece for piece in body.split(b"\0"))


def decode(data: bytes) -> bytes | None:
    """Return the only body that encodes to these bytes, or None if there is none."""
    if b"\0" in data or not 0 < len(data) <= BODY_BYTES_MAX + 1:
        return None
    pieces = []
    place = 0
    while place < len(data):
        behind = place + data[place]
        pieces.append(data[place + 1 : behind])
        place = behind
    return b"\0".join(pieces) if place == len(data) else None
