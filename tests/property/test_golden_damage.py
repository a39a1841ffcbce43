"""Golden frames a little damaged: the host believes none, the pen takes none, but for STOP."""

from __future__ import annotations

import random
import zlib
from collections import Counter

import pytest

from drivers.rtu import RTU
from simulator.codec import crc16, seal
from simulator.frames import FrameReader
from tests.contract.golden import SERIAL_NUMBER
from tests.contract.scripted_pen import FRAMES
from tests.property.golden_damage import (
    COMMAND_AT,
    NATIVE,
    TO_HOST,
    TO_PEN,
    GoldenPen,
    Host,
    as_native,
    flips,
    truncations,
)

STATUSES = sorted(name for name, frame in TO_HOST.items() if len(frame) == 45)
ORDERS = ["poll", "open", "start", "renew", "stop"]
SHORT = sorted(name for name, frame in FRAMES.items() if len(frame) <= 8)
WITH_BLOCK = sorted(name for name, frame in TO_HOST.items() if len(frame) > 5)

CRC16 = 0xA001 << 1 | 1
CRC32 = 0xEDB88320 << 1 | 1
"""The polynomials as they lie on the line: the first bit sent is bit 0, the highest power.
Source: docs/protocol.md 1 and 5."""


@pytest.mark.req("SR-010", "SR-016", "W01", "W03")
@pytest.mark.parametrize("name", sorted(TO_HOST))
def test_host_believes_no_answer_cut_or_with_one_bit_flipped(name: str) -> None:
    """Of all beginnings, ends and single flips of an answer none is believed, but the whole is."""
    host, frame = Host(name), TO_HOST[name]
    damaged = [*truncations(frame), *(data for _, data in flips(frame))]

    assert [] == [data.hex() for data in damaged if host.believes(data)]
    assert host.believes(frame)


@pytest.mark.req("SR-013", "SR-019", "D08", "W03")
@pytest.mark.parametrize("name", sorted(TO_PEN))
def test_pen_takes_no_request_cut_or_with_one_bit_flipped(name: str) -> None:
    """Each is met with silence and changes nothing, not even a STOP; the whole is taken."""
    golden, frame = GoldenPen(name), TO_PEN[name]
    before = golden.state
    for data in (*truncations(frame), *(data for _, data in flips(frame))):
        assert b"" == golden.hear(data), data.hex()
        assert before == golden.state, data.hex()

    assert b"" != golden.hear(frame)
    assert (before == golden.state) is (name in {"identity request", "poll"})


@pytest.mark.req("SR-010", "W01")
@pytest.mark.parametrize("name", WITH_BLOCK)
def test_crc32_denies_every_flip_that_crc16_was_made_to_fit(name: str) -> None:
    """Under a right CRC-16, as of a bridge that makes it anew, no flip of an answer is believed."""
    host, frame = Host(name), TO_HOST[name]

    assert [] == [at for at, data in flips(frame[:-2]) if host.believes(seal(data))]


