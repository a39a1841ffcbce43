"""Every parser of bytes that a line brings, to the host or to the pen; one line each in `WIRE`."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from drivers import cobs, native
from drivers.address import parse_address
from drivers.block import Status, decode_identity, decode_order, decode_status, encode_status
from drivers.framing import Discard, Finder, Framing
from drivers.link import LinkCore
from drivers.native import NativeFraming
from drivers.packing import block_crc32
from drivers.pairing import decode_answer, encode_request
from drivers.plain.frames import AnswerFinder
from drivers.plain.frames import read_request as plain_read_request
from drivers.plain.frames import write_request as plain_write_request
from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    STATUS,
    Block,
    Command,
    PairingStep,
    PenState,
)
from drivers.rtu import RTU, exchange_request
from simulator.cobs import unstuff
from simulator.codec import ORDER_CODEC, seal
from simulator.frames import Frame, FrameReader, read_request
from simulator.native import NativeFrame, NativeReader
from simulator.pen import Pen, Transport
from tests.contract.golden import SERIAL_NUMBER, TOKEN
from tests.contract.scripted_pen import FRAMES
from tests.fuzz.parser import Feed, Forged, Parser

RTU_FRAMES = tuple(FRAMES.values())
BLOCKS = {
    IDENTITY.name: (FRAMES["identity"][3:-2],),
    ORDER.name: tuple(frame[11:-2] for frame in RTU_FRAMES if len(frame) == 33),
    STATUS.name: tuple(frame[3:-2] for frame in RTU_FRAMES if len(frame) == 45),
    PAIRING_ANSWER.name: (bytes((1, 1, 0, 7)) + bytes(range(32)) + bytes(4),),
}
BODIES = (
    b"I",
    *(b"I" + block for block in BLOCKS[IDENTITY.name]),
    *(b"W" + block for block in BLOCKS[ORDER.name]),
    *(b"R" + block for block in BLOCKS[STATUS.name]),
)
NATIVE_FRAMES = (*map(native.frame, BODIES), native.STOP_BYTES)
PAIRING = encode_request(PairingStep.HELLO, 1, bytes(range(16)), SERIAL_NUMBER)
PEN_FRAMES = (*RTU_FRAMES, exchange_request(1, 0x300, PAIRING, 0x400, 20))
PEN_NATIVE = (*NATIVE_FRAMES, *BODIES, native.frame(b"P" + struct.pack(">20H", *PAIRING)))
ASKING_IN = 8
"""A link says something new before one input in so many."""

READ, EXCHANGE = b"\x01\x03", b"\x01\x17"
SAID = {*BLOCKS[ORDER.name], *BLOCKS[STATUS.name]}
"""What host and pen have really said, byte for byte."""


class Reader(Protocol):
    """The pen's ear, for either transport."""

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait."""
        ...

    def feed(self, data: bytes, now_us: int) -> list[Any]:
        """Take bytes and return what they complete."""
        ...


def with_crc16(data: bytes) -> bytes:
    """Return a frame whose CRC-16 is right."""
    return seal(data[:-2])


def with_crc32(block: Block) -> Callable[[bytes], bytes]:
    """Return what makes a block's CRC-32 right."""
    serial_number = 0 if block is IDENTITY else SERIAL_NUMBER

    def sealed(data: bytes) -> bytes:
        body = data[: 2 * block.words - 4].ljust(2 * block.words - 4, b"\0")
        return body + block_crc32(block, body, serial_number).to_bytes(4, "big")

    return sealed


def as_status(data: bytes) -> bytes:
    """Return the frame of a status with both checksums right, whatever it says."""
    return seal(b"\x01\x17\x28" + with_crc32(STATUS)(data[3:]))


def as_order(data: bytes) -> bytes:
    """Return the frame of an order with both checksums right, whatever it says."""
    return seal(FRAMES["poll"][:11] + with_crc32(ORDER)(data[11:]))


def as_native(data: bytes) -> bytes:
    """Return a native frame of a body that may be nonsense."""
    return native.frame(data[:65] or b"I")


def blocks(decode: Callable[[tuple[int, ...]], object]) -> Callable[[Path], Feed]:
    """Feed registers; one input in nine holds numbers that are none of 16 bits."""

    def make(_folder: Path) -> Feed:
        def feed(data: bytes) -> int:
            registers: tuple[int, ...] = struct.unpack(
                f">{len(data) // 2}H", data[: len(data) & ~1]
            )
            if len(data) % 9 == 1:
                registers = (*registers[:-1], -1, 1 << 16)
            decode(registers)
            return 0

        return feed

    return make


def finders(find: Callable[[Counter[Discard]], Finder]) -> Callable[[Path], Feed]:
    """Feed a finder, all inputs one stream; every byte is kept, thrown, or part of a reply."""

    def make(_folder: Path) -> Feed:
        finder: Any = find(Counter())

        def feed(data: bytes) -> int:
            finder.feed(data)
            rest = finder._buffer if hasattr(finder, "_buffer") else finder._rest
            return len(rest)

        return feed

    return make


