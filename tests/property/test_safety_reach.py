"""What the table alone promises, as a graph: what can be reached, by what, and from where."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.states import LATCHED, STOPS, Event, State
from safety.table import TABLE, Row

WISHES = frozenset(
    {
        *(Event.CONNECT, Event.DISCONNECT, Event.UNLOCK, Event.LOCK),
        *(Event.SERVICE_ENTER, Event.SERVICE_LEAVE, Event.PLAN, Event.CHANGE_AREA, Event.FINISH),
        *(Event.PASS_DONE, Event.ARM, Event.DISARM, Event.START, Event.PAUSE, Event.RESUME),
        *(Event.RESET, Event.ACKNOWLEDGE, *STOPS),
    }
)
"""Events that people cause; all others are facts and verdicts."""

MOTION = frozenset({State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING})
STRIKING = frozenset({State.UNKNOWN_OUTCOME, State.RUNNING})
BEFORE = frozenset(
    {State.OFFLINE, State.CONNECTING, State.IDENTIFYING, State.SELFTEST, State.LOCKED}
)
CALM = frozenset({State.OFFLINE, State.IDLE, State.SELFTEST, State.LOCKED, State.STOPPING})
BACK = (Event.STILL_AFTER_PASS, Event.STILL_AFTER_PAUSE)
"""How one gets back to a plan that was confirmed before; `safety.step` fires them only then."""

STEPS: tuple[tuple[Event, ...], ...] = (
    (Event.CONNECT,),
    (Event.LINK_UP, Event.RESET),
    (Event.IDENTIFIED, Event.RESET),
    (Event.SELFTEST_PASSED,),
    (Event.UNLOCK,),
    (Event.PLAN, *BACK),
    (Event.ARM, Event.RESUME),
    (Event.START,),
    (Event.EXECUTED,),
)
"""What leads from a closed port to running needles, step by step; a step may have two names.

A reset needs an identified pen as well, by its guard `pen_is_suitable`.
"""

WALKS = st.lists(st.sampled_from(Event), max_size=40)


def reached(start: Iterable[State], rows: Iterable[Row]) -> set[State]:
    """Return every state that these rows lead to, the start included."""
    known, seen = tuple(rows), set(start)
    while new := {row.next for row in known if row.state in seen} - seen:
        seen |= new
    return seen


def without(*events: Event) -> list[Row]:
    """Return the table without the rows of these events."""
    return [row for row in TABLE if row.event not in events]


@pytest.mark.req("SR-006")
def test_latched_state_is_never_left_without_reset() -> None:
    """Whatever else happens, in whatever order, FAULT and ESTOP stay FAULT and ESTOP."""
    assert LATCHED == reached([State.FAULT], without(Event.RESET))
    assert {State.ESTOP} == reached([State.ESTOP], without(Event.RESET))


@pytest.mark.req("SR-006", "SR-036")
def test_reset_leads_to_the_self_test_and_on_by_the_ordinary_road_alone() -> None:
    """From a latched state no needle moves but through self-test, session, plan, ARM and START."""
    for missing in STEPS[3:]:
        assert State.RUNNING not in reached(LATCHED, without(*missing))


@pytest.mark.req("SR-033", "SR-034")
@pytest.mark.parametrize("missing", STEPS, ids=lambda events: events[0].name)
def test_running_is_reached_by_no_way_around(missing: tuple[Event, ...]) -> None:
    """Each step from a closed port to running needles is needed."""
    assert State.RUNNING in reached([State.OFFLINE], TABLE)
    assert State.RUNNING not in reached([State.OFFLINE], without(*missing))


@pytest.mark.req("SR-034")
def test_pause_is_left_for_motion_by_resume_and_start_alone() -> None:
    """Nothing resumes by itself; without RESUME a pause ends in a plan at most."""
    assert not MOTION & reached([State.PAUSED], without(Event.RESUME, Event.ARM))
    assert not STRIKING & reached([State.PAUSED], without(Event.START))


@pytest.mark.req("SR-011", "SR-033")
def test_motion_is_entered_from_where_it_was_granted_alone() -> None:
    """ARMED by ARM, RESUME or a START that was lost; START and its confirmation do the rest."""
    ways = {
        (row.state, row.event, row.next)
        for row in TABLE
        if row.next in MOTION and row.next is not row.state
    }

    assert {
        (State.PLANNED, Event.ARM, State.ARMED),
        (State.PAUSED, Event.RESUME, State.ARMED),
        (State.UNKNOWN_OUTCOME, Event.NOT_EXECUTED, State.ARMED),
        (State.ARMED, Event.START, State.UNKNOWN_OUTCOME),
        (State.UNKNOWN_OUTCOME, Event.EXECUTED, State.RUNNING),
    } == ways


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("state", sorted(LATCHED, key=lambda state: state.value))
def test_latched_state_takes_no_wish_but_reset_acknowledge_and_stop(state: State) -> None:
    """CONNECT is taken as well, since a line may come back; it changes nothing there."""
    taken = {row.event for row in TABLE if row.state is state} & WISHES
    leads = {row.next for row in TABLE if row.state is state and row.event is Event.CONNECT}

    assert {Event.RESET, Event.ACKNOWLEDGE, Event.CONNECT, *STOPS} == taken
    assert {state} == leads


@pytest.mark.req("SR-005", "SR-038")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("stop", sorted(STOPS, key=lambda event: event.value))
def test_every_state_can_stop_and_is_then_far_from_motion(state: State, stop: Event) -> None:
    """No stop is guarded, none leads to motion, and none brings anybody nearer to it."""
    (row,) = (row for row in TABLE if (row.state, row.event) == (state, stop))
    here = {State.SERVICE, *BEFORE} if stop is not Event.ESTOP else {State.OFFLINE}

    assert () == row.guards
    assert row.next in (LATCHED | {State.STOPPING} | ({state} & here))


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("state", list(State))
def test_after_a_stop_nothing_moves_without_a_new_plan(state: State) -> None:
    """A plan must be confirmed again, as far as STOP's own end in IDLE is concerned."""
    (row,) = (row for row in TABLE if (row.state, row.event) == (state, Event.STOP_UI))

    assert not MOTION & reached([row.next], without(Event.PLAN, *BACK))


