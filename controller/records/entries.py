"""One entry of the record, before and after it is written; it knows no database.

A `Draft` is checked and canonical, so that whatever is wrong with it shows where it is made, in the
caller's own thread, and not later in the thread that writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from controller.errors import RecordError
from controller.records.chain import canonical

NAME_LENGTH_MAX = 64
"""Longest session id and kind. ASSUMED: a UUID has 36 characters."""

BODY_BYTES_MAX = 65_536
"""Longest body. ASSUMED: a plan of all areas takes about 4,000 bytes."""


class Draft(NamedTuple):
    """An entry that is to be written.

    Args:
        session: Id of the session that it belongs to.
        kind: One of docs/records.md, or a later program's.
        at: ISO 8601 with milliseconds, UTC, such as ``2026-11-22T14:03:05.250Z``.
        body: Canonical JSON.
    """

    session: str
    kind: str
    at: str
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it was read.

    Args:
        seq: Its number, from 1, without gaps over all sessions.
        session: As in `Draft`.
        kind: As in `Draft`.
        at: As in `Draft`.
        body: What the JSON says.
        mac: Its link of the chain, 32 bytes.
    """

    seq: int
    session: str
    kind: str
    at: str
    body: dict[str, Any]
    mac: bytes


def draft(session: str, kind: str, body: dict[str, Any], at: datetime) -> Draft:
    """Check an entry and bring it into its canonical form.

    Args:
        session: 1 to `NAME_LENGTH_MAX` printable characters.
        kind: 1 to `NAME_LENGTH_MAX` printable characters.
        body: As `controller.records.chain.canonical` takes it.
        at: When it happened, with a time zone. A label only: the order is that of the numbers.

    Raises:
        RecordError: If one of them is not so.
    """
    for field, name in (("session", session), ("kind", kind)):
        if not (isinstance(name, str) and 1 <= len(name) <= NAME_LENGTH_MAX and name.isprintable()):
            raise RecordError(field, f"must be 1 to {NAME_LENGTH_MAX} printable characters")
    if not isinstance(body, dict):
        raise RecordError("body", "must be a dict")
    text = canonical(body)
    if len(text.encode()) > BODY_BYTES_MAX:
        raise RecordError("body", f"must be at most {BODY_BYTES_MAX} bytes long")
    return Draft(str(session), str(kind), utc_text(at), text)


def utc_text(at: datetime) -> str:
    """Return an instant as the record writes it.

    Raises:
        RecordError: If it has no time zone.
    """
    if at.tzinfo is None:
        raise RecordError("at", "must have a time zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
