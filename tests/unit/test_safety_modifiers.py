"""Patient modifiers: what they take, from which limits, and what they say of themselves."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from safety.errors import QuantityError
from safety.limits import Layer, Limit, Quantity, grant
from safety.modifiers import (
    DARK_SKIN,
    MODIFIERS,
    PIGMENT_HISTORY,
    Modifier,
    patient_limits,
)

DEPTH, PASSES = Quantity.DEPTH_UM, Quantity.PASSES
AREA = Limit(Layer.AREA, DEPTH, 100, 1_500, "cheek", 1_000)
INDICATION = Limit(Layer.INDICATION, DEPTH, 0, 1_200, "texture")
AREA_PASSES = Limit(Layer.AREA, PASSES, 1, 4, "cheek")
FRAGILE = Modifier("fragile skin", 100, 2, "a test")


@pytest.mark.req("SR-001")
def test_known_modifiers_are_the_ones_of_the_domain() -> None:
    """Dark skin and a history of pigment changes take 0.25 mm each and no pass."""
    assert (DARK_SKIN, PIGMENT_HISTORY) == MODIFIERS
    assert [(250, 0)] * 2 == [(one.depth_um_less, one.passes_less) for one in MODIFIERS]
    assert {"[DOM] 3.4 row 16"} == {one.source for one in MODIFIERS}
    assert ["Fitzpatrick type IV to VI", "pigment or melasma history"] == [
        one.name for one in MODIFIERS
    ]


@pytest.mark.req("SR-001", "SR-029")
def test_patient_gets_the_tightest_of_indication_and_area_less_all_modifiers() -> None:
    """Depth, its recommended range and the passes are lowered by what all modifiers take."""
    expected = (
        Limit(
            Layer.PATIENT,
            DEPTH,
            0,
            850,
            "Fitzpatrick type IV to VI, 250 less, [DOM] 3.4 row 16; fragile skin, 100 less, a test",
            650,
        ),
        Limit(Layer.PATIENT, PASSES, 0, 2, "fragile skin, 2 less, a test"),
    )

    assert expected == patient_limits((AREA, INDICATION, AREA_PASSES), (FRAGILE, DARK_SKIN))


@pytest.mark.req("SR-001")
def test_known_patient_without_modifiers_speaks_and_takes_nothing() -> None:
    """No trait is something else than an unknown patient."""
    depth, passes = patient_limits((AREA, INDICATION, AREA_PASSES), ())

    assert (0, 1_200, 1_000) == (depth.low, depth.high, depth.confirm_above)
    assert (0, 4, None) == (passes.low, passes.high, passes.confirm_above)
    assert {"a patient without modifiers"} == {depth.source, passes.source}


@pytest.mark.req("SR-001", "SR-029", "HZ-47")
def test_unknown_patient_says_nothing_so_that_what_requires_the_layer_is_refused() -> None:
    """Unknown is unsafe, and the grant names the layer that is missing."""
    limits = patient_limits((AREA,), None)

    assert () == limits
    result = grant(DEPTH, 500, (AREA, *limits), required=frozenset({Layer.PATIENT}))
    assert (None, "no limit known from patient") == (result.granted, result.note)


@pytest.mark.req("SR-001")
@pytest.mark.parametrize("layer", [one for one in Layer if one.name not in {"INDICATION", "AREA"}])
def test_limits_of_other_layers_are_not_lessened(layer: Layer) -> None:
    """Only indication and area say what suits a skin; where neither spoke nothing is made up."""
    other = Limit(layer, DEPTH, 0, 300, "other", 200)

    assert () == patient_limits((other,), (DARK_SKIN,))
    assert patient_limits((AREA,), (DARK_SKIN,)) == patient_limits((AREA, other), (DARK_SKIN,))


@pytest.mark.req("SR-001")
@pytest.mark.parametrize("layer", [Layer.INDICATION, Layer.AREA])
def test_one_of_the_two_layers_is_enough_for_a_limit(layer: Layer) -> None:
    """The limit of the one that spoke is lessened; `required` cares for the other."""
    (only,) = patient_limits((Limit(layer, DEPTH, 0, 900, "only"),), (DARK_SKIN,))

    assert (DEPTH, 650, None) == (only.quantity, only.high, only.confirm_above)


def test_speed_and_dose_are_not_lessened() -> None:
    """Modifiers speak of depth and passes."""
    speed = Limit(Layer.AREA, Quantity.SPEED_DHZ, 0, 900, "speed")
    dose = Limit(Layer.AREA, Quantity.DOSE, 0, 900, "dose")

    assert () == patient_limits((speed, dose), (DARK_SKIN,))


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(
    ("less", "high", "soft"), [(999, 201, 1), (1_000, 200, 0), (1_200, 0, 0), (1_201, 0, 0)]
)
def test_nothing_is_taken_below_zero(less: int, high: int, soft: int) -> None:
    """More modifiers than depth leave a limit of 0, of which nothing is granted."""
    (made,) = patient_limits((AREA, INDICATION), (Modifier("much", less),))

    assert (high, soft) == (made.high, made.confirm_above)


@pytest.mark.req("SR-001")
def test_tightest_recommended_range_counts_and_never_lies_above_the_limit() -> None:
    """It may come from another limit than the tightest hard one, and is cut to that."""
    low = Limit(Layer.INDICATION, DEPTH, 0, 2_000, "low", 600)

    assert 600 == patient_limits((AREA, low), ())[0].confirm_above
    narrow = Limit(Layer.INDICATION, DEPTH, 0, 400, "narrow")
    assert (400, 400) == (
        (made := patient_limits((AREA, narrow), ())[0]).high,
        made.confirm_above,
    )


@pytest.mark.req("SR-001")
def test_no_pass_left_is_refused_by_the_area() -> None:
    """A patient who leaves 0 passes contradicts the 1 pass that an area begins with."""
    limits = (AREA_PASSES, *patient_limits((AREA_PASSES,), (Modifier("none", 0, 9),)))

    assert grant(PASSES, 1, limits).granted is None


@pytest.mark.req("SR-001")
def test_modifier_cannot_be_changed() -> None:
    """What was checked stays what it is."""
    with pytest.raises(FrozenInstanceError):
        DARK_SKIN.depth_um_less = 0  # type: ignore[misc]


def test_source_of_a_modifier_is_assumed_unless_given() -> None:
    """A figure without a source says so."""
    assert Modifier("bare", 10) == Modifier("bare", 10, 0, "ASSUMED")


@pytest.mark.req("SR-002")
@pytest.mark.parametrize("bad", [-1, 65_536, True, None, float("nan"), 1.0, "1"])
def test_modifier_refuses_a_figure_that_is_no_quantity(bad: Any) -> None:
    """A modifier that gives, or is nonsense, never comes to be."""
    with pytest.raises(QuantityError, match=r"^depth_um_less = "):
        Modifier("bad", bad)
    with pytest.raises(QuantityError, match=r"^passes_less = "):
        Modifier("bad", 0, bad)


@pytest.mark.parametrize("edge", [0, 65_535])
def test_modifier_takes_every_register_value(edge: int) -> None:
    """The ends of a register are still figures."""
    assert edge == Modifier("edge", edge, edge).depth_um_less == Modifier("e", 0, edge).passes_less
