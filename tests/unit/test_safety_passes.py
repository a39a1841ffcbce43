"""Book-keeping of the pass at hand: strokes, contact, depth, and what comes of a pass."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from safety.errors import InvariantBroken
from safety.facts import Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import CurrentPass, Memory
from safety.passes import (
    close_pass,
    is_planned,
    outcome_of,
    plan_pass,
    stands_as,
    strokes_for_dose,
    take_in,
)
from safety.states import State

PLAN = AreaPlan("a", 750, 1_000, 3, 200, 10_000)


def memory_with(outcome: Outcome = Outcome.PLANNED, **changes: Any) -> Memory:
    """Return a memory with the first pass at hand, last heard at tick 4,000 and 900 strokes."""
    usual = {
        "current": CurrentPass(PLAN, 1),
        "ledger": Ledger((Pass("a", 1, outcome),)),
        "seen_tick_ms": 4_000,
        "seen_strokes": 900,
    }
    return Memory(**(usual | changes))


def current_of(memory: Memory) -> CurrentPass:
    """Return the pass at hand, which there is."""
    assert memory.current is not None
    return memory.current


@pytest.mark.req("SR-008")
@pytest.mark.parametrize(("before", "now"), list(product((False, True), repeat=2)))
def test_stretch_counts_as_in_contact_if_either_end_was(
    before: bool, now: bool, facts: Facts, telemetry: Telemetry
) -> None:
    """A dose is rather counted too high than too low."""
    memory = memory_with(seen_contact=before)
    take_in(memory, replace(facts, telemetry=replace(telemetry, has_contact=now)))

    current = current_of(memory)
    in_contact = 100 if before or now else 0
    assert (100, in_contact) == (current.strokes_total, current.strokes_in_contact)
    assert (10_000 if now else 0) == current.contact_ms
    assert now == memory.seen_contact


@pytest.mark.req("SR-008")
@pytest.mark.parametrize(
    ("contacts", "in_contact"),
    [
        ((False, False, False), 0),
        ((False, False, True), 30),
        ((False, True, True), 70),
        ((False, True, False), 70),
        ((True, False, False), 50),
        ((True, False, True), 70),
    ],
    ids=str,
)
def test_stretch_before_the_one_in_which_skin_was_sensed_counts_as_well(
    contacts: tuple[bool, ...], in_contact: int, facts: Facts, telemetry: Telemetry
) -> None:
    """A pen needs a moment to sense skin; one stretch counts so, once, and none before it."""
    memory = memory_with()
    for number, (stretch, contact) in enumerate(zip((40, 10, 20), contacts, strict=True), 1):
        tick_ms, strokes = 4_000 + 50 * number, memory.seen_strokes + stretch
        seen = replace(telemetry, tick_ms=tick_ms, strokes=strokes, has_contact=contact)
        take_in(memory, replace(facts, telemetry=seen))

    assert (70, in_contact) == (
        current_of(memory).strokes_total,
        current_of(memory).strokes_in_contact,
    )


@pytest.mark.req("SR-008")
def test_new_pass_does_not_inherit_what_was_struck_in_the_air_before_it() -> None:
    """The stretch before its START belongs to no pass."""
    memory = memory_with(Outcome.PARTIAL, air_strokes=7)
    plan_pass(memory)

    assert 0 == memory.air_strokes


@pytest.mark.req("SR-007", "HZ-56")
@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (900, 900, 0),
        (900, 901, 1),
        (2**32 - 1, 0, 1),
        (0, 2**31 - 1, 2**31 - 1),
        (2**32 - 5, 5, 10),
    ],
)
def test_strokes_are_counted_modulo_the_counter(
    before: int, now: int, expected: int, facts: Facts, telemetry: Telemetry
) -> None:
    """The counter of the pen wraps at 2^32."""
    memory = memory_with(seen_strokes=before)
    take_in(memory, replace(facts, telemetry=replace(telemetry, strokes=now)))

    assert (expected, now) == (current_of(memory).strokes_total, memory.seen_strokes)
    assert not current_of(memory).has_gap


@pytest.mark.req("SR-007", "HZ-56")
@pytest.mark.parametrize(("before", "now"), [(900, 899), (0, 2**32 - 1), (0, 2**31)])
def test_counter_that_went_back_leaves_the_pass_uncertain(
    before: int, now: int, facts: Facts, telemetry: Telemetry
) -> None:
    """A pen that forgot strokes has made strokes that nobody can count."""
    memory = memory_with(seen_strokes=before, start_sent=True)
    take_in(memory, replace(facts, telemetry=replace(telemetry, strokes=now)))

    assert (0, now) == (current_of(memory).strokes_total, memory.seen_strokes)
    assert current_of(memory).has_gap


@pytest.mark.req("SR-007")
def test_counter_that_went_back_before_start_leaves_no_gap(facts: Facts) -> None:
    """No needle can have moved for a pass of which no START has left."""
    memory = memory_with(seen_strokes=2_000)
    take_in(memory, facts)

    assert (0, False) == (current_of(memory).strokes_total, current_of(memory).has_gap)


def test_counter_that_went_back_between_passes_changes_nothing_else(facts: Facts) -> None:
    """Without a pass at hand there is nothing to be uncertain about."""
    memory = memory_with(current=None, seen_strokes=2_000)
    take_in(memory, facts)

    assert (None, 1_000) == (memory.current, memory.seen_strokes)


def test_same_telemetry_is_counted_once(facts: Facts) -> None:
    """A status that is still the last one known adds nothing."""
    memory = memory_with()
    take_in(memory, facts)
    take_in(memory, facts)

    assert (100, 5_000) == (current_of(memory).strokes_total, memory.seen_tick_ms)


def test_first_telemetry_only_sets_the_beginning(facts: Facts) -> None:
    """What the pen did before anybody listened belongs to no pass."""
    memory = memory_with(seen_tick_ms=None, seen_strokes=0)
    take_in(memory, facts)

    assert (0, 1_000) == (current_of(memory).strokes_total, memory.seen_strokes)


def test_no_telemetry_counts_nothing(facts: Facts) -> None:
    """Without a status nothing is known anew."""
    memory = memory_with()
    take_in(memory, replace(facts, telemetry=None))

    assert memory_with() == memory


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PLANNED])
def test_closed_pass_takes_no_more_strokes(outcome: Outcome, facts: Facts) -> None:
    """Only a pass that is written down and open is counted."""
    memory = memory_with(outcome)
    take_in(memory, facts)

    assert (0, 1_000) == (current_of(memory).strokes_total, memory.seen_strokes)


def test_strokes_without_a_pass_only_move_the_beginning(facts: Facts) -> None:
    """Between passes the counter is followed all the same."""
    memory = memory_with(current=None)
    take_in(memory, facts)

    assert (1_000, 5_000) == (memory.seen_strokes, memory.seen_tick_ms)


@pytest.mark.parametrize(
    ("depth_um", "is_driven", "expected"),
    [(760, True, 760), (760, False, 760), (690, True, 700), (None, True, 700)],
)
def test_deepest_protrusion_of_a_pass_is_kept(
    depth_um: int | None, is_driven: bool, expected: int, facts: Facts, telemetry: Telemetry
) -> None:
    """A pen that has just switched off may have been the deepest; an unknown depth says nothing."""
    memory = memory_with(current=CurrentPass(PLAN, 1, depth_um_max=700))
    seen = replace(telemetry, depth_um=depth_um, is_driven=is_driven)
    take_in(memory, replace(facts, telemetry=seen))

    assert expected == current_of(memory).depth_um_max


@pytest.mark.req("SR-036")
@pytest.mark.parametrize("state", list(State))
def test_statuses_are_checked_while_the_pen_is_tested_and_only_then(
    state: State, facts: Facts, telemetry: Telemetry
) -> None:
    """Each new status counts once, as good or bad, and what was counted before stays elsewhere."""
    memory, counts = memory_with(state=state, tested=1), []
    for tick_ms, depth_um in ((5_000, 0), (5_000, 0), (5_050, 0), (5_100, 201), (5_150, 0)):
        seen = replace(telemetry, tick_ms=tick_ms, depth_um=depth_um)
        take_in(memory, replace(facts, telemetry=seen))
        counts.append(memory.tested)

    assert ([2, 2, 3, -1, 1] if state is State.SELFTEST else [1] * 5) == counts


@pytest.mark.req("SR-007", "SR-008")
@pytest.mark.parametrize(
    ("strokes", "has_gap"), list(product((0, 1, 199, 200, 201), (False, True)))
)
def test_outcome_follows_from_strokes_and_gaps(strokes: int, has_gap: bool) -> None:
    """Enough strokes are a delivered pass, an unseen one counts, and no contact is no pass."""
    current = CurrentPass(PLAN, 1, strokes_in_contact=strokes, has_gap=has_gap)
    unseen = Outcome.UNCERTAIN if has_gap else None
    short = Outcome.PARTIAL if strokes else Outcome.NOT_DELIVERED

    assert (Outcome.DELIVERED if strokes >= 200 else unseen or short) is outcome_of(current)


def test_pass_is_planned_only_while_it_stands_so_in_the_ledger() -> None:
    """Area, number and outcome must all fit."""
    assert is_planned(memory_with())
    assert not is_planned(memory_with(Outcome.PARTIAL))
    assert not is_planned(memory_with(current=None))
    assert not is_planned(memory_with(current=CurrentPass(PLAN, 2)))
    assert stands_as(memory_with(Outcome.PARTIAL), Outcome.PARTIAL)


def test_planning_a_pass_writes_down_all_that_a_reader_needs(identity: PenIdentity) -> None:
    """The entry names area, number and grants, and where the counters stood."""
    current = CurrentPass(PLAN, 1, strokes_in_contact=50, depth_um_max=700, has_gap=True)
    memory = memory_with(Outcome.PARTIAL, current=current, entries=7, identity=identity)
    entry = plan_pass(memory)

    expected = {
        "area": "a",
        "number": 1,
        "depth_um": 750,
        "speed_dhz": 1_000,
        "strokes_before": 900,
        "strokes_in_contact_before": 50,
        "serial_number": 42,
        "epoch": 7,
    }
    assert (8, "pass_planned", expected) == (entry.number, entry.kind, entry.body)
    assert (8, True, 700, True, 900) == (
        memory.start_entry,
        is_planned(memory),
        current.depth_um_max,
        current.has_gap,
        current.counter_before,
    )


def test_pass_of_an_unknown_pen_is_written_down_without_a_number() -> None:
    """A reader never finds a number that no pen told."""
    body = plan_pass(memory_with(Outcome.NOT_DELIVERED)).body

    assert (0, 0) == (body["serial_number"], body["epoch"])


@pytest.mark.req("SR-007", "SR-032")
@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("strokes", [0, 199, 200, 201])
def test_uncertain_pass_costs_a_whole_pass_of_the_dose_at_least(
    outcome: Outcome, strokes: int
) -> None:
    """What was counted is never taken back, and what was not seen is counted as if made."""
    expected = max(strokes, 200) if outcome is Outcome.UNCERTAIN else strokes

    assert expected == strokes_for_dose(PLAN, outcome, strokes)


@pytest.mark.req("SR-032")
@pytest.mark.parametrize(
    ("outcome", "expected"), [(None, 60), (Outcome.UNCERTAIN, 200), (Outcome.NOT_DELIVERED, 60)]
)
def test_closing_a_pass_charges_its_strokes_to_the_area(
    outcome: Outcome | None, expected: int
) -> None:
    """The ledger keeps them with the pass."""
    memory = memory_with(current=CurrentPass(PLAN, 1, strokes_in_contact=60))
    close_pass(memory, 10_000, "paused by key", outcome)

    assert (expected, 0) == (memory.ledger.strokes_of("a"), memory.ledger.strokes_of("b"))


@pytest.mark.parametrize(("begun_ms", "run_ms"), [(None, 500), (9_000, 1_500)])
def test_closing_a_pass_writes_down_what_came_of_it(begun_ms: int | None, run_ms: int) -> None:
    """The entry carries outcome, counts, time and depth, and the start is forgotten."""
    current = CurrentPass(PLAN, 1, 60, 70, 745, begun_ms, run_ms=500)
    memory = memory_with(current=current, start_entry=5, start_id=(1, 2), start_sent=True)
    entry = close_pass(memory, 10_000, "paused by key")

    expected = {
        "area": "a",
        "number": 1,
        "outcome": "partial",
        "strokes_total": 70,
        "strokes_in_contact": 60,
        "duration_ms": run_ms,
        "depth_um_measured_max": 745,
        "reason": "paused by key",
    }
    assert (1, "pass_ended", expected) == (entry.number, entry.kind, entry.body)
    assert stands_as(memory, Outcome.PARTIAL)
    assert (0, None, False) == (memory.start_entry, memory.start_id, memory.start_sent)
    assert (None, run_ms) == (current.begun_ms, current.run_ms)


def test_outcome_may_be_given_where_counting_is_not_to_be_trusted() -> None:
    """A lost link decides, whatever was counted."""
    memory = memory_with()
    close_pass(memory, 10_000, "the link was lost", Outcome.UNCERTAIN)

    assert stands_as(memory, Outcome.UNCERTAIN)


def test_pass_that_is_not_at_hand_is_neither_planned_nor_closed() -> None:
    """The core contradicts itself then, and must not go on."""
    with pytest.raises(InvariantBroken, match=r"^a pass was planned that is not at hand$"):
        plan_pass(memory_with(current=None))
    with pytest.raises(InvariantBroken, match=r"^a pass was closed that is not at hand$"):
        close_pass(memory_with(current=None), 10_000, "none")


@pytest.mark.req("SR-007", "SR-032")
@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("strokes", [-5, -1])
def test_record_of_fewer_than_no_strokes_gives_nothing_back(outcome: Outcome, strokes: int) -> None:
    """What an older record says is a number from outside; it never adds to what is left."""
    expected = 200 if outcome is Outcome.UNCERTAIN else 0

    assert expected == strokes_for_dose(PLAN, outcome, strokes)
