"""From the wish to START to its order: nothing leaves early, twice, late or unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safety.facts import Intent, IntentKind, Role
from safety.memory import Asked
from safety.progress import START_WAIT_MS
from safety.states import OrderKind, State

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
    assert START_WAIT_MS == 1_000

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
    both = (Intent(IntentKind.START, "key", area="forehead"),) * 2
    bench.scan(*both)
    bench.scan(*both)
    bench.until(State.RUNNING)

    assert 1 == bench.orders.count(OrderKind.START)
    assert 1 == [kind for kind, _ in bench.entries].count("pass_planned")


def test_start_is_refused_when_it_comes_with_arm_in_one_scan(bench: Bench) -> None:
    """The needles have not settled yet, so both in one breath is one too many."""
    bench.to_planned()
    decision = bench.scan(Intent(IntentKind.ARM), Intent(IntentKind.START, area="forehead"))

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


@pytest.mark.req("SR-033")
@pytest.mark.parametrize("area", ["", "cheek", "Forehead"])
def test_start_for_another_area_than_the_one_armed_is_refused(bench: Bench, area: str) -> None:
    """A stale page names what it shows, and that is not what would be treated."""
    bench.to_armed()
    decision = bench.scan(Intent(IntentKind.START, "key", area=area))

    assert (State.ARMED, ["SR-033"], 0) == (bench.state, rules(decision), bench.memory.start_entry)


@pytest.mark.req("SR-014", "SR-035")
def test_start_that_waits_for_the_disk_keeps_its_person_and_area(bench: Bench) -> None:
    """Who asked, when, and for which area is looked at again when START leaves."""
    bench.to_armed()
    bench.durable_lag = 2
    bench.want(IntentKind.START)
    asked_ms = bench.now_ms - 50

    assert Asked(Role.PRACTITIONER, "forehead") == bench.memory.asked
    assert asked_ms == bench.memory.asked_ms

    bench.memory.asked = Asked(Role.TECHNICIAN, "cheek")
    bench.rest(4)
    refused = [r.rule for *_, d in bench.log for r in d.refusals]
    assert (State.ARMED, ["SR-035", "SR-033"]) == (bench.state, refused)
    assert [("forehead", 1, "not_delivered")] == bench.outcomes


def test_start_that_nobody_is_known_to_have_asked_for_names_no_area(bench: Bench) -> None:
    """What is not known is not taken for a yes."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.memory.asked = None

    assert ["SR-033"] == rules(bench.scan())
    assert State.ARMED is bench.state
