"""The limit algebra against its oracle: small cases, all of them alike in structure.

The oracle (tests/oracle/limits.py) was written from the specification by somebody who had not seen
`safety`. What is taken here is a slice; `python -m tests.oracle.compare_limits --all` takes all.
"""

from __future__ import annotations

import inspect
import json
import sys
from itertools import permutations
from types import ModuleType

import pytest

from safety import limits
from tests.oracle import compare_limits as compare
from tests.oracle.compare_limits import CHOICES, GUARD_BANDS, WORLDS, Outcome, cases
from tests.oracle.limits import LARGEST

CASES_MIN = 100_000
"""As many cases as the slice must have. ASSUMED: what a slow core compares in 12 s."""

CASES_ALL_MIN = 1_600_000
"""As many cases as there must be in all. Source: [SAF] 6.6."""

DEFECTS = {
    "the cap itself is refused": ("<= value <= top", "<= value < top"),
    "the low itself is refused": ("lowest.low <= value", "lowest.low < value"),
    "one below the low is granted": ("lowest.low <= value", "lowest.low <= value + 1"),
    "a wish at the cap breaks it": (
        "one.low <= asked <= one.soft_high(guard_band)",
        "one.low <= asked < one.soft_high(guard_band)",
    ),
    "a wish at the cap is bound by it": ("if asked > top else", "if asked >= top else"),
    "rounded to nearest": ("min(asked, top) // step", "(min(asked, top) + step // 2) // step"),
    "rounded up after the check": (
        "return made(value, mine[0]",
        "return made(-(-min(asked, top) // step) * step, mine[0]",
    ),
    "raised to the low": (
        "value = min(asked, top) // step * step",
        "value = max(min(asked, top) // step * step, *(one.low for one in mine), 0)",
    ),
    "the guard band is ignored": ("max(0, self.high - guard_band)", "self.high"),
    "the guard band leads below 0": ("max(0, self.high - guard_band)", "self.high - guard_band"),
    "the guard band is taken from the device": ("self.high if self.layer in COMMANDED else ", ""),
    "the guard band is taken from the recommended range": (
        "else min(self.confirm_above, high)",
        "else max(0, min(self.confirm_above - guard_band, high))",
    ),
    "a reason lifts the hard cap": (
        "highest = Limit.hard_high if",
        "highest = (lambda one, _: one.quantity.largest) if",
    ),
    "a blank is a reason": ("if reason.strip() else Limit", "if reason else Limit"),
    "no reason is ever taken": ("Limit.hard_high if reason.strip() else ", ""),
    "a missing layer has no bounds": (
        "missing = sorted(required - {limit.layer for limit in mine})",
        "missing: list[Layer] = []",
    ),
    "nothing known is no bound": (
        "    if missing or not mine:",
        '    if not (missing or mine):\n        return made(asked, None, "")\n    if missing:',
    ),
    "the tightest of nothing is asked for": ("if missing or not mine:", "if missing:"),
    "the outermost layer decides": ("top = highest(mine[0]", "top = highest(mine[-1]"),
    "the first of equal limits decides": (
        "(highest(limit, guard_band), -limit.low, limit.layer, repr(limit))",
        "highest(limit, guard_band)",
    ),
    "strangers count": ("if limit.quantity is quantity)", "if limit.quantity)"),
    "every grant is a recommended one": ("self.granted > one.soft_high", "0 > one.soft_high"),
}
"""What may be wrong with `grant` or `Limit`: a piece of the source, and the same piece spoilt."""


