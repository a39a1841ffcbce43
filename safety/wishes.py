"""What people want: each intent is an edge, tried once, and refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

from safety.alarms import AUDIO_PAUSE_MS_MAX
from safety.causes import Cause, CauseCode
from safety.facts import Intent, IntentKind
from safety.guards import entry_is_durable, role_may_reset
from safety.memory import Asked, CurrentPass, Firing, Refusal
from safety.outputs import has_come_to_rest
from safety.passes import plan_pass
from safety.scan import Scan
from safety.states import LATCHED, WATCHED, Event, State
from safety.table import ROWS

_STRIKING = frozenset({State.UNKNOWN_OUTCOME, State.RUNNING})

_EVENTS: dict[IntentKind, Event] = {
    IntentKind.PLAN: Event.PLAN,
    IntentKind.CHANGE_AREA: Event.CHANGE_AREA,
    IntentKind.ARM: Event.ARM,
    IntentKind.PASS_DONE: Event.PASS_DONE,
    IntentKind.PAUSE: Event.PAUSE,
    IntentKind.RESUME: Event.RESUME,
    IntentKind.FINISH: Event.FINISH,
    IntentKind.LOCK: Event.LOCK,
    IntentKind.SERVICE_ENTER: Event.SERVICE_ENTER,
    IntentKind.SERVICE_LEAVE: Event.SERVICE_LEAVE,
    IntentKind.DISCONNECT: Event.DISCONNECT,
}
"""Intents that are events as they stand; the others have their own ways."""


def stop_wish(scan: Scan, intent: Intent) -> None:
    """Stop, whatever else is going on. Rule: SR-005."""
    scan.write("stop", {"source": intent.source, "reason": ""})
    scan.memory.reset_role = None
    event = Event.STOP_PEDAL if intent.source == "pedal" else Event.STOP_UI
    if intent.kind is IntentKind.ESTOP:
        scan.latch(Cause(CauseCode.EMERGENCY_STOP, intent.source))
        event = Event.ESTOP
    scan.stop(event, f"stopped by {intent.source}")


def grant_wish(scan: Scan, intent: Intent) -> None:
    """Try one wish other than STOP."""
    special = _SPECIAL.get(intent.kind)
    if special is not None:
        special(scan, intent)
    elif intent.kind is IntentKind.PAUSE and scan.memory.state in WATCHED:
        scan.pause(f"paused by {intent.source}")
    elif intent.kind is IntentKind.PASS_DONE and scan.memory.state in _STRIKING:
        scan.finish_pass(f"ended by {intent.source}")
    elif not scan.fire(_EVENTS[intent.kind], intent.role, intent.area).is_refused:
        _enter(scan, intent)


def _enter(scan: Scan, intent: Intent) -> None:
    """Set up what the state that was just entered needs."""
    memory = scan.memory
    memory.was_locked |= intent.kind is IntentKind.LOCK
    memory.was_disconnected |= intent.kind is IntentKind.DISCONNECT
    if intent.kind is IntentKind.CHANGE_AREA:
        memory.area = intent.area
        scan.write("area_chosen", {"area": intent.area, "source": intent.source})
    if memory.state is not State.ARMED:
        return
    memory.open_id, memory.start_id, memory.start_sent = None, None, False
    memory.start_entry = 0
    memory.armed_ms = scan.now_ms
    if memory.current is None:
        found = memory.ledger.next_pass(memory.plan, memory.area)
        memory.current = None if found is None else CurrentPass(*found)


def _plan_start(scan: Scan, intent: Intent) -> None:
    """Check everything but the disk, then write the pass down; START follows when it is durable."""
    memory, role, area = scan.memory, intent.role, intent.area
    row = ROWS.get((memory.state, Event.START))
    if row is None:
        scan.fire(Event.START, role, area)
        return
    scene = scan.scene(role, area)
    found = (guard(scene) for guard in row.guards if guard is not entry_is_durable)
    refusals = tuple(refusal for refusal in found if refusal is not None)
    if refusals:
        scan.firings.append(Firing(memory.state, Event.START, memory.state, refusals))
    elif not memory.start_entry:
        memory.asked_ms, memory.asked = scan.now_ms, Asked(role, area)
        scan.entries.append(plan_pass(memory))


def _want_reset(scan: Scan, intent: Intent) -> None:
    """Remember the edge of a reset, if there is something to reset at rest and this role may."""
    memory, role = scan.memory, intent.role
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


def _acknowledge(scan: Scan, intent: Intent) -> None:
    """Note that a person has seen the alarms. No state changes, no cause goes."""
    scan.fire(Event.ACKNOWLEDGE, intent.role)
    if scan.memory.alarms.alarms:
        scan.memory.alarms = scan.memory.alarms.acknowledge(scan.now_ms)
        scan.write("alarms_acknowledged", {"source": intent.source})


def _pause_audio(scan: Scan, intent: Intent) -> None:
    """Silence the alarms for the longest time that is allowed; they stay to be seen."""
    scan.memory.alarms = scan.memory.alarms.pause_audio(scan.now_ms, AUDIO_PAUSE_MS_MAX)
    scan.write("audio_paused", {"source": intent.source})


_SPECIAL: dict[IntentKind, Callable[[Scan, Intent], None]] = {
    IntentKind.START: _plan_start,
    IntentKind.RESET: _want_reset,
    IntentKind.ACKNOWLEDGE: _acknowledge,
    IntentKind.PAUSE_AUDIO: _pause_audio,
}
"""Intents that do more than fire one event."""
