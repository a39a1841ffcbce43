"""The rules of docs/protocol.md 7, one by one, without a port and without time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.framing import Discard
from drivers.link import LinkCore
from drivers.registers import Command
from tests.contract.golden import (
    FRAMES,
    POLL_STATUS,
    SEQUENCE_ECHO,
    SERIAL_NUMBER,
    TOKEN_ECHO,
    altered,
    answer_to,
    framed,
    golden_core,
    polled_core,
    status_frame,
)

if TYPE_CHECKING:
    pass


@pytest.fixture
def core() -> LinkCore:
    """Return a link to the golden pen, which has not been heard yet."""
    return golden_core()


@pytest.fixture
def polled() -> LinkCore:
    """Return the same link after POLL and its answer: epoch 7, tick 5,000, sequence 1."""
    return polled_core()


def test_first_requests_are_the_golden_frames(core: LinkCore) -> None:
    """POLL with tick echo 0, then OPEN with the tick of the POLL's status."""
    poll = core.request(Command.POLL, now_us=0)
    answer = core.feed(POLL_STATUS, 300)
    assert answer is not None
    assert answer.status is not None
    opening = core.request(Command.OPEN, now_us=400)

    assert FRAMES["poll"] == poll
    assert FRAMES["open"] == opening
    assert (Command.POLL, 1, 0, 300) == (
        answer.command,
        answer.sequence,
        answer.sent_us,
        answer.received_us,
    )


def test_later_requests_are_the_golden_frames(core: LinkCore) -> None:
    """START, RENEW and STOP carry the tick of the last believed status."""
    core.sequence, core.tick_ms, core.epoch = 257, 90_000, 7
    start = core.request(Command.START, depth_um=750, speed_dhz=1_000, now_us=0)
    core.feed(FRAMES["status of the start"], 1)
    renew = core.request(Command.RENEW, depth_um=750, speed_dhz=1_000, now_us=2)
    core.tick_ms = 90_055
    stop = core.stop(3)
    answer = core.feed(FRAMES["status of the stop"], 4)
    assert answer is not None
    assert answer.status is not None

    assert [FRAMES["start"], FRAMES["renew"], FRAMES["stop"]] == [start, renew, stop]
    assert answer.status.is_stopped


@pytest.mark.parametrize(
    ("heard", "cause"),
    [
        pytest.param(framed(b"\x01\x03" + POLL_STATUS[2:-2]), Discard.FUNCTION, id="function 03"),
        pytest.param(framed(b"\x01\x17\x02\x12\x34"), Discard.LENGTH, id="one register of 20"),
        pytest.param(altered(SEQUENCE_ECHO, 9), Discard.SEQUENCE, id="sequence never asked"),
        pytest.param(altered(TOKEN_ECHO, 0xABCE), Discard.TOKEN, id="token of others"),
        pytest.param(framed(b"\x01\x90\x02"), Discard.FUNCTION, id="exception of function 16"),
        pytest.param(b"\x00", Discard.NOISE, id="noise byte"),
        pytest.param(b"\x01\x03", Discard.NOISE, id="noise like a head"),
        pytest.param(b" Busy " * 80, Discard.NOISE, id="babble"),
        pytest.param(FRAMES["poll"], Discard.NOISE, id="echo of our own request"),
        pytest.param(
            status_frame(POLL_STATUS[3:39], unit_id=2), Discard.UNIT, id="frame of another unit"
        ),
        pytest.param(
            status_frame(POLL_STATUS[3:39], serial_number=43), Discard.CRC32, id="another pen"
        ),
        pytest.param(
            framed(POLL_STATUS[:42] + bytes([POLL_STATUS[42] ^ 1])), Discard.CRC32, id="CRC-32"
        ),
        pytest.param(altered(slice(0, 1), 2), Discard.VERSION, id="version 2"),
        pytest.param(altered(slice(1, 2), 9), Discard.VALUE, id="state 9"),
        pytest.param(
            POLL_STATUS[:30] + b"\xaa" + POLL_STATUS[31:], Discard.CRC16, id="CRC-16 wrong"
        ),
    ],
)
@pytest.mark.req("SR-010", "HZ-37", "W01")
def test_what_does_not_fit_is_counted_and_does_no_harm(
    core: LinkCore, heard: bytes, cause: Discard
) -> None:
    """The answer that fits is believed afterwards, and even in the same read."""
    core.request(Command.POLL, now_us=0)

    assert core.feed(heard, 1) is None
    assert 1 == core.discards[cause]

    answer = core.feed(heard + POLL_STATUS, 2)

    assert answer is not None
    assert answer.status is not None


