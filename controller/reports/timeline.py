"""What happened, entry by entry, in words; it leaves out the samples alone, and judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from controller.records.bodies import text, whole
from controller.records.kinds import SAMPLES, Kind, Outcome
from controller.reports.wording import clock, mm_measured, mm_set, number, since, strokes_per_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from controller.records.entries import Entry

NOTABLE = frozenset({Kind.FAULT, Kind.STOP, Kind.ALARM, Kind.PASS_RECONCILED, Kind.RELEASED})
"""Kinds that a reader looks for first."""


class Event(NamedTuple):
    """One line of the timeline.

    Args:
        seq: Number of the entry.
        clock: Time of day, UTC.
        since: Time since the session was opened.
        kind: Kind of the entry, as a word.
        notable: Whether it is one that a reader looks for first.
        words: What it says.
    """

    seq: int
    clock: str
    since: str
    kind: str
    notable: bool
    words: str


def timeline(entries: Iterable[Entry], opened_at: str) -> list[Event]:
    """Return the events of a session in the order of their numbers.

    Args:
        entries: Of one session.
        opened_at: When its first entry was made.
    """
    return [
        Event(
            seq=entry.seq,
            clock=clock(entry.at),
            since=since(opened_at, entry.at),
            kind=entry.kind.replace("_", " "),
            notable=entry.kind in NOTABLE,
            words=in_words(entry),
        )
        for entry in entries
        if entry.kind not in SAMPLES
    ]


def in_words(entry: Entry) -> str:
    """Return what an entry says; of an unknown kind, every field as it stands."""
    write = _WRITERS.get(entry.kind, _plain)
    return write(entry.body)


def _plain(body: dict[str, Any]) -> str:
    """Write every field."""
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in body.items())


def _pass(body: dict[str, Any]) -> str:
    """Name a pass."""
    return f"{text(body, 'area', 'unknown area')}, pass {number(whole(body, 'number'))}"


def _planned(body: dict[str, Any]) -> str:
    depth = f"needle protrusion {mm_set(whole(body, 'depth_um'))}"
    return f"{_pass(body)}: {depth}, {strokes_per_s(whole(body, 'speed_dhz'))}"


def _ended(body: dict[str, Any]) -> str:
    outcome = text(body, "outcome", Outcome.UNCERTAIN).replace("_", " ")
    strokes = f"{number(whole(body, 'strokes_total'))} strokes"
    contact = f"{number(whole(body, 'strokes_in_contact'))} in contact"
    deepest = f"needle protrusion at most {mm_measured(whole(body, 'depth_um_measured_max'))}"
    return _with_reason(f"{_pass(body)}: {outcome}; {strokes}, {contact}; {deepest}", body)


def _opened(body: dict[str, Any]) -> str:
    return f"plan: {text(body, 'plan_name', 'unnamed')}"


def _closed(body: dict[str, Any]) -> str:
    return _with_reason(text(body, "outcome", "outcome not known"), body)


def _with_reason(words: str, body: dict[str, Any]) -> str:
    reason = text(body, "reason")
    return f"{words} ({reason})" if reason else words


def _state(body: dict[str, Any]) -> str:
    return f"{body.get('before', '?')} to {body.get('after', '?')}, by {body.get('event', '?')}"


def _fault(body: dict[str, Any]) -> str:
    code, severity = body.get("code", "no code"), body.get("severity", "severity not known")
    named = f"0x{code:02X}" if isinstance(code, int) else code
    return f"{named}, {severity}: {text(body, 'text', 'no text')}"


def _stop(body: dict[str, Any]) -> str:
    latency_us = whole(body, "latency_us")
    after = f", on the wire after {latency_us / 1000:.1f} ms" if latency_us is not None else ""
    return _with_reason(f"by {text(body, 'source', 'unknown source')}{after}", body)


def _resumed(body: dict[str, Any]) -> str:
    return f"went on after an interruption, with pen {body.get('serial_number', '?')}"


_WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {
    Kind.SESSION_OPENED: _opened,
    Kind.PASS_PLANNED: _planned,
    Kind.PASS_STARTED: _pass,
    Kind.PASS_ENDED: _ended,
    Kind.STATE: _state,
    Kind.FAULT: _fault,
    Kind.STOP: _stop,
    Kind.RESUMED: _resumed,
    Kind.SESSION_CLOSED: _closed,
}
