"""The store: entries come back as they went in, durable and in order; every failure is final."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import ExitCode, RecordError
from controller.records.chain import GENESIS, Chain, canonical_entry
from controller.records.entries import draft
from controller.records.keyfile import read_key
from controller.records.store import PAGE_ROWS, RecordStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
BODY = {
    "area": "left cheek",
    "number": 1,
    "names": ["Zoë", "\u5c71"],
    "deep": {"x": None, "y": True},
}


def open_store(folder: Path, **options: Any) -> RecordStore:
    """Open the record of a folder."""
    return RecordStore(folder / "records.db", folder / "record.key", **options)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    """An empty record."""
    with open_store(tmp_path) as opened:
        yield opened


@pytest.mark.req("SR-014")
def test_entry_comes_back_as_it_went_in(store: RecordStore, tmp_path: Path) -> None:
    """Number, session, kind, time and body come back, also from a record that was opened anew."""
    assert 1 == store.append("s1", "pass_planned", BODY, AT)
    assert 2 == store.append("s2", "stop", {}, AT + timedelta(seconds=1))
    store.close()

    with open_store(tmp_path) as again:
        first, second = again.entries()
    expected = (1, "s1", "pass_planned", "2026-11-22T14:03:05.000Z", BODY)
    assert expected == (first.seq, first.session, first.kind, first.at, first.body)
    assert (2, "s2", {}) == (second.seq, second.session, second.body)


@pytest.mark.req("SR-014")
def test_macs_are_those_of_the_documented_chain(store: RecordStore, tmp_path: Path) -> None:
    """Another program with the key gets the same macs from the same entries."""
    for number in range(3):
        store.append("s1", "k", {"n": number}, AT)
    key = read_key(tmp_path / "record.key")
    assert key is not None

    mac, expected = GENESIS, []
    for number in range(3):
        text = canonical_entry(
            number + 1, "s1", "k", "2026-11-22T14:03:05.000Z", f'{{"n":{number}}}'
        )
        mac = Chain(key).link(mac, text)
        expected.append(mac)
    assert expected == [entry.mac for entry in store.entries()]
    assert (3, expected[-1].hex()) == store.head()


def test_entries_are_those_of_one_session_without_samples(store: RecordStore) -> None:
    """A session is read alone and in order, its many samples left out where nobody wants them."""
    drafts = [
        draft(f"s{n % 3}", "scan" if n % 2 else "state", {"n": n}, AT)
        for n in range(2 * PAGE_ROWS + 7)
    ]
    assert len(drafts) == store.append_many(drafts)

    everything = [entry.body["n"] for entry in store.entries()]
    one = [entry.body["n"] for entry in store.entries("s1")]
    few = [entry.body["n"] for entry in store.entries("s1", without={"scan"})]

    assert list(range(len(drafts))) == everything
    assert everything[1::3] == one
    assert [n for n in one if n % 2 == 0] == few
    assert [] == list(store.entries("s9"))


def test_empty_record_has_head_and_verdict(store: RecordStore, tmp_path: Path) -> None:
    """Before the first entry there is nothing to doubt, and looking makes no key."""
    assert (0, "00" * 32) == store.head()
    assert store.verify().ok
    assert 0 == store.verify().count
    assert not (tmp_path / "record.key").exists()


def test_files_are_private(store: RecordStore, tmp_path: Path) -> None:
    """Database, log, key and anchor are their owner's alone."""
    store.append("s1", "k", {}, AT)

    names = ["record.anchor", "record.key", "records.db", "records.db-shm", "records.db-wal"]
    assert names == sorted(path.name for path in tmp_path.iterdir())
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}


@pytest.mark.req("SR-014")
def test_settings_make_a_commit_durable(store: RecordStore) -> None:
    """The connection that writes waits for the disk, in WAL mode."""
    store.append("s1", "k", {}, AT)
    assert store._appender is not None
    ask = store._appender._execute

    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "fullfsync")
    actual = {name: ask(f"PRAGMA {name}").fetchone()[0] for name in names}
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 2_000}
    assert {**expected, "fullfsync": 1} == actual


@pytest.mark.req("SR-014", "R05")
@pytest.mark.parametrize("sql", ["UPDATE entry SET kind = 'x'", "DELETE FROM entry"])
def test_database_itself_refuses_to_change_entries(
    store: RecordStore, tmp_path: Path, sql: str
) -> None:
    """Whoever opens the file with another program cannot change an entry by mistake."""
    store.append("s1", "k", {}, AT)
    other = sqlite3.connect(tmp_path / "records.db")

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(sql)
    other.close()


