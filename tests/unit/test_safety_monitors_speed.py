"""The stroke speed: overspeed, droop, drag, no feedback; each at its bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safety.ledger import AreaPlan
from safety.limits import Quantity, absolute_limits
from safety.monitors.rack import find_causes
from safety.monitors.speed import slowest_dhz
from safety.monitors.view import View
from safety.states import PenState
from tests.unit.tape import NOW_MS, PLAN, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


DEEP = replace(PLAN, depth_um=2_000, speed_dhz=1_300)


def with_plan(tape: Tape, plan: AreaPlan) -> None:
    """Let another plan be at hand."""
    assert tape.memory.current is not None
    tape.memory.current.plan = plan


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("speed_dhz", "is_over"),
    [(0, False), (1_099, False), (1_100, False), (1_101, True), (None, False)],
)
def test_overspeed_is_reported_beyond_110_percent_the_second_time(
    speed_dhz: int | None, is_over: bool, tape: Tape
) -> None:
    """The tolerance itself is within, one telemetry may be a glitch, unknown is no overspeed."""
    once = tape.play(**(RUN | {"speed_dhz": speed_dhz}))
    twice = tape.play()

    assert "overspeed" not in once
    assert is_over == ("overspeed" in twice)
    assert is_over == ("overspeed" in tape.play())


@pytest.mark.parametrize("good_dhz", [None, 1_100])
def test_overspeed_counts_in_a_row_only(good_dhz: int | None, tape: Tape) -> None:
    """A good value, or none, between two bad ones makes them single again."""
    tape.play(**(RUN | {"speed_dhz": 1_200}))
    tape.play(speed_dhz=good_dhz)

    assert "overspeed" not in tape.play(speed_dhz=1_200)


def test_overspeed_needs_a_pass(tape: Tape) -> None:
    """Without a set value nothing is too fast."""
    tape.memory.current = None

    assert "overspeed" not in tape.play(3, **(RUN | {"speed_dhz": 2_000}))
    assert 0 == tape.watch.overspeed_count


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(("speed_dhz", "is_slow"), [(899, True), (900, False), (1_000, False)])
def test_droop_is_reported_below_90_percent_for_200_ms(
    speed_dhz: int, is_slow: bool, tape: Tape
) -> None:
    """Three telemetries are not enough, four are."""
    tape.play(8, **RUN)

    after_3, after_4 = tape.play(3, speed_dhz=speed_dhz), tape.play()

    assert "speed-droop" not in after_3
    assert is_slow == ("speed-droop" in after_4)


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("speed_dhz", "is_still_slow"), [(919, True), (920, False), (1_000, False)]
)
def test_droop_ends_at_92_percent_after_a_while(
    speed_dhz: int, is_still_slow: bool, tape: Tape
) -> None:
    """Between 90 and 92 percent nothing changes."""
    tape.play(8, **RUN)
    tape.play(4, speed_dhz=850)

    after_20, after_21 = tape.play(20, speed_dhz=speed_dhz), tape.play()

    assert "speed-droop" in after_20
    assert is_still_slow == ("speed-droop" in after_21)


def test_slow_motor_is_not_judged_before_it_has_spun_up(tape: Tape) -> None:
    """Spin-up takes up to 300 ms: the first seven telemetries say nothing, the eighth counts."""
    tape.play(6, **(RUN | {"speed_dhz": 400}))
    tape.play(ms=49)
    at_bound = (tape.watch.driven_ms, tape.watch.droop_ms)
    tape.play(ms=1)

    assert (300, 0) == at_bound
    assert (301, 1) == (tape.watch.driven_ms, tape.watch.droop_ms)


def test_motor_that_was_off_spins_up_anew(tape: Tape) -> None:
    """All levels of a run end with it."""
    tape.play(12, **(RUN | {"speed_dhz": 400}))
    tape.play(2, speed_dhz=0)
    tape.play(is_driven=False)
    watch = tape.watch

    assert [0, 0, 0, 0] == [
        watch.driven_ms,
        watch.droop_ms,
        watch.dragging_ms,
        watch.no_feedback_ms,
    ]


def test_droop_and_drag_need_a_pass(tape: Tape) -> None:
    """Without a set value nothing is too slow."""
    tape.memory.current = None
    found = tape.play(14, **(RUN | {"speed_dhz": 1}))

    assert not found & {"speed-droop", "speed-dragging"}
    assert 0 == tape.watch.floor_dhz


@pytest.mark.req("SR-031", "SR-039")
@pytest.mark.parametrize(("depth_um", "floor_dhz"), [(250, 500), (500, 500), (501, 800)])
def test_lowest_speed_is_the_one_that_may_be_set(depth_um: int, floor_dhz: int) -> None:
    """It is the lower bound of the absolute limits."""
    low = next(x.low for x in absolute_limits(depth_um) if x.quantity is Quantity.SPEED_DHZ)

    assert floor_dhz == slowest_dhz(depth_um) == low


@pytest.mark.parametrize("depth_um", [1, 750, 1_500, 2_500])
def test_lowest_speed_follows_the_limits_at_every_depth(depth_um: int) -> None:
    """The same rule is not written twice."""
    low = next(x.low for x in absolute_limits(depth_um) if x.quantity is Quantity.SPEED_DHZ)

    assert low == slowest_dhz(depth_um)


@pytest.mark.req("SR-031", "SR-039", "HZ-16", "H04")
@pytest.mark.parametrize(("off_dhz", "drags"), [(-1, True), (0, False), (1, False)])
def test_drag_is_reported_below_92_percent_of_the_lowest_speed(
    off_dhz: int, drags: bool, tape: Tape
) -> None:
    """What load takes off a good motor is allowed for; two telemetries are not enough."""
    with_plan(tape, DEEP)
    tape.play(8, **(RUN | {"speed_dhz": 1_300}))
    bound_dhz = -(-slowest_dhz(2_000) * 92 // 100)

    after_2, after_3 = tape.play(2, speed_dhz=bound_dhz + off_dhz), tape.play()

    assert "speed-dragging" not in after_2
    assert drags == ("speed-dragging" in after_3)


@pytest.mark.req("SR-031", "SR-039")
@pytest.mark.parametrize(("speed_dhz", "level_ms"), [(459, 100), (460, 0)])
def test_92_percent_of_the_lowest_speed_do_not_drag(
    speed_dhz: int, level_ms: int, tape: Tape
) -> None:
    """Of 50 strokes/s a good motor keeps 46, to the tenth."""
    with_plan(tape, AreaPlan("a", 250, 500, 2, 3_000, 40_000))
    tape.play(8, **(RUN | {"speed_dhz": 500}))
    tape.play(2, speed_dhz=speed_dhz)

    assert level_ms == tape.watch.dragging_ms


@pytest.mark.req("SR-041")
def test_drag_ends_after_a_while_of_good_speed(tape: Tape) -> None:
    """1 s, 21 telemetries."""
    with_plan(tape, DEEP)
    tape.play(8, **(RUN | {"speed_dhz": 1_300}))
    tape.play(3, speed_dhz=600)

    after_20, after_21 = tape.play(20, speed_dhz=1_300), tape.play()

    assert "speed-dragging" in after_20
    assert "speed-dragging" not in after_21


@pytest.mark.req("SR-039", "SR-040")
@pytest.mark.parametrize(("speed_dhz", "is_blind"), [(0, True), (None, True), (1, False)])
def test_driven_motor_without_speed_is_reported_after_150_ms(
    speed_dhz: int | None, is_blind: bool, tape: Tape
) -> None:
    """Nothing measured and nothing known are the same; spinning up is no excuse."""
    after_2 = tape.play(2, **(RUN | {"speed_dhz": speed_dhz}))
    after_3 = tape.play()

    assert "speed-no-feedback" not in after_2
    assert is_blind == ("speed-no-feedback" in after_3)


@pytest.mark.req("SR-041")
def test_speed_that_comes_and_goes_is_reported(tape: Tape) -> None:
    """One good value takes away a quarter of what a bad one adds."""
    pattern = [0, 1_000, 0, 1_000, 0, 1_000, 0]

    found = ["speed-no-feedback" in tape.play(**(RUN | {"speed_dhz": dhz})) for dhz in pattern]

    assert [False] * 6 + [True] == found


def test_speed_causes_carry_their_numbers(tape: Tape) -> None:
    """Measured and set, or only measured where nothing is set."""
    with_plan(tape, DEEP)
    tape.play(8, **(RUN | {"speed_dhz": 1_300}))
    tape.play(4, speed_dhz=600)
    tape.memory.watch.overspeed_count = 2
    tape.memory.watch.no_feedback_ms = 150

    found = {str(c.code): c.detail for c in find_causes(View(tape.memory, tape.facts, NOW_MS))}
    tape.memory.current = None
    alone = {str(c.code): c.detail for c in find_causes(View(tape.memory, tape.facts, NOW_MS))}
    silent = replace(tape.facts, telemetry=None)
    unheard = {str(c.code): c.detail for c in find_causes(View(tape.memory, silent, NOW_MS))}

    numbers = "measured 600 dHz, set 1300 dHz"
    assert found["overspeed"] == found["speed-droop"] == found["speed-no-feedback"] == numbers
    assert found["speed-dragging"] == f"{numbers}, lowest at this depth {slowest_dhz(2_000)} dHz"
    assert alone["overspeed"] == "measured 600 dHz"
    assert unheard["overspeed"] == "measured not known"
