"""Monitors of what the pen makes of its orders: refused, without effect, unasked, or stopped."""

from __future__ import annotations

from safety.causes import PEN_FAULTS, Cause, CauseCode
from safety.facts import Telemetry
from safety.guards import is_fresh, is_still
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View
from safety.selftest import REST_UM_MAX
from safety.states import OrderKind, PenState, State
from safety.units import in_mm

TECHNICIAN_FAULT_FIRST = 0x80
"""Pen faults from this code on need a technician. Source: docs/protocol.md 4."""

REST_MS_MAX = 2_000
"""A pen brakes and retracts in 50 ms; far beyond that it does not say what it does. ASSUMED."""

NO_EFFECT_MS = 500
"""After this a START shows. ASSUMED: 300 ms of spin-up ([DOM] 4.5) and four telemetries."""

EFFECT_MA_MIN = 5
"""A motor that turns draws at least this. ASSUMED: a third of the smallest no-load current, [DOM]
4.2."""

EXPECTED: dict[State, frozenset[PenState]] = {
    State.ARMED: frozenset({PenState.SAFE, PenState.READY}),
    State.UNKNOWN_OUTCOME: frozenset({PenState.READY, PenState.RUN}),
    State.RUNNING: frozenset({PenState.RUN}),
}
"""Where the pen may be while the host stands there. Source: docs/protocol.md 3."""

_RUN = PenState.RUN


def note_effect(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: does a pen that runs show strokes, speed and current."""
    watch = view.watch
    if seen.state is not _RUN:
        watch.no_effect_ms = 0
        return
    watch.lack = lacking(view, seen)
    if watch.lack:
        watch.no_effect_ms = risen(watch.no_effect_ms, step_ms, NO_EFFECT_MS)
    else:
        watch.no_effect_ms = fallen(watch.no_effect_ms, step_ms)


def lacking(view: View, seen: Telemetry) -> str:
    """Return what a running pen does not show, or an empty text."""
    if not seen.is_driven:
        return "motor off"
    if seen.strokes == view.watch.seen_strokes:
        return "no strokes"
    if not seen.speed_dhz:
        return "no speed"
    is_drawing = seen.current_ma is not None and abs(seen.current_ma) >= EFFECT_MA_MIN
    return "" if is_drawing else "no current"


def pen_fault(view: View) -> Cause | None:
    """Report a fault that the pen itself found."""
    seen = view.seen
    if seen is None or not (seen.fault or seen.state is PenState.FAULT):
        return None
    is_grave = seen.fault >= TECHNICIAN_FAULT_FIRST
    code = CauseCode.PEN_FAULT_TECHNICIAN if is_grave else CauseCode.PEN_FAULT_OPERATOR
    name = PEN_FAULTS.get(seen.fault, "unknown")
    return Cause(code, f"pen fault 0x{seen.fault:02X}, {name}")


def pen_button(view: View) -> Cause | None:
    """Report the stop button of the pen, whether the pen has obeyed it or not."""
    is_down = view.seen is not None and view.seen.is_button_down
    return Cause(CauseCode.PEN_BUTTON) if is_down else None


def motion_unasked(view: View) -> Cause | None:
    """Report a motor that is driven, or needles that are out, although nobody asked.

    Only what was heard since the host rests can tell.
    """
    seen = view.seen
    if seen is None or seen.received_ms <= view.memory.entered_ms:
        return None
    if seen.is_driven or seen.state in (PenState.READY, _RUN):
        return Cause(CauseCode.MOTION_UNASKED, f"it is {seen.state.name}")
    if seen.depth_um is not None and seen.depth_um > REST_UM_MAX:
        return Cause(CauseCode.MOTION_UNASKED, f"needles out by {in_mm(seen.depth_um)}")
    return None


def pen_elsewhere(view: View) -> Cause | None:
    """Report a pen that is not where its orders led: stopped while running, running while armed."""
    seen = view.seen
    if seen is None or seen.state in EXPECTED[view.state] or seen.is_button_down:
        return None
    if seen.lease_ended:
        return Cause(CauseCode.LEASE_ENDED)
    return Cause(CauseCode.PEN_STOPPED_ITSELF, f"it is {seen.state.name}")


def no_effect(view: View) -> Cause | None:
    """Report a pen that says it runs, while strokes, speed or current say that it does not."""
    if view.watch.no_effect_ms < NO_EFFECT_MS:
        return None
    return Cause(CauseCode.NO_EFFECT, view.watch.lack or "now and then")


def order_refused(view: View) -> Cause | None:
    """Report that the pen refused an order that leads to motion or keeps it."""
    last = view.facts.exchanged
    if last is None or last.was_taken or not last.was_answered:
        return None
    if last.kind in (OrderKind.POLL, OrderKind.STOP):
        return None
    return Cause(CauseCode.ORDER_REFUSED, f"{last.kind.name}: {last.refusal}")


def rest_not_seen(view: View) -> Cause | None:
    """Report a pen that answers, was told to stop long ago, and does not say that it rests."""
    seen, waited_ms = view.seen, view.now_ms - view.memory.entered_ms
    if waited_ms <= REST_MS_MAX or seen is None or not is_fresh(seen, view.now_ms):
        return None
    if is_still(seen):
        return None
    speed = "not known" if seen.speed_dhz is None else f"{seen.speed_dhz} dHz"
    detail = f"{seen.state.name}, speed {speed}, after {waited_ms} ms"
    return Cause(CauseCode.REST_NOT_SEEN, detail)
