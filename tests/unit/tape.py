"""A tape of telemetries for the monitors, and a healthy pass to begin with; it judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from safety.facts import Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory
from safety.monitors.rack import find_causes, measure
from safety.monitors.view import View
from safety.monitors.watch import Watch
from safety.states import PenState, State

NOW_MS = 10_000
PLAN = AreaPlan("a", 750, 1_000, 2, 3_000, 40_000)


@dataclass
class Tape:
    """Plays one telemetry after the other into the monitors, 50 ms apart unless told otherwise."""

    memory: Memory
    facts: Facts

    @property
    def watch(self) -> Watch:
        """What the monitors remember."""
        return self.memory.watch

    def play(self, count: int = 1, *, ms: int = 50, **changes: Any) -> set[str]:
        """Let the pen say so that often, and return the causes that are active then."""
        for _ in range(count):
            seen = self.facts.telemetry
            assert seen is not None
            times = {"received_ms": seen.received_ms + ms, "tick_ms": seen.tick_ms + ms}
            strokes = {"strokes": seen.strokes + 5 * (seen.state is PenState.RUN)}
            self.facts = replace(self.facts, telemetry=replace(seen, **(times | strokes | changes)))
            view = View(self.memory, self.facts, times["received_ms"])
            measure(view)
        return {str(cause.code) for cause in find_causes(view)}


def healthy_tape(facts: Facts, telemetry: Telemetry) -> Tape:
    """Return a tape in RUNNING that begins with a healthy pen at rest."""
    current = CurrentPass(PLAN, 1, begun_ms=NOW_MS, contact_ms=NOW_MS)
    known = PenIdentity(42, 7, 0x957A, 200)
    memory = Memory(state=State.RUNNING, identity=known, current=current)
    begun = Tape(memory, replace(facts, telemetry=replace(telemetry, current_ma=150)))
    begun.play()
    return begun
