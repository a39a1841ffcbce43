"""The pen's own checksums and blocks, against the golden frames of docs/protocol.md."""

from __future__ import annotations

import struct
import tomllib
from pathlib import Path

import pytest

from drivers.registers import IDENTITY, Block
from simulator.codec import (
    IDENTITY_CODEC,
    ORDER_CODEC,
    STATUS_CODEC,
    BlockCodec,
    crc16,
    crc32,
    limits_hash,
    seal,
)
from simulator.frames import Frame, FrameReader, read_request
from simulator.parameters import PenParameters
from simulator.report import identity_fields
from simulator.tame_host import exchange_frame

DATA = Path(__file__).parents[1] / "data" / "frames.toml"
GOLDEN = tomllib.loads(DATA.read_text(encoding="utf-8"))
SERIAL_NUMBER = GOLDEN["pen"]["serial_number"]
FRAMES = {entry["name"]: entry for entry in GOLDEN["frame"]}
ORDERS = [name for name, entry in FRAMES.items() if entry["kind"] == "order"]
STATUSES = [name for name, entry in FRAMES.items() if entry["kind"] == "status"]


def golden(name: str) -> bytes:
    """Return a golden frame."""
    return bytes.fromhex(FRAMES[name]["hex"])


def single_frame(data: bytes) -> Frame:
    """Return the one frame in these bytes."""
    [frame] = FrameReader().feed(data, 0)
    return frame


def test_crc16_is_that_of_modbus() -> None:
    """The check value of CRC-16/MODBUS comes out."""
    assert 0x4B37 == crc16(b"123456789")


def test_crc32_is_that_of_zlib_in_one_or_two_parts() -> None:
    """The check value of CRC-32 comes out, also when it goes on from a first part."""
    assert 0xCBF43926 == crc32(b"123456789")
    assert 0xCBF43926 == crc32(b"56789", crc32(b"1234"))


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_golden_frame_ends_in_the_crc16_of_the_rest(name: str) -> None:
    """Every golden frame is sealed as the pen seals."""
    frame = golden(name)

    assert frame == seal(frame[:-2])


@pytest.mark.req("SR-048", "HZ-72")
@pytest.mark.parametrize("name", ORDERS)
def test_golden_order_is_read_and_written_as_typed(name: str) -> None:
    """An order frame gives the typed fields, and the fields give the frame."""
    fields = FRAMES[name]["fields"]
    request = read_request(single_frame(golden(name)))

    assert request.kind == "exchange"
    assert fields == ORDER_CODEC.unpack(request.order)
    assert ORDER_CODEC.is_intact(request.order, SERIAL_NUMBER)
    assert golden(name) == exchange_frame(ORDER_CODEC.pack(fields, SERIAL_NUMBER), unit=1)


@pytest.mark.req("SR-048", "HZ-72")
@pytest.mark.parametrize("name", STATUSES)
def test_golden_status_is_written_and_read_as_typed(name: str) -> None:
    """The typed fields give the status frame, and the frame gives the fields."""
    fields = FRAMES[name]["fields"]
    block = STATUS_CODEC.pack(fields, SERIAL_NUMBER)

    assert golden(name) == seal(bytes((1, 0x17, len(block))) + block)
    assert fields == STATUS_CODEC.unpack(block)


def test_golden_identity_is_that_of_the_reference_pen() -> None:
    """The default parameters give the identity of docs/protocol.md section 8."""
    parameters = PenParameters()
    fields = identity_fields(parameters, parameters.cartridge)
    block = IDENTITY_CODEC.pack(fields, 0)

    assert FRAMES["identity"]["fields"] == fields
    assert golden("identity") == seal(bytes((1, 0x03, len(block))) + block)


def test_limits_hash_changes_with_every_limit() -> None:
    """Each of registers 8 to 15 counts for the limits hash, and nothing else does."""
    parameters = PenParameters()
    fields = identity_fields(parameters, parameters.cartridge)
    changed = {name for name in fields if limits_hash({**fields, name: fields[name] ^ 1}) != 0x957A}

    assert {entry.name for entry in IDENTITY.fields if 8 <= entry.offset <= 15} == changed


@pytest.mark.req("SR-010")
@pytest.mark.parametrize("serial_number", [0, 41, 43, 0xFFFFFFFF])
def test_block_of_another_pen_is_not_intact(serial_number: int) -> None:
    """The serial number under the CRC-32 tells two pens apart."""
    order = single_frame(golden("start")).body[9:]

    assert not ORDER_CODEC.is_intact(order, serial_number)


@pytest.mark.req("SR-010")
@pytest.mark.parametrize(
    "moved",
    [
        Block("order", 0x0102, 10, b"W", ORDER_CODEC.block.fields),
        Block("order", 0x0100, 10, b"R", ORDER_CODEC.block.fields),
    ],
)
def test_block_of_another_address_or_direction_is_not_intact(moved: Block) -> None:
    """Address and direction stand under the CRC-32 as well."""
    order = single_frame(golden("start")).body[9:]

    assert not BlockCodec(moved).is_intact(order, SERIAL_NUMBER)


def test_block_of_a_wrong_length_is_not_intact() -> None:
    """A block that is cut short is wrong whatever its last bytes are."""
    order = single_frame(golden("start")).body[9:]

    assert not ORDER_CODEC.is_intact(order[:-1], SERIAL_NUMBER)


def test_value_that_does_not_fit_its_field_is_refused() -> None:
    """Nothing is wrapped silently."""
    fields = {**FRAMES["start"]["fields"], "depth_um": 0x10000}

    with pytest.raises(struct.error):
        ORDER_CODEC.pack(fields, SERIAL_NUMBER)
