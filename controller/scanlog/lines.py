"""The lines of a scan log: what each holds, how it is encoded, and its digest; it opens no file.

The format stands in docs/scanlog.md. msgspec writes and reads the types of `safety` as they are:
field by field in their order, enumerations by value, and nothing but what the types allow.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, TypeAlias

import msgspec

from safety.facts import Facts, Intent
from safety.memory import Decision, Memory

FORMAT = 1
"""Number of this format; it rises whenever an older penpilot could not read the file."""

LINE_BYTES_MAX = 4 << 20
"""A longer line is not ours. ASSUMED: a thousand times one of a short treatment."""

DIGEST_BYTES = 16
"""Of each line's digest, twice as many hex digits. ASSUMED: nobody meets two equal by chance."""

NOTHING = msgspec.Raw(b"null")
"""In place of a decision: the core broke down over this scan."""


class Begin(msgspec.Struct, frozen=True):
    """The first line.

    Args:
        format: See `FORMAT`.
        version: Of the software that wrote it.
        session: Id of the session.
        memory: What the core began with.
    """

    format: int
    version: str
    session: str
    memory: Memory


class Scan(msgspec.Struct, frozen=True):
    """One scan: the arguments of the core's step, and what it decided.

    Args:
        now_ms: Time of the scan, host's monotonic clock.
        facts: What was known.
        intents: What people wanted.
        decision: The decision as `encoded`, or `NOTHING`.
    """

    now_ms: int
    facts: Facts
    intents: tuple[Intent, ...]
    decision: msgspec.Raw


class End(msgspec.Struct, frozen=True):
    """The last line, if there was time for one.

    Args:
        reason: Why the log ends here; ``closed`` with the end of the session.
        lost: Scans after the last line that were not logged, as far as known.
    """

    reason: str
    lost: int


Body: TypeAlias = Begin | Scan | End
Kind: TypeAlias = Literal["begin", "scan", "end"]

BODIES: dict[Kind, type[Body]] = {"begin": Begin, "scan": Scan, "end": End}
"""Kinds of lines and what they hold."""

_KINDS: dict[type[Body], Kind] = {body: kind for kind, body in BODIES.items()}


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line as it stands in the file: a body, and its digest chained to the line before."""

    kind: Kind
    body: msgspec.Raw
    digest: str


_ENCODER = msgspec.json.Encoder(order="deterministic")


def encoded(value: Body | Decision | Line | None) -> bytes:
    """Return the canonical encoding: equal values give equal bytes, in every process."""
    return _ENCODER.encode(value)


def digest_of(body: bytes, before: str) -> str:
    """Return the digest of a line.

    Args:
        body: Encoded body.
        before: Digest of the line before; an empty text for the first.
    """
    return blake2b(body, digest_size=DIGEST_BYTES, key=before.encode()).hexdigest()


def line_of(body: Body, before: str) -> tuple[bytes, str]:
    """Return a line with its end of line, and its digest, which the next line needs."""
    raw = encoded(body)
    digest = digest_of(raw, before)
    return encoded(Line(_KINDS[type(body)], msgspec.Raw(raw), digest)) + b"\n", digest


def scan_of(
    facts: Facts, intents: tuple[Intent, ...], now_ms: int, decision: Decision | None
) -> Scan:
    """Return the body of a scan's line."""
    return Scan(now_ms, facts, intents, msgspec.Raw(encoded(decision)))
