"""The ledger of passes by example, and the plan of an area that it counts against."""

from __future__ import annotations

from typing import Any

import pytest

from safety.errors import InvariantBroken, QuantityError
from safety.ledger import AreaPlan, Ledger, Outcome, Pass

FOREHEAD = AreaPlan("forehead", 750, 1_000, 2, 200, 10_000)
CHEEK = AreaPlan("cheek", 500, 800, 1, 200, 10_000)
PLAN = (FOREHEAD, CHEEK)
VALUES = {
    "area": "a",
    "depth_um": 500,
    "speed_dhz": 800,
    "passes": 1,
    "strokes_per_pass": 1,
    "strokes_max": 1,
}


def ledger_of(*outcomes: Outcome, area: str = "forehead") -> Ledger:
    """Return a ledger with passes 1, 2, ... of one area."""
    return Ledger(tuple(Pass(area, i, outcome) for i, outcome in enumerate(outcomes, 1)))


@pytest.mark.req("SR-002")
@pytest.mark.parametrize(
    "bad",
    [
        {"depth_um": 0},
        {"depth_um": 2_501},
        {"depth_um": True},
        {"depth_um": 500.0},
        {"depth_um": None},
        {"speed_dhz": 499},
        {"speed_dhz": 1_501},
        {"speed_dhz": 799, "depth_um": 501},
        {"speed_dhz": 1_366, "depth_um": 2_500},
        {"speed_dhz": "800"},
        {"passes": 0},
        {"passes": 11},
        {"passes": 1.0},
        {"strokes_per_pass": 0},
        {"strokes_per_pass": 2**32},
        {"strokes_per_pass": None},
        {"strokes_max": 0},
        {"strokes_max": 2**32},
        {"strokes_max": True},
    ],
    ids=str,
)
def test_plan_of_an_area_refuses_what_no_pen_may_do(bad: dict[str, Any]) -> None:
    """A plan that nothing could have granted never comes to be."""
    with pytest.raises(QuantityError, match=next(iter(bad))):
        AreaPlan(**(VALUES | bad))


@pytest.mark.parametrize(
    "edge",
    [
        {"depth_um": 1},
        {"depth_um": 2_500, "speed_dhz": 1_367},
        {"speed_dhz": 500},
        {"speed_dhz": 1_500},
        {"speed_dhz": 800, "depth_um": 501},
        {"passes": 10},
        {"strokes_per_pass": 2**32 - 1},
        {"strokes_max": 2**32 - 1},
    ],
    ids=str,
)
def test_plan_of_an_area_takes_every_bound(edge: dict[str, Any]) -> None:
    """Bounds belong to what is allowed."""
    plan = AreaPlan(**(VALUES | edge))

    assert edge == {name: getattr(plan, name) for name in edge}


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_but_not_delivered_counts(outcome: Outcome) -> None:
    """A pass in flight, in part or uncertain counts as delivered."""
    expected = 0 if outcome is Outcome.NOT_DELIVERED else 1

    assert expected == ledger_of(outcome).counted("forehead")


def test_passes_of_other_areas_are_not_counted() -> None:
    """Every area has its own count."""
    assert 0 == ledger_of(Outcome.DELIVERED).counted("cheek")


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        (Ledger(), (FOREHEAD, 1)),
        (ledger_of(Outcome.NOT_DELIVERED), (FOREHEAD, 1)),
        (ledger_of(Outcome.UNCERTAIN), (FOREHEAD, 2)),
        (ledger_of(Outcome.DELIVERED, Outcome.PARTIAL), (CHEEK, 1)),
        (ledger_of(Outcome.NOT_DELIVERED, Outcome.DELIVERED), (FOREHEAD, 1)),
        (Ledger((Pass("forehead", 2, Outcome.PARTIAL),)), (FOREHEAD, 1)),
        (Ledger((Pass("forehead", 7, Outcome.UNCERTAIN),)), (FOREHEAD, 1)),
        (
            Ledger((Pass("forehead", 7, Outcome.PARTIAL), Pass("forehead", 8, Outcome.PARTIAL))),
            (CHEEK, 1),
        ),
    ],
)
def test_next_pass_is_the_first_of_the_plan_that_is_left(
    ledger: Ledger, expected: tuple[AreaPlan, int]
) -> None:
    """Areas are treated in the order of the plan, each to its end."""
    assert expected == ledger.next_pass(PLAN)


def test_no_pass_is_next_when_all_are_delivered() -> None:
    """A plan ends."""
    done = Ledger((*ledger_of(Outcome.DELIVERED, Outcome.DELIVERED).passes,))
    done = done.begin(CHEEK, 1).end("cheek", 1, Outcome.UNCERTAIN, 0)

    assert done.next_pass(PLAN) is None
    assert Ledger().next_pass(()) is None


