"""The whole machine as data: state, event, next state, guards; it runs nothing.

Whatever is not listed is refused. Rows that many states share are written out by `_facts` and
`_many`, so that the table holds every pair by name and no wildcard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from safety.guards import (
    Guard,
    area_is_confirmed,
    area_is_known,
    arm_is_young,
    calibration_is_valid,
    cartridge_is_in,
    causes_are_gone,
    entry_is_durable,
    no_session_is_open,
    nothing_is_wrong,
    pass_is_left,
    pen_is_at_rest,
    pen_is_ready,
    pen_is_suitable,
    plan_is_given,
    record_is_writable,
    role_may_reset,
    role_may_service,
    role_may_treat,
    selftest_is_good,
    session_is_open,
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


_MAY_PLAN = (session_is_open, role_may_treat, record_is_writable, plan_is_given)
_MAY_ARM = (
    session_is_open,
    role_may_treat,
    plan_is_given,
    pen_is_suitable,
    selftest_is_good,
    calibration_is_valid,
    telemetry_is_fresh,
    pen_is_at_rest,
    cartridge_is_in,
    nothing_is_wrong,
    record_is_writable,
    pass_is_left,
)
_MAY_START = (
    session_is_open,
    role_may_treat,
    area_is_confirmed,
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
_MAY_SERVICE = (
    role_may_service,
    no_session_is_open,
    telemetry_is_fresh,
    pen_is_at_rest,
    record_is_writable,
)
_IS_TESTED = (telemetry_is_fresh, pen_is_at_rest, selftest_is_good)
_IS_STILL = (telemetry_is_fresh, pen_is_at_rest)

_ROAD: tuple[Row, ...] = (
    Row(State.OFFLINE, Event.CONNECT, State.CONNECTING),
    Row(State.CONNECTING, Event.LINK_UP, State.IDENTIFYING),
    Row(State.CONNECTING, Event.LINK_REFUSED, State.OFFLINE),
    Row(State.IDENTIFYING, Event.IDENTIFIED, State.SELFTEST, (pen_is_suitable,)),
    Row(State.IDENTIFYING, Event.IDENTITY_REFUSED, State.OFFLINE),
    Row(State.SELFTEST, Event.SELFTEST_PASSED, State.LOCKED, _IS_TESTED),
    Row(State.SELFTEST, Event.SELFTEST_FAILED, State.FAULT),
    Row(State.SELFTEST, Event.SELFTEST_TIMEOUT, State.FAULT),
    Row(
        State.LOCKED,
        Event.UNLOCK,
        State.IDLE,
        (session_is_open, role_may_treat, record_is_writable),
    ),
    Row(State.LOCKED, Event.SERVICE_ENTER, State.SERVICE, _MAY_SERVICE),
    Row(State.SERVICE, Event.SERVICE_LEAVE, State.SELFTEST),
)
"""From no port to a pen that may be planned for, and the technician's side room."""

_TREATMENT: tuple[Row, ...] = (
    Row(State.IDLE, Event.PLAN, State.PLANNED, _MAY_PLAN),
    Row(State.PLANNED, Event.PLAN, State.PLANNED, _MAY_PLAN),
    Row(State.PLANNED, Event.CHANGE_AREA, State.PLANNED, (area_is_known,)),
    Row(State.PAUSED, Event.CHANGE_AREA, State.PLANNED, (area_is_known,)),
    Row(State.PLANNED, Event.ARM, State.ARMED, _MAY_ARM),
    Row(State.PAUSED, Event.RESUME, State.ARMED, _MAY_ARM),
    Row(State.PLANNED, Event.FINISH, State.IDLE),
    Row(State.PAUSED, Event.FINISH, State.IDLE),
    Row(State.ARMED, Event.DISARM, State.STOPPING),
    Row(State.ARMED, Event.START, State.UNKNOWN_OUTCOME, _MAY_START),
    Row(State.ARMED, Event.PAUSE, State.STOPPING),
    Row(State.UNKNOWN_OUTCOME, Event.EXECUTED, State.RUNNING, (telemetry_is_fresh,)),
    Row(State.UNKNOWN_OUTCOME, Event.NOT_EXECUTED, State.ARMED, (telemetry_is_fresh,)),
    Row(State.UNKNOWN_OUTCOME, Event.PAUSE, State.STOPPING),
    Row(State.UNKNOWN_OUTCOME, Event.PASS_DONE, State.STOPPING),
    Row(State.RUNNING, Event.PASS_DONE, State.STOPPING),
    Row(State.PAUSED, Event.PASS_DONE, State.PLANNED),
    Row(State.RUNNING, Event.PAUSE, State.STOPPING),
    Row(State.STOPPING, Event.STILL_AFTER_PASS, State.PLANNED, _IS_STILL),
    Row(State.STOPPING, Event.STILL_AFTER_PAUSE, State.PAUSED, _IS_STILL),
    Row(State.STOPPING, Event.STILL_AFTER_STOP, State.IDLE, _IS_STILL),
    # What is tested after a reset is tested as if the pen had just come; nothing resumes.
    Row(State.FAULT, Event.RESET, State.SELFTEST, _MAY_RESET),
    Row(State.ESTOP, Event.RESET, State.SELFTEST, _MAY_RESET),
)
"""One treatment, from plan to plan."""

