"""The table as data and the machine that runs it: every pair of state and event is decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from safety import machine as machine_module
from safety.errors import InvariantBroken
from safety.facts import Facts, PenIdentity, Role, Telemetry
from safety.guards import Scene, causes_are_gone, role_may_reset
from safety.ledger import AreaPlan
from safety.machine import Machine
from safety.memory import CurrentPass, Memory
from safety.states import LATCHED, Event, PenState, State
from safety.table import ROWS, TABLE, Row

PAIRS = list(product(State, Event))
MACHINE = Machine()


@pytest.fixture
def good(telemetry: Telemetry, identity: PenIdentity) -> Scene:
    """A scene that contents every guard but the one that wants the pen in READY."""
    plan = (AreaPlan("a", 750, 1_000, 1, 200),)
    memory = Memory(plan=plan, current=CurrentPass(plan[0], 1), start_entry=1, armed_ms=10_000)
    facts = Facts(link_is_up=True, identity=identity, telemetry=telemetry, exchanged=None)
    return Scene(memory, replace(facts, durable=1), 10_010, Role.TECHNICIAN)


@pytest.fixture
def ready(good: Scene, telemetry: Telemetry) -> Scene:
    """The same with the pen in READY, its needles settled."""
    seen = replace(telemetry, state=PenState.READY, is_settled=True, depth_um=750)
    return replace(good, facts=replace(good.facts, telemetry=seen))


@pytest.fixture
def bad() -> Scene:
    """A scene that contents no guard that asks for anything."""
    facts = Facts(link_is_up=False, identity=None, telemetry=None, exchanged=None)
    return Scene(Memory(), replace(facts, record_failure="full", epoch_changed=True), 999_999)


def scene_for(row: Row, good: Scene, ready: Scene) -> Scene:
    """Return the scene that contents all guards of a row."""
    return ready if row.event is Event.START else good


def rows_into(state: State) -> set[tuple[State, Event]]:
    """Return from where and by what a state is entered."""
    return {(row.state, row.event) for row in TABLE if row.next is state is not row.state}


@pytest.mark.req("SR-004")
def test_no_pair_stands_twice() -> None:
    """Of two rows for one pair the engine would silently take the first."""
    counts = Counter((row.state, row.event) for row in TABLE)

    assert {1} == set(counts.values())
    assert len(TABLE) == len(ROWS)


@pytest.mark.req("SR-004")
@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda word: word.name)
def test_every_pair_is_decided(
    state: State, event: Event, good: Scene, ready: Scene, bad: Scene
) -> None:
    """A listed pair leads where its row says, an unlisted one changes nothing and says why."""
    row = ROWS.get((state, event))
    if row is None:
        firing = MACHINE.fire(state, event, good)

        assert (state, event, state, True) == (
            firing.before,
            firing.event,
            firing.after,
            firing.is_refused,
        )
        assert ["SR-004"] == [refusal.rule for refusal in firing.refusals]
        assert f"{event.name} is not possible in {state.name}" == firing.refusals[0].reason
    else:
        firing = MACHINE.fire(state, event, scene_for(row, good, ready))
        refused = MACHINE.fire(state, event, bad)

        assert (state, event, row.next, ()) == (
            firing.before,
            firing.event,
            firing.after,
            firing.refusals,
        )
        assert bool(row.guards) == refused.is_refused
        assert (state if row.guards else row.next) is refused.after


@pytest.mark.req("SR-004")
@pytest.mark.parametrize(
    "row",
    [row for row in TABLE if row.guards],
    ids=lambda row: f"{row.state.name}-{row.event.name}",
)
def test_every_failing_guard_speaks(row: Row, bad: Scene) -> None:
    """A refusal names everything that is wrong, not only the first thing."""
    expected = [refusal for guard in row.guards if (refusal := guard(bad)) is not None]

    assert tuple(expected) == MACHINE.fire(row.state, row.event, bad).refusals


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("state", list(State))
def test_stop_trip_and_link_lost_are_taken_without_guard_in_every_state(
    state: State, bad: Scene
) -> None:
    """Nothing can stand between a wish to stop and its effect."""
    for event in (Event.STOP, Event.TRIP, Event.LINK_LOST):
        firing = MACHINE.fire(state, event, bad)

        assert () == ROWS[state, event].guards
        assert not firing.is_refused


@pytest.mark.req("SR-005")
def test_stop_leads_to_stopping_wherever_there_is_a_pen() -> None:
    """A latched state stays, and without a known pen there is nothing to stop."""
    stays = {State.OFFLINE, State.IDENTIFYING, *LATCHED}

    for state in State:
        expected = state if state in stays else State.STOPPING

        assert expected is ROWS[state, Event.STOP].next


@pytest.mark.req("SR-006")
def test_trip_latches_everywhere() -> None:
    """It leads to FAULT, and out of no latched state."""
    for state in State:
        expected = state if state in LATCHED else State.FAULT

        assert expected is ROWS[state, Event.TRIP].next


@pytest.mark.req("SR-006")
def test_latched_states_are_left_by_reset_alone() -> None:
    """The successor is IDLE, after the causes have gone, and by who may."""
    ways_out = {row for row in TABLE if row.state in LATCHED and row.next not in LATCHED}

    assert {(state, Event.RESET) for state in LATCHED} == {(r.state, r.event) for r in ways_out}
    for row in ways_out:
        assert State.IDLE is row.next
        assert {causes_are_gone, role_may_reset} <= set(row.guards)


def test_running_is_entered_by_a_confirmed_start_alone() -> None:
    """ARM or RESUME, START, and the pen's own word that it took it."""
    assert {(State.UNKNOWN_OUTCOME, Event.EXECUTED)} == rows_into(State.RUNNING)
    assert {(State.ARMED, Event.START)} == rows_into(State.UNKNOWN_OUTCOME)
    assert {
        (State.PLANNED, Event.ARM),
        (State.PAUSED, Event.RESUME),
        (State.UNKNOWN_OUTCOME, Event.NOT_EXECUTED),
    } == rows_into(State.ARMED)


