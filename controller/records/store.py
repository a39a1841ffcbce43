"""The record of all sessions, on disk and tamper-evident; it does not know what entries mean.

An entry is durable when `append` returns: SQLite in WAL mode with synchronous=FULL has then asked
the disk to keep it. A write that fails is final for this store. It is never tried again, since a
second fsync may report success for data that the first one lost ("fsyncgate").
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import bindparam, select, type_coerce
from sqlalchemy.types import NullType

from controller.errors import RecordError
from controller.records.anchor import anchor_path, read_anchor
from controller.records.appender import Appender
from controller.records.chain import GENESIS, INTEGER_MAX, Chain
from controller.records.entries import Draft, Entry, draft
from controller.records.keyfile import read_key
from controller.records.schema import ENTRY, as_record_error, open_engine
from controller.records.verify import Row, Verdict, check

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Select

BUSY_TIMEOUT_MS = 2_000
"""How long a write waits for another program's. ASSUMED: far above a commit of 100 entries
(1 ms), far below an operator's patience; the scan waits for none of it."""

PAGE_ROWS = 1_000
"""Rows read at once. ASSUMED: no long read fills the memory or holds the database open."""

# A damaged mac may be text, which SQLAlchemy's own type would fail on before the check finds it.
_COLUMNS = [type_coerce(column, NullType) for column in ENTRY.c]
_ROWS = select(*_COLUMNS).order_by(ENTRY.c.seq)
_LAST = select(*_COLUMNS).order_by(ENTRY.c.seq.desc()).limit(1)


class RecordStore:
    """The record, open. One thread appends; any thread may read.

    Args:
        path: Of the database; it is made if it is missing, its folder is not.
        key_path: Of the key, outside the database; it is made with the first entry. The anchor lies
            beside it.
        busy_timeout_ms: How long a write waits for another program's, at least 0.

    Raises:
        RecordError: If the database cannot be opened or is not a record of a known version.
    """

    def __init__(
        self, path: Path, key_path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS
    ) -> None:
        self._path = path
        self._key_path = key_path
        self._engine = open_engine(path, busy_timeout_ms)
        self._lock = Lock()
        self._appender: Appender | None = None
        self._failure: RecordError | None = None

    def append(self, session: str, kind: str, body: dict[str, Any], at: datetime) -> int:
        """Write one entry and return its number; it is durable when this returns.

        Args:
            session: Id of the session, 1 to 64 printable characters.
            kind: Of the entry, 1 to 64 printable characters.
            body: Strings, integers, booleans, None, lists and dicts of them; at most 65,536 bytes.
            at: When it happened, with a time zone.

        Raises:
            RecordError: If it is not so (nothing is written, the next one may be), or if it could
                not be written (final: every later append raises as well).
        """
        return self.append_many((draft(session, kind, body, at),))

    def append_many(self, drafts: Sequence[Draft]) -> int:
        """Write entries in their order, all or none, and return the number of the last.

        Raises:
            RecordError: If they could not be written; final, as with `append`.
        """
        with self._lock:
            if self._failure is not None:
                raise RecordError(self._failure.where, self._failure.what)
            try:
                if self._appender is None:
                    self._appender = Appender(self._engine, self._path, self._key_path)
                return self._appender.append(drafts)
            except RecordError as error:
                self._failure = error
                raise

    def entries(
        self, session: str | None = None, *, without: Collection[str] = ()
    ) -> Iterator[Entry]:
        """Read entries by ascending number.

        Args:
            session: Only those of this session.
            without: Kinds to leave out, such as the many samples of a session.

        Raises:
            RecordError: If the database cannot be read, or an entry in it is no longer one.
        """
        statement = _ROWS
        if session is not None:
            statement = statement.where(ENTRY.c.session == session)
        if without:
            statement = statement.where(ENTRY.c.kind.not_in(sorted(without)))
        for row in self._rows(statement):
            yield self._entry(row)

    def head(self) -> tuple[int, str]:
        """Return the number of entries and the last one's mac as 64 hexadecimal digits.

        Raises:
            RecordError: If the database cannot be read.
        """
        found = self._fetch(_LAST, {})
        if not found:
            return 0, GENESIS.hex()
        last = Row(*found[0])
        if not isinstance(last.mac, bytes):
            raise self._damaged(last)
        return last.seq, last.mac.hex()

    def verify(self) -> Verdict:
        """Check every entry against the chain, and the chain against its anchor.

        Raises:
            RecordError: If the database cannot be read, or the key is missing.
        """
        in_use = bool(self._fetch(_LAST, {})) or anchor_path(self._key_path).exists()
        key = read_key(self._key_path)
        if key is None:
            if in_use:
                raise RecordError(self._key_path, "is missing; without it nothing can be checked")
            return Verdict(True, 0, GENESIS.hex(), None, None, "The record is empty.")
        anchor = read_anchor(anchor_path(self._key_path), key)
        return check(lambda: self._rows(_ROWS), Chain(key), anchor)

    def close(self) -> None:
        """Let go of the database; what was acknowledged stays.

        Raises:
            RecordError: If the anchor cannot be brought to the disk.
        """
        with self._lock:
            appender, self._appender = self._appender, None
            self._failure = self._failure or RecordError(self._path, "is closed")
            try:
                if appender is not None:
                    appender.close()
            finally:
                self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, statement: Select[*tuple[Any, ...]]) -> Iterator[Row]:
        """Read rows by ascending number, page by page: entries are only ever added behind."""
        statement = statement.where(ENTRY.c.seq > bindparam("after")).limit(PAGE_ROWS)
        page = [Row(-INTEGER_MAX - 1, "", "", "", "", b"")]
        while page:
            page = [Row(*row) for row in self._fetch(statement, {"after": page[-1].seq})]
            yield from page

    def _fetch(self, statement: Select[*tuple[Any, ...]], values: dict[str, int]) -> Sequence[Any]:
        """Run one read."""
        failing = as_record_error(self._engine, self._path, "cannot be read")
        with failing, self._engine.connect() as connection:
            return connection.execute(statement, values).fetchall()

    def _entry(self, row: Row) -> Entry:
        """Read the body of a row."""
        try:
            body = json.loads(row.body)
        except (TypeError, ValueError) as error:
            raise self._damaged(row) from error
        texts = (row.session, row.kind, row.at)
        if not isinstance(body, dict) or not all(isinstance(text, str) for text in texts):
            raise self._damaged(row)
        return Entry(row.seq, row.session, row.kind, row.at, body, row.mac)

    def _damaged(self, row: Row) -> RecordError:
        """Say which entry can no longer be read."""
        return RecordError(self._path, f"entry {row.seq} was changed and is no longer one")
