"""The work sheet of one scan: its own copy of the memory, and how events change it.

`safety.reactions`, `safety.progress` and `safety.wishes` write on it, in this order; it decides
nothing by itself.
"""

from __future__ import annotations

from safety.causes import Cause
from safety.facts import Facts, Role
from safety.guards import Scene
from safety.machine import Machine
from safety.memory import Body, Entry, Firing, Memory
from safety.passes import note
from safety.states import Event, State

_WITHOUT_PASS = frozenset(
    {State.OFFLINE, State.SELFTEST, State.LOCKED, State.IDLE, State.PLANNED, State.SERVICE}
)
"""States in which no pass is at hand."""


class Scan:
    """One scan in the making.

    Args:
        machine: Fires events; shared between scans, since it holds no state.
        memory: Of the previous scan; copied, never changed.
        facts: What is known now.
        now_ms: Host's monotonic clock.
    """

    __slots__ = ("_machine", "active", "entries", "facts", "firings", "memory", "now_ms")

    def __init__(self, machine: Machine, memory: Memory, facts: Facts, now_ms: int) -> None:
        self._machine = machine
        self.memory = memory.copy()
        # What a person closed stays closed until that very session, or port, is no longer open.
        self.memory.was_locked &= facts.session_is_open
        self.memory.was_disconnected &= facts.link_is_wanted
        self.facts = facts
        self.now_ms = now_ms
        self.entries: list[Entry] = []
        self.firings: list[Firing] = []
        self.active: tuple[Cause, ...] = ()

    def scene(self, role: Role = Role.PRACTITIONER, area: str = "") -> Scene:
        """Return what guards may look at."""
        return Scene(self.memory, self.facts, self.now_ms, role, self.active, area)

    def fire(self, event: Event, role: Role = Role.PRACTITIONER, area: str = "") -> Firing:
        """Fire one event, move the memory along, and write a change of state down."""
        memory = self.memory
        firing = self._machine.fire(memory.state, event, self.scene(role, area))
        self.firings.append(firing)
        if not firing.is_refused and firing.after is not firing.before:
            memory.state, memory.entered_ms = firing.after, self.now_ms
            self._settle_in()
            names = (firing.before.name, firing.event.name, firing.after.name)
            self.write("state", dict(zip(("before", "event", "after"), names, strict=True)))
        return firing

    def write(self, kind: str, body: Body) -> None:
        """Add a line for the journal."""
        self.entries.append(note(self.memory, kind, body))

    def latch(self, cause: Cause) -> None:
        """Add a cause that is no measurement, such as a person's emergency stop; write it down."""
        if all(known.code is not cause.code for known in self.memory.causes):
            self.memory.causes = (*self.memory.causes, cause)
            code, severity = str(cause.code), cause.severity.name
            self.write("fault", {"code": code, "severity": severity, "text": cause.sentence})

    def stop(self, event: Event, reason: str) -> None:
        """Stop for good, by an event that does; going on takes a new plan."""
        self.halt(event, Event.STILL_AFTER_STOP, reason)

    def pause(self, reason: str) -> None:
        """Stop, and keep the pass so that it can be resumed."""
        self.halt(Event.PAUSE, Event.STILL_AFTER_PAUSE, reason)

    def finish_pass(self, reason: str) -> None:
        """Stop because the pass is done."""
        self.halt(Event.PASS_DONE, Event.STILL_AFTER_PASS, reason)

    def halt(self, event: Event, after: Event, reason: str) -> None:
        """Stop the needles by an event, and say what follows when they rest."""
        if not self.fire(event).is_refused:
            self.memory.after_stop, self.memory.stop_reason = after, reason

    def _settle_in(self) -> None:
        """Drop what the state that was just entered has no use for."""
        memory = self.memory
        if memory.state in _WITHOUT_PASS:
            memory.current = None
        if memory.state is State.SELFTEST:
            memory.tested = 0
            self._know()

    def _know(self) -> None:
        """Take the pen as it says it is; a plan for another cartridge or other limits is void.

        The first pen is the session's pen; that another one answers is for the monitors to see.
        """
        memory, known, told = self.memory, self.memory.identity, self.facts.identity
        if told is None or (known is not None and told.serial_number != known.serial_number):
            return
        memory.identity = told
        # Only the pen's own word tells which cartridge is in.
        memory.is_cartridge_in_doubt = False
        if known is None:
            return
        if told.cartridge_uid != known.cartridge_uid:
            uids = {"before": known.cartridge_uid, "after": told.cartridge_uid}
            self.write("cartridge_changed", uids)
        if (told.limits_hash, told.cartridge_uid) != (known.limits_hash, known.cartridge_uid):
            memory.plan = ()