def test_every_state_is_reached_and_leads_back_to_idle() -> None:
    """There is no state without a way in, and none without a way out."""
    forward = {state: {row.next for row in TABLE if row.state is state} for state in State}

    def reach(start: State) -> set[State]:
        found, new = {start}, {start}
        while new:
            new = {after for state in new for after in forward[state]} - found
            found |= new
        return found

    assert set(State) == reach(State.OFFLINE)
    assert all(State.IDLE in reach(state) for state in State)


@pytest.mark.req("SR-004")
def test_machine_holds_exactly_the_table() -> None:
    """The engine has no transition, trigger or state beyond the rows."""
    engine = MACHINE._engine
    held = {
        (source, name, transition.dest)
        for name, event in engine.events.items()
        for source, transitions in event.transitions.items()
        for transition in transitions
    }

    assert {(row.state.name, row.event.name, row.next.name) for row in TABLE} == held
    assert {state.name for state in State} == set(engine.states)
    assert not engine.has_queue
    assert not engine.auto_transitions
    assert not engine.ignore_invalid_triggers
    assert len(TABLE) == sum(len(t) for e in engine.events.values() for t in e.transitions.values())


@pytest.mark.req("SR-004")
def test_engine_that_arrives_elsewhere_is_an_invariant_broken(
    monkeypatch: pytest.MonkeyPatch, good: Scene
) -> None:
    """The state that the engine arrives at is compared with the row."""
    wrong = Row(State.PLANNED, Event.FINISH, State.RUNNING)
    monkeypatch.setitem(machine_module.ROWS, (State.PLANNED, Event.FINISH), wrong)

    with pytest.raises(InvariantBroken, match=r"PLANNED \+ FINISH led to State.IDLE"):
        MACHINE.fire(State.PLANNED, Event.FINISH, good)


def test_machine_keeps_no_state_between_firings(good: Scene) -> None:
    """What it fired before does not matter for what it fires next."""
    fresh = Machine().fire(State.PLANNED, Event.FINISH, good)
    MACHINE.fire(State.RUNNING, Event.TRIP, good)

    assert fresh == MACHINE.fire(State.PLANNED, Event.FINISH, good)
