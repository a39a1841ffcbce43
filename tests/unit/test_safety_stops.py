"""Everything that stops needles: by whom, how fast, and what stands in the ledger afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import Intent, IntentKind, Role
from safety.states import STOPS, Event, OrderKind, PenState, State
from safety.table import ROWS
from tests.unit.ways_into_states import to_state

if TYPE_CHECKING:
    from tests.unit.conftest import Bench


UNLIKE_EVENTS = (IntentKind.STOP, IntentKind.PAUSE_AUDIO)
"""Wishes that are granted everywhere and have no event of their name."""


def order_of_last_scan(bench: Bench) -> OrderKind | None:
    """Return what the last scan asked of the pen."""
    order = bench.log[-1][-1].order
    return None if order is None else order.kind


@pytest.mark.req("SR-005", "H10")
@pytest.mark.parametrize("state", list(State))
def test_stop_is_taken_in_every_state_and_is_the_order_of_that_very_scan(
    bench: Bench, state: State
) -> None:
    """Whatever else is wanted in the same scan, STOP leaves at once if there is a line at all."""
    to_state(bench, state)
    assert state is bench.state

    crowd = [Intent(kind, "key", role) for kind in IntentKind for role in Role]
    decision = bench.scan(*crowd)

    stop = next(firing for firing in decision.firings if firing.event in STOPS)
    assert not stop.is_refused
    assert "stop" in [entry.kind for entry in decision.entries]
    assert OrderKind.STOP is order_of_last_scan(bench)
    wishes = {Event.PLAN, Event.ARM, Event.START, Event.RESUME, Event.RESET, Event.FINISH}
    assert not wishes & {firing.event for firing in decision.firings}
    assert bench.memory.reset_role is None


@pytest.mark.req("SR-004")
@pytest.mark.parametrize("state", list(State))
def test_wish_that_is_not_listed_changes_nothing(bench: Bench, state: State) -> None:
    """It is refused with a reason, and the rest of the scan is as if it had not been wished."""
    to_state(bench, state)
    expected = bench.core.step(bench.memory, bench.facts(), (), bench.now_ms)
    here = expected.memory.state

    for kind in IntentKind:
        if kind in UNLIKE_EVENTS or (here, Event[kind.name]) in ROWS:
            continue
        found = bench.core.step(bench.memory, bench.facts(), (Intent(kind, "key"),), bench.now_ms)

        assert [f"{kind.name} is not possible in {here.name}"] == [r.reason for r in found.refusals]
        assert (expected.memory, expected.order) == (found.memory, found.order)


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("state", [State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING, State.PAUSED])
def test_stop_ends_in_idle_and_going_on_takes_a_plan(bench: Bench, state: State) -> None:
    """Nothing resumes after STOP; what is left may be planned anew."""
    to_state(bench, state)
    bench.want(IntentKind.STOP)
    bench.until(State.IDLE)
    bench.rest(40)

    assert (State.IDLE, PenState.SAFE) == (bench.state, bench.pen.state)
    assert bench.memory.current is None
    assert "stopped by key" == bench.memory.stop_reason
    assert bench.want(IntentKind.RESUME).refusals


@pytest.mark.req("SR-005")
def test_stop_in_stopping_after_a_pause_gives_up_the_pause(bench: Bench) -> None:
    """The stronger wish wins, and the pass is closed."""
    to_state(bench, State.STOPPING)
    bench.want(IntentKind.STOP)
    bench.until(State.IDLE, State.PAUSED)

    assert (State.IDLE, None) == (bench.state, bench.memory.current)


def test_stop_voids_a_start_that_waits_for_the_disk(bench: Bench) -> None:
    """Nothing that was wished before STOP comes after it."""
    bench.to_armed()
    bench.durable_lag = 2
    bench.want(IntentKind.START)
    bench.want(IntentKind.STOP)
    bench.rest(30)

    assert (State.IDLE, [("forehead", 1, "not_delivered")]) == (bench.state, bench.outcomes)
    assert OrderKind.START not in bench.orders


@pytest.mark.req("SR-009")
def test_silent_pen_is_told_to_stop_after_150_ms(bench: Bench) -> None:
    """Renewals are tried while the last measurement is fresh, and not a scan longer."""
    bench.to_running()
    bench.rest(3)
    bench.lost_requests = 20
    bench.until(State.STOPPING)

    *_, now_ms, decision = bench.log[-1]
    assert bench.telemetry is not None
    assert 150 < now_ms - bench.telemetry.received_ms <= 200
    assert OrderKind.STOP is order_of_last_scan(bench)
    assert ["telemetry-stale"] == [str(c.code) for c in decision.memory.causes]

    bench.until(State.IDLE)
    assert [("forehead", 1, "uncertain")] == bench.outcomes


@pytest.mark.req("SR-021")
@pytest.mark.parametrize(
    ("late_ms", "expected"),
    [
        ([41], State.RUNNING),
        ([41, 41], State.RUNNING),
        ([40] * 20, State.RUNNING),
        ([41, 41, 41], State.STOPPING),
        ([41, *[0] * 8, 41, 0, 41], State.STOPPING),
        ([41, *[0] * 15, 41, 41], State.RUNNING),
    ],
)
def test_third_late_scan_within_a_second_stops(
    bench: Bench, late_ms: list[int], expected: State
) -> None:
    """A computer that is too slow to watch the needles stops them in that very scan."""
    bench.to_running()
    for bench.late_ms in late_ms:
        bench.scan()

    assert expected is bench.state
    assert (expected is State.STOPPING) == (order_of_last_scan(bench) is OrderKind.STOP)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("state", [State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING])
@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        ("record_failure", "no space left", "record-failed"),
        ("driver_is_present", False, "driver-lost"),
    ],
)
def test_host_that_fails_stops_needles_that_are_out(
    bench: Bench, state: State, attribute: str, value: object, code: str
) -> None:
    """In every state with needles out STOP leaves in the scan that sees it."""
    to_state(bench, state)
    setattr(bench, attribute, value)
    bench.scan()

    assert (State.STOPPING, [code]) == (bench.state, bench.codes)
    assert OrderKind.STOP is order_of_last_scan(bench)
    reason = bench.memory.causes[0].sentence
    assert ("stop", {"source": "trip", "reason": reason}) in bench.entries
    assert reason == bench.memory.stop_reason

    bench.until(State.IDLE)
    assert all(outcome != "planned" for *_, outcome in bench.outcomes)


@pytest.mark.req("SR-014")
def test_record_that_failed_before_keeps_the_pen_unarmed(bench: Bench) -> None:
    """Nothing moves that could not be written down, and the refusal says why."""
    bench.to_planned()
    bench.record_failure = "no space left"
    decision = bench.want(IntentKind.ARM)

    assert (State.PLANNED, ["no space left"]) == (
        bench.state,
        [refusal.reason for refusal in decision.refusals],
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_button_down": True, "state": PenState.STOPPING}, "pen-button"),
        ({"is_button_down": True}, "pen-button"),
        ({"lease_ended": True, "state": PenState.SAFE}, "lease-ended"),
        ({"state": PenState.SAFE}, "pen-stopped-itself"),
        ({"state": PenState.SERVICE}, "pen-stopped-itself"),
        ({"knows_depth": False}, "depth-unknown"),
    ],
)
def test_pen_that_is_not_as_ordered_is_stopped(
    bench: Bench, changes: dict[str, object], code: str
) -> None:
    """Button, lease, a stop of its own and an unknown depth stop it, each by its own name."""
    bench.to_running()
    for name, value in changes.items():
        setattr(bench.pen, name, value)
    bench.rest(2)

    assert (State.STOPPING, code) == (bench.state, bench.codes[0])
    assert OrderKind.STOP is order_of_last_scan(bench)


@pytest.mark.req("SR-006", "SR-037", "HZ-22")
@pytest.mark.parametrize("limits_hash", [0x957A, 0x1234])
def test_cartridge_taken_out_while_running_latches(bench: Bench, limits_hash: int) -> None:
    """Whether the pen's limits change with it or not."""
    bench.to_running()
    bench.pen.has_cartridge, bench.pen.limits_hash = False, limits_hash
    bench.rest(2)

    assert (State.FAULT, ["cartridge-out"]) == (bench.state, bench.codes)
    assert OrderKind.STOP is order_of_last_scan(bench)


