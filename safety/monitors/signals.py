"""Monitors of the measurements as such: old, missing, impossible, repeated, or of a stopped clock.

They do not ask what a value means. A sensor that is stuck gives the same value again and again,
while a sensor that lives has noise: in 8 runs of 20 s the simulated pen's depth was the same at
most 4 times in a row, its current 5 and its speed 8 times.
"""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.guards import is_fresh
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View

FLAT_MAX = 20
"""Depth and current repeat themselves no more often. ASSUMED: noise of 3 um and 2 mA repeats a
value with a chance of 0.1 to 0.15, hence 20 times once in 10^11 hours."""

FLAT_SPEED_MAX = 40
"""The same for speed. ASSUMED: noise of 0.7 dHz repeats a value with a chance of 0.4, hence 40
times once in 10^11 hours."""

UNKNOWN_MS = 100
"""A missing or impossible value lasts this long: two telemetries. ASSUMED."""

SPEED_DHZ_MAX = 5_000
"""No pen's sensor can measure more. ASSUMED: twice the speed of a motor that runs away."""

CURRENT_MA_MAX = 5_000
"""No pen's sensor can measure more, either way. ASSUMED: three times a braking current."""

TEMPERATURE_MDEGC = (5_000, 100_000)
"""A housing is not colder or warmer in use. ASSUMED: a cold room; a winding's 85 degC and more."""

SUPPLY_MV = (1_000, 13_000)
"""A pen that answers has a supply between these. Source: [DOM] 4.1, up to 12 V; ASSUMED below."""

CLOCK_MS_MAX = 200
"""Pen's and host's clock go apart by no more than this between two telemetries. Source:
docs/protocol.md 6: a lease of 200 ms means nothing on a clock that jumps by more."""

TICK_MODULUS = 2**32
"""The pen's tick wraps here. Source: docs/protocol.md 4."""


def note_signals(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: are its values known, possible, and not those of the last one."""
    watch = view.watch
    if missing(seen):
        watch.unknown_ms = risen(watch.unknown_ms, step_ms, UNKNOWN_MS)
    else:
        watch.unknown_ms = fallen(watch.unknown_ms, step_ms)
    depth_um, speed_dhz, current_ma = seen.depth_um, seen.speed_dhz, seen.current_ma
    if seen.is_driven:
        is_same = depth_um == watch.last_depth_um and depth_um is not None
        watch.flat_depth_count = watch.flat_depth_count + 1 if is_same else 0
        is_same = speed_dhz == watch.last_speed_dhz and speed_dhz is not None
        watch.flat_speed_count = watch.flat_speed_count + 1 if is_same else 0
        is_same = current_ma == watch.last_current_ma and current_ma is not None
        watch.flat_current_count = watch.flat_current_count + 1 if is_same else 0
    else:
        watch.flat_depth_count = watch.flat_speed_count = watch.flat_current_count = 0
    watch.last_depth_um, watch.last_speed_dhz = depth_um, speed_dhz
    watch.last_current_ma = current_ma


def note_clock(view: View, seen: Telemetry) -> None:
    """Take in one new telemetry: did the pen's clock go on as the host's did."""
    watch = view.watch
    if watch.seen_tick_ms is None or view.facts.epoch_changed:
        watch.is_clock_off = False
        return
    ticks_ms = (seen.tick_ms - watch.seen_tick_ms) % TICK_MODULUS
    apart_ms = ticks_ms - (seen.received_ms - watch.seen_ms)
    watch.is_clock_off = not (ticks_ms > 0 and -CLOCK_MS_MAX <= apart_ms <= CLOCK_MS_MAX)


def missing(seen: Telemetry) -> str:
    """Return which values are not known or not possible, or an empty text; depth is apart."""
    speed_dhz, current_ma, supply_mv = seen.speed_dhz, seen.current_ma, seen.supply_mv
    warmth_mdegc = seen.temperature_mdegc
    if (
        speed_dhz is not None
        and current_ma is not None
        and warmth_mdegc is not None
        and supply_mv is not None
        and 0 <= speed_dhz <= SPEED_DHZ_MAX
        and -CURRENT_MA_MAX <= current_ma <= CURRENT_MA_MAX
        and TEMPERATURE_MDEGC[0] <= warmth_mdegc <= TEMPERATURE_MDEGC[1]
        and SUPPLY_MV[0] <= supply_mv <= SUPPLY_MV[1]
    ):
        return ""
    return f"speed {speed_dhz}, current {current_ma}, warmth {warmth_mdegc}, supply {supply_mv}"


def telemetry_stale(view: View) -> Cause | None:
    """Report measurements that are too old, or from the future."""
    seen = view.seen
    if is_fresh(seen, view.now_ms):
        return None
    age = "none" if seen is None else f"{view.now_ms - seen.received_ms} ms old"
    return Cause(CauseCode.TELEMETRY_STALE, age)


def sensor_unknown(view: View) -> Cause | None:
    """Report speed, current, warmth or supply that is not known, or that no sensor can show."""
    if view.watch.unknown_ms < UNKNOWN_MS or view.seen is None:
        return None
    return Cause(CauseCode.SENSOR_UNKNOWN, missing(view.seen) or "now and then")


def depth_flat(view: View) -> Cause | None:
    """Report a depth sensor without noise: it would not show needles that slip."""
    if view.watch.flat_depth_count <= FLAT_MAX:
        return None
    return Cause(CauseCode.DEPTH_FLAT, f"{view.watch.last_depth_um} um")


def speed_flat(view: View) -> Cause | None:
    """Report a speed sensor without noise."""
    if view.watch.flat_speed_count <= FLAT_SPEED_MAX:
        return None
    return Cause(CauseCode.SPEED_FLAT, f"{view.watch.last_speed_dhz} dHz")


def current_flat(view: View) -> Cause | None:
    """Report a current sensor without noise."""
    if view.watch.flat_current_count <= FLAT_MAX:
        return None
    return Cause(CauseCode.CURRENT_FLAT, f"{view.watch.last_current_ma} mA")


def pen_clock(view: View) -> Cause | None:
    """Report a pen's clock that stands, goes back or jumps: its leases mean nothing."""
    if not view.watch.is_clock_off or view.seen is None:
        return None
    return Cause(CauseCode.PEN_CLOCK, f"tick {view.seen.tick_ms} ms")
