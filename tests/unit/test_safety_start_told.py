"""What became of START: the pen is asked, and what nobody can tell counts and stops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import IntentKind
from safety.states import Event, OrderKind, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench


@pytest.mark.req("SR-011")
def test_lost_answer_to_start_is_asked_for_and_found_executed(bench: Bench) -> None:
    """POLL, never START again; the pen's last order tells that it was taken."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_answers = 1
    bench.rest(2)

    assert State.UNKNOWN_OUTCOME is bench.state
    assert [OrderKind.START, OrderKind.POLL] == bench.orders[-2:]

    bench.scan()
    assert State.RUNNING is bench.state
    assert [OrderKind.START, OrderKind.POLL, OrderKind.RENEW] == bench.orders[-3:]


@pytest.mark.req("SR-011")
def test_lost_start_is_found_not_executed_and_needs_a_new_wish(bench: Bench) -> None:
    """The pen's last order is still ARM: back to ARMED, and nothing starts by itself."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_requests = 1
    bench.rest(3)

    assert State.ARMED is bench.state
    assert [("forehead", 1, "not_delivered")] == bench.outcomes

    bench.rest(20)
    assert 1 == bench.orders.count(OrderKind.START)

    bench.want(IntentKind.START)
    bench.until(State.RUNNING)
    assert 2 == bench.orders.count(OrderKind.START)
    assert [("forehead", 1, "planned")] == bench.outcomes


@pytest.mark.req("SR-007", "SR-011")
def test_forged_answer_after_a_lost_start_settles_nothing(bench: Bench) -> None:
    """Only a status that came after START tells; an exception of the line's own making does not."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_answers = 1
    bench.scan()
    bench.forged_answers = 1
    bench.rest(2)

    assert State.UNKNOWN_OUTCOME is bench.state
    assert [("forehead", 1, "planned")] == bench.outcomes

    bench.scan()
    assert State.RUNNING is bench.state


@pytest.mark.req("SR-007", "SR-011")
def test_status_of_the_millisecond_in_which_start_was_decided_settles_nothing(bench: Bench) -> None:
    """It may have come before START left, so the next one is waited for."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_answers = 1
    bench.scan()
    assert bench.telemetry is not None
    passed_ms = bench.memory.entered_ms - bench.telemetry.received_ms
    tick_ms = bench.telemetry.tick_ms + passed_ms
    bench.telemetry = replace(bench.telemetry, received_ms=bench.memory.entered_ms, tick_ms=tick_ms)
    bench.scan()
    assert State.UNKNOWN_OUTCOME is bench.state

    bench.scan()
    assert State.RUNNING is bench.state


@pytest.mark.req("SR-011")
def test_start_that_was_never_exchanged_is_not_settled_by_an_older_answer(bench: Bench) -> None:
    """If the loop reports another exchange than START, its outcome stays unknown."""
    bench.to_armed()
    bench.want(IntentKind.START)
    before = bench.exchanged
    bench.scan()
    bench.exchanged = before
    bench.scan()

    assert State.UNKNOWN_OUTCOME is bench.state
    assert [("forehead", 1, "planned")] == bench.outcomes


@pytest.mark.req("SR-007")
def test_unknown_start_that_stays_silent_is_stopped_and_counts(bench: Bench) -> None:
    """After 150 ms without an answer STOP leaves, and the pass is uncertain."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_requests = 6
    bench.until(State.STOPPING)

    assert ["telemetry-stale"] == bench.codes
    assert [OrderKind.START, OrderKind.POLL, OrderKind.POLL, OrderKind.STOP] == bench.orders[-4:]

    bench.until(State.IDLE)
    assert [("forehead", 1, "uncertain")] == bench.outcomes


def test_start_refused_by_the_pen_stops(bench: Bench) -> None:
    """A pen that says no is not asked again."""
    bench.to_armed()
    bench.pen.obeys_start = False
    bench.want(IntentKind.START)
    bench.rest(2)

    assert (State.STOPPING, ["order-refused"]) == (bench.state, bench.codes)
    assert "START: wrong state" in bench.memory.stop_reason

    bench.until(State.IDLE)
    assert [("forehead", 1, "not_delivered")] == bench.outcomes


def test_pen_that_leaves_ready_before_it_answers_to_start_is_stopped(bench: Bench) -> None:
    """While the outcome is unknown the pen is in READY or RUN, or something is wrong."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_requests = 1
    bench.scan()
    bench.pen.stop()
    bench.rest(2)

    assert (State.STOPPING, ["pen-stopped-itself"]) == (bench.state, bench.codes)


@pytest.mark.req("SR-007", "SR-011")
@pytest.mark.parametrize(
    ("strokes", "other_order"),
    [(1, None), (2**32 - 1, None), (0, (1, 99)), (0, (0, 0)), (1, (1, 99))],
)
def test_start_of_which_nobody_can_tell_counts_and_stops(
    bench: Bench, strokes: int, other_order: tuple[int, int] | None
) -> None:
    """A counter that moved, or another order since ARM: the pass is uncertain, somebody looks."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_requests = 1
    bench.scan()
    bench.pen.strokes = (bench.pen.strokes + strokes) % 2**32
    bench.pen.last_order = other_order or bench.pen.last_order
    bench.rest(2)

    reason = "nobody knows whether the needles ran"
    assert (State.STOPPING, reason) == (bench.state, bench.memory.stop_reason)
    assert OrderKind.STOP is bench.orders[-1]
    assert ("stop", {"source": "trip", "reason": reason}) in bench.entries
    assert Event.TRIP_STOP in [firing.event for firing in bench.log[-1][-1].firings]

    bench.until(State.IDLE)
    assert [("forehead", 1, "uncertain")] == bench.outcomes
    assert 200 == bench.memory.ledger.strokes_of("forehead")


@pytest.mark.req("SR-011")
def test_started_pass_is_written_down_with_the_moment_of_its_confirmation(bench: Bench) -> None:
    """Contact and running time count from there."""
    bench.to_running()
    current = bench.memory.current

    assert ("pass_started", {"area": "forehead", "number": 1}) in bench.entries
    assert current is not None
    assert current.begun_ms == bench.memory.entered_ms == bench.now_ms - 50
    assert current.contact_ms == current.begun_ms
