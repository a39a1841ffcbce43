"""The table as data and the machine that runs it: every pair of state and event is decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest

from safety import machine as machine_module
from safety.errors import InvariantBroken
from safety.facts import Facts, Role, Telemetry
from safety.guards import Scene, causes_are_gone, role_may_reset
from safety.ledger import AreaPlan
from safety.machine import Machine
from safety.memory import CurrentPass, Memory
from safety.states import LATCHED, MOVING, STOPS, Event, PenState, State
from safety.table import ROWS, TABLE, Row

PAIRS = list(product(State, Event))
MACHINE = Machine()
FACTS = (
    *(Event.LINK_LOST, Event.PEN_RESTARTED, Event.IDENTITY_CHANGED, Event.LIMITS_CHANGED),
    *(Event.SESSION_EXPIRED, Event.DRIVER_LOST, Event.TRIP_STOP, Event.TRIP_FAULT),
    *(Event.CARTRIDGE_IN, Event.CARTRIDGE_OUT, Event.CARTRIDGE_CHANGED, Event.ACKNOWLEDGE),
)
"""What happens whether anybody likes it or not."""


@pytest.fixture
def good(facts: Facts) -> Scene:
    """A scene of a treatment; it contents every guard but READY and those of the service."""
    plan = (AreaPlan("a", 750, 1_000, 1, 200, 10_000),)
    memory = Memory(plan=plan, current=CurrentPass(plan[0], 1), start_entry=1, armed_ms=10_000)
    return Scene(replace(memory, tested=3), replace(facts, durable=1), 10_010, area="a")


@pytest.fixture
def ready(good: Scene, telemetry: Telemetry) -> Scene:
    """The same with the pen in READY, its needles settled."""
    seen = replace(telemetry, state=PenState.READY, is_settled=True, depth_um=750)
    return replace(good, facts=replace(good.facts, telemetry=seen))


@pytest.fixture
def service(good: Scene) -> Scene:
    """The same for a technician, without a session."""
    return replace(good, role=Role.TECHNICIAN, facts=replace(good.facts, session_is_open=False))


@pytest.fixture
def bad() -> Scene:
    """A scene that contents no guard that asks for anything."""
    facts = Facts(link_is_up=False, identity=None, telemetry=None, exchanged=None)
    facts = replace(facts, record_failure="full", epoch_changed=True)
    return Scene(Memory(), facts, 999_999, Role.QA)


@pytest.fixture
def scenes(good: Scene, ready: Scene, service: Scene) -> dict[Event, Scene]:
    """The scene that contents all guards of an event's rows."""
    special = {Event.START: ready, Event.SERVICE_ENTER: service}
    return {event: special.get(event, good) for event in Event}


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
def test_there_are_as_many_states_and_events_as_decided() -> None:
    """15 states and 44 events make 660 pairs, as ADR 0011 has it."""
    assert (15, 44, 660) == (len(State), len(Event), len(PAIRS))


@pytest.mark.req("SR-004", "HZ-38")
@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda word: word.name)
def test_every_pair_is_decided(
    state: State, event: Event, scenes: dict[Event, Scene], good: Scene, bad: Scene
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
        assert "See the state first." == firing.refusals[0].fix
    else:
        firing = MACHINE.fire(state, event, scenes[event])
        refused = MACHINE.fire(state, event, bad)

        assert (state, event, row.next, ()) == (
            firing.before,
            firing.event,
            firing.after,
            firing.refusals,
        )
        is_guarded = bool(row.guards)
        assert is_guarded == refused.is_refused
        assert (state if is_guarded else row.next) is refused.after


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
@pytest.mark.parametrize(
    "event", [*sorted(STOPS, key=lambda e: e.value), *FACTS], ids=lambda event: event.name
)
def test_stops_and_facts_are_taken_without_guard_in_every_state(
    state: State, event: Event, bad: Scene
) -> None:
    """Nothing can stand between a wish to stop and its effect, nor argue with what happened."""
    firing = MACHINE.fire(state, event, bad)

    assert () == ROWS[state, event].guards
    assert not firing.is_refused


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("event", [Event.STOP_UI, Event.STOP_BUTTON, Event.STOP_PEDAL])
def test_stop_leads_to_stopping_wherever_something_was_permitted(event: Event) -> None:
    """Before a session it stays, so that no STOP is a way around self-test or sign-in."""
    moves = {state for state in State if ROWS[state, event].next is State.STOPPING}

    assert moves == {State.IDLE, State.PLANNED, State.PAUSED, *MOVING}
    assert all(ROWS[state, event].next is state for state in set(State) - moves)


@pytest.mark.req("SR-005")
def test_emergency_stop_latches_wherever_there_is_a_line() -> None:
    """Without one there is nothing that could move; FAULT is left for the graver state."""
    stays = {state for state in State if ROWS[state, Event.ESTOP].next is state}

    assert {State.OFFLINE, State.ESTOP} == stays
    assert all(ROWS[state, Event.ESTOP].next is State.ESTOP for state in set(State) - stays)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("event", "before"),
    [
        (Event.TRIP_FAULT, {State.OFFLINE, State.CONNECTING}),
        (Event.PEN_RESTARTED, {State.OFFLINE, State.CONNECTING, State.IDENTIFYING}),
        (Event.IDENTITY_CHANGED, {State.OFFLINE, State.CONNECTING, State.IDENTIFYING}),
        (Event.LIMITS_CHANGED, {State.OFFLINE, State.CONNECTING, State.IDENTIFYING}),
    ],
)
def test_fault_latches_wherever_a_pen_is_known(event: Event, before: set[State]) -> None:
    """It leads to FAULT, out of no latched state, and changes nothing where no pen is known."""
    for state in State:
        expected = state if state in LATCHED | before else State.FAULT

        assert expected is ROWS[state, event].next


@pytest.mark.req("SR-006", "H09")
def test_latched_states_are_left_by_reset_alone() -> None:
    """The pen is tested anew, after the causes have gone, and by who may."""
    ways_out = {row for row in TABLE if row.state in LATCHED and row.next not in LATCHED}

    assert {(state, Event.RESET) for state in LATCHED} == {(r.state, r.event) for r in ways_out}
    for row in ways_out:
        assert State.SELFTEST is row.next
        assert {causes_are_gone, role_may_reset} <= set(row.guards)


@pytest.mark.req("SR-034", "H07")
def test_running_is_entered_by_a_confirmed_start_alone() -> None:
    """ARM or RESUME, START, and the pen's own word that it took it."""
    assert {(State.UNKNOWN_OUTCOME, Event.EXECUTED)} == rows_into(State.RUNNING)
    assert {(State.ARMED, Event.START)} == rows_into(State.UNKNOWN_OUTCOME)
    assert {
        (State.PLANNED, Event.ARM),
        (State.PAUSED, Event.RESUME),
        (State.UNKNOWN_OUTCOME, Event.NOT_EXECUTED),
    } == rows_into(State.ARMED)


@pytest.mark.req("SR-038", "HZ-38")
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
    MACHINE.fire(State.RUNNING, Event.TRIP_FAULT, good)

    assert fresh == MACHINE.fire(State.PLANNED, Event.FINISH, good)
