"""What comes around a treatment: port, identity, session, service, areas and the dose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from safety.facts import Intent, IntentKind, PenIdentity, Role
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import Memory
from safety.progress import RECONNECT_MS
from safety.states import Event, OrderKind, State
from tests.unit.scan_talk import TECHNICIAN, events, rules, step, written

if TYPE_CHECKING:
    from tests.unit.conftest import Bench


def wait_until_reconnecting(bench: Bench, **changes: Any) -> None:
    """See a port that has just been let go left alone until a second has passed."""
    assert RECONNECT_MS == 1_000
    while bench.now_ms - bench.memory.entered_ms < RECONNECT_MS:
        assert () == step(bench, **changes).firings
    assert [Event.CONNECT] == events(step(bench, **changes))


# --- port and identity --------------------------------------------------------------------


def test_port_is_opened_only_when_somebody_wants_it(bench: Bench) -> None:
    """A closed port stays closed by itself."""
    assert () == step(bench, link_is_wanted=False).firings
    assert [Event.CONNECT] == events(step(bench))
    assert State.CONNECTING is bench.state


def test_port_that_cannot_be_opened_is_given_up(bench: Bench) -> None:
    """It is tried again from the beginning a second later, should somebody still want it."""
    step(bench, link_is_up=False)
    assert () == step(bench, link_is_up=False).firings
    assert [Event.LINK_REFUSED] == events(step(bench, link_failure="no such port"))
    assert State.OFFLINE is bench.state

    wait_until_reconnecting(bench)
    assert [Event.LINK_UP] == events(step(bench))
    assert State.IDENTIFYING is bench.state


def test_port_that_was_lost_is_left_alone_for_a_second(bench: Bench) -> None:
    """A hand that pulled a cable needs as long to put it back, and the record stays short."""
    bench.until(State.LOCKED)

    assert [Event.LINK_LOST] == events(step(bench, link_is_up=False))
    wait_until_reconnecting(bench, link_is_up=False)
    assert State.CONNECTING is bench.state


@pytest.mark.req("SR-015")
def test_unfit_pen_is_refused_and_never_spoken_to(bench: Bench) -> None:
    """Neither a test nor an order goes to a pen without lease or depth sense."""
    bench.identity = PenIdentity(42, 7, 0x957A, 200, "the pen has no lease")
    bench.rest(20)

    assert Event.IDENTITY_REFUSED in [f.event for *_, d in bench.log for f in d.firings]
    assert bench.state in (State.OFFLINE, State.CONNECTING, State.IDENTIFYING)
    assert [] == bench.orders


@pytest.mark.req("SR-005", "SR-015")
@pytest.mark.parametrize("kind", [IntentKind.STOP, IntentKind.ESTOP])
def test_stop_that_a_person_asks_for_goes_out_before_anything_is_known(
    bench: Bench, kind: IntentKind
) -> None:
    """Whatever is at the other end; but not where there is no line."""
    bench.identity = None
    bench.rest(3)
    assert State.IDENTIFYING is bench.state
    bench.want(kind)
    assert [OrderKind.STOP] == bench.orders

    bench.link_is_up = False
    bench.want(kind)
    assert [OrderKind.STOP] == bench.orders


@pytest.mark.parametrize("state", [State.LOCKED, State.IDLE, State.PLANNED])
def test_port_is_closed_by_a_wish_where_nothing_moves(bench: Bench, state: State) -> None:
    """DISCONNECT leads to OFFLINE; while needles are out it is refused."""
    bench.session_is_open = state is not State.LOCKED
    if state is State.PLANNED:
        bench.to_planned()
    else:
        bench.until(state)
    bench.want(IntentKind.DISCONNECT)
    assert State.OFFLINE is bench.state
    bench.rest(30)
    assert State.OFFLINE is bench.state

    step(bench, link_is_wanted=False)
    assert not bench.memory.was_disconnected
    bench.session_is_open = True
    bench.to_armed()
    assert ["SR-004"] == rules(bench.want(IntentKind.DISCONNECT))


# --- session and service ------------------------------------------------------------------


@pytest.mark.req("SR-035")
def test_pen_stays_locked_until_a_session_is_open(bench: Bench) -> None:
    """Nothing is planned before, and the session is let in by itself."""
    bench.session_is_open = False
    bench.until(State.LOCKED)
    bench.rest(10)
    assert State.LOCKED is bench.state
    assert ["SR-004"] == rules(bench.want(IntentKind.PLAN))

    bench.session_is_open = True
    bench.scan()
    assert State.IDLE is bench.state


@pytest.mark.req("SR-014")
def test_pen_stays_locked_while_the_record_cannot_be_written(bench: Bench) -> None:
    """A session that leaves no trace does not begin."""
    bench.record_failure = "no space"
    bench.until(State.LOCKED)
    bench.rest(2)

    assert (State.LOCKED, ["SR-014"]) == (bench.state, rules(bench.scan()))


@pytest.mark.req("SR-034")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.PAUSED])
def test_session_that_ends_at_rest_locks_the_pen(bench: Bench, state: State) -> None:
    """Whatever was planned or paused is dropped, and the next session begins with a plan."""
    bench.to_planned()
    if state is State.IDLE:
        bench.want(IntentKind.FINISH)
    elif state is State.PAUSED:
        bench.to_running()
        bench.want(IntentKind.PAUSE)
        bench.until(State.PAUSED)
    bench.session_is_open = False
    decision = bench.scan()

    assert (State.LOCKED, [Event.SESSION_EXPIRED]) == (bench.state, events(decision))
    assert bench.memory.current is None
    bench.session_is_open = True
    bench.scan()
    assert State.IDLE is bench.state


@pytest.mark.req("SR-034", "SR-005")
@pytest.mark.parametrize("state", [State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING])
def test_session_that_ends_while_needles_are_out_stops_them_first(
    bench: Bench, state: State
) -> None:
    """Then the pen is locked, and nothing of the pass is forgotten."""
    bench.to_armed()
    if state is not State.ARMED:
        bench.want(IntentKind.START)
        bench.lost_answers = int(state is State.UNKNOWN_OUTCOME)
        bench.scan()
        bench.rest(5 if state is State.RUNNING else 0)
    assert state is bench.state
    bench.session_is_open = False
    decision = bench.scan()

    assert decision.order is not None
    assert (State.STOPPING, OrderKind.STOP) == (bench.state, decision.order.kind)
    assert "the session has ended" == bench.memory.stop_reason
    bench.until(State.LOCKED)
    assert (state is not State.ARMED) == bool(bench.outcomes)
    assert "planned" not in [outcome for *_, outcome in bench.outcomes]
    if state is State.RUNNING:
        assert [("forehead", 1, "partial")] == bench.outcomes


def test_session_is_left_by_a_wish(bench: Bench) -> None:
    """LOCK at rest holds until that session was closed, and is refused while needles are out."""
    bench.to_planned()
    bench.want(IntentKind.LOCK)
    bench.rest(30)
    assert (State.LOCKED, True) == (bench.state, bench.memory.was_locked)

    step(bench, session_is_open=False)
    assert not bench.memory.was_locked
    bench.to_planned()
    bench.to_armed()
    assert ["SR-004"] == rules(bench.want(IntentKind.LOCK))


@pytest.mark.req("SR-035", "S04", "HZ-41")
@pytest.mark.parametrize("role", list(Role))
def test_service_is_a_technician_s_and_ends_in_a_self_test(bench: Bench, role: Role) -> None:
    """What was done to the pen is tested before anybody is treated with it."""
    bench.session_is_open = False
    bench.until(State.LOCKED)
    bench.rest(2)
    decision = bench.want(IntentKind.SERVICE_ENTER, role)
    if role is not TECHNICIAN:
        assert (State.LOCKED, ["SR-035"]) == (bench.state, rules(decision))
        return

    bench.rest(5)
    assert State.SERVICE is bench.state
    bench.want(IntentKind.SERVICE_LEAVE, role)
    assert (State.SELFTEST, 0) == (bench.state, bench.memory.tested)
    bench.until(State.LOCKED)


@pytest.mark.req("SR-035")
def test_service_gives_way_to_a_session_that_opens(bench: Bench) -> None:
    """A patient's session finds a pen that was tested after the technician had it."""
    bench.session_is_open = False
    bench.until(State.LOCKED)
    bench.rest(2)
    bench.want(IntentKind.SERVICE_ENTER, TECHNICIAN)
    bench.session_is_open = True
    decision = bench.scan()

    assert (State.SELFTEST, [Event.SERVICE_LEAVE]) == (bench.state, events(decision))
    bench.until(State.IDLE)


