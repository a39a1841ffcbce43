"""What comes between: cartridges, the stop family and what people do about alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.alarms import AUDIO_PAUSE_MS_MAX
from safety.facts import Intent, IntentKind, PenIdentity
from safety.states import Event, State
from tests.unit.scan_talk import PRACTITIONER, events, rules, step, written

if TYPE_CHECKING:
    from safety.memory import Decision
    from tests.unit.conftest import Bench

# --- cartridge ----------------------------------------------------------------------------


def take_out(bench: Bench) -> Decision:
    """Take the cartridge out and let the host see it."""
    bench.pen.has_cartridge = False
    bench.scan()
    return bench.scan()


def put_in(bench: Bench) -> Decision:
    """Put a cartridge in and let the host see it."""
    bench.pen.has_cartridge = True
    bench.scan()
    return bench.scan()


@pytest.mark.req("SR-037")
@pytest.mark.parametrize("state", [State.PLANNED, State.PAUSED])
def test_cartridge_that_is_taken_out_voids_what_was_confirmed_for_it(
    bench: Bench, state: State
) -> None:
    """At rest it is no fault, but a plan must be confirmed again."""
    bench.to_planned()
    if state is State.PAUSED:
        bench.to_running()
        bench.want(IntentKind.PAUSE)
        bench.until(State.PAUSED)
    decision = take_out(bench)

    assert (State.IDLE, [Event.CARTRIDGE_OUT], []) == (bench.state, events(decision), bench.codes)
    assert (None, "the cartridge was removed") == (bench.memory.current, bench.memory.stop_reason)
    assert (False, False) == (bench.memory.seen_cartridge, bench.memory.is_cartridge_in_doubt)
    assert () == bench.scan().firings


@pytest.mark.req("SR-037")
def test_cartridge_that_comes_back_has_the_pen_identified_and_tested_again(bench: Bench) -> None:
    """Nobody knows which one it is."""
    bench.to_planned()
    take_out(bench)
    bench.pen.has_cartridge = True
    bench.scan()
    bench.identity = None
    decision = bench.scan()

    assert (State.IDENTIFYING, [Event.CARTRIDGE_CHANGED]) == (bench.state, events(decision))
    bench.rest(5)
    assert State.IDENTIFYING is bench.state

    bench.identity = PenIdentity(42, 7, 0x957A, 200)
    bench.until(State.IDLE)
    passed = [body["after"] for body in written(bench, "state")][-3:]
    assert ["SELFTEST", "LOCKED", "IDLE"] == passed


@pytest.mark.req("SR-037")
def test_first_cartridge_of_a_session_is_asked_for_like_any_other(bench: Bench) -> None:
    """The pen was empty when it said who it is, so it is asked what it holds now."""
    bench.pen.has_cartridge = False
    bench.to_planned()
    assert ["SR-037"] == rules(bench.want(IntentKind.ARM))
    assert not bench.memory.is_cartridge_in_doubt

    bench.pen.has_cartridge = True
    bench.scan()
    bench.identity = None
    decision = bench.scan()
    assert (State.IDENTIFYING, [Event.CARTRIDGE_CHANGED]) == (bench.state, events(decision))
    assert (True, True) == (bench.memory.seen_cartridge, bench.memory.is_cartridge_in_doubt)

    bench.identity = PenIdentity(42, 7, 0x957A, 200)
    bench.until(State.IDLE)
    assert not bench.memory.is_cartridge_in_doubt


@pytest.mark.req("SR-037")
def test_cartridge_that_a_pen_tells_of_before_it_is_known_is_in_no_doubt(bench: Bench) -> None:
    """There is nothing that the pen has said of another one."""
    bench.until(State.IDLE)
    bench.rest(2)
    bench.memory.identity, bench.memory.seen_cartridge = None, False
    decision = bench.scan()

    assert (State.IDLE, [Event.CARTRIDGE_IN]) == (bench.state, events(decision))
    assert not bench.memory.is_cartridge_in_doubt


@pytest.mark.req("SR-006", "SR-038")
def test_fault_of_the_scan_in_which_the_link_goes_still_latches(bench: Bench) -> None:
    """Plug and cartridge pulled at once: the fault is known, and a reset can clear it."""
    bench.to_running()
    bench.pen.has_cartridge = False
    bench.scan()
    bench.link_is_up = False
    bench.scan()
    assert (State.OFFLINE, ["cartridge-out"]) == (bench.state, bench.codes)

    bench.link_is_up = bench.pen.has_cartridge = True
    bench.rest(40)
    assert (State.FAULT, ["cartridge-out"]) == (bench.state, bench.codes)

    bench.want(IntentKind.RESET, PRACTITIONER)
    bench.until(State.IDLE)


def test_cartridge_taken_out_in_idle_leaves_the_reason_of_the_last_stop(bench: Bench) -> None:
    """There was no plan to void."""
    bench.until(State.IDLE)
    bench.rest(2)
    decision = take_out(bench)

    assert (State.IDLE, [Event.CARTRIDGE_OUT], "") == (
        bench.state,
        events(decision),
        bench.memory.stop_reason,
    )


# --- stop family, alarms, acknowledgement -------------------------------------------------


@pytest.mark.req("SR-005")
@pytest.mark.parametrize(
    ("kind", "source", "event", "expected"),
    [
        (IntentKind.STOP, "key", Event.STOP_UI, State.STOPPING),
        (IntentKind.STOP, "command", Event.STOP_UI, State.STOPPING),
        (IntentKind.STOP, "pedal", Event.STOP_PEDAL, State.STOPPING),
        (IntentKind.ESTOP, "key", Event.ESTOP, State.ESTOP),
        (IntentKind.ESTOP, "pedal", Event.ESTOP, State.ESTOP),
    ],
)
def test_stop_is_told_by_where_it_came_from(
    bench: Bench, kind: IntentKind, source: str, event: Event, expected: State
) -> None:
    """The record tells a pedal from a key, and an emergency latches."""
    bench.to_running()
    decision = bench.scan(Intent(kind, source))

    assert (expected, event) == (bench.state, events(decision)[0])
    assert ("stop", {"source": source, "reason": ""}) in bench.entries
    assert f"stopped by {source}" == bench.memory.stop_reason


def test_button_of_the_pen_is_told_as_such(bench: Bench) -> None:
    """It stops like any other."""
    bench.to_running()
    bench.pen.is_button_down = True
    bench.scan()

    assert [Event.STOP_BUTTON] == events(bench.scan())
    assert State.STOPPING is bench.state


@pytest.mark.req("SR-005", "SR-006")
def test_emergency_stop_latches_and_a_practitioner_may_reset_it(bench: Bench) -> None:
    """Written down once, however often it is pressed; the pass is closed."""
    bench.to_running()
    bench.want(IntentKind.ESTOP)
    bench.want(IntentKind.ESTOP)
    bench.rest(5)

    assert (State.ESTOP, ["emergency-stop"]) == (bench.state, bench.codes)
    assert [("emergency-stop", "FAULT_OPERATOR")] == [
        (body["code"], body["severity"]) for body in written(bench, "fault")
    ]
    assert "(key)" in written(bench, "fault")[0]["text"]
    assert [("forehead", 1, "partial")] == bench.outcomes
    assert bench.want(IntentKind.PLAN).refusals

    bench.want(IntentKind.RESET, PRACTITIONER)
    bench.until(State.IDLE)
    assert [] == bench.codes


@pytest.mark.req("SR-005", "SR-006")
def test_emergency_stop_without_a_line_latches_as_soon_as_there_is_one(bench: Bench) -> None:
    """It is not forgotten because nothing was plugged in."""
    bench.link_is_up = False
    bench.want(IntentKind.ESTOP)
    bench.rest(3)

    assert (State.ESTOP, ["emergency-stop"]) == (bench.state, bench.codes)
    assert [] == bench.orders


@pytest.mark.req("SR-005")
def test_emergency_stop_among_stops_wins_wherever_it_stands(bench: Bench) -> None:
    """The gravest wish voids the milder one."""
    bench.to_running()
    bench.scan(Intent(IntentKind.STOP, "key"), Intent(IntentKind.ESTOP, "pedal"))

    assert State.ESTOP is bench.state
    assert [{"source": "pedal", "reason": ""}] == written(bench, "stop")


@pytest.mark.req("SR-044")
def test_alarms_are_acknowledged_once_and_nothing_else_changes(bench: Bench) -> None:
    """The state stays, the cause stays, and the record says who saw it."""
    bench.to_running()
    bench.want(IntentKind.ESTOP)
    bench.rest(3)
    bench.want(IntentKind.ACKNOWLEDGE)

    assert (State.ESTOP, ["emergency-stop"]) == (bench.state, bench.codes)
    assert [True] == [alarm.is_acknowledged for alarm in bench.memory.alarms.alarms]
    assert [bench.now_ms - 50] == [a.acknowledged_ms for a in bench.memory.alarms.alarms]
    assert [{"source": "key"}] == written(bench, "alarms_acknowledged")


def test_acknowledging_nothing_is_taken_and_not_written_down(bench: Bench) -> None:
    """There was nothing to see."""
    bench.to_planned()

    assert [Event.ACKNOWLEDGE] == events(bench.want(IntentKind.ACKNOWLEDGE))
    assert [] == written(bench, "alarms_acknowledged")


@pytest.mark.req("SR-044")
def test_sound_of_alarms_is_paused_for_a_bounded_time(bench: Bench) -> None:
    """The wish is written down; the alarm stays to be seen."""
    bench.to_running()
    bench.want(IntentKind.ESTOP)
    bench.rest(3)
    until_ms = bench.now_ms + AUDIO_PAUSE_MS_MAX
    bench.want(IntentKind.PAUSE_AUDIO)

    assert bench.memory.alarms.audio_paused_until_ms == until_ms
    assert 1 == len(bench.memory.alarms.alarms)
    assert [{"source": "key"}] == written(bench, "audio_paused")


@pytest.mark.req("SR-006")
def test_cause_that_pauses_fires_nothing_at_rest_and_forbids_arming(bench: Bench) -> None:
    """A pen that senses skin while it lies there has nothing to pause; the person is told why."""
    bench.to_planned()
    decision = step(bench)
    for count in range(1, 121):
        seen = bench.facts().telemetry
        assert seen is not None
        ticks = {"tick_ms": seen.tick_ms + 50 * count, "received_ms": bench.now_ms - 40}
        decision = step(bench, telemetry=replace(seen, has_contact=True, **ticks))

    assert (State.PLANNED, ["contact-stuck"], ()) == (bench.state, bench.codes, decision.firings)
    assert "SR-006" in rules(bench.want(IntentKind.ARM))
