"""Hands the safety core's entries of one session to the record; it judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from controller.records.entries import draft
from controller.records.writer import JournalWriter
from safety.memory import Entry


class SessionJournal:
    """The journal of one session.

    Args:
        writer: Makes entries durable.
        session: Id that every entry carries.
        wall_clock: Labels entries with a time; decides nothing.
    """

    def __init__(
        self, writer: JournalWriter, session: str, wall_clock: Callable[[], datetime]
    ) -> None:
        self._writer = writer
        self._session = session
        self._wall_clock = wall_clock

    @property
    def durable_ticket(self) -> int:
        """The last ticket that is safe on disk."""
        return self._writer.durable_ticket

    @property
    def failed(self) -> str | None:
        """Why nothing is written any more, or None."""
        return self._writer.failed

    def submit(self, entry: Entry) -> int:
        """Hand over an entry of the core and return its ticket."""
        return self.write(entry.kind, dict(entry.body))

    def write(self, kind: str, body: dict[str, Any]) -> int:
        """Hand over any entry and return its ticket."""
        return self._writer.submit(draft(self._session, kind, body, self._wall_clock()))
