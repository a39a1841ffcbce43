"""Opening a record: whatever is not a whole one of ours is refused in one line, and left alone."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.errors import RecordError
from controller.records.store import RecordStore

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
NOBODY = 65_534


def open_store(folder: Path) -> RecordStore:
    """Open the record of a folder."""
    return RecordStore(folder / "records.db", folder / "record.key")


def fill(folder: Path, count: int) -> None:
    """Append entries to the record of a folder."""
    with open_store(folder) as store:
        for number in range(count):
            store.append("s1", "k", {"n": number, "fill": "x" * 100}, AT)


def line_of(error: pytest.ExceptionInfo[RecordError]) -> str:
    """Return an error's text, which must be one line."""
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def as_ordinary_user() -> Iterator[Path]:
    """A folder, and the rights of an ordinary user even where the tests run as root."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        if is_root:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    "content", [b"not a database\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """Somebody's file in the place of the record is named and not touched."""
    path = tmp_path / "records.db"
    path.write_bytes(content)

    with pytest.raises(RecordError) as caught:
        open_store(tmp_path)
    assert line_of(caught).startswith(f"{path}: cannot be opened (")
    assert content == path.read_bytes()


@pytest.mark.req("SR-017")
def test_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A database that is not a record keeps its tables and its journal mode."""
    path = tmp_path / "records.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, session TEXT)")
    other.close()
    content = path.read_bytes()

    with pytest.raises(RecordError) as caught:
        open_store(tmp_path)
    assert f"{path}: is a database, but not a penpilot record" == line_of(caught)
    assert content == path.read_bytes()


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("version", [0, 2, 99])
def test_record_of_another_version_is_refused(tmp_path: Path, version: int) -> None:
    """A newer program's record is not judged by an older one."""
    fill(tmp_path, 1)
    other = sqlite3.connect(tmp_path / "records.db")
    other.execute(f"PRAGMA user_version = {version}")
    other.close()

    with pytest.raises(RecordError, match=f"is a record of version {version}, and this program"):
        open_store(tmp_path)


@pytest.mark.req("SR-017")
def test_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    """The store makes no folders: where data lie is decided elsewhere."""
    path = tmp_path / "missing" / "records.db"

    with pytest.raises(RecordError) as caught:
        open_store(tmp_path / "missing")
    assert f"{path}: cannot be opened (No such file or directory)" == line_of(caught)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("is_filled", [False, True])
def test_read_only_folder_is_one_clear_line(as_ordinary_user: Path, is_filled: bool) -> None:
    """Where nothing can be written no session can begin."""
    if is_filled:
        fill(as_ordinary_user, 1)
        (as_ordinary_user / "records.db").chmod(0o400)
    as_ordinary_user.chmod(0o500)
    try:
        with pytest.raises(RecordError) as caught:
            open_store(as_ordinary_user)
    finally:
        as_ordinary_user.chmod(0o700)
    expected = f"{as_ordinary_user / 'records.db'}: cannot be opened (Permission denied)"
    assert expected == line_of(caught)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("seed", range(4))
def test_damaged_pages_are_found(tmp_path: Path, seed: int) -> None:
    """A database whose pages were overwritten is an error or a verdict, never a whole record."""
    rng = random.Random(seed)
    fill(tmp_path, 300)
    path = tmp_path / "records.db"
    content = bytearray(path.read_bytes())
    for page in rng.sample(range(1, len(content) // 4096), 3):
        content[page * 4096 : (page + 1) * 4096] = rng.randbytes(4096)
    path.write_bytes(content)

    try:
        with open_store(tmp_path) as store:
            finding = store.verify().detail
    except RecordError as error:
        finding = str(error)
    assert finding.startswith(("Entry ", f"{path}: "))


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("record.key", "without it the record cannot be continued"),
        ("record.anchor", "docs/records.md"),
    ],
)
def test_record_without_key_or_anchor_is_not_continued(
    tmp_path: Path, lost: str, named: str
) -> None:
    """Neither is made anew for a record that has entries: that would hide what happened to it."""
    fill(tmp_path, 3)
    (tmp_path / lost).unlink()

    with open_store(tmp_path) as store:
        with pytest.raises(RecordError) as caught:
            store.append("s1", "k", {}, AT)

        assert 3 == len(list(store.entries()))
    assert f"{tmp_path / lost}: is missing" in line_of(caught)
    assert named in line_of(caught)
    assert not (tmp_path / lost).exists()