# --- areas and dose -----------------------------------------------------------------------


@pytest.mark.req("SR-033", "HZ-55")
def test_area_that_a_person_chooses_is_armed_next(bench: Bench) -> None:
    """The choice is written down, and a pass at hand is dropped by it."""
    bench.to_planned()
    bench.scan(Intent(IntentKind.CHANGE_AREA, "key", area="cheek"))
    assert (State.PLANNED, "cheek") == (bench.state, bench.memory.area)
    assert [{"area": "cheek", "source": "key"}] == written(bench, "area_chosen")

    bench.to_running()
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    bench.scan(Intent(IntentKind.CHANGE_AREA, "key", area="forehead"))
    assert (State.PLANNED, None) == (bench.state, bench.memory.current)

    bench.want(IntentKind.ARM)
    assert bench.memory.current is not None
    assert ("forehead", 1) == (bench.memory.current.plan.area, bench.memory.current.number)


@pytest.mark.req("SR-033")
@pytest.mark.parametrize("area", ["", "chin"])
def test_area_that_is_not_planned_is_refused(bench: Bench, area: str) -> None:
    """Nothing is remembered or written down of it."""
    bench.to_planned()
    decision = bench.scan(Intent(IntentKind.CHANGE_AREA, "key", area=area))

    assert (["SR-033"], "", []) == (
        rules(decision),
        bench.memory.area,
        written(bench, "area_chosen"),
    )


