"""Puts frames together again from the pieces in which they were written and read; no meaning.

Total, and bounded: what has not become a frame after 512 bytes, or after a silence of 25 ms, is
damaged, and stands as such. Frames come out in the order in which they began.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from drivers.modbus import is_sealed
from drivers.native import DELIMITER, STOP_BYTE, unframe
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Damage, Event

SILENCE_US = 25_000
"""Bytes further apart belong to no one frame. Source: DESIGN 5, answer timeout."""

WAITING_BYTES_MAX = 512
"""Bytes that may wait to become a frame. ASSUMED: twice the longest Modbus RTU frame."""

_HEAD_BYTES = 11
"""The longest beginning that tells how long a Modbus RTU frame is: function 23 to the pen."""

_SIZES = {
    TO_PEN: dict.fromkeys((*range(1, 7), 8), 8) | {0x16: 10},
    TO_HOST: dict.fromkeys((5, 6, 8, 15, 16), 8) | {0x16: 10} | dict.fromkeys(range(0x81, 256), 5),
}
"""Functions whose frames are always so long. Source: Modbus application protocol V1.1b3, 6, 7."""

_COUNT_AT = {
    TO_PEN: {15: 6, 16: 6, 23: 10},
    TO_HOST: dict.fromkeys((1, 2, 3, 4, 23), 2),
}
"""Functions whose frames hold a byte count, and where it stands. Source: as above."""


class Piece(NamedTuple):
    """Bytes that belong together.

    Args:
        at_us: When the first of them was written or read.
        until_us: When the last of them was.
        direction: As `drivers.trace.format.Event.direction`.
        data: The bytes, or a note's text.
        is_intact: Whether they are a frame.
    """

    at_us: int
    until_us: int
    direction: str
    data: bytes
    is_intact: bool


class Framing(Protocol):
    """How frames are told apart in one kind of line."""

    def __call__(self, data: bytes, direction: str, *, is_last: bool) -> tuple[int, bool] | None:
        """Return how many bytes at the beginning belong together, and whether they are a frame.

        Args:
            data: What waits; at least one byte.
            direction: Who said it.
            is_last: Nothing that follows belongs to it; None is no answer then.
        """
        ...


def rtu(data: bytes, direction: str, *, is_last: bool) -> tuple[int, bool] | None:
    """Tell Modbus RTU frames apart. See `Framing`."""
    if not _rtu_size(data[:_HEAD_BYTES], direction) and is_sealed(data):
        return len(data), True  # of a function that is not known here
    for start in range(len(data)):
        size = _rtu_size(data[start : start + _HEAD_BYTES], direction)
        if size > len(data) - start and not is_last:
            return (start, False) if start else None
        if 0 < size <= len(data) - start and is_sealed(data[start : start + size]):
            return (start, False) if start else (size, True)
    return len(data), False


def _rtu_size(head: bytes, direction: str) -> int:
    """Return how long the frame is that begins so: 0 for none, and for too little a byte more."""
    if len(head) < 2:
        return len(head) + 1
    fixed = _SIZES[direction].get(head[1])
    if fixed is not None:
        return fixed
    count_at = _COUNT_AT[direction].get(head[1])
    if count_at is None:
        return 0
    return head[count_at] + count_at + 3 if len(head) > count_at else len(head) + 1


def native(data: bytes, direction: str, *, is_last: bool) -> tuple[int, bool] | None:
    """Tell native frames and stop bytes apart. See `Framing`; docs/protocol.md 10."""
    delimiters = len(data) - len(data.lstrip(DELIMITER))
    end = data.find(DELIMITER, delimiters)
    stop = data.find(STOP_BYTE) if direction == TO_PEN else -1
    if stop == 0:
        return len(data) - len(data.lstrip(STOP_BYTE)), True
    if stop > 0 and (stop < end or end < 0):
        return stop, data[:stop] == DELIMITER * stop
    if end < 0:
        return (len(data), delimiters == len(data)) if is_last else None
    return end + 1, unframe(data[delimiters:end]) is not None


def raw(data: bytes, direction: str, *, is_last: bool) -> tuple[int, bool] | None:
    """Take bytes as they come: nothing is known of this line. See `Framing`."""
    del direction, is_last
    return len(data), True


FRAMINGS: dict[str, Framing] = {"penlink": rtu, "modbus": rtu, "native": native}
"""Framings by the name of the driver; another maker's is `raw`."""


