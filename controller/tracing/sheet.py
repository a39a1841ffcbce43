"""A trace file that is being written, a few lines at a time; it knows no session and no thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import BinaryIO

from drivers.trace.format import NOTE, Event, Header, event_lines, header_line, note

LINES_AT_ONCE = 64
"""Lines made before they are written: writing lets the scan's thread run. ASSUMED: under 0.2 ms."""


class Sheet:
    """A file of limited size. A disk that fails ends it: `failure` says why.

    Args:
        file: Open and unbuffered; it belongs to this from now on.
        header: First line.
        bytes_max: Of the whole file, one note more or less.
    """

    def __init__(self, file: BinaryIO, header: Header, bytes_max: int) -> None:
        self._file: BinaryIO | None = file
        self._bytes_max = bytes_max
        self._lines = [header_line(header)]
        self._bytes = len(self._lines[0])
        self._last_us = header.start_us
        self.failure = ""

    def add(self, events: Iterable[Event]) -> None:
        """Write events, by and by."""
        for event in events:
            if self._file is None:
                return
            line = event_lines(event)
            self._lines.append(line)
            self._bytes += len(line)
            self._last_us = event.at_us
            if len(self._lines) >= LINES_AT_ONCE:
                self.flush()
            if self._bytes > self._bytes_max:
                self.close(f"lost all that follows: the file has {self._bytes_max} bytes")
                self.failure = self.failure or f"it reached its {self._bytes_max} bytes"

    def flush(self) -> None:
        """Write all lines so far."""
        lines, self._lines = b"".join(self._lines), []
        try:
            while self._file is not None and lines:
                lines = lines[self._file.write(lines) :]
        except (OSError, ValueError) as error:
            self.failure = str(error)
            self._give_back()

    def close(self, reason: str = "end") -> None:
        """Write what is left and a last note, and give the file back."""
        if self._file is not None:
            self._lines.append(event_lines(Event(self._last_us, NOTE, note(reason))))
            self.flush()
        self._give_back()

    def _give_back(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
