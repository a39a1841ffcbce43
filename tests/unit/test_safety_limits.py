"""The limit algebra by example: layers, steps, what is missing, and what is no quantity."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from safety.errors import QuantityError
from safety.limits import (
    DOSE_LIMIT,
    Grant,
    Layer,
    Limit,
    Quantity,
    absolute_limits,
    grant,
    strokes_allowed,
)

DEPTH, SPEED, DOSE = Quantity.DEPTH_UM, Quantity.SPEED_DHZ, Quantity.DOSE
PEN = Limit(Layer.DEVICE, DEPTH, 0, 2_000, "pen 42")
NEEDLE = Limit(Layer.CARTRIDGE, DEPTH, 0, 1_500, "cartridge")
AREA = Limit(Layer.AREA, DEPTH, 250, 750, "forehead limit")


def test_layers_stand_from_the_outermost_to_the_innermost() -> None:
    """Seven layers, none of which is another one under a second name."""
    expected = "ABSOLUTE DEVICE CARTRIDGE INDICATION AREA PATIENT PRACTITIONER"

    assert expected.split() == [layer.name for layer in sorted(Layer)]
    assert list(range(7)) == [int(layer) for layer in Layer]
    assert 7 == len(Layer.__members__)


def test_quantities_are_called_as_their_fields() -> None:
    """Their names stand in plans, records and messages."""
    expected = "depth_um speed_dhz passes punctures_per_cm2"

    assert expected.split() == [str(quantity) for quantity in Quantity]


@pytest.mark.req("SR-001")
@pytest.mark.parametrize("field", ["high", "granted"])
def test_limits_and_grants_cannot_be_changed(field: str) -> None:
    """What was checked stays what it is."""
    with pytest.raises(FrozenInstanceError):
        setattr(AREA if field == "high" else grant(DEPTH, 500, (AREA,)), field, 2_000)


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
        "depth_um: asked 1800, granted 750: forehead limit (250 to 750) of the area; "
        "cartridge (0 to 1500) of the cartridge; within the recommended range; "
        "nothing allows more than 750"
    )


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(("asked", "granted"), [(249, None), (250, 250), (750, 750), (751, 750)])
def test_wish_at_a_bound_is_granted_and_below_it_refused(asked: int, granted: int | None) -> None:
    """Raising a wish would not be tightening, so a wish that is too low is refused."""
    result = grant(DEPTH, asked, (PEN, AREA))

    assert (granted, granted == asked) == (result.granted, result.is_within_limits)
    assert (() if granted == asked else (AREA,)) == result.reasons


def test_wish_below_the_lowest_value_names_the_limit_that_refused() -> None:
    """The limit with the highest lower bound decides."""
    result = grant(DEPTH, 100, (PEN, AREA))

    assert ((AREA,), AREA) == (result.reasons, result.binding)
    assert result.explain() == (
        "depth_um: asked 100, refused: forehead limit (250 to 750) of the area; "
        "no value is left between the limits; at least 250 must be asked"
    )


@pytest.mark.req("SR-003")
def test_wish_between_two_steps_is_stepped_down_and_says_so() -> None:
    """Rounding goes toward less depth, never to the nearest step."""
    result = grant(DEPTH, 749, (PEN, AREA), step=50)

    assert (700, "stepped down to a multiple of 50") == (result.granted, result.note)
    assert result.is_within_limits
    assert result.explain() == (
        "depth_um: asked 749, granted 700: stepped down to a multiple of 50; "
        "within the recommended range"
    )


@pytest.mark.req("SR-003", "HZ-49", "H02")
def test_limit_between_two_steps_is_stepped_down() -> None:
    """What goes on the wire is a multiple of the step even when the limit is none."""
    odd = Limit(Layer.AREA, DEPTH, 0, 740, "odd")

    assert 700 == grant(DEPTH, 800, (odd,), step=50).granted


@pytest.mark.req("SR-003", "HZ-49", "H02")
def test_wish_that_stepping_brings_below_the_lowest_value_is_refused() -> None:
    """The exact value that would go on the wire is checked, not the one before stepping."""
    result = grant(DEPTH, 290, (PEN, AREA), step=300)

    assert (None, (), AREA) == (result.granted, result.reasons, result.binding)
    assert result.explain() == (
        "depth_um: asked 290, refused: forehead limit (250 to 750) of the area; "
        "no value is left between the limits"
    )


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
    assert result.explain() == (
        "depth_um: asked 500, refused: no limit known from any layer; ask again when it is known"
    )


def test_grant_without_any_remark_is_explained_in_one_clause() -> None:
    """A wish granted as it stands needs no reasons."""
    told = grant(DEPTH, 500, (AREA,)).explain()

    assert "depth_um: asked 500, granted 500: within the recommended range" == told


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    "bad",
    [
        *({"asked": asked} for asked in (-1, 65_536, True, None, float("nan"), 500.0, "500")),
        *({"step": step} for step in (0, 65_536, True, None, float("nan"), 1.0)),
        *({"guard_band": band} for band in (-1, 65_536, False, None, float("nan"), 0.0)),
    ],
    ids=str,
)
def test_grant_refuses_a_wish_step_or_guard_band_that_is_no_quantity(bad: dict[str, Any]) -> None:
    """What does not fit a register is an error, not a wish, and the error names it."""
    wish = {"asked": 500, "step": 1, "guard_band": 0} | bad
    name = next(iter(bad)).replace("asked", "depth_um")

    with pytest.raises(QuantityError, match=rf"^{name} = "):
        grant(DEPTH, wish["asked"], (AREA,), step=wish["step"], guard_band=wish["guard_band"])


@pytest.mark.req("SR-002")
def test_dose_has_a_wider_range_than_a_register() -> None:
    """Every number of the grant and of the limit goes up to 1,000,000, and none beyond."""
    all_doses = Limit(Layer.AREA, DOSE, 0, 1_000_000, "all", 1_000_000)
    given = grant(DOSE, 1_000_000, (all_doses,), step=1_000_000, guard_band=0)

    assert (1_000_000, 0) == (
        given.granted,
        grant(DOSE, 1_000_000, (all_doses,), guard_band=1_000_000).granted,
    )
    for bad in ({"step": 1_000_001}, {"guard_band": 1_000_001}):
        with pytest.raises(QuantityError, match=rf"^{next(iter(bad))} = "):
            grant(DOSE, 0, (all_doses,), **bad)
    with pytest.raises(QuantityError, match=r"^punctures_per_cm2 = "):
        grant(DOSE, 1_000_001, (all_doses,))
    with pytest.raises(QuantityError, match=r"^punctures_per_cm2 high = "):
        Limit(Layer.AREA, DOSE, 0, 1_000_001, "bad")
    with pytest.raises(QuantityError, match=r"^punctures_per_cm2 low = "):
        Limit(Layer.AREA, DOSE, 1_000_001, 1, "bad")


@pytest.mark.parametrize("quantity", Quantity)
def test_largest_number_of_a_quantity_fits_its_field(quantity: Quantity) -> None:
    """All but the dose fit one register."""
    assert (1_000_000 if quantity is DOSE else 65_535) == quantity.largest


def test_step_and_guard_band_may_be_as_large_as_any_value() -> None:
    """The ends of a register are still a step and a guard band."""
    everything = Limit(Layer.DEVICE, DEPTH, 0, 65_535, "all")

    assert 65_535 == grant(DEPTH, 65_535, (everything,), step=65_535, guard_band=65_535).granted


@pytest.mark.req("SR-002")
@pytest.mark.parametrize("soft", [249, 1_501, True, float("nan"), 500.0, "500"])
def test_limit_refuses_a_recommended_range_outside_itself(soft: Any) -> None:
    """Its top is a whole number from the lowest to the highest value."""
    with pytest.raises(QuantityError, match=r"^depth_um confirm_above = "):
        Limit(Layer.AREA, DEPTH, 250, 1_500, "bad", soft)


@pytest.mark.parametrize("soft", [250, 1_500])
def test_limit_takes_a_recommended_range_up_to_either_end(soft: int) -> None:
    """A range of one value and one that is the whole limit are both ranges."""
    assert soft == Limit(Layer.AREA, DEPTH, 250, 1_500, "edge", soft).confirm_above


def test_limit_that_contradicts_itself_has_no_recommended_range() -> None:
    """No number lies between a lowest value and a highest one below it."""
    with pytest.raises(QuantityError, match=r"^depth_um confirm_above = "):
        Limit(Layer.AREA, DEPTH, 2, 1, "bad", 1)


@pytest.mark.parametrize("asked", [0, 65_535])
def test_grant_takes_every_register_value_as_a_wish(asked: int) -> None:
    """The ends of a register are still wishes."""
    everything = Limit(Layer.AREA, DEPTH, 0, 65_535, "all")

    assert asked == grant(DEPTH, asked, (everything,)).granted


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    ("low", "high", "name"),
    [
        (-1, 5, "depth_um low"),
        (0, -1, "depth_um high"),
        (0, 65_536, "depth_um high"),
        (True, 5, "depth_um low"),
        (0, 5.0, "depth_um high"),
    ],
)
def test_limit_refuses_a_bound_that_is_no_quantity(low: Any, high: Any, name: str) -> None:
    """A limit made of nonsense never comes to be."""
    with pytest.raises(QuantityError, match=rf"^{name} = "):
        Limit(Layer.AREA, DEPTH, low, high, "bad")


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(
    ("depth_um", "slowest"),
    [(0, 500), (500, 500), (501, 800), (1_150, 800), (1_151, 814), (1_500, 933), (2_500, 1_367)],
)
def test_slowest_speed_rises_with_depth(depth_um: int, slowest: int) -> None:
    """Beyond 500 um a needle slower than 80 strokes/s drags, and deeper a faster one does."""
    (speed,) = [limit for limit in absolute_limits(depth_um) if limit.quantity is SPEED]

    assert (slowest, 1_500) == (speed.low, speed.high)
    drags = f"slower needles drag at {depth_um} um"
    assert (drags if depth_um > 500 else "speed of any pen") == speed.source


@pytest.mark.req("SR-001")
def test_absolute_limits_speak_for_every_quantity() -> None:
    """No quantity is without an outermost limit, and only the dose recommends less."""
    limits = (*absolute_limits(500), DOSE_LIMIT)

    assert list(Quantity) == [limit.quantity for limit in limits]
    assert {Layer.ABSOLUTE} == {limit.layer for limit in limits}
    assert [
        (0, 2_500, None, "protrusion of any pen"),
        (500, 1_500, None, "speed of any pen"),
        (1, 10, None, "passes over any area"),
        (0, 10_000, 5_000, "dose of any patch"),
    ] == [(limit.low, limit.high, limit.confirm_above, limit.source) for limit in limits]


@pytest.mark.req("SR-002")
@pytest.mark.parametrize("bad", [-1, 65_536, True, None, float("nan")])
def test_absolute_limits_refuse_a_depth_that_is_no_quantity(bad: Any) -> None:
    """Without a depth nobody knows which speed drags."""
    with pytest.raises(QuantityError, match=r"^depth_um = "):
        absolute_limits(bad)


@pytest.mark.parametrize(
    ("dose", "patch_mm2", "needles", "strokes"),
    [
        (10_000, 400, 12, 3_333),
        (10_000, 100, 1, 10_000),
        (1, 100, 1, 1),
        (1, 99, 1, 0),
        (0, 400, 12, 0),
        (1_000_000, 65_535, 1, 655_350_000),
        (10_000, 1, 65_535, 0),
    ],
)
def test_strokes_allowed_are_those_that_reach_the_dose_rounded_down(
    dose: int, patch_mm2: int, needles: int, strokes: int
) -> None:
    """Strokes by needles over square centimetres never exceed the dose."""
    assert strokes == strokes_allowed(dose, patch_mm2, needles)
    assert strokes * needles * 100 <= dose * patch_mm2 < (strokes + 1) * needles * 100


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    ("bad", "name"),
    [
        *(((bad, 400, 12), "punctures_per_cm2") for bad in (-1, 1_000_001, True, None, 1.0)),
        *(((10_000, bad, 12), "patch_mm2") for bad in (0, 65_536, True, None, 1.0)),
        *(((10_000, 400, bad), "needles") for bad in (0, 65_536, True, None, 1.0)),
    ],
    ids=str,
)
def test_strokes_allowed_refuse_what_is_no_quantity(bad: Any, name: str) -> None:
    """An unknown cartridge or an empty patch allows no stroke: it is an error."""
    with pytest.raises(QuantityError, match=rf"^{name} = "):
        strokes_allowed(*bad)
