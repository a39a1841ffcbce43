"""A world of the scan loop that notes every order on the wire; it judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.registers import Command
from hil.world import World
from safety.facts import IntentKind
from safety.ledger import AreaPlan
from safety.states import State
from simulator.pen import Pen

PLAN = (AreaPlan("cheek", 1_000, 1_000, 2, 1_000, 10_000),)
EXCHANGE = 0x17
"""Function of an exchange; reading the identity is none. Source: docs/protocol.md 1."""

COMMAND_BYTE = 12
"""Place of the command in a frame of function 23. Source: docs/protocol.md 8."""

FIRST = (
    State.OFFLINE,
    State.CONNECTING,
    State.IDENTIFYING,
    State.SELFTEST,
    State.LOCKED,
    State.IDLE,
)
"""States on the way to a plan, in their order."""

Make = Callable[..., "Bench"]


class Bench(World):
    """A world that notes every order on the wire with its time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(PLAN, Pen(seed=3), **options)
        self.sent: list[tuple[int, Command]] = []
        self.on_write: Callable[[Command], None] = lambda _command: None
        really_write = self.port.write

        def write(data: bytes) -> None:
            if data[1] == EXCHANGE:
                command = Command(data[COMMAND_BYTE])
                self.sent.append((self.clock.now_us(), command))
                self.on_write(command)
            really_write(data)

        self.port.write = write  # type: ignore[method-assign]

    @property
    def commands(self) -> list[Command]:
        """All orders so far."""
        return [command for _, command in self.sent]

    @property
    def codes(self) -> set[str]:
        """Causes that were written down so far."""
        return {str(e.body["code"]) for e in self.journal.entries if e.kind == "fault"}

    def to(self, state: State) -> None:
        """Go on to a state by the shortest way."""
        if state in (State.STOPPING, State.PAUSED):
            self.to(State.RUNNING)
            self.want(IntentKind.PAUSE)
            self.scan()
        elif state is State.FAULT:
            self.to(State.RUNNING)
            self.pen.inject("over-depth")
        is_first = state in FIRST
        is_last = state in (State.STOPPING, State.PAUSED, State.FAULT)
        self.scan_until(lambda m: m.state is state, pushing=not (is_first or is_last))
