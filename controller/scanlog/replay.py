"""Replays a scan log through the safety core, and finds the first scan that comes out otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

from controller.errors import RecordError
from controller.scanlog.lines import NOTHING, Begin, End, Scan, encoded
from controller.scanlog.reader import Logged, decoded
from safety.errors import SafetyError
from safety.memory import Decision, Memory
from safety.states import State
from safety.step import SafetyCore

MISSING = "nothing"
"""How the side is shown that lacks something which the other one has."""

_BREAKS = (SafetyError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the core may raise over arguments that contradict each other; a file may hold any."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that came out otherwise: its path, such as ``memory.watch.stall_ms``, and both."""

    path: str
    logged: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The first scan that came out otherwise: its number from 1, its time, and what differs."""

    scan: int
    now_ms: int
    fields: tuple[FieldDifference, ...]


@dataclass(slots=True)
class Replay:
    """What came of a replay.

    Args:
        session: Id of the session.
        version: Of the software that wrote the log.
        format: Number of its format.
        scans: Scans replayed, the one that differs included.
        states: States after the scans, in the order of the first visit, and how many scans each.
        first_ms: Time of the first scan; None without any.
        last_ms: Time of the last one.
        end: The log's own mark of its end; None if it was cut off or not read so far.
        difference: The first difference; None if all is identical.
    """

    session: str = ""
    version: str = ""
    format: int = 0
    scans: int = 0
    states: dict[State, int] = field(default_factory=dict)
    first_ms: int | None = None
    last_ms: int | None = None
    end: End | None = None
    difference: Difference | None = None


def replay(lines: Iterable[Logged]) -> Replay:
    """Replay a log up to its end or to the first difference.

    Every scan begins with the memory that the replayed scan before it handed on, so that nothing
    but facts, intents and time comes from the file.

    Args:
        lines: As `controller.scanlog.reader.read_log` yields them.

    Raises:
        RecordError: If the log is damaged.
    """
    found, core, memory = Replay(), SafetyCore(), Memory()
    for line in lines:
        body, chain = line.body, _chain(line)
        if isinstance(body, Begin):
            found.session, found.version, found.format = body.session, body.version, body.format
            memory = body.memory
        elif isinstance(body, End):
            found.end = body
        else:
            decision, differing = _replayed(core, memory, line, body)
            chain = (*differing, *chain)
            memory = memory if decision is None else decision.memory
            _count(found, body.now_ms, memory.state)
        if chain:
            found.difference = Difference(found.scans, found.last_ms or 0, chain)
            break
    return found


def _count(found: Replay, now_ms: int, state: State) -> None:
    found.scans += 1
    found.states[state] = found.states.get(state, 0) + 1
    found.first_ms = now_ms if found.first_ms is None else found.first_ms
    found.last_ms = now_ms


def _chain(line: Logged) -> tuple[FieldDifference, ...]:
    """Compare the digest in a line with the one that its body must have there."""
    if line.digest == line.digest_due:
        return ()
    return (FieldDifference("digest", line.digest, line.digest_due),)


def _replayed(
    core: SafetyCore, memory: Memory, line: Logged, scan: Scan
) -> tuple[Decision | None, tuple[FieldDifference, ...]]:
    """Decide one scan again; return the decision and what differs from the logged one."""
    decision, broke = None, ""
    try:
        decision = core.step(memory, scan.facts, scan.intents, scan.now_ms)
        raw = encoded(decision)
    except _BREAKS as error:
        decision, raw, broke = None, bytes(NOTHING), f"{type(error).__name__}: {error}"
    if raw == bytes(scan.decision):
        return decision, ()
    where = f"line {line.line}, decision"
    logged = decoded(bytes(scan.decision), Decision | None, where)
    differing = tuple(differences(logged, decision if decision is not None else broke or None))
    if not differing:
        raise RecordError(where, "must be encoded as penpilot does")
    return decision, differing


def differences(logged: Any, replayed: Any, path: str = "") -> Iterator[FieldDifference]:
    """Yield every field in which two values differ, in their order, the innermost ones by path."""
    if logged == replayed and type(logged) is type(replayed):
        return
    ours, theirs = _inner(replayed), _inner(logged)
    if type(logged) is not type(replayed) or ours is None or theirs is None:
        yield FieldDifference(path or "decision", shown(logged), shown(replayed))
        return
    for name in theirs | ours:
        whole = f"{path}.{name}" if path else name
        yield from differences(theirs.get(name, MISSING), ours.get(name, MISSING), whole)


def _inner(value: Any) -> dict[str, Any] | None:
    """Return the named parts of a value, or None if it has none."""
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): part for name, part in value.items()}
    if isinstance(value, tuple):
        return {str(number): part for number, part in enumerate(value)}
    return None


def shown(value: Any) -> str:
    """Return a value as a person reads it: enumerations by name."""
    return value.name if isinstance(value, Enum) else str(value)
