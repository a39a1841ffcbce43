"""Warmth of winding, housing and nose: two nodes calculated from current, one from measurement.

The nodes are those of a small motor's data sheet, in integers: millionths of a degree and
milliseconds. They know no ambient sensor; a room is taken for no warmer than `AMBIENT_UDEGC_MAX`.
"""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.monitors.view import View

RESISTANCE_MOHM = 5_400
"""Resistance of the winding. Source: [DOM] 4.2; a motor with less stays cooler than calculated."""

WINDING_K_PER_W = 20
"""Thermal resistance from winding to housing. Source: [DOM] 4.2, Rth1."""

HOUSING_K_PER_W = 48
"""Thermal resistance from housing to room. Source: [DOM] 4.2, Rth2."""

WINDING_TIME_MS = 4_200
"""Time constant of the winding. Source: [DOM] 4.2."""

HOUSING_TIME_MS = 242_000
"""Time constant of the housing. Source: [DOM] 4.2."""

NOSE_TIME_MS = 900_000
"""Time constant of the nose behind the housing. Source: [DOM] 4.5, 10 to 20 min."""

FRICTION_UW = 300_000
"""Friction of the mechanism at `FRICTION_DHZ`. Source: [DOM] 4.5, 0.3 W."""

FRICTION_DHZ = 1_170
"""Source: [DOM] 4.5, at 117 strokes/s; it grows with the speed."""

BODY_WARN_UDEGC = 45_000_000
BODY_STOP_UDEGC = 48_000_000
"""Body, held by a hand. Source of these two: [DOM] 2.4."""

NOSE_WARN_UDEGC = 40_000_000
NOSE_STOP_UDEGC = 43_000_000
"""Nose, on skin. Source of these two: [DOM] 2.4."""

WARN_CLEAR_UDEGC = 1_000_000
"""A pen is no longer warm this much below; a hot one when it would no longer be warned of. ASSUMED:
ten steps of its sensor's noise."""

WINDING_STOP_UDEGC = 85_000_000
"""Source: [DOM] 4.2, winding max."""

WINDING_CLEAR_UDEGC = 75_000_000
"""Below this it is good again. ASSUMED."""

AMBIENT_UDEGC_MAX = 25_000_000
"""A warmer first measurement is that of a pen just used. ASSUMED: a warm treatment room."""

DOUBT_RAISE_UDEGC = 10_000_000
"""A housing measured this much colder than calculated is not believed. ASSUMED: half the 20 K of
[DOM] 4.5, and 4 K more than model and simulated pen differ."""

DOUBT_CLEAR_UDEGC = 5_000_000
"""Within this it is believed again. ASSUMED."""

_U_PER_M = 1_000


def note_warmth(view: View, seen: Telemetry, elapsed_ms: int) -> None:
    """Take in one new telemetry: let the nodes follow it, then compare them with their bounds.

    Args:
        view: Its watch is changed.
        seen: The telemetry.
        elapsed_ms: Time since the last one, however long.
    """
    watch, measured_mdegc = view.watch, seen.temperature_mdegc
    model_udegc = watch.housing_udegc
    if model_udegc is None:
        if measured_mdegc is None:
            return
        model_udegc = watch.nose_udegc = measured_mdegc * _U_PER_M
        watch.ambient_udegc = min(model_udegc, AMBIENT_UDEGC_MAX)
    current_ma = seen.current_ma or 0
    heat_uw = current_ma * current_ma * RESISTANCE_MOHM // 1_000
    rise_udegc = watch.winding_rise_udegc
    rise_udegc += moved(heat_uw * WINDING_K_PER_W - rise_udegc, elapsed_ms, WINDING_TIME_MS)
    heat_uw += FRICTION_UW * (seen.speed_dhz or 0) // FRICTION_DHZ
    goal_udegc = watch.ambient_udegc + heat_uw * HOUSING_K_PER_W
    model_udegc += moved(goal_udegc - model_udegc, elapsed_ms, HOUSING_TIME_MS)
    body_udegc = model_udegc if measured_mdegc is None else measured_mdegc * _U_PER_M
    nose_udegc = watch.nose_udegc
    nose_udegc += moved(body_udegc - nose_udegc, elapsed_ms, NOSE_TIME_MS)
    watch.winding_rise_udegc, watch.housing_udegc = rise_udegc, model_udegc
    watch.nose_udegc = nose_udegc
    _judge(view, body_udegc)


def _judge(view: View, body_udegc: int) -> None:
    """Compare the nodes with their bounds, each with its own way back."""
    watch = view.watch
    nose_udegc, model_udegc = watch.nose_udegc, watch.housing_udegc or 0
    back_udegc = WARN_CLEAR_UDEGC if watch.is_warm else 0
    watch.is_warm = (
        body_udegc > BODY_WARN_UDEGC - back_udegc or nose_udegc > NOSE_WARN_UDEGC - back_udegc
    )
    if watch.is_warm:
        is_over = body_udegc > BODY_STOP_UDEGC or nose_udegc > NOSE_STOP_UDEGC
        watch.is_hot = is_over or watch.is_hot
    else:
        watch.is_hot = False
    outer_udegc = max(model_udegc, body_udegc)
    bound_udegc = WINDING_CLEAR_UDEGC if watch.is_winding_hot else WINDING_STOP_UDEGC
    watch.is_winding_hot = outer_udegc + watch.winding_rise_udegc > bound_udegc
    bound_udegc = DOUBT_CLEAR_UDEGC if watch.is_cold_in_doubt else DOUBT_RAISE_UDEGC
    watch.is_cold_in_doubt = model_udegc - body_udegc > bound_udegc


def moved(way: int, elapsed_ms: int, time_ms: int) -> int:
    """Return how far a node goes towards a goal that is ``way`` off; never beyond it."""
    return way * elapsed_ms // time_ms if elapsed_ms < time_ms else way


def temperature_high(view: View) -> Cause | None:
    """Warn of a pen that will soon be too hot."""
    return Cause(CauseCode.TEMPERATURE_HIGH, _warmth(view)) if view.watch.is_warm else None


def over_temperature(view: View) -> Cause | None:
    """Report a pen too hot for hand or skin, until it would not even be warned of."""
    return Cause(CauseCode.OVER_TEMPERATURE, _warmth(view)) if view.watch.is_hot else None


def winding_hot(view: View) -> Cause | None:
    """Report a winding that is too hot, long before the housing shows it."""
    watch = view.watch
    if not watch.is_winding_hot:
        return None
    rise = f"winding {watch.winding_rise_udegc // 1_000_000} K above it"
    return Cause(CauseCode.WINDING_HOT, f"{_warmth(view)}, {rise}")


def temperature_implausible(view: View) -> Cause | None:
    """Report a sensor that stays cold although the motor must have become warm."""
    watch = view.watch
    if not watch.is_cold_in_doubt or watch.housing_udegc is None:
        return None
    calculated = f"calculated {watch.housing_udegc // 1_000_000} degC"
    return Cause(CauseCode.TEMPERATURE_IMPLAUSIBLE, f"{_warmth(view)}, {calculated}")


def _warmth(view: View) -> str:
    """Return the measured and the calculated outer warmth in words."""
    measured_mdegc = None if view.seen is None else view.seen.temperature_mdegc
    body = "not known" if measured_mdegc is None else f"{measured_mdegc // 1_000} degC"
    return f"body {body}, nose {view.watch.nose_udegc // 1_000_000} degC"
