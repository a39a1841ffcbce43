"""The oracle's limit algebra: against every single value, and against values worked out by hand.

Nothing of `safety` is imported here: the oracle is worth something only while it is independent.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from tests.oracle import limits
from tests.oracle.limits import Limit


def brute_force(asked: int, rules: list[Limit], step: int, band: int, reason: str) -> int | None:
    """Return the highest value that nothing forbids, by trying every single one."""
    for value in range(asked, -1, -1):
        forbidden = value % step or any(
            not low <= value <= (high if layer in {1, 2} else max(0, high - band))
            or (soft is not None and value > soft and not reason)
            for layer, _, low, high, soft in rules
        )
        if not forbidden:
            return value
    return None


def test_grant_equals_trying_every_value() -> None:
    """Candidates alone give the same answer as all values, for 4,000 drawn cases."""
    seed = 20261122
    chance = random.Random(seed)
    for case in range(4000):
        rules: list[Limit] = []
        for layer in chance.sample(range(7), chance.randint(1, 5)):
            low = chance.choice([0, 0, 0, chance.randint(0, 12)])
            high = chance.randint(low, 40)
            soft = chance.choice([None, chance.randint(low, high)])
            rules.append((layer, "passes", low, high, soft))
        asked, step, band = chance.randint(0, 45), chance.randint(1, 7), chance.randint(0, 6)
        reason = chance.choice(["", "scar"])
        got = limits.grant("passes", asked, rules, step=step, guard_band=band, reason=reason)

        expected = brute_force(asked, rules, step, band, reason)
        assert expected == got.granted, f"seed {seed}, case {case}: {asked} {rules} {step} {band}"


def test_grant_keeps_asked_value_within_all_limits() -> None:
    """A wish inside everything is granted as asked, recommended, and nothing is named."""
    rules: list[Limit] = [(0, "depth_um", 0, 2500, None), (4, "depth_um", 0, 1500, 1000)]

    assert (750, "RECOMMENDED", frozenset(), frozenset(), frozenset()) == limits.grant(
        "depth_um", 750, rules, step=50
    )


def test_grant_needs_a_reason_beyond_the_recommended_range() -> None:
    """Without a reason the recommended top binds, with one the hard top, and blanks are none."""
    rules: list[Limit] = [(0, "depth_um", 0, 2500, None), (4, "depth_um", 0, 1500, 1000)]

    for reason, value, tier in (
        ("", 1000, "RECOMMENDED"),
        (" \t", 1000, "RECOMMENDED"),
        ("scar", 1500, "CONFIRMED"),
    ):
        got = limits.grant("depth_um", 1800, rules, step=50, reason=reason)

        assert (value, tier) == (got.granted, got.tier)
        assert frozenset({1}) == got.broken == got.deciders


def test_grant_takes_the_guard_band_off_anatomy_only() -> None:
    """1500 um less a band of 60 um gives 1400 in steps of 50; a cartridge keeps its 1500."""
    for layer, value in enumerate((1400, 1500, 1500, 1400, 1400, 1400, 1400)):
        rules: list[Limit] = [(layer, "depth_um", 0, 1500, None)]

        assert value == limits.grant("depth_um", 1500, rules, step=50, guard_band=60).granted


def test_grant_is_refused_when_nothing_or_too_little_is_known() -> None:
    """No limit of the quantity, or a required layer that is silent: nothing is granted."""
    rules: list[Limit] = [(0, "depth_um", 0, 2500, None)]

    assert limits.grant("passes", 1, rules).granted is None
    got = limits.grant("depth_um", 100, rules, required=frozenset({0, 5}))
    assert (None, "REFUSED") == (got.granted, got.tier)
    assert frozenset({5}) == got.unknown


def test_grant_never_raises_a_wish() -> None:
    """A wish below the lowest value, also after quantising, is refused and names who refuses."""
    rules: list[Limit] = [(0, "speed_dhz", 810, 1500, None)]

    got = limits.grant("speed_dhz", 809, rules)
    assert got.granted is None
    assert frozenset({0}) == got.broken == got.deciders
    assert limits.grant("speed_dhz", 849, rules, step=50).granted is None
    assert 850 == limits.grant("speed_dhz", 850, rules, step=50).granted


@pytest.mark.parametrize("wrong", [True, 1.0, float("nan"), None, "1", -1, 65_536])
def test_grant_raises_for_what_is_no_integer_in_range(wrong: Any) -> None:
    """Booleans, floats, texts and values out of range are errors, wherever they are given."""
    rules: list[Limit] = [(0, "passes", 0, 4, None)]
    with pytest.raises(ValueError, match="passes"):
        limits.grant("passes", wrong, rules)
    with pytest.raises(ValueError, match="step"):
        limits.grant("passes", 1, rules, step=wrong)
    with pytest.raises(ValueError, match="guard band"):
        limits.grant("passes", 1, rules, guard_band=wrong)


def test_grant_does_not_depend_on_the_order_of_limits() -> None:
    """All orders of the same limits give the same value, tier and sets."""
    rules: list[Limit] = [
        *[(0, "depth_um", 0, 2500, None), (2, "depth_um", 0, 1400, None)],
        *[(4, "depth_um", 0, 1500, 500), (5, "depth_um", 0, 1250, 250)],
    ]
    for reason in ("", "scar"):
        found = {
            (got.granted, got.tier, frozenset(order[p] for p in got.deciders))
            for order in itertools.permutations(rules)
            for got in [limits.grant("depth_um", 2000, order, step=50, reason=reason)]
        }

        assert 1 == len(found)


def test_patient_limits_take_the_sum_of_all_modifiers_off_the_tightest() -> None:
    """1500 and 1000 less twice 250 is 500; confirm_above follows; nothing goes below 0."""
    rules: list[Limit] = [
        *[(3, "depth_um", 0, 1500, 1200), (4, "depth_um", 0, 1000, 750)],
        *[(1, "depth_um", 0, 300, None), (4, "passes", 0, 3, None)],
    ]

    assert {"depth_um": (0, 500, 250), "passes": (0, 2, None)} == limits.patient_limits(
        rules, [(250, 1), (250, 0)]
    )
    assert {"depth_um": (0, 0, 0), "passes": (0, 0, None)} == limits.patient_limits(
        rules, [(2000, 9)]
    )
    assert {} == limits.patient_limits(rules, None)


@pytest.mark.parametrize(
    ("depth_um", "speed_dhz", "in_skin_ms"),
    [(500, 500, 5.4), (1000, 500, 7.8), (1500, 500, 10.0), (1000, 1500, 2.6), (500, 800, 3.3)],
)
def test_drag_follows_the_published_times(depth_um: int, speed_dhz: int, in_skin_ms: float) -> None:
    """Time in the skin is that of [DOM] 4.4 to its last digit; drag is 50 um for each ms."""
    assert pytest.approx(in_skin_ms * 50, abs=2.6) == limits.drag_um(depth_um, speed_dhz)


def test_slowest_speed_is_the_first_that_drags_no_further() -> None:
    """One tenth of a hertz less drags too far, unless a floor of 50 or 80 Hz holds."""
    for depth_um in range(0, 2501, 10):
        least, largest = limits.slowest_speed_dhz(depth_um, 268)

        assert (500 if depth_um <= 500 else 800) <= least <= largest <= least + 1
        assert limits.drag_um(depth_um, largest) <= 268
        assert least in {500, 800} or limits.drag_um(depth_um, least - 1) > 268


@pytest.mark.parametrize(
    ("depth_um", "speed_dhz"), [(0, 500), (500, 500), (501, 800), (1500, 933), (2500, 1367)]
)
def test_slowest_speed_is_known_at_chosen_depths(depth_um: int, speed_dhz: int) -> None:
    """Floors hold at 500 and 501 um; at 1500 um half a turn is in the skin: 250,000 / 268."""
    assert (speed_dhz, speed_dhz) == limits.slowest_speed_dhz(depth_um, 268)


def test_grant_names_the_tightest_as_deciding() -> None:
    """Of three broken limits the lowest decides; two that are equal may both be named."""
    tops = (1200, 800, 1000, 800)
    for count, deciders in ((3, {1}), (4, {1, 3})):
        rules: list[Limit] = [(n, "depth_um", 0, top, None) for n, top in enumerate(tops[:count])]
        got = limits.grant("depth_um", 2000, rules, step=500)

        assert (500, frozenset(range(count))) == (got.granted, got.broken)
        assert frozenset(deciders) == got.deciders


def test_strokes_allowed_stay_within_the_dose() -> None:
    """12 needles reach 10,000 punctures on 100 mm2 with 833 strokes; one more is too many."""
    assert 833 == limits.strokes_allowed(10_000, 100, 12)
    for dose, patch, needles in itertools.product((0, 1, 5000, 10_000), (0, 7, 2500), (1, 12, 36)):
        strokes = limits.strokes_allowed(dose, patch, needles)

        assert strokes * needles * 100 <= dose * patch < (strokes + 1) * needles * 100
