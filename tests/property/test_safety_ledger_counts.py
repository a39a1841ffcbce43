"""The ledger against a second book-keeping, over any order of beginnings and endings."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.ledger import AreaPlan, Ledger, Outcome

ENDINGS = st.lists(st.sampled_from([o for o in Outcome if o is not Outcome.PLANNED]), max_size=60)
PLANS = st.lists(
    st.builds(
        AreaPlan,
        st.sampled_from("abcd"),
        st.just(500),
        st.just(800),
        st.integers(1, 10),
        st.just(1),
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

        ledger = ledger.end(area.area, number, outcome)
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
            ledger = ledger.begin(*found).end(found[0].area, found[1], Outcome.UNCERTAIN)
            begun += 1

    assert sum(area.passes for area in plan) == begun == len(ledger.passes)
