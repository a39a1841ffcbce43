"""The thread that makes entries durable, so that the scan waits for no disk; it judges nothing.

The scan submits an entry, gets a ticket, and goes on. An order that must be on record first (START)
is let out in a later scan, once `durable_ticket` has reached its ticket. If the record cannot be
kept, `failed` says why and `durable_ticket` stands still, so that nothing more can be started.
"""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Protocol

from controller.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.records.entries import Draft

QUEUE_MAX = 10_000
"""Most entries that may wait. ASSUMED: 10 entries a scan of 50 ms wait 50 s for a dead disk."""

BATCH_MAX = 100
"""Most entries in one commit. They are hashed beside the scan in one process: about 1 ms for 100
(measured), well below the 5 ms after which Python lets another thread run."""


class Appends(Protocol):
    """What the writer needs of a store."""

    def append_many(self, drafts: Sequence[Draft]) -> int:
        """Make entries durable, all or none, or raise RecordError."""


class JournalWriter:
    """Writes entries in the order of their tickets, whatever waits in one commit.

    The store is used by this thread alone until `close`, which leaves it open.

    Args:
        store: Where they go; it should be open already, since opening takes its time.
        queue_max: Most entries that may wait, at least 1.
    """

    def __init__(self, store: Appends, *, queue_max: int = QUEUE_MAX) -> None:
        self._store = store
        self._queue_max = queue_max
        self._waiting: deque[Draft] = deque()
        self._changed = Condition()
        self._closing = False
        self._last_ticket = 0
        self._durable_ticket = 0
        self._failed: str | None = None
        self._thread = Thread(target=self._run, name="record writer", daemon=True)
        self._thread.start()

    @property
    def durable_ticket(self) -> int:
        """The last ticket whose entry, and every entry before it, is known to be durable."""
        return self._durable_ticket

    @property
    def failed(self) -> str | None:
        """Why nothing more is written, as one line; None while all is well."""
        return self._failed

    def submit(self, entry: Draft) -> int:
        """Hand over an entry and return its ticket, from 1; never waits for the disk, never raises.

        An entry that does not fit into the queue any more is a failure. What was handed over before
        it is still written; a ticket from then on never becomes durable.
        """
        with self._changed:
            self._last_ticket += 1
            if self._closing and self._failed is None:
                self._failed = "the record writer is closed"
            if len(self._waiting) >= self._queue_max and self._failed is None:
                self._failed = f"more than {self._queue_max} entries wait for the record"
            if self._failed is None:
                self._waiting.append(entry)
            self._changed.notify()
            return self._last_ticket

    def close(self, timeout_s: float) -> bool:
        """Write what waits, end the thread, and say whether every ticket is durable.

        Args:
            timeout_s: How long to wait for the disk, at least 0.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)
        with self._changed:
            if self._thread.is_alive() and self._failed is None:
                self._failed = f"the record could not be finished within {timeout_s} s"
            return self._failed is None and self._durable_ticket == self._last_ticket

    def _run(self) -> None:
        """Write until closed; however it ends, a failure is known."""
        reason: str | None = "the record writer broke down"
        try:
            while batch := self._next_batch():
                self._store.append_many(batch)
                self._durable_ticket += len(batch)
            reason = None
        except RecordError as error:
            reason = str(error)
        finally:
            with self._changed:
                self._failed = self._failed or reason
                self._waiting.clear()

    def _next_batch(self) -> list[Draft]:
        """Wait for entries; an empty batch means that there will be none any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing or self._failed)
            count = min(len(self._waiting), BATCH_MAX)
            return [self._waiting.popleft() for _ in range(count)]
