"""At rest: what came and went is on record, needles are in, a lock and a port stay shut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import IntentKind, Role
from safety.states import Event, OrderKind, PenState, State

if TYPE_CHECKING:
    from safety.facts import Facts
    from tests.unit.conftest import Bench

RESTS = [State.LOCKED, State.IDLE, State.PLANNED, State.PAUSED, State.SERVICE]


@dataclass
class Wanted:
    """Whether the port of a bench is wanted; a bench by itself always wants it."""

    link_is_wanted: bool = True


@pytest.fixture
def port(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """What says whether anybody wants the port of the bench."""
    wanted, really = Wanted(), bench.facts

    def facts() -> Facts:
        return replace(really(), link_is_wanted=wanted.link_is_wanted)

    monkeypatch.setattr(bench, "facts", facts)
    return wanted


def told(bench: Bench, kind: str) -> list[dict[str, object]]:
    """Return the bodies of all entries of a kind."""
    return [body for each, body in bench.entries if each == kind]


def go(bench: Bench, state: State) -> None:
    """Go to a state of rest, and stay there until the pen was heard at rest."""
    if state in (State.LOCKED, State.SERVICE):
        bench.session_is_open = False
        bench.until(State.LOCKED)
        bench.rest(2)
    if state is State.SERVICE:
        bench.want(IntentKind.SERVICE_ENTER, Role.TECHNICIAN)
    if state is State.IDLE:
        bench.until(State.IDLE)
    if state is State.PLANNED:
        bench.to_planned()
    if state is State.PAUSED:
        bench.to_running()
        bench.rest(5)
        bench.want(IntentKind.PAUSE)
        bench.until(State.PAUSED)
    bench.rest(3)
    assert state is bench.state


@pytest.mark.req("SR-006", "HZ-58", "HZ-70")
def test_cause_that_went_by_itself_is_on_record(bench: Bench) -> None:
    """It came, it acted, it went: the record tells all three."""
    bench.to_armed()
    bench.link_errors = 4
    bench.scan()
    assert ["link-errors"] == [body["code"] for body in told(bench, "fault")]
    assert [] == told(bench, "fault_gone")

    bench.rest(40)
    assert [{"code": "link-errors"}] == told(bench, "fault_gone")
    assert [] == bench.codes


@pytest.mark.req("SR-006", "HZ-58", "HZ-70")
def test_cause_that_comes_twice_is_on_record_twice(bench: Bench) -> None:
    """Coming and going alternate, however often a button is pressed."""
    go(bench, State.IDLE)
    for _ in range(2):
        bench.pen.is_button_down = True
        bench.rest(3)
        bench.pen.is_button_down = False
        bench.rest(3)

    kinds = [kind for kind, _ in bench.entries if kind in {"fault", "fault_gone"}]
    assert ["fault", "fault_gone"] * 2 == kinds


@pytest.mark.req("SR-006", "HZ-60", "HZ-70")
def test_reset_is_on_record_with_who_and_what(bench: Bench) -> None:
    """The role, and every cause that the reset took away; a latched one does not go by itself."""
    bench.to_running()
    bench.rest(5)
    bench.pen.extra_depth_um = 203
    bench.rest(2)
    bench.pen.extra_depth_um = 0
    bench.rest(20)
    assert ([], []) == (told(bench, "reset"), told(bench, "fault_gone"))

    bench.want(IntentKind.RESET, Role.PRACTITIONER)
    bench.rest(5)
    assert [] == told(bench, "reset")
    bench.want(IntentKind.RESET, Role.TECHNICIAN)
    bench.rest(5)
    assert [{"role": "TECHNICIAN", "codes": "over-depth"}] == told(bench, "reset")
    assert (State.IDLE, []) == (bench.state, told(bench, "fault_gone"))


@pytest.mark.req("SR-006", "HZ-18", "HZ-65", "HZ-75")
@pytest.mark.parametrize("state", RESTS, ids=lambda state: str(state.name))
@pytest.mark.parametrize("does", [PenState.READY, PenState.RUN], ids=lambda one: str(one.name))
def test_needles_that_come_out_at_rest_are_motion_nobody_asked_for(
    bench: Bench, state: State, does: PenState
) -> None:
    """STOP goes out, and a technician has to look, whether the motor is driven or not."""
    go(bench, state)
    bench.pen.obeys_stop = False
    bench.pen.state, bench.pen.depth_um = does, 700
    bench.rest(3)

    assert (State.FAULT, "motion-unasked") == (bench.state, bench.codes[0])
    assert f"it is {does.name}" in bench.memory.causes[0].sentence
    assert OrderKind.STOP is bench.orders[-1]

    bench.pen.state, bench.pen.depth_um = PenState.SAFE, 0
    bench.rest(5)
    bench.want(IntentKind.RESET, Role.PRACTITIONER)
    bench.rest(5)
    assert State.FAULT is bench.state
    bench.want(IntentKind.RESET, Role.TECHNICIAN)
    bench.rest(2)
    assert State.FAULT is not bench.state


@pytest.mark.req("SR-005", "SR-006", "HZ-10", "HZ-75")
def test_button_of_the_pen_makes_a_stop_of_a_pause_under_way(bench: Bench) -> None:
    """Whoever presses it while the needles still brake does not find the pass ready to go on."""
    bench.to_running()
    bench.rest(5)
    bench.want(IntentKind.PAUSE)
    assert State.STOPPING is bench.state
    bench.pen.is_button_down = True
    bench.pen.state, bench.pen.since_ms = PenState.STOPPING, bench.pen.tick_ms + 10**9
    bench.rest(3)
    bench.pen.is_button_down = False
    bench.pen.state, bench.pen.speed_dhz = PenState.SAFE, 0
    bench.until(State.PAUSED, State.PLANNED, State.IDLE)

    assert (State.IDLE, None) == (bench.state, bench.memory.current)
    assert 1 == len(told(bench, "stop"))
    assert Event.STILL_AFTER_STOP is bench.memory.after_stop


@pytest.mark.req("SR-005", "SR-033", "HZ-10", "HZ-18")
@pytest.mark.parametrize("state", [State.PLANNED, State.PAUSED])
def test_button_of_the_pen_that_is_held_at_rest_blocks_arming(bench: Bench, state: State) -> None:
    """Nothing is armed while somebody says stop; it blocks no longer than that."""
    go(bench, state)
    bench.pen.is_button_down = True
    bench.rest(3)
    wish = IntentKind.ARM if state is State.PLANNED else IntentKind.RESUME
    bench.want(wish)

    assert (state, ["pen-button"]) == (bench.state, bench.codes)
    assert 1 == len(bench.log[-1][-1].refusals)

    bench.pen.is_button_down = False
    bench.rest(3)
    bench.want(wish)
    assert State.ARMED is bench.state


@pytest.mark.req("SR-033", "SR-038", "HZ-18", "HZ-60")
def test_session_that_was_locked_stays_locked_until_it_was_closed(bench: Bench) -> None:
    """A lock by hand is not undone by the session that it locks; a new session unlocks."""
    bench.to_planned()
    bench.want(IntentKind.LOCK)
    bench.rest(40)
    assert (State.LOCKED, []) == (bench.state, bench.codes)

    bench.session_is_open = False
    bench.rest(1)
    bench.session_is_open = True
    bench.rest(2)
    assert State.IDLE is bench.state


@pytest.mark.req("SR-033", "HZ-60")
def test_lock_that_was_refused_locks_nothing_later(bench: Bench) -> None:
    """A LOCK while needles run leaves no mark for the next time that the pen is unlocked."""
    bench.to_running()
    bench.want(IntentKind.LOCK)
    assert (State.RUNNING, 1) == (bench.state, len(bench.log[-1][-1].refusals))

    bench.want(IntentKind.STOP)
    bench.until(State.IDLE)
    bench.link_is_up = False
    bench.scan()
    bench.link_is_up = True
    bench.until(State.LOCKED)
    bench.scan()
    assert State.IDLE is bench.state


@pytest.mark.req("SR-038", "HZ-18")
def test_port_that_was_let_go_stays_shut_until_it_was_unwanted(bench: Bench, port: Wanted) -> None:
    """DISCONNECT is not undone by the wish that was there before it; a new wish opens the port."""
    bench.to_planned()
    bench.want(IntentKind.DISCONNECT)
    assert State.OFFLINE is bench.state
    bench.rest(60)
    assert (State.OFFLINE, []) == (bench.state, bench.codes)

    port.link_is_wanted = False
    bench.rest(1)
    port.link_is_wanted = True
    bench.until(State.IDLE)
    assert not bench.memory.was_disconnected


@pytest.mark.req("SR-035", "HZ-41")
def test_service_ends_when_a_session_opens(bench: Bench) -> None:
    """The pen is tested before a patient's session has it, and service is not to be had in it."""
    go(bench, State.SERVICE)
    bench.rest(20)
    assert (State.SERVICE, []) == (bench.state, bench.codes)

    bench.session_is_open = True
    bench.scan()
    assert (State.SELFTEST, []) == (bench.state, bench.codes)
    bench.until(State.IDLE)
    bench.want(IntentKind.SERVICE_ENTER, Role.TECHNICIAN)
    assert State.IDLE is bench.state
