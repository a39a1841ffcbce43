"""Monitors of the needle protrusion; whether its sensor lives is for `signals`."""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View
from safety.states import PenState
from safety.units import in_mm

DEPTH_TOLERANCE_UM_MAX = 250
"""No pen may allow itself more beyond the set value. ASSUMED: published are 150 um, [DOM] 1.5."""

TRACKING_RAISE_UM = 100
"""Further than this off the set value, either way, is a tracking error. ASSUMED: twice what a pen
calls settled; the full 150 um of [SAF] 3.2 D04 are over-depth."""

TRACKING_CLEAR_UM = 50
"""No further off than this is good again. Source: docs/protocol.md 6, rule 8."""

TRACKING_MS = 100
"""A tracking error lasts this long. ASSUMED: two telemetries; one may be a glitch."""

SETTLE_MS_MAX = 2_000
"""Needles that are ordered out have settled by then. ASSUMED: 2.5 mm take the simulated pen 63 ms,
and a practitioner does not wait longer without wondering."""

_READY, _RUN = PenState.READY, PenState.RUN


def note_depth(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: is the depth settled, and does it stay where it was set."""
    watch, state = view.watch, seen.state
    if state is not _READY and state is not _RUN:
        watch.has_settled = False
        watch.unsettled_ms = watch.depth_off_ms = 0
        return
    if seen.is_settled:
        watch.has_settled = True
        watch.unsettled_ms = 0
    elif not watch.has_settled:
        watch.unsettled_ms += step_ms
    if not watch.has_settled or seen.depth_um is None or view.current is None:
        return
    off_um = abs(seen.depth_um - view.current.plan.depth_um)
    if off_um > TRACKING_RAISE_UM:
        watch.depth_off_ms = risen(watch.depth_off_ms, step_ms, TRACKING_MS)
    elif off_um <= TRACKING_CLEAR_UM:
        watch.depth_off_ms = fallen(watch.depth_off_ms, step_ms)


def over_depth(view: View) -> Cause | None:
    """Report a protrusion beyond the set one plus the pen's tolerance, as far as that is sane."""
    seen, current, known = view.seen, view.current, view.memory.identity
    if seen is None or current is None or known is None or seen.depth_um is None:
        return None
    deepest_um = current.plan.depth_um + min(known.depth_tolerance_um, DEPTH_TOLERANCE_UM_MAX)
    if seen.depth_um <= deepest_um:
        return None
    return Cause(CauseCode.OVER_DEPTH, _measured(view))


def depth_tracking(view: View) -> Cause | None:
    """Report needles that have settled and do not stay at the set protrusion, deeper or not."""
    if view.watch.depth_off_ms < TRACKING_MS:
        return None
    return Cause(CauseCode.DEPTH_TRACKING, _measured(view))


def depth_no_effect(view: View) -> Cause | None:
    """Report needles that were ordered out and never settle."""
    if view.watch.unsettled_ms <= SETTLE_MS_MAX:
        return None
    return Cause(CauseCode.DEPTH_NO_EFFECT, _measured(view))


def depth_unknown(view: View) -> Cause | None:
    """Report a pen that cannot say how deep its needles are."""
    seen = view.seen
    if seen is None or seen.depth_um is not None:
        return None
    return Cause(CauseCode.DEPTH_UNKNOWN)


def _measured(view: View) -> str:
    """Return area, measured and set protrusion in words."""
    depth_um = None if view.seen is None else view.seen.depth_um
    measured = "not known" if depth_um is None else in_mm(depth_um)
    if view.current is None:
        return f"measured {measured}"
    plan = view.current.plan
    return f"{plan.area}: measured {measured}, set {in_mm(plan.depth_um)}"
