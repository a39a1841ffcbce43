"""Whether a record is what was written, and if not, where and how it was changed; it mends nothing.

The first bad entry is exact. What was done to it is worked out from the entries around it, by
trying which change makes the chain fit again; where several entries were changed at once it may
only be able to say that the entry is not the one that was written.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from controller.records.chain import GENESIS, Chain, canonical_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.records.anchor import Anchor


class Damage(StrEnum):
    """What is wrong with a record."""

    EDITED = "edited"
    GAP = "gap"
    INSERTED = "inserted"
    SWAPPED = "swapped"
    TRUNCATED = "truncated"
    REPLACED = "replaced"
    NO_ANCHOR = "no anchor"


class Row(NamedTuple):
    """An entry as it lies in the database, its body unread."""

    seq: int
    session: str
    kind: str
    at: str
    body: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check of the whole record.

    Args:
        ok: Whether the record is whole and unchanged, as far as chain and anchor can tell.
        count: Number of entries that are right, from the first on.
        head: Mac of the last of them, as 64 hexadecimal digits.
        bad_seq: Number of the first entry that is wrong or missing; None where there is none.
        damage: What is wrong with it; None where nothing is.
        detail: The same as one sentence.
    """

    ok: bool
    count: int
    head: str
    bad_seq: int | None
    damage: Damage | None
    detail: str


def check(read: Callable[[], Iterator[Row]], chain: Chain, anchor: Anchor | None) -> Verdict:
    """Check a whole record against its chain and its anchor.

    Args:
        read: Gives the rows by ascending number; called again to find out what was done.
        chain: Of the record's key.
        anchor: Read *before* the rows, so that a record that grows meanwhile is not behind it.
    """
    count, previous = 0, GENESIS
    held = anchor is None or anchor.seq == 0
    for row in read():
        if row.seq != count + 1 or not _fits(row, row.seq, previous, chain):
            damage, detail = _diagnose(read, row, count + 1, previous, chain)
            first = min(row.seq, count + 1)
            return Verdict(False, count, previous.hex(), first, damage, f"Entry {first} {detail}.")
        count, previous = row.seq, row.mac
        if anchor is not None and count == anchor.seq:
            held = previous == anchor.mac
    return _against_anchor(count, previous, anchor, held=held)


def _against_anchor(count: int, head: bytes, anchor: Anchor | None, *, held: bool) -> Verdict:
    """Judge a chain that is right in itself."""

    def bad(seq: int | None, damage: Damage, detail: str) -> Verdict:
        return Verdict(False, count, head.hex(), seq, damage, detail)

    if anchor is None and count:
        return bad(None, Damage.NO_ANCHOR, "The anchor beside the key is missing or damaged.")
    if anchor is not None and count < anchor.seq:
        detail = f"Entry {count + 1} is missing: {count} of {anchor.seq} entries are left."
        return bad(count + 1, Damage.TRUNCATED, detail)
    if anchor is not None and not held:
        detail = f"Entry {anchor.seq} is not the one that was written: an older copy was put back."
        return bad(anchor.seq, Damage.REPLACED, detail)
    return Verdict(True, count, head.hex(), None, None, "The record is whole and unchanged.")


def _fits(row: Row, seq: int, previous: bytes, chain: Chain, mac: bytes | None = None) -> bool:
    """Whether a row, as entry `seq` after `previous`, has its own mac or the one given."""
    wanted = row.mac if mac is None else mac
    texts = row[1:5]
    if set(map(type, texts)) != {str} or {type(wanted), type(previous)} != {bytes}:
        return False
    return hmac.compare_digest(chain.link(previous, canonical_entry(seq, *texts)), wanted)


def _diagnose(
    read: Callable[[], Iterator[Row]], row: Row, expected: int, previous: bytes, chain: Chain
) -> tuple[Damage, str]:
    """Find out what was done to the first row that does not fit."""
    if row.seq > expected:
        return Damage.GAP, f"is missing: the next one is entry {row.seq}"
    if row.seq < expected:
        return Damage.INSERTED, "was inserted"
    following = next((other for other in read() if other.seq > row.seq), None)
    if following is not None and following.seq == row.seq + 1:
        if _fits(following, row.seq, previous, chain):
            return Damage.INSERTED, "was inserted, and those behind it were renumbered"
        if _fits(following, row.seq + 2, row.mac, chain):
            return Damage.GAP, "was removed, and those behind it were renumbered"
    partner = _swapped_with(read, row, chain)
    if partner is not None:
        return Damage.SWAPPED, f"has the place of entry {partner}"
    return Damage.EDITED, "is not the one that was written"


def _swapped_with(read: Callable[[], Iterator[Row]], row: Row, chain: Chain) -> int | None:
    """Return the number at which this row would be right, with its own mac or the one there."""
    before = GENESIS
    for other in read():
        # Where the row before is the swapped one itself, its own mac now lies in the other's place.
        previous = other.mac if other.seq == row.seq + 1 else before
        if other.seq != row.seq and (
            _fits(row, other.seq, previous, chain)
            or _fits(row, other.seq, before, chain, other.mac)
        ):
            return other.seq
        before = other.mac
    return None
