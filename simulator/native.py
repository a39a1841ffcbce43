"""The pen's ear for native frames: frames and stop bytes out of a stream; carries nothing out.

Sans-I/O and total: any bytes give frames, stop bytes and a bounded remainder, never an exception.
It works as a receive interrupt would, one byte after the other.

Source: docs/protocol.md 10.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.cobs import stuff, unstuff

DELIMITER = 0x00
STOP_BYTE = 0xE5

FRAME_BYTES_MAX = 67
"""Longest frame between its delimiters. Source: docs/protocol.md 10."""

_EXCHANGED = {DELIMITER: STOP_BYTE, STOP_BYTE: DELIMITER}


@dataclass(frozen=True, slots=True)
class NativeFrame:
    """One frame, or one stop byte.

    Args:
        kind: The letter that says what the block is; empty for a stop byte.
        block: What stands behind it; its CRC-32 may be wrong.
    """

    kind: bytes
    block: bytes

    @property
    def is_stop_byte(self) -> bool:
        """Whether this is no frame but a stop byte."""
        return not self.kind


class NativeReader:
    """Collects bytes and hands out frames and stop bytes, in the order in which they came."""

    __slots__ = ("_is_void", "_pending")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._is_void = False

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._pending)

    def feed(self, data: bytes, now_us: int) -> list[NativeFrame]:
        """Take the bytes that arrived and return what they complete; the time does not matter."""
        del now_us
        heard = []
        for byte in data:
            if byte == STOP_BYTE:
                heard.append(NativeFrame(b"", b""))
                self._drop(is_void=True)
            elif byte == DELIMITER:
                body = unpacked(bytes(self._pending))
                if body:
                    heard.append(NativeFrame(body[:1], body[1:]))
                self._drop(is_void=False)
            elif len(self._pending) == FRAME_BYTES_MAX:
                self._drop(is_void=True)
            elif not self._is_void:
                self._pending.append(byte)
        return heard

    def _drop(self, *, is_void: bool) -> None:
        """Forget what came, and if void, what comes up to the next delimiter too."""
        self._pending.clear()
        self._is_void = is_void


def packed(kind: bytes, block: bytes) -> bytes:
    """Return a frame with its delimiters."""
    inner = bytes(_EXCHANGED.get(byte, byte) for byte in stuff(kind + block))
    return bytes((DELIMITER,)) + stuff(inner) + bytes((DELIMITER,))


def unpacked(frame: bytes) -> bytes | None:
    """Return the body of what came between two delimiters; None or nothing if it is no frame."""
    inner = unstuff(frame)
    if inner is None:
        return None
    return unstuff(bytes(_EXCHANGED.get(byte, byte) for byte in inner))
