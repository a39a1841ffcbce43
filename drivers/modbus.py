"""The checksum of Modbus RTU; knows no function and no frame.

CRC-16 with polynomial 0x8005 reflected, start 0xFFFF, sent with its low byte first. Computed by
`fastcrc`, compiled: in Python it took a quarter of an exchange (docs/adr/0015).

Source: Modbus over serial line V1.02, 2.5.1.2.
"""

from __future__ import annotations

from fastcrc import crc16

CRC_BYTES = 2
FRAME_BYTES_MIN = 4
"""Unit, function, CRC-16."""


def crc_of(body: bytes) -> bytes:
    """Return the CRC-16 of a body, as it is sent."""
    return crc16.modbus(body).to_bytes(CRC_BYTES, "little")


def sealed(body: bytes) -> bytes:
    """Return the body with its CRC-16 behind it."""
    return body + crc_of(body)


def is_sealed(frame: bytes) -> bool:
    """Return whether there is a frame that ends in the CRC-16 of what stands before it."""
    return len(frame) >= FRAME_BYTES_MIN and crc_of(frame[:-CRC_BYTES]) == frame[-CRC_BYTES:]
