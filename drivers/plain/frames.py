"""Frames of functions 03, 04, 06 and 16, and the one answer to each; knows no port and no pen.

::

    unit | 03, 04 | address | count                       | CRC-16     read; answered by
    unit | 03, 04 | byte count | registers                | CRC-16
    unit | 06     | address | value                       | CRC-16     write; the answer repeats it
    unit | 16     | address | count | byte count | values | CRC-16     write; answered by
    unit | 16     | address | count                       | CRC-16
    unit | function + 0x80 | code                         | CRC-16     an exception

These functions have no number of their own, so an answer is believed only if it is the only thing
on the line. `AnswerFinder` therefore tells more than the answer: whether anything else was heard.

Source: Modbus application protocol 1.1b3, 6; Modbus over serial line V1.02, 2.5.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from drivers.framing import Discard
from drivers.modbus import is_sealed, sealed

EXCEPTION = 0x80
EXCEPTION_BYTES = 5
_ECHO_BYTES = 8
_OVERHEAD = 5  # unit, function, byte count, CRC-16
_FRAME_BYTES_MAX = 256
_COUNTED = frozenset({1, 2, 3, 4, 23})
_ECHOED = frozenset({5, 6, 15, 16})


@dataclass(frozen=True, slots=True)
class Request:
    """One question or order.

    Args:
        frame: What goes on the wire.
        size: Bytes of a right answer.
        echo: What a right answer must be, byte for byte; empty for a read.
    """

    frame: bytes
    size: int
    echo: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request.

    Args:
        registers: What was read; empty for a write.
        exception: The Modbus exception code, or None.
    """

    registers: tuple[int, ...] = ()
    exception: int | None = None


def read_request(unit_id: int, function: int, address: int, words: int) -> Request:
    """Return the request that reads so many registers, 1 to 125, with function 03 or 04."""
    body = bytes((unit_id, function)) + address.to_bytes(2, "big") + words.to_bytes(2, "big")
    return Request(sealed(body), 2 * words + _OVERHEAD)


def write_request(unit_id: int, function: int, address: int, registers: tuple[int, ...]) -> Request:
    """Return the request that writes one register with function 06, or some with function 16."""
    head = bytes((unit_id, function)) + address.to_bytes(2, "big")
    values = b"".join(one.to_bytes(2, "big") for one in registers)
    if function == 6:
        frame = sealed(head + values)
        return Request(frame, _ECHO_BYTES, frame)
    head += len(registers).to_bytes(2, "big")
    return Request(sealed(head + bytes((len(values),)) + values), _ECHO_BYTES, sealed(head))


class AnswerFinder:
    """Finds the answer to one request in a stream of bytes. Total and bounded.

    Args:
        request: What was asked.
        discards: Where everything else is counted by cause.
    """

    def __init__(self, request: Request, discards: Counter[Discard]) -> None:
        self._request = request
        self._discards = discards
        self._buffer = bytearray()
        self.heard_bytes = 0
        self.has_stranger = False

    def feed(self, data: bytes) -> Answer | None:
        """Take bytes as they came; return the answer once it is there and nothing follows it."""
        self.heard_bytes += len(data)
        self._buffer += data[-_FRAME_BYTES_MAX:]
        del self._buffer[: -2 * _FRAME_BYTES_MAX]
        junk = 0
        answer: Answer | None = None
        position = 0
        while position < len(self._buffer):
            size = self._frame_size(position)
            frame = bytes(self._buffer[position : position + size])
            if size > len(frame) and self._may_be_answer(position):
                break
            if size != len(frame) or not _is_intact(frame):
                junk += 1
                position += 1
                continue
            position += size
            if answer is not None:
                self._note(Discard.LATE)
            answer = self._judged(frame) or answer
        if junk:
            self._discards[Discard.NOISE] += 1
        del self._buffer[:position]
        return answer if answer is not None and not self._buffer else None

    def _frame_size(self, start: int) -> int:
        """Return how long the frame would be that may begin here; 0 if none can."""
        if len(self._buffer) - start < 3:
            return 3
        function, third = self._buffer[start + 1 : start + 3]
        if function in _COUNTED and third and third % 2 == 0:
            return third + _OVERHEAD
        if function in _ECHOED:
            return _ECHO_BYTES
        return EXCEPTION_BYTES if function & EXCEPTION else 0

    def _may_be_answer(self, start: int) -> bool:
        """Return whether what begins here may still become the answer."""
        head = self._buffer[start : start + 2]
        unit_id, function = self._request.frame[:2]
        return head[0] == unit_id and head[1:] in (
            b"",
            bytes((function,)),
            bytes((function | EXCEPTION,)),
        )

    def _judged(self, frame: bytes) -> Answer | None:
        """Return an intact frame as the answer, or count why it is none."""
        asked = self._request
        if frame[0] != asked.frame[0]:
            self._note(Discard.UNIT)
        elif frame[1] == asked.frame[1] | EXCEPTION:
            return Answer(exception=frame[2])
        elif frame[1] != asked.frame[1]:
            self._note(Discard.FUNCTION)
        elif len(frame) != asked.size:
            self._note(Discard.LENGTH)
        elif asked.echo and frame != asked.echo:
            self._note(Discard.VALUE)
        else:
            values = b"" if asked.echo else frame[3:-2]
            pairs = range(0, len(values), 2)
            return Answer(tuple(int.from_bytes(values[at : at + 2], "big") for at in pairs))
        return None

    def _note(self, cause: Discard) -> None:
        self._discards[cause] += 1
        self.has_stranger = True


def _is_intact(frame: bytes) -> bool:
    is_long_enough = len(frame) >= EXCEPTION_BYTES
    return is_long_enough and is_sealed(frame)
