"""Translates between what the wire says and what safety knows; it judges nothing."""

from __future__ import annotations

from drivers.block import Identity, Status
from drivers.exchange import Exchange
from drivers.registers import Flag, Result
from safety.facts import Exchanged, PenIdentity, Telemetry
from safety.states import OrderKind, PenState

_TAKEN = frozenset({Result.NONE, Result.DONE})


def telemetry_of(status: Status, received_us: int) -> Telemetry:
    """Return the status as safety's telemetry.

    Args:
        status: An accepted status.
        received_us: Host's monotonic clock when it came, in microseconds.
    """
    celsius = status.temperature_cdegc
    return Telemetry(
        received_ms=received_us // 1_000,
        tick_ms=status.tick_ms,
        epoch=status.epoch,
        state=PenState(status.state),
        fault=int(status.fault),
        is_driven=status.has(Flag.MOTOR_ON),
        has_contact=status.has(Flag.CONTACT),
        has_cartridge=status.has(Flag.CARTRIDGE),
        is_settled=status.has(Flag.SETTLED),
        is_button_down=status.has(Flag.BUTTON),
        lease_ended=status.has(Flag.LEASE_ENDED),
        depth_um=status.depth_um,
        speed_dhz=status.speed_dhz,
        current_ma=status.current_ma,
        temperature_mdegc=None if celsius is None else celsius * 10,
        supply_mv=status.supply_mv,
        strokes=status.strokes,
        limits_hash=status.limits_hash,
        last_order=(status.last_order_token, status.last_order_sequence),
    )


def exchanged_of(exchange: Exchange) -> Exchanged:
    """Return what safety needs to know of an exchange.

    An exception of the pen's Modbus part answers what may be said again. Of an order it tells
    nothing: a line may have made it (docs/protocol.md 7).
    """
    status = exchange.status
    was_taken = status is not None and status.result in _TAKEN
    refusal = "" if status is None else status.result.name.lower().replace("_", " ")
    was_answered = status is not None
    if exchange.exception is not None and not exchange.outcome_unknown:
        was_answered, refusal = True, f"exception {exchange.exception:02d}"
    return Exchanged(
        kind=OrderKind(exchange.command),
        order_id=(exchange.token & 0xFFFF, exchange.sequence),
        was_answered=was_answered,
        was_taken=was_taken,
        refusal="" if was_taken else refusal,
    )


def pen_identity_of(identity: Identity, epoch: int) -> PenIdentity:
    """Return what safety needs to know of the identified pen."""
    return PenIdentity(
        serial_number=identity.serial_number,
        epoch=epoch,
        limits_hash=identity.limits_hash,
        depth_tolerance_um=identity.depth_tolerance_um,
        cartridge_uid=identity.cartridge_uid,
    )