def test_exception_has_a_crc16_and_nothing_more() -> None:
    """With CRC-16 made anew its code may be any: that is why a host does not act on the code."""
    host, frame = Host("exception 02 to function 23"), FRAMES["exception 02 to function 23"]
    believed = {at // 8 for (at,), data in flips(frame[:-2]) if host.believes(seal(data))}

    assert {2} == believed


BECOMES_STOP = {
    "identity request": set(),
    "poll": set(),
    "open": {(COMMAND_AT, 0x04)},
    "start": set(),
    "renew": {(COMMAND_AT, 0x01)},
}
"""Flips with CRC-16 made anew that turn a request into STOP, as byte and bit: 1 and 4 are one bit
away from 5. No other request is."""

STAYS_STOP = {
    "stop": {
        (0, 0x01),  # to everybody
        *((at, 1 << bit) for at in (2, 3, 4, 5) for bit in range(8)),  # what is read, if anything
        *((at, 1 << bit) for at in range(11, 31) if at != COMMAND_AT for bit in range(8)),
    },
    "stop by function 06": {
        (0, 0x01),
        *((4, 1 << bit) for bit in range(8)),  # the high byte, which is no command
    },
}
"""Flips with CRC-16 made anew under which STOP is still STOP. Source: docs/protocol.md 6."""


@pytest.mark.req("SR-013", "SR-019", "D08")
@pytest.mark.parametrize("name", sorted(BECOMES_STOP | STAYS_STOP))
def test_flip_that_crc16_was_made_to_fit_does_nothing_or_stops(name: str) -> None:
    """Exactly the listed flips act, and after each the motor is off and no token is live."""
    golden, frame = GoldenPen(name), TO_PEN[name]
    before = golden.state
    effects = set()
    for (place,), data in flips(frame[:-2]):
        golden.hear(seal(data))
        if before != golden.state:
            effects.add((place // 8, 1 << place % 8))
            assert golden.is_stopped, data.hex()
            golden = GoldenPen(name)

    assert (BECOMES_STOP | STAYS_STOP)[name] == effects


@pytest.mark.req("SR-016")
@pytest.mark.parametrize("name", SHORT)
def test_short_frame_with_any_two_flips_is_not_found(name: str) -> None:
    """Of all pairs of flipped bits none leaves a frame, its length and function included."""
    frame = FRAMES[name]
    found = []
    for at, data in flips(frame, 2):
        heard: list[object] = [*FrameReader().feed(data, 0)]
        if name in TO_HOST:
            heard = [*RTU.status_finder(Counter()).feed(data)]
        if heard:
            found.append(at)

    assert [] == found


@pytest.mark.req("SR-016")
@pytest.mark.parametrize("name", sorted(FRAMES))
def test_crc16_sees_every_two_and_three_flips(name: str) -> None:
    """A CRC adds up what single flips do to it: no two do the same, and each does an odd number."""
    frame = FRAMES[name]
    effects = [crc16(data) for _, data in flips(frame)]  # of the whole frame: 0 when it is right

    assert 0 == crc16(frame)
    assert 0 not in effects
    assert len(effects) == len(set(effects))
    assert {1} == {effect.bit_count() % 2 for effect in effects}


def product(one: int, other: int) -> int:
    """Return the product of two polynomials over GF(2)."""
    result = 0
    while other:
        result ^= one if other & 1 else 0
        one, other = one << 1, other >> 1
    return result


def damaged_by(frame: bytes, pattern: int, first_bit: int) -> bytes:
    """Return a frame with this pattern of flips, its first bit at this place on the line."""
    flipped = int.from_bytes(frame, "little") ^ pattern << first_bit
    return flipped.to_bytes(len(frame), "little")


def in_block(frame: bytes) -> range:
    """Return the bits of a frame that its CRC-32 covers, less that of the CRC-32 itself."""
    return range(8 * (11 if len(frame) == 33 else 3), 8 * (len(frame) - 6))


@pytest.mark.req("SR-010", "SR-019", "W01")
@pytest.mark.parametrize("name", [*WITH_BLOCK, "open", "start", "renew"])
def test_crc32_denies_what_crc16_cannot_see(name: str) -> None:
    """Multiples of CRC-16's polynomial pass it everywhere, and the CRC-32 nowhere."""
    frame = FRAMES[name]
    bits = in_block(frame)
    seed = random.SystemRandom().getrandbits(32)
    chance = random.Random(seed)
    multiples = [1, *(1 | 1 << gap for gap in (2, 8, 17, 31))]
    multiples += [chance.getrandbits(32) | 1 for _ in range(12)]
    golden, host = (None, Host(name)) if name in TO_HOST else (GoldenPen(name), None)
    before = golden.state if golden else ()
    tried = 0
    for multiple in multiples:
        pattern = product(CRC16, multiple)
        for first_bit in range(bits.start, bits.stop - pattern.bit_length() + 1):
            data = damaged_by(frame, pattern, first_bit)
            where = f"seed {seed}, {multiple:#x} at {first_bit}"
            tried += 1

            assert 0 == crc16(data), where
            if data[COMMAND_AT] == 5 and golden:
                continue  # a STOP: the safe direction, shown above
            if golden:
                golden.hear(data)
                assert before == golden.state, where
            elif host:
                assert not host.believes(data), where

    assert tried > 1_000


@pytest.mark.parametrize(
    ("name", "under"), [("status of the start", b"R\x02\x00"), ("start", b"W\x01\x00")]
)
def test_only_a_multiple_of_both_polynomials_passes_both(name: str, under: bytes) -> None:
    """What is left is known: a pattern over 49 bits or more, and the shortest does pass both."""
    frame = FRAMES[name]
    pattern = product(CRC16, CRC32)
    data = damaged_by(frame, pattern, in_block(frame).start + 8)
    block = data[in_block(frame).start // 8 : -6]
    under = b"PENLINK1" + SERIAL_NUMBER.to_bytes(4, "big") + under

    assert 49 == pattern.bit_length()
    assert data != frame
    assert 0 == crc16(data)
    assert zlib.crc32(under + block).to_bytes(4, "big") == data[-6:-2]


@pytest.mark.req("SR-010", "SR-016", "W01", "W03")
@pytest.mark.parametrize("name", WITH_BLOCK)
def test_host_believes_no_native_answer_cut_or_with_one_bit_flipped(name: str) -> None:
    """The same over native frames; a delimiter that is flipped is not missed where two stand."""
    host, frame = Host(name, NATIVE), as_native(FRAMES[name])
    damaged = [*truncations(frame[1:-1]), *(data for _, data in flips(frame[1:-1]))]

    assert [] == [data.hex() for data in damaged if host.believes(b"\x00" + data + b"\x00")]
    assert host.believes(frame)


MAKES_A_STOP_BYTE = {name: set[tuple[int, int]]() for name in ORDERS} | {"open": {(21, 0x04)}}
"""Flips of a native frame that make 0xE5: of these frames, one has a byte that is one bit away."""

MAKES_A_FRAMED_STOP = {name: set[tuple[int, int]]() for name in ORDERS} | {
    "poll": {(2, 0x08)},  # a code byte of COBS: the command's 0x00 becomes the code behind it, 5
    "open": {(5, 0x04)},
    "renew": {(5, 0x01)},
}
"""Flips that leave a frame of kind W with the command 5, whose CRC-32 no STOP is asked for."""


@pytest.mark.req("SR-013", "SR-019", "D08", "W03")
@pytest.mark.parametrize("name", ORDERS)
def test_pen_takes_no_native_order_cut_or_flipped_but_as_a_stop(name: str) -> None:
    """Exactly those flips act that make the stop byte, or the command 5; each of them stops."""
    golden, frame = GoldenPen(name, "native"), as_native(TO_PEN[name])
    before = golden.state
    for data in truncations(frame[1:-1]):
        golden.hear(b"\x00" + data + b"\x00")
        assert before == golden.state, data.hex()
    stop_bytes: set[tuple[int, int]] = set()
    framed: set[tuple[int, int]] = set()
    for (place,), data in flips(frame):
        at, bit = place // 8, 1 << place % 8
        golden.hear(data)
        if before != golden.state:
            (stop_bytes if data[at] == 0xE5 else framed).add((at, bit))
            assert golden.is_stopped, data.hex()
            golden = GoldenPen(name, "native")

    assert MAKES_A_STOP_BYTE[name] == stop_bytes
    if name != "stop":
        assert MAKES_A_FRAMED_STOP[name] == framed
    golden.hear(frame)
    assert (before == golden.state) is (name == "poll")
