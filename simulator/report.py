"""What the pen says of itself: the fields of its identity and of its status.

It reads the firmware and changes nothing; turning fields into bytes is the codec's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.registers import (
    IDENTITY_MAGIC,
    PROTOCOL_VERSION,
    Flag,
    PenState,
    Result,
)
from simulator.codec import limits_hash
from simulator.parameters import Cartridge, PenParameters
from simulator.session import Order

if TYPE_CHECKING:
    from simulator.firmware import Firmware

_NO_CARTRIDGE = Cartridge(needles=0, depth_um_max=0, uid=0)

_SHOWN_MAX = 0x7FFF
"""A signed measurement that would not fit its register is shown as the largest that does."""


def identity_fields(parameters: PenParameters, cartridge: Cartridge | None) -> dict[str, int]:
    """Return the fields of the identity. Source: docs/protocol.md 2."""
    firmware = parameters.firmware
    inside = cartridge or _NO_CARTRIDGE
    fields = {
        "magic": IDENTITY_MAGIC,
        "version_major": PROTOCOL_VERSION,
        "version_minor": 0,
        "serial_number": parameters.serial_number,
        "firmware_major": firmware.version_major,
        "firmware_minor": firmware.version_minor,
        "model": firmware.model,
        "capabilities": firmware.capabilities,
        "depth_um_max": firmware.depth_um_max,
        "depth_step_um": firmware.depth_step_um,
        "speed_dhz_min": firmware.speed_dhz_min,
        "speed_dhz_max": firmware.speed_dhz_max,
        "lease_ms": firmware.lease_ms,
        "depth_tolerance_um": firmware.depth_tolerance_um,
        "needles": inside.needles,
        "cartridge_depth_um_max": inside.depth_um_max,
        "cartridge_uid": inside.uid,
        "stop_ms_max": firmware.stop_ms_max,
    }
    return {**fields, "limits_hash": limits_hash(fields)}


def status_fields(
    pen: Firmware, order: Order, result: Result, limits_in_force: int
) -> dict[str, int]:
    """Return the fields of the status that answers an order. Source: docs/protocol.md 4."""
    plant = pen.plant
    last_token, last_sequence = pen.last_order
    return {
        "version": PROTOCOL_VERSION,
        "state": pen.state,
        "fault": pen.fault,
        "flags": _flags(pen),
        "token_echo": order.token & 0xFFFF,
        "sequence_echo": order.sequence,
        "tick_ms": pen.tick_ms,
        "epoch": pen.memory.epoch,
        "last_order_token": last_token,
        "last_order_sequence": last_sequence,
        "result": result,
        "depth_um": _shown(plant.depth_um),
        "speed_dhz": plant.speed_dhz,
        "current_ma": _shown(plant.current_ma),
        "temperature_cdegc": _shown(plant.temperature_cdegc),
        "supply_mv": plant.supply_mv,
        "strokes": pen.memory.strokes,
        "limits_hash": limits_in_force,
    }


def _flags(pen: Firmware) -> int:
    plant = pen.plant
    is_armed = pen.state in (PenState.READY, PenState.RUN)
    facts = (
        (Flag.MOTOR_ON, plant.motor.driving),
        (Flag.CONTACT, pen.contact),
        (Flag.CARTRIDGE, plant.cartridge_in),
        (Flag.SETTLED, is_armed and pen.is_settled),
        (Flag.BUTTON, plant.button_down),
        (Flag.LEASE_ENDED, pen.lease_ended),
        (Flag.TOKEN_LIVE, pen.session.token != 0),
    )
    return sum(int(flag) for flag, holds in facts if holds)


def _shown(value: int) -> int:
    return max(-_SHOWN_MAX, min(value, _SHOWN_MAX))