def defective(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a copy of `safety.limits` with one defect; the piece must be there just once."""
    text = inspect.getsource(limits)
    assert 1 == text.count(before), before
    module = ModuleType("defective_limits")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(text.replace(before, after), module.__name__, "exec"), vars(module))  # noqa: S102
    return module


@pytest.mark.timeout(300)
@pytest.mark.req("SR-001", "SR-003", "H02", "H03")
def test_grants_agree_with_the_oracle() -> None:
    """Value, tier, broken limits, the binding one and unknown layers are the same on both sides."""
    outcome = compare.compare_grants()

    assert [] == outcome.differences
    assert outcome.cases >= CASES_MIN


@pytest.mark.req("SR-001", "SR-003", "H02", "H03")
def test_slice_has_every_set_every_guard_band_and_every_choice() -> None:
    """Each world has its 256 sets with all bands, and all 20 choices wherever 8 wishes are."""
    wishes: dict[tuple[str, frozenset[int]], set[tuple[int, int]]] = {}
    choices: dict[tuple[str, frozenset[int]], set[tuple[int, str, bool]]] = {}
    for case in cases(every=False):
        if case.reason in compare.REASONS and list(case.places) == sorted(case.places):
            one = (case.world.name, frozenset(case.places) - {compare.LIMITERS})
            wishes.setdefault(one, set()).add((case.guard_band, case.asked))
            choices.setdefault(one, set()).add((case.step, case.reason, case.is_required))
    # One more than the stride, as an order that is the set itself may add a wish of its own.
    many = [one for one, met in wishes.items() if len(met) > compare.STRIDE]

    assert len(WORLDS) * 2**8 == len(wishes)
    assert all(set(GUARD_BANDS) == {band for band, _ in met} for met in wishes.values())
    assert all(set(CHOICES) == choices[one] for one in many)
    assert len(many) >= len(wishes) * 9 // 10


@pytest.mark.req("SR-001", "H03")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_orders_are_all_there_are(world: compare.World) -> None:
    """Each order of up to four limits comes once, and some with each of the three wishes."""
    found = list(compare.orders(world, 4, every=False))
    expected = {order for one in compare.subsets(4) for order in permutations(one)}

    assert (len(expected), expected) == (len(found), {case.places for case in found})
    assert 3 == len({(case.asked, case.reason) for case in found})


@pytest.mark.req("SR-001", "SR-003", "H02", "H03")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_wishes_are_the_tightest_bounds_and_their_neighbours(world: compare.World) -> None:
    """Of each limit alone, its low, its cap and its recommended top come with one less and more."""
    for place, (layer, _, low, high, soft) in enumerate(world.limits[: compare.LIMITERS]):
        for band in GUARD_BANDS:
            top = high if layer in {1, 2} else max(0, high - band)
            bounds = (low, top, top if soft is None else min(soft, top))
            near = {bound + more for bound in bounds for more in (-1, 0, 1)}
            found = compare.wishes(world, (place,), band, every=False)

            assert sorted(one for one in near if 0 <= one <= LARGEST[world.quantity]) == found
            # Where a guard band leaves nothing, 0 and 1 are wishes of the slice alone.
            assert set(found) <= {0, 1, *compare.wishes(world, (place,), band, every=True)}


@pytest.mark.req("SR-001", "SR-003", "H02", "H03")
@pytest.mark.parametrize(("before", "after"), DEFECTS.values(), ids=DEFECTS)
def test_defect_is_found_by_the_slice(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect planted in a copy of the source makes a difference, and the slice has it."""
    outcome = compare.compare_grants(defective(before, after, monkeypatch), shown=1)

    assert 1 == len(outcome.differences)


@pytest.mark.req("SR-002", "H03")
def test_bad_inputs_are_refused_by_both() -> None:
    """No side takes what is no whole number in its range."""
    assert Outcome(112, []) == compare.compare_refused_inputs()


@pytest.mark.req("SR-001", "H03")
def test_patient_limits_agree_with_the_oracle() -> None:
    """Any limits of indication and area, less any modifiers, give the same bounds."""
    outcome = compare.compare_modifiers()

    assert [] == outcome.differences[:5]
    assert outcome.cases >= 10_000


@pytest.mark.req("SR-001", "H03")
def test_slowest_speed_agrees_with_the_oracle_at_every_depth() -> None:
    """No depth up to 2,500 um lets a needle drag further than the oracle does."""
    assert Outcome(2_501, []) == compare.compare_drag()


@pytest.mark.req("SR-001", "H03")
def test_strokes_allowed_agree_with_the_oracle() -> None:
    """The strokes of a dose are the same on both sides, exactly."""
    outcome = compare.compare_strokes()

    assert [] == outcome.differences[:5]
    assert outcome.cases >= 3_000


@pytest.mark.req("SR-001", "SR-003", "H03")
def test_cases_in_all_are_as_many_as_planned() -> None:
    """Counting stops where the planned number is reached."""
    number = 0
    for number, _ in enumerate(cases(every=True), 1):
        if number >= CASES_ALL_MIN:
            break

    assert CASES_ALL_MIN == number


@pytest.mark.req("SR-001", "H03")
def test_command_tells_counts_and_differences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code and figures follow what was found."""
    told = [Outcome(7, []), Outcome(7, ["one", "two"])]
    monkeypatch.setattr(compare, "compare_grants", lambda **_: told.pop(0))

    assert 0 == compare.main(["--json"])
    figures = json.loads(capsys.readouterr().out)
    assert (7, 2_501, 0, []) == tuple(
        figures[name] for name in ("grants", "drag", "differences", "shown")
    )
    assert 1 == compare.main([])
    assert "differences: 2\none\ntwo\n" in capsys.readouterr().out
