"""The arithmetic of the chain: one canonical form, one keyed hash; it touches no file and no clock.

::

    mac n = HMAC-SHA256(key, "penpilot-record-v1" 00 | mac n-1 | canonical entry n)

Entry 1 follows `GENESIS`. The canonical entry holds its own number, so that an entry is right at
one place only. Whoever has no key can neither change an entry nor make one; what a chain cannot
see, a tail that was cut off, is found by the anchor (`controller.records.anchor`).

Source: HMAC is RFC 2104, with SHA-256 of FIPS 180-4; the canonical form follows RFC 8785, but sorts
keys by code point and has no floats at all.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec

from controller.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterable

DOMAIN = b"penpilot-record-v1\x00"
"""Before every hashed entry, so that no other use of the key can give the same bytes."""

KEY_BYTES = 32
"""Length of the key: that of the hash. Source: RFC 2104 section 3."""

GENESIS = bytes(32)
"""Stands for the mac before the first entry."""

INTEGER_MAX = 2**63 - 1
"""Greatest integer in an entry, as in SQLite and PostgreSQL. Source: SQLite, "Datatypes"."""

DEPTH_MAX = 16
"""Deepest nesting of a body. ASSUMED: the documented kinds nest three deep."""

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> str:
    """Return the one text of a value: keys sorted, no blanks, nothing that two programs read apart.

    Args:
        value: Strings, integers, booleans, None, and lists and string-keyed dicts of them.

    Raises:
        RecordError: If it holds anything else: a float, a NaN, bytes, an integer beyond 64 bits, a
            key that is not a string, half of a surrogate pair, or too deep a nesting.
    """
    flaw = _flaw(value, DEPTH_MAX)
    if flaw is not None:
        raise RecordError("body", flaw)
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, UnicodeEncodeError) as error:
        raise RecordError("body", f"has no JSON ({error})") from error


def _flaw(value: Any, depth: int) -> str | None:
    """Return what is wrong with a value that has no single canonical form."""
    flaw = None
    if isinstance(value, int):
        if not -INTEGER_MAX - 1 <= value <= INTEGER_MAX:
            flaw = "must hold integers of at most 64 bits"
    elif isinstance(value, (dict, list, tuple)):
        flaw = _flaw_within(value, depth)
    elif not (value is None or isinstance(value, str)):
        flaw = f"must hold strings, integers, lists and dicts, not {type(value).__name__}"
    return flaw


def _flaw_within(value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> str | None:
    """Return the first flaw of what a value holds."""
    if depth == 0:
        return f"must not be nested more than {DEPTH_MAX} deep"
    parts: Iterable[Any] = value
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                return "must have strings as keys"
        parts = value.values()
    for part in parts:
        flaw = _flaw(part, depth - 1)
        if flaw is not None:
            return flaw
    return None


def canonical_entry(seq: int, session: str, kind: str, at: str, body: str) -> bytes:
    """Return the bytes of a whole entry that are hashed.

    The same text that `canonical` gives for the five fields, put together by hand: the body is in
    the database as canonical text already, and is hashed as it stands there.

    Args:
        seq: Number of the entry, from 1.
        session: Id of the session.
        kind: Kind of the entry.
        at: Wall clock, ISO 8601.
        body: Canonical text of the body.
    """
    quoted = _ENCODER.encode
    return b'{"at":%b,"body":%b,"kind":%b,"seq":%d,"session":%b}' % (
        quoted(at),
        body.encode(),
        quoted(kind),
        seq,
        quoted(session),
    )


class Chain:
    """Links entries with one key.

    Args:
        key: `KEY_BYTES` random bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._start = hmac.new(key, DOMAIN, "sha256")

    def link(self, previous: bytes, entry: bytes) -> bytes:
        """Return the mac of an entry.

        Args:
            previous: The mac of the entry before, or `GENESIS`.
            entry: As `canonical_entry` gives it.
        """
        mac = self._start.copy()
        mac.update(previous + entry)
        return mac.digest()
