"""COBS as a pen's firmware would do it: byte by byte, with one counter; knows no frame.

The pen's own, so that a slip here or in the host's shows at the golden frames.

Source: Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999; docs/protocol.md 10.
"""

from __future__ import annotations


def stuff(body: bytes) -> bytes:
    """Return the body without a zero byte; for bodies of up to 253 bytes."""
    stuffed = bytearray(1)
    code_at = 0
    for byte in body:
        if byte == 0:
            stuffed[code_at] = len(stuffed) - code_at
            code_at = len(stuffed)
        stuffed.append(byte)
    stuffed[code_at] = len(stuffed) - code_at
    return bytes(stuffed)


def unstuff(stuffed: bytes) -> bytes | None:
    """Return the body, or None if the code bytes do not lead to the end."""
    body = bytearray()
    left = 0
    for byte in stuffed:
        if byte == 0:
            return None
        if left == 0:
            body.append(0)
            left = byte
        else:
            body.append(byte)
        left -= 1
    return bytes(body[1:]) if body and left == 0 else None
