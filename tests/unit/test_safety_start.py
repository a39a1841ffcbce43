"""From the wish to START to running needles: nothing leaves early, twice, late or unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import Calibration, Intent, IntentKind, Role
from safety.memory import Asked
from safety.progress import START_WAIT_MS
from safety.states import Event, OrderKind, PenState, State

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


@pytest.mark.req("SR-006", "SR-034", "HZ-18", "H07")
@pytest.mark.parametrize("is_late", [False, True])
def test_arming_ends_after_30_s(bench: Bench, is_late: bool) -> None:
    """Whoever armed and walked away finds the needles back in; the bound itself still waits."""
    bench.to_armed()
    while bench.now_ms - bench.memory.armed_ms <= 30_000 + 50 * is_late:
        bench.scan()

    assert (State.STOPPING if is_late else State.ARMED) is bench.state
    if is_late:
        assert OrderKind.STOP is bench.orders[-1]
        assert "armed too long without a start" == bench.memory.stop_reason

        bench.until(State.PLANNED)
        assert (None, 0) == (bench.memory.current, bench.pen.depth_um)
        assert ["ARM", "DISARM", "STILL_AFTER_PASS"] == [
            body["event"] for kind, body in bench.entries if kind == "state"
        ][-3:]


@pytest.mark.req("SR-006", "H07")
def test_lost_start_does_not_lengthen_the_arming(bench: Bench) -> None:
    """The 30 s count from ARM, whatever happened in between."""
    bench.to_armed()
    bench.rest(500)
    bench.want(IntentKind.START)
    bench.lost_requests = 1
    bench.rest(3)
    assert State.ARMED is bench.state

    bench.rest(105)
    assert State.PLANNED is bench.state


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


def test_ready_pen_that_another_token_armed_is_stopped_first(bench: Bench) -> None:
    """Needles that somebody else put out are not ours to start."""
    bench.to_planned()
    bench.want(IntentKind.ARM)
    bench.rest(2)
    assert PenState.READY is bench.pen.state

    bench.pen.last_order = (999, 1)
    bench.rest(2)
    assert OrderKind.STOP is bench.orders[-1]


@pytest.mark.req("SR-033")
@pytest.mark.parametrize("area", ["", "cheek", "Forehead"])
def test_start_for_another_area_than_the_one_armed_is_refused(bench: Bench, area: str) -> None:
    """A stale page names what it shows, and that is not what would be treated."""
    bench.to_armed()
    decision = bench.scan(Intent(IntentKind.START, "key", area=area))

    assert (State.ARMED, ["SR-033"], 0) == (bench.state, rules(decision), bench.memory.start_entry)


@pytest.mark.req("SR-033", "SR-035")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PRACTITIONER])
def test_nobody_but_a_practitioner_plans_arms_starts_and_resumes(bench: Bench, role: Role) -> None:
    """Each of the four wishes is refused, and the state stays."""
    bench.until(State.IDLE)
    for state, kind, onward in (
        (State.IDLE, IntentKind.PLAN, bench.to_planned),
        (State.PLANNED, IntentKind.ARM, bench.to_armed),
        (State.ARMED, IntentKind.START, lambda: bench.want(IntentKind.PAUSE)),
        (State.PAUSED, IntentKind.RESUME, None),
    ):
        bench.until(state)
        name = role.name.lower()
        expected = f"a {name} may not treat"

        assert expected in [r.reason for r in bench.want(kind, role).refusals]
        assert state is bench.state
        if onward is not None:
            onward()


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


@pytest.mark.req("SR-033")
@pytest.mark.parametrize(
    ("attribute", "value", "rule"),
    [
        ("calibration", None, "SR-033"),
        ("calibration", Calibration(60, is_in_date=False), "SR-033"),
        ("record_failure", "no space", "SR-014"),
        ("identity", None, "SR-015"),
    ],
)
def test_arming_needs_what_the_session_needs(
    bench: Bench, attribute: str, value: object, rule: str
) -> None:
    """Each is asked for by itself and named when it is missing."""
    bench.to_planned()
    setattr(bench, attribute, value)

    assert [rule] == rules(bench.want(IntentKind.ARM))
    assert State.PLANNED is bench.state


@pytest.mark.req("SR-036")
def test_arming_needs_a_self_test(bench: Bench) -> None:
    """A memory that says it was not tested is believed."""
    bench.to_planned()
    bench.memory.tested = 2

    assert ["SR-036"] == rules(bench.want(IntentKind.ARM))
