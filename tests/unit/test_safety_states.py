"""The words of the core mean on the wire what they mean here, though neither imports the other."""

from __future__ import annotations

import pytest

from drivers import registers
from safety.causes import PEN_FAULTS
from safety.limits import DEPTH_UM_ABSOLUTE, SPEED_DHZ_ABSOLUTE
from safety.monitors import TECHNICIAN_FAULT_FIRST, WATCHED
from safety.states import LATCHED, MOVING, OrderKind, PenState, Severity, State


def test_orders_and_pen_states_have_the_numbers_of_the_wire() -> None:
    """Names and numbers are those of the register map, none more and none fewer."""
    orders = {command.name: command.value for command in registers.Command}
    states = {state.name: state.value for state in registers.PenState}

    assert orders == {kind.name: kind.value for kind in OrderKind}
    assert states == {state.name: state.value for state in PenState}
    assert registers.TECHNICIAN_FAULT_FIRST == TECHNICIAN_FAULT_FIRST


@pytest.mark.req("SR-006")
def test_severities_stand_in_their_order() -> None:
    """The lattice of DESIGN 4, from harmless to worst."""
    expected = "NONE WARN PAUSE STOP FAULT_OPERATOR FAULT_TECHNICIAN ESTOP"

    assert expected.split() == [severity.name for severity in sorted(Severity)]


def test_groups_of_states_are_the_ones_decided() -> None:
    """Who watches and who latches is decided in one place."""
    assert {State.FAULT, State.ESTOP} == LATCHED
    assert {State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME} == WATCHED
    assert {*WATCHED, State.STOPPING} == MOVING


def test_absolute_limits_are_the_ones_decided() -> None:
    """No edit of a plan or profile can lift them, and none here goes unseen."""
    assert (2_500, (500, 1_500)) == (DEPTH_UM_ABSOLUTE, SPEED_DHZ_ABSOLUTE)


def test_every_fault_of_a_pen_has_a_name_for_people() -> None:
    """Whatever code the page knows is named where it stops a treatment."""
    assert {int(fault) for fault in registers.Fault if fault} == set(PEN_FAULTS)
