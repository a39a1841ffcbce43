"""Numbers from outside: what `checked` lets in, and what it says of the rest."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from safety.errors import QuantityError, SafetyError
from safety.units import checked, in_mm


@pytest.mark.parametrize("value", [0, 1, 2_499, 2_500])
def test_checked_returns_an_integer_within_its_bounds(value: int) -> None:
    """Both bounds belong to what is allowed."""
    assert value == checked("depth_um", value, 0, 2_500)


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    "value",
    [-1, 2_501, 2**70, -(2**70), True, False, 1.0, math.nan, "1", b"1", Decimal(1), None, [1]],
    ids=repr,
)
def test_checked_refuses_everything_else(value: object) -> None:
    """Missing, boolean, float, text, list and out of bounds are refused by name."""
    with pytest.raises(QuantityError) as refused:
        checked("depth_um", value, 0, 2_500)

    assert ("depth_um", value) == (refused.value.quantity, refused.value.value)
    assert f"depth_um = {value!r}: " in str(refused.value)


@pytest.mark.parametrize(
    ("value", "rule"),
    [(None, "is missing"), (1.5, "must be a whole number"), (2_501, "must be 0 to 2500")],
)
def test_refusal_names_the_rule(value: object, rule: str) -> None:
    """Whoever typed the number is told which rule it breaks."""
    with pytest.raises(QuantityError, match=rule) as refused:
        checked("depth_um", value, 0, 2_500)

    assert rule == refused.value.rule


@pytest.mark.req("SR-002")
@pytest.mark.parametrize("value", [1 << 1_000, -(1 << 1_000), 1 << 60_000], ids=int.bit_length)
def test_number_too_long_to_write_out_is_refused_like_any_other(value: int) -> None:
    """Python refuses to print thousands of digits, and the refusal survives that."""
    with pytest.raises(QuantityError, match=r"depth_um = a huge number: must be 0 to 2500"):
        checked("depth_um", value, 0, 2_500)


def test_number_just_short_enough_is_written_out() -> None:
    """A thousand bits are still shown."""
    value = (1 << 1_000) - 1

    with pytest.raises(QuantityError, match=str(value)):
        checked("depth_um", value, 0, 2_500)


def test_quantity_error_is_a_value_error_and_one_of_ours() -> None:
    """A caller may catch it as either."""
    assert issubclass(QuantityError, SafetyError)
    assert issubclass(QuantityError, ValueError)


@pytest.mark.parametrize(
    ("depth_um", "text"),
    [
        (0, "0.000 mm"),
        (951, "0.951 mm"),
        (2_500, "2.500 mm"),
        (-12, "-0.012 mm"),
        (-1, "-0.001 mm"),
    ],
)
def test_depth_for_people_is_exact_to_the_micrometre(depth_um: int, text: str) -> None:
    """Nothing is rounded, and a leading zero stands before the point."""
    assert text == in_mm(depth_um)


def test_error_says_quantity_value_and_rule_in_one_line() -> None:
    """What a person reads is the sentence, not the parts that it was made of."""
    error = QuantityError("depth_um", 7, "must be from 0 to 5")

    assert "depth_um = 7: must be from 0 to 5" == str(error)
