"""The simulated pen on native frames: golden frames, stop bytes and framed STOPs."""

from __future__ import annotations

import itertools

import pytest

from drivers.registers import Command, PenState, Result
from simulator.cobs import stuff, unstuff
from simulator.codec import IDENTITY_CODEC, ORDER_CODEC, STATUS_CODEC
from simulator.native import FRAME_BYTES_MAX, NativeFrame, NativeReader, packed
from simulator.parameters import PenParameters
from simulator.pen import Pen
from simulator.tame_host import TameHost
from tests.contract.native_pen import NATIVE_FRAMES, native_body, native_frame
from tests.contract.scripted_pen import FRAMES

CODECS = {b"I": IDENTITY_CODEC, b"W": ORDER_CODEC, b"R": STATUS_CODEC}
BLOCKS = [name for name in NATIVE_FRAMES if name != "identity request"]
STOP_BYTE = b"\xe5"
SERIAL_NUMBER = 42


class NativeHost(TameHost):
    """A tame host that speaks native frames."""

    def frame(self, command: int, **fields: int) -> bytes:
        """Return the next order, without stop bytes."""
        return native_frame(b"W" + super().frame(command, **fields)[11:31])

    def hear(self, answer: bytes) -> dict[str, int]:
        """Read a status."""
        return super().hear(b"\x01\x17\x28" + native_body(answer)[1:] + b"\x00\x00")


def native_host() -> NativeHost:
    """Return a host with a fresh pen."""
    return NativeHost(Pen(transport="native"))


def heard(data: bytes) -> list[NativeFrame]:
    """Return what a fresh pen makes of these bytes."""
    return NativeReader().feed(data, 0)


@pytest.mark.parametrize("name", BLOCKS)
def test_golden_frame_is_built_and_read_by_the_pen(name: str) -> None:
    """Kind, block and checksum are those of the page, both ways."""
    golden = NATIVE_FRAMES[name].lstrip(STOP_BYTE)
    body = native_body(golden)
    kind, block = body[:1], body[1:]

    assert golden == packed(kind, block)
    assert [NativeFrame(kind, block)] == heard(golden)
    assert CODECS[kind].is_intact(block, 0 if kind == b"I" else SERIAL_NUMBER)


@pytest.mark.parametrize("name", [name for name in BLOCKS if name in FRAMES])
def test_golden_block_is_that_of_the_modbus_frame(name: str) -> None:
    """The same 20, 40 or 64 bytes travel either way."""
    block = native_body(NATIVE_FRAMES[name].lstrip(STOP_BYTE))[1:]

    assert block in FRAMES[name]


def test_pen_says_who_it_is() -> None:
    """The golden question is answered by the golden identity."""
    pen = Pen(PenParameters(), transport="native")

    assert NATIVE_FRAMES["identity"] == pen.receive(NATIVE_FRAMES["identity request"], 50_000)


def test_session_goes_from_open_to_stop() -> None:
    """OPEN, ARM, START, RENEW and STOP are taken as over Modbus."""
    host = native_host()
    started = host.start(500, 1_000)
    renewed = host.renew_for(500)
    stopped = host.say(Command.STOP)

    assert [Result.DONE] * 3 == [said["result"] for said in (started, renewed, stopped)]
    assert [PenState.RUN, PenState.RUN, PenState.STOPPING] == [
        said["state"] for said in (started, renewed, stopped)
    ]


@pytest.mark.parametrize("place", range(26))
@pytest.mark.req("SR-005", "SR-013", "D08")
def test_stop_byte_stops_the_pen_wherever_it_stands(place: int) -> None:
    """Before, inside and behind a RENEW that would be taken; the frame that it cut is void."""
    host = native_host()
    host.start(500, 1_000)
    host.wait(50)
    frame = host.frame(Command.RENEW)
    answer = host.pen.receive(frame[:place] + STOP_BYTE + frame[place:], host.pen.now_us)

    assert PenState.STOPPING is host.pen.state
    assert not host.pen.bridge_is_on
    assert 0 == host.pen.firmware.session.token
    # Whole before or whole behind the stop byte, the frame itself is heard; cut, it is not.
    assert bool(answer) is (place in (0, 25))


@pytest.mark.req("SR-013")
def test_stop_byte_is_seen_in_noise_without_an_end() -> None:
    """Neither an unfinished frame nor bytes beyond any frame's length hide it."""
    host = native_host()
    host.start(500, 1_000)
    host.pen.receive(b"\x00\x17\x03" + b"\x11" * 300, host.pen.now_us)
    assert PenState.RUN is host.pen.state
    host.pen.receive(STOP_BYTE, host.pen.now_us)

    assert PenState.STOPPING is host.pen.state


@pytest.mark.req("SR-013", "HZ-08", "W08")
def test_open_from_before_a_stop_byte_is_void() -> None:
    """A stop byte draws the barrier: an OPEN that waited in a buffer comes too late."""
    host = native_host()
    host.wait(100)
    host.say(Command.POLL)
    waiting = host.frame(Command.OPEN)
    host.wait(5)
    host.pen.receive(STOP_BYTE, host.pen.now_us)
    answer = host.pen.receive(b"\x00" + waiting, host.pen.now_us)

    assert Result.STALE_TICK == host.hear(answer)["result"]


def test_stop_byte_brings_no_id_and_no_answer() -> None:
    """The last order taken stays what it was."""
    host = native_host()
    host.start(500, 1_000)
    before = host.pen.firmware.last_order

    assert b"" == host.pen.receive(STOP_BYTE * 3, host.pen.now_us)
    assert before == host.pen.firmware.last_order


