"""Modbus RTU frames: requests as bytes, replies out of a byte stream; knows no session and no port.

::

    unit | function | byte count | registers, high byte first | CRC-16, low byte first
      1  |     1    |      1     |            2 x n            |           2

    unit | function + 0x80 | code | CRC-16                      an exception

All of it is written here (docs/adr/0015). A reply is found behind any noise, and only if function
and count are those that were asked for, which the libraries looked at do not check.

Source: docs/protocol.md 1; Modbus over serial line V1.02, 2.5.1.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Sequence

from drivers.framing import Discard, Finder, Reply
from drivers.modbus import is_sealed, sealed
from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    STATUS,
    UNIT_ID,
)

__all__ = [
    "EXCHANGE",
    "READ",
    "RTU",
    "UNIT_IDS",
    "Discard",
    "Reply",
    "ReplyFinder",
    "RtuFraming",
    "exchange_request",
    "read_request",
]

READ = 0x03
"""Function "read holding registers". Source: docs/protocol.md 1."""

EXCHANGE = 0x17
"""Function 23, "read/write multiple registers". Source: docs/protocol.md 1."""

UNIT_IDS = range(1, 248)
"""Addresses of single units. Source: Modbus over serial line V1.02, 2.2."""

_EXCEPTION = 0x80
_EXCEPTION_SIZE = 5
_OVERHEAD = 5  # unit, function, byte count, CRC-16
_CHUNK = 512  # with the longest reply of 69 bytes, the buffer stays below 1 KiB
_STRANGER_SIZE_MAX = 256  # Source: Modbus over serial line V1.02, 2.5.1
_COUNTED = frozenset({0x01, 0x02, 0x03, 0x04, 0x17})  # functions whose replies hold a byte count
_FIXED = frozenset({0x05, 0x06, 0x0F, 0x10})  # functions whose replies have 8 bytes


def read_request(unit_id: int, address: int, words: int) -> bytes:
    """Return the frame that reads so many registers (function 03)."""
    return sealed(struct.pack(">BBHH", unit_id, READ, address, words))


def exchange_request(
    unit_id: int,
    write_address: int,
    registers: Sequence[int],
    read_address: int,
    read_words: int,
) -> bytes:
    """Return the frame that writes these registers and then reads others (function 23)."""
    count = len(registers)
    head = (unit_id, EXCHANGE, read_address, read_words, write_address, count, 2 * count)
    return sealed(struct.pack(f">BBHHHHB{count}H", *head, *registers))


class ReplyFinder:
    """Finds the replies of one kind at any offset of a byte stream.

    Total, linear in the bytes fed, and bounded: never more than 1 KiB is kept. Whatever is not a
    reply of this kind is counted by cause in `discards` and by bytes in `thrown_bytes`.

    Args:
        unit_id: The unit that was asked, 1 to 247.
        function: The function that was asked for, `READ` or `EXCHANGE`.
        words: How many registers the reply must hold.
        discards: Where causes are counted.
    """

    def __init__(self, unit_id: int, function: int, words: int, discards: Counter[Discard]) -> None:
        if unit_id not in UNIT_IDS:
            raise ValueError(f"unit_id = {unit_id!r}: must be a whole number from 1 to 247")
        self._unit_id = unit_id
        self._function = function
        self._size = 2 * words + _OVERHEAD
        self._discards = discards
        self._buffer = bytearray()
        self.thrown_bytes = 0
        # Matches a head, or at the end of the buffer what may still become one.
        self._head = re.compile(
            b"%b(?:%b(?:%b|\\Z)|%b|\\Z)"
            % (
                re.escape(bytes([unit_id])),
                re.escape(bytes([function])),
                re.escape(bytes([2 * words])),
                re.escape(bytes([function | _EXCEPTION])),
            ),
            re.DOTALL,
        )

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes as they came and return the replies that they complete, oldest first."""
        replies: list[Reply] = []
        for start in range(0, len(data), _CHUNK):
            self._buffer += data[start : start + _CHUNK]
            replies += self._scan()
        return replies

    def _scan(self) -> list[Reply]:
        buffer = self._buffer
        replies: list[Reply] = []
        thrown_from = position = 0
        while (head := self._head.search(buffer, position)) is not None:
            position = head.start()
            size = self._expected_size(head.group())
            if len(buffer) < position + size:
                break
            frame = bytes(buffer[position : position + size])
            if not is_sealed(frame):
                self._discards[Discard.CRC16] += 1
                position += 1
                continue
            self._throw(bytes(buffer[thrown_from:position]))
            replies.append(_parsed(frame))
            position += size
            thrown_from = position
        else:
            position = len(buffer)
        self._throw(bytes(buffer[thrown_from:position]))
        del buffer[:position]
        return replies

    def _expected_size(self, head: bytes) -> int:
        if head[1:] and head[1] & _EXCEPTION:
            return _EXCEPTION_SIZE
        return self._size

    def _throw(self, junk: bytes) -> None:
        """Count bytes that hold no reply, naming whole frames of others at their beginning."""
        if not junk:
            return
        self.thrown_bytes += len(junk)
        while (size := _stranger_size(junk)) > 0:
            self._discards[self._cause(junk)] += 1
            junk = junk[size:]
        if junk:
            self._discards[Discard.NOISE] += 1

    def _cause(self, frame: bytes) -> Discard:
        if frame[0] != self._unit_id:
            return Discard.UNIT
        if frame[1] == self._function:
            return Discard.LENGTH
        return Discard.FUNCTION


