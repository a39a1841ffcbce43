"""The ledger against a second book-keeping, over any order of beginnings and endings."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.ledger import AreaPlan, Ledger, Outcome

ENDED = [outcome for outcome in Outcome if outcome is not Outcome.PLANNED]
ENDINGS = st.lists(st.sampled_from(ENDED), max_size=60)
PLANS = st.lists(
    st.builds(
        AreaPlan,
        st.sampled_from("abcd"),
        st.just(500),
        st.just(800),
        st.integers(1, 10),
        st.just(1),
        st.just(10_000),
    ),
    unique_by=lambda plan: plan.area,
    max_size=4,
).map(tuple)


@pytest.mark.req("SR-007")
@given(PLANS, ENDINGS)
def test_counts_agree_and_never_exceed_the_grant(
    plan: tuple[AreaPlan, ...], endings: list[Outcome]
) -> None:
    """Passes are begun in the plan's order, and every one but an undelivered one is used up."""
    ledger, used = Ledger(), Counter[str]()
    for outcome in endings:
        left = [(a, used[a.area] + 1) for a in plan if used[a.area] < a.passes]

        assert (left[0] if left else None) == ledger.next_pass(plan)
        if not left:
            break

        area, number = left[0]
        ledger = ledger.begin(area, number)
        assert used[area.area] + 1 == ledger.counted(area.area)

        ledger = ledger.end(area.area, number, outcome, 1)
        used[area.area] += outcome is not Outcome.NOT_DELIVERED
        assert all(used[a.area] == ledger.counted(a.area) <= a.passes for a in plan)


@pytest.mark.req("SR-007")
@given(PLANS.filter(bool), st.integers(1, 60))
def test_plan_ends_after_exactly_the_granted_passes(plan: tuple[AreaPlan, ...], extra: int) -> None:
    """However often one asks, no pass comes after the last one."""
    ledger, begun = Ledger(), 0
    for _ in range(sum(area.passes for area in plan) + extra):
        found = ledger.next_pass(plan)
        if found is not None:
            ledger = ledger.begin(*found).end(found[0].area, found[1], Outcome.UNCERTAIN, 1)
            begun += 1

    assert sum(area.passes for area in plan) == begun == len(ledger.passes)


@pytest.mark.req("SR-007", "SR-032")
@given(
    st.integers(1, 300),
    st.integers(1, 1_000),
    st.lists(st.tuples(st.sampled_from(ENDED), st.integers(0, 300)), max_size=30),
)
def test_dose_is_never_planned_beyond_its_cap(
    strokes_per_pass: int, strokes_max: int, endings: list[tuple[Outcome, int]]
) -> None:
    """Before every pass all strokes so far and a whole pass fit into the dose of the area."""
    area, ledger = AreaPlan("a", 500, 800, 10, strokes_per_pass, strokes_max), Ledger()
    used: dict[int, int] = {}
    for outcome, strokes in endings:
        found = ledger.next_pass((area,))
        number = 1 + sum(p.outcome is not Outcome.NOT_DELIVERED for p in ledger.passes)
        others = sum(made for other, made in used.items() if other != number)
        is_left = number <= 10 and others + strokes_per_pass <= strokes_max

        assert ((area, number) if is_left else None) == found
        if found is None:
            break

        ledger = ledger.begin(*found).end("a", number, outcome, strokes)
        used[number] = strokes
        assert sum(used.values()) == ledger.strokes_of("a")


@pytest.mark.req("SR-007", "HZ-13", "HZ-14")
@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from(ENDED), st.integers(0, 9), st.booleans()), max_size=40),
)
def test_number_of_a_pass_is_free_however_late_another_is_acquitted(
    passes: int, moves: list[tuple[Outcome, int, bool]]
) -> None:
    """Passes are ended, and earlier ones acquitted, in any order: no number counts twice."""
    area, ledger = AreaPlan("a", 500, 800, passes, 1, 10_000), Ledger()
    counting: set[int] = set()
    for outcome, number, is_acquitted in moves:
        if is_acquitted and number in counting:
            ledger = ledger.end("a", number, Outcome.NOT_DELIVERED, 0)
            counting.remove(number)
        free = sorted({*range(1, passes + 1)} - counting)
        found = ledger.next_pass((area,))

        assert ((area, free[0]) if free else None) == found
        if found is None:
            continue

        ledger = ledger.begin(*found).end("a", found[1], outcome, 1)
        if outcome is not Outcome.NOT_DELIVERED:
            counting.add(found[1])
        numbers = [p.number for p in ledger.passes]
        assert len(numbers) == len({*numbers})
        assert len(counting) == ledger.counted("a") <= passes
