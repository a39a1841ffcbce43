"""Tampering: every kind of it, at random places, is found at its place and called by its name."""

# ruff: noqa: S608 - the statements are those of somebody who tampers

from __future__ import annotations

import random
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.records.anchor import AnchorFile
from controller.records.entries import draft
from controller.records.store import RecordStore
from controller.records.verify import Damage, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
COUNT = 60
SEEDS = range(6)

pytestmark = pytest.mark.req("SR-014")

Change = tuple[int, Damage]


def open_store(folder: Path) -> RecordStore:
    """Open the record of a folder."""
    return RecordStore(folder / "records.db", folder / "record.key")


def fill(folder: Path, count: int) -> None:
    """Append entries, one commit for every three."""
    with open_store(folder) as store:
        for number in range(0, count, 3):
            store.append_many([draft("s1", "k", {"n": number + n}, AT) for n in range(3)])


def tamper(folder: Path, *statements: str) -> None:
    """Change a record as somebody does who knows SQLite and has no key."""
    database = sqlite3.connect(folder / "records.db", isolation_level=None)
    for change in ("update", "delete"):
        database.execute(f"DROP TRIGGER entry_no_{change}")
    for statement in statements:
        database.execute(statement)
    database.close()


def verdict_on(folder: Path) -> Verdict:
    """Verify the record of a folder."""
    with open_store(folder) as store:
        return store.verify()


def edited(folder: Path, rng: random.Random) -> Change:
    """Change one field of one entry."""
    seq = rng.randint(1, COUNT)
    changes = [
        "body = replace(body, 'n', 'm')",
        "body = body || ' '",
        "body = x'ff00'",
        "body = CAST(body AS BLOB)",
        "session = 's2'",
        "kind = 'other'",
        "at = '2026-11-22T14:03:05.001Z'",
        "mac = zeroblob(32)",
        "mac = 'text'",
        "mac = x'00'",
    ]
    tamper(folder, f"UPDATE entry SET {rng.choice(changes)} WHERE seq = {seq}")
    return seq, Damage.EDITED


def removed(folder: Path, rng: random.Random) -> Change:
    """Remove one or more entries from the middle."""
    seq = rng.randint(1, COUNT - 4)
    tamper(folder, f"DELETE FROM entry WHERE seq BETWEEN {seq} AND {seq + rng.randint(0, 3)}")
    return seq, Damage.GAP


def removed_and_renumbered(folder: Path, rng: random.Random) -> Change:
    """Remove one entry and close the gap."""
    seq = rng.randint(1, COUNT - 2)
    move = f"UPDATE entry SET seq = seq - 1 WHERE seq > {seq}"
    tamper(folder, f"DELETE FROM entry WHERE seq = {seq}", move)
    return seq, Damage.GAP


def inserted(folder: Path, rng: random.Random) -> Change:
    """Make room for an entry of the same form as the others."""
    seq = rng.randint(1, COUNT)
    tamper(
        folder,
        f"UPDATE entry SET seq = -seq WHERE seq >= {seq}",
        "UPDATE entry SET seq = 1 - seq WHERE seq < 0",
        f"INSERT INTO entry SELECT {seq}, session, 'forged', at, body, mac FROM entry"
        f" WHERE seq = {seq + 1}",
    )
    return seq, Damage.INSERTED


def inserted_before(folder: Path, rng: random.Random) -> Change:
    """Put an entry before the first."""
    seq = -rng.randint(0, 5)
    tamper(folder, f"INSERT INTO entry VALUES ({seq}, 's1', 'k', 'then', '{{}}', zeroblob(32))")
    return seq, Damage.INSERTED


def swapped(folder: Path, rng: random.Random) -> Change:
    """Swap two entries, with their macs or without."""
    first, second = sorted(rng.sample(range(1, COUNT + 1), 2))
    swap = f"UPDATE entry SET seq = CASE seq WHEN {first} THEN -{second} ELSE -{first} END"
    renumber = "UPDATE entry SET seq = -seq WHERE seq < 0"
    statements = [f"{swap} WHERE seq IN ({first}, {second})", renumber]
    if rng.random() < 0.5:
        back = "UPDATE entry SET mac = (SELECT mac FROM macs WHERE seq = {}) WHERE seq = {}"
        statements += [
            "CREATE TEMP TABLE macs AS SELECT seq, mac FROM entry",
            back.format(first, second),
            back.format(second, first),
        ]
    tamper(folder, *statements)
    return first, Damage.SWAPPED


