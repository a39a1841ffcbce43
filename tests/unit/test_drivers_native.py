"""Native frames out, and replies found between delimiters; the host's half of protocol.md 10."""

from __future__ import annotations

import tomllib
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from drivers import cobs
from drivers.driver import Setup
from drivers.errors import BadAddress, UnsuitablePen, WrongDevice
from drivers.framing import Discard, Reply
from drivers.link import LinkCore
from drivers.native import NativeFinder, NativeFraming, frame, open_native, unframe
from drivers.pen import PenLink
from drivers.registers import IDENTITY, STATUS, Command
from drivers.rtu import RTU
from tests.contract.native_pen import NATIVE_FRAMES, ScriptedNativePen, native_frame
from tests.contract.scripted_pen import FRAMES, SERIAL_NUMBER, FakeClock, MemoryPort

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
STATUS_FRAME = NATIVE_FRAMES["status of the poll"]
REGISTERS = tuple(
    int.from_bytes(FRAMES["status of the poll"][at : at + 2], "big") for at in range(3, 43, 2)
)
STATUSES = [name for name in NATIVE_FRAMES if name.startswith(("status", "refused"))]
TOKEN = 0x1234ABCD


@pytest.fixture
def discards() -> Counter[Discard]:
    """Return the causes counted."""
    return Counter()


@pytest.fixture
def finder(discards: Counter[Discard]) -> NativeFinder:
    """Return a finder of statuses."""
    return NativeFinder(STATUS, discards)


