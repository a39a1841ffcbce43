"""The limit algebra against what must hold for all limits, and against trying out every value."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.errors import QuantityError
from safety.limits import Grant, Layer, Limit, Quantity, Tier, grant, strokes_allowed
from safety.modifiers import Modifier, patient_limits

DEPTH = Quantity.DEPTH_UM
COMMANDED = (Layer.DEVICE, Layer.CARTRIDGE)
VALUES = st.integers(0, 65_535) | st.integers(0, 60)
SOURCES = st.sampled_from(("this", "that"))
STEPS = st.sampled_from((1, 2, 25, 50, 100, 250, 65_535))
BANDS = st.integers(0, 60) | VALUES
REASONS = st.sampled_from(("", "  ", "depressed scar"))
NUMBERLESS = st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.just(-1)


@st.composite
def limits_of(draw: st.DrawFn, *quantities: Quantity, values: Any = VALUES) -> Limit:
    """Draw a limit of one of the quantities; its ends may contradict each other."""
    low, high = draw(values), draw(values)
    soft = draw(st.none() | st.integers(low, high)) if low <= high else None
    layer, quantity = draw(st.sampled_from(Layer)), draw(st.sampled_from(quantities))
    return Limit(layer, quantity, low, high, draw(SOURCES), soft)


ANY = limits_of(*Quantity)
MINE = limits_of(DEPTH)
LISTS = st.lists(ANY, max_size=6).map(tuple)
SMALL = st.lists(limits_of(DEPTH, values=st.integers(0, 300)), min_size=1, max_size=7).map(tuple)


def number(result: Grant) -> int:
    """Return what was granted as a number that can be compared; nothing is less than 0."""
    return -1 if result.granted is None else result.granted


def allows(limit: Limit, value: int, guard_band: int, reason: str) -> bool:
    """Tell whether one limit lets a value pass, said as a rule of its own."""
    room = 0 if limit.layer in COMMANDED else guard_band
    # A limit of less than the guard band leaves 0, and 0 harms nobody.
    is_hard = limit.low <= value and (value == 0 or value + room <= limit.high)
    soft = limit.high if limit.confirm_above is None else limit.confirm_above
    return is_hard and (value <= soft or bool(reason.strip()))


def by_trial(
    asked: int, limits: tuple[Limit, ...], step: int = 1, guard_band: int = 0, reason: str = ""
) -> int | None:
    """Return the largest allowed value that is not above the wish, by trying out every one."""
    for value in range(asked, -1, -1):
        fits = all(allows(limit, value, guard_band, reason) for limit in limits)
        if fits and value % step == 0:
            return value
    return None


@pytest.mark.req("SR-001", "HZ-01", "H03")
@given(VALUES, LISTS, MINE, ANY, STEPS, BANDS, REASONS)
def test_one_more_limit_never_raises_the_grant(
    asked: int,
    limits: tuple[Limit, ...],
    first: Limit,
    more: Limit,
    step: int,
    guard_band: int,
    reason: str,
) -> None:
    """Layers only tighten, whatever the new one says, and no reason is lost."""
    before, after = (
        grant(DEPTH, asked, given_limits, step=step, guard_band=guard_band, reason=reason)
        for given_limits in ((first, *limits), (first, *limits, more))
    )

    assert number(after) <= number(before)
    assert set(before.reasons) <= set(after.reasons)


@pytest.mark.req("SR-001", "H03")
@given(VALUES, st.lists(ANY, min_size=1, max_size=4, unique=True), STEPS, BANDS, REASONS)
def test_order_of_limits_is_irrelevant(
    asked: int, limits: list[Limit], step: int, guard_band: int, reason: str
) -> None:
    """Value, reasons and binding limit are the same in every order."""
    results = {
        grant(DEPTH, asked, order, step=step, guard_band=guard_band, reason=reason)
        for order in permutations(limits)
    }

    assert 1 == len(results)


@pytest.mark.req("SR-001")
@given(VALUES, LISTS, STEPS, BANDS, REASONS)
def test_what_was_granted_is_granted_as_it_stands_when_asked_again(
    asked: int, limits: tuple[Limit, ...], step: int, guard_band: int, reason: str
) -> None:
    """Granting twice is granting once, and a limit given twice is that limit."""
    first = grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)
    twice = grant(DEPTH, asked, limits * 2, step=step, guard_band=guard_band, reason=reason)

    assert (first.granted, first.tier, first.binding) == (twice.granted, twice.tier, twice.binding)
    if first.granted is not None:
        again = grant(DEPTH, first.granted, limits, step=step, guard_band=guard_band, reason=reason)
        assert (first.granted, first.tier, None, "") == (
            again.granted,
            again.tier,
            again.binding,
            again.note,
        )


@pytest.mark.req("SR-001", "SR-003", "HZ-49", "H02")
@given(VALUES, LISTS, STEPS, BANDS, REASONS)
def test_result_is_none_or_a_multiple_within_all_limits(
    asked: int, limits: tuple[Limit, ...], step: int, guard_band: int, reason: str
) -> None:
    """What is granted is not above the wish, fits the step, and every limit allows it."""
    result = grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)

    if result.granted is not None:
        mine = [limit for limit in limits if limit.quantity is DEPTH]
        assert mine
        assert 0 <= result.granted <= asked
        assert 0 == result.granted % step
        assert all(allows(limit, result.granted, guard_band, reason) for limit in mine)
        is_bare = all(allows(limit, result.granted, guard_band, "") for limit in mine)
        assert (Tier.RECOMMENDED if is_bare else Tier.CONFIRMED) is result.tier
    else:
        assert result.note
        assert Tier.REFUSED is result.tier


@pytest.mark.req("SR-001", "SR-027", "HZ-48")
@given(VALUES, LISTS, STEPS, BANDS)
def test_reason_never_lowers_and_never_leads_beyond_the_hard_limits(
    asked: int, limits: tuple[Limit, ...], step: int, guard_band: int
) -> None:
    """A named reason gives what no recommended range at all would give."""
    bare_limits = tuple(
        Limit(one.layer, one.quantity, one.low, one.high, one.source) for one in limits
    )
    bare, named = (
        grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)
        for reason in ("", "depressed scar")
    )
    hard = grant(DEPTH, asked, bare_limits, step=step, guard_band=guard_band)

    assert number(bare) <= number(named) == number(hard)
    assert set(bare.reasons) == set(named.reasons)


@pytest.mark.req("SR-001", "SR-030")
@given(VALUES, LISTS, BANDS, BANDS, STEPS, REASONS)
def test_wider_guard_band_never_raises_the_grant(
    asked: int, limits: tuple[Limit, ...], one: int, other: int, step: int, reason: str
) -> None:
    """The less is known of the true depth, the less is granted."""
    narrow, wide = (
        grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)
        for guard_band in sorted((one, other))
    )

    assert number(wide) <= number(narrow)


@pytest.mark.req("SR-003")
@given(VALUES, LISTS, st.integers(1, 500), st.integers(1, 100), BANDS, REASONS)
def test_coarser_step_never_raises_the_grant(
    asked: int, limits: tuple[Limit, ...], step: int, times: int, guard_band: int, reason: str
) -> None:
    """Multiples of a multiple are fewer, and no step gives more than none."""
    none, fine, coarse = (
        grant(DEPTH, asked, limits, step=each, guard_band=guard_band, reason=reason)
        for each in (1, step, step * times)
    )

    assert number(coarse) <= number(fine) <= number(none)


@pytest.mark.req("SR-001")
@given(VALUES, VALUES, LISTS, STEPS, BANDS, REASONS)
def test_larger_wish_never_gets_less_once_it_gets_anything(
    one: int, other: int, limits: tuple[Limit, ...], step: int, guard_band: int, reason: str
) -> None:
    """What is granted grows with the wish up to the tightest limit."""
    small, large = (
        grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)
        for asked in sorted((one, other))
    )

    assert number(small) <= number(large)


@pytest.mark.req("SR-001", "HZ-47", "H03")
@given(VALUES, st.lists(MINE, max_size=6).map(tuple), st.sets(st.sampled_from(Layer)))
def test_every_required_layer_must_have_spoken(
    asked: int, limits: tuple[Limit, ...], required: set[Layer]
) -> None:
    """A layer that is required and silent refuses, whatever the others say."""
    result = grant(DEPTH, asked, limits, required=frozenset(required))
    silent = required - {limit.layer for limit in limits}

    if silent:
        assert (None, None) == (result.granted, result.binding)
        assert all(layer.name.lower() in result.note for layer in silent)
        assert not any(layer.name.lower() in result.note for layer in set(Layer) - silent)
    else:
        assert grant(DEPTH, asked, limits) == result


@pytest.mark.req("SR-001")
@given(VALUES, st.lists(MINE, min_size=1, max_size=6).map(tuple), STEPS, BANDS, REASONS)
def test_whoever_is_capped_is_told_by_whom(
    asked: int, limits: tuple[Limit, ...], step: int, guard_band: int, reason: str
) -> None:
    """Reasons are exactly the limits that the wish breaks, and each is told with its words."""
    result = grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)
    broken = {limit for limit in limits if not allows(limit, asked, guard_band, "")}
    unconfirmed = {limit for limit in limits if not allows(limit, asked, guard_band, reason)}

    assert broken == set(result.reasons)
    told = result.explain()
    assert all(f"{limit.source} ({limit.low} to {limit.high}" in told for limit in broken)
    assert f"asked {asked}, " in told
    if result.granted is not None:
        assert (not unconfirmed) == result.is_within_limits == (result.binding is None)
        assert result.binding is None or result.binding in unconfirmed
    else:
        assert result.binding in limits
        assert not result.is_within_limits


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


@pytest.mark.req("SR-001", "SR-003")
def test_second_implementation_agrees_on_all_small_ranges_bands_and_reasons() -> None:
    """Every recommended range, guard band, reason and kind of layer up to 4 agrees as well."""
    shapes = [
        Limit(layer, DEPTH, low, high, "", soft)
        for layer in (Layer.CARTRIDGE, Layer.AREA)
        for low, high in product(range(2), range(5))
        for soft in (None, *range(low, high + 1))
    ]
    other = Limit(Layer.PATIENT, DEPTH, 0, 3, "", 2)
    cases = list(product(range(6), (1, 2), (0, 1, 3), ("", "scar"), shapes))

    wrong = [
        (asked, step, band, reason, one)
        for asked, step, band, reason, one in cases
        if by_trial(asked, (one, other), step, band, reason)
        != grant(DEPTH, asked, (one, other), step=step, guard_band=band, reason=reason).granted
    ]

    assert [] == wrong


@given(st.integers(0, 300), SMALL, st.integers(1, 60), st.integers(0, 80), REASONS)
def test_second_implementation_agrees_on_many_layers(
    asked: int, limits: tuple[Limit, ...], step: int, guard_band: int, reason: str
) -> None:
    """Trying out every value gives the same under any number of layers."""
    result = grant(DEPTH, asked, limits, step=step, guard_band=guard_band, reason=reason)

    assert by_trial(asked, limits, step, guard_band, reason) == result.granted


@pytest.mark.req("SR-002")
@given(NUMBERLESS, MINE)
def test_what_is_no_whole_number_is_refused_wherever_it_stands(bad: Any, limit: Limit) -> None:
    """NaN, booleans, nothing, text and what is below zero are never a quantity."""
    for call in (
        lambda: grant(DEPTH, bad, (limit,)),
        lambda: grant(DEPTH, 1, (limit,), step=bad),
        lambda: grant(DEPTH, 1, (limit,), guard_band=bad),
        lambda: Limit(Layer.AREA, DEPTH, bad, 5, ""),
        lambda: Limit(Layer.AREA, DEPTH, 5, bad, ""),
        lambda: Limit(Layer.AREA, DEPTH, 0, 5, "", "none" if bad is None else bad),
        lambda: Modifier("", bad),
        lambda: Modifier("", 0, bad),
        lambda: strokes_allowed(bad, 1, 1),
        lambda: strokes_allowed(1, bad, 1),
        lambda: strokes_allowed(1, 1, bad),
    ):
        with pytest.raises(QuantityError):
            call()


MODIFIERS = st.lists(
    st.builds(Modifier, SOURCES, st.integers(0, 400), st.integers(0, 3)), max_size=4
).map(tuple)


@pytest.mark.req("SR-001", "SR-029")
@given(VALUES, LISTS, MODIFIERS, MODIFIERS, BANDS, REASONS)
def test_modifiers_only_tighten_in_whatever_order_they_come(
    asked: int,
    limits: tuple[Limit, ...],
    some: tuple[Modifier, ...],
    more: tuple[Modifier, ...],
    guard_band: int,
    reason: str,
) -> None:
    """A known patient gets no more than an unknown one would, and each trait takes again."""
    for quantity in (DEPTH, Quantity.PASSES):
        known = limits + patient_limits(limits, ())
        less = limits + patient_limits(limits, some)
        least = limits + patient_limits(limits, some + more)
        results = [
            number(grant(quantity, asked, each, guard_band=guard_band, reason=reason))
            for each in (limits, known, less, least)
        ]
        assert results == sorted(results, reverse=True)
        assert results[0] == results[1]
    assert patient_limits(limits, some + more) == patient_limits(limits[::-1], more + some)
