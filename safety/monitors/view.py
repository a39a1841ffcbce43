"""What a monitor may look at in one scan, and the groups of states that monitors apply in."""

from __future__ import annotations

from collections.abc import Callable

from safety.causes import Cause
from safety.facts import Facts, PenIdentity
from safety.memory import Memory
from safety.states import LATCHED, LINKED, State

STOPPED_STATES = frozenset({State.STOPPING, State.FAULT})
"""States in which a pen has been told to stop."""

RESTING = frozenset({State.LOCKED, State.IDLE, State.PLANNED, State.PAUSED, State.SERVICE})
"""States in which nobody has asked for motion, and the pen was seen at rest before."""

STRIKING = frozenset({State.RUNNING, State.UNKNOWN_OUTCOME})
"""States in which the motor is, or may be, driven."""

IDENTIFIED = LINKED - {State.IDENTIFYING}
"""States in which it is known which pen is at the other end."""


class View:
    """One scan, as monitors see it.

    Args:
        memory: What is remembered; only its `Watch` is changed, and only by `rack.measure`.
        facts: What is known now.
        now_ms: Host's monotonic clock.
    """

    __slots__ = ("current", "facts", "memory", "now_ms", "seen", "state", "watch")

    def __init__(self, memory: Memory, facts: Facts, now_ms: int) -> None:
        self.memory = memory
        self.facts = facts
        self.now_ms = now_ms
        self.seen = facts.telemetry
        self.current = memory.current
        self.state = memory.state
        self.watch = memory.watch

    @property
    def pen(self) -> PenIdentity | None:
        """The pen that is judged: the session's, or under a latch as it was last identified anew.

        Else a fault that is gone could never be reset.
        """
        latest = self.facts.identity if self.state in LATCHED else None
        return latest or self.memory.identity


Monitor = Callable[[View], Cause | None]
"""One monitor: None when all is well."""
