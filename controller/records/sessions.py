"""Sessions as they follow from their entries alone: a pure fold, without database and clock.

The count of passes errs to one side only. A pass counts from the moment it was planned, since from
then on a START may have left; only an entry that says it was not delivered takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from controller.records.bodies import text, whole
from controller.records.kinds import SAMPLES, Kind, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from controller.records.entries import Entry
    from controller.records.store import RecordStore

ACQUITTED = "the pen's stroke counter did not move"
"""Why a pass that was uncertain counts no longer."""

UNKNOWN_AREA = "unknown area"
"""Where a pass is counted whose entry names no area."""

_GRAVE = frozenset({"FAULT_TECHNICIAN", "ESTOP"})
"""Severities that only a technician clears. Source: `safety.states.Severity`, DESIGN 4."""

_TECHNICIAN = "TECHNICIAN"
_CLOSED = frozenset(Status) - {Status.OPEN}
_REOPENING = frozenset({Kind.SESSION_OPENED, Kind.RESUMED, Kind.PASS_PLANNED, Kind.PASS_STARTED})


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one area. What no entry says is None.

    Args:
        area: Name of the area.
        number: Of the pass within its area, as it was planned.
        outcome: UNCERTAIN until an entry says how it ended.
        started: Whether the pen confirmed the start.
        ended: Whether an entry says how it ended.
        depth_um: Needle protrusion that was set.
        speed_dhz: Strokes per second that were set, in tenths.
        strokes_total: Strokes of the pen.
        strokes_in_contact: Those of them with skin contact.
        duration_ms: From start to standstill.
        depth_um_measured_max: Greatest measured needle protrusion.
        reason: Why it ended so.
        strokes_before: The pen's stroke counter when it was planned, or taken up again.
        strokes_in_contact_before: What earlier parts of it made on skin.
        serial_number: Of the pen.
        epoch: Boot number of the pen.
    """

    area: str
    number: int
    outcome: Outcome = Outcome.UNCERTAIN
    started: bool = False
    ended: bool = False
    depth_um: int | None = None
    speed_dhz: int | None = None
    strokes_total: int | None = None
    strokes_in_contact: int | None = None
    duration_ms: int | None = None
    depth_um_measured_max: int | None = None
    reason: str = ""
    strokes_before: int | None = None
    strokes_in_contact_before: int | None = None
    serial_number: int | None = None
    epoch: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts as delivered."""
        return self.outcome is not Outcome.NOT_DELIVERED


@dataclass(frozen=True, slots=True)
class Area:
    """One area of a plan, and the passes over it in the order in which they were planned.

    Args:
        name: Name of the area.
        plan: What `session_opened` says of it; empty if the plan has no such area.
        passes: All passes, counted or not.
    """

    name: str
    plan: Mapping[str, Any]
    passes: tuple[Pass, ...]

    @property
    def planned(self) -> int:
        """Passes granted in all."""
        return whole(self.plan, "passes") or 0

    @property
    def counted(self) -> int:
        """Passes that count as delivered."""
        return sum(each.counts for each in self.passes)

    def with_outcome(self, outcome: Outcome) -> int:
        """Return how many passes had this outcome."""
        return sum(each.outcome is outcome for each in self.passes)


@dataclass(frozen=True, slots=True)
class Session:
    """What the record says of one session.

    Args:
        id: As in its entries.
        status: OPEN until it is closed; whether a controller still runs it is not on record.
        reason: Why it was closed.
        opened_at: When its first entry was made, ISO 8601, UTC.
        last_at: When its last entry was made, ISO 8601, UTC.
        plan_name: Of the treatment plan.
        pen: What `session_opened` says of the pen.
        opened: All that `session_opened` says.
        areas: In the order of the plan; those that only passes name come last.
        events: How often each kind of entry was made.
        grave: Faults that a technician must look into, while none has: serial number, text.
    """

    id: str
    status: Status
    reason: str
    opened_at: str
    last_at: str
    plan_name: str
    pen: Mapping[str, Any]
    opened: Mapping[str, Any]
    areas: tuple[Area, ...]
    events: Mapping[str, int]
    grave: tuple[tuple[int, str], ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether the pen was a simulated one, by its own word."""
        return bool(self.pen.get("simulated"))


