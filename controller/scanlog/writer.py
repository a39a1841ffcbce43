"""The thread that writes the scan log, so that no scan and no STOP waits for it; it judges nothing.

The scan leaves what it knew and decided, and goes on: no lock, no system call. Encoding, packing
and writing happen here, some scans at a time. If the disk hangs, fills up or fails, the log ends;
the session does not.
"""

from __future__ import annotations

import contextlib
import zlib
from collections import deque
from collections.abc import Callable
from importlib.metadata import version
from threading import Event, Thread
from typing import BinaryIO

from controller.scanlog.lines import FORMAT, LINE_BYTES_MAX, Begin, Body, End, line_of, scan_of
from safety.facts import Facts, Intent
from safety.memory import Decision, Memory

WAITING_MAX = 600
"""Scans that may wait for the disk. ASSUMED: 30 s at 50 ms, some 5 MB."""

FLUSH_S = 0.5
"""So often what came is written, so that a killed process loses hardly more. ASSUMED."""

PACKING_LEVEL = 6
"""Of zlib, 1 fastest to 9 smallest. Source: measured, docs/scanlog.md."""

GZIP_WINDOW = 31
"""Tells zlib to write the gzip format with its largest window. Source: zlib manual."""

CLOSED = "closed"
"""Why a log ends when nothing was wrong."""

Waiting = tuple[Memory, Facts, tuple[Intent, ...], int, Decision | None]


class ScanLog:
    """The scan log of one session.

    Args:
        session: Id that the first line carries.
        open_file: Opens a new file; called by the thread, once there is a first scan.
        on_loss: Called once, by whoever scans or closes, with the reason why not all is logged.
        waiting_max: Scans that may wait, at least 1.
    """

    def __init__(
        self,
        session: str,
        open_file: Callable[[], BinaryIO],
        on_loss: Callable[[str], None],
        *,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._session = session
        self._open_file = open_file
        self._on_loss = on_loss
        self._waiting_max = waiting_max
        self._waiting: deque[Waiting] = deque()
        self._closing = Event()
        self._reason = ""
        self._refused = 0
        self._dropped = 0
        self._thread = Thread(target=self._run, name="scan log writer", daemon=True)
        self._thread.start()

    @property
    def reason(self) -> str:
        """Why the log has ended or is about to, or an empty text."""
        return self._reason

    @property
    def lost(self) -> int:
        """Scans that were not logged."""
        return self._refused + self._dropped

    def on_scan(
        self,
        memory_before: Memory,
        facts: Facts,
        intents: tuple[Intent, ...],
        now_ms: int,
        decision: Decision | None,
    ) -> None:
        """Leave one scan for the thread; never waits, never raises. None: the core broke down.

        What is handed over must not be changed afterwards; the core never does.
        """
        if not self._reason and len(self._waiting) >= self._waiting_max:
            self._reason = f"the disk did not take {self._waiting_max} scans in time"
        if not self._reason:
            self._waiting.append((memory_before, facts, intents, now_ms, decision))
            return
        self._refused += 1
        self._say(self._reason)

    def close(self, timeout_s: float) -> bool:
        """Write what waits, end the thread, and say whether every scan is in the file.

        Args:
            timeout_s: How long to wait for the disk, at least 0.
        """
        self._closing.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._reason = self._reason or f"the disk did not take the rest within {timeout_s} s"
        is_whole = self._reason == CLOSED and not self.lost
        if not is_whole:
            self._say(self._reason)
        return is_whole

    def _say(self, reason: str) -> None:
        """Tell of a loss, the first time."""
        on_loss, self._on_loss = self._on_loss, _said
        on_loss(reason)

    def _run(self) -> None:
        """Write until closed; however it ends, a reason is known."""
        reason = "the scan log's writer broke down"
        try:
            while not self._closing.wait(FLUSH_S) and not self._waiting:
                pass
            if self._waiting:
                with contextlib.closing(_Packed(self._open_file())) as packed:
                    self._write(packed)
            reason = CLOSED
        except (OSError, ValueError) as error:
            reason = str(error)
        finally:
            self._reason = self._reason or reason
            self._dropped = len(self._waiting)
            self._waiting.clear()

    def _write(self, packed: _Packed) -> None:
        """Write scans until closed, or until one could not wait, and then the mark of the end."""
        packed.add(Begin(FORMAT, version("penpilot"), self._session, self._waiting[0][0]))
        is_last = False
        while not is_last:
            # Nothing is left any more once this is so: what is written now was the last.
            is_last = self._closing.is_set() or bool(self._reason)
            while self._waiting:
                _, facts, intents, now_ms, decision = self._waiting.popleft()
                packed.add(scan_of(facts, intents, now_ms, decision))
            packed.flush()
            self._closing.wait(0 if is_last else FLUSH_S)
        packed.add(End(self._reason or CLOSED, self.lost))


def _said(_reason: str) -> None:
    """In place of what was to be told once."""


class _Packed:
    """A gzip stream of lines; closing it ends the stream, if the disk still takes it.

    Args:
        file: Where it goes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._packer = zlib.compressobj(PACKING_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        self._digest = ""

    def add(self, body: Body) -> None:
        """Add a line; zlib lets other threads run while it packs, so that none waits for many."""
        line, self._digest = line_of(body, self._digest)
        if len(line) > LINE_BYTES_MAX:
            raise ValueError(f"a line of {len(line)} bytes is longer than {LINE_BYTES_MAX}")
        self._file.write(self._packer.compress(line))

    def flush(self) -> None:
        """Write all lines so far, so that they can be read whatever happens next."""
        self._file.write(self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """End the stream and give the file back."""
        with self._file:
            self._file.write(self._packer.flush())
