"""Treatments played from end to end in virtual time: passes, pauses, contact and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from safety.facts import IntentKind
from safety.ledger import AreaPlan
from safety.states import OrderKind, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

ALL_DELIVERED = [
    ("forehead", 1, "delivered"),
    ("forehead", 2, "delivered"),
    ("cheek", 1, "delivered"),
    ("cheek", 2, "delivered"),
]


def ended(bench: Bench) -> list[dict[str, Any]]:
    """Return the bodies of all entries that close a pass."""
    return [body for kind, body in bench.entries if kind == "pass_ended"]


@pytest.mark.req("SR-001", "SR-007")
def test_plan_of_two_areas_and_two_passes_is_delivered_and_ends_in_idle(bench: Bench) -> None:
    """Every pass is armed and started by hand, delivered in full, and written down once."""
    bench.to_planned()
    for expected in range(1, 5):
        bench.to_running()
        bench.until(State.PLANNED)

        assert ALL_DELIVERED[:expected] == bench.outcomes

    assert bench.want(IntentKind.ARM).refusals
    bench.want(IntentKind.FINISH)
    bench.rest(20)

    assert (State.IDLE, []) == (bench.state, bench.codes)
    assert [(b["area"], b["number"], b["outcome"]) for b in ended(bench)] == ALL_DELIVERED
    assert all(200 <= b["strokes_in_contact"] <= 210 for b in ended(bench))
    for once in (OrderKind.OPEN, OrderKind.ARM, OrderKind.START):
        assert 4 == bench.orders.count(once)


def test_every_pass_is_driven_with_the_values_granted_for_its_area(bench: Bench) -> None:
    """Depth and speed of ARM, START and RENEW are those of the plan, and change with the area."""
    bench.to_planned()
    for _ in range(4):
        bench.to_running()
        bench.until(State.PLANNED)

    moving = [
        (order.depth_um, order.speed_dhz)
        for *_, decision in bench.log
        if (order := decision.order) is not None
        and order.kind in (OrderKind.ARM, OrderKind.START, OrderKind.RENEW)
    ]
    assert {(750, 1_000), (500, 800)} == set(moving)
    assert sorted(moving, reverse=True) == moving


def test_journal_numbers_count_from_one_without_a_gap(bench: Bench) -> None:
    """The order of what happened can be told from the numbers alone."""
    bench.to_running()
    bench.until(State.PLANNED)

    numbers = [entry.number for *_, decision in bench.log for entry in decision.entries]

    assert list(range(1, len(numbers) + 1)) == numbers
    assert bench.memory.entries == len(numbers)


def test_pass_is_ended_by_hand_and_counts_as_partial(bench: Bench) -> None:
    """What was delivered in part is not delivered again."""
    bench.to_running()
    bench.rest(10)
    bench.want(IntentKind.PASS_DONE)
    bench.until(State.PLANNED)

    assert [("forehead", 1, "partial")] == bench.outcomes
    assert "ended by key" == ended(bench)[0]["reason"]

    bench.want(IntentKind.ARM)
    assert bench.memory.current is not None
    assert 2 == bench.memory.current.number


@pytest.mark.req("SR-008", "HZ-57")
def test_pass_without_any_contact_is_not_delivered_and_does_not_count(bench: Bench) -> None:
    """Strokes in the air are no treatment; the same pass comes again."""
    bench.pen.has_contact = False
    bench.to_running()
    bench.rest(10)
    bench.want(IntentKind.PASS_DONE)
    bench.until(State.PLANNED)

    assert [("forehead", 1, "not_delivered")] == bench.outcomes
    assert 0 == ended(bench)[0]["strokes_in_contact"]
    assert 40 < ended(bench)[0]["strokes_total"]

    bench.want(IntentKind.ARM)
    assert bench.memory.current is not None
    assert 1 == bench.memory.current.number


@pytest.mark.req("SR-008", "SR-042", "HZ-57", "HZ-75")
def test_air_pauses_and_resume_goes_on_with_the_same_pass(bench: Bench) -> None:
    """Strokes made before the pause are carried, and nothing resumes by itself."""
    bench.to_running()
    bench.rest(10)
    bench.pen.has_contact = False
    bench.until(State.PAUSED, scans=220)
    before = ended(bench)[-1]["strokes_in_contact"]

    assert ("no-contact", "partial") == (
        next(body["code"] for kind, body in bench.entries if kind == "fault"),
        bench.outcomes[0][2],
    )

    bench.rest(100)
    assert State.PAUSED is bench.state

    bench.pen.has_contact = True
    bench.to_running()
    bench.until(State.PLANNED)

    planned = [body for kind, body in bench.entries if kind == "pass_planned"]
    assert [0, before] == [body["strokes_in_contact_before"] for body in planned]
    assert [("forehead", 1, "delivered")] == bench.outcomes
    assert 200 <= ended(bench)[-1]["strokes_in_contact"] <= 210
    assert before > 40


def test_pause_by_hand_is_refused_nowhere_while_needles_are_out(bench: Bench) -> None:
    """ARMED, UNKNOWN_OUTCOME and RUNNING all take it, and STOP leaves at once."""
    for lead in (bench.to_armed, bench.to_running):
        lead()
        decision = bench.want(IntentKind.PAUSE)

        assert decision.order is not None
        assert (OrderKind.STOP, State.STOPPING) == (decision.order.kind, bench.state)

        bench.until(State.PAUSED)
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.scan()
    assert State.UNKNOWN_OUTCOME is bench.state

    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    assert "paused by key" == bench.memory.stop_reason


def test_pause_between_start_and_its_order_sends_no_start(bench: Bench) -> None:
    """Whoever pauses while the disk still writes gets no movement at all."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)

    assert OrderKind.START not in bench.orders
    assert [("forehead", 1, "not_delivered")] == bench.outcomes


