"""What causes do: latch, be written down once, and let the worst of them act."""

from __future__ import annotations

from safety.causes import Cause, CauseCode, worst
from safety.guards import is_fresh
from safety.ledger import Outcome
from safety.monitors.rack import find_causes, measure
from safety.monitors.view import View
from safety.passes import close_pass, is_planned
from safety.scan import Scan
from safety.selftest import TIMEOUT_MS, has_failed, implausible
from safety.states import LATCHED, WATCHED, Event, PenState, Severity, State

OBEY_MS = 60
"""A pen that has not begun to stop so long after STOP does not obey. Source: [SAF] 5, FW06."""

_WITHOUT_LINK = frozenset({State.OFFLINE, State.CONNECTING, *LATCHED})
"""States that a lost link does not change."""

_IN_SESSION = WATCHED | {State.IDLE, State.PLANNED, State.PAUSED}
"""States that only an open session may hold; STOPPING first comes to rest."""


def look_for_causes(scan: Scan) -> None:
    """Keep latched causes, add what is active now, and write each down when it first appears.

    Rule: SR-006.
    """
    memory = scan.memory
    view = View(memory, scan.facts, scan.now_ms)
    measure(view)
    active = find_causes(view)
    if _is_stop_ignored(scan):
        active = (*active, Cause(CauseCode.STOP_IGNORED))
    if memory.state is State.SELFTEST:
        active = (*active, *_failed_test(scan))
    scan.active = active
    if active or memory.causes:
        _keep(scan, active)
    memory.alarms = memory.alarms.update(memory.causes, scan.now_ms)
    # From START until the pass is closed, whatever the state, needles may move; what a pen counted
    # before it restarted may be lost.
    if memory.current is not None and memory.start_sent:
        is_seen = is_fresh(scan.facts.telemetry, scan.now_ms) and not scan.facts.epoch_changed
        memory.current.has_gap |= not is_seen


def _keep(scan: Scan, active: tuple[Cause, ...]) -> None:
    """Keep latched causes before active ones; write down what came and what went."""
    memory = scan.memory
    known = {cause.code for cause in memory.causes}
    latched = [cause for cause in memory.causes if cause.severity >= Severity.FAULT_OPERATOR]
    kept = {cause.code for cause in latched}
    memory.causes = (*latched, *(cause for cause in active if cause.code not in kept))
    for cause in active:
        if cause.code not in known:
            code, severity = str(cause.code), cause.severity.name
            scan.write("fault", {"code": code, "severity": severity, "text": cause.sentence})
    for code in sorted(known - {cause.code for cause in memory.causes}):
        scan.write("fault_gone", {"code": str(code)})


def _failed_test(scan: Scan) -> tuple[Cause, ...]:
    """Return why the self-test has failed, if it has. Rule: SR-036."""
    memory, seen = scan.memory, scan.facts.telemetry
    if has_failed(memory.tested) and seen is not None:
        return (Cause(CauseCode.SELFTEST_FAILED, implausible(seen)),)
    waited_ms = scan.now_ms - memory.entered_ms
    if waited_ms <= TIMEOUT_MS:
        return ()
    state = "no answer" if seen is None else f"it is {seen.state.name}"
    return (Cause(CauseCode.SELFTEST_TIMEOUT, f"{state} after {waited_ms} ms"),)


def _is_stop_ignored(scan: Scan) -> bool:
    """Return whether a pen that was told to stop still drives its motor, or keeps needles out."""
    memory, seen = scan.memory, scan.facts.telemetry
    if memory.state not in (State.STOPPING, State.FAULT) or seen is None:
        return False
    goes_on = seen.is_driven or seen.state in (PenState.READY, PenState.RUN)
    return goes_on and seen.received_ms - memory.entered_ms > OBEY_MS


def act_on_causes(scan: Scan) -> None:
    """Let a lost link, the worst active cause, or the end of the session act. Rule: SR-006."""
    memory = scan.memory
    if not scan.facts.link_is_up and memory.state not in _WITHOUT_LINK:
        _lose_link(scan)
        return
    if memory.causes:
        _act_on_worst(scan)
    if not scan.facts.session_is_open and memory.state in _IN_SESSION:
        scan.halt(Event.SESSION_EXPIRED, Event.STILL_AFTER_PAUSE, "the session has ended")


def _act_on_worst(scan: Scan) -> None:
    """Fire the event of the first cause among the worst."""
    memory = scan.memory
    severity = worst(memory.causes)
    cause = next(one for one in memory.causes if one.severity is severity)
    event, reason = cause.kind.event, cause.sentence
    if severity is Severity.ESTOP:
        if memory.state is not State.ESTOP:
            scan.fire(Event.ESTOP)
    elif severity >= Severity.FAULT_OPERATOR:
        _latch(scan, event, reason)
    elif event is None:
        return
    elif severity is Severity.STOP:
        is_softer = memory.after_stop is not Event.STILL_AFTER_STOP
        if memory.state in WATCHED or (memory.state is State.STOPPING and is_softer):
            scan.write("stop", {"source": "trip", "reason": reason})
            scan.stop(event, reason)
    elif memory.state in WATCHED:
        scan.pause(reason)


def _latch(scan: Scan, event: Event | None, reason: str) -> None:
    """Latch a fault by its own event, or by the plain one where its own does not lead there."""
    memory = scan.memory
    for one in (event, Event.TRIP_FAULT):
        if one is not None and memory.state not in LATCHED:
            memory.stop_reason = reason
            scan.fire(one)


def _lose_link(scan: Scan) -> None:
    """Close what nobody can see any more: a pass that may have run counts. Rule: SR-007."""
    memory = scan.memory
    if is_planned(memory):
        outcome = Outcome.UNCERTAIN if memory.start_sent else None
        scan.entries.append(close_pass(memory, scan.now_ms, "the link was lost", outcome))
    memory.current = None
    memory.stop_reason = "the link was lost"
    scan.fire(Event.LINK_LOST)
