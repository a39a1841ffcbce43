"""The pen's ear: frames out of bytes, and what each one asks for."""

from __future__ import annotations

import pytest

from simulator.codec import seal
from simulator.frames import (
    BUFFER_BYTES,
    FORGET_US,
    GAP_US,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Frame,
    FrameReader,
    read_request,
)

IDENTITY = bytes.fromhex("01 03 00 00 00 20 44 12")
POLL = bytes.fromhex(
    "01 17 02 00 00 14 01 00 00 0A 14 01 00 12 34 AB CD 00 01 00 00 00 00 00 00 00 00"
    "5C 0C CA C8 E4 7C"
)
STOP_06 = bytes.fromhex("01 06 01 00 00 05 48 35")


def exchange(read: str, write: str, values: bytes, byte_count: int | None = None) -> Frame:
    """Return a function 23 frame as the reader would hand it over."""
    count = len(values) if byte_count is None else byte_count
    return Frame(1, 0x17, bytes.fromhex(read + write) + bytes((count,)) + values)


def functions(frames: list[Frame]) -> list[int]:
    """Return what the frames' functions are."""
    return [frame.function for frame in frames]


def test_frame_ends_by_its_length_without_a_gap() -> None:
    """Two frames that came in one read are both handed out."""
    assert [3, 0x17, 6] == functions(FrameReader().feed(IDENTITY + POLL + STOP_06, 0))


@pytest.mark.parametrize("cut", range(1, len(POLL)))
@pytest.mark.parametrize("gap_us", [0, GAP_US, 5_000])
def test_frame_split_anywhere_is_put_together(cut: int, gap_us: int) -> None:
    """A bridge may split a frame, with or without a pause."""
    reader = FrameReader()

    assert [] == reader.feed(POLL[:cut], 10_000)
    assert [0x17] == functions(reader.feed(POLL[cut:], 10_000 + gap_us))


@pytest.mark.req("SR-016")
@pytest.mark.parametrize("garbage", [b"\x00", b"\x01\x17", POLL[:-1], POLL[:11], b"\xff" * 300])
def test_good_frame_after_garbage_and_a_gap_is_not_lost(garbage: bytes) -> None:
    """After 2 ms of silence a frame begins anew, whatever stood before it."""
    reader = FrameReader()
    reader.feed(garbage, 0)

    assert [3] == functions(reader.feed(IDENTITY, GAP_US))


@pytest.mark.parametrize("garbage", [b"\x55", b"\xff" * 40, b"\x01\x03\x00", b"\x01\x06" * 20])
def test_good_frame_right_behind_garbage_is_found(garbage: bytes) -> None:
    """Garbage that cannot be a longer frame is passed over even without a gap."""
    assert [3] == functions(FrameReader().feed(garbage + IDENTITY, 0))


def test_drip_of_single_bytes_is_put_together() -> None:
    """A frame of one byte every 5 ms is still a frame."""
    reader = FrameReader()
    frames = [
        frame
        for place in range(len(POLL))
        for frame in reader.feed(POLL[place : place + 1], 5_000 * place)
    ]

    assert [0x17] == functions(frames)


def test_old_remainder_is_forgotten() -> None:
    """Half a frame does not wait for ever for its other half."""
    reader = FrameReader()
    reader.feed(POLL[:20], 0)

    assert [] == reader.feed(POLL[20:], FORGET_US)


@pytest.mark.req("SR-016")
def test_remainder_is_bounded_whatever_comes() -> None:
    """Frames that promise 255 bytes and never end do not fill the memory."""
    reader = FrameReader()
    for turn in range(200):
        reader.feed(b"\x01\x17" + b"\xff" * 61, turn * 100)

    assert reader.pending_bytes <= BUFFER_BYTES


def test_unknown_function_is_told_by_its_crc_where_a_frame_is_due() -> None:
    """A frame of a function that nobody defined is still a frame, so that it can be refused."""
    [frame] = FrameReader().feed(seal(b"\x01\x42\x07\x08\x09"), 0)

    assert Frame(1, 0x42, b"\x07\x08\x09") == frame
    assert ILLEGAL_FUNCTION == read_request(frame).exception


@pytest.mark.parametrize("function", [1, 2, 4, 5, 7, 8, 15, 16, 22, 24, 43])
def test_every_other_function_is_refused(function: int) -> None:
    """Function 16 and its like are answered by exception 01."""
    request = read_request(Frame(1, function, bytes(8)))

    assert ("refused", ILLEGAL_FUNCTION) == (request.kind, request.exception)


def test_write_multiple_registers_is_delimited_by_its_byte_count() -> None:
    """A function 16 frame is cut where it ends, and what follows is not lost."""
    write = seal(bytes.fromhex("01 10 01 00 00 01 02 00 05"))

    assert [16, 3] == functions(FrameReader().feed(write + IDENTITY, 0))


@pytest.mark.parametrize("body", ["00 00 00 1F", "00 01 00 20", "02 00 00 14", "00 00 00 00"])
def test_other_address_or_count_of_a_read_is_refused(body: str) -> None:
    """Function 03 reads the identity, whole."""
    assert ILLEGAL_ADDRESS == read_request(Frame(1, 3, bytes.fromhex(body))).exception


@pytest.mark.parametrize(
    ("read", "write", "words"),
    [
        ("0200 0013", "0100 000A", 10),
        ("0201 0014", "0100 000A", 10),
        ("0200 0014", "0101 000A", 10),
        ("0200 0014", "0100 0009", 9),
        ("0200 0014", "0100 0000", 0),
    ],
)
def test_other_address_or_count_of_an_exchange_is_refused(
    read: str, write: str, words: int
) -> None:
    """Function 23 takes the order whole and gives the status whole."""
    request = read_request(exchange(read, write, bytes(2 * words)))

    assert (ILLEGAL_ADDRESS, False) == (request.exception, request.is_stop)


def test_byte_count_that_does_not_fit_is_refused() -> None:
    """Ten registers are twenty bytes."""
    request = read_request(exchange("0200 0014", "0100 000A", bytes.fromhex("0105") + bytes(16)))

    assert (ILLEGAL_VALUE, False) == (request.exception, request.is_stop)


@pytest.mark.req("SR-013")
@pytest.mark.parametrize(
    ("read", "write", "values"),
    [
        ("0200 0014", "0100 0001", "0005"),
        ("0000 0001", "0100 0001", "FF05"),
        ("0200 0014", "00FF 0002", "0000 0005"),
    ],
)
def test_stop_counts_in_an_exchange_that_is_refused(read: str, write: str, values: str) -> None:
    """Any function 23 that puts 5 into the low byte of 0x0100 is a STOP."""
    request = read_request(exchange(read, write, bytes.fromhex(values)))

    assert (ILLEGAL_ADDRESS, True) == (request.exception, request.is_stop)


@pytest.mark.parametrize(
    ("body", "exception"),
    [("01 00 00 03", ILLEGAL_VALUE), ("01 00 05 00", ILLEGAL_VALUE), ("01 01 00 05", 2)],
)
def test_function_06_is_for_stop_only(body: str, exception: int) -> None:
    """Any other value or register of function 06 is refused."""
    request = read_request(Frame(1, 6, bytes.fromhex(body)))

    assert (exception, False) == (request.exception, request.is_stop)
