"""All monitors with the states that they apply in, gravest first, and the order of measuring.

Order matters only for the record: the first cause found in a scan is kept as the first.
"""

from __future__ import annotations

from safety.causes import Cause
from safety.monitors.antiflap import STEP_MS_MAX
from safety.monitors.contact import cartridge_out, contact_stuck, no_contact, note_contact
from safety.monitors.depth import (
    depth_no_effect,
    depth_tracking,
    depth_unknown,
    note_depth,
    over_depth,
)
from safety.monitors.dose import dose_near, dose_reached, dwell, note_dose, pass_too_long
from safety.monitors.host import driver_lost, note_lateness, record_failed, scan_late
from safety.monitors.link import (
    identity_changed,
    limits_changed,
    link_bad,
    link_errors,
    note_errors,
    pen_restarted,
)
from safety.monitors.load import (
    current_unasked,
    note_load,
    over_current,
    stall,
    supply_empty,
    supply_low,
    supply_too_low,
    supply_weak,
)
from safety.monitors.orders import (
    motion_unasked,
    no_effect,
    note_effect,
    order_refused,
    pen_button,
    pen_elsewhere,
    pen_fault,
    rest_not_seen,
)
from safety.monitors.signals import (
    current_flat,
    depth_flat,
    note_clock,
    note_signals,
    pen_clock,
    sensor_unknown,
    speed_flat,
    telemetry_stale,
)
from safety.monitors.speed import (
    note_speed,
    overspeed,
    speed_dragging,
    speed_droop,
    speed_no_feedback,
)
from safety.monitors.thermal import (
    note_warmth,
    over_temperature,
    temperature_high,
    temperature_implausible,
    winding_hot,
)
from safety.monitors.view import IDENTIFIED, RESTING, STOPPED_STATES, STRIKING, Monitor, View
from safety.states import LINKED, MOVING, WATCHED, State

_ARMED = frozenset({State.ARMED})
_RUNNING = frozenset({State.RUNNING})

MONITORS: tuple[tuple[Monitor, frozenset[State]], ...] = (
    (pen_restarted, LINKED),
    (pen_fault, LINKED),
    (over_depth, LINKED),
    (identity_changed, IDENTIFIED),
    (limits_changed, IDENTIFIED),
    (cartridge_out, MOVING),
    (motion_unasked, RESTING),
    (current_unasked, IDENTIFIED),
    (rest_not_seen, STOPPED_STATES),
    (depth_flat, STRIKING),
    (temperature_implausible, IDENTIFIED),
    (speed_flat, STRIKING),
    (current_flat, STRIKING),
    (overspeed, IDENTIFIED),
    (speed_no_feedback, STRIKING),
    (stall, STRIKING),
    (over_current, STRIKING),
    (winding_hot, IDENTIFIED),
    (link_bad, IDENTIFIED),
    (depth_unknown, WATCHED),
    (telemetry_stale, WATCHED),
    (pen_button, MOVING | RESTING),
    (pen_elsewhere, WATCHED),
    (order_refused, WATCHED),
    (sensor_unknown, WATCHED),
    (pen_clock, WATCHED),
    (no_effect, STRIKING),
    (depth_no_effect, WATCHED),
    (over_temperature, IDENTIFIED),
    (supply_empty, IDENTIFIED),
    (scan_late, WATCHED),
    (record_failed, WATCHED),
    (driver_lost, WATCHED),
    (depth_tracking, WATCHED),
    (speed_dragging, STRIKING),
    (speed_droop, STRIKING),
    (supply_too_low, STRIKING),
    (supply_weak, RESTING | _ARMED),
    (link_errors, WATCHED),
    (no_contact, _RUNNING),
    (contact_stuck, RESTING),
    (dose_reached, _RUNNING),
    (dwell, _RUNNING),
    (pass_too_long, _RUNNING),
    (temperature_high, IDENTIFIED),
    (supply_low, IDENTIFIED),
    (dose_near, _RUNNING),
)
"""Gravest first, so that the first cause of a scan is the telling one."""

_BY_STATE: dict[State, tuple[Monitor, ...]] = {
    state: tuple(monitor for monitor, states in MONITORS if state in states) for state in State
}


def measure(view: View) -> None:
    """Move the counters along: with every scan, and with every telemetry not measured yet.

    Only `view.watch` is changed, which belongs to the scan.
    """
    note_lateness(view)
    note_errors(view)
    watch, seen = view.watch, view.seen
    if seen is None:
        return
    if seen.tick_ms == watch.seen_tick_ms and seen.received_ms == watch.seen_ms:
        return
    is_first = watch.seen_tick_ms is None
    elapsed_ms = 0 if is_first else max(0, seen.received_ms - watch.seen_ms)
    step_ms = min(elapsed_ms, STEP_MS_MAX)
    note_clock(view, seen)
    note_speed(view, seen, step_ms)
    note_depth(view, seen, step_ms)
    note_load(view, seen, step_ms)
    note_warmth(view, seen, elapsed_ms)
    note_signals(view, seen, step_ms)
    note_effect(view, seen, step_ms)
    note_contact(view, seen, step_ms)
    note_dose(view, seen, step_ms)
    watch.seen_tick_ms, watch.seen_ms = seen.tick_ms, seen.received_ms
    watch.seen_strokes = seen.strokes


def find_causes(view: View) -> tuple[Cause, ...]:
    """Return every cause that is active in this scan, in the order of `MONITORS`."""
    monitors = _BY_STATE[view.state]
    return tuple([cause for monitor in monitors if (cause := monitor(view)) is not None])
