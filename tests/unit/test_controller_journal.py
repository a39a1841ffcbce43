"""The journal of one session: what goes to the record, and what comes back to the scan."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from controller.errors import RecordError
from controller.journal import SessionJournal
from controller.records.entries import Draft
from safety.memory import Entry

AT = datetime(2026, 11, 22, 15, 3, 5, 250_999, tzinfo=timezone(timedelta(hours=1)))


class FakeWriter:
    """Keeps drafts, and says what it is told to say."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.durable_ticket = 0
        self.failed: str | None = None

    def submit(self, entry: Draft) -> int:
        """Take an entry."""
        self.drafts.append(entry)
        return 100 + len(self.drafts)


@pytest.fixture
def writer() -> FakeWriter:
    """A writer that writes nothing."""
    return FakeWriter()


@pytest.fixture
def journal(writer: FakeWriter) -> SessionJournal:
    """The journal of session ``s-1``."""
    return SessionJournal(writer, "s-1", lambda: AT)  # type: ignore[arg-type]


def test_entry_of_the_core_goes_to_the_record_with_session_and_time(
    journal: SessionJournal, writer: FakeWriter
) -> None:
    """Kind and body are kept, the time is a label in UTC, and the writer's ticket comes back."""
    ticket = journal.submit(Entry(7, "pass_planned", {"area": "cheek", "number": 1}))

    (draft,) = writer.drafts
    assert 101 == ticket
    assert ("s-1", "pass_planned", "2026-11-22T14:03:05.250Z") == (
        draft.session,
        draft.kind,
        draft.at,
    )
    assert {"area": "cheek", "number": 1} == json.loads(draft.body)


def test_tickets_come_back_in_the_order_of_the_entries(journal: SessionJournal) -> None:
    """The controller's own entries and those of the core share one row of tickets."""
    tickets = [
        journal.write("session_opened", {}),
        journal.submit(Entry(1, "state", {})),
        journal.write("scan", {"t_ms": 1}),
    ]

    assert [101, 102, 103] == tickets


def test_writer_is_asked_anew_every_time(journal: SessionJournal, writer: FakeWriter) -> None:
    """What is durable, and whether anything failed, is never a remembered answer."""
    assert (0, None) == (journal.durable_ticket, journal.failed)

    writer.durable_ticket, writer.failed = 101, "the disk is full"

    assert (101, "the disk is full") == (journal.durable_ticket, journal.failed)


def test_entry_that_no_record_takes_is_an_error_at_once(journal: SessionJournal) -> None:
    """A body that is not plain data is refused where it is made, not in the writer's thread."""
    with pytest.raises(RecordError):
        journal.write("scan", {"depth_um": 1.5})
