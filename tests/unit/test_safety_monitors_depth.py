"""The protrusion: over-depth, tracking, no effect, unknown; each at its bound."""

from __future__ import annotations

import pytest

from safety.facts import PenIdentity
from safety.monitors.rack import find_causes
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


@pytest.mark.req("SR-020", "SR-039")
@pytest.mark.parametrize(
    ("depth_um", "is_over"), [(-1, False), (949, False), (950, False), (951, True), (None, False)]
)
def test_over_depth_is_reported_beyond_set_value_plus_tolerance(
    depth_um: int | None, is_over: bool, tape: Tape
) -> None:
    """The pen's tolerance itself is still within, and one telemetry is enough."""
    found = tape.play(**(RUN | {"depth_um": depth_um}))

    assert is_over == ("over-depth" in found)


@pytest.mark.req("SR-020", "HZ-50")
@pytest.mark.parametrize(
    ("tolerance_um", "deepest_um"),
    [(0, 750), (249, 999), (250, 1_000), (251, 1_000), (65_535, 1_000)],
)
def test_tolerance_of_a_pen_is_believed_up_to_a_quarter_millimetre(
    tolerance_um: int, deepest_um: int, tape: Tape
) -> None:
    """A pen cannot talk its over-depth away."""
    tape.memory.identity = PenIdentity(42, 7, 0x957A, tolerance_um)

    at_bound = tape.play(**(RUN | {"depth_um": deepest_um}))
    beyond = tape.play(depth_um=deepest_um + 1)

    assert "over-depth" not in at_bound
    assert "over-depth" in beyond


@pytest.mark.parametrize("missing", ["current", "identity"])
def test_over_depth_needs_something_to_compare_with(missing: str, tape: Tape) -> None:
    """Without a pass, or a known pen, there is no set value and no tolerance."""
    setattr(tape.memory, missing, None)

    assert "over-depth" not in tape.play(**(RUN | {"depth_um": 2_000}))


def test_over_depth_says_what_was_measured_and_set(tape: Tape) -> None:
    """The sentence carries area and numbers."""
    tape.play(**(RUN | {"depth_um": 951}))
    view = View(tape.memory, tape.facts, NOW_MS)

    details = [c.detail for c in find_causes(view) if c.code == "over-depth"]

    assert details == ["a: measured 0.951 mm, set 0.750 mm"]


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("off_um", "is_off"), [(-101, True), (-100, False), (0, False), (100, False), (101, True)]
)
def test_depth_off_its_set_value_is_reported_the_second_time(
    off_um: int, is_off: bool, tape: Tape
) -> None:
    """100 um either way are allowed; a single glitch is none."""
    tape.play(is_settled=True, **RUN)

    once = tape.play(depth_um=750 + off_um)
    twice = tape.play()

    assert "depth-tracking" not in once
    assert is_off == ("depth-tracking" in twice)


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("off_um", "is_still_off"), [(-51, True), (-50, False), (50, False), (51, True)]
)
def test_depth_is_good_again_only_within_50_um_for_a_while(
    off_um: int, is_still_off: bool, tape: Tape
) -> None:
    """Between 50 and 100 um nothing changes; within 50 it takes 1 s, 21 telemetries."""
    tape.play(is_settled=True, **RUN)
    tape.play(2, depth_um=900)

    after_20, after_21 = tape.play(20, depth_um=750 + off_um), tape.play()

    assert "depth-tracking" in after_20
    assert is_still_off == ("depth-tracking" in after_21)


@pytest.mark.parametrize("state", list(PenState))
def test_depth_is_judged_only_once_settled_and_while_needles_are_out(
    state: PenState, tape: Tape
) -> None:
    """On their way the needles are not where they shall be, and at rest nobody asks."""
    is_out = state in (PenState.READY, PenState.RUN)

    unsettled = tape.play(2, state=state, depth_um=500, is_settled=False)
    settled = tape.play(2, is_settled=True)

    assert "depth-tracking" not in unsettled
    assert is_out == ("depth-tracking" in settled)


def test_depth_has_to_settle_anew_after_needles_were_in(tape: Tape) -> None:
    """What was settled before a stop says nothing about the next time."""
    tape.play(is_settled=True, **RUN)
    tape.play(2, depth_um=500)
    tape.play(state=PenState.SAFE, is_settled=False)

    assert "depth-tracking" not in tape.play(2, state=PenState.RUN)
    assert not tape.watch.has_settled


@pytest.mark.parametrize("is_known", [False, True])
def test_tracking_needs_a_pass_and_a_depth(is_known: bool, tape: Tape) -> None:
    """What is not known is not off, and what was never set neither."""
    tape.play(is_settled=True, **RUN)
    if is_known:
        tape.memory.current = None

    assert "depth-tracking" not in tape.play(3, depth_um=1_000 if is_known else None)


@pytest.mark.req("SR-040")
@pytest.mark.parametrize("depth_um", [None, 0])
def test_needles_that_never_settle_are_reported_after_two_seconds(
    depth_um: int | None, tape: Tape
) -> None:
    """Ordered out, and not there: 2,000 ms are allowed; a depth that is not known is none."""
    tape.memory.state = State.ARMED
    out = ARMED | {"is_settled": False, "depth_um": depth_um}

    at_bound, beyond = tape.play(40, **out), tape.play(ms=1)

    assert "depth-no-effect" not in at_bound
    assert "depth-no-effect" in beyond


def test_needles_that_settled_once_are_not_said_to_be_without_effect(tape: Tape) -> None:
    """A pen that runs may no longer show the flag."""
    tape.memory.state = State.ARMED
    tape.play(39, **(ARMED | {"is_settled": False}))
    tape.play(is_settled=True)

    assert 0 == tape.watch.unsettled_ms
    assert "depth-no-effect" not in tape.play(50, is_settled=False)
    assert 0 == tape.watch.unsettled_ms


def test_time_to_settle_counts_anew_after_needles_were_in(tape: Tape) -> None:
    """Each time they are ordered out they have two seconds."""
    tape.memory.state = State.ARMED
    tape.play(40, **(ARMED | {"is_settled": False}))
    tape.play(state=PenState.SAFE)

    assert 0 == tape.watch.unsettled_ms


@pytest.mark.req("SR-040")
@pytest.mark.parametrize("depth_um", [None, 0, 750])
def test_unknown_depth_is_reported_at_once(depth_um: int | None, tape: Tape) -> None:
    """A depth of 0 is known; none is not."""
    assert (depth_um is None) == ("depth-unknown" in tape.play(**(RUN | {"depth_um": depth_um})))


def test_depth_causes_speak_without_a_pass(tape: Tape) -> None:
    """Where nothing was set only what was measured is told."""
    tape.memory.current = None
    tape.play(41, **(ARMED | {"is_settled": False, "depth_um": None}))
    view = View(tape.memory, tape.facts, NOW_MS)
    tape.memory.state = State.ARMED

    found = {str(c.code): c.detail for c in find_causes(View(tape.memory, tape.facts, NOW_MS))}

    assert view.current is None
    assert found["depth-no-effect"] == "measured not known"