def truncated(folder: Path, rng: random.Random) -> Change:
    """Cut off the end."""
    seq = rng.randint(1, COUNT)
    tamper(folder, f"DELETE FROM entry WHERE seq >= {seq}")
    return seq, Damage.TRUNCATED


def rolled_back(folder: Path, rng: random.Random) -> Change:
    """Put an older copy back."""
    shutil.copy(folder / "records.db", folder / "old")
    fill(folder, rng.randrange(3, 30, 3))
    shutil.move(folder / "old", folder / "records.db")
    return COUNT + 1, Damage.TRUNCATED


def replaced(folder: Path, rng: random.Random) -> Change:
    """Put an older copy back and continue it with the program and the key, on another machine."""
    elsewhere = folder / "elsewhere"
    shutil.copytree(folder, elsewhere)
    more = rng.randrange(3, 30, 3)
    fill(folder, more)
    with open_store(elsewhere) as store:
        store.append_many([draft("s2", "k", {}, AT)] * (more + rng.randint(0, 9)))
    shutil.move(elsewhere / "records.db", folder / "records.db")
    return COUNT + more, Damage.REPLACED


TAMPERINGS = [
    edited,
    removed,
    removed_and_renumbered,
    inserted,
    inserted_before,
    swapped,
    truncated,
    rolled_back,
    replaced,
]


@pytest.mark.req("HZ-35", "R03", "R06")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", TAMPERINGS, ids=lambda each: each.__name__)
def test_tampering_is_found_at_its_place(
    tmp_path: Path, change: Callable[[Path, random.Random], Change], seed: int
) -> None:
    """The first entry that is wrong is named, and so is what was done to it."""
    fill(tmp_path, COUNT)
    before = verdict_on(tmp_path)
    seq, damage = change(tmp_path, random.Random(seed))

    after = verdict_on(tmp_path)

    assert (True, COUNT, None) == (before.ok, before.count, before.bad_seq)
    assert (False, seq, damage) == (after.ok, after.bad_seq, after.damage)
    assert after.detail.startswith(f"Entry {seq} ")
    if damage is not Damage.REPLACED:
        assert max(0, seq - 1) == after.count


@pytest.mark.parametrize(("offset", "replacement"), [(2, b"\xff"), (-2, b"?")])
def test_text_that_is_no_unicode_is_found(tmp_path: Path, offset: int, replacement: bytes) -> None:
    """A byte that no text can hold neither hides an entry nor stops the check."""
    fill(tmp_path, COUNT)
    path = tmp_path / "records.db"
    content = path.read_bytes()
    at = content.index(b'{"n":41}') + offset
    path.write_bytes(content[:at] + replacement + content[at + 1 :])

    verdict = verdict_on(tmp_path)

    assert (False, 42, Damage.EDITED) == (verdict.ok, verdict.bad_seq, verdict.damage)


@pytest.mark.req("R06")
def test_missing_anchor_is_found(tmp_path: Path) -> None:
    """Without its anchor a record may have been cut off anywhere."""
    fill(tmp_path, COUNT)
    (tmp_path / "record.anchor").unlink()

    verdict = verdict_on(tmp_path)

    assert (False, None, Damage.NO_ANCHOR) == (verdict.ok, verdict.bad_seq, verdict.damage)
    assert COUNT == verdict.count


@pytest.mark.parametrize("behind", [1, 7, COUNT])
def test_anchor_that_is_behind_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """A crash between commit and anchor leaves the anchor behind; the record goes on, whole."""
    fill(tmp_path, COUNT)
    with monkeypatch.context() as patch, open_store(tmp_path) as store:
        patch.setattr(AnchorFile, "move", lambda _file, _anchor: None)
        for number in range(behind):
            store.append("s1", "k", {"n": number}, AT)

    verdict = verdict_on(tmp_path)
    with open_store(tmp_path) as store:
        store.append("s1", "k", {}, AT)
    later = verdict_on(tmp_path)

    assert (True, COUNT + behind) == (verdict.ok, verdict.count)
    assert (True, COUNT + behind + 1) == (later.ok, later.count)
