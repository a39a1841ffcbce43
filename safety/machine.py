"""Runs the table on `transitions`; judges by guards only, holds no state of its own.

`transitions` executes and the table decides: its automatic triggers are off, it queues nothing,
it has no callbacks that could fail, and the state that it arrives at is compared with the row.
"""

from __future__ import annotations

from transitions import Machine as _Engine

from safety.errors import InvariantBroken
from safety.guards import Scene
from safety.memory import Firing, Refusal
from safety.states import Event, State
from safety.table import ROWS, TABLE


class _Holder:
    """The model that `transitions` moves; nobody else sees it."""

    state: State


class Machine:
    """The safety machine. One owner calls it; the state goes in and comes out with every call."""

    def __init__(self) -> None:
        """Build the engine from the table."""
        self._holder = _Holder()
        self._engine = _Engine(
            model=self._holder,
            states=State,
            initial=State.OFFLINE,
            transitions=[
                {"trigger": row.event.name, "source": row.state, "dest": row.next} for row in TABLE
            ],
            auto_transitions=False,
            ignore_invalid_triggers=False,
            queued=False,
        )

    def fire(self, state: State, event: Event, scene: Scene) -> Firing:
        """Return what the event does in that state.

        Args:
            state: Where the machine stands.
            event: What happens.
            scene: What the guards may look at.

        Returns:
            The firing; if it was refused, ``after`` is ``state`` and every failing guard says why.

        Raises:
            InvariantBroken: If the engine arrived elsewhere than the table says.

        Rule: SR-004.
        """
        row = ROWS.get((state, event))
        if row is None:
            reason = f"{event.name} is not possible in {state.name}"
            return Firing(state, event, state, (Refusal("SR-004", reason, "See the state first."),))
        found = (guard(scene) for guard in row.guards)
        refusals = tuple(refusal for refusal in found if refusal is not None)
        if refusals:
            return Firing(state, event, state, refusals)
        self._engine.set_state(state, self._holder)
        self._engine.events[event.name].trigger(self._holder)
        if self._holder.state is not row.next:
            raise InvariantBroken(f"{state.name} + {event.name} led to {self._holder.state}")
        return Firing(state, event, row.next)
