"""Edges of causes and wishes: several at once, what is written of them, what a stop voids."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from safety.facts import Intent, IntentKind
from safety.states import Event, OrderKind, PenState, State
from tests.unit.scan_talk import PRACTITIONER, events, step, written
from tests.unit.ways_into_states import to_paused, to_state, to_stopping

if TYPE_CHECKING:
    from safety.facts import Telemetry
    from safety.memory import Decision
    from tests.unit.conftest import Bench


def seen_by(bench: Bench) -> Telemetry:
    """Return the last telemetry, which there is."""
    assert bench.telemetry is not None
    return bench.telemetry


def bodies(decision: Decision, kind: str) -> list[dict[str, object]]:
    """Return what was written down of one kind in this scan."""
    return [dict(entry.body) for entry in decision.entries if entry.kind == kind]


@pytest.mark.req("SR-006")
def test_fault_is_written_down_with_code_severity_and_sentence(bench: Bench) -> None:
    """Whoever reads the record needs no catalogue."""
    bench.to_planned()
    bench.pen.is_button_down = True
    bench.rest(1)
    entries = bodies(bench.scan(), "fault")

    text = bench.memory.causes[0].sentence
    assert [{"code": "pen-button", "severity": "STOP", "text": text}] == entries


@pytest.mark.req("SR-006")
def test_gravest_cause_acts_and_gives_the_reason_even_if_it_is_not_the_first(bench: Bench) -> None:
    """A restart is found first, needles that are too deep are worse."""
    bench.to_running()
    bench.rest(1)
    told = replace(seen_by(bench), epoch=8, depth_um=1_100)
    decision = step(bench, telemetry=told)
    restart, depth = bench.memory.causes

    assert ("pen-restarted", "over-depth") == (restart.code, depth.code)
    assert (State.FAULT, [Event.TRIP_FAULT]) == (bench.state, events(decision))
    assert depth.sentence == bench.memory.stop_reason


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("changes", "is_ignored"),
    [
        ({}, False),
        ({"is_driven": True}, True),
        ({"state": PenState.READY}, True),
        ({"state": PenState.RUN}, True),
        ({"state": PenState.STOPPING}, False),
    ],
    ids=str,
)
def test_stop_is_ignored_by_a_driven_motor_or_needles_that_are_out(
    changes: dict[str, Any], is_ignored: bool, bench: Bench
) -> None:
    """Either is enough, whatever the pen says of the other."""
    to_stopping(bench)
    entered_ms = bench.memory.entered_ms
    told = replace(
        seen_by(bench), state=PenState.SAFE, is_driven=False, received_ms=entered_ms + 61
    )
    bench.now_ms = entered_ms + 100
    step(bench, telemetry=replace(told, **changes))

    assert is_ignored == ("stop-ignored" in bench.codes)


@pytest.mark.req("SR-006")
def test_ignored_stop_hides_no_other_cause(bench: Bench) -> None:
    """A person who looks must see the button as well."""
    bench.pen.obeys_stop = False
    to_stopping(bench)
    bench.pen.is_button_down = True
    bench.until(State.ESTOP)

    assert ["pen-button", "stop-ignored"] == bench.codes


@pytest.mark.req("SR-036", "SR-006")
def test_fault_of_the_pen_during_its_test_is_found_at_once(bench: Bench) -> None:
    """The host's own test does not hide what the pen itself says."""
    to_state(bench, State.SELFTEST)
    bench.pen.fail(0x84)
    bench.rest(2)

    assert (State.FAULT, ["pen-fault-technician"]) == (bench.state, bench.codes)


@pytest.mark.req("SR-005")
def test_emergency_stop_keeps_the_causes_that_there_are(bench: Bench) -> None:
    """What was latched before must be reset as well."""
    to_state(bench, State.FAULT)
    bench.want(IntentKind.ESTOP)

    assert (State.ESTOP, ["over-depth", "emergency-stop"]) == (bench.state, bench.codes)


@pytest.mark.req("SR-007", "SR-014")
def test_start_that_never_left_leaves_no_doubt_however_long_the_pen_is_silent(bench: Bench) -> None:
    """A pass that was only written down has moved no needle."""
    bench.to_armed()
    bench.durable_lag = None
    bench.want(IntentKind.START)
    bench.lost_requests = 6
    bench.until(State.IDLE)

    assert OrderKind.START not in bench.orders
    assert ["telemetry-stale"] == [body["code"] for body in written(bench, "fault")]
    assert [("forehead", 1, "not_delivered")] == bench.outcomes


@pytest.mark.req("SR-034")
def test_pass_is_kept_when_the_session_is_back_before_the_needles_rest(bench: Bench) -> None:
    """It can be resumed, like any that was paused."""
    bench.to_running()
    stopping = step(bench, session_is_open=False).memory.state
    assert State.STOPPING is stopping

    bench.until(State.PAUSED, State.IDLE, State.PLANNED)
    rested = bench.state
    bench.rest(2)
    bench.to_armed()
    assert (State.PAUSED, State.ARMED) == (rested, bench.state)


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("is_with_rest", [False, True])
def test_nothing_is_granted_in_the_scan_in_which_a_stop_comes_to_rest(
    is_with_rest: bool, bench: Bench
) -> None:
    """What was wished before anybody saw the rest was wished for something else."""
    bench.to_planned()
    bench.pen.speed_dhz = 1
    bench.want(IntentKind.STOP)
    bench.pen.speed_dhz = 0
    bench.rest(2 if not is_with_rest else 1)
    before = bench.state
    decision = bench.want(IntentKind.PLAN)

    rest, plan = [Event.STILL_AFTER_STOP], [Event.PLAN]
    assert (State.STOPPING if is_with_rest else State.IDLE) is before
    assert (State.IDLE if is_with_rest else State.PLANNED) is bench.state
    assert (rest if is_with_rest else plan) == events(decision)


@pytest.mark.req("SR-005")
def test_nothing_is_granted_in_the_scan_in_which_a_cause_stops(bench: Bench) -> None:
    """The button of the pen voids wishes as any other stop does."""
    bench.to_running()
    bench.pen.is_button_down = True
    bench.rest(1)
    decision = bench.scan(
        Intent(IntentKind.PASS_DONE, "key"), Intent(IntentKind.RESET, "key", PRACTITIONER)
    )

    assert [Event.STOP_BUTTON] == [firing.event for firing in decision.firings]


def test_paused_pass_that_a_person_ends_was_stopped_by_its_pause(bench: Bench) -> None:
    """The needles rest already, so nothing is stopped anew."""
    to_paused(bench)
    bench.want(IntentKind.PASS_DONE)

    assert (State.PLANNED, "paused by key") == (bench.state, bench.memory.stop_reason)
    assert Event.STILL_AFTER_PAUSE is bench.memory.after_stop
