"""The work sheet of one scan: its own copy of the memory, and how events change it.

`safety.reactions`, `safety.progress` and `safety.wishes` write on it, in this order; it decides
nothing by itself.
"""

from __future__ import annotations

from copy import copy

from safety.causes import Cause
from safety.facts import Facts, Role
from safety.guards import Scene
from safety.machine import Machine
from safety.memory import Body, Entry, Firing, Memory
from safety.passes import note
from safety.states import Event


class Scan:
    """One scan in the making.

    Args:
        machine: Fires events; shared between scans, since it holds no state.
        memory: Of the previous scan; copied, never changed.
        facts: What is known now.
        now_ms: Host's monotonic clock.
    """

    def __init__(self, machine: Machine, memory: Memory, facts: Facts, now_ms: int) -> None:
        self._machine = machine
        self.memory = copy(memory)
        self.memory.current = copy(memory.current)
        # The first pen identified is the session's pen; monitors compare every later one with it.
        self.memory.identity = memory.identity or facts.identity
        self.facts = facts
        self.now_ms = now_ms
        self.entries: list[Entry] = []
        self.firings: list[Firing] = []
        self.active: tuple[Cause, ...] = ()

    def scene(self, role: Role = Role.PRACTITIONER) -> Scene:
        """Return what guards may look at."""
        return Scene(self.memory, self.facts, self.now_ms, role, self.active)

    def fire(self, event: Event, role: Role = Role.PRACTITIONER) -> Firing:
        """Fire one event, move the memory along, and write a change of state down."""
        memory = self.memory
        firing = self._machine.fire(memory.state, event, self.scene(role))
        self.firings.append(firing)
        if not firing.is_refused and firing.after is not firing.before:
            memory.state, memory.entered_ms = firing.after, self.now_ms
            names = (firing.before.name, firing.event.name, firing.after.name)
            self.write("state", dict(zip(("before", "event", "after"), names, strict=True)))
        return firing

    def write(self, kind: str, body: Body) -> None:
        """Add a line for the journal."""
        self.entries.append(note(self.memory, kind, body))

    def stop(self, reason: str) -> None:
        """Stop for good; going on takes a new plan."""
        self._halt(Event.STOP, Event.STILL_AFTER_STOP, reason)

    def pause(self, reason: str) -> None:
        """Stop, and keep the pass so that it can be resumed."""
        self._halt(Event.PAUSE, Event.STILL_AFTER_PAUSE, reason)

    def finish_pass(self, reason: str) -> None:
        """Stop because the pass is done."""
        self._halt(Event.PASS_DONE, Event.STILL_AFTER_PASS, reason)

    def _halt(self, event: Event, after: Event, reason: str) -> None:
        self.memory.after_stop = after
        self.memory.stop_reason = reason
        self.fire(event)
