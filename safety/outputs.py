"""The order that follows from the state, computed anew every scan; it remembers nothing."""

from __future__ import annotations

from safety.errors import InvariantBroken
from safety.facts import Exchanged, Facts
from safety.guards import is_fresh, is_still
from safety.limits import DEPTH_UM_ABSOLUTE, SPEED_DHZ_ABSOLUTE
from safety.memory import Memory, Order
from safety.states import OrderKind, PenState, State

_UNASKED = frozenset({State.OFFLINE, State.CONNECTING, State.IDENTIFYING})
"""States in which nobody knows yet whom to ask."""

_POLL = Order(OrderKind.POLL)
_STOP = Order(OrderKind.STOP)


def has_come_to_rest(memory: Memory, facts: Facts, now_ms: int) -> bool:
    """Return whether fresh telemetry, newer than the present state, shows needles at rest."""
    seen = facts.telemetry
    if seen is None or not is_fresh(seen, now_ms):
        return False
    return seen.received_ms > memory.entered_ms and is_still(seen)


def order_for(memory: Memory, facts: Facts, now_ms: int) -> Order | None:
    """Return what the pen is asked now, or None where there is nobody to ask.

    Rule: SR-005, SR-011.
    """
    if memory.state in _UNASKED or not facts.link_is_up:
        return None
    if memory.state in (State.STOPPING, State.FAULT, State.ESTOP):
        return _while_stopping(memory, facts, now_ms)
    if memory.state is State.ARMED:
        return _while_armed(memory, facts)
    if memory.state is State.UNKNOWN_OUTCOME:
        return _POLL if memory.start_sent else _start(memory, facts)
    if memory.state is State.RUNNING:
        return _motion(memory, OrderKind.RENEW)
    seen = facts.telemetry
    may_move = seen is not None and seen.state in (PenState.READY, PenState.RUN)
    return _STOP if may_move else _POLL


def _while_stopping(memory: Memory, facts: Facts, now_ms: int) -> Order:
    """STOP until the needles are seen at rest; then look on, or pass a reset to the pen."""
    if not has_come_to_rest(memory, facts, now_ms):
        return _STOP
    seen, last = facts.telemetry, facts.exchanged
    if memory.reset_role is None or seen is None or seen.state is not PenState.FAULT:
        return _POLL
    return Order(OrderKind.RESET) if _is_settled(last) else _POLL


def _is_settled(last: Exchanged | None) -> bool:
    """Return whether an order may follow that is never repeated, and must be newer than a stop.

    Its outcome must not hang in the air, and the tick that it echoes must not be that of a STOP.
    Source: docs/protocol.md 6 and 7.
    """
    return last is None or (last.was_answered and last.kind is not OrderKind.STOP)


def _while_armed(memory: Memory, facts: Facts) -> Order:
    """Lead the pen to READY: OPEN, then ARM; an order that nobody knows about is never repeated."""
    seen, last = facts.telemetry, facts.exchanged
    if seen is None or not _is_settled(last):
        return _POLL
    is_ours = memory.open_id is not None and seen.last_order[0] == memory.open_id[0]
    if seen.state is PenState.SAFE:
        return _motion(memory, OrderKind.ARM) if is_ours else Order(OrderKind.OPEN)
    if seen.state is PenState.READY and not is_ours:
        return _STOP
    return _POLL


def _start(memory: Memory, facts: Facts) -> Order:
    """Return the one START that the durable entry stands for.

    Raises:
        InvariantBroken: If no entry, or none that is durable, announces it. Rule: SR-014.
    """
    if not (0 < memory.start_entry <= facts.durable):
        raise InvariantBroken(f"START without its durable entry ({memory.start_entry})")
    return _motion(memory, OrderKind.START)


def _motion(memory: Memory, kind: OrderKind) -> Order:
    """Return an order with the granted values, checked once more as they go on the wire.

    Raises:
        InvariantBroken: If there is no pass at hand, or its values are not what a pen may do.

    Rule: SR-003.
    """
    if memory.current is None:
        raise InvariantBroken(f"{kind.name} without a pass at hand")
    plan = memory.current.plan
    slowest, fastest = SPEED_DHZ_ABSOLUTE
    is_allowed = 0 < plan.depth_um <= DEPTH_UM_ABSOLUTE and slowest <= plan.speed_dhz <= fastest
    if not is_allowed:
        raise InvariantBroken(f"{kind.name} with {plan.depth_um} um, {plan.speed_dhz} dHz")
    return Order(kind, plan.depth_um, plan.speed_dhz)
