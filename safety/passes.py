"""Book-keeping of the pass at hand: counts strokes, opens and closes it in ledger and journal."""

from __future__ import annotations

from safety.errors import InvariantBroken
from safety.facts import Facts, Telemetry
from safety.ledger import AreaPlan, Outcome
from safety.memory import Body, CurrentPass, Entry, Memory
from safety.selftest import tested_after
from safety.states import State

COUNTER_MODULUS = 2**32
"""The pen's stroke counter wraps here. Source: docs/protocol.md 4."""


def note(memory: Memory, kind: str, body: Body) -> Entry:
    """Return the next journal entry and count it."""
    memory.entries += 1
    return Entry(memory.entries, kind, body)


def stands_as(memory: Memory, outcome: Outcome) -> bool:
    """Return whether the pass at hand stands in the ledger with this outcome."""
    current = memory.current
    if current is None:
        return False
    return memory.ledger.stands_as(current.plan.area, current.number) is outcome


def is_planned(memory: Memory) -> bool:
    """Return whether the pass at hand has been written down and not been closed."""
    return stands_as(memory, Outcome.PLANNED)


def take_in(memory: Memory, facts: Facts) -> None:
    """Count the strokes, contact and depth of a telemetry that has not been counted yet.

    A stretch between two telemetries counts as in contact if there was contact at either end, and
    so does the one before, since a pen needs a moment to sense skin ([DOM] 4.5, 50 ms): a dose is
    rather counted too high than too low. Rule: SR-007, SR-008.
    """
    seen = facts.telemetry
    if seen is None or seen.tick_ms == memory.seen_tick_ms:
        return
    is_first = memory.seen_tick_ms is None
    delta = 0 if is_first else (seen.strokes - memory.seen_strokes) % COUNTER_MODULUS
    if delta >= COUNTER_MODULUS // 2:
        # The counter went back: what was not kept in the pen's memory cannot be counted.
        delta = 0
        if memory.current is not None and memory.start_sent:
            memory.current.has_gap = True
    had_contact = memory.seen_contact or seen.has_contact
    on_skin = delta + memory.air_strokes if had_contact else 0
    memory.air_strokes = 0 if had_contact else delta
    memory.seen_tick_ms, memory.seen_strokes = seen.tick_ms, seen.strokes
    memory.seen_contact = seen.has_contact
    if memory.state is State.SELFTEST:
        memory.tested = tested_after(memory.tested, seen)
    if memory.current is not None and is_planned(memory):
        _count(memory.current, seen, delta, on_skin)


def _count(current: CurrentPass, seen: Telemetry, delta: int, on_skin: int) -> None:
    """Add a stretch of strokes to the pass, and those of them and before that were on skin."""
    current.strokes_total += delta
    current.strokes_in_contact += on_skin
    if seen.has_contact:
        current.contact_ms = seen.received_ms
    # A pen that has just switched off may have been the deepest.
    if seen.depth_um is not None:
        current.depth_um_max = max(current.depth_um_max, seen.depth_um)


def plan_pass(memory: Memory) -> Entry:
    """Begin the pass at hand in the ledger and return the entry that must be durable first."""
    current = memory.current
    if current is None:
        raise InvariantBroken("a pass was planned that is not at hand")
    memory.ledger = memory.ledger.begin(current.plan, current.number)
    current.counter_before = memory.seen_strokes
    memory.air_strokes = 0
    known = memory.identity
    entry = note(
        memory,
        "pass_planned",
        {
            "area": current.plan.area,
            "number": current.number,
            "depth_um": current.plan.depth_um,
            "speed_dhz": current.plan.speed_dhz,
            "strokes_before": memory.seen_strokes,
            "strokes_in_contact_before": current.strokes_in_contact,
            "serial_number": 0 if known is None else known.serial_number,
            "epoch": 0 if known is None else known.epoch,
        },
    )
    memory.start_entry = entry.number
    return entry


def outcome_of(current: CurrentPass) -> Outcome:
    """Return what the counted strokes make of a pass whose end was seen.

    Rule: SR-007 (what is not known counts), SR-008 (no contact, no pass).
    """
    if current.strokes_in_contact >= current.plan.strokes_per_pass:
        return Outcome.DELIVERED
    if current.has_gap:
        return Outcome.UNCERTAIN
    return Outcome.PARTIAL if current.strokes_in_contact > 0 else Outcome.NOT_DELIVERED


def strokes_for_dose(plan: AreaPlan, outcome: Outcome, strokes_in_contact: int) -> int:
    """Return the strokes of a pass that count against the dose of its area.

    Of a pass whose end nobody saw, at least a whole pass counts. Rule: SR-007.
    """
    is_uncertain = outcome is Outcome.UNCERTAIN
    return max(strokes_in_contact, plan.strokes_per_pass if is_uncertain else 0)


def close_pass(memory: Memory, now_ms: int, reason: str, outcome: Outcome | None = None) -> Entry:
    """Close the pass at hand in the ledger and return its entry.

    Args:
        memory: Changed in place.
        now_ms: Host's monotonic clock.
        reason: Why it ended.
        outcome: Given where counting is not to be trusted, such as after a lost link.
    """
    current = memory.current
    if current is None:
        raise InvariantBroken("a pass was closed that is not at hand")
    outcome = outcome or outcome_of(current)
    if current.begun_ms is not None:
        current.run_ms += now_ms - current.begun_ms
        current.begun_ms = None
    strokes = strokes_for_dose(current.plan, outcome, current.strokes_in_contact)
    memory.ledger = memory.ledger.end(current.plan.area, current.number, outcome, strokes)
    memory.start_entry, memory.start_id, memory.start_sent = 0, None, False
    return note(
        memory,
        "pass_ended",
        {
            "area": current.plan.area,
            "number": current.number,
            "outcome": str(outcome),
            "strokes_total": current.strokes_total,
            "strokes_in_contact": current.strokes_in_contact,
            "duration_ms": current.run_ms,
            "depth_um_measured_max": current.depth_um_max,
            "reason": reason,
        },
    )
