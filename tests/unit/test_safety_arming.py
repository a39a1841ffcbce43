"""Arming: who may, what it needs, whose needles they are, and how long it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safety.facts import Calibration, IntentKind, Role
from safety.states import OrderKind, PenState, State

if TYPE_CHECKING:
    from safety.memory import Decision
    from tests.unit.conftest import Bench


def rules(decision: Decision) -> list[str]:
    """Return the requirements that refused something in this scan."""
    return [refusal.rule for refusal in decision.refusals]


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


def test_ready_pen_that_another_token_armed_is_stopped_first(bench: Bench) -> None:
    """Needles that somebody else put out are not ours to start."""
    bench.to_planned()
    bench.want(IntentKind.ARM)
    bench.rest(2)
    assert PenState.READY is bench.pen.state

    bench.pen.last_order = (999, 1)
    bench.rest(2)
    assert OrderKind.STOP is bench.orders[-1]


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
