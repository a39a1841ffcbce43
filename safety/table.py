"""The whole machine as data: state, event, next state, guards; it runs nothing.

Whatever is not listed is refused. Rows that many states share (STOP, TRIP, LINK_LOST) are written
out by `_shared`, so that the table holds every pair by name and no wildcard.
"""

from __future__ import annotations

from dataclasses import dataclass

from safety.guards import (
    Guard,
    arm_is_young,
    cartridge_is_in,
    causes_are_gone,
    entry_is_durable,
    nothing_is_wrong,
    pass_is_left,
    pen_is_at_rest,
    pen_is_ready,
    pen_is_suitable,
    plan_is_given,
    record_is_writable,
    role_may_reset,
    telemetry_is_fresh,
)
from safety.states import LATCHED, Event, State


@dataclass(frozen=True, slots=True)
class Row:
    """In this state this event leads there, if every guard is content."""

    state: State
    event: Event
    next: State
    guards: tuple[Guard, ...] = ()


_MAY_ARM = (
    pen_is_suitable,
    telemetry_is_fresh,
    pen_is_at_rest,
    cartridge_is_in,
    nothing_is_wrong,
    record_is_writable,
    pass_is_left,
)
_MAY_START = (
    telemetry_is_fresh,
    pen_is_ready,
    cartridge_is_in,
    nothing_is_wrong,
    record_is_writable,
    entry_is_durable,
    arm_is_young,
)
_MAY_RESET = (
    pen_is_suitable,
    telemetry_is_fresh,
    pen_is_at_rest,
    causes_are_gone,
    role_may_reset,
)

_OWN: tuple[Row, ...] = (
    Row(State.OFFLINE, Event.LINK_UP, State.IDENTIFYING),
    Row(State.IDENTIFYING, Event.IDENTIFIED, State.IDLE, (pen_is_suitable,)),
    Row(State.IDLE, Event.PLAN, State.PLANNED, (plan_is_given,)),
    Row(State.PLANNED, Event.ARM, State.ARMED, _MAY_ARM),
    Row(State.PLANNED, Event.FINISH, State.IDLE),
    Row(State.ARMED, Event.START, State.UNKNOWN_OUTCOME, _MAY_START),
    Row(State.ARMED, Event.DISARM, State.PLANNED),
    Row(State.ARMED, Event.PAUSE, State.STOPPING),
    Row(State.UNKNOWN_OUTCOME, Event.EXECUTED, State.RUNNING),
    Row(State.UNKNOWN_OUTCOME, Event.NOT_EXECUTED, State.ARMED),
    Row(State.UNKNOWN_OUTCOME, Event.PAUSE, State.STOPPING),
    Row(State.RUNNING, Event.PASS_DONE, State.STOPPING),
    Row(State.RUNNING, Event.PAUSE, State.STOPPING),
    Row(State.STOPPING, Event.STILL_AFTER_PASS, State.PLANNED),
    Row(State.STOPPING, Event.STILL_AFTER_PAUSE, State.PAUSED),
    Row(State.STOPPING, Event.STILL_AFTER_STOP, State.IDLE),
    Row(State.STOPPING, Event.STOP_IGNORED, State.ESTOP),
    Row(State.PAUSED, Event.RESUME, State.ARMED, _MAY_ARM),
    Row(State.PAUSED, Event.FINISH, State.IDLE),
    Row(State.FAULT, Event.STOP_IGNORED, State.ESTOP),
    Row(State.FAULT, Event.RESET, State.IDLE, _MAY_RESET),
    Row(State.ESTOP, Event.STOP_IGNORED, State.ESTOP),
    Row(State.ESTOP, Event.RESET, State.IDLE, _MAY_RESET),
)


def _shared() -> tuple[Row, ...]:
    """Write out the rows of the events that every state takes: STOP, TRIP and LINK_LOST."""
    rows = []
    for state in State:
        is_latched = state in LATCHED
        stays = is_latched or state in (State.OFFLINE, State.IDENTIFYING)
        rows.append(Row(state, Event.STOP, state if stays else State.STOPPING))
        rows.append(Row(state, Event.TRIP, state if is_latched else State.FAULT))
        rows.append(Row(state, Event.LINK_LOST, state if is_latched else State.OFFLINE))
    return tuple(rows)


TABLE: tuple[Row, ...] = _OWN + _shared()
"""Every pair that is taken. Rule: SR-004, SR-005."""

ROWS: dict[tuple[State, Event], Row] = {(row.state, row.event): row for row in TABLE}
"""The table by pair; a test shows that no pair stands twice."""
