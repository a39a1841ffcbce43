"""Edges of the monitors' levels: full to the millisecond, a supply at its bound, a first look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safety.memory import CurrentPass, Memory
from safety.monitors.rack import find_causes
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, PLAN, Tape

if TYPE_CHECKING:
    from safety.facts import Facts

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}


def codes(tape: Tape) -> set[str]:
    """Return the causes that are active now."""
    return {str(cause.code) for cause in find_causes(View(tape.memory, tape.facts, NOW_MS))}


@pytest.mark.req("SR-039", "SR-041")
@pytest.mark.parametrize(
    ("code", "state", "level", "full_ms"),
    [
        ("depth-tracking", State.RUNNING, "depth_off_ms", 100),
        ("speed-droop", State.RUNNING, "droop_ms", 200),
        ("speed-dragging", State.RUNNING, "dragging_ms", 150),
        ("speed-no-feedback", State.RUNNING, "no_feedback_ms", 150),
        ("over-current", State.RUNNING, "over_current_ms", 100),
        ("stall", State.RUNNING, "stall_ms", 100),
        ("current-unasked", State.PLANNED, "current_unasked_ms", 100),
        ("supply-low", State.PLANNED, "supply_low_ms", 250),
        ("supply-weak", State.PLANNED, "supply_too_low_ms", 250),
        ("supply-too-low", State.RUNNING, "supply_too_low_ms", 250),
        ("supply-empty", State.PLANNED, "supply_empty_ms", 100),
        ("sensor-unknown", State.RUNNING, "unknown_ms", 100),
        ("no-effect", State.RUNNING, "no_effect_ms", 500),
        ("contact-stuck", State.PLANNED, "contact_stuck_ms", 5_000),
    ],
)
def test_cause_is_active_while_its_level_is_full_to_the_millisecond(
    code: str, state: State, level: str, full_ms: int, tape: Tape
) -> None:
    """A level that has fallen to full still counts, and one millisecond below does not."""
    tape.memory.state = state
    setattr(tape.watch, level, full_ms)
    full = codes(tape)
    setattr(tape.watch, level, full_ms - 1)

    assert code in full
    assert code not in codes(tape)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("bound_mv", "level", "count"),
    [(3_400, "supply_low_ms", 4), (3_300, "supply_too_low_ms", 4), (3_100, "supply_empty_ms", 1)],
)
def test_supply_at_its_bound_neither_raises_nor_lowers_a_level(
    bound_mv: int, level: str, count: int, tape: Tape
) -> None:
    """What was bad before stays as bad as it was."""
    tape.play(count, **(RUN | {"supply_mv": bound_mv - 1}))
    tape.play(10, supply_mv=bound_mv)

    assert count * 50 == getattr(tape.watch, level)


@pytest.mark.req("SR-042")
def test_first_telemetry_of_all_is_no_dwell_however_far_the_counter_stands(facts: Facts) -> None:
    """No time has passed in contact yet, and what the counter held before says nothing."""
    memory = Memory(state=State.RUNNING, current=CurrentPass(PLAN, 1))
    found = Tape(memory, facts).play(**(RUN | {"has_contact": True, "strokes": 1_000_000}))

    assert 0 == memory.watch.contact_ms
    assert "dwell" not in found
