"""Monitors of the stroke speed: too fast, too slow, not measured; they know no current."""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.drag import speed_dhz_undragged
from safety.facts import Telemetry
from safety.limits import SPEED_DHZ_ABSOLUTE
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View

OVERSPEED_PERCENT = 110
"""Faster than this share of the set speed is overspeed. Source: [SAF] 3.2 D05."""

OVERSPEED_SAMPLES = 2
"""Consecutive telemetries that make it so; one alone may be a glitch of the sensor. ASSUMED."""

SPIN_UP_MS = 300
"""After this at the latest a motor has its speed. Source: [DOM] 4.5, spin-up 80 to 300 ms."""

DROOP_PERCENT = 90
"""Slower than this share of the set speed is a droop. Source: [DOM] 5.2 H7, 10 %."""

LOADED_PERCENT = 92
"""A good motor keeps this share under load. Source: [DOM] 4.6, droop of 3 to 8 %."""

DROOP_MS = 200
"""A droop lasts this long. Source: [DOM] 5.2 H7."""

DRAGGING_MS = 150
"""Three telemetries, so that a PAUSE comes within 250 ms. Source: [SAF] 4, row 16."""

NO_FEEDBACK_MS = 150
"""A driven motor without speed for so long has no sensor. ASSUMED: three telemetries; the pen's own
monitor takes 50 ms ([SAF] 3.2 D05)."""


def note_speed(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: is the motor driven, and how fast does it run."""
    watch, current, speed_dhz = view.watch, view.current, seen.speed_dhz
    if current is None or speed_dhz is None:
        watch.overspeed_count = 0
    elif speed_dhz * 100 > current.plan.speed_dhz * OVERSPEED_PERCENT:
        watch.overspeed_count += 1
    else:
        watch.overspeed_count = 0
    if not seen.is_driven:
        watch.driven_ms = watch.droop_ms = watch.dragging_ms = watch.no_feedback_ms = 0
        return
    if watch.driven_ms == 0:
        watch.driven_ms = 1
        watch.floor_dhz = 0 if current is None else slowest_dhz(current.plan.depth_um)
    else:
        watch.driven_ms += step_ms
    if not speed_dhz:
        watch.no_feedback_ms = risen(watch.no_feedback_ms, step_ms, NO_FEEDBACK_MS)
        return
    watch.no_feedback_ms = fallen(watch.no_feedback_ms, step_ms)
    if current is not None and watch.driven_ms > SPIN_UP_MS:
        _note_droop(view, speed_dhz, current.plan.speed_dhz, step_ms)


def _note_droop(view: View, speed_dhz: int, set_dhz: int, step_ms: int) -> None:
    """Compare the speed of a motor that has spun up with what it should keep."""
    watch = view.watch
    if speed_dhz * 100 < set_dhz * DROOP_PERCENT:
        watch.droop_ms = risen(watch.droop_ms, step_ms, DROOP_MS)
    elif speed_dhz * 100 >= set_dhz * LOADED_PERCENT:
        watch.droop_ms = fallen(watch.droop_ms, step_ms)
    if speed_dhz * 100 < watch.floor_dhz * LOADED_PERCENT:
        watch.dragging_ms = risen(watch.dragging_ms, step_ms, DRAGGING_MS)
    else:
        watch.dragging_ms = fallen(watch.dragging_ms, step_ms)


def slowest_dhz(depth_um: int) -> int:
    """Return the lowest speed that may be set at this protrusion, in tenths of strokes per second.

    Rule: SR-001. It is the lower bound of `safety.limits.absolute_limits`.
    """
    return max(SPEED_DHZ_ABSOLUTE[0], speed_dhz_undragged(depth_um))


def overspeed(view: View) -> Cause | None:
    """Report needles that run faster than set, once seen often enough."""
    if view.watch.overspeed_count < OVERSPEED_SAMPLES:
        return None
    return Cause(CauseCode.OVERSPEED, _measured(view))


def speed_droop(view: View) -> Cause | None:
    """Report needles that run slower than set, by more than load explains."""
    if view.watch.droop_ms < DROOP_MS:
        return None
    return Cause(CauseCode.SPEED_DROOP, _measured(view))


def speed_dragging(view: View) -> Cause | None:
    """Report needles too slow for their depth, by more than a good motor gives away under load.

    Limits hold for the set speed, and every motor runs a little slower in skin; a pass set to the
    lowest speed that is allowed would else be paused at once.
    """
    if view.watch.dragging_ms < DRAGGING_MS:
        return None
    detail = f"{_measured(view)}, lowest at this depth {view.watch.floor_dhz} dHz"
    return Cause(CauseCode.SPEED_DRAGGING, detail)


def speed_no_feedback(view: View) -> Cause | None:
    """Report a driven motor without a measured speed: nobody would see it run away."""
    if view.watch.no_feedback_ms < NO_FEEDBACK_MS:
        return None
    return Cause(CauseCode.SPEED_NO_FEEDBACK, _measured(view))


def _measured(view: View) -> str:
    """Return measured and set speed in words."""
    speed_dhz = None if view.seen is None else view.seen.speed_dhz
    measured = "not known" if speed_dhz is None else f"{speed_dhz} dHz"
    if view.current is None:
        return f"measured {measured}"
    return f"measured {measured}, set {view.current.plan.speed_dhz} dHz"