@pytest.mark.req("SR-007")
def test_pass_that_is_done_while_pausing_is_not_resumed(bench: Bench) -> None:
    """Strokes that were still made while braking may complete the pass; nothing is left then."""
    bench.to_running()
    while bench.pen.strokes < 1_197:
        bench.scan()
    bench.want(IntentKind.PAUSE)
    bench.until(State.PLANNED, State.PAUSED)

    assert (State.PLANNED, [("forehead", 1, "delivered")]) == (bench.state, bench.outcomes)
    assert bench.memory.current is None


@pytest.mark.req("SR-007")
def test_resumed_pass_that_is_not_started_stays_partial(bench: Bench) -> None:
    """What was delivered before the pause is not forgotten when START fails afterwards."""
    bench.to_running()
    bench.rest(10)
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    bench.durable_lag = None
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.rest(30)

    assert (State.ARMED, [("forehead", 1, "partial")]) == (bench.state, bench.outcomes)
    assert "not started" == ended(bench)[-1]["reason"]


@pytest.mark.req("SR-007")
def test_resumed_pass_that_loses_its_link_before_start_stays_partial(bench: Bench) -> None:
    """A link that goes before START takes nothing back from what was delivered."""
    bench.to_running()
    bench.rest(10)
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    bench.durable_lag = None
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.link_is_up = False
    bench.scan()

    assert (State.OFFLINE, [("forehead", 1, "partial")]) == (bench.state, bench.outcomes)


@pytest.mark.req("SR-007")
def test_link_lost_mid_pass_makes_it_uncertain_and_counts(bench: Bench) -> None:
    """Nobody saw the end, so it counts, and the plan goes on with the next pass."""
    bench.to_running()
    bench.rest(5)
    bench.link_is_up = False
    decision = bench.scan()

    assert (State.OFFLINE, None) == (bench.state, decision.order)
    assert [("forehead", 1, "uncertain")] == bench.outcomes
    assert "the link was lost" == ended(bench)[-1]["reason"] == bench.memory.stop_reason

    bench.rest(20)
    bench.link_is_up = True
    bench.to_planned()
    bench.want(IntentKind.ARM)
    assert bench.memory.current is not None
    assert 2 == bench.memory.current.number


@pytest.mark.req("SR-007")
def test_silence_while_pausing_leaves_nothing_to_resume(bench: Bench) -> None:
    """Needles that ran unseen, in the air before and after, may have been on skin in between."""
    bench.pen.has_contact = False
    bench.to_running()
    bench.rest(3)
    bench.pen.has_contact = True
    bench.lost_requests = 8
    bench.want(IntentKind.PAUSE)
    bench.rest(7)
    bench.pen.has_contact = False
    bench.until(State.PLANNED)

    assert 0 < bench.pen.strokes_on_skin
    assert (["uncertain"], None) == (
        [body["outcome"] for body in ended(bench)],
        bench.memory.current,
    )
    assert [("forehead", 1, "uncertain")] == bench.outcomes

    bench.to_running()
    assert [("forehead", 1, "uncertain"), ("forehead", 2, "planned")] == bench.outcomes


@pytest.mark.req("SR-007")
def test_strokes_are_counted_across_the_wrap_of_the_counter(bench: Bench) -> None:
    """The pen's counter starts again at 2^32, the pass does not notice."""
    bench.pen.strokes = 2**32 - 100
    bench.to_running()
    bench.until(State.PLANNED)

    assert bench.pen.strokes < 200
    assert [("forehead", 1, "delivered")] == bench.outcomes
    assert 200 <= ended(bench)[0]["strokes_total"] <= 210


def test_pass_that_takes_too_long_is_paused(bench: Bench) -> None:
    """Five minutes on one pass are not normal, in contact or not."""
    bench.memory.plan = (AreaPlan("forehead", 750, 1_000, 1, 100_000, 100_000),)
    bench.to_running()
    for scan in range(6_100):
        # Now and then the pen is lifted, so that it does not dwell; and it gets warm.
        bench.pen.has_contact = scan % 200 > 10
        bench.pen.temperature_mdegc = 24_000 + 2 * scan
        if State.PAUSED is bench.state:
            break
        bench.scan()

    assert "pass-too-long" in [b.get("code") for _, b in bench.entries]
    assert 300_000 < ended(bench)[0]["duration_ms"] < 300_200


def test_finish_from_a_pause_keeps_the_partial_pass(bench: Bench) -> None:
    """Ending early forgets nothing."""
    bench.to_running()
    bench.rest(5)
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    bench.want(IntentKind.FINISH)

    assert (State.IDLE, None) == (bench.state, bench.memory.current)
    assert [("forehead", 1, "partial")] == bench.outcomes
