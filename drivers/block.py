"""Orders, statuses and identities as values, and as registers; knows no frame and no port.

Decoding is total: any registers give a value or a named `Defect`. Encoding raises, because a bad
order is the caller's mistake.

Source of the meaning of every field: docs/protocol.md, sections 2 to 4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from drivers.packing import MEMBERS, Defect, as_bytes, pack, unpack, unpack_numbers
from drivers.registers import (
    IDENTITY,
    IDENTITY_MAGIC,
    ORDER,
    PROTOCOL_VERSION,
    STATUS,
    UNKNOWN_I16,
    UNKNOWN_U16,
    Block,
    Capability,
    Command,
    Fault,
    Flag,
    PenState,
    Result,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Defect",
    "Identity",
    "Order",
    "Status",
    "decode_identity",
    "decode_order",
    "decode_status",
    "encode_identity",
    "encode_order",
    "encode_status",
]


@dataclass(frozen=True, slots=True)
class Order:
    """What the host asks of the pen (docs/protocol.md 3).

    Args:
        command: What to do.
        token: Name of the session, 1 to 2^32 - 1.
        sequence: Number of the request, modulo 65,536.
        tick_echo_ms: The pen's tick in the last accepted status, 0 before the first.
        depth_um: Needle protrusion, 0 to 65,535 um; the pen's epoch in OPEN and RESET; 0 where the
            command needs none.
        speed_dhz: Strokes per second in tenths, 0 to 65,535; 0 where the command needs none.
    """

    command: Command
    token: int
    sequence: int
    tick_echo_ms: int
    depth_um: int = 0
    speed_dhz: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What the pen says of itself (docs/protocol.md 4). A measurement that it lacks is None."""

    state: PenState
    fault: Fault
    flags: Flag
    token_echo: int
    sequence_echo: int
    tick_ms: int
    epoch: int
    last_order_token: int
    last_order_sequence: int
    result: Result
    depth_um: int | None
    speed_dhz: int | None
    current_ma: int | None
    temperature_cdegc: int | None
    supply_mv: int | None
    strokes: int
    limits_hash: int

    def has(self, flag: Flag) -> bool:
        """Return whether all bits of the flag are set."""
        return self.flags & flag == flag

    @property
    def is_stopped(self) -> bool:
        """Whether the motor is off and the pen is on its way to rest, or there."""
        return not self.has(Flag.MOTOR_ON) and self.state in _AT_REST

    def took(self, token: int, sequence: int) -> bool:
        """Return whether the last order taken is this one; settles an unknown outcome."""
        return (self.last_order_token, self.last_order_sequence) == (token & 0xFFFF, sequence)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the pen is and what it can do (docs/protocol.md 2).

    `is_paired` stands in no register: it is what this host has proof of, not what the pen says.
    """

    version_minor: int
    serial_number: int
    firmware_major: int
    firmware_minor: int
    model: int
    capabilities: Capability
    depth_um_max: int
    depth_step_um: int
    speed_dhz_min: int
    speed_dhz_max: int
    lease_ms: int
    depth_tolerance_um: int
    needles: int
    cartridge_depth_um_max: int
    cartridge_uid: int
    limits_hash: int
    stop_ms_max: int
    is_paired: bool = False


_AT_REST = frozenset({PenState.SAFE, PenState.STOPPING, PenState.FAULT})

_UNKNOWN = {
    "depth_um": UNKNOWN_I16,
    "speed_dhz": UNKNOWN_U16,
    "current_ma": UNKNOWN_I16,
    "temperature_cdegc": UNKNOWN_I16,
    "supply_mv": UNKNOWN_U16,
}
"""The registers of a status that stand for "could not be measured", by field."""

_FLAGS = {bits: Flag(bits) for bits in range(sum(Flag) + 1)}
"""All that the flags of a status can be: every sum of its seven bits."""

_STATES = {int(member): member for member in PenState}
_FAULTS = {int(member): member for member in Fault}
_RESULTS = {int(member): member for member in Result}


def encode_order(order: Order, serial_number: int) -> tuple[int, ...]:
    """Return the 10 registers of an order for the pen of that serial number.

    Raises:
        ValueError: If a field is out of its range; the text names field, value and range.
    """
    if order.token == 0:
        raise ValueError("token = 0: must be a whole number from 1 to 4294967295")
    return pack(ORDER, _numbers(order, ORDER), serial_number)


def decode_order(registers: Sequence[int], serial_number: int) -> Order | Defect:
    """Return the order in 10 registers, or why they are none."""
    values = unpack(ORDER, registers, serial_number)
    if isinstance(values, Defect):
        return values
    if values.pop("version") != PROTOCOL_VERSION:
        return Defect.VERSION
    if values["token"] == 0:
        return Defect.TOKEN
    meant = _with_members(values)
    return meant if isinstance(meant, Defect) else Order(**meant)


def encode_status(status: Status, serial_number: int) -> tuple[int, ...]:
    """Return the 20 registers of a status of the pen of that serial number.

    Raises:
        ValueError: If a field is out of its range; the text names field, value and range.
    """
    missing: dict[str, Any] = {}
    for name, unknown in _UNKNOWN.items():
        value = getattr(status, name)
        if value == unknown:
            raise ValueError(f"{name} = {unknown}: must be None when it is not known")
        if value is None:
            missing[name] = unknown
    return pack(STATUS, _numbers(replace(status, **missing), STATUS), serial_number)


def decode_status(registers: Sequence[int], serial_number: int) -> Status | Defect:
    """Return the status in 20 registers, or why they are none."""
    numbers = unpack_numbers(STATUS, registers, serial_number)
    if isinstance(numbers, Defect):
        return numbers
    version, state_code, fault_code, bits = numbers[:4]
    token_echo, sequence_echo, tick_ms, epoch, last_token, last_sequence = numbers[4:10]
    result_code, depth_um, speed_dhz, current_ma, temperature_cdegc, supply_mv = numbers[10:16]
    strokes, limits_hash = numbers[16:]
    if version != PROTOCOL_VERSION:
        return Defect.VERSION
    flags, state = _FLAGS.get(bits), _STATES.get(state_code)
    fault, result = _FAULTS.get(fault_code), _RESULTS.get(result_code)
    if flags is None or state is None or fault is None or result is None:
        found = (flags, Defect.FLAGS), (state, Defect.STATE), (fault, Defect.FAULT)
        return next((defect for member, defect in found if member is None), Defect.RESULT)
    return Status(
        state,
        fault,
        flags,
        token_echo,
        sequence_echo,
        tick_ms,
        epoch,
        last_token,
        last_sequence,
        result,
        None if depth_um == UNKNOWN_I16 else depth_um,
        None if speed_dhz == UNKNOWN_U16 else speed_dhz,
        None if current_ma == UNKNOWN_I16 else current_ma,
        None if temperature_cdegc == UNKNOWN_I16 else temperature_cdegc,
        None if supply_mv == UNKNOWN_U16 else supply_mv,
        strokes,
        limits_hash,
    )


def encode_identity(identity: Identity) -> tuple[int, ...]:
    """Return the 32 registers of an identity.

    Raises:
        ValueError: If a field is out of its range; the text names field, value and range.
    """
    return pack(IDENTITY, _numbers(identity, IDENTITY), serial_number=0)


def decode_identity(registers: Sequence[int]) -> Identity | Defect:
    """Return the identity in 32 registers, or why they are none.

    The magic is looked at before the CRC-32, to tell a stranger from a pen on a bad line.
    """
    sealed = as_bytes(registers) or b""
    if len(registers) == IDENTITY.words and sealed[:4] != struct.pack(">I", IDENTITY_MAGIC):
        return Defect.MAGIC
    values = unpack(IDENTITY, registers, serial_number=0)
    if isinstance(values, Defect):
        return values
    if values.pop("version_major") != PROTOCOL_VERSION:
        return Defect.VERSION
    del values["magic"]
    said: dict[str, Any] = {**values, "capabilities": Capability(values["capabilities"])}
    return Identity(**said)


_CONSTANTS = {
    "version": PROTOCOL_VERSION,
    "version_major": PROTOCOL_VERSION,
    "magic": IDENTITY_MAGIC,
}
"""Fields that every block of this version holds alike, and that the values therefore leave out."""


def _source(block: Block) -> tuple[tuple[int, ...], attrgetter[Any]]:
    """Return the constants that a block begins with, and what takes the rest from a value."""
    names = [field.name for field in block.fields]
    leading = tuple(_CONSTANTS[name] for name in names if name in _CONSTANTS)
    return leading, attrgetter(*names[len(leading) :])


_SOURCES = {block.name: _source(block) for block in (IDENTITY, ORDER, STATUS)}


def _numbers(value: Order | Status | Identity, block: Block) -> tuple[int, ...]:
    """Return what a block says of a value, in the order of its fields."""
    leading, rest = _SOURCES[block.name]
    said: tuple[int, ...] = rest(value)
    return leading + said


def _with_members(values: dict[str, int]) -> dict[str, Any] | Defect:
    """Replace numbers by the members of their enumerations."""
    meant: dict[str, Any] = dict(values)
    for name, members in MEMBERS.items():
        if name in meant:
            member = members.get(meant[name])
            if member is None:
                return Defect[name.upper()]
            meant[name] = member
    return meant