def links(framing: Framing, *, honest: bool = True) -> Callable[[Path], Feed]:
    """Feed a link that goes on asking.

    Args:
        framing: How it speaks.
        honest: No checksum is made right again, so that what is believed was really said.
    """

    def make(_folder: Path) -> Feed:
        core = LinkCore(TOKEN, framing)
        core.adopt(SERIAL_NUMBER)
        now_us = 0

        def feed(data: bytes) -> int:
            nonlocal now_us
            now_us += 997
            if len(data) % ASKING_IN == 0:
                core.expire()
                core.epoch = core.tick_ms = None
                core.sequence = (0, 257, 259, 260)[len(data) // ASKING_IN % 4]
                core.request(Command.POLL, now_us=now_us)
            answer = core.feed(data, now_us)
            if honest and answer is not None and answer.status is not None:
                must_be_said(answer.status)
            finder: Any = core._finder
            return len(finder._buffer if hasattr(finder, "_buffer") else finder._rest)

        return feed

    return make


def must_be_said(status: Status) -> None:
    """Raise Forged if this is not, byte for byte, what the pen has said."""
    registers = encode_status(status, SERIAL_NUMBER)
    if struct.pack(f">{len(registers)}H", *registers) not in SAID:
        raise Forged(str(status))


def ears(ear: Callable[[], Reader]) -> Callable[[Path], Feed]:
    """Feed the pen's ear; an order that is intact was really said."""

    def make(_folder: Path) -> Feed:
        reader = ear()
        now_us = 0

        def feed(data: bytes) -> int:
            nonlocal now_us
            now_us += (0, 90, 2_500, 60_000)[len(data) % 4]
            for heard in reader.feed(data, now_us):
                order = b""
                if isinstance(heard, Frame):
                    order = read_request(heard).order
                elif isinstance(heard, NativeFrame) and heard.kind == ORDER.direction:
                    order = heard.block
                if ORDER_CODEC.is_intact(order, SERIAL_NUMBER) and order not in SAID:
                    raise Forged(order.hex())
            return reader.pending_bytes

        return feed

    return make


def pens(transport: Transport) -> Callable[[Path], Feed]:
    """Feed a whole pen; its motor is driven in RUN alone, and it never breaks down."""

    def make(_folder: Path) -> Feed:
        pen = Pen(transport=transport)
        now_us = 100_000

        def feed(data: bytes) -> int:
            nonlocal now_us
            now_us += (50, 400, 1_100, 2_100)[len(data) % 4]
            pen.receive(data, now_us)
            if pen.bridge_is_on and pen.state is not PenState.RUN:
                raise Forged("the motor is driven outside of RUN")
            return pen._reader.pending_bytes

        return feed

    return make


def answers(_folder: Path) -> Feed:
    """Feed the finder of a plain register pen's answers, a new one for each of three questions."""
    asked = (
        plain_read_request(1, 3, 0, 32),
        plain_read_request(1, 4, 0x100, 1),
        plain_write_request(1, 16, 0x100, (1, 2)),
    )
    finder = AnswerFinder(asked[0], Counter())

    def feed(data: bytes) -> int:
        nonlocal finder
        if len(data) % 16 == 0:
            finder = AnswerFinder(asked[len(data) // 16 % 3], Counter())
        finder.feed(data)
        return len(finder._buffer)

    return feed


def plainly(parse: Callable[[bytes], object]) -> Callable[[Path], Feed]:
    """Feed a function that keeps nothing and raises nothing."""

    def make(_folder: Path) -> Feed:
        def feed(data: bytes) -> int:
            parse(data)
            return 0

        return feed

    return make


def both_cobs(data: bytes) -> None:
    """Decode by either side's COBS; what short data say, both read alike."""
    if cobs.decode(data) != unstuff(data) and len(data) <= cobs.BODY_BYTES_MAX + 1:
        raise Forged(data.hex())


WIRE = (
    Parser("drivers.rtu identity", RTU_FRAMES, finders(RTU.identity_finder), with_crc16),
    Parser("drivers.rtu status", RTU_FRAMES, finders(RTU.status_finder), with_crc16),
    Parser("drivers.native identity", NATIVE_FRAMES, finders(NativeFraming().identity_finder)),
    Parser(
        "drivers.native status",
        NATIVE_FRAMES + BODIES,
        finders(NativeFraming().status_finder),
        as_native,
    ),
    Parser("cobs", NATIVE_FRAMES + BODIES, plainly(both_cobs)),
    Parser(
        "drivers.block identity", BLOCKS["identity"], blocks(decode_identity), with_crc32(IDENTITY)
    ),
    Parser(
        "drivers.block order",
        BLOCKS["order"],
        blocks(lambda registers: decode_order(registers, SERIAL_NUMBER)),
        with_crc32(ORDER),
    ),
    Parser(
        "drivers.block status",
        BLOCKS["status"],
        blocks(lambda registers: decode_status(registers, SERIAL_NUMBER)),
        with_crc32(STATUS),
    ),
    Parser(
        "drivers.pairing answer",
        BLOCKS["pairing answer"],
        blocks(lambda registers: decode_answer(registers, SERIAL_NUMBER)),
        with_crc32(PAIRING_ANSWER),
    ),
    Parser("drivers.link rtu", RTU_FRAMES, links(RTU), with_crc16),
    Parser("drivers.link native", NATIVE_FRAMES, links(NativeFraming())),
    Parser(
        "drivers.link any status", BLOCKS["status"], links(RTU, honest=False), as_status, share=50
    ),
    Parser("drivers.plain answers", RTU_FRAMES, answers, with_crc16),
    Parser(
        "drivers.address",
        (b"native+/dev/ttyACM0", b"modbus:clinic/pen.toml+/dev/ttyUSB0", b"native+usb:0403:6001:A"),
        plainly(lambda data: parse_address(data.decode("utf-8", "replace"))),
        share=20,
    ),
    Parser("simulator.frames", PEN_FRAMES, ears(FrameReader), with_crc16),
    Parser("simulator.native", PEN_NATIVE, ears(NativeReader)),
    Parser("simulator.pen rtu", PEN_FRAMES, pens("rtu"), as_order, share=50),
    Parser("simulator.pen native", PEN_NATIVE, pens("native"), as_native, share=50),
)
"""A new parser of bytes from a line is added here, by one entry."""
