"""The pen's ear: RTU frames out of a stream of bytes, and what each one asks for.

Sans-I/O and total: any bytes give frames and a bounded remainder, never an exception. Time is an
argument. It carries nothing out and knows no state of the pen.

A frame ends where its function says that it does. What cannot become a frame is passed over byte
by byte, and after 2 ms of silence a frame may also begin anew, so that garbage never swallows
the good frame behind it, while a frame that a bridge has split is still put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    STATUS,
    Block,
    Command,
)
from simulator.codec import crc16

GAP_US = 2_000
"""A silence after which a frame may begin: 3.5 characters are 1,750 us. Source: protocol.md 1."""

FORGET_US = 50_000
"""After this silence the remainder is nobody's; the longest frame takes 23 ms. ASSUMED."""

BUFFER_BYTES = 512
"""Twice the longest frame of Modbus."""

BROADCAST = 0
READ = 0x03
WRITE_ONE = 0x06
EXCHANGE = 0x17

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3

_FIXED_BYTES = {
    **dict.fromkeys((1, 2, READ, 4, 5, WRITE_ONE, 8), 8),
    **dict.fromkeys((7, 11, 12, 17), 4),
    22: 10,
    24: 6,
    43: 7,
}
"""Length of a request of a function. Source: Modbus application protocol 1.1b3, section 6."""

_COUNTED_AT = {15: 6, 16: 6, 20: 2, 21: 2, EXCHANGE: 10}
"""Where the byte count stands in a request of a function that has one; 2 of CRC-16 follow."""

_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """One RTU frame whose CRC-16 was right.

    Args:
        unit: Addressee; 0 is everybody.
        function: Modbus function.
        body: What stands between function and CRC-16.
    """

    unit: int
    function: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What a frame asks for.

    Args:
        kind: ``stop`` is function 06; ``refused`` is answered by the exception.
        order: The block of an exchange or of a pairing request; empty for the other kinds.
        exception: Code to answer with; 0 for none.
        is_stop: Whether it puts STOP into the order's first register, whatever else it does.
    """

    kind: Literal["identity", "exchange", "pairing", "stop", "refused"]
    order: bytes = b""
    exception: int = 0
    is_stop: bool = False


class FrameReader:
    """Collects bytes and hands out frames."""

    __slots__ = ("_buffer", "_last_us", "_mark")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._last_us = 0
        self._mark = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes, now_us: int) -> list[Frame]:
        """Take the bytes that arrived at that time and return the frames that they complete."""
        if not data:
            return []
        silence_us = now_us - self._last_us
        self._last_us = now_us
        if silence_us >= FORGET_US:
            self._buffer.clear()
        if silence_us >= GAP_US:
            self._mark = len(self._buffer)
        frames = []
        for start in range(0, len(data), BUFFER_BYTES // 2):
            self._buffer += data[start : start + BUFFER_BYTES // 2]
            while frame := self._take():
                frames.append(frame)
        return frames

    def _take(self) -> Frame | None:
        """Cut the first frame out of the buffer, with what stands before it."""
        buffer = self._buffer
        start = 0
        keep = -1
        while len(buffer) - start >= _SHORTEST:
            length = _frame_bytes(buffer, start, is_first=start in (0, self._mark))
            if 0 < length <= len(buffer) - start:
                if crc16(bytes(buffer[start : start + length])) == 0:
                    return self._cut(start, length)
            elif length != 0:
                # Unfinished. It may still be completed, unless a frame began after it.
                keep = start if keep < 0 else keep
                if start >= self._mark:
                    break
                start = self._mark
                continue
            start += 1
        self._drop(keep if keep >= 0 else min(start, len(buffer)))
        return None

    def _cut(self, start: int, length: int) -> Frame:
        raw = bytes(self._buffer[start : start + length])
        self._drop(start + length)
        return Frame(raw[0], raw[1], raw[2:-2])

    def _drop(self, count: int) -> None:
        overflow = len(self._buffer) - count - BUFFER_BYTES // 2
        count += max(overflow, 0)
        del self._buffer[:count]
        self._mark = max(self._mark - count, 0)


def _frame_bytes(buffer: bytearray, start: int, *, is_first: bool) -> int:
    """Return the length of the request that may begin here.

    0 if none can, -1 if its byte count has not come yet. A function of unknown length is looked
    for only where a frame is due, and only as all that came.
    """
    function = buffer[start + 1]
    if function in _FIXED_BYTES:
        return _FIXED_BYTES[function]
    if function in _COUNTED_AT:
        place = start + _COUNTED_AT[function]
        return _COUNTED_AT[function] + 3 + buffer[place] if place < len(buffer) else -1
    return len(buffer) - start if is_first and 0 < function < 0x80 else 0


def read_request(frame: Frame) -> Request:
    """Say what a frame asks for. Source: docs/protocol.md 1 and 6."""
    if frame.function == READ:
        return _read_identity(frame.body)
    if frame.function == WRITE_ONE:
        return _read_write_one(frame.body)
    if frame.function == EXCHANGE:
        return _read_exchange(frame.body)
    return Request("refused", exception=ILLEGAL_FUNCTION)


def _read_identity(body: bytes) -> Request:
    if body == _words(IDENTITY.address, IDENTITY.words):
        return Request("identity")
    return Request("refused", exception=ILLEGAL_ADDRESS)


def _read_write_one(body: bytes) -> Request:
    if body[:2] != _words(ORDER.address):
        return Request("refused", exception=ILLEGAL_ADDRESS)
    if body[3] != Command.STOP:
        return Request("refused", exception=ILLEGAL_VALUE)
    return Request("stop", is_stop=True)


def _read_exchange(body: bytes) -> Request:
    read_part, write_part, values = body[:4], body[4:8], body[9:]
    words = int.from_bytes(write_part[2:])
    if 2 * words != len(values):
        return Request("refused", exception=ILLEGAL_VALUE)
    is_stop = _puts_stop(int.from_bytes(write_part[:2]), values)
    if read_part == _place(PAIRING_ANSWER) and write_part == _place(PAIRING_REQUEST):
        return Request("pairing", order=values)
    fits = read_part == _words(STATUS.address, STATUS.words)
    if not fits or write_part != _words(ORDER.address, ORDER.words):
        return Request("refused", exception=ILLEGAL_ADDRESS, is_stop=is_stop)
    return Request("exchange", order=values, is_stop=is_stop)


def _puts_stop(address: int, values: bytes) -> bool:
    """Whether these values put STOP into the low byte of the order's first register."""
    place = 2 * (ORDER.address - address) + 1
    return 0 <= place < len(values) and values[place] == Command.STOP


def _place(block: Block) -> bytes:
    return _words(block.address, block.words)


def _words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)