def waiting(request: str = "poll") -> LinkCore:
    """Return a link to the golden pen with a request of section 8 in flight."""
    core = LinkCore(TOKEN, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    if request == "poll":
        core.request(Command.POLL, now_us=0)
    else:
        core.sequence, core.tick_ms, core.epoch = 259, 90_055, 7
        core.stop(0)
    return core


@pytest.mark.parametrize("name", NATIVE_FRAMES)
def test_golden_frame_stands_on_the_page(name: str) -> None:
    """The frames of tests/data are those of docs/protocol.md."""
    page = " ".join(PAGE.read_text(encoding="utf-8").split())

    assert NATIVE_FRAMES[name].hex(" ").upper() in page


def test_there_is_a_native_frame_for_every_frame_that_it_can_carry() -> None:
    """All but function 06 and the exception, and one that is full of stop bytes."""
    data = Path(__file__).parents[1] / "data" / "frames.toml"
    names = {entry["name"] for entry in tomllib.loads(data.read_text(encoding="utf-8"))["frame"]}

    assert names ^ set(NATIVE_FRAMES) == {
        "stop by function 06",
        "exception 02 to function 23",
        "poll full of stop bytes",
    }


def test_first_requests_are_the_golden_frames() -> None:
    """The question who is there, POLL, and OPEN with the tick of the POLL's status."""
    core = LinkCore(TOKEN, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    poll = core.request(Command.POLL, now_us=0)
    answer = core.feed(STATUS_FRAME, 300)
    opening = core.request(Command.OPEN, now_us=400)

    assert NATIVE_FRAMES["identity request"] == NativeFraming().identity_request()
    assert NATIVE_FRAMES["poll"] == poll
    assert NATIVE_FRAMES["open"] == opening
    assert answer is not None
    assert answer.status is not None


def test_later_requests_are_the_golden_frames() -> None:
    """START, RENEW, and STOP with its stop bytes."""
    core = LinkCore(TOKEN, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    core.sequence, core.tick_ms, core.epoch = 257, 90_000, 7
    start = core.request(Command.START, depth_um=750, speed_dhz=1_000, now_us=0)
    core.feed(NATIVE_FRAMES["status of the start"], 1)
    renew = core.request(Command.RENEW, depth_um=750, speed_dhz=1_000, now_us=2)
    core.tick_ms = 90_055
    stop = core.stop(3)
    answer = core.feed(NATIVE_FRAMES["status of the stop"], 4)
    assert answer is not None
    assert answer.status is not None

    assert [NATIVE_FRAMES[name] for name in ("start", "renew", "stop")] == [start, renew, stop]
    assert answer.status.is_stopped


def test_order_full_of_stop_bytes_is_the_golden_frame() -> None:
    """Token 0xE500E5E5, sequence 229, tick echo 58,624: no stop byte is left on the wire."""
    core = LinkCore(0xE500E5E5, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    core.sequence, core.tick_ms, core.epoch = 228, 58_624, 7

    assert NATIVE_FRAMES["poll full of stop bytes"] == core.request(Command.POLL, now_us=0)


def test_identity_reply_is_found(discards: Counter[Discard]) -> None:
    """The golden identity is one reply of 32 registers."""
    replies = NativeFinder(IDENTITY, discards).feed(NATIVE_FRAMES["identity"])

    assert [32] == [len(reply.registers) for reply in replies]
    assert not discards


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x00",
        b"\x00\x00\x00",
        b"\xe5",
        b"\xff" * 3_000,
        b" Busy " * 400,
        bytes(range(256)) * 5,
        STATUS_FRAME[:-1],
        STATUS_FRAME[1:-1],
        FRAMES["status of the poll"],
    ],
)
@pytest.mark.req("SR-016", "W04")
def test_reply_is_found_behind_any_noise(finder: NativeFinder, noise: bytes) -> None:
    """The delimiter before a frame ends whatever came, so that noise costs no frame."""
    early = finder.feed(noise)
    found = finder.feed(STATUS_FRAME)

    assert Reply(REGISTERS) == found[-1]
    assert len(noise.replace(b"\0", b"")) == finder.thrown_bytes + 43 * len(early + found[:-1])


def test_reply_is_found_byte_by_byte(finder: NativeFinder) -> None:
    """A reply in 45 pieces is one reply."""
    found = [reply for byte in STATUS_FRAME for reply in finder.feed(bytes([byte]))]

    assert [Reply(REGISTERS)] == found


def test_two_replies_in_one_read_are_both_found(finder: NativeFinder) -> None:
    """Nothing behind the first frame is lost, with two delimiters between them or one."""
    assert [Reply(REGISTERS)] * 2 == finder.feed(STATUS_FRAME * 2)
    assert [Reply(REGISTERS)] * 2 == finder.feed(STATUS_FRAME + STATUS_FRAME[1:])
    assert 0 == finder.thrown_bytes


@pytest.mark.parametrize(
    ("heard", "cause"),
    [
        (NATIVE_FRAMES["identity"], Discard.FUNCTION),
        (NATIVE_FRAMES["identity request"], Discard.FUNCTION),
        (NATIVE_FRAMES["poll"], Discard.FUNCTION),
        (native_frame(b"R" + bytes(38)), Discard.LENGTH),
        (native_frame(b"R"), Discard.LENGTH),
        (b"\x00\x05\x01\x00", Discard.FRAME),
        (STATUS_FRAME[:20] + b"\xe5" + STATUS_FRAME[21:], Discard.FRAME),
        (STATUS_FRAME[:20] + STATUS_FRAME[21:], Discard.FRAME),
        (b"U" * 512, Discard.NOISE),
    ],
)
@pytest.mark.req("SR-010")
def test_what_is_no_reply_is_named(
    finder: NativeFinder, discards: Counter[Discard], heard: bytes, cause: Discard
) -> None:
    """An echo of our own request and other kinds and lengths are told from what is no frame."""
    assert [] == finder.feed(heard)
    assert {cause: 1} == discards
    assert [Reply(REGISTERS)] == finder.feed(STATUS_FRAME)


@pytest.mark.parametrize(
    ("alter", "cause"),
    [
        (lambda block: bytes([block[0] ^ 2]) + block[1:], Discard.CRC32),
        (lambda block: block[:-1] + bytes([block[-1] ^ 1]), Discard.CRC32),
    ],
)
@pytest.mark.req("SR-010", "W01")
def test_reply_with_a_wrong_crc32_is_not_believed(alter: object, cause: Discard) -> None:
    """The block's own checksum is the only one, and it is enough."""
    core = waiting()
    block = FRAMES["status of the poll"][3:-2]

    assert core.feed(native_frame(b"R" + alter(block)), 1) is None
    assert {cause: 1} == core.discards


@pytest.mark.parametrize("request_name", ["poll", "stop"])
@pytest.mark.req("SR-010", "SR-016", "W01")
def test_status_with_one_or_two_wrong_bits_is_never_believed(request_name: str) -> None:
    """Each of the 344 bits between the delimiters matters, and so does each of 58,996 pairs."""
    good = NATIVE_FRAMES[f"status of the {request_name}"]
    core = waiting(request_name)
    bits = range(8, 8 * (len(good) - 1))
    for first, second in [*combinations(bits, 2), *((bit, bit) for bit in bits)]:
        flipped = bytearray(good)
        flipped[first // 8] ^= 1 << first % 8
        if second != first:
            flipped[second // 8] ^= 1 << second % 8

        assert core.feed(bytes(flipped), 1) is None

    assert core.feed(good, 1) is not None


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.req("SR-016")
def test_truncated_status_is_never_found(finder: NativeFinder, name: str) -> None:
    """No beginning and no end of a reply is a reply; without its last delimiter it is not over."""
    good = NATIVE_FRAMES[name]
    for size in range(len(good) - 1):
        assert [] == finder.feed(b"\x00" + good[:size] + b"\x00")
        assert [] == finder.feed(b"\x00" + good[-size:] + b"\x00" if 0 < size < 44 else b"")

    assert [] == finder.feed(good[:-1])


@pytest.mark.req("SR-013", "W08")
def test_nothing_older_is_accepted_after_stop() -> None:
    """The abandoned request's answer is late, and so is a replay of any other."""
    core = LinkCore(TOKEN, NativeFraming())
    core.adopt(SERIAL_NUMBER)
    pen = ScriptedNativePen()
    first = pen.answer(core.request(Command.POLL, now_us=0))
    core.feed(first, 1)
    abandoned = pen.answer(core.request(Command.OPEN, now_us=2))
    stopping = pen.answer(core.stop(3))

    assert core.feed(abandoned + first + abandoned, 4) is None
    assert {Discard.LATE: 3} == core.discards

    answer = core.feed(stopping, 5)

    assert answer is not None
    assert Command.STOP is answer.command
    assert core.feed(stopping + abandoned, 6) is None


def test_no_gap_is_kept_on_native_frames() -> None:
    """Delimiters separate frames: only the pen's tick is waited for, whatever the port says."""
    clock = FakeClock()
    port = MemoryPort(clock, ScriptedNativePen().answer)
    port.gap_us = 1_750
    link = PenLink(port, clock, iter([1]).__next__, NativeFraming())
    link.identify()
    heard_us = clock.now_us
    link.exchange(Command.POLL)

    assert 1_100 + 200 == clock.now_us - heard_us


@pytest.mark.parametrize(
    ("identity", "error", "text"),
    [
        (b"I" + bytes(64), WrongDevice, "a device on native frames that is no pen"),
        (
            b"I" + FRAMES["identity"][3:-3] + b"\x00",
            WrongDevice,
            "an identity whose CRC-32 is wrong",
        ),
    ],
)
@pytest.mark.req("SR-015", "HZ-25")
def test_who_is_no_pen_is_named_and_never_written_to(
    identity: bytes, error: type[UnsuitablePen | WrongDevice], text: str
) -> None:
    """Only the question was asked."""
    clock = FakeClock()
    port = MemoryPort(clock, lambda _: native_frame(identity))
    link = PenLink(port, clock, iter([1]).__next__, NativeFraming())

    with pytest.raises(error, match=text):
        link.identify()

    assert {NATIVE_FRAMES["identity request"]} == set(port.writes)


@pytest.mark.req("SR-015")
@pytest.mark.parametrize("is_native", [False, True])
def test_pen_in_the_other_framing_is_no_pen_and_nothing_is_written_to_it(
    *, is_native: bool
) -> None:
    """A pen asked in frames that it does not know is not heard as one."""
    clock = FakeClock()
    port = MemoryPort(
        clock, lambda _: FRAMES["identity"] if is_native else NATIVE_FRAMES["identity"]
    )
    framing = NativeFraming() if is_native else RTU
    link = PenLink(port, clock, iter([1]).__next__, framing)

    with pytest.raises(WrongDevice):
        link.identify()

    assert {framing.identity_request()} == set(port.writes)


def test_native_driver_opens_without_an_argument() -> None:
    """The driver is PenLink over native frames; nothing is written by opening it."""
    clock = FakeClock()
    port = MemoryPort(clock, ScriptedNativePen().answer)
    link = open_native(Setup(port, "", clock, iter([1]).__next__))

    assert [] == port.writes
    assert 42 == link.identify().serial_number


def test_native_driver_refuses_an_argument() -> None:
    """There is no unit id on a line with one pen."""
    clock = FakeClock()
    setup = Setup(MemoryPort(clock, lambda _: b""), "7", clock, iter([1]).__next__)

    with pytest.raises(BadAddress, match="argument = '7': native frames have none"):
        open_native(setup)


def test_body_too_long_for_short_cobs_is_refused() -> None:
    """The code byte 0xFF never occurs, because longer bodies are refused."""
    assert 254 == len(cobs.encode(b"\x01" * 253))
    with pytest.raises(ValueError, match="254 bytes: must be at most 253"):
        cobs.encode(b"\x01" * 254)


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ("", "01"),
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 22 33 44", "05 11 22 33 44"),
        ("11 00 00 00", "02 11 01 01 01"),
    ],
)
def test_cobs_is_that_of_its_paper(body: str, encoded: str) -> None:
    """Published pairs, both ways."""
    assert bytes.fromhex(encoded) == cobs.encode(bytes.fromhex(body))
    assert bytes.fromhex(body) == cobs.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("data", ["", "00", "02", "03 11", "02 11 00", "05 01", "02 11 03 22"])
def test_cobs_that_leads_nowhere_is_none(data: str) -> None:
    """A code byte that points beyond the end, a zero, and nothing at all."""
    assert cobs.decode(bytes.fromhex(data)) is None


def test_frame_longer_than_any_is_none() -> None:
    """What no kind of frame can be is not taken apart."""
    assert bytes(65) == unframe(frame(bytes(65)).strip(b"\0"))
    assert unframe(frame(bytes(66)).strip(b"\0")) is None
