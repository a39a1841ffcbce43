"""The drag rule against floating-point trigonometry and against the figures of [DOM]."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safety import drag
from safety.drag import SHARE_PPM, speed_dhz_undragged
from safety.errors import QuantityError


def share(depth_um: float) -> float:
    """Return the share of a turn in the skin at a stroke of 3 mm. Source: [DOM] 4.4."""
    return math.acos(1 - 2 * depth_um / 3_000) / math.pi


def drag_um(depth_um: float, speed_dhz: int) -> float:
    """Return how far a hand of 50 mm/s drags a needle per stroke. Source: [DOM] 4.4."""
    return 50_000 * share(depth_um) * 10 / speed_dhz


def test_shares_are_those_that_trigonometry_gives_rounded_up() -> None:
    """The stored table is the formula at every 50 um up to the deepest protrusion."""
    expected = tuple(math.ceil(share(depth_um) * 1_000_000) for depth_um in range(0, 2_501, 50))

    assert expected == SHARE_PPM


@pytest.mark.parametrize(
    ("depth_um", "speed_dhz", "time_ms"),
    [(500, 500, 5.4), (1_000, 500, 7.8), (1_500, 500, 10.0), (1_000, 1_170, 3.4), (500, 800, 3.4)],
)
def test_shares_give_the_published_times_in_the_skin(
    depth_um: int, speed_dhz: int, time_ms: float
) -> None:
    """The figures of [DOM] 4.4 come out to a tenth of a millisecond."""
    assert time_ms == pytest.approx(SHARE_PPM[depth_um // 50] / 100 / speed_dhz, abs=0.06)


def test_constants_are_the_ones_decided() -> None:
    """Stroke, hand, longest drag and the step at 0.5 mm change only in the open."""
    expected = (3_000, 50_000, 268, 500, 800, 50, 1_000_000)

    assert expected == (
        drag.STROKE_UM,
        drag.HAND_UM_PER_S,
        drag.DRAG_UM_MAX,
        drag.DRAG_DEPTH_UM,
        drag.DRAG_SPEED_DHZ_MIN,
        drag.SHARE_STEP_UM,
        drag.PPM,
    )


def test_longest_drag_is_the_one_of_50_hz_at_half_a_millimetre() -> None:
    """It is the least whole number with which 50 Hz goes to 0.5 mm."""
    assert drag.DRAG_UM_MAX == math.ceil(drag_um(500, 500))


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(
    ("depth_um", "speed_dhz"),
    [
        (0, 0),
        (1, 154),
        (50, 154),
        (51, 219),
        (100, 219),
        (500, 500),
        (501, 800),
        (1_150, 800),
        (1_151, 814),
        (1_200, 814),
        (1_500, 933),
        (2_000, 1_135),
        (2_450, 1_341),
        (2_451, 1_367),
        (2_500, 1_367),
        (2_501, 1_367),
        (65_535, 1_367),
    ],
)
def test_slowest_speed_at_a_depth_is_the_one_worked_out_by_hand(
    depth_um: int, speed_dhz: int
) -> None:
    """Between two entries the deeper one counts, and beyond the table the last one."""
    assert speed_dhz == speed_dhz_undragged(depth_um)


@pytest.mark.req("SR-001", "SR-031")
def test_slowest_speed_keeps_the_drag_and_is_the_slowest_that_does_at_every_entry() -> None:
    """No depth drags further than allowed, and a tenth of a stroke less would."""
    for depth_um in range(1, 2_501):
        speed_dhz = speed_dhz_undragged(depth_um)
        assert drag_um(depth_um, speed_dhz) <= 268
        if depth_um % 50 == 0 and not 500 < depth_um <= 1_150:
            assert drag_um(depth_um, speed_dhz - 1) > 268


@pytest.mark.req("SR-001", "SR-031", "H04")
def test_slowest_speed_never_falls_with_depth() -> None:
    """A deeper needle is never allowed to be slower."""
    speeds = [speed_dhz_undragged(depth_um) for depth_um in range(2_600)]

    assert sorted(speeds) == speeds


@pytest.mark.req("SR-002")
@pytest.mark.parametrize("bad", [-1, 65_536, True, None, float("nan"), 500.0, "500"])
def test_depth_that_is_no_quantity_is_refused(bad: Any) -> None:
    """What does not fit a register has no slowest speed."""
    with pytest.raises(QuantityError, match=r"^depth_um = "):
        speed_dhz_undragged(bad)
