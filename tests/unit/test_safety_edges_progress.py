"""Edges of what follows by itself: which order was ours, which moment counts, what is left over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.errors import InvariantBroken
from safety.facts import Exchanged, IntentKind, Role
from safety.progress import RECONNECT_MS
from safety.states import Event, OrderKind, PenState, State
from tests.unit.scan_talk import events, step
from tests.unit.ways_into_states import to_paused, to_state, to_unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import Bench


@pytest.mark.req("SR-011")
def test_arming_after_a_lost_answer_still_begins_with_open(bench: Bench) -> None:
    """The POLL that settles the lost one is not taken for this arming's OPEN."""
    bench.to_planned()
    bench.lost_answers = 1
    bench.rest(1)
    begun = len(bench.orders)
    bench.want(IntentKind.ARM)
    bench.rest(2)

    assert [OrderKind.POLL, OrderKind.OPEN, OrderKind.ARM] == bench.orders[begun:]


def test_open_that_was_exchanged_for_no_arming_is_not_ours(bench: Bench) -> None:
    """Only while armed an OPEN may have left."""
    bench.to_planned()
    step(bench, exchanged=Exchanged(OrderKind.OPEN, (9, 9), True, True, ""))

    assert (State.PLANNED, None) == (bench.state, bench.memory.open_id)


@pytest.mark.req("SR-011")
def test_id_of_start_is_the_one_with_which_it_first_left(bench: Bench) -> None:
    """START leaves once, so no later exchange can be it."""
    to_unknown(bench)
    first = bench.exchanged
    bench.lost_answers = 1
    bench.rest(1)
    assert first is not None
    step(bench, exchanged=replace(first, order_id=(9, 9)))

    assert first.order_id == bench.memory.start_id


@pytest.mark.req("SR-011")
def test_start_of_a_pass_that_was_closed_is_not_remembered(bench: Bench) -> None:
    """It is the last exchange for as long as the line is down, and of no pass any more."""
    to_unknown(bench)
    bench.link_is_up = False
    bench.rest(3)

    assert bench.exchanged is not None
    assert (OrderKind.START, State.OFFLINE) == (bench.exchanged.kind, bench.state)
    assert (False, None) == (bench.memory.start_sent, bench.memory.start_id)


@pytest.mark.req("SR-037")
def test_reason_of_a_pause_stands_while_the_cartridge_is_in(bench: Bench) -> None:
    """Only one that is taken out is another reason."""
    to_paused(bench)
    bench.rest(3)

    assert (State.PAUSED, "paused by key") == (bench.state, bench.memory.stop_reason)


@pytest.mark.req("SR-037")
def test_cartridge_in_doubt_is_asked_for_once_it_is_in(bench: Bench) -> None:
    """Changed and taken out again before the needles were seen at rest, then put back."""
    bench.to_planned()
    bench.pen.speed_dhz = 1
    bench.want(IntentKind.STOP)
    for has_cartridge in (False, True, False):
        bench.pen.has_cartridge = has_cartridge
        bench.rest(2)
    assert (State.STOPPING, True) == (bench.state, bench.memory.is_cartridge_in_doubt)

    bench.pen.speed_dhz = 0
    bench.rest(4)
    assert (State.IDLE, True) == (bench.state, bench.memory.is_cartridge_in_doubt)

    bench.pen.has_cartridge = True
    bench.rest(1)
    assert [Event.CARTRIDGE_CHANGED, Event.IDENTIFIED] == events(bench.scan())


@pytest.mark.parametrize("now_ms", [0, 1, 999])
def test_port_is_opened_at_once_when_the_clock_has_just_begun(
    now_ms: int, new_bench: Callable[..., Bench]
) -> None:
    """Nothing was lost before, so there is nothing to wait for."""
    bench = new_bench(now_ms=now_ms)
    bench.scan()

    assert State.CONNECTING is bench.state


@pytest.mark.req("SR-036")
def test_test_that_is_complete_is_not_judged_without_a_measurement(bench: Bench) -> None:
    """There is nothing to refuse yet, either."""
    to_state(bench, State.SELFTEST)
    bench.memory.tested = 3
    decision = step(bench, telemetry=None)

    assert (State.SELFTEST, ()) == (bench.state, decision.firings)


