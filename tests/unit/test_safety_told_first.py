"""What is told of several things at once, and what a new arming begins with; found by mutants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.causes import Cause, CauseCode
from safety.facts import Exchanged, Facts, IntentKind, Role, Telemetry
from safety.guards import Scene, causes_are_gone, role_may_reset
from safety.memory import Memory
from safety.outputs import order_for
from safety.states import Event, OrderKind, PenState, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

FIRST, SECOND = Cause(CauseCode.OVER_DEPTH, "first"), Cause(CauseCode.REST_NOT_SEEN, "second")


@pytest.mark.req("SR-006", "H11")
def test_first_of_several_grave_causes_is_the_one_that_is_told(facts: Facts) -> None:
    """The first cause is the telling one; what follows from it is not named in its place."""
    memory = Memory(state=State.FAULT, causes=(FIRST, SECOND))
    scene = Scene(memory, facts, 10_010, Role.PRACTITIONER, (FIRST, SECOND))
    role, gone = role_may_reset(scene), causes_are_gone(scene)

    assert role is not None
    assert gone is not None
    assert (FIRST.sentence, FIRST.kind.next_step) == (role.reason, role.fix)
    assert FIRST.sentence == gone.reason


@pytest.mark.req("SR-011", "HZ-08", "W08")
@pytest.mark.parametrize(
    ("last", "wanted"), [(OrderKind.STOP, OrderKind.POLL), (OrderKind.POLL, OrderKind.OPEN)]
)
def test_open_waits_for_a_look_after_a_stop(
    last: OrderKind, wanted: OrderKind, facts: Facts, telemetry: Telemetry
) -> None:
    """What OPEN echoes must be newer than the stop; a STOP's own answer is not."""
    exchanged = Exchanged(last, (1, 1), was_answered=True, was_taken=True, refusal="")
    seen = replace(telemetry, state=PenState.SAFE)
    order = order_for(
        Memory(state=State.ARMED), replace(facts, telemetry=seen, exchanged=exchanged), 10_010
    )

    assert order is not None
    assert wanted is order.kind


@pytest.mark.req("SR-004")
def test_refused_start_and_reset_are_told_under_their_own_names(bench: Bench) -> None:
    """The refusal belongs to what was wished."""
    bench.to_armed()
    started = bench.want(IntentKind.START, Role.TECHNICIAN)
    assert State.ARMED is bench.state
    bench.pen.has_cartridge = False
    bench.until(State.FAULT)
    bench.memory.causes = (FIRST,)
    reset = bench.want(IntentKind.RESET)

    assert [Event.START] == [f.event for f in started.firings if f.is_refused]
    assert [Event.RESET] == [f.event for f in reset.firings if f.is_refused]


@pytest.mark.req("SR-014", "R01")
def test_arming_begins_without_an_entry_of_before(bench: Bench) -> None:
    """A START that was announced once is not announced for another arming."""
    bench.to_planned()
    bench.memory.start_entry = 7
    bench.want(IntentKind.ARM)

    assert (State.ARMED, 0) == (bench.state, bench.memory.start_entry)
