"""What causes do: latch, be written down once, and let the worst of them act."""

from __future__ import annotations

from safety.causes import Cause, CauseCode, worst
from safety.guards import is_fresh
from safety.ledger import Outcome
from safety.monitors import WATCHED, lateness_after, watch
from safety.passes import close_pass, is_planned
from safety.scan import Scan
from safety.states import LATCHED, Event, PenState, Severity, State

OBEY_MS = 60
"""A pen that has not begun to stop so long after STOP does not obey. Source: [SAF] 5, FW06."""


def look_for_causes(scan: Scan) -> None:
    """Keep latched causes, add what is active now, and write each down when it first appears.

    Rule: SR-006.
    """
    memory = scan.memory
    memory.lateness = lateness_after(memory, scan.facts)
    active = list(watch(memory, scan.facts, scan.now_ms))
    if _is_stop_ignored(scan):
        active.append(Cause(CauseCode.STOP_IGNORED))
    known = {cause.code for cause in memory.causes}
    latched = [cause for cause in memory.causes if cause.severity >= Severity.FAULT_OPERATOR]
    kept = {cause.code for cause in latched}
    memory.causes = (*latched, *(cause for cause in active if cause.code not in kept))
    scan.active = tuple(active)
    for cause in active:
        if cause.code not in known:
            code, severity = str(cause.code), cause.severity.name
            scan.write("fault", {"code": code, "severity": severity, "text": cause.sentence})
    # From START until the pass is closed, whatever the state, needles may move; what a pen counted
    # before it restarted may be lost.
    if memory.current is not None and memory.start_sent:
        is_seen = is_fresh(scan.facts.telemetry, scan.now_ms) and not scan.facts.epoch_changed
        memory.current.has_gap |= not is_seen


def _is_stop_ignored(scan: Scan) -> bool:
    """Return whether a pen that was told to stop still drives its motor, or keeps needles out."""
    memory, seen = scan.memory, scan.facts.telemetry
    if memory.state not in (State.STOPPING, State.FAULT) or seen is None:
        return False
    goes_on = seen.is_driven or seen.state in (PenState.READY, PenState.RUN)
    return goes_on and seen.received_ms - memory.entered_ms > OBEY_MS


def act_on_causes(scan: Scan) -> None:
    """Let a lost link, or the worst active cause, act. Rule: SR-006."""
    memory = scan.memory
    if not scan.facts.link_is_up and memory.state not in {State.OFFLINE, *LATCHED}:
        _lose_link(scan)
        return
    severity = worst(memory.causes)
    reason = next((c.sentence for c in memory.causes if c.severity is severity), "")
    if severity is Severity.ESTOP and memory.state in (State.STOPPING, State.FAULT):
        scan.fire(Event.STOP_IGNORED)
    elif severity >= Severity.FAULT_OPERATOR and memory.state not in LATCHED:
        memory.stop_reason = reason
        scan.fire(Event.TRIP)
    elif severity is Severity.STOP and memory.state in WATCHED:
        scan.write("stop", {"source": "trip", "reason": reason})
        scan.stop(reason)
    elif severity is Severity.PAUSE and memory.state is State.RUNNING:
        scan.pause(reason)


def _lose_link(scan: Scan) -> None:
    """Close what nobody can see any more: a pass that may have run counts. Rule: SR-007."""
    memory = scan.memory
    if is_planned(memory):
        outcome = Outcome.UNCERTAIN if memory.start_sent else None
        scan.entries.append(close_pass(memory, scan.now_ms, "the link was lost", outcome))
    memory.current = None
    memory.stop_reason = "the link was lost"
    scan.fire(Event.LINK_LOST)
