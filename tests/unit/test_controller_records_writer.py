"""The writer: tickets are durable in order, nobody waits for a disk, and every failure is known."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

import pytest

from controller.errors import RecordError
from controller.records.entries import Draft, draft
from controller.records.store import RecordStore
from controller.records.writer import BATCH_MAX, JournalWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
PATIENCE_S = 20.0

pytestmark = pytest.mark.req("SR-014")


def entry(number: int) -> Draft:
    """Return an entry that can be told from the others."""
    return draft("s1", "k", {"n": number}, AT)


class SlowStore:
    """A store whose disk waits to be let go, and may then fail.

    ``batches`` are the entries that became durable, commit by commit.
    """

    def __init__(self, failure: Exception | None = None, failing_batch: int = 0) -> None:
        self.batches: list[list[Draft]] = []
        self.reached = Event()
        self.may_go_on = Event()
        self._failure = failure
        self._failing_batch = failing_batch

    def append_many(self, drafts: Sequence[Draft]) -> int:
        """Wait, then keep the entries or fail."""
        self.reached.set()
        assert self.may_go_on.wait(PATIENCE_S)
        if self._failure is not None and len(self.batches) == self._failing_batch:
            raise self._failure
        self.batches.append(list(drafts))
        return sum(map(len, self.batches))


def test_every_ticket_is_durable_after_closing(tmp_path: Path) -> None:
    """What was submitted is on disk, in the order of the tickets, when close says so."""
    with RecordStore(tmp_path / "records.db", tmp_path / "record.key") as store:
        writer = JournalWriter(store)
        tickets = [writer.submit(entry(n)) for n in range(1, 501)]

        assert writer.close(PATIENCE_S)
        assert list(range(1, 501)) == tickets == [each.body["n"] for each in store.entries()]
        assert (500, None) == (writer.durable_ticket, writer.failed)
        assert store.verify().ok


def test_submit_does_not_wait_for_the_disk() -> None:
    """While the disk takes its time tickets are given out, and none of them counts as durable."""
    store = SlowStore()
    writer = JournalWriter(store)
    writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)
    tickets = [writer.submit(entry(n)) for n in range(2, 402)]

    assert list(range(2, 402)) == tickets
    assert (0, None) == (writer.durable_ticket, writer.failed)
    store.may_go_on.set()
    assert writer.close(PATIENCE_S)
    assert 401 == writer.durable_ticket


def test_what_waits_goes_into_few_commits_of_bounded_size() -> None:
    """Entries that wait share commits, in their order and at most `BATCH_MAX` to one."""
    store = SlowStore()
    writer = JournalWriter(store)
    writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)
    for number in range(2, 2 * BATCH_MAX + 12):
        writer.submit(entry(number))
    store.may_go_on.set()
    writer.close(PATIENCE_S)

    assert [1, BATCH_MAX, BATCH_MAX, 10] == [len(batch) for batch in store.batches]
    expected = [entry(number) for number in range(1, 2 * BATCH_MAX + 12)]
    assert expected == [each for batch in store.batches for each in batch]


def test_ticket_is_durable_before_the_writer_is_closed() -> None:
    """The scan sees a ticket become durable while the session goes on."""
    store = SlowStore()
    store.may_go_on.set()
    writer = JournalWriter(store)
    first = writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)
    store.reached.clear()
    writer.submit(entry(2))
    assert store.reached.wait(PATIENCE_S)

    assert first <= writer.durable_ticket
    assert writer.close(PATIENCE_S)


def test_failing_disk_stops_the_tickets_and_is_known() -> None:
    """After a failed commit nothing becomes durable any more, and nothing is tried again."""
    store = SlowStore(RecordError("records.db", "cannot be written (disk I/O error)"), 1)
    writer = JournalWriter(store)
    writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)
    writer.submit(entry(2))
    store.may_go_on.set()

    assert not writer.close(PATIENCE_S)
    assert 3 == writer.submit(entry(3))
    assert "records.db: cannot be written (disk I/O error)" == writer.failed
    assert 1 == writer.durable_ticket
    assert [[entry(1)]] == store.batches


def test_full_queue_is_a_failure_that_keeps_what_was_taken() -> None:
    """An entry that finds no room is lost and said to be; those before it are still written."""
    store = SlowStore()
    writer = JournalWriter(store, queue_max=5)
    writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)
    tickets = [writer.submit(entry(number)) for number in range(2, 9)]

    assert list(range(2, 9)) == tickets
    assert "more than 5 entries wait for the record" == writer.failed
    store.may_go_on.set()
    assert not writer.close(PATIENCE_S)
    assert 6 == writer.durable_ticket
    assert [entry(n) for n in range(1, 7)] == [each for batch in store.batches for each in batch]


def test_disk_that_never_answers_is_a_failure_after_the_timeout() -> None:
    """Closing waits only so long; what is not known to be durable is not said to be."""
    store = SlowStore()
    writer = JournalWriter(store)
    writer.submit(entry(1))
    assert store.reached.wait(PATIENCE_S)

    assert not writer.close(0.01)
    assert "the record could not be finished within 0.01 s" == writer.failed
    assert 0 == writer.durable_ticket
    store.may_go_on.set()
    writer.close(PATIENCE_S)


def test_submitting_to_a_closed_writer_is_a_failure() -> None:
    """Nobody is told that an entry will be written when nobody writes any more."""
    store = SlowStore()
    writer = JournalWriter(store)

    assert writer.close(PATIENCE_S)
    assert 1 == writer.submit(entry(1))
    assert "the record writer is closed" == writer.failed
    assert not writer.close(PATIENCE_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_mistake_in_the_store_is_a_failure_as_well() -> None:
    """However the thread ends, the scan gets to know."""
    store = SlowStore(ZeroDivisionError())
    writer = JournalWriter(store)
    writer.submit(entry(1))
    store.may_go_on.set()

    assert not writer.close(PATIENCE_S)
    assert "the record writer broke down" == writer.failed
