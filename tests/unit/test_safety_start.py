"""From the wish to START to running needles: nothing leaves early, twice, late or unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import Intent, IntentKind
from safety.states import OrderKind, PenState, State

if TYPE_CHECKING:
    from safety.memory import Decision
    from tests.unit.conftest import Bench


def started_at(bench: Bench) -> int:
    """Return the number of the scan whose order was START."""
    kinds = [None if d.order is None else d.order.kind for *_, d in bench.log]
    return kinds.index(OrderKind.START)


def rules(decision: Decision) -> list[str]:
    """Return the requirements that refused something in this scan."""
    return [refusal.rule for refusal in decision.refusals]


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("lag", [0, 1, 5])
def test_start_leaves_as_soon_as_its_entry_is_durable_and_not_before(
    bench: Bench, lag: int
) -> None:
    """Writing down comes before moving, however long the disk takes."""
    bench.to_armed()
    bench.durable_lag = lag
    bench.want(IntentKind.START)
    asked, announced = len(bench.log) - 1, bench.memory.start_entry
    bench.until(State.RUNNING)

    start = started_at(bench)
    _, facts, *_ = bench.log[start]
    _, facts_before, *_ = bench.log[start - 1]
    assert asked + 1 + lag == start
    assert facts_before.durable < announced <= facts.durable


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(("scans", "is_waiting"), [(21, True), (22, False)])
def test_start_that_waits_for_the_disk_is_given_up_after_one_second(
    bench: Bench, scans: int, is_waiting: bool
) -> None:
    """Needles that move long after the key was pressed would surprise."""
    bench.to_armed()
    bench.durable_lag = None
    bench.want(IntentKind.START)
    bench.rest(scans - 1)

    assert (State.ARMED, is_waiting) == (bench.state, bench.memory.start_entry > 0)

    bench.durable_lag = 0
    bench.rest(3)
    assert is_waiting == (OrderKind.START in bench.orders)


@pytest.mark.req("SR-014")
def test_start_given_up_is_refused_with_its_reason(bench: Bench) -> None:
    """The person at the pen learns that the disk was too slow."""
    bench.to_armed()
    bench.durable_lag = None
    bench.want(IntentKind.START)
    bench.rest(20)

    assert ["SR-014"] == rules(bench.scan())
    assert [("forehead", 1, "not_delivered")] == bench.outcomes


@pytest.mark.req("SR-011")
def test_second_wish_to_start_while_the_first_waits_changes_nothing(bench: Bench) -> None:
    """An impatient finger does not start twice, nor write twice."""
    bench.to_armed()
    bench.durable_lag = 3
    both = Intent(IntentKind.START, "key"), Intent(IntentKind.START, "key")
    bench.scan(*both)
    bench.scan(*both)
    bench.until(State.RUNNING)

    assert 1 == bench.orders.count(OrderKind.START)
    assert 1 == [kind for kind, _ in bench.entries].count("pass_planned")


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
    bench.telemetry = replace(bench.telemetry, received_ms=bench.memory.entered_ms)
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


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(("scans", "expected"), [(594, State.ARMED), (595, State.PLANNED)])
def test_arming_ends_after_30_s(bench: Bench, scans: int, expected: State) -> None:
    """Whoever armed and walked away finds the needles back in."""
    bench.to_armed()
    bench.rest(scans)

    assert expected is bench.state
    if expected is State.PLANNED:
        assert bench.memory.current is None
        assert OrderKind.STOP is bench.orders[-1]
        assert not bench.pen.depth_um


@pytest.mark.req("SR-006")
def test_lost_start_does_not_lengthen_the_arming(bench: Bench) -> None:
    """The 30 s count from ARM, whatever happened in between."""
    bench.to_armed()
    bench.rest(500)
    bench.want(IntentKind.START)
    bench.lost_requests = 1
    bench.rest(3)
    assert State.ARMED is bench.state

    bench.rest(100)
    assert State.PLANNED is bench.state


def test_start_is_refused_when_it_comes_with_arm_in_one_scan(bench: Bench) -> None:
    """The needles have not settled yet, so both in one breath is one too many."""
    bench.to_planned()
    decision = bench.scan(Intent(IntentKind.ARM), Intent(IntentKind.START))

    assert (State.ARMED, ["SR-003"]) == (bench.state, rules(decision))
    assert 0 == bench.memory.start_entry


@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.RUNNING])
def test_start_is_refused_where_it_is_not_listed(bench: Bench, state: State) -> None:
    """START needs ARM before it, and once is enough."""
    if state is State.RUNNING:
        bench.to_running()
    else:
        bench.to_planned()
        if state is State.IDLE:
            bench.want(IntentKind.FINISH)
    decision = bench.want(IntentKind.START)

    assert (state, ["SR-004"]) == (bench.state, rules(decision))


def test_start_is_refused_until_the_needles_have_settled(bench: Bench) -> None:
    """READY alone is not enough."""
    bench.to_planned()
    bench.want(IntentKind.ARM)
    bench.rest(2)
    decision = bench.want(IntentKind.START)

    assert (State.ARMED, ["SR-003"]) == (bench.state, rules(decision))
    assert "wanted are READY and 0.750 mm" in decision.refusals[0].reason


def test_condition_that_goes_between_wish_and_start_keeps_the_needles_still(bench: Bench) -> None:
    """All guards but the disk are looked at twice: when asked, and when START would leave."""
    bench.to_armed()
    bench.durable_lag = 1
    bench.want(IntentKind.START)
    bench.pen.extra_depth_um = 60
    bench.rest(2)

    assert (State.ARMED, [("forehead", 1, "not_delivered")]) == (bench.state, bench.outcomes)
    assert OrderKind.START not in bench.orders


@pytest.mark.req("SR-015")
def test_arming_needs_an_identified_pen(bench: Bench) -> None:
    """An identity that was lost on the way is missed at once."""
    bench.to_planned()
    bench.identity = None

    assert ["SR-015"] == rules(bench.want(IntentKind.ARM))
    assert State.PLANNED is bench.state


def test_ready_pen_that_another_token_armed_is_stopped_first(bench: Bench) -> None:
    """Needles that somebody else put out are not ours to start."""
    bench.to_planned()
    bench.want(IntentKind.ARM)
    bench.rest(2)
    assert PenState.READY is bench.pen.state

    bench.pen.last_order = (999, 1)
    bench.rest(2)
    assert OrderKind.STOP is bench.orders[-1]
