"""What the core remembers from one scan to the next, and what it hands back; it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from safety.alarms import Alarms
from safety.causes import Cause
from safety.facts import PenIdentity, Role
from safety.ledger import AreaPlan, Ledger
from safety.monitors.watch import Watch
from safety.states import Event, OrderKind, State

Body = Mapping[str, int | str | bool]
"""Content of a journal entry: names to plain values."""


@dataclass(slots=True)
class CurrentPass:
    """The pass that is armed, running or being stopped.

    Args:
        plan: What was granted for its area.
        number: Which pass over the area, from 1.
        strokes_in_contact: Strokes with skin contact so far, earlier parts of the pass included.
        strokes_total: Strokes so far, in the air or not.
        depth_um_max: Deepest protrusion measured so far.
        begun_ms: When START was confirmed, or None before.
        contact_ms: When contact was last sensed, or the start.
        run_ms: Running time of earlier parts of this pass.
        has_gap: Whether needles may have moved unseen, in earlier parts of the pass included.
        counter_before: The pen's stroke counter when START was written down.
    """

    plan: AreaPlan
    number: int
    strokes_in_contact: int = 0
    strokes_total: int = 0
    depth_um_max: int = 0
    begun_ms: int | None = None
    contact_ms: int = 0
    run_ms: int = 0
    has_gap: bool = False
    counter_before: int = 0

    def copy(self) -> CurrentPass:
        """Return a pass of its own with the same values."""
        return CurrentPass(*_PASS_VALUES(self))


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A pass of an interrupted session whose end nobody saw.

    Args:
        area: Name of the area.
        number: Which pass over it.
        strokes_before: The pen's stroke counter when the last part of the pass was written down.
        strokes_in_contact: What earlier parts of the pass made on skin; nothing takes that back.
        serial_number: Of the pen that made it.
        epoch: Boot number of that pen: what it counted before a restart may be lost.
    """

    area: str
    number: int
    strokes_before: int
    strokes_in_contact: int
    serial_number: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a START, and the area that this person saw."""

    role: Role
    area: str


@dataclass(slots=True)
class Memory:
    """Everything remembered between scans. The step works on its own copy, never on the caller's.

    Args:
        plan: Granted areas in the order in which they are treated.
        ledger: Passes so far.
        state: Where the machine stands.
        identity: The pen as it was identified.
        current: The pass at hand.
        area: Area that a person wants next, or an empty text.
        unsettled: Passes of an interrupted session, to be compared with the stroke counter.
        tested: Plausible statuses in a row while the pen is tested; implausible ones below 0.
        start_entry: Number of the entry that must be durable before START leaves; 0 for none.
        start_id: Id of the START whose outcome is not known yet.
        start_sent: Whether START has left.
        arm_id: Id of the last order that the pen had taken when START was decided.
        armed_ms: When ARMED was entered by ARM or RESUME.
        asked_ms: When the START at hand was asked for.
        asked: Who asked for it, and which area that person named.
        open_id: Id of the OPEN of this arming, once it has left.
        entered_ms: When the present state was entered.
        after_stop: Which STILL event ends STOPPING.
        stop_reason: Why the needles were last stopped.
        causes: Causes that are active or latched, the first one first.
        alarms: What the person at the pen sees and hears of them.
        entries: Number of the last journal entry.
        seen_tick_ms: Tick of the last telemetry that was counted, None before the first.
        seen_strokes: Stroke counter at that moment.
        seen_contact: Whether there was contact at that moment.
        air_strokes: Strokes of the last stretch, if none of them counted as on skin.
        seen_cartridge: Whether a cartridge was in at that moment; None before the first.
        is_cartridge_in_doubt: Whether one came in that the pen was not asked about yet.
        was_locked: Whether a person locked the session, and it was open ever since.
        was_disconnected: Whether a person let the port go, and it was wanted ever since.
        watch: What the monitors remember.
        reset_role: Who asked for a reset that is not used up yet, or None.
    """

    plan: tuple[AreaPlan, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
    state: State = State.OFFLINE
    identity: PenIdentity | None = None
    current: CurrentPass | None = None
    area: str = ""
    unsettled: tuple[Unsettled, ...] = ()
    tested: int = 0
    start_entry: int = 0
    start_id: tuple[int, int] | None = None
    start_sent: bool = False
    arm_id: tuple[int, int] | None = None
    armed_ms: int = 0
    asked_ms: int = 0
    asked: Asked | None = None
    open_id: tuple[int, int] | None = None
    entered_ms: int = 0
    after_stop: Event = Event.STILL_AFTER_STOP
    stop_reason: str = ""
    causes: tuple[Cause, ...] = ()
    alarms: Alarms = field(default_factory=Alarms)
    entries: int = 0
    seen_tick_ms: int | None = None
    seen_strokes: int = 0
    seen_contact: bool = False
    air_strokes: int = 0
    seen_cartridge: bool | None = None
    is_cartridge_in_doubt: bool = False
    was_locked: bool = False
    was_disconnected: bool = False
    watch: Watch = field(default_factory=Watch)
    reset_role: Role | None = None

    def copy(self) -> Memory:
        """Return a memory of its own: what changes in place (pass, watch) is copied as well."""
        new = Memory(*_MEMORY_VALUES(self))
        new.watch = self.watch.copy()
        if self.current is not None:
            new.current = self.current.copy()
        return new


# One getter for all fields and one call: four times faster than the module `copy`.
_PASS_VALUES: attrgetter[tuple[Any, ...]] = attrgetter(*(f.name for f in fields(CurrentPass)))
_MEMORY_VALUES: attrgetter[tuple[Any, ...]] = attrgetter(*(f.name for f in fields(Memory)))


@dataclass(frozen=True, slots=True)
class Order:
    """What the next exchange asks of the pen; depth and speed are 0 where it needs none."""

    kind: OrderKind
    depth_um: int = 0
    speed_dhz: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line for the journal.

    Args:
        number: Counts from 1 within a session.
        kind: Such as ``pass_planned``; see docs/records.md.
        body: Names to integers, booleans or text.
    """

    number: int
    kind: str
    body: Body


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be done.

    Args:
        rule: Requirement that says no, such as ``SR-009``.
        reason: What is wrong, with its numbers.
        fix: What to do about it.
    """

    rule: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Firing:
    """One event at the machine: where it stood, where it stands, and why it was refused if so."""

    before: State
    event: Event
    after: State
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the event changed nothing because it may not."""
        return bool(self.refusals)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one scan decided.

    Args:
        memory: To be handed to the next scan.
        order: What to ask of the pen now; None when there is no link.
        entries: Lines for the journal, in order.
        firings: Events that were tried, in order, refused ones included.
    """

    memory: Memory
    order: Order | None
    entries: tuple[Entry, ...]
    firings: tuple[Firing, ...]

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """All refusals of this scan."""
        return tuple(r for firing in self.firings for r in firing.refusals)