def is_modbus(driver: str) -> bool:
    """Return whether a driver's frames are those of Modbus RTU."""
    return FRAMINGS.get(driver) is rtu


class _Stream:
    """One direction of a line: bytes in, pieces out. Damaged bytes in a row are one piece."""

    def __init__(self, framing: Framing, direction: str) -> None:
        self._framing = framing
        self._direction = direction
        self._data = b""
        self._times: list[tuple[int, int]] = []  # how many bytes came when
        self._junk: Piece | None = None

    @property
    def begun_us(self) -> int | None:
        """When what waits began, or None."""
        if self._junk is not None:
            return self._junk.at_us
        return self._times[0][1] if self._times else None

    def feed(self, at_us: int, data: bytes) -> Iterator[Piece]:
        """Take bytes and yield what they complete."""
        self._data += data
        self._times.append((len(data), at_us))
        yield from self._cut(is_last=len(self._data) > WAITING_BYTES_MAX)
        if self._junk is not None and len(self._junk.data) > WAITING_BYTES_MAX:
            yield from self._out_with_junk()

    def pass_time(self, now_us: int) -> Iterator[Piece]:
        """Yield what has waited for too long."""
        last_us = self._times[-1][1] if self._times else None
        if last_us is None and self._junk is not None:
            last_us = self._junk.until_us
        if last_us is not None and now_us - last_us > SILENCE_US:
            yield from self.end()

    def end(self) -> Iterator[Piece]:
        """Yield all that waits."""
        yield from self._cut(is_last=True)
        yield from self._out_with_junk()

    def _cut(self, *, is_last: bool) -> Iterator[Piece]:
        while self._data:
            found = self._framing(self._data, self._direction, is_last=is_last)
            if found is None:
                return
            size, is_intact = found
            data, self._data = self._data[:size], self._data[size:]
            first_us, last_us = self._spent(size)
            if is_intact:
                yield from self._out_with_junk()
                yield Piece(first_us, last_us, self._direction, data, is_intact=True)
                continue
            if self._junk is not None:
                first_us, data = self._junk.at_us, self._junk.data + data
            self._junk = Piece(first_us, last_us, self._direction, data, is_intact=False)

    def _out_with_junk(self) -> Iterator[Piece]:
        if self._junk is not None:
            yield self._junk
            self._junk = None

    def _spent(self, size: int) -> tuple[int, int]:
        """Forget the times of so many bytes; return the first and the last of them."""
        first_us = last_us = self._times[0][1]
        while size:
            count, last_us = self._times[0]
            if count > size:
                self._times[0] = (count - size, last_us)
                break
            size -= count
            self._times.pop(0)
        return first_us, last_us


def pieces(driver: str, items: Iterable[Event | Damage]) -> Iterator[Piece | Damage]:
    """Yield frames, damaged bytes and notes in the order in which they began.

    Args:
        driver: As the header of the trace names it.
        items: As `drivers.trace.reader.read_trace` gives them; damaged lines are passed on at once.
    """
    framing = FRAMINGS.get(driver, raw)
    streams = {one: _Stream(framing, one) for one in (TO_PEN, TO_HOST)}
    order = _Order()
    for item in items:
        if isinstance(item, Damage):
            yield item
            continue
        for stream in streams.values():
            order.add(stream.pass_time(item.at_us))
        if item.direction == NOTE:
            order.add([Piece(item.at_us, item.at_us, NOTE, item.data, is_intact=True)])
        else:
            order.add(streams[item.direction].feed(item.at_us, item.data))
        begun = [one.begun_us for one in streams.values() if one.begun_us is not None]
        yield from order.until(min(begun, default=None))
    for stream in streams.values():
        order.add(stream.end())
    yield from order.until(None)


class _Order:
    """Pieces that wait for one that began before them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Piece]] = []
        self._count = 0

    def add(self, found: Iterable[Piece]) -> None:
        """Take pieces."""
        for piece in found:
            self._count += 1
            heapq.heappush(self._waiting, (piece.at_us, self._count, piece))

    def until(self, begun_us: int | None) -> Iterator[Piece]:
        """Yield those that began no later than what is not complete yet; all if that is None."""
        while self._waiting and (begun_us is None or self._waiting[0][0] <= begun_us):
            yield heapq.heappop(self._waiting)[2]