@pytest.mark.req("SR-014")
def test_batch_is_written_whole_or_not_at_all(store: RecordStore, tmp_path: Path) -> None:
    """A batch that fails leaves nothing behind, and holds up no other program."""
    store.append("s1", "k", {"n": 0}, AT)
    good = draft("s1", "k", {"n": 1}, AT)

    with pytest.raises(RecordError, match="cannot be written"):
        store.append_many([good, good._replace(kind=None)])  # type: ignore[arg-type]
    assert [0] == [entry.body["n"] for entry in store.entries()]
    with open_store(tmp_path, busy_timeout_ms=0) as other:
        assert 2 == other.append("s2", "k", {}, AT)


def test_refused_body_leaves_the_store_usable(store: RecordStore) -> None:
    """A body that has no canonical form is the caller's mistake, and nothing was written."""
    with pytest.raises(RecordError, match="body"):
        store.append("s1", "k", {"depth_mm": 0.75}, AT)

    assert 1 == store.append("s1", "k", {"depth_um": 750}, AT)


@pytest.mark.req("SR-014", "SR-050", "HZ-34")
def test_full_disk_is_final_and_loses_nothing(tmp_path: Path) -> None:
    """Without room every append fails from then on; what was acknowledged is there and whole."""
    with open_store(tmp_path) as store:
        store.append("s1", "k", {"n": 0}, AT)
        assert store._appender is not None
        pages = store._appender._execute("PRAGMA page_count").fetchone()[0]
        store._appender._execute(f"PRAGMA max_page_count = {pages + 3}")
        done = 1
        with suppress(RecordError):
            while done < 1_000:
                done = store.append("s1", "k", {"n": done, "fill": "x" * 400}, AT)
        store._appender._execute("PRAGMA max_page_count = 100000")
        with pytest.raises(
            RecordError, match=r"cannot be written \(database or disk is full\)"
        ) as caught:
            store.append("s1", "k", {}, AT)

        assert ExitCode.INPUT is caught.value.exit_code
        assert 1 < done < 100
        assert list(range(done)) == [entry.body["n"] for entry in store.entries()]
        assert store.verify().ok
    with open_store(tmp_path) as again:
        assert done + 1 == again.append("s1", "k", {}, AT)
        assert again.verify().ok


@pytest.mark.req("SR-014")
def test_lock_of_another_program_ends_the_session_and_not_the_record(tmp_path: Path) -> None:
    """Another program that holds the database fails the append for good, and harms nothing."""
    with open_store(tmp_path, busy_timeout_ms=0) as store:
        store.append("s1", "k", {}, AT)
        other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordError, match=r"cannot be written \(database is locked\)"):
            store.append("s1", "k", {}, AT)
        other.execute("ROLLBACK")
        other.close()
        with pytest.raises(RecordError, match="database is locked"):
            store.append("s1", "k", {}, AT)

        assert 1 == store.verify().count
        assert store.verify().ok


@pytest.mark.req("SR-014", "HZ-77")
def test_two_stores_take_turns_in_one_chain(tmp_path: Path) -> None:
    """Whoever appends continues the chain where the other left it."""
    with open_store(tmp_path) as one, open_store(tmp_path) as other:
        numbers = [(one, other)[n in (2, 3, 5)].append("s", "k", {"n": n}, AT) for n in range(7)]

        assert list(range(1, 8)) == numbers
        assert list(range(7)) == [entry.body["n"] for entry in one.entries()]
        assert other.verify().ok


def test_store_may_be_used_by_another_thread(store: RecordStore) -> None:
    """The thread that writes need not be the one that opens or closes the store."""
    store.append("s", "k", {}, AT)
    thread = threading.Thread(target=store.append, args=("s", "k", {}, AT))
    thread.start()
    thread.join()

    assert 2 == store.verify().count


def test_closed_store_refuses_entries(store: RecordStore) -> None:
    """What is closed stays closed."""
    store.append("s", "k", {}, AT)
    store.close()
    store.close()

    with pytest.raises(RecordError, match="is closed"):
        store.append("s", "k", {}, AT)


@pytest.mark.req("SR-014")
def test_anchor_that_cannot_be_written_is_final(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses the anchor ends the session; what was committed stays on record."""
    store.append("s", "k", {"n": 1}, AT)
    assert store._appender is not None

    def fail(_line: bytes) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(
            store._appender._anchor, "_file", type("Broken", (), {"seek": int, "write": fail})
        )
        with pytest.raises(
            RecordError, match=r"record\.anchor: cannot be written \(Input/output error\)"
        ):
            store.append("s", "k", {"n": 2}, AT)
    with pytest.raises(RecordError, match="Input/output error"):
        store.append("s", "k", {"n": 3}, AT)

    assert [1, 2] == [entry.body["n"] for entry in store.entries()]
    assert store.verify().ok