@pytest.mark.req("SR-014")
def test_lost_database_is_not_begun_anew(tmp_path: Path) -> None:
    """Key and anchor remember a record that is gone."""
    fill(tmp_path, 3)
    (tmp_path / "records.db").unlink()

    with open_store(tmp_path) as store:
        with pytest.raises(RecordError, match="is not the record that had 3 entries"):
            store.append("s1", "k", {}, AT)
        verdict = store.verify()
    assert (False, 1, "truncated") == (verdict.ok, verdict.bad_seq, verdict.damage)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(
    "kept", [["record.anchor"], ["record.anchor", "records.db"], ["records.db"]]
)
def test_nothing_is_verified_without_the_key(tmp_path: Path, kept: list[str]) -> None:
    """A record without its key is neither right nor wrong."""
    fill(tmp_path, 3)
    for path in tmp_path.iterdir():
        if path.name not in kept:
            path.unlink()

    with (
        open_store(tmp_path) as store,
        pytest.raises(RecordError, match=r"record\.key: is missing"),
    ):
        store.verify()


@pytest.mark.req("SR-014")
def test_older_copy_is_not_continued(tmp_path: Path) -> None:
    """A copy that was put back is refused, and the newer one is taken again."""
    fill(tmp_path, 3)
    shutil.copy(tmp_path / "records.db", tmp_path / "old")
    fill(tmp_path, 2)
    shutil.move(tmp_path / "records.db", tmp_path / "new")
    shutil.move(tmp_path / "old", tmp_path / "records.db")

    with open_store(tmp_path) as store, pytest.raises(RecordError, match="or an older copy"):
        store.append("s1", "k", {}, AT)
    shutil.move(tmp_path / "new", tmp_path / "records.db")
    fill(tmp_path, 1)
    with open_store(tmp_path) as store:
        assert (True, 6) == (store.verify().ok, store.verify().count)


@pytest.mark.parametrize(
    "module",
    [
        "config",
        "errors",
        "records.sessions",
        "records.describe",
        "records.writer",
        "reports.session",
    ],
)
def test_module_does_not_load_the_database_library(module: str) -> None:
    """SQLAlchemy takes 200 ms to import: whoever opens no record does not wait for it."""
    program = f"import sys, controller.{module}; print('sqlalchemy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "False" == done.stdout.strip()


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("body", ["{", "[]", "7", "NaN"])
def test_entry_that_is_no_longer_one_is_named(tmp_path: Path, body: str) -> None:
    """An entry whose body was destroyed is not passed over in silence."""
    fill(tmp_path, 3)
    spoil(tmp_path, f"UPDATE entry SET body = '{body}' WHERE seq = 2")  # noqa: S608 - a constant

    with open_store(tmp_path) as store, pytest.raises(RecordError) as caught:
        list(store.entries())
    expected = f"{tmp_path / 'records.db'}: entry 2 was changed and is no longer one"
    assert expected == line_of(caught)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("first", [2, 3])
def test_record_whose_last_mac_is_none_is_not_continued(tmp_path: Path, first: int) -> None:
    """A last entry without a mac has no successor and no head, and is found."""
    fill(tmp_path, 3)
    spoil(tmp_path, f"UPDATE entry SET mac = 'text' WHERE seq >= {first}")  # noqa: S608 - a number

    with open_store(tmp_path) as store:
        with pytest.raises(RecordError, match="entry 3 is damaged"):
            store.append("s1", "k", {}, AT)
        with pytest.raises(RecordError, match="entry 3 was changed"):
            store.head()

        assert first == store.verify().bad_seq


def spoil(folder: Path, statement: str) -> None:
    """Change a record past its triggers."""
    database = sqlite3.connect(folder / "records.db", isolation_level=None)
    database.execute("DROP TRIGGER entry_no_update")
    database.execute(statement)
    database.close()
