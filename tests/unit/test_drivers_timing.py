"""The times hold together, and every module that waits uses the same ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller import scanloop
from drivers import commissioning, pen, registers
from drivers.timing import PROFILE_A
from safety import guards
from safety.monitors import host


@pytest.mark.req("SR-012")
def test_figures_of_profile_a_are_those_that_are_used() -> None:
    """Scan, link, pen and safety keep to the one profile."""
    ms = 1_000

    assert PROFILE_A.heartbeat_ms * ms == scanloop.PERIOD_US
    assert PROFILE_A.answer_ms * ms == scanloop.ANSWER_US == pen.ANSWER_TIMEOUT_US
    assert PROFILE_A.lease_ms == registers.LEASE_MS
    assert PROFILE_A.freshness_ms == guards.FRESHNESS_MS
    assert PROFILE_A.lateness_ms == host.LATE_MS_MAX
    assert commissioning.WAIT_US == PROFILE_A.lease_ms * ms


def test_lease_outlasts_an_old_echo_and_three_attempts() -> None:
    """The least lease is the figure of the specification."""
    assert 180 == PROFILE_A.lease_ms_needed


@pytest.mark.parametrize(
    "change",
    [
        {"cycle_us": 25_001},
        {"answer_ms": 50, "lease_ms": 1_000},
        {"lease_ms": 179},
        {"freshness_ms": 200},
        {"lateness_ms": 50},
    ],
)
def test_profile_whose_times_do_not_hold_together_cannot_be_made(change: dict[str, int]) -> None:
    """Each relation, broken alone, is refused with its own words."""
    with pytest.raises(ValueError, match=r"^timing profile A: [^;]+$"):
        replace(PROFILE_A, **change)
