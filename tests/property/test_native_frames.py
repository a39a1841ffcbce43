"""Native frames against any bytes: three hands agree, nothing raises, nothing grows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import cobs, native
from drivers.link import LinkCore
from drivers.native import NativeFinder, NativeFraming
from drivers.registers import STATUS, Command
from simulator.cobs import stuff, unstuff
from simulator.native import FRAME_BYTES_MAX, NativeReader, packed
from simulator.pen import Pen
from tests.contract.native_pen import NATIVE_FRAMES, native_frame, stuffed, unstuffed
from tests.contract.scripted_pen import SERIAL_NUMBER

RELAXED = settings(deadline=None)
"""A busy machine is no failure."""

GOLDEN = NATIVE_FRAMES["status of the poll"]
AWKWARD = st.sampled_from([0x00, 0xE5, 0x01, 0x02, 0x43, 0xFF])
BODIES = st.binary(min_size=1, max_size=65) | st.lists(AWKWARD, min_size=1, max_size=65).map(bytes)
PIECES = st.sampled_from(
    [*NATIVE_FRAMES.values(), *(f[:-1] for f in NATIVE_FRAMES.values()), b"\x00", b"\xe5"]
)
STREAMS = st.lists(PIECES | st.binary(max_size=150) | BODIES, max_size=12).map(b"".join)


def heard_by_pen(stream: bytes) -> list[bytes]:
    """Return kind and block of every frame that the pen makes out."""
    frames = NativeReader().feed(stream, 0)
    return [frame.kind + frame.block for frame in frames if not frame.is_stop_byte]


@RELAXED
@given(BODIES)
@pytest.mark.req("W02")
def test_frame_is_built_alike_by_three_hands_and_holds_neither_byte(body: bytes) -> None:
    """Between its delimiters stands neither 0x00 nor 0xE5, two bytes more than the body has."""
    frame = native.frame(body)
    inside = frame[1:-1]

    assert frame == packed(body[:1], body[1:]) == native_frame(body)
    assert (len(body) + 2, 0, 0) == (len(inside), inside.count(0), inside.count(0xE5))
    assert body == native.unframe(inside)
    assert [body] == heard_by_pen(frame)


@RELAXED
@given(st.binary(min_size=1, max_size=67) | BODIES.map(lambda body: native.frame(body)[1:-1]))
@pytest.mark.req("SR-016", "W02", "W03")
def test_what_can_be_taken_apart_is_what_was_built(inside: bytes) -> None:
    """No two frames mean the same body, and host and pen call the same bytes a frame."""
    inside = inside.replace(b"\x00", b"\x01")
    body = native.unframe(inside)
    frame = b"\x00" + inside + b"\x00"

    if body:
        assert frame == native.frame(body)
    assert ([body] if body else []) == heard_by_pen(frame)


@RELAXED
@given(st.binary(max_size=253))
def test_cobs_is_the_same_by_three_hands(body: bytes) -> None:
    """Encoded alike and decoded alike, without a zero, one byte longer."""
    encoded = cobs.encode(body)

    assert encoded == stuff(body) == stuffed(body)
    assert body == cobs.decode(encoded) == unstuff(encoded) == unstuffed(encoded)
    assert (len(body) + 1, 0) == (len(encoded), encoded.count(0))


@RELAXED
@given(st.binary(max_size=254))
@pytest.mark.req("SR-016")
def test_cobs_decoders_are_total_and_agree(data: bytes) -> None:
    """Any bytes give a body that encodes to them, or none, for host and pen alike."""
    body = cobs.decode(data)

    assert body == unstuff(data)
    assert body is None or cobs.encode(body) == data


@RELAXED
@given(st.lists(st.binary(max_size=3_000) | STREAMS, max_size=6))
@pytest.mark.req("SR-016", "HZ-71", "W03")
def test_finder_keeps_less_than_a_frame_and_takes_time_in_proportion(chunks: list[bytes]) -> None:
    """Every byte is a delimiter, kept, thrown or part of a reply, and is taken apart once."""
    finder = NativeFinder(STATUS, Counter())
    looked_at = 0
    replied = 0
    read = finder._read

    def counted(chunk: bytes) -> list[object]:
        nonlocal looked_at
        looked_at += len(chunk)
        return list(read(chunk))

    finder._read = counted  # type: ignore[assignment,method-assign]
    for chunk in chunks:
        replied += 43 * len(finder.feed(chunk))

        assert len(finder._rest) <= FRAME_BYTES_MAX + 1

    total = sum(len(chunk) - chunk.count(0) for chunk in chunks)
    assert total == len(finder._rest) + finder.thrown_bytes + replied
    assert looked_at <= total


@RELAXED
@given(STREAMS, st.lists(st.integers(0, 60), max_size=20))
@pytest.mark.req("SR-016")
def test_replies_and_frames_do_not_depend_on_how_the_stream_was_cut(
    stream: bytes, sizes: list[int]
) -> None:
    """Reading in other pieces finds the same, at either end."""
    finder, reader = NativeFinder(STATUS, Counter()), NativeReader()
    rest, replies, frames = stream, [], []
    for size in [*sizes, len(stream)]:
        piece, rest = rest[:size], rest[size:]
        replies += finder.feed(piece)
        frames += reader.feed(piece, 0)

        assert reader.pending_bytes <= FRAME_BYTES_MAX

    assert NativeFinder(STATUS, Counter()).feed(stream) == replies
    assert NativeReader().feed(stream, 0) == frames


@RELAXED
@given(st.binary(max_size=2_000) | STREAMS)
@pytest.mark.req("SR-010", "SR-016", "HZ-71", "W04")
def test_answer_is_believed_behind_any_garbage(garbage: bytes) -> None:
    """No noise hides the good frame that follows it."""
    core = LinkCore(0x1234ABCD, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    core.request(Command.POLL, now_us=0)
    answer = core.feed(garbage + GOLDEN, 1)

    assert answer is not None
    assert answer.status is not None


@RELAXED
@given(st.binary(max_size=200).map(lambda noise: noise.replace(b"\xe5", b"")))
@pytest.mark.req("SR-016", "W04")
def test_pen_hears_a_frame_behind_any_garbage(garbage: bytes) -> None:
    """At once, without waiting for a silence."""
    pen = Pen(transport="native")

    assert pen.receive(garbage + NATIVE_FRAMES["identity request"], 50_000)


@settings(RELAXED, max_examples=60)
@given(st.lists(st.tuples(STREAMS, st.integers(0, 60_000)), max_size=8))
@pytest.mark.req("SR-016", "W03")
def test_pen_is_total(pieces: list[tuple[bytes, int]]) -> None:
    """Nothing that comes over the wire raises in the pen or starts its motor."""
    pen = Pen(transport="native")
    for data, gap_us in pieces:
        pen.receive(data, pen.now_us + gap_us)

        assert not pen.bridge_is_on


@RELAXED
@given(st.binary(max_size=300), st.integers(0, 300))
@pytest.mark.req("SR-005", "SR-013")
def test_stop_byte_is_heard_in_any_stream(stream: bytes, place: int) -> None:
    """There are as many stops as there are stop bytes, whatever stands around them."""
    stream = stream[:place] + b"\xe5" + stream[place:]
    stops = [part for part in NativeReader().feed(stream, 0) if part.is_stop_byte]

    assert stream.count(0xE5) == len(stops)


@RELAXED
@given(STREAMS)
@pytest.mark.req("SR-010", "W01")
def test_nothing_is_believed_that_was_not_asked(stream: bytes) -> None:
    """A link with nothing in flight counts everything under some cause."""
    core = LinkCore(0x1234ABCD, NativeFraming())
    core.adopt(SERIAL_NUMBER)

    assert core.feed(stream, 1) is None
    assert bool(core.discards) or len(core._finder._rest) == len(stream.replace(b"\0", b""))
