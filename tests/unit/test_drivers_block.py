"""Golden frames both ways, and every defect by name."""

from __future__ import annotations

import dataclasses
import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
from drivers.packing import block_crc32, unpack
from drivers.registers import (
    IDENTITY,
    ORDER,
    STATUS,
    Block,
    Capability,
    Command,
    Fault,
    Flag,
    PenState,
    Result,
)

FRAMES = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "frames.toml").read_text(encoding="utf-8")
)["frame"]
SERIAL_NUMBER = 42


def of_kind(kind: str) -> list[Any]:
    """Return the golden frames of a kind, as parameters named after them."""
    return [pytest.param(f, id=f["name"]) for f in FRAMES if f["kind"] == kind]


def registers_in(frame: dict[str, Any]) -> tuple[int, ...]:
    """Return the registers that a golden frame carries."""
    data = bytes.fromhex(frame["hex"])
    body = data[11:-2] if frame["kind"] == "order" else data[3:-2]
    return struct.unpack(f">{len(body) // 2}H", body)


def named(name: str) -> tuple[int, ...]:
    """Return the registers of the golden frame of that name."""
    return next(registers_in(frame) for frame in FRAMES if frame["name"] == name)


def resealed(block: Block, registers: tuple[int, ...], serial_number: int) -> tuple[int, ...]:
    """Return the registers with the CRC-32 that belongs to them."""
    body = struct.pack(f">{block.words - 2}H", *registers[:-2])
    return registers[:-2] + divmod(block_crc32(block, body, serial_number), 0x10000)


@pytest.mark.req("SR-048", "HZ-72")
@pytest.mark.parametrize("frame", of_kind("order"))
def test_order_is_encoded_as_the_document_says(frame: dict[str, Any]) -> None:
    """Every golden order comes out register for register."""
    fields = dict(frame["fields"])
    del fields["version"]
    order = Order(**{**fields, "command": Command(fields["command"])})

    assert registers_in(frame) == encode_order(order, SERIAL_NUMBER)
    assert order == decode_order(registers_in(frame), SERIAL_NUMBER)


@pytest.mark.req("SR-048", "HZ-72", "W02")
@pytest.mark.parametrize("frame", of_kind("status"))
def test_status_is_decoded_as_the_document_says(frame: dict[str, Any]) -> None:
    """Every golden status gives its fields, and its fields give it back."""
    status = decode_status(registers_in(frame), SERIAL_NUMBER)
    assert isinstance(status, Status)
    fields = dict(frame["fields"])
    del fields["version"]

    assert fields == dataclasses.asdict(status)
    assert registers_in(frame) == encode_status(status, SERIAL_NUMBER)


def test_identity_is_decoded_as_the_document_says() -> None:
    """The golden identity gives its fields, and its fields give it back."""
    frame = next(frame for frame in FRAMES if frame["kind"] == "identity")
    identity = decode_identity(registers_in(frame))
    assert isinstance(identity, Identity)
    fields = dict(frame["fields"])
    del fields["magic"], fields["version_major"]

    assert fields | {"is_paired": False} == dataclasses.asdict(identity)
    assert registers_in(frame) == encode_identity(identity)


def test_status_of_the_document_has_meaning() -> None:
    """Enumerations are members, flags can be asked, and the last order is recognised."""
    status = decode_status(named("status of the start"), SERIAL_NUMBER)
    assert isinstance(status, Status)

    assert (PenState.RUN, Fault.NONE, Result.DONE) == (status.state, status.fault, status.result)
    assert status.has(Flag.MOTOR_ON)
    assert status.has(Flag.MOTOR_ON | Flag.TOKEN_LIVE)
    assert not status.has(Flag.MOTOR_ON | Flag.BUTTON)
    assert status.took(0x1234ABCD, 258)
    assert not status.took(0x1234ABCD, 257)
    assert not status.took(0x1234ABCE, 258)


@pytest.mark.parametrize(
    ("state", "flags", "expected"),
    [
        (PenState.SAFE, Flag.CARTRIDGE, True),
        (PenState.STOPPING, Flag(0), True),
        (PenState.FAULT, Flag(0), True),
        (PenState.STOPPING, Flag.MOTOR_ON, False),
        (PenState.RUN, Flag(0), False),
        (PenState.READY, Flag(0), False),
        (PenState.BOOT, Flag(0), False),
        (PenState.SERVICE, Flag(0), False),
    ],
)
@pytest.mark.req("SR-005")
def test_stop_is_confirmed_only_by_motor_off_and_a_state_at_rest(
    state: PenState, flags: Flag, *, expected: bool
) -> None:
    """A pen that may start again, or whose motor is driven, has not stopped."""
    status = decode_status(named("status of the stop"), SERIAL_NUMBER)
    assert isinstance(status, Status)

    assert expected is dataclasses.replace(status, state=state, flags=flags).is_stopped


def test_unknown_measurements_are_none_and_go_back_as_their_marks() -> None:
    """The registers that stand for "not known" never become numbers."""
    registers = list(named("status of the start"))
    registers[10:15] = [0x8000, 0xFFFF, 0x8000, 0x8000, 0xFFFF]
    sealed = resealed(STATUS, tuple(registers), SERIAL_NUMBER)
    status = decode_status(sealed, SERIAL_NUMBER)
    assert isinstance(status, Status)

    assert [None] * 5 == [
        status.depth_um,
        status.speed_dhz,
        status.current_ma,
        status.temperature_cdegc,
        status.supply_mv,
    ]
    assert sealed == encode_status(status, SERIAL_NUMBER)


