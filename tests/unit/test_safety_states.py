"""The words of the core mean on the wire what they mean here, though neither imports the other."""

from __future__ import annotations

import pytest

from drivers import registers
from safety.causes import PEN_FAULTS
from safety.limits import DEPTH_UM_ABSOLUTE, SPEED_DHZ_ABSOLUTE
from safety.monitors.orders import TECHNICIAN_FAULT_FIRST
from safety.states import (
    LATCHED,
    LINKED,
    MOVING,
    STOPS,
    WATCHED,
    Event,
    OrderKind,
    PenState,
    Severity,
    State,
)

STATES = """OFFLINE CONNECTING IDENTIFYING SELFTEST LOCKED IDLE PLANNED ARMED RUNNING PAUSED
STOPPING UNKNOWN_OUTCOME FAULT ESTOP SERVICE"""
EVENTS = """CONNECT LINK_UP LINK_REFUSED LINK_LOST PEN_RESTARTED DISCONNECT IDENTIFIED
IDENTITY_REFUSED IDENTITY_CHANGED LIMITS_CHANGED SELFTEST_PASSED SELFTEST_FAILED SELFTEST_TIMEOUT
UNLOCK LOCK SESSION_EXPIRED DRIVER_LOST SERVICE_ENTER SERVICE_LEAVE PLAN CHANGE_AREA FINISH
PASS_DONE CARTRIDGE_IN CARTRIDGE_OUT CARTRIDGE_CHANGED ARM DISARM START PAUSE RESUME STOP_UI
STOP_BUTTON STOP_PEDAL ESTOP EXECUTED NOT_EXECUTED STILL_AFTER_PASS STILL_AFTER_PAUSE
STILL_AFTER_STOP TRIP_STOP TRIP_FAULT RESET ACKNOWLEDGE"""


def test_orders_and_pen_states_have_the_numbers_of_the_wire() -> None:
    """Names and numbers are those of the register map, none more and none fewer."""
    orders = {command.name: command.value for command in registers.Command}
    states = {state.name: state.value for state in registers.PenState}

    assert orders == {kind.name: kind.value for kind in OrderKind}
    assert states == {state.name: state.value for state in PenState}
    assert registers.TECHNICIAN_FAULT_FIRST == TECHNICIAN_FAULT_FIRST


@pytest.mark.req("SR-004")
def test_states_and_events_are_those_of_the_vocabulary() -> None:
    """Journal and pages tell them by these names, of [SAF] 2 and ADR 0011."""
    assert STATES.split() == [state.name for state in State]
    assert EVENTS.split() == [event.name for event in Event]


@pytest.mark.req("SR-006")
def test_severities_stand_in_their_order() -> None:
    """The lattice of DESIGN 4, from harmless to worst."""
    expected = "NONE WARN PAUSE STOP FAULT_OPERATOR FAULT_TECHNICIAN ESTOP"

    assert list(enumerate(expected.split())) == [(s.value, s.name) for s in sorted(Severity)]


def test_groups_of_states_are_the_ones_decided() -> None:
    """Who watches and who latches is decided in one place."""
    assert {State.FAULT, State.ESTOP} == LATCHED
    assert {State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME} == WATCHED
    assert {*WATCHED, State.STOPPING} == MOVING
    assert set(State) - {State.OFFLINE, State.CONNECTING} == LINKED


@pytest.mark.req("SR-005")
def test_stop_family_has_four_members() -> None:
    """Screen, button and pedal, and the emergency stop, as in [SAF] 2."""
    assert {Event.STOP_UI, Event.STOP_BUTTON, Event.STOP_PEDAL, Event.ESTOP} == STOPS


def test_absolute_limits_are_the_ones_decided() -> None:
    """No edit of a plan or profile can lift them, and none here goes unseen."""
    assert (2_500, (500, 1_500)) == (DEPTH_UM_ABSOLUTE, SPEED_DHZ_ABSOLUTE)


def test_every_fault_of_a_pen_has_a_name_for_people() -> None:
    """Whatever code the page knows is named where it stops a treatment."""
    assert {int(fault) for fault in registers.Fault if fault} == set(PEN_FAULTS)
