"""For all values: what is encoded decodes to itself, and no registers raise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.block import (
    Defect,
    Identity,
    Order,
    Status,
    decode_identity,
    decode_order,
    decode_status,
    encode_identity,
    encode_order,
    encode_status,
)
from drivers.registers import Capability, Command, Fault, Flag, PenState, Result

RELAXED = settings(deadline=None)
"""A busy machine is no failure."""

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
I16_MEASURED = st.none() | st.integers(-0x7FFF, 0x7FFF)
U16_MEASURED = st.none() | st.integers(0, 0xFFFE)
REGISTERS = st.lists(st.integers(-1, 0x10000), max_size=40) | st.integers(0, 40).flatmap(
    lambda size: st.lists(U16, min_size=size, max_size=size)
)

ORDERS = st.builds(
    Order,
    command=st.sampled_from(Command),
    token=st.integers(1, 0xFFFFFFFF),
    sequence=U16,
    tick_echo_ms=U32,
    depth_um=U16,
    speed_dhz=U16,
)
STATUSES = st.builds(
    Status,
    state=st.sampled_from(PenState),
    fault=st.sampled_from(Fault),
    flags=st.integers(0, 0x7F).map(Flag),
    token_echo=U16,
    sequence_echo=U16,
    tick_ms=U32,
    epoch=U16,
    last_order_token=U16,
    last_order_sequence=U16,
    result=st.sampled_from(Result),
    depth_um=I16_MEASURED,
    speed_dhz=U16_MEASURED,
    current_ma=I16_MEASURED,
    temperature_cdegc=I16_MEASURED,
    supply_mv=U16_MEASURED,
    strokes=U32,
    limits_hash=U16,
)
IDENTITIES = st.builds(
    Identity,
    version_minor=U8,
    serial_number=U32,
    firmware_major=U8,
    firmware_minor=U8,
    model=U16,
    capabilities=U16.map(Capability),
    depth_um_max=U16,
    depth_step_um=U16,
    speed_dhz_min=U16,
    speed_dhz_max=U16,
    lease_ms=U16,
    depth_tolerance_um=U16,
    needles=U16,
    cartridge_depth_um_max=U16,
    cartridge_uid=U32,
    limits_hash=U16,
    stop_ms_max=U16,
)


@pytest.mark.req("SR-048", "W02")
@RELAXED
@given(ORDERS, U32)
def test_order_is_what_was_encoded(order: Order, serial_number: int) -> None:
    """Every order comes back."""
    assert order == decode_order(encode_order(order, serial_number), serial_number)


@pytest.mark.req("SR-048", "W02")
@RELAXED
@given(STATUSES, U32)
def test_status_is_what_was_encoded(status: Status, serial_number: int) -> None:
    """Every status comes back, unknown measurements included."""
    assert status == decode_status(encode_status(status, serial_number), serial_number)


@pytest.mark.req("SR-048", "W02")
@RELAXED
@given(IDENTITIES)
def test_identity_is_what_was_encoded(identity: Identity) -> None:
    """Every identity comes back."""
    assert identity == decode_identity(encode_identity(identity))


@RELAXED
@given(STATUSES, U32, U32)
def test_status_of_another_pen_is_never_believed(status: Status, ours: int, theirs: int) -> None:
    """Serial numbers that differ by up to 32 bits always change the CRC-32."""
    decoded = decode_status(encode_status(status, theirs), ours)

    assert (ours == theirs) is not isinstance(decoded, Defect)


@RELAXED
@given(REGISTERS, U32)
def test_any_registers_decode_without_raising(registers: list[int], serial_number: int) -> None:
    """Decoding is total."""
    assert isinstance(decode_order(registers, serial_number), Order | Defect)
    assert isinstance(decode_status(registers, serial_number), Status | Defect)
    assert isinstance(decode_identity(registers), Identity | Defect)
