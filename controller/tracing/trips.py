"""What a trip is: the scan after which the flight recorder is written; it writes nothing."""

from __future__ import annotations

from safety.facts import Facts
from safety.memory import Decision, Memory
from safety.states import LATCHED


class TripWatch:
    """Looks at every scan for a trip: a latched state that begins, or a link that is lost."""

    def __init__(self) -> None:
        """Begin with a link."""
        self._was_up = True

    def trip(self, before: Memory, facts: Facts, decision: Decision | None) -> str:
        """Return why the recorder is to be written after this scan, or an empty text.

        Args:
            before: What the scan began with.
            facts: What it knew.
            decision: What it decided; None if the core broke down.
        """
        was_up, self._was_up = self._was_up, facts.link_is_up
        if decision is None:
            return "the safety core broke down"
        memory = decision.memory
        if memory.state in LATCHED and memory.state is not before.state:
            causes = ", ".join(str(cause.code) for cause in memory.causes)
            return f"{memory.state.name}: {causes or memory.stop_reason}"
        if was_up and not facts.link_is_up:
            return "the link was lost"
        return ""
