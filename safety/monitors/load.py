"""Monitors of motor current and supply; warmth is for `thermal`."""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View

OVER_CURRENT_MA = 1_000
"""No pen's motor draws more. Source: [DOM] 4.1, a motor of 1 A."""

OVER_CURRENT_MS = 100
"""Two telemetries; one alone may be a glitch. ASSUMED: the pen's own monitor takes 5 ms."""

STALL_MA = 600
"""Current of a motor that is blocked. Source: [DOM] 4.5, 70 % of what the driver can give; ASSUMED
that this is 0.9 A."""

STALL_SPEED_PERCENT = 50
"""A motor below this share of its set speed is blocked. Source: [DOM] 4.5."""

STALL_MS = 100
"""A stall lasts this long. Source: [DOM] 4.5."""

UNASKED_MA = 100
"""More current than this while the motor is off comes through a broken bridge; braking current is
negative. ASSUMED: five times the ripple of a no-load current, [DOM] 4.2."""

UNASKED_MS = 100
"""It flows for this long. Source: [SAF] 4, row 12."""

SUPPLY_LOW_MV = 3_400
"""The battery is low below this. ASSUMED: 100 mV above `SUPPLY_TOO_LOW_MV`."""

SUPPLY_TOO_LOW_MV = 3_300
"""Speed can no longer be held below this, under load. Source: [DOM] 4.5."""

SUPPLY_EMPTY_MV = 3_100
"""The battery is empty below this. ASSUMED: 100 mV above the cut-off of a cell's protection."""

SUPPLY_CLEAR_MV = 50
"""A supply is good again this much above its bound. ASSUMED: half a step between the bounds."""

SUPPLY_MS = 250
"""A low supply lasts this long. Source: [SAF] 4, row 42."""

SUPPLY_EMPTY_MS = 100
"""An empty one this long: two telemetries. ASSUMED."""

SAG_MV = 135
"""What the supply will lose once the motor is driven. Source: [DOM] 4.5, up to 0.15 ohm; ASSUMED
0.9 A, what the driver can give."""


def note_load(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: current, and supply."""
    if seen.current_ma is not None:
        _note_current(view, seen, seen.current_ma, step_ms)
    if seen.supply_mv is not None:
        # What a motor at rest does not draw yet is taken off beforehand: a check under load.
        loaded_mv = seen.supply_mv - (0 if seen.is_driven else SAG_MV)
        _note_supply(view, loaded_mv, step_ms)


def _note_current(view: View, seen: Telemetry, current_ma: int, step_ms: int) -> None:
    """Compare the current with what a motor may draw, at its speed."""
    watch = view.watch
    if not seen.is_driven:
        watch.over_current_ms = watch.stall_ms = 0
        if current_ma > UNASKED_MA:
            watch.current_unasked_ms = risen(watch.current_unasked_ms, step_ms, UNASKED_MS)
        else:
            watch.current_unasked_ms = fallen(watch.current_unasked_ms, step_ms)
        return
    watch.current_unasked_ms = 0
    if current_ma < STALL_MA:
        watch.over_current_ms = fallen(watch.over_current_ms, step_ms)
        watch.stall_ms = fallen(watch.stall_ms, step_ms)
        return
    if current_ma > OVER_CURRENT_MA:
        watch.over_current_ms = risen(watch.over_current_ms, step_ms, OVER_CURRENT_MS)
    else:
        watch.over_current_ms = fallen(watch.over_current_ms, step_ms)
    set_dhz = 0 if view.current is None else view.current.plan.speed_dhz
    if (seen.speed_dhz or 0) * 100 < set_dhz * STALL_SPEED_PERCENT:
        watch.stall_ms = risen(watch.stall_ms, step_ms, STALL_MS)
    else:
        watch.stall_ms = fallen(watch.stall_ms, step_ms)


def _note_supply(view: View, loaded_mv: int, step_ms: int) -> None:
    """Compare the supply under load with its three bounds."""
    watch = view.watch
    if loaded_mv < SUPPLY_LOW_MV:
        watch.supply_low_ms = risen(watch.supply_low_ms, step_ms, SUPPLY_MS)
    elif loaded_mv >= SUPPLY_LOW_MV + SUPPLY_CLEAR_MV:
        watch.supply_low_ms = fallen(watch.supply_low_ms, step_ms)
    if loaded_mv < SUPPLY_TOO_LOW_MV:
        watch.supply_too_low_ms = risen(watch.supply_too_low_ms, step_ms, SUPPLY_MS)
    elif loaded_mv >= SUPPLY_TOO_LOW_MV + SUPPLY_CLEAR_MV:
        watch.supply_too_low_ms = fallen(watch.supply_too_low_ms, step_ms)
    if loaded_mv < SUPPLY_EMPTY_MV:
        watch.supply_empty_ms = risen(watch.supply_empty_ms, step_ms, SUPPLY_EMPTY_MS)
    elif loaded_mv >= SUPPLY_EMPTY_MV + SUPPLY_CLEAR_MV:
        watch.supply_empty_ms = fallen(watch.supply_empty_ms, step_ms)


def over_current(view: View) -> Cause | None:
    """Report a driven motor that draws more than any pen's motor may."""
    if view.watch.over_current_ms < OVER_CURRENT_MS:
        return None
    return Cause(CauseCode.OVER_CURRENT, _drawn(view))


def stall(view: View) -> Cause | None:
    """Report a driven motor that draws much and hardly turns."""
    if view.watch.stall_ms < STALL_MS:
        return None
    return Cause(CauseCode.STALL, _drawn(view))


def current_unasked(view: View) -> Cause | None:
    """Report current into a motor that the pen calls off: a bridge that is shorted."""
    if view.watch.current_unasked_ms < UNASKED_MS:
        return None
    return Cause(CauseCode.CURRENT_UNASKED, _drawn(view))


def supply_low(view: View) -> Cause | None:
    """Warn of a battery that will soon be too low."""
    if view.watch.supply_low_ms < SUPPLY_MS:
        return None
    return Cause(CauseCode.SUPPLY_LOW, _supplied(view))


def supply_weak(view: View) -> Cause | None:
    """Report a battery that, with the motor off, would be too low with it on."""
    if view.watch.supply_too_low_ms < SUPPLY_MS:
        return None
    return Cause(CauseCode.SUPPLY_WEAK, f"{_supplied(view)}, {SAG_MV} mV less under load")


def supply_too_low(view: View) -> Cause | None:
    """Report a battery that cannot hold the speed under its present load."""
    if view.watch.supply_too_low_ms < SUPPLY_MS:
        return None
    return Cause(CauseCode.SUPPLY_TOO_LOW, _supplied(view))


def supply_empty(view: View) -> Cause | None:
    """Report a battery that is as good as empty."""
    if view.watch.supply_empty_ms < SUPPLY_EMPTY_MS:
        return None
    return Cause(CauseCode.SUPPLY_EMPTY, _supplied(view))


def _drawn(view: View) -> str:
    """Return the motor current in words."""
    return "" if view.seen is None else f"{view.seen.current_ma} mA"


def _supplied(view: View) -> str:
    """Return the supply in words."""
    return "" if view.seen is None else f"{view.seen.supply_mv} mV"
