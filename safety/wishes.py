"""What people want: each intent is an edge, tried once, and refused with a reason."""

from __future__ import annotations

from safety.facts import Intent, IntentKind, Role
from safety.guards import entry_is_durable, role_may_reset
from safety.memory import CurrentPass, Firing, Refusal
from safety.monitors import WATCHED
from safety.outputs import has_come_to_rest
from safety.passes import plan_pass
from safety.scan import Scan
from safety.states import LATCHED, Event, State
from safety.table import ROWS

_EVENTS: dict[IntentKind, Event] = {
    IntentKind.PLAN: Event.PLAN,
    IntentKind.ARM: Event.ARM,
    IntentKind.PASS_DONE: Event.PASS_DONE,
    IntentKind.PAUSE: Event.PAUSE,
    IntentKind.RESUME: Event.RESUME,
    IntentKind.FINISH: Event.FINISH,
}
"""Intents that are events as they stand; STOP, START and RESET have their own ways."""


def stop_wish(scan: Scan, intent: Intent) -> None:
    """Stop, whatever else is going on. Rule: SR-005."""
    scan.write("stop", {"source": intent.source, "reason": ""})
    scan.memory.reset_role = None
    scan.stop(f"stopped by {intent.source}")


def grant_wish(scan: Scan, intent: Intent) -> None:
    """Try one wish other than STOP."""
    state = scan.memory.state
    if intent.kind is IntentKind.START:
        _plan_start(scan, intent.role)
    elif intent.kind is IntentKind.RESET:
        _want_reset(scan, intent.role)
    elif intent.kind is IntentKind.PAUSE and state in WATCHED:
        scan.pause(f"paused by {intent.source}")
    elif intent.kind is IntentKind.PASS_DONE and state is State.RUNNING:
        scan.finish_pass(f"ended by {intent.source}")
    elif not scan.fire(_EVENTS[intent.kind], intent.role).is_refused:
        _enter(scan)


def _enter(scan: Scan) -> None:
    """Set up what the state that was just entered needs."""
    memory = scan.memory
    if memory.state is State.IDLE:
        memory.current = None
    if memory.state is not State.ARMED:
        return
    memory.open_id, memory.start_id, memory.start_sent = None, None, False
    memory.start_entry = 0
    memory.armed_ms = scan.now_ms
    if memory.current is None:
        found = memory.ledger.next_pass(memory.plan)
        memory.current = None if found is None else CurrentPass(*found)


def _plan_start(scan: Scan, role: Role) -> None:
    """Check everything but the disk, then write the pass down; START follows when it is durable."""
    memory = scan.memory
    row = ROWS.get((memory.state, Event.START))
    if row is None:
        scan.fire(Event.START, role)
        return
    scene = scan.scene(role)
    found = (guard(scene) for guard in row.guards if guard is not entry_is_durable)
    refusals = tuple(refusal for refusal in found if refusal is not None)
    if refusals:
        scan.firings.append(Firing(memory.state, Event.START, memory.state, refusals))
    elif not memory.start_entry:
        memory.asked_ms = scan.now_ms
        scan.entries.append(plan_pass(memory))


def _want_reset(scan: Scan, role: Role) -> None:
    """Remember the edge of a reset, if there is something to reset at rest and this role may."""
    memory = scan.memory
    if memory.state not in LATCHED:
        scan.fire(Event.RESET, role)
        return
    refusal = role_may_reset(scan.scene(role))
    if not has_come_to_rest(memory, scan.facts, scan.now_ms):
        reason = "the needles are not seen at rest"
        refusal = Refusal("SR-006", reason, "Wait until they are, then reset again.")
    if refusal is None:
        memory.reset_role = role
    else:
        scan.firings.append(Firing(memory.state, Event.RESET, memory.state, (refusal,)))