@pytest.mark.req("SR-038")
@pytest.mark.parametrize("state", list(State))
def test_no_state_is_a_dead_end(state: State) -> None:
    """From each one there is a way to a session at rest, and one to a closed port."""
    assert {State.IDLE, State.OFFLINE} <= reached([state], TABLE)


@pytest.mark.req("SR-038")
@pytest.mark.parametrize("state", sorted(MOTION | {State.STOPPING}, key=lambda one: one.value))
def test_moving_state_comes_to_rest_without_any_wish(state: State) -> None:
    """Facts and verdicts alone lead from needles that move to rest or to a latched fault."""
    facts = [row for row in TABLE if row.event not in WISHES]

    assert {State.IDLE, State.FAULT, State.OFFLINE} <= reached([state], facts)


@pytest.mark.req("SR-033", "SR-034")
@given(WALKS)
def test_no_walk_over_the_table_starts_needles_without_its_wishes(events: list[Event]) -> None:
    """Whatever the guards say, START follows ARM or RESUME, and RUNNING follows START."""
    rows = {(row.state, row.event): row.next for row in TABLE}
    state, is_armed, is_started = State.OFFLINE, False, False
    for event in events:
        before, state = state, rows.get((state, event), state)
        if before is state:
            continue
        is_armed = (is_armed and before in MOTION) or event in (Event.ARM, Event.RESUME)
        is_started = event is Event.START or (is_started and event is Event.EXECUTED)

        assert state not in MOTION or is_armed
        assert state not in STRIKING or is_started


@pytest.mark.req("SR-005")
@given(WALKS)
def test_stop_after_any_walk_leads_to_calm(events: list[Event]) -> None:
    """Wherever a walk ends, one stop is enough."""
    rows = {(row.state, row.event): row.next for row in TABLE}
    state = State.OFFLINE
    for event in events:
        state = rows.get((state, event), state)

    for stop in STOPS:
        calm = CALM | LATCHED | {State.CONNECTING, State.IDENTIFYING, State.SERVICE}
        assert rows[state, stop] in calm