class RtuFraming:
    """Pen Link 1 over Modbus RTU.

    Args:
        unit_id: Modbus unit id of the pen, 1 to 247.
    """

    speaker = "a Modbus device"
    needs_gap = True

    def __init__(self, unit_id: int = UNIT_ID) -> None:
        if unit_id not in UNIT_IDS:
            raise ValueError(f"unit_id = {unit_id!r}: must be a whole number from 1 to 247")
        self._unit_id = unit_id

    def identity_request(self) -> bytes:
        """See `drivers.framing.Framing`: function 03."""
        return read_request(self._unit_id, IDENTITY.address, IDENTITY.words)

    def exchange_request(self, order: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: function 23."""
        return exchange_request(self._unit_id, ORDER.address, order, STATUS.address, STATUS.words)

    def stop_request(self, order: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: function 23, with nothing ahead of it."""
        return self.exchange_request(order)

    def identity_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return ReplyFinder(self._unit_id, READ, IDENTITY.words, discards)

    def status_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return ReplyFinder(self._unit_id, EXCHANGE, STATUS.words, discards)

    def pairing_request(self, request: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: function 23, at addresses of its own."""
        answer = PAIRING_ANSWER
        return exchange_request(
            self._unit_id, PAIRING_REQUEST.address, request, answer.address, answer.words
        )

    def pairing_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return ReplyFinder(self._unit_id, EXCHANGE, PAIRING_ANSWER.words, discards)


RTU = RtuFraming()
"""The framing of a pen that was told no other unit id."""


def _parsed(frame: bytes) -> Reply:
    """Take an intact reply apart. Unit, function and length are those that the head asked for."""
    if frame[1] & _EXCEPTION:
        return Reply(exception=frame[2])
    return Reply(registers=struct.unpack_from(f">{frame[2] // 2}H", frame, 3))


def _stranger_size(junk: bytes) -> int:
    """Return the size of the whole, intact frame that the bytes begin with, or 0."""
    if len(junk) < _EXCEPTION_SIZE:
        return 0
    function = junk[1]
    if function & _EXCEPTION:
        size = _EXCEPTION_SIZE
    elif function in _COUNTED:
        size = junk[2] + _OVERHEAD
    elif function in _FIXED:
        size = 8
    else:
        return 0
    whole = size <= min(len(junk), _STRANGER_SIZE_MAX)
    return size if whole and is_sealed(junk[:size]) else 0
