"""The pen's ear and rules against bytes that nobody would send on purpose."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.registers import Command, PenState
from simulator.frames import BUFFER_BYTES, FrameReader, read_request
from simulator.pen import Pen
from simulator.tame_host import TameHost, exchange_frame

DATA = Path(__file__).parents[1] / "data" / "frames.toml"
GOLDEN = {
    entry["name"]: bytes.fromhex(entry["hex"])
    for entry in tomllib.loads(DATA.read_text(encoding="utf-8"))["frame"]
}
REQUESTS = [GOLDEN[name] for name in ("identity request", "poll", "start", "stop by function 06")]

chunks = st.lists(
    st.tuples(
        st.one_of(st.binary(max_size=80), st.sampled_from(REQUESTS)),
        st.integers(0, 60_000),
    ),
    max_size=12,
)


@pytest.mark.req("SR-016", "HZ-71", "W03")
@given(chunks)
def test_reader_is_total_and_bounded(pieces: list[tuple[bytes, int]]) -> None:
    """Any bytes at any times give requests and a bounded remainder, never an exception."""
    reader = FrameReader()
    now_us = 0
    for data, gap_us in pieces:
        now_us += gap_us
        for frame in reader.feed(data, now_us):
            read_request(frame)

        assert reader.pending_bytes <= BUFFER_BYTES


@pytest.mark.req("SR-016", "W04")
@given(st.binary(max_size=120), st.integers(2_000, 49_000))
def test_good_frame_after_a_gap_survives_any_garbage(garbage: bytes, gap_us: int) -> None:
    """No garbage swallows the frame that follows it after a gap."""
    reader = FrameReader()
    reader.feed(garbage, 0)
    frames = reader.feed(GOLDEN["identity request"], gap_us)

    assert (1, 3) in {(frame.unit, frame.function) for frame in frames}


@pytest.mark.req("SR-016", "W03")
@settings(max_examples=60, deadline=None)
@given(chunks)
def test_pen_is_total(pieces: list[tuple[bytes, int]]) -> None:
    """Nothing that comes over the wire raises in the pen or starts its motor."""
    pen = Pen()
    for data, gap_us in pieces:
        pen.receive(data, pen.now_us + gap_us)

        assert not pen.bridge_is_on


@cache
def orders() -> dict[str, bytes]:
    """Return one order of each command as a pen in the right state would take it next."""
    frames = {}
    for command in (Command.OPEN, Command.ARM, Command.START, Command.RENEW):
        frames[command.name] = prepared(command).frame(command)
    return frames


def prepared(command: Command) -> TameHost:
    """Return a host with a pen that would take that command."""
    host = TameHost(Pen())
    if command is Command.OPEN:
        host.wait(100)
        host.say(Command.POLL)
    elif command is Command.ARM:
        host.open()
        host.depth_um, host.speed_dhz = 500, 1_000
    elif command is Command.START:
        host.arm(500, 1_000)
    else:
        host.start(500, 1_000)
    return host


def state_of(host: TameHost) -> tuple[PenState, int, int, tuple[int, int]]:
    """Return everything that an order could change."""
    firmware = host.pen.firmware
    return firmware.state, firmware.session.token, firmware.lease_end_ms, firmware.last_order


@pytest.mark.req("SR-019", "HZ-02", "D08")
@pytest.mark.parametrize("name", ["OPEN", "ARM", "START", "RENEW"])
def test_order_is_never_taken_truncated_or_with_a_bit_flipped(name: str) -> None:
    """Every truncation and every single-bit flip of an order leaves the pen as it was."""
    good = orders()[name]
    host = prepared(Command[name])
    before = state_of(host)
    damaged = [good[:length] for length in range(len(good))]
    damaged += [
        good[:place] + bytes((good[place] ^ (1 << bit),)) + good[place + 1 :]
        for place in range(len(good))
        for bit in range(8)
    ]
    for bad in damaged:
        host.pen._reader = FrameReader()
        host.pen.receive(bad, host.pen.now_us)

        assert before == state_of(host)

    host.pen._reader = FrameReader()
    host.pen.receive(good, host.pen.now_us)

    assert before != state_of(host), "the undamaged order is taken"


@pytest.mark.req("SR-013", "D08")
def test_stop_is_taken_with_any_damage_under_a_right_crc16() -> None:
    """STOP needs a well-formed frame and nothing else, whatever its other fields say."""
    for place in range(2, 20):
        host = TameHost(Pen())
        host.start(500, 1_000)
        order = bytearray(host.frame(Command.STOP)[11:31])
        order[place] ^= 0xFF
        host.pen.receive(exchange_frame(bytes(order), unit=1), host.pen.now_us)

        assert host.pen.state is PenState.STOPPING


@pytest.mark.parametrize("name", ["open", "start", "renew", "stop"])
def test_golden_order_out_of_its_time_changes_nothing_but_for_stop(name: str) -> None:
    """A recorded frame is stale or of no session for a fresh pen; only STOP has its way."""
    pen = Pen()
    pen.advance(100_000)
    pen.receive(GOLDEN[name], 100_000)

    assert PenState.SAFE is pen.state
    assert (0, 0) == pen.firmware.last_order or name == "stop"