@pytest.mark.req("SR-032")
def test_area_whose_dose_is_used_up_is_not_armed(bench: Bench) -> None:
    """Though passes are left, the strokes are not."""
    plan = AreaPlan("forehead", 750, 1_000, 5, 200, 400)
    bench.memory = Memory(plan=(plan,))
    bench.to_planned()
    for _ in range(5):
        if bench.want(IntentKind.ARM).refusals:
            break
        bench.rest(6)
        bench.want(IntentKind.START)
        bench.until(State.PLANNED)

    assert [("forehead", 1, "delivered")] == bench.outcomes
    assert ["SR-007"] == rules(bench.log[-1][-1])
    assert 200 < bench.memory.ledger.strokes_of("forehead") <= 210


@pytest.mark.req("SR-032")
@pytest.mark.parametrize(("used", "expected"), [(200, State.ARMED), (201, State.PAUSED)])
def test_paused_pass_is_resumed_only_within_the_dose(
    bench: Bench, used: int, expected: State
) -> None:
    """Its own strokes do not count twice."""
    plan = AreaPlan("forehead", 750, 1_000, 2, 200, 400)
    ledger = Ledger((Pass("forehead", 1, Outcome.PARTIAL, 200),))
    bench.memory = Memory(plan=(plan,), ledger=ledger)
    bench.to_running()
    bench.rest(10)
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)
    own = bench.memory.ledger.passes[-1]
    bench.memory.ledger = Ledger((Pass("forehead", 1, Outcome.PARTIAL, used), own))
    bench.want(IntentKind.RESUME)

    assert expected is bench.state
    assert own.strokes > 0
