"""The one prepared connection that writes the record; it reads no clock and no meaning.

SQLAlchemy writes the two statements once, for the dialect at hand; the driver's own connection runs
them (through SQLAlchemy's `execute` a commit takes about twice as long: docs/adr/0004). BEGIN
IMMEDIATE is the lock between programs: nobody else can add an entry between reading the last mac
and writing the next one.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from controller.errors import RecordError
from controller.records.anchor import NOTHING, Anchor, AnchorFile, anchor_path, read_anchor
from controller.records.chain import Chain, canonical_entry
from controller.records.keyfile import make_key, read_key
from controller.records.schema import ENTRY, as_record_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from controller.records.entries import Draft

HEAD = select(ENTRY.c.seq, ENTRY.c.mac).order_by(ENTRY.c.seq.desc()).limit(1)
"""The last entry's number and mac."""


class Appender:
    """Adds entries to a record that is fit to be continued.

    Args:
        engine: Of the record.
        path: Of the database, for messages.
        key_path: Of the key; made if the record is empty.

    Raises:
        RecordError: If the key is missing, or if the record is not the one that its anchor saw.
    """

    def __init__(self, engine: Engine, path: Path, key_path: Path) -> None:
        self._path = path
        self._driver_api = engine.dialect.loaded_dbapi
        self._insert = str(insert(ENTRY).compile(engine))
        self._head = str(HEAD.compile(engine, compile_kwargs={"literal_binds": True}))
        with ExitStack() as stack, as_record_error(engine, path, "cannot be written"):
            connection = stack.enter_context(engine.connect())
            self._cursor = connection.connection.cursor()
            self._execute = self._cursor.execute
            key, self._anchor = self._prepare(key_path)
            self._chain = Chain(key)
            self._last = self._read_last()
            stack.callback(self._anchor.close)
            self._resources = stack.pop_all()

    def append(self, drafts: Sequence[Draft]) -> int:
        """Write entries in their order, all or none, and return the number of the last.

        Raises:
            RecordError: If they could not be written.
        """
        try:
            self._last = self._commit(drafts)
        except self._driver_api.Error as error:
            raise RecordError(self._path, f"cannot be written ({error})") from error
        self._anchor.move(self._last)
        return self._last.seq

    def close(self) -> None:
        """Let go of connection and anchor.

        Raises:
            RecordError: If the anchor cannot be brought to the disk.
        """
        self._resources.close()

    def _commit(self, drafts: Sequence[Draft]) -> Anchor:
        """Add entries behind the last one in one transaction."""
        self._execute("BEGIN IMMEDIATE")
        try:
            try:
                last = self._add(drafts, self._last)
            except self._driver_api.IntegrityError:  # another program has taken the number since
                last = self._add(drafts, self._read_last())
            self._execute("COMMIT")
        except BaseException:
            with suppress(self._driver_api.Error):
                self._execute("ROLLBACK")
            raise
        return last

    def _add(self, drafts: Sequence[Draft], last: Anchor) -> Anchor:
        """Link entries to the last one, insert them, and return the new last one."""
        seq, mac = last
        rows = []
        for draft in drafts:
            seq += 1
            mac = self._chain.link(mac, canonical_entry(seq, *draft))
            rows.append((seq, *draft, mac))
        self._cursor.executemany(self._insert, rows)
        return Anchor(seq, mac)

    def _read_last(self) -> Anchor:
        """Return number and mac of the last entry."""
        self._execute(self._head)
        seq, mac = self._cursor.fetchone() or NOTHING
        if not isinstance(mac, bytes):
            raise RecordError(self._path, f"entry {seq} is damaged")
        return Anchor(seq, mac)

    def _prepare(self, key_path: Path) -> tuple[bytes, AnchorFile]:
        """Make or find key and anchor, and see that the record is the one that they belong to.

        The order matters where two programs start at once: the key is made before the anchor, and
        the anchor before the first entry, so each is looked for before the one that it follows.
        """
        count = self._read_last().seq
        anchor_file = anchor_path(key_path)
        in_use = bool(count) or anchor_file.exists()
        key = read_key(key_path)
        if key is None and in_use:
            raise RecordError(key_path, "is missing; without it the record cannot be continued")
        key = key or make_key(key_path)
        if not count:
            AnchorFile.create(anchor_file, key)
        anchor = read_anchor(anchor_file, key)
        if anchor is None:
            raise RecordError(anchor_file, "is missing or damaged; docs/records.md says what to do")
        self._refuse_other_than(anchor)
        return key, AnchorFile(anchor_file, key)

    def _refuse_other_than(self, anchor: Anchor) -> None:
        """Refuse to continue a record that was cut off or put back: that would hide it."""
        if not anchor.seq:
            return
        mac_there = f"SELECT mac FROM entry WHERE seq = {anchor.seq:d}"  # noqa: S608 - an integer
        self._execute(mac_there)
        found = self._cursor.fetchone()
        if found is None or found[0] != anchor.mac:
            raise RecordError(
                self._path,
                f"is not the record that had {anchor.seq} entries (cut off, or an older copy); "
                "docs/records.md says what to do",
            )
