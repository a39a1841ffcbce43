"""What follows from the facts alone: identified, started, done, at rest; one event a scan."""

from __future__ import annotations

from collections.abc import Callable

from safety.facts import Role
from safety.guards import ARM_TIMEOUT_MS, STATUSES_NEEDED
from safety.ledger import Outcome
from safety.memory import Asked
from safety.outputs import has_come_to_rest
from safety.passes import close_pass, is_planned, stands_as
from safety.reconcile import settle
from safety.scan import Scan
from safety.states import LATCHED, Event, OrderKind, PenState, State

RECONNECT_MS = 1_000
"""A port that was lost, refused or let go is left alone for so long. ASSUMED: a hand's time."""

START_WAIT_MS = 1_000
"""START may wait so long for its entry on disk; later it would surprise. ASSUMED: 100 x p99."""

_AT_REST = frozenset(
    {State.SELFTEST, State.LOCKED, State.IDLE, State.PLANNED, State.PAUSED, State.SERVICE}
)
"""States in which a cartridge may be changed by hand."""


def note_orders(scan: Scan) -> None:
    """Remember the ids of OPEN and START once they have left."""
    memory, last = scan.memory, scan.facts.exchanged
    if last is None:
        return
    if last.kind is OrderKind.OPEN and memory.state is State.ARMED:
        memory.open_id = last.order_id
    if last.kind is OrderKind.START and memory.start_sent and memory.start_id is None:
        memory.start_id = last.order_id


def follow_cartridge(scan: Scan) -> None:
    """Note a cartridge that came or went: what was planned for it is void.

    While needles may move it is a cause, which `safety.reactions` acts on; that nobody knows which
    one came back is remembered until the pen was asked anew.
    """
    memory, seen = scan.memory, scan.facts.telemetry
    if seen is None:
        return
    was, memory.seen_cartridge = memory.seen_cartridge, seen.has_cartridge
    is_new = seen.has_cartridge and was is False
    memory.is_cartridge_in_doubt |= is_new and memory.identity is not None
    if memory.state not in _AT_REST:
        return
    if memory.state in (State.PLANNED, State.PAUSED) and not seen.has_cartridge:
        memory.stop_reason = "the cartridge was removed"
    if was and not seen.has_cartridge:
        scan.fire(Event.CARTRIDGE_OUT)
    elif seen.has_cartridge and memory.is_cartridge_in_doubt:
        scan.fire(Event.CARTRIDGE_CHANGED)
    elif is_new:
        scan.fire(Event.CARTRIDGE_IN)


def go_on(scan: Scan) -> None:
    """Fire the event that the facts call for, if any."""
    follows = _FOLLOWS.get(scan.memory.state)
    if follows is not None:
        follows(scan)
    elif has_come_to_rest(scan.memory, scan.facts, scan.now_ms):
        _go_on_at_rest(scan)
    else:
        scan.memory.reset_role = None


def _connect(scan: Scan) -> None:
    """Open the port that somebody wants; wait after it was lost, refused or let go."""
    memory = scan.memory
    has_waited = memory.entered_ms == 0 or scan.now_ms - memory.entered_ms >= RECONNECT_MS
    if scan.facts.link_is_wanted and has_waited and not memory.was_disconnected:
        scan.fire(Event.CONNECT)


def _see_link(scan: Scan) -> None:
    """Go on with a line that answers; give up one that cannot be opened."""
    if scan.facts.link_failure:
        scan.fire(Event.LINK_REFUSED)
    elif scan.facts.link_is_up:
        scan.fire(Event.LINK_UP)


def _identify(scan: Scan) -> None:
    """Take the pen that said who it is, if it is one that may be driven."""
    known = scan.facts.identity
    if known is not None:
        scan.fire(Event.IDENTITY_REFUSED if known.unfit else Event.IDENTIFIED)


def _test(scan: Scan) -> None:
    """Pass the pen on once enough statuses were plausible; settle what was left open."""
    memory, seen = scan.memory, scan.facts.telemetry
    if seen is None or memory.tested < STATUSES_NEEDED:
        return
    if not scan.fire(Event.SELFTEST_PASSED).is_refused:
        scan.entries.extend(settle(memory, seen))


def _unlock(scan: Scan) -> None:
    """Let a session that is open have the pen, unless a person locked this very session."""
    if scan.facts.session_is_open and not scan.memory.was_locked:
        scan.fire(Event.UNLOCK)


def _leave_service(scan: Scan) -> None:
    """Give a pen that is being serviced up as soon as a patient's session opens. Rule: SR-035."""
    if scan.facts.session_is_open:
        scan.fire(Event.SERVICE_LEAVE)