def test_cartridge_may_be_changed_between_passes_and_stop_still_ends_in_idle(bench: Bench) -> None:
    """An empty pen at rest is no fault, not even while somebody presses STOP."""
    bench.to_planned()
    bench.pen.has_cartridge, bench.pen.limits_hash = False, 0
    bench.rest(3)
    bench.want(IntentKind.STOP)
    bench.until(State.IDLE)

    assert [] == bench.codes


@pytest.mark.req("SR-005", "HZ-10")
def test_pen_that_ignores_stop_is_an_emergency_and_keeps_hearing_stop(bench: Bench) -> None:
    """More than 60 ms after STOP the motor may not be driven; nothing but STOP is said then."""
    bench.to_running()
    bench.pen.obeys_stop = False
    bench.want(IntentKind.STOP)
    since = len(bench.log)
    bench.until(State.ESTOP)

    *_, now_ms, _ = bench.log[-1]
    *_, stop_ms, _ = bench.log[since - 1]
    assert now_ms - stop_ms <= 150
    assert ["stop-ignored"] == bench.codes

    bench.rest(100)
    assert {OrderKind.STOP} == set(bench.orders[-100:])
    assert State.ESTOP is bench.state

    bench.pen.obeys_stop = True
    bench.rest(5)
    assert (State.ESTOP, OrderKind.POLL) == (bench.state, order_of_last_scan(bench))