@pytest.mark.req("SR-003")
def test_running_without_a_pass_is_a_contradiction_and_said_to_be_one(bench: Bench) -> None:
    """No order can be made of it, and nothing runs on."""
    bench.to_running()
    bench.memory.current = None

    with pytest.raises(InvariantBroken, match="RENEW without a pass at hand"):
        bench.scan()


@pytest.mark.req("SR-011")
def test_unknown_start_without_a_pass_is_only_asked_after(bench: Bench) -> None:
    """What became of it is nothing that could be written down."""
    to_unknown(bench)
    bench.rest(1)
    bench.memory.current = None
    bench.memory.state = State.UNKNOWN_OUTCOME
    bench.memory.start_id, bench.memory.start_sent = bench.pen.last_order, True
    decision = bench.scan()

    assert decision.order is not None
    assert (State.UNKNOWN_OUTCOME, OrderKind.POLL) == (bench.state, decision.order.kind)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize(("lacking", "is_done"), [(1, False), (0, True)])
def test_pass_is_done_with_its_last_stroke(lacking: int, is_done: bool, bench: Bench) -> None:
    """Not one stroke more is wanted."""
    bench.to_running()
    bench.rest(3)
    seen, current = bench.telemetry, bench.memory.current
    assert seen is not None
    assert current is not None
    left = current.plan.strokes_per_pass - current.strokes_in_contact - lacking
    strokes = bench.memory.seen_strokes + left
    decision = step(bench, telemetry=replace(seen, strokes=strokes))

    assert ([Event.PASS_DONE] if is_done else []) == events(decision)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(
    ("waited_ms", "is_waiting"), [(-1, False), (0, True), (1, True), (1_000, True), (1_001, False)]
)
def test_start_waits_for_the_disk_from_the_moment_it_was_asked_for(
    waited_ms: int, is_waiting: bool, bench: Bench
) -> None:
    """To the millisecond, and not on a clock that went back."""
    bench.to_armed()
    bench.durable_lag = None
    bench.want(IntentKind.START)
    bench.rest(1)
    bench.memory.asked_ms = bench.now_ms - waited_ms
    bench.scan()

    assert (State.ARMED, is_waiting) == (bench.state, bench.memory.start_entry > 0)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.PAUSED])
def test_reset_that_is_left_over_does_nothing_where_nothing_is_latched(
    state: State, bench: Bench
) -> None:
    """It is neither taken nor refused."""
    to_state(bench, state)
    bench.rest(2)
    bench.memory.reset_role = Role.TECHNICIAN
    decision = bench.scan()

    assert (state, ()) == (bench.state, decision.firings)


@pytest.mark.req("SR-006")
def test_fault_that_the_pen_does_not_share_is_reset_before_any_exchange(bench: Bench) -> None:
    """A line that has just come back need not have carried an order."""
    to_state(bench, State.FAULT)
    bench.pen.extra_depth_um = 0
    bench.rest(20)
    bench.want(IntentKind.RESET, Role.TECHNICIAN)
    decision = step(bench, exchanged=None)

    assert (State.SELFTEST, [Event.RESET]) == (bench.state, events(decision))


@pytest.mark.req("SR-006")
def test_reset_of_the_pen_waits_for_a_settled_exchange_and_then_leaves(bench: Bench) -> None:
    """An answered POLL in between is no answered RESET."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(20)
    assert (State.FAULT, PenState.FAULT) == (bench.state, bench.pen.state)

    bench.lost_answers = 1
    bench.rest(1)
    begun = len(bench.orders)
    bench.want(IntentKind.RESET)
    bench.rest(2)

    assert [OrderKind.POLL, OrderKind.RESET, OrderKind.POLL] == bench.orders[begun:]
    bench.until(State.IDLE)


def test_port_is_tried_again_after_a_second() -> None:
    """No scan comes at every millisecond, so that the figure itself is compared. [SAF] 2."""
    assert RECONNECT_MS == 1_000