def _end_pass(scan: Scan) -> None:
    """End a pass whose strokes are delivered."""
    current = scan.memory.current
    if current is not None and current.strokes_in_contact >= current.plan.strokes_per_pass:
        scan.finish_pass("strokes delivered")


def _start_when_durable(scan: Scan) -> None:
    """Start once the announcing entry is durable; disarm when nobody starts. Rule: SR-014."""
    memory = scan.memory
    if memory.start_entry:
        may_wait = 0 <= scan.now_ms - memory.asked_ms <= START_WAIT_MS
        if may_wait and scan.facts.durable < memory.start_entry:
            return
        asked, seen = memory.asked or Asked(Role.PRACTITIONER, ""), scan.facts.telemetry
        memory.arm_id = None if seen is None else seen.last_order
        if scan.fire(Event.START, asked.role, asked.area).is_refused:
            scan.entries.append(close_pass(memory, scan.now_ms, "not started"))
    elif not (scan.now_ms - memory.armed_ms <= ARM_TIMEOUT_MS):
        scan.halt(Event.DISARM, Event.STILL_AFTER_PASS, "armed too long without a start")


def _settle_start(scan: Scan) -> None:
    """Find out from the pen what became of START; never send it twice. Rule: SR-011.

    Only a status that came after START can tell. An exchange may be answered without one, and the
    last one known may be older than START. START was not taken only if the order before it is
    still the last one taken and no needle moved: any other order may have come after a START.
    Source: docs/protocol.md 7, tests/model.
    """
    memory, seen, current = scan.memory, scan.facts.telemetry, scan.memory.current
    if memory.start_id is None or seen is None or current is None:
        return
    if not (seen.received_ms > memory.entered_ms):
        return
    if seen.last_order == memory.start_id:
        if not scan.fire(Event.EXECUTED).is_refused:
            current.begun_ms = current.contact_ms = scan.now_ms
            scan.write("pass_started", {"area": current.plan.area, "number": current.number})
    elif seen.last_order == memory.arm_id and seen.strokes == current.counter_before:
        if not scan.fire(Event.NOT_EXECUTED).is_refused:
            scan.entries.append(close_pass(memory, scan.now_ms, "START was lost"))
    else:
        # Nobody knows whether needles ran: the pass counts, and somebody has to look.
        current.has_gap = True
        reason = "nobody knows whether the needles ran"
        scan.write("stop", {"source": "trip", "reason": reason})
        scan.stop(Event.TRIP_STOP, reason)


def _go_on_at_rest(scan: Scan) -> None:
    """Close the pass when the needles are seen at rest, then leave STOPPING or reset."""
    memory = scan.memory
    if is_planned(memory):
        scan.entries.append(close_pass(memory, scan.now_ms, memory.stop_reason))
    if memory.state is State.STOPPING:
        # A pass that is done, or may be, has nothing left to resume.
        is_paused = memory.after_stop is Event.STILL_AFTER_PAUSE
        is_over = stands_as(memory, Outcome.DELIVERED) or stands_as(memory, Outcome.UNCERTAIN)
        if is_paused and is_over:
            memory.after_stop = Event.STILL_AFTER_PASS
        scan.fire(memory.after_stop)
    elif memory.state in LATCHED and memory.reset_role is not None:
        _reset(scan, memory.reset_role)


def _reset(scan: Scan, role: Role) -> None:
    """Leave a latched state once the pen has left its own; the edge is used up. Rule: SR-006."""
    memory, last, seen = scan.memory, scan.facts.exchanged, scan.facts.telemetry
    is_asked = last is not None and last.kind is OrderKind.RESET and last.was_answered
    if seen is not None and seen.state is PenState.FAULT and not is_asked:
        return
    memory.reset_role = None
    if not scan.fire(Event.RESET, role).is_refused:
        codes = ", ".join(str(cause.code) for cause in memory.causes)
        scan.write("reset", {"role": role.name, "codes": codes})
        memory.causes = ()


_FOLLOWS: dict[State, Callable[[Scan], None]] = {
    State.OFFLINE: _connect,
    State.CONNECTING: _see_link,
    State.IDENTIFYING: _identify,
    State.SELFTEST: _test,
    State.LOCKED: _unlock,
    State.SERVICE: _leave_service,
    State.ARMED: _start_when_durable,
    State.UNKNOWN_OUTCOME: _settle_start,
    State.RUNNING: _end_pass,
}
"""What follows by itself in each state; the others wait for rest, or for a person."""
