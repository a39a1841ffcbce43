"""Why the pen refuses an order: rules 1 to 8 of docs/protocol.md section 6, in their order.

It changes nothing but the session's newest sequence number, and which tokens of a paired pen are
used up. STOP never comes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drivers.registers import (
    FRESHNESS_MS,
    PROTOCOL_VERSION,
    TECHNICIAN_FAULT_FIRST,
    Command,
    PenState,
    Result,
)
from simulator.monitors import cause_has_gone
from simulator.session import Order, echo_age_ms

if TYPE_CHECKING:
    from simulator.firmware import Firmware

_TAKEN_IN = {
    Command.OPEN: (PenState.SAFE,),
    Command.ARM: (PenState.SAFE, PenState.READY),
    Command.START: (PenState.READY,),
    Command.RENEW: (PenState.RUN,),
    Command.RESET: (PenState.FAULT,),
}
"""Source: docs/protocol.md 3."""

_OWN_TOKEN = frozenset({Command.OPEN, Command.RESET})
"""Orders that need no live token, since STOP and FAULT leave none. Source: docs/protocol.md 6.4."""


def refusal(pen: Firmware, order: Order, *, intact: bool) -> Result:
    """Return the first rule that fails; DONE if the order is to be obeyed, NONE for a POLL."""
    return next(_failing_rules(pen, order, intact=intact), Result.DONE)


def _failing_rules(pen: Firmware, order: Order, *, intact: bool) -> Iterator[Result]:
    """Rules 1 to 6. Only the first failure is asked for, so that each may rest on those above."""
    if not intact:
        yield Result.BAD_CRC
    is_next = pen.session.see(order, pen.uptime_ms)
    has_right_token = _has_right_token(pen, order)
    if order.version != PROTOCOL_VERSION:
        yield Result.BAD_VERSION
    if order.command > max(Command):
        yield Result.UNKNOWN_COMMAND
    if order.command == Command.POLL:
        yield Result.NONE
    if pen.state is PenState.FAULT and order.command != Command.RESET:
        yield Result.FAULT_ACTIVE
    brings_own_token = order.command in _OWN_TOKEN
    if not has_right_token:
        yield Result.BAD_TOKEN
    if not (brings_own_token or is_next):
        yield Result.OLD_SEQUENCE
    if echo_age_ms(order, pen.tick_ms) > FRESHNESS_MS:
        yield Result.STALE_TICK
    if brings_own_token and _is_from_before(pen, order):
        yield Result.STALE_TICK
    yield from _failing_state(pen, order)


def _failing_state(pen: Firmware, order: Order) -> Iterator[Result]:
    """Rules 7 and 8. A held stop button counts as a wrong state."""
    command = Command(order.command)
    if pen.state not in _TAKEN_IN[command]:
        yield Result.WRONG_STATE
    if command in (Command.ARM, Command.START):
        if pen.plant.button_down:
            yield Result.WRONG_STATE
        if not pen.plant.cartridge_in:
            yield Result.NO_CARTRIDGE
    if command is Command.RESET and not _may_reset(pen):
        yield Result.FAULT_ACTIVE
    if command is Command.ARM and not _within_limits(pen, order):
        yield Result.OVER_LIMIT
    if command in (Command.START, Command.RENEW):
        if (order.depth_um, order.speed_dhz) != (pen.set_depth_um, pen.set_speed_dhz):
            yield Result.SETPOINT_CHANGED
        if command is Command.START and not pen.is_settled:
            yield Result.NOT_SETTLED


def _has_right_token(pen: Firmware, order: Order) -> bool:
    """Whether its token is the live one; of those that bring their own, whether it may be that.

    It is asked of every intact order, for the question uses a token of their own up: a token that
    was refused for another reason must not be free to whoever heard it.
    """
    if order.command in _OWN_TOKEN:
        return order.token != 0 and pen.pairing.admits(order.token)
    return order.token != 0 and order.token == pen.session.token


def _is_from_before(pen: Firmware, order: Order) -> bool:
    """Whether OPEN or RESET was meant for another boot, or for what was before the last stop."""
    is_of_another_boot = order.depth_um != pen.memory.epoch
    return is_of_another_boot or pen.session.is_behind_barrier(order, pen.uptime_ms)


def _may_reset(pen: Firmware) -> bool:
    return (
        pen.fault < TECHNICIAN_FAULT_FIRST
        and pen.is_retracted
        and cause_has_gone(pen.fault, pen.plant, pen.monitors)
    )


def _within_limits(pen: Firmware, order: Order) -> bool:
    return (
        order.depth_um % pen.p.depth_step_um == 0
        and 0 <= order.depth_um <= pen.depth_cap_um
        and pen.p.speed_dhz_min <= order.speed_dhz <= pen.p.speed_dhz_max
    )
