"""The limit algebra by example: what is granted, why, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from safety.errors import QuantityError
from safety.limits import Grant, Layer, Limit, Quantity, absolute_limits, grant

DEPTH, SPEED = Quantity.DEPTH_UM, Quantity.SPEED_DHZ
PEN = Limit(Layer.DEVICE, DEPTH, 0, 2_000, "pen 42")
NEEDLE = Limit(Layer.CARTRIDGE, DEPTH, 0, 1_500, "cartridge")
AREA = Limit(Layer.AREA, DEPTH, 250, 750, "forehead limit")


def test_layers_stand_from_the_outermost_to_the_innermost() -> None:
    """Seven layers, none of which is another one under a second name."""
    expected = "ABSOLUTE DEVICE CARTRIDGE INDICATION AREA PATIENT PRACTITIONER"

    assert expected.split() == [layer.name for layer in sorted(Layer)]
    assert 7 == len(Layer.__members__) == len(Layer)


def test_wish_within_all_limits_is_granted_as_it_stands() -> None:
    """Nothing binds, nothing is noted."""
    expected = Grant(DEPTH, 700, 700, (), None, "")

    assert expected == grant(DEPTH, 700, (PEN, NEEDLE, AREA), step=50)


@pytest.mark.req("SR-001")
def test_wish_above_several_limits_is_brought_down_to_the_tightest() -> None:
    """All limits that it breaks are named, the tightest first, and that one binds."""
    result = grant(DEPTH, 1_800, (PEN, NEEDLE, AREA))

    assert (750, (AREA, NEEDLE), AREA) == (result.granted, result.reasons, result.binding)
    assert not result.is_within_limits
    assert result.explain() == (
        "depth_um: asked 1800, granted 750: forehead limit (250 to 750); cartridge (0 to 1500)"
    )


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(("asked", "granted"), [(249, None), (250, 250), (750, 750), (751, 750)])
def test_wish_at_a_bound_is_granted_and_below_it_refused(asked: int, granted: int | None) -> None:
    """Raising a wish would not be tightening, so a wish that is too low is refused."""
    assert granted == grant(DEPTH, asked, (PEN, AREA)).granted


def test_wish_below_the_lowest_value_names_the_limit_that_refused() -> None:
    """The limit with the highest lower bound decides."""
    result = grant(DEPTH, 100, (PEN, AREA))

    assert ((AREA,), AREA) == (result.reasons, result.binding)
    assert "depth_um: asked 100, refused: forehead limit (250 to 750); no value" in result.explain()


@pytest.mark.req("SR-003")
def test_wish_between_two_steps_is_stepped_down_and_says_so() -> None:
    """Rounding goes toward less depth, never to the nearest step."""
    result = grant(DEPTH, 749, (PEN, AREA), step=50)

    assert (700, "stepped down to a multiple of 50") == (result.granted, result.note)
    assert result.is_within_limits
    assert result.explain() == (
        "depth_um: asked 749, granted 700: stepped down to a multiple of 50"
    )


@pytest.mark.req("SR-003")
def test_limit_between_two_steps_is_stepped_down() -> None:
    """What goes on the wire is a multiple of the step even when the limit is none."""
    odd = Limit(Layer.AREA, DEPTH, 0, 740, "odd")

    assert 700 == grant(DEPTH, 800, (odd,), step=50).granted


@pytest.mark.req("SR-003")
def test_wish_that_stepping_brings_below_the_lowest_value_is_refused() -> None:
    """The exact value that would go on the wire is checked, not the one before stepping."""
    result = grant(DEPTH, 290, (PEN, AREA), step=300)

    assert (None, (AREA,), AREA) == (result.granted, result.reasons, result.binding)


def test_limits_that_contradict_each_other_grant_nothing() -> None:
    """A lowest value above the highest leaves no room."""
    deep = Limit(Layer.PATIENT, DEPTH, 800, 900, "deep")

    result = grant(DEPTH, 1_000, (AREA, deep))

    assert (None, deep) == (result.granted, result.binding)
    assert not result.is_within_limits


def test_limit_of_equal_height_but_outer_layer_is_named_first() -> None:
    """Equal bounds are told apart by their lower bound, then by their layer."""
    outer = Limit(Layer.DEVICE, DEPTH, 0, 500, "outer")
    inner = Limit(Layer.AREA, DEPTH, 0, 500, "inner")
    narrow = Limit(Layer.PATIENT, DEPTH, 100, 500, "narrow")

    assert (narrow, outer, inner) == grant(DEPTH, 600, (inner, outer, narrow)).reasons


def test_lower_bounds_of_equal_height_name_the_outer_layer() -> None:
    """The binding limit does not depend on the order in which limits came."""
    wide = Limit(Layer.DEVICE, DEPTH, 400, 600, "wide")
    outer = Limit(Layer.DEVICE, DEPTH, 400, 500, "outer")
    inner = Limit(Layer.AREA, DEPTH, 400, 500, "inner")

    assert outer == grant(DEPTH, 300, (inner, wide, outer)).binding


@pytest.mark.req("SR-001")
def test_missing_layer_refuses_by_name() -> None:
    """A layer that has not spoken is unknown, hence unsafe."""
    needed = frozenset({Layer.DEVICE, Layer.CARTRIDGE, Layer.AREA})

    result = grant(DEPTH, 500, (AREA,), required=needed)

    assert (None, "no limit known from device, cartridge") == (result.granted, result.note)


@pytest.mark.req("SR-001")
def test_limit_of_another_quantity_does_not_speak_for_its_layer() -> None:
    """A speed limit of the pen says nothing about depth."""
    speed = Limit(Layer.DEVICE, SPEED, 500, 1_500, "pen 42")

    assert grant(DEPTH, 500, (AREA, speed), required=frozenset({Layer.DEVICE})).granted is None


def test_without_any_limit_nothing_is_granted() -> None:
    """No limit means unknown, not unlimited."""
    result = grant(DEPTH, 500, ())

    assert (None, "no limit known from any layer") == (result.granted, result.note)
    assert "depth_um: asked 500, refused: no limit known from any layer" == result.explain()


def test_grant_without_any_remark_is_explained_in_one_clause() -> None:
    """A wish granted as it stands needs no reasons."""
    assert "depth_um: asked 500, granted 500" == grant(DEPTH, 500, (AREA,)).explain()


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    "bad",
    [{"asked": -1}, {"asked": 65_536}, {"asked": True}, {"step": 0}, {"step": 65_536}],
    ids=str,
)
def test_grant_refuses_a_wish_or_step_that_is_no_quantity(bad: dict[str, Any]) -> None:
    """What does not fit a register is an error, not a wish."""
    wish = {"asked": 500, "step": 1} | bad

    with pytest.raises(QuantityError):
        grant(DEPTH, wish["asked"], (AREA,), step=wish["step"])


@pytest.mark.parametrize("asked", [0, 65_535])
def test_grant_takes_every_register_value_as_a_wish(asked: int) -> None:
    """The ends of a register are still wishes."""
    everything = Limit(Layer.AREA, DEPTH, 0, 65_535, "all")

    assert asked == grant(DEPTH, asked, (everything,)).granted


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    ("low", "high", "name"),
    [(-1, 5, "depth_um low"), (0, 65_536, "depth_um high"), (True, 5, "low"), (0, 5.0, "high")],
)
def test_limit_refuses_a_bound_that_is_no_quantity(low: Any, high: Any, name: str) -> None:
    """A limit made of nonsense never comes to be."""
    with pytest.raises(QuantityError, match=name):
        Limit(Layer.AREA, DEPTH, low, high, "bad")


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(("depth_um", "slowest"), [(0, 500), (500, 500), (501, 800), (2_500, 800)])
def test_slowest_speed_rises_beyond_the_drag_depth(depth_um: int, slowest: int) -> None:
    """Beyond 500 um a needle slower than 80 strokes/s drags."""
    speeds = [limit for limit in absolute_limits(depth_um) if limit.quantity is SPEED]

    assert [(slowest, 1_500)] == [(limit.low, limit.high) for limit in speeds]
    assert (depth_um > 500) == ("drag" in speeds[0].source)


@pytest.mark.req("SR-001")
def test_absolute_limits_speak_for_every_quantity() -> None:
    """No quantity is without an outermost limit."""
    limits = absolute_limits(500)

    assert set(Quantity) == {limit.quantity for limit in limits}
    assert {Layer.ABSOLUTE} == {limit.layer for limit in limits}
    assert {(0, 2_500), (500, 1_500), (1, 10)} == {(limit.low, limit.high) for limit in limits}
