"""Frames out, and replies found at any offset of a stream."""

from __future__ import annotations

from collections import Counter

import pytest

from drivers.registers import IDENTITY, ORDER, STATUS
from drivers.rtu import (
    EXCHANGE,
    READ,
    Discard,
    Reply,
    ReplyFinder,
    exchange_request,
    read_request,
)
from tests.contract.scripted_pen import FRAMES, framed

STATUS_FRAME = FRAMES["status of the poll"]
REGISTERS = tuple(
    int.from_bytes(STATUS_FRAME[at : at + 2], "big") for at in range(3, len(STATUS_FRAME) - 2, 2)
)


@pytest.fixture
def discards() -> Counter[Discard]:
    """Return the causes counted."""
    return Counter()


@pytest.fixture
def finder(discards: Counter[Discard]) -> ReplyFinder:
    """Return a finder of statuses of unit 1."""
    return ReplyFinder(1, EXCHANGE, STATUS.words, discards)


def test_identity_request_is_the_golden_one() -> None:
    """Function 03, 32 registers from 0."""
    assert FRAMES["identity request"] == read_request(1, IDENTITY.address, IDENTITY.words)


def test_exchange_request_is_the_golden_one() -> None:
    """Function 23: read 20 from 0x0200, write 10 to 0x0100."""
    poll = FRAMES["poll"]
    registers = [int.from_bytes(poll[at : at + 2], "big") for at in range(11, 31, 2)]

    assert poll == exchange_request(1, ORDER.address, registers, STATUS.address, STATUS.words)


def test_identity_reply_is_found(discards: Counter[Discard]) -> None:
    """The golden identity is one reply of 32 registers."""
    replies = ReplyFinder(1, READ, IDENTITY.words, discards).feed(FRAMES["identity"])

    assert [32] == [len(reply.registers) for reply in replies]
    assert not discards


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x00",
        b"\x01",
        b"\x01\x17",
        b"\x01\x17\x28",
        b"\x01\x03",
        b"\x01\x97",
        b"\x01\x01\x17",
        b"\x01\x17\x28" * 20,
        bytes(range(256)) * 5,
        b" Busy " * 400,
        STATUS_FRAME[:44],
        STATUS_FRAME[1:],
    ],
)
@pytest.mark.req("SR-016")
def test_reply_is_found_behind_any_noise(
    finder: ReplyFinder, discards: Counter[Discard], noise: bytes
) -> None:
    """The good frame is found as soon as its last byte is there; the noise is counted."""
    early = finder.feed(noise + STATUS_FRAME[:-1])
    found = finder.feed(STATUS_FRAME[-1:])

    assert ([], [Reply(REGISTERS)]) == (early, found)
    assert len(noise) == finder.thrown_bytes
    assert bool(noise) is bool(discards)


def test_reply_is_found_byte_by_byte(finder: ReplyFinder) -> None:
    """A reply in 45 pieces is one reply."""
    found = [reply for byte in STATUS_FRAME for reply in finder.feed(bytes([byte]))]

    assert [Reply(REGISTERS)] == found


def test_two_replies_in_one_read_are_both_found(finder: ReplyFinder) -> None:
    """Nothing behind the first frame is lost."""
    replies = finder.feed(STATUS_FRAME + b"\xff" + STATUS_FRAME)

    assert [Reply(REGISTERS)] * 2 == replies
    assert 1 == finder.thrown_bytes


def test_exception_of_the_function_is_a_reply(finder: ReplyFinder) -> None:
    """The golden exception says code 02."""
    assert [Reply(exception=2)] == finder.feed(FRAMES["exception 02 to function 23"])


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (framed(b"\x02" + STATUS_FRAME[1:-2]), Discard.UNIT),
        (framed(b"\x01\x03" + STATUS_FRAME[2:-2]), Discard.FUNCTION),
        (framed(b"\x01\x04" + STATUS_FRAME[2:-2]), Discard.FUNCTION),
        (framed(b"\x01\x17\x02\x12\x34"), Discard.LENGTH),
        (framed(b"\x01\x17\x26" + STATUS_FRAME[3:41]), Discard.LENGTH),
        (framed(b"\x01\x90\x02"), Discard.FUNCTION),
        (framed(b"\x02\x97\x02"), Discard.UNIT),
        (FRAMES["stop by function 06"], Discard.FUNCTION),
        (FRAMES["poll"], Discard.NOISE),
        (b"\x00\xff", Discard.NOISE),
    ],
)
@pytest.mark.req("SR-010")
def test_frame_of_others_is_no_reply_and_named(
    finder: ReplyFinder, discards: Counter[Discard], frame: bytes, cause: Discard
) -> None:
    """Other units, functions and lengths are told from noise; an echo of a request is noise."""
    replies = finder.feed(frame + STATUS_FRAME)

    assert [Reply(REGISTERS)] == replies
    assert {cause: 1} == discards
    assert len(frame) == finder.thrown_bytes


@pytest.mark.req("SR-010")
def test_reply_with_a_wrong_crc16_is_counted(
    finder: ReplyFinder, discards: Counter[Discard]
) -> None:
    """One wrong bit, and the next good frame is still found."""
    broken = bytearray(STATUS_FRAME)
    broken[20] ^= 0x10
    replies = finder.feed(bytes(broken) + STATUS_FRAME)

    assert [Reply(REGISTERS)] == replies
    assert 1 == discards[Discard.CRC16]


@pytest.mark.parametrize("size", range(len(STATUS_FRAME)))
@pytest.mark.req("SR-016")
def test_truncated_reply_is_never_found(finder: ReplyFinder, size: int) -> None:
    """No beginning of a reply is a reply."""
    assert [] == finder.feed(STATUS_FRAME[:size])


def test_unit_id_out_of_range_is_refused(discards: Counter[Discard]) -> None:
    """Unit 0 is a broadcast, and nobody answers it."""
    with pytest.raises(ValueError, match="unit_id = 0: must be"):
        ReplyFinder(0, EXCHANGE, STATUS.words, discards)
