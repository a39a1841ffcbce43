"""Settles passes of an interrupted session by the pen's own stroke counter; it moves nothing.

The counter is the second account of what happened: it is kept by the pen, and no host can set it
back. It can only acquit: a counter that did not move proves that no needle moved since the last
part of the pass was written down. One that moved does not tell over which skin, so the pass stays
uncertain and counts. What earlier parts made on skin counts in any case.
"""

from __future__ import annotations

from safety.facts import Telemetry
from safety.ledger import Outcome
from safety.memory import Body, Entry, Memory, Unsettled
from safety.passes import note


def is_acquitted(one: Unsettled, memory: Memory, seen: Telemetry) -> bool:
    """Return whether the pen proves that this pass never moved a needle.

    It must be the same pen, not restarted since (what it had not kept would be lost), with the
    counter where it was.
    """
    known = memory.identity
    if known is None or known.serial_number != one.serial_number:
        return False
    return known.epoch == seen.epoch == one.epoch and seen.strokes == one.strokes_before


def settle(memory: Memory, seen: Telemetry) -> list[Entry]:
    """Compare every unsettled pass with the counter; return what to write down, in their order.

    Args:
        memory: Changed in place: its ledger, and nothing is left unsettled.
        seen: Fresh telemetry of the pen at rest.

    Rule: SR-007, SR-011.
    """
    entries = []
    for one in memory.unsettled:
        outcome, strokes = Outcome.UNCERTAIN, one.strokes_in_contact
        if is_acquitted(one, memory, seen):
            outcome = Outcome.PARTIAL if strokes > 0 else Outcome.NOT_DELIVERED
            memory.ledger = memory.ledger.end(one.area, one.number, outcome, strokes)
        body: Body = {
            "area": one.area,
            "number": one.number,
            "outcome": str(outcome),
            "strokes_in_contact": strokes,
            "strokes_before": one.strokes_before,
            "strokes_now": seen.strokes,
        }
        entries.append(note(memory, "pass_reconciled", body))
    memory.unsettled = ()
    return entries
