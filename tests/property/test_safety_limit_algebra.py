"""The limit algebra against what must hold for all limits, and against a second implementation."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.limits import Grant, Layer, Limit, Quantity, grant

DEPTH = Quantity.DEPTH_UM
VALUES = st.integers(0, 65_535)
LIMITS = st.builds(
    Limit, st.sampled_from(Layer), st.sampled_from(Quantity), VALUES, VALUES, st.just("any")
)
MINE = st.builds(
    lambda layer, ends: Limit(layer, DEPTH, min(ends), max(ends), "mine"),
    st.sampled_from(Layer),
    st.tuples(VALUES, VALUES),
)
STEPS = st.sampled_from((1, 2, 25, 50, 100, 250, 65_535))


def granted(result: Grant) -> int:
    """Return what was granted as a number that can be compared; nothing is less than 0."""
    return -1 if result.granted is None else result.granted


def by_trial(asked: int, limits: tuple[Limit, ...], step: int) -> int | None:
    """Return the same by trying out every value: the largest allowed one that is not above."""
    for value in range(asked, -1, -1):
        fits = all(value in range(limit.low, limit.high + 1) for limit in limits)
        if fits and value % step == 0:
            return value
    return None


@pytest.mark.req("SR-001")
@given(VALUES, st.lists(LIMITS, max_size=6), MINE, LIMITS, STEPS)
def test_one_more_limit_never_raises_the_grant(
    asked: int, limits: list[Limit], first: Limit, more: Limit, step: int
) -> None:
    """Layers only tighten, whatever the new one says."""
    before = grant(DEPTH, asked, (first, *limits), step=step)
    after = grant(DEPTH, asked, (first, *limits, more), step=step)

    assert granted(after) <= granted(before)
    assert set(before.reasons) <= set(after.reasons) | ({before.binding} - {None})


@pytest.mark.req("SR-001")
@given(VALUES, st.lists(LIMITS, min_size=1, max_size=4, unique=True), STEPS)
def test_order_of_limits_is_irrelevant(asked: int, limits: list[Limit], step: int) -> None:
    """Value, reasons and binding limit are the same in every order."""
    results = {grant(DEPTH, asked, order, step=step) for order in permutations(limits)}

    assert 1 == len(results)


@pytest.mark.req("SR-001", "SR-003")
@given(VALUES, st.lists(LIMITS, max_size=6), STEPS)
def test_result_is_none_or_a_multiple_within_all_limits(
    asked: int, limits: list[Limit], step: int
) -> None:
    """What is granted is not above the wish, fits the step, and lies inside every limit."""
    result = grant(DEPTH, asked, tuple(limits), step=step)

    if result.granted is not None:
        mine = [limit for limit in limits if limit.quantity is DEPTH]
        assert mine
        assert 0 <= result.granted <= asked
        assert 0 == result.granted % step
        assert all(limit.low <= result.granted <= limit.high for limit in mine)
    else:
        assert result.note


@pytest.mark.req("SR-001")
@given(VALUES, st.lists(MINE, min_size=1, max_size=6), st.sets(st.sampled_from(Layer)))
def test_every_required_layer_must_have_spoken(
    asked: int, limits: list[Limit], required: set[Layer]
) -> None:
    """A layer that is required and silent refuses, whatever the others say."""
    result = grant(DEPTH, asked, tuple(limits), required=frozenset(required))
    silent = required - {limit.layer for limit in limits}

    if silent:
        assert (None, ()) == (result.granted, result.reasons)
        assert all(layer.name.lower() in result.note for layer in silent)
    else:
        assert result.granted == grant(DEPTH, asked, tuple(limits)).granted


@pytest.mark.req("SR-001")
@given(VALUES, st.lists(MINE, min_size=1, max_size=6))
def test_whoever_is_capped_is_told_by_whom(asked: int, limits: list[Limit]) -> None:
    """Reasons are exactly the limits that the wish breaks, or the one that left no value."""
    result = grant(DEPTH, asked, tuple(limits))
    broken = {limit for limit in limits if not limit.low <= asked <= limit.high}

    assert broken == set(result.reasons)
    assert (result.granted == asked) == (not broken)
    assert (result.binding is None) == (not broken)


@pytest.mark.req("SR-001", "SR-003")
def test_second_implementation_agrees_on_all_small_cases() -> None:
    """Every wish, step and pair of limits up to 5 gives what trying out every value gives."""
    limits = [Limit(Layer.AREA, DEPTH, *ends, "") for ends in product(range(6), repeat=2)]
    cases = list(product(range(6), (1, 2, 3), limits, limits))

    wrong = [
        (asked, step, one, other)
        for asked, step, one, other in cases
        if by_trial(asked, (one, other), step)
        != grant(DEPTH, asked, (one, other), step=step).granted
    ]

    assert [] == wrong
    assert 6 * 3 * 36 * 36 == len(cases)


@given(
    st.integers(0, 300),
    st.lists(
        st.builds(
            Limit,
            st.sampled_from(Layer),
            st.just(DEPTH),
            st.integers(0, 300),
            st.integers(0, 300),
            st.just(""),
        ),
        min_size=1,
        max_size=7,
    ),
    st.integers(1, 60),
)
def test_second_implementation_agrees_on_many_layers(
    asked: int, limits: list[Limit], step: int
) -> None:
    """Trying out every value gives the same under any number of layers."""
    result = grant(DEPTH, asked, tuple(limits), step=step)

    assert by_trial(asked, tuple(limits), step) == result.granted
