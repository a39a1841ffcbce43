"""The self-test: what a pen at rest must measure, how often, and how long it is waited for."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from safety import selftest
from safety.facts import IntentKind, Role, Telemetry
from safety.guards import STATUSES_NEEDED
from safety.selftest import has_failed, implausible
from safety.states import OrderKind, PenState, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

BOUNDS = [
    ("depth_um", "needle protrusion", -200, 200),
    ("speed_dhz", "speed", 0, 0),
    ("current_ma", "motor current", -100, 100),
    ("temperature_mdegc", "temperature", -10_000, 48_000),
    ("supply_mv", "supply", 3_300, 13_000),
]
"""What is measured, its name for people, and its bounds at rest."""


def test_pen_at_rest_is_plausible(telemetry: Telemetry) -> None:
    """The ordinary pen of these tests passes."""
    assert "" == implausible(telemetry)


@pytest.mark.req("SR-036", "SR-040")
@pytest.mark.parametrize(("quantity", "name", "low", "high"), BOUNDS)
def test_measurement_at_rest_lies_within_its_bounds(
    quantity: str, name: str, low: int, high: int, telemetry: Telemetry
) -> None:
    """Both bounds belong to what is plausible; what is not known is not."""
    for value in (low, high):
        assert "" == implausible(replace(telemetry, **{quantity: value}))
    for value in (low - 1, high + 1):
        text = implausible(replace(telemetry, **{quantity: value}))
        shown = f"{value / 1_000:.3f} mm" if quantity == "depth_um" else str(value)

        assert f"the {name} at rest is {shown}" == text
    assert f"the {name} is not known" == implausible(replace(telemetry, **{quantity: None}))


@pytest.mark.req("SR-036")
def test_statuses_count_only_of_a_pen_at_rest_with_its_motor_off(telemetry: Telemetry) -> None:
    """While it boots, brakes or is driven the count stays where it is."""
    for state, is_driven, tested in product(PenState, (False, True), (-2, 0, 2)):
        seen = replace(telemetry, state=state, is_driven=is_driven)
        counts = state is PenState.SAFE and not is_driven

        assert (max(tested, 0) + 1 if counts else tested) == selftest.tested_after(tested, seen)


@pytest.mark.req("SR-036")
@pytest.mark.parametrize(
    ("tested", "after_good", "after_bad"),
    [(-3, 1, -4), (-1, 1, -2), (0, 1, -1), (1, 2, -1), (2, 3, -1), (3, 4, -1)],
)
def test_only_statuses_in_a_row_add_up(
    tested: int, after_good: int, after_bad: int, telemetry: Telemetry
) -> None:
    """A single one of the other kind starts anew."""
    assert after_good == selftest.tested_after(tested, telemetry)
    assert after_bad == selftest.tested_after(tested, replace(telemetry, supply_mv=None))


@pytest.mark.parametrize(("tested", "expected"), [(-4, True), (-3, True), (-2, False), (3, False)])
def test_self_test_has_failed_after_three_implausible_statuses(tested: int, expected: bool) -> None:
    """As many as are needed to pass; and no pen is waited for longer than 5 s ([SAF] 3.1 H18)."""
    assert (3, 5_000) == (STATUSES_NEEDED, selftest.TIMEOUT_MS)
    assert expected == has_failed(tested)


@pytest.mark.req("SR-036")
def test_pen_is_locked_after_three_plausible_statuses(bench: Bench) -> None:
    """Not one earlier, and the motor stays off."""
    bench.session_is_open = False
    bench.until(State.SELFTEST)
    counts = []
    while bench.state is State.SELFTEST:
        bench.scan()
        counts.append(bench.memory.tested)

    assert ([0, 1, 2, 3], State.LOCKED) == (sorted({0, *counts}), bench.state)
    assert {OrderKind.POLL} == set(bench.orders)


@pytest.mark.req("SR-036", "SR-040")
@pytest.mark.parametrize("wrong", [{"extra_depth_um": 300}, {"knows_depth": False}], ids=str)
def test_implausible_pen_is_latched_and_nothing_can_be_planned(
    bench: Bench, wrong: dict[str, Any]
) -> None:
    """Three statuses in a row are enough, and the cause says what is wrong."""
    for name, value in wrong.items():
        setattr(bench.pen, name, value)
    bench.until(State.FAULT)

    assert "selftest-failed" in bench.codes
    assert -3 == bench.memory.tested
    assert bench.want(IntentKind.PLAN).refusals
    bench.rest(20)
    assert State.FAULT is bench.state


@pytest.mark.req("SR-036")
def test_pen_that_fails_and_is_reset_is_tested_anew(bench: Bench) -> None:
    """A reset does not walk around the test, and a technician is needed for it."""
    bench.pen.knows_depth = False
    bench.until(State.FAULT)
    bench.rest(3)
    bench.want(IntentKind.RESET, Role.TECHNICIAN)
    bench.rest(3)
    assert (State.SELFTEST, []) == (bench.state, bench.codes)

    bench.until(State.FAULT)
    bench.pen.knows_depth = True
    bench.rest(3)
    bench.want(IntentKind.RESET, Role.PRACTITIONER)
    bench.rest(10)
    assert State.FAULT is bench.state

    bench.want(IntentKind.RESET, Role.TECHNICIAN)
    bench.until(State.IDLE)
    assert [] == bench.codes


@pytest.mark.req("SR-036", "SR-038")
@pytest.mark.parametrize(("waited_ms", "expected"), [(5_000, []), (5_050, ["selftest-timeout"])])
def test_pen_that_never_rests_is_given_up_after_five_seconds(
    bench: Bench, waited_ms: int, expected: list[str]
) -> None:
    """The bound itself still waits; then the cause names the pen's state."""
    bench.pen.state = PenState.BOOT
    bench.until(State.SELFTEST)
    since_ms = bench.memory.entered_ms
    while bench.now_ms <= since_ms + waited_ms:
        bench.scan()

    assert expected == bench.codes
    assert (State.FAULT if expected else State.SELFTEST) is bench.state
    if expected:
        assert "it is BOOT after 5050 ms" == bench.memory.causes[0].detail


@pytest.mark.req("SR-036", "SR-038")
def test_pen_that_never_answers_is_given_up_too(bench: Bench) -> None:
    """No status at all is told apart from a wrong state."""
    bench.lost_requests = 1_000
    bench.until(State.FAULT)

    assert ["selftest-timeout"] == bench.codes
    assert "no answer after 5050 ms" == bench.memory.causes[0].detail


@pytest.mark.req("SR-036")
def test_old_status_does_not_pass_the_pen_on(bench: Bench) -> None:
    """What was plausible and then went silent is waited for."""
    bench.session_is_open = False
    bench.until(State.SELFTEST)
    while bench.memory.tested < 2:
        bench.scan()
    assert bench.telemetry is not None
    bench.now_ms += 200
    bench.scan()

    assert State.SELFTEST is bench.state
    assert ["SR-009"] == [refusal.rule for refusal in bench.log[-1][-1].refusals]
