"""One scan as a pure function: memory, facts, intents and time in, a decision out.

It reads no clock and does no I/O. The order of its parts is fixed: count what was measured, look
for causes, STOP if anybody wants it, else let the gravest cause act, then what follows by itself,
then what people want.
"""

from __future__ import annotations

from safety.facts import Facts, Intent, IntentKind
from safety.machine import Machine
from safety.memory import Decision, Memory, Order
from safety.outputs import order_for
from safety.passes import take_in
from safety.progress import follow_cartridge, go_on, note_orders
from safety.reactions import act_on_causes, look_for_causes
from safety.scan import Scan
from safety.states import STOPS, Event, OrderKind
from safety.wishes import grant_wish, stop_wish

_ENDS = STOPS | {Event.STILL_AFTER_STOP}
STOP_WISHES = (IntentKind.ESTOP, IntentKind.STOP)
"""The wishes that void all others, the gravest first."""


def gravest_stop(intents: tuple[Intent, ...]) -> Intent | None:
    """Return the wish to stop that acts, an emergency stop before any other, or None."""
    stops = [one for kind in STOP_WISHES for one in intents if one.kind is kind]
    return stops[0] if stops else None


def _has_ended(scan: Scan) -> bool:
    """Return whether a stop was fired, or came to rest, in this scan: nothing is granted then."""
    return any(firing.event in _ENDS and not firing.is_refused for firing in scan.firings)


class SafetyCore:
    """The safety core. It keeps no state: the same arguments always give the same decision.

    Rule: SR-018.
    """

    def __init__(self) -> None:
        """Build the machine once; it is the table, not a state."""
        self._machine = Machine()

    def step(
        self, memory: Memory, facts: Facts, intents: tuple[Intent, ...], now_ms: int
    ) -> Decision:
        """Decide one scan.

        Args:
            memory: What the previous decision handed on; it is not changed.
            facts: What is known now.
            intents: What people want, each an edge, in the order in which they came. A STOP among
                them voids the others.
            now_ms: Host's monotonic clock in milliseconds; never goes back.

        Returns:
            The decision. Its entries must be handed to the journal before its order goes out.

        Raises:
            InvariantBroken: If the core contradicts itself; stop the pen, then end the program.
        """
        scan = Scan(self._machine, memory, facts, now_ms)
        take_in(scan.memory, facts)
        note_orders(scan)
        look_for_causes(scan)
        stop = gravest_stop(intents) if intents else None
        if stop is not None:
            stop_wish(scan, stop)
        act_on_causes(scan)
        follow_cartridge(scan)
        go_on(scan)
        if intents and stop is None and not _has_ended(scan):
            for intent in intents:
                grant_wish(scan, intent)
        order = order_for(scan.memory, facts, now_ms)
        if stop is not None and facts.link_is_up:
            order = Order(OrderKind.STOP)
        if order is not None and order.kind is OrderKind.START:
            scan.memory.start_sent = True
        return Decision(scan.memory, order, tuple(scan.entries), tuple(scan.firings))