@pytest.mark.parametrize("before", [Outcome.NOT_DELIVERED, Outcome.PARTIAL])
def test_pass_that_was_not_delivered_in_full_is_taken_up_again(before: Outcome) -> None:
    """It keeps its number, stands once, and is in flight."""
    assert ledger_of(Outcome.PLANNED) == ledger_of(before).begin(FOREHEAD, 1)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("before", [Outcome.DELIVERED, Outcome.UNCERTAIN, Outcome.PLANNED])
def test_pass_that_is_or_may_be_delivered_is_never_begun_again(before: Outcome) -> None:
    """Going over it once more would be a pass too many."""
    with pytest.raises(InvariantBroken, match="pass 1 of 2 over forehead"):
        ledger_of(before).begin(FOREHEAD, 1)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("number", [-1, 0, 3])
def test_pass_outside_the_grant_is_never_begun(number: int) -> None:
    """Passes count from 1 to what was granted."""
    with pytest.raises(InvariantBroken):
        Ledger().begin(FOREHEAD, number)


@pytest.mark.req("SR-007")
def test_pass_is_not_begun_when_others_have_used_the_grant_up() -> None:
    """The count decides, whatever number the pass has."""
    strange = Ledger((Pass("cheek", 7, Outcome.UNCERTAIN),))

    with pytest.raises(InvariantBroken, match="pass 1 of 1 over cheek"):
        strange.begin(CHEEK, 1)


def test_beginning_and_ending_change_a_new_ledger_only() -> None:
    """A ledger never changes; the old one still says what it said."""
    first = ledger_of(Outcome.DELIVERED)

    second = first.begin(FOREHEAD, 2)
    third = second.end("forehead", 2, Outcome.PARTIAL, 60)

    assert ledger_of(Outcome.DELIVERED) == first
    assert ledger_of(Outcome.DELIVERED, Outcome.PLANNED) == second
    assert (*first.passes, Pass("forehead", 2, Outcome.PARTIAL, 60)) == third.passes


def test_passes_are_named_in_the_record_as_here() -> None:
    """The words stand in journals that outlive this version."""
    words = "planned delivered partial uncertain not_delivered"

    assert words.split() == [str(outcome) for outcome in Outcome]


@pytest.mark.req("SR-032")
def test_strokes_of_an_area_are_added_up_over_its_passes() -> None:
    """Those of other areas do not count, nor those of the pass that is left out."""
    ledger = Ledger(
        (
            Pass("forehead", 1, Outcome.DELIVERED, 205),
            Pass("cheek", 2, Outcome.PARTIAL, 1_000),
            Pass("forehead", 2, Outcome.NOT_DELIVERED, 3),
        )
    )

    assert (208, 1_000, 0) == tuple(map(ledger.strokes_of, ("forehead", "cheek", "chin")))
    assert (3, 205) == tuple(ledger.strokes_of("forehead", besides=n) for n in (1, 2))
    assert 0 == Pass("a", 1, Outcome.PLANNED).strokes


@pytest.mark.req("SR-032")
@pytest.mark.parametrize(("strokes", "is_left"), [(300, True), (301, False), (500, False)])
def test_pass_is_left_while_a_whole_one_fits_into_the_dose(strokes: int, is_left: bool) -> None:
    """The cap itself may be reached, and an area whose dose is used up is passed over."""
    small = AreaPlan("forehead", 750, 1_000, 3, 200, 500)
    ledger = Ledger((Pass("forehead", 1, Outcome.PARTIAL, strokes),))

    assert is_left == ledger.has_dose_left(small, 2)
    assert ledger.has_dose_left(small, 1)
    assert ((small, 2) if is_left else (CHEEK, 1)) == ledger.next_pass((small, CHEEK))


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("", (FOREHEAD, 1)),
        ("forehead", (FOREHEAD, 1)),
        ("cheek", (CHEEK, 1)),
        ("chin", (FOREHEAD, 1)),
    ],
)
def test_area_that_a_person_wants_comes_before_the_others(
    first: str, expected: tuple[AreaPlan, int]
) -> None:
    """The others keep their order."""
    assert expected == Ledger().next_pass(PLAN, first)


def test_area_that_is_wanted_but_used_up_gives_way_to_the_plan() -> None:
    """A wish lets nobody go over an area once more."""
    done = Ledger((Pass("cheek", 1, Outcome.UNCERTAIN),))

    assert (FOREHEAD, 1) == done.next_pass(PLAN, "cheek")


def test_what_became_of_a_pass_is_known_by_area_and_number() -> None:
    """A pass that was never begun has no outcome."""
    ledger = Ledger((Pass("forehead", 1, Outcome.PARTIAL), Pass("cheek", 2, Outcome.DELIVERED)))

    assert Outcome.PARTIAL is ledger.stands_as("forehead", 1)
    assert Outcome.DELIVERED is ledger.stands_as("cheek", 2)
    assert ledger.stands_as("forehead", 2) is ledger.stands_as("cheek", 1) is None