_PLANNING = (State.IDLE, State.PLANNED, State.PAUSED)
"""A session is open and nothing moves."""

_UNDER_WAY = (State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME, State.STOPPING)
"""Needles may move, or were not yet seen at rest."""

_APART = (State.SELFTEST, State.LOCKED, State.SERVICE)
"""A known pen at rest, and no session."""

_KNOWN = (*_APART, *_PLANNING, *_UNDER_WAY)
"""It is known which pen is at the other end, and nothing is latched."""

_FACTS: dict[Event, tuple[tuple[tuple[State, ...], State], ...]] = {
    Event.STOP_UI: (((*_PLANNING, *_UNDER_WAY), State.STOPPING),),
    Event.STOP_BUTTON: (((*_PLANNING, *_UNDER_WAY), State.STOPPING),),
    Event.STOP_PEDAL: (((*_PLANNING, *_UNDER_WAY), State.STOPPING),),
    Event.ESTOP: (((State.CONNECTING, State.IDENTIFYING, *_KNOWN, State.FAULT), State.ESTOP),),
    Event.ACKNOWLEDGE: (),
    Event.LINK_LOST: (((State.CONNECTING, State.IDENTIFYING, *_KNOWN), State.OFFLINE),),
    Event.PEN_RESTARTED: ((_KNOWN, State.FAULT),),
    Event.IDENTITY_CHANGED: ((_KNOWN, State.FAULT),),
    Event.LIMITS_CHANGED: ((_KNOWN, State.FAULT),),
    Event.TRIP_FAULT: (((State.IDENTIFYING, *_KNOWN), State.FAULT),),
    Event.TRIP_STOP: ((_UNDER_WAY, State.STOPPING),),
    Event.DRIVER_LOST: ((_UNDER_WAY, State.STOPPING),),
    Event.SESSION_EXPIRED: (
        (_UNDER_WAY, State.STOPPING),
        (_PLANNING, State.LOCKED),
        ((State.SERVICE,), State.SELFTEST),
    ),
    Event.CARTRIDGE_IN: ((_UNDER_WAY, State.FAULT), (_PLANNING, State.IDLE)),
    Event.CARTRIDGE_OUT: ((_UNDER_WAY, State.FAULT), (_PLANNING, State.IDLE)),
    # Nobody knows which one it is, so the pen is asked again who it is and what it holds.
    Event.CARTRIDGE_CHANGED: (
        (_UNDER_WAY, State.FAULT),
        ((*_APART, *_PLANNING), State.IDENTIFYING),
    ),
}
"""What happened cannot be refused: every state takes these, and those not named stay as they are.

Where nothing was permitted to move, STOP is sent and the state stays, so that no STOP is a way
around self-test and session.
"""


def _facts() -> Iterator[Row]:
    """Write out the rows of everything that happens whether anybody likes it or not."""
    for event, ways in _FACTS.items():
        leads = {state: next_state for states, next_state in ways for state in states}
        for state in State:
            yield Row(state, event, leads.get(state, state))


def _many() -> Iterator[Row]:
    """Write out the wishes that several states take, and the line that returns below a latch."""
    for state in _PLANNING:
        yield Row(state, Event.LOCK, State.LOCKED)
    for state in (State.CONNECTING, State.IDENTIFYING, *_APART, *_PLANNING):
        yield Row(state, Event.DISCONNECT, State.OFFLINE)
    for state in sorted(LATCHED, key=lambda one: one.value):
        for event in _RETURNS:
            yield Row(state, event, state)


_RETURNS = (
    Event.CONNECT,
    Event.LINK_UP,
    Event.LINK_REFUSED,
    Event.IDENTIFIED,
    Event.IDENTITY_REFUSED,
)
"""A line may come back while a fault is latched; the latch stays."""


TABLE: tuple[Row, ...] = (*_ROAD, *_TREATMENT, *_facts(), *_many())
"""Every pair that is taken. Rule: SR-004, SR-005."""

ROWS: dict[tuple[State, Event], Row] = {(row.state, row.event): row for row in TABLE}
"""The table by pair; a test shows that no pair stands twice."""