@pytest.mark.parametrize("place", range(20))
@pytest.mark.req("SR-013", "D08")
def test_framed_stop_is_taken_whatever_its_crc32_says(place: int) -> None:
    """Any other byte may be wrong; then it brings no id and is not answered."""
    host = native_host()
    host.start(500, 1_000)
    before = host.pen.firmware.last_order
    order = bytearray(native_body(host.frame(Command.STOP)))
    order[1 + place] ^= 0xFF if place != 1 else 0x00
    answer = host.pen.receive(native_frame(bytes(order)), host.pen.now_us)

    assert PenState.STOPPING is host.pen.state
    assert (place == 1) is bool(answer)
    assert (place == 1) is (before != host.pen.firmware.last_order)


@pytest.mark.parametrize("size", range(2, 64))
@pytest.mark.req("SR-013")
def test_framed_stop_is_taken_whatever_its_length(size: int) -> None:
    """Two bytes of an order are enough."""
    host = native_host()
    host.start(500, 1_000)
    block = (b"\x01\x05" + bytes(62))[:size]

    assert b"" == host.pen.receive(native_frame(b"W" + block), host.pen.now_us)
    assert PenState.STOPPING is host.pen.state


@pytest.mark.parametrize(
    "body",
    [
        b"W" + bytes(20),
        b"W" + bytes(19),
        b"R" + bytes(40),
        b"I" + bytes(64),
        b"X",
        b"\xe5",
        b"\x00",
    ],
)
def test_what_the_checksum_denies_is_not_answered(body: bytes) -> None:
    """There is no exception and no result for it; nothing changes."""
    pen = Pen(transport="native")

    assert b"" == pen.receive(native_frame(body), 50_000)
    assert (0, 0) == pen.firmware.last_order


def test_order_to_another_pen_is_not_answered() -> None:
    """The serial number under the CRC-32 is another one."""
    other = NativeHost(Pen(PenParameters(serial_number=43), transport="native"))
    other.wait(100)
    frame = other.frame(Command.POLL)

    assert b"" == Pen(transport="native").receive(frame, 100_000)


@pytest.mark.parametrize("name", ["OPEN", "ARM", "START", "RENEW"])
@pytest.mark.req("SR-019", "HZ-02", "D08")
def test_order_is_never_taken_truncated_or_with_a_bit_flipped(name: str) -> None:
    """It is left as it was, or stopped, by each truncation and each of the 200 bits."""
    host = prepared(Command[name])
    good = host.frame(Command[name])
    before = state_of(host)
    flips = [
        good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :]
        for place in range(len(good))
        for bit in range(8)
    ]
    taken = 0
    for bad in [*(good[:size] + b"\x00" for size in range(len(good) - 1)), *flips]:
        victim = prepared(Command[name])
        victim.frame(Command[name])
        victim.pen.receive(bad, victim.pen.now_us)
        is_stopped = victim.pen.state in (PenState.SAFE, PenState.STOPPING)
        is_same = before == state_of(victim)
        # A delimiter that became something else leaves the frame whole: nothing was before it.
        taken += not (is_same or (is_stopped and victim.pen.firmware.session.token == 0))

    assert 0 == taken

    host.pen.receive(good, host.pen.now_us)

    assert before != state_of(host), "the undamaged order is taken"


def prepared(command: Command) -> NativeHost:
    """Return a host with a pen that would take that command."""
    host = native_host()
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
        host.wait(20)
    return host


def state_of(host: NativeHost) -> tuple[PenState, int, int, tuple[int, int]]:
    """Return everything that an order could change."""
    firmware = host.pen.firmware
    return firmware.state, firmware.session.token, firmware.lease_end_ms, firmware.last_order


def test_longest_frame_has_67_bytes() -> None:
    """One byte more is void up to the next delimiter."""
    longest = packed(b"I", b"\x01" * 64)

    assert FRAME_BYTES_MAX == len(longest) - 2
    assert 1 == len(heard(longest))
    assert [] == heard(packed(b"I", b"\x01" * 65))


@pytest.mark.parametrize(
    ("body", "stuffed"),
    [
        ("", "01"),
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 22 33 44", "05 11 22 33 44"),
        ("11 00 00 00", "02 11 01 01 01"),
    ],
)
def test_cobs_is_that_of_its_paper(body: str, stuffed: str) -> None:
    """Published pairs, both ways."""
    assert bytes.fromhex(stuffed) == stuff(bytes.fromhex(body))
    assert bytes.fromhex(body) == unstuff(bytes.fromhex(stuffed))


@pytest.mark.parametrize("data", ["", "00", "02", "03 11", "02 11 00", "05 01", "02 11 03 22"])
def test_cobs_that_leads_nowhere_is_none(data: str) -> None:
    """A code byte that points beyond the end, a zero, and nothing at all."""
    assert unstuff(bytes.fromhex(data)) is None


def test_order_of_stop_bytes_and_frames_is_kept() -> None:
    """What was said before a stop byte is heard before it."""
    frame = packed(b"W", b"\x01\x00")
    kinds = [part.kind for part in heard(frame + STOP_BYTE + frame[:5] + frame + STOP_BYTE)]

    assert [b"W", b"", b"W", b""] == kinds


def test_native_pen_hears_no_modbus() -> None:
    """Frames of the other transport are noise; only a stop byte among them counts."""
    pen = Pen(transport="native")

    assert b"" == b"".join(itertools.chain(pen.receive(frame, 50_000) for frame in FRAMES.values()))