def fold(entries: Iterable[Entry]) -> dict[str, Session]:
    """Return all sessions, in the order of their first entries.

    Args:
        entries: By ascending number; `SAMPLES` may be left out.
    """
    folds: dict[str, _Fold] = {}
    for entry in entries:
        found = folds.get(entry.session)
        if found is None:
            found = folds[entry.session] = _Fold(opened_at=entry.at)
        found.add(entry)
    return {name: found.result(name) for name, found in folds.items()}


def interrupted_sessions(store: RecordStore, is_running: Callable[[str], bool]) -> list[Session]:
    """Return the sessions that were neither closed nor are still run, oldest first.

    Args:
        store: The record.
        is_running: Whether a controller runs the session of this id now.

    Raises:
        RecordError: If the record cannot be read.
    """
    return [
        replace(session, status=Status.INTERRUPTED)
        for session in fold(store.entries(without=SAMPLES)).values()
        if session.status is Status.OPEN and not is_running(session.id)
    ]


def ledger(session: Session) -> dict[str, int]:
    """Return how many passes count as delivered, by area: delivered, partial and uncertain ones."""
    return {area.name: area.counted for area in session.areas}


@dataclass(slots=True)
class _Fold:
    """One session while its entries are read."""

    opened_at: str
    last_at: str = ""
    status: Status = Status.OPEN
    reason: str = ""
    opened: dict[str, Any] = field(default_factory=dict)
    passes: list[Pass] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    grave: list[tuple[int, str]] = field(default_factory=list)
    serial_number: int = 0

    def add(self, entry: Entry) -> None:
        """Take one more entry into account."""
        self.last_at = entry.at
        self.events[entry.kind] = self.events.get(entry.kind, 0) + 1
        if entry.kind in _REOPENING:
            self.status, self.reason = Status.OPEN, ""
        match entry.kind:
            case Kind.SESSION_OPENED:
                self.opened = entry.body
                pen = entry.body.get("pen")
                self.serial_number = (
                    (whole(pen, "serial_number") or 0) if isinstance(pen, dict) else 0
                )
            case Kind.PASS_PLANNED:
                self._plan(entry.body)
            case Kind.PASS_STARTED:
                self._start(entry.body)
            case Kind.PASS_ENDED:
                self._end(entry.body)
            case Kind.PASS_RECONCILED:
                self._reconcile(entry.body)
            case Kind.RESUMED:
                self.serial_number = whole(entry.body, "serial_number") or self.serial_number
            case Kind.FAULT | Kind.RESET | Kind.RELEASED:
                self._judge(entry.kind, entry.body)
            case Kind.SESSION_CLOSED:
                outcome = text(entry.body, "outcome")
                self.status = Status(outcome) if outcome in _CLOSED else Status.INTERRUPTED
                self.reason = text(entry.body, "reason")

    def result(self, name: str) -> Session:
        """Return the session as it stands."""
        pen = self.opened.get("pen")
        return Session(
            id=name,
            status=self.status,
            reason=self.reason,
            opened_at=self.opened_at,
            last_at=self.last_at,
            plan_name=text(self.opened, "plan_name"),
            pen=pen if isinstance(pen, dict) else {},
            opened=self.opened,
            areas=self._areas(),
            events=self.events,
            grave=tuple(self.grave),
        )

    def _areas(self) -> tuple[Area, ...]:
        """Put plan and passes together."""
        listed = self.opened.get("areas")
        plans = (
            [plan for plan in listed if isinstance(plan, dict)] if isinstance(listed, list) else []
        )
        by_name = {text(plan, "area", UNKNOWN_AREA): plan for plan in plans}
        names = list(by_name) + [each.area for each in self.passes]
        return tuple(
            Area(name, by_name.get(name, {}), tuple(p for p in self.passes if p.area == name))
            for name in dict.fromkeys(names)
        )

    def _plan(self, body: dict[str, Any]) -> None:
        """A START may leave from here on; a paused pass is the same pass, taken up again."""
        depth_um, speed_dhz = whole(body, "depth_um"), whole(body, "speed_dhz")
        planned = replace(
            _named(body),
            depth_um=depth_um,
            speed_dhz=speed_dhz,
            strokes_before=whole(body, "strokes_before"),
            strokes_in_contact_before=whole(body, "strokes_in_contact_before"),
            serial_number=whole(body, "serial_number"),
            epoch=whole(body, "epoch"),
        )
        for place, each in enumerate(self.passes):
            is_same = (each.area, each.number) == (planned.area, planned.number)
            if is_same and each.ended and each.outcome is not Outcome.DELIVERED and each.number:
                self.passes[place] = planned
                return
        self.passes.append(planned)

    def _judge(self, kind: str, body: dict[str, Any]) -> None:
        """A grave fault of a pen waits until a technician resets it or releases the pen."""
        if kind == Kind.RELEASED:
            self.grave.clear()
        elif kind == Kind.FAULT and text(body, "severity") in _GRAVE:
            self.grave.append((self.serial_number, text(body, "text")))
        elif kind == Kind.RESET and text(body, "role") == _TECHNICIAN:
            self.grave = [one for one in self.grave if one[0] != self.serial_number]

    def _start(self, body: dict[str, Any]) -> None:
        """The pen took the START."""
        where = self._open_pass(body, started=False)
        self.passes[where] = replace(self.passes[where], started=True)

    def _end(self, body: dict[str, Any]) -> None:
        """The pass is over; an outcome that this program does not know is an uncertain one."""
        where = self._open_pass(body)
        outcome = text(body, "outcome")
        self.passes[where] = replace(
            self.passes[where],
            ended=True,
            outcome=Outcome(outcome) if outcome in set(Outcome) else Outcome.UNCERTAIN,
            strokes_total=whole(body, "strokes_total"),
            strokes_in_contact=whole(body, "strokes_in_contact"),
            duration_ms=whole(body, "duration_ms"),
            depth_um_measured_max=whole(body, "depth_um_measured_max"),
            reason=text(body, "reason"),
        )

    def _reconcile(self, body: dict[str, Any]) -> None:
        """The pen's stroke counter proves that the last part of a pass never began.

        Nothing else takes a pass back, and what earlier parts made on skin nothing does.
        """
        wanted, outcome = _named(body), text(body, "outcome")
        for place, each in enumerate(self.passes):
            is_same = (each.area, each.number) == (wanted.area, wanted.number)
            if not (is_same and each.outcome is Outcome.UNCERTAIN):
                continue
            earlier = each.strokes_in_contact_before or 0
            acquitted = Outcome.PARTIAL if earlier > 0 else Outcome.NOT_DELIVERED
            if outcome == acquitted:
                self.passes[place] = replace(
                    each,
                    ended=True,
                    outcome=acquitted,
                    strokes_in_contact=earlier,
                    reason=ACQUITTED,
                )

    def _open_pass(self, body: dict[str, Any], *, started: bool | None = None) -> int:
        """Return the place of the latest such pass that has not ended, if need be a new one."""
        wanted = _named(body)
        for place in range(len(self.passes) - 1, -1, -1):
            each = self.passes[place]
            same = (each.area, each.number) == (wanted.area, wanted.number)
            if same and not each.ended and started in (None, each.started):
                return place
        self.passes.append(wanted)
        return len(self.passes) - 1


def _named(body: dict[str, Any]) -> Pass:
    """Return a pass of which only area and number are known."""
    return Pass(text(body, "area", UNKNOWN_AREA), whole(body, "number") or 0)
