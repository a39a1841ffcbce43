"""What follows from the facts alone: identified, started, done, at rest; one event a scan."""

from __future__ import annotations

from safety.facts import Role
from safety.guards import ARM_TIMEOUT_MS
from safety.ledger import Outcome
from safety.outputs import has_come_to_rest
from safety.passes import close_pass, is_planned, stands_as
from safety.scan import Scan
from safety.states import LATCHED, Event, OrderKind, PenState, State

START_WAIT_MS = 1_000
"""START may wait so long for its entry on disk; later it would surprise. ASSUMED: 100 x p99."""


def note_orders(scan: Scan) -> None:
    """Remember the ids of OPEN and START once they have left."""
    memory, last = scan.memory, scan.facts.exchanged
    if last is None:
        return
    if last.kind is OrderKind.OPEN and memory.state is State.ARMED:
        memory.open_id = last.order_id
    if last.kind is OrderKind.START and memory.start_sent and memory.start_id is None:
        memory.start_id = last.order_id


def go_on(scan: Scan) -> None:
    """Fire the event that the facts call for, if any."""
    memory, facts = scan.memory, scan.facts
    if memory.state is State.OFFLINE:
        if facts.link_is_up:
            scan.fire(Event.LINK_UP)
    elif memory.state is State.IDENTIFYING:
        if facts.identity is not None:
            scan.fire(Event.IDENTIFIED)
    elif memory.state is State.ARMED:
        _start_when_durable(scan)
    elif memory.state is State.UNKNOWN_OUTCOME:
        _settle_start(scan)
    elif memory.state is State.RUNNING:
        current = memory.current
        if current is not None and current.strokes_in_contact >= current.plan.strokes_per_pass:
            scan.finish_pass("strokes delivered")
    elif has_come_to_rest(memory, facts, scan.now_ms):
        _go_on_at_rest(scan)
    else:
        memory.reset_role = None


def _start_when_durable(scan: Scan) -> None:
    """Start once the announcing entry is durable; disarm when nobody starts. Rule: SR-014."""
    memory = scan.memory
    if memory.start_entry:
        may_wait = 0 <= scan.now_ms - memory.asked_ms <= START_WAIT_MS
        if may_wait and scan.facts.durable < memory.start_entry:
            return
        if scan.fire(Event.START).is_refused:
            scan.entries.append(close_pass(memory, scan.now_ms, "not started"))
    elif scan.now_ms - memory.armed_ms > ARM_TIMEOUT_MS:
        scan.fire(Event.DISARM)
        memory.current = None


def _settle_start(scan: Scan) -> None:
    """Find out from the pen what became of START; never send it twice. Rule: SR-011.

    Only a status that came after START can tell. An exchange may be answered without one, and the
    last one known may be older than START.
    """
    memory, seen, current = scan.memory, scan.facts.telemetry, scan.memory.current
    if memory.start_id is None or seen is None or current is None:
        return
    if not (seen.received_ms > memory.entered_ms):
        return
    if seen.last_order == memory.start_id:
        current.begun_ms = current.contact_ms = scan.now_ms
        scan.fire(Event.EXECUTED)
        scan.write("pass_started", {"area": current.plan.area, "number": current.number})
    else:
        scan.entries.append(close_pass(memory, scan.now_ms, "START was lost"))
        scan.fire(Event.NOT_EXECUTED)


def _go_on_at_rest(scan: Scan) -> None:
    """Close the pass when the needles are seen at rest, then leave STOPPING or reset."""
    memory = scan.memory
    if is_planned(memory):
        scan.entries.append(close_pass(memory, scan.now_ms, memory.stop_reason))
    if memory.state is State.STOPPING:
        # A pass that was done by the time the needles stood still has nothing left to resume.
        is_paused = memory.after_stop is Event.STILL_AFTER_PAUSE
        if is_paused and stands_as(memory, Outcome.DELIVERED):
            memory.after_stop = Event.STILL_AFTER_PASS
        if memory.after_stop is not Event.STILL_AFTER_PAUSE:
            memory.current = None
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
        memory.causes = ()
        memory.current = None
