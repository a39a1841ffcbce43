"""The last while of a line, in bounded memory; it has no thread and writes nothing."""

from __future__ import annotations

from collections import deque

from drivers.trace.format import Event

SPAN_US = 60_000_000
"""How far back it goes. ASSUMED: longer than what leads to a trip."""

DATA_BYTES_MAX = 256 << 10
"""Bytes of the wire that are kept. ASSUMED: 60 s of scans are 94 kB; a babbling line at 115,200
baud fills it in 22 s."""

EVENTS_MAX = 8_192
"""Events that are kept, for bytes that come one by one. ASSUMED: 60 s of scans are 2,400."""


class Ring:
    """A flight recorder: events go in, the oldest go out.

    Args:
        span_us: How far back from the newest event.
        data_bytes_max: Of all events together.
        events_max: How many.
    """

    def __init__(
        self,
        span_us: int = SPAN_US,
        data_bytes_max: int = DATA_BYTES_MAX,
        events_max: int = EVENTS_MAX,
    ) -> None:
        self._span_us = span_us
        self._data_bytes_max = data_bytes_max
        self._events_max = events_max
        self._events: deque[Event] = deque()
        self._data_bytes = 0

    @property
    def data_bytes(self) -> int:
        """Bytes that are kept now."""
        return self._data_bytes

    def add(self, event: Event) -> None:
        """Keep an event, and let those go for which there is no room or time any more."""
        self._events.append(event)
        self._data_bytes += len(event.data)
        since_us = event.at_us - self._span_us
        while self._events and (
            self._events[0].at_us < since_us
            or self._data_bytes > self._data_bytes_max
            or len(self._events) > self._events_max
        ):
            self._data_bytes -= len(self._events.popleft().data)

    def events(self) -> list[Event]:
        """Return what is kept, the oldest first."""
        return list(self._events)