@pytest.mark.parametrize(
    ("register", "value", "defect"),
    [
        (0, 0x0201, Defect.VERSION),
        (0, 0x0109, Defect.STATE),
        (1, 0x4204, Defect.FAULT),
        (1, 0x0080, Defect.FLAGS),
        (9, 77, Defect.RESULT),
    ],
)
@pytest.mark.req("SR-010", "SR-016")
def test_status_with_an_unknown_value_is_a_defect(
    register: int, value: int, defect: Defect
) -> None:
    """State 9, fault 0x42, result 77 and the like are named, although their CRC-32 is right."""
    registers = list(named("status of the poll"))
    registers[register] = value

    assert defect is decode_status(resealed(STATUS, tuple(registers), SERIAL_NUMBER), SERIAL_NUMBER)


@pytest.mark.parametrize(
    ("register", "value", "defect"),
    [(0, 0x0204, Defect.VERSION), (0, 0x0107, Defect.COMMAND), (1, 0, Defect.TOKEN)],
)
def test_order_with_an_unknown_value_is_a_defect(register: int, value: int, defect: Defect) -> None:
    """Another version, command 7 and token 0 are named."""
    registers = list(named("poll"))
    registers[register] = value
    if defect is Defect.TOKEN:
        registers[2] = 0

    assert defect is decode_order(resealed(ORDER, tuple(registers), SERIAL_NUMBER), SERIAL_NUMBER)


@pytest.mark.parametrize(
    ("register", "value", "defect"),
    [(0, 0x5051, Defect.MAGIC), (2, 0x0200, Defect.VERSION)],
)
def test_identity_of_somebody_else_is_a_defect(register: int, value: int, defect: Defect) -> None:
    """Another magic and another major version are told apart."""
    registers = list(named("identity"))
    registers[register] = value

    assert defect is decode_identity(resealed(IDENTITY, tuple(registers), 0))


def test_identity_on_a_bad_line_is_not_taken_for_a_stranger() -> None:
    """With the magic right, a wrong bit is a wrong CRC-32."""
    registers = list(named("identity"))
    registers[8] ^= 1

    assert Defect.CRC32 is decode_identity(registers)


@pytest.mark.req("SR-010")
def test_block_of_another_pen_or_direction_is_wrong_however_intact() -> None:
    """Serial number, direction and address are under the CRC-32."""
    registers = named("status of the poll")
    as_order = dataclasses.replace(STATUS, direction=b"W")
    elsewhere = dataclasses.replace(STATUS, address=0x0300)

    assert Defect.CRC32 is decode_status(registers, SERIAL_NUMBER + 1)
    assert Defect.CRC32 is unpack(as_order, registers, SERIAL_NUMBER)
    assert Defect.CRC32 is unpack(elsewhere, registers, SERIAL_NUMBER)


@pytest.mark.parametrize("registers", [[], [0] * 19, [0] * 21, [-1] * 20, [0x10000] * 20])
@pytest.mark.req("SR-016")
def test_registers_that_are_none_are_a_defect(registers: list[int]) -> None:
    """Wrong counts and numbers beyond 16 bits are named, not raised."""
    assert Defect.REGISTERS is decode_status(registers, SERIAL_NUMBER)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("token", 0, "token = 0: must be a whole number from 1 to 4294967295"),
        ("token", 1 << 32, "token = 4294967296: must be a whole number from 0 to 4294967295"),
        ("sequence", -1, "sequence = -1: must be a whole number from 0 to 65535"),
        ("sequence", 65_536, "sequence = 65536: must be a whole number from 0 to 65535"),
        ("depth_um", True, "depth_um = True: must be a whole number from 0 to 65535"),
        ("depth_um", None, "depth_um = None: must be a whole number from 0 to 65535"),
        ("speed_dhz", float("nan"), "speed_dhz = nan: must be a whole number from 0 to 65535"),
        ("speed_dhz", 100.0, "speed_dhz = 100.0: must be a whole number from 0 to 65535"),
        ("command", 7, "command = 7: must be one of [0, 1, 2, 3, 4, 5, 6]"),
    ],
)
@pytest.mark.req("SR-002")
def test_order_out_of_range_is_refused_by_name(field: str, value: object, text: str) -> None:
    """The error names field, value and range; nothing wraps round."""
    order = Order(Command.POLL, token=1, sequence=0, tick_echo_ms=0)

    with pytest.raises(ValueError, match="must be") as caught:
        encode_order(dataclasses.replace(order, **{field: value}), SERIAL_NUMBER)

    assert text == str(caught.value)


@pytest.mark.parametrize(("field", "value"), [("depth_um", -0x8000), ("supply_mv", 0xFFFF)])
def test_status_does_not_encode_a_mark_as_a_measurement(field: str, value: int) -> None:
    """The number that stands for "not known" is no measurement."""
    status = decode_status(named("status of the poll"), SERIAL_NUMBER)
    assert isinstance(status, Status)

    with pytest.raises(ValueError, match=f"{field} = {value}: must be None"):
        encode_status(dataclasses.replace(status, **{field: value}), SERIAL_NUMBER)


def test_capabilities_of_a_later_pen_are_kept() -> None:
    """A capability bit that this version does not know does not make a pen a stranger."""
    registers = list(named("identity"))
    registers[7] = 0x803F
    identity = decode_identity(resealed(IDENTITY, tuple(registers), 0))
    assert isinstance(identity, Identity)

    assert Capability.LEASE in identity.capabilities
    assert 0x803F == int(identity.capabilities)