@pytest.mark.parametrize("bit", range(8 * len(POLL_STATUS)))
@pytest.mark.req("SR-010", "SR-016", "W01")
def test_status_with_one_wrong_bit_is_never_believed(core: LinkCore, bit: int) -> None:
    """Each of the 360 bits matters."""
    core.request(Command.POLL, now_us=0)
    flipped = bytearray(POLL_STATUS)
    flipped[bit // 8] ^= 1 << bit % 8

    assert core.feed(bytes(flipped), 1) is None
    assert core.is_waiting


@pytest.mark.parametrize(
    ("alter", "bit"), [(name, bit) for name in ("status of the stop",) for bit in range(8 * 36)]
)
@pytest.mark.req("SR-010", "HZ-02", "W01")
def test_block_with_one_wrong_bit_is_never_believed_when_only_the_crc16_is_right(
    core: LinkCore, alter: str, bit: int
) -> None:
    """A bridge that repairs the CRC-16 of a broken block is seen by the CRC-32."""
    core.sequence, core.tick_ms, core.epoch = 259, 90_055, 7
    core.stop(0)
    flipped = bytearray(FRAMES[alter])
    flipped[3 + bit // 8] ^= 1 << bit % 8

    assert core.feed(framed(bytes(flipped[:-2])), 1) is None
    assert {Discard.CRC32: 1} == core.discards


@pytest.mark.parametrize("size", range(len(POLL_STATUS)))
@pytest.mark.req("SR-016")
def test_truncated_status_is_never_believed(core: LinkCore, size: int) -> None:
    """No beginning of an answer is an answer."""
    core.request(Command.POLL, now_us=0)

    assert core.feed(POLL_STATUS[:size], 1) is None


def test_status_in_pieces_is_believed_with_the_last_one(core: LinkCore) -> None:
    """The age of a status is counted from its last byte."""
    core.request(Command.POLL, now_us=0)
    assert core.feed(POLL_STATUS[:10], 1) is None
    assert core.feed(POLL_STATUS[10:40], 2) is None
    answer = core.feed(POLL_STATUS[40:], 3)
    assert answer is not None

    assert 3 == answer.received_us


@pytest.mark.req("SR-010", "HZ-37", "W01")
def test_late_answer_is_known_as_late(polled: LinkCore) -> None:
    """The answer to an expired request is not the answer to the next one."""
    first = polled.request(Command.POLL, now_us=0)
    polled.expire()
    second = polled.request(Command.POLL, now_us=1)

    assert polled.feed(answer_to(first, 5_010), 2) is None
    assert {Discard.LATE: 1} == polled.discards

    answer = polled.feed(answer_to(second, 5_020), 3)
    assert answer is not None

    assert 3 == answer.sequence


@pytest.mark.req("SR-010")
def test_late_and_right_answer_in_one_read_are_told_apart(polled: LinkCore) -> None:
    """Of two frames in one read the one that fits is believed."""
    first = polled.request(Command.POLL, now_us=0)
    polled.expire()
    second = polled.request(Command.POLL, now_us=1)
    answer = polled.feed(answer_to(first, 5_010) + answer_to(second, 5_011), 2)
    assert answer is not None

    assert (3, {Discard.LATE: 1}) == (answer.sequence, polled.discards)


@pytest.mark.req("SR-010", "HZ-37", "W01")
def test_replay_of_an_answered_request_is_late(polled: LinkCore) -> None:
    """A status that was believed once is never believed again, with or without a request."""
    assert polled.feed(POLL_STATUS, 1) is None

    polled.request(Command.POLL, now_us=2)

    assert polled.feed(POLL_STATUS, 3) is None
    assert {Discard.LATE: 2} == polled.discards


@pytest.mark.parametrize(
    ("last_ms", "tick_ms", "believed"),
    [
        (5_000, 5_001, True),
        (5_000, 5_000, False),
        (5_000, 4_999, False),
        (5_000, 5_000 + (1 << 31) - 1, True),
        (5_000, 5_000 + (1 << 31), False),
        (0xFFFF_FFFF, 0, True),
        (0xFFFF_FFF0, 5, True),
        (5, 0xFFFF_FFF0, False),
    ],
)
@pytest.mark.req("SR-010", "HZ-51", "W01", "W06")
def test_tick_must_have_advanced_modulo_2_to_32(
    polled: LinkCore, last_ms: int, tick_ms: int, *, believed: bool
) -> None:
    """A frozen tick and one that goes back are not believed; the wrap is."""
    polled.tick_ms = last_ms
    request = polled.request(Command.POLL, now_us=0)
    answer = polled.feed(answer_to(request, tick_ms), 1)

    assert believed is (answer is not None)
    assert (tick_ms if believed else last_ms) == polled.tick_ms
    assert int(not believed) == polled.discards[Discard.TICK]


@pytest.mark.req("SR-010", "SR-020", "W06")
def test_epoch_change_ends_the_exchange_without_a_status(polled: LinkCore) -> None:
    """A restart is an event of its own, repeated until the pen is identified again."""
    for _ in range(2):
        request = polled.request(Command.POLL, now_us=0)
        answer = polled.feed(answer_to(request, 20, epoch=8), 1)
        assert answer is not None

        assert (True, None, None) == (answer.epoch_changed, answer.status, answer.exception)
        assert (7, 5_000) == (polled.epoch, polled.tick_ms)

    polled.adopt(SERIAL_NUMBER)
    request = polled.request(Command.POLL, now_us=0)
    answer = polled.feed(answer_to(request, 20, epoch=8), 1)
    assert answer is not None

    assert (False, 8, 20) == (answer.epoch_changed, polled.epoch, polled.tick_ms)


def test_exception_ends_the_exchange(polled: LinkCore) -> None:
    """With nothing else open the exception belongs to the request, and nothing is waited for."""
    polled.request(Command.POLL, now_us=0)
    answer = polled.feed(FRAMES["exception 02 to function 23"], 1)
    assert answer is not None

    assert (2, None, False) == (answer.exception, answer.status, polled.is_waiting)

    polled.request(Command.OPEN, now_us=2)


@pytest.mark.req("SR-011")
@pytest.mark.parametrize("command", [Command.OPEN, Command.ARM, Command.START, Command.RESET])
def test_exception_leaves_the_outcome_of_an_order_unknown(
    polled: LinkCore, command: Command
) -> None:
    """It names neither request nor pen, so the line may have made it: only a status settles."""
    polled.request(command, now_us=0)
    assert polled.feed(FRAMES["exception 02 to function 23"], 1) is not None

    with pytest.raises(RuntimeError, match="outcome"):
        polled.request(command, now_us=2)

    request = polled.request(Command.POLL, now_us=3)
    assert polled.feed(answer_to(request, 5_010), 4) is not None
    polled.request(command, now_us=5)


@pytest.mark.req("SR-011")
def test_restart_leaves_the_outcome_of_an_order_unknown(polled: LinkCore) -> None:
    """Whether the pen restarted before START came or after it, nobody knows."""
    request = polled.request(Command.START, now_us=0)
    answer = polled.feed(answer_to(request, 20, epoch=8), 1)
    assert answer is not None
    assert answer.epoch_changed

    with pytest.raises(RuntimeError, match="outcome"):
        polled.request(Command.START, now_us=2)


@pytest.mark.req("SR-011")
def test_exception_that_may_be_an_older_ones_is_not_believed(polled: LinkCore) -> None:
    """It carries no number, and "nothing happened" must not be said of the wrong order."""
    polled.request(Command.POLL, now_us=0)
    polled.expire()
    request = polled.request(Command.OPEN, now_us=1)

    assert polled.feed(FRAMES["exception 02 to function 23"], 2) is None
    assert {Discard.EXCEPTION: 1} == polled.discards

    assert polled.feed(answer_to(request, 5_010), 3) is not None

    polled.request(Command.POLL, now_us=4)

    assert polled.feed(FRAMES["exception 02 to function 23"], 5) is not None


@pytest.mark.req("SR-011")
def test_exception_after_a_burst_of_stops_may_be_theirs(polled: LinkCore) -> None:
    """One STOP of two is answered; until the other's answer is out of the way, none is believed."""
    stops = [polled.stop(0), polled.stop(1)]
    assert polled.feed(answer_to(stops[0], 5_010), 2) is not None
    polled.request(Command.POLL, now_us=3)

    assert polled.feed(FRAMES["exception 02 to function 23"], 4) is None
    assert {Discard.EXCEPTION: 1} == polled.discards


def test_exception_without_a_request_is_not_believed(polled: LinkCore) -> None:
    """Nobody asked."""
    assert polled.feed(FRAMES["exception 02 to function 23"], 1) is None
    assert {Discard.EXCEPTION: 1} == polled.discards
