"""The thread that keeps and writes traces, so that no scan waits for it; it judges nothing.

The scan leaves what it wrote and read, and goes on: no lock, no system call. The thread keeps the
last minute, writes it at a trip with what follows at once, and writes everything if that is wanted.
If the disk hangs, fills up or fails, traces are lost; the session is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from threading import Event as Signal
from threading import Thread
from typing import BinaryIO, NamedTuple

from controller.tracing.files import name_of
from controller.tracing.sheet import Sheet
from drivers.trace.format import NOTE, Event, Header, note
from drivers.trace.ring import Ring

WAITING_MAX = 8_192
"""Events that may wait for the thread. ASSUMED: some 200 s of scans."""

LOOK_S = 0.5
"""So often what came is looked at and written. ASSUMED: as the scan log."""

FOLLOW_US = 2_000_000
"""What comes so soon after a trip belongs to its dump. ASSUMED: every stop is over by then."""

TRIPS_MAX = 10
"""Dumps of one session. ASSUMED: a session that trips more often shows nothing new."""

DUMP_BYTES_MAX = 2 << 20
"""Of one dump. ASSUMED: a full ring as hex digits, and as much again."""

WHOLE_BYTES_MAX = 256 << 20
"""Of a trace that holds everything. ASSUMED: 18 hours of scans."""


class _Trip(NamedTuple):
    """A trip among the events that wait.

    Args:
        event: Its note.
        name: Of the dump that is to be begun.
    """

    event: Event
    name: str


class Recorder:
    """The traces of one session.

    Args:
        header: First line of all files; session and pen are added once they are known.
        open_dump: Opens a new, unbuffered file of that name; called by the thread, at a trip.
        on_loss: Told why something is missing, by the thread or by `close`.
        whole: Open, unbuffered file for everything, or None.
    """

    def __init__(
        self,
        header: Header,
        open_dump: Callable[[str], BinaryIO],
        on_loss: Callable[[str], None],
        whole: BinaryIO | None = None,
    ) -> None:
        self._header = header
        self._open_dump = open_dump
        self._on_loss = on_loss
        self._waiting: deque[Event | _Trip] = deque()
        self._lost = self._lost_told = 0
        self._ring = Ring()
        self._whole = None if whole is None else Sheet(whole, header, WHOLE_BYTES_MAX)
        self._dump: Sheet | None = None
        self._until_us = 0
        self._is_whole = True
        self._next_number = 1
        self._tripped_us: int | None = None
        self._closing = Signal()
        self.dumps: list[str] = []
        self._thread = Thread(target=self._run, name="trace writer", daemon=True)
        self._thread.start()

    def take(self, at_us: int, direction: str, data: bytes) -> None:
        """Leave an event for the thread; never waits, never raises. See `TracedPort`."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(Event(at_us, direction, data))
        else:
            self._lost += 1

    def name(self, session: str, serial_number: int, next_number: int, now_us: int) -> None:
        """Say which session and pen this is, before the first trip.

        Args:
            session: Its id.
            serial_number: Of the pen.
            next_number: Of the session's next dump.
            now_us: Host's monotonic clock.
        """
        self._header = replace(self._header, session=session, serial_number=serial_number)
        self._next_number = next_number
        self.take(now_us, NOTE, note(f"session {session} pen {serial_number}"))

    def trip(self, reason: str, now_us: int) -> None:
        """Have the last minute written, and what follows; never waits, never raises.

        A trip that follows at once stands in the same dump. The dump's name is in `dumps` from here
        on, unless the disk refuses it.
        """
        event = Event(now_us, NOTE, note(f"trip {reason}"))
        is_new = self._tripped_us is None or now_us - self._tripped_us > FOLLOW_US
        if not is_new or len(self.dumps) >= TRIPS_MAX:
            self.take(*event)
            return
        self._tripped_us = now_us
        name = name_of(self._header.session or "unknown", self._next_number)
        self._next_number += 1
        self.dumps.append(name)
        # One trip more than may wait is no burden, and must not be lost.
        self._waiting.append(_Trip(event, name))

    def close(self, timeout_s: float) -> bool:
        """Write what waits, end the thread, and say whether nothing is missing.

        Args:
            timeout_s: How long to wait for the disk, at least 0.
        """
        self._closing.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._on_loss(f"the disk did not take the rest within {timeout_s} s")
            return False
        return self._is_whole

    def _run(self) -> None:
        is_last = False
        while not is_last:
            # Nothing is left any more once this is so: what is taken in now was the last.
            is_last = self._closing.is_set()
            self._take_in()
            self._closing.wait(0 if is_last else LOOK_S)
        self._end_dump()
        if self._whole is not None:
            self._whole.close()
            self._tell(self._whole.failure)

    def _take_in(self) -> None:
        """Keep and write what waits."""
        last_us = 0
        while self._waiting:
            item = self._waiting.popleft()
            event = item.event if isinstance(item, _Trip) else item
            last_us = event.at_us
            if event.at_us > self._until_us:
                self._end_dump()
            if isinstance(item, _Trip):
                self._begin_dump(item)
            self._keep(event)
        lost, self._lost_told = self._lost - self._lost_told, self._lost
        if lost:
            self._keep(Event(last_us, NOTE, note(f"lost {lost}")))
            self._tell(f"{lost} events of the line found no place in memory")
        for sheet in (self._whole, self._dump):
            if sheet is not None:
                sheet.flush()

    def _keep(self, event: Event) -> None:
        self._ring.add(event)
        for sheet in (self._whole, self._dump):
            if sheet is not None:
                sheet.add([event])

    def _begin_dump(self, trip: _Trip) -> None:
        self._end_dump()
        self._until_us = trip.event.at_us + FOLLOW_US
        try:
            self._dump = Sheet(self._open_dump(trip.name), self._header, DUMP_BYTES_MAX)
        except (OSError, ValueError) as error:
            self.dumps.remove(trip.name)
            self._tell(f"{trip.name}: {error}")
        else:
            self._dump.add(self._ring.events())

    def _end_dump(self) -> None:
        dump, self._dump = self._dump, None
        if dump is not None:
            dump.close()
            self._tell(dump.failure)

    def _tell(self, failure: str) -> None:
        if failure:
            self._is_whole = False
            self._on_loss(failure)
