"""The database of the record: its table, its rules, how it is opened; it knows no key and no chain.

SQLAlchemy describes the table and writes the SQL, so that another database needs a dialect and not
another store. That entries are only ever added is the database's own rule as well: triggers refuse
UPDATE and DELETE. They hold off mistakes; intent is what the chain is for.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from controller.errors import RecordError
from controller.records.keyfile import PRIVATE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

APPLICATION_ID = 0x50454E52
"""ASCII ``PENR`` in the header of the file: this database is a record of ours."""

SCHEMA_VERSION = 1
"""Version of the table below; a newer one is refused, since an older program cannot judge it."""

WAL_PAUSE_MS = 10
"""Between two tries to switch to the write-ahead log. ASSUMED: a switch takes about 1 ms."""

METADATA = MetaData()

ENTRY = Table(
    "entry",
    METADATA,
    Column(
        "seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    ),
    Column("session", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Index("entry_session", "session", "seq"),
)
"""The one table. Source: docs/records.md."""


@event.listens_for(ENTRY, "after_create")
def _add_rules(_table: Table, connection: Connection, **_: object) -> None:
    """Make the triggers; another database than SQLite needs its own."""
    if connection.dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            refuse = "BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END"
            connection.exec_driver_sql(
                f"CREATE TRIGGER entry_no_{change.lower()} BEFORE {change} ON entry {refuse}"
            )


def open_engine(path: Path, busy_timeout_ms: int) -> Engine:
    """Open the database file, and make it first if there is none.

    Args:
        path: Of the file; its folder must exist.
        busy_timeout_ms: How long to wait for another program's commit, at least 0.

    Raises:
        RecordError: If it cannot be opened or made, is not a record, or is of a newer program.
    """
    # The driver begins nothing by itself: the appender says when, and then IMMEDIATE.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, isolation_level="AUTOCOMMIT")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms:d}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "PRAGMA fullfsync = ON"
        )  # macOS: past the cache of the drive; else nothing
        connection.execute("PRAGMA foreign_keys = ON")
        # A damaged text must reach the check of the chain, which finds it, and not fail on its way.
        connection.text_factory = lambda octets: octets.decode(errors="replace")

    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_MODE))
        with as_record_error(engine, path, "cannot be opened"), engine.connect() as connection:
            _create_or_accept(connection, path)
            _use_wal(connection, busy_timeout_ms)
    except OSError as error:
        raise RecordError(path, f"cannot be opened ({error.strerror})") from error
    except RecordError:
        engine.dispose()
        raise
    return engine


@contextmanager
def as_record_error(engine: Engine, path: Path, what: str) -> Iterator[None]:
    """Turn whatever the database says into one line of ours."""
    try:
        yield
    except DBAPIError as error:
        raise RecordError(path, f"{what} ({error.orig})") from error
    except engine.dialect.loaded_dbapi.Error as error:
        raise RecordError(path, f"{what} ({error})") from error


def _create_or_accept(connection: Connection, path: Path) -> None:
    """Make the table in an empty file; change nothing in a file of somebody else."""

    def read(what: str) -> int:
        return int(connection.exec_driver_sql(what).scalar_one())

    if read("SELECT count(*) FROM sqlite_master") == 0:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        METADATA.create_all(connection)  # makes only what no other program has made by now
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.exec_driver_sql("COMMIT")
    if read("PRAGMA application_id") != APPLICATION_ID:
        raise RecordError(path, "is a database, but not a penpilot record")
    version = read("PRAGMA user_version")
    if version != SCHEMA_VERSION:
        rule = f"this program knows version {SCHEMA_VERSION}: use the one that wrote it"
        raise RecordError(path, f"is a record of version {version}, and {rule}")


def _use_wal(connection: Connection, busy_timeout_ms: int) -> None:
    """Switch to the write-ahead log, once and for all programs.

    SQLite does not wait for another program in this one place, so that programs that make the
    record at the same moment would fail; nothing is written by it that a second try could repeat.
    """
    tries = 1 + busy_timeout_ms // WAL_PAUSE_MS
    for left in range(tries - 1, -1, -1):
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except OperationalError:
            if not left:
                raise
            time.sleep(WAL_PAUSE_MS / 1_000)
        else:
            return