def test_pen_that_keeps_its_needles_out_after_stop_is_an_emergency(bench: Bench) -> None:
    """READY is no rest either, though its motor is off."""
    bench.to_armed()
    bench.pen.obeys_stop = False
    bench.want(IntentKind.STOP)
    bench.rest(3)

    assert (State.ESTOP, PenState.READY) == (bench.state, bench.pen.state)


@pytest.mark.parametrize(("driven_ms", "expected"), [(60, State.STOPPING), (61, State.ESTOP)])
def test_motor_may_be_driven_60_ms_after_stop(
    bench: Bench, driven_ms: int, expected: State
) -> None:
    """The bound itself still obeys."""
    bench.to_running()
    bench.pen.obeys_stop = False
    bench.want(IntentKind.PAUSE)
    assert bench.telemetry is not None
    received_ms = bench.memory.entered_ms + driven_ms
    bench.telemetry = replace(bench.telemetry, received_ms=received_ms)
    bench.now_ms = bench.memory.entered_ms + 100
    bench.scan()

    assert expected is bench.state


@pytest.mark.req("SR-006", "SR-039", "HZ-12")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.PAUSED])
def test_motor_that_nobody_asked_for_is_stopped_and_latched(bench: Bench, state: State) -> None:
    """A pen that runs for somebody else, or by itself, is a technician's matter."""
    to_state(bench, state)
    bench.pen.state, bench.pen.speed_dhz, bench.pen.obeys_stop = PenState.RUN, 1_000, False
    bench.rest(2)

    assert (State.FAULT, ["motion-unasked"]) == (bench.state, bench.codes)
    assert OrderKind.STOP is order_of_last_scan(bench)

    bench.rest(4)
    assert State.ESTOP is bench.state


def test_link_lost_in_every_state_leads_to_offline_unless_latched(bench: Bench) -> None:
    """No order leaves without a link, and a latched state stays."""
    bench.to_armed()
    bench.link_is_up = False
    bench.scan()
    assert (State.OFFLINE, None) == (bench.state, order_of_last_scan(bench))

    bench.until(State.CONNECTING)
    assert () == bench.scan().firings
    assert (State.CONNECTING, None) == (bench.state, order_of_last_scan(bench))

    bench.link_is_up = True
    bench.to_planned()
    to_state(bench, State.FAULT)
    reason, current = bench.memory.stop_reason, bench.memory.current
    bench.link_is_up = False
    assert () == bench.scan().firings
    assert (State.FAULT, None) == (bench.state, order_of_last_scan(bench))
    assert (reason, current) == (bench.memory.stop_reason, bench.memory.current)


def test_overspeed_is_believed_the_second_time(bench: Bench) -> None:
    """One glitch runs on, two in a row latch."""
    bench.to_running()
    bench.rest(3)
    bench.pen.speed_dhz = 1_110
    bench.scan()
    bench.pen.speed_dhz = 1_000
    bench.rest(3)
    assert State.RUNNING is bench.state

    bench.pen.speed_dhz = 1_110
    bench.rest(3)
    assert (State.FAULT, ["overspeed"]) == (bench.state, bench.codes)
