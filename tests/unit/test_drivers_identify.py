"""Who is there, in at most 2 s and by reading alone, whatever the line does."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

import pytest

from drivers.errors import LinkError, SilentDevice, UnsuitablePen, WrongDevice
from drivers.pen import IDENTIFY_TIMEOUT_MS_MAX, PenLink
from drivers.registers import Command
from tests.contract.scripted_pen import FRAMES, FakeClock, MemoryPort, ScriptedPen, framed

if TYPE_CHECKING:
    from collections.abc import Callable

BOUND_US = 2_000_000


def identity_with(register: int, value: int) -> bytes:
    """Return the golden identity with one other register, both checksums right."""
    body = bytearray(FRAMES["identity"][3:63])
    body[2 * register : 2 * register + 2] = value.to_bytes(2, "big")
    under = b"PENLINK1" + bytes(4) + b"I" + bytes(2) + body
    return framed(b"\x01\x03\x40" + body + zlib.crc32(under).to_bytes(4, "big"))


class Flood(MemoryPort):
    """A port that gives 1 KiB every 20 ms and never ends."""

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return noise that looks like the beginning of every reply."""
        del timeout_us, wake_fd
        self.clock.now_us += 20_000
        return b"\x01\x03\x40\x01\x17\x28" * 170

    def drain(self) -> bytes:
        """Return the same."""
        return self.read(0)


class Babble(MemoryPort):
    """A port that says "Busy" every 10 ms and never ends."""

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return a word if there is time for one."""
        del wake_fd
        self.clock.now_us += min(timeout_us, 10_000)
        return b" Busy " if timeout_us >= 10_000 else b""


def linked(
    answer: Callable[[bytes], bytes], kind: type[MemoryPort] = MemoryPort
) -> tuple[PenLink, MemoryPort, FakeClock]:
    """Return a link over a port that answers so."""
    clock = FakeClock()
    port = kind(clock, answer)
    return PenLink(port, clock, itertools.count(1).__next__), port, clock


CASES: dict[str, tuple[Callable[[bytes], bytes], type[MemoryPort], type[LinkError], str]] = {
    "silence": (lambda _: b"", MemoryPort, SilentDevice, "no answer within 1600 ms"),
    "babble": (lambda _: b"", Babble, WrongDevice, "bytes that are no answer"),
    "flood": (lambda _: b"", Flood, WrongDevice, "bytes that are no answer"),
    "garbage": (lambda _: b"\x55" * 69, MemoryPort, WrongDevice, "345 bytes that are no answer"),
    "echo": (lambda request: request, MemoryPort, WrongDevice, "40 bytes that are no answer"),
    "exception": (
        lambda request: framed(bytes([1, request[1] | 0x80, 2])),
        MemoryPort,
        WrongDevice,
        "a Modbus device that answers with exception 02",
    ),
    "other unit": (
        lambda _: framed(b"\x02" + FRAMES["identity"][1:-2]),
        MemoryPort,
        WrongDevice,
        "a frame of another unit",
    ),
    "plain Modbus": (
        lambda _: framed(b"\x01\x03\x40" + bytes(64)),
        MemoryPort,
        WrongDevice,
        "a Modbus device that is no pen",
    ),
    "version 2": (
        lambda _: identity_with(2, 0x0200),
        MemoryPort,
        WrongDevice,
        "a pen of another protocol version",
    ),
    "wrong CRC-32": (
        lambda _: framed(FRAMES["identity"][:60] + b"\x01" + FRAMES["identity"][61:-2]),
        MemoryPort,
        WrongDevice,
        "an identity whose CRC-32 is wrong",
    ),
    "no lease": (
        lambda _: identity_with(7, 0x3D),
        MemoryPort,
        UnsuitablePen,
        "this pen lacks lease, ",
    ),
    "no depth sense": (
        lambda _: identity_with(7, 0x2F),
        MemoryPort,
        UnsuitablePen,
        "this pen lacks depth sense, ",
    ),
    "neither": (
        lambda _: identity_with(7, 0),
        MemoryPort,
        UnsuitablePen,
        "this pen lacks lease and depth sense, ",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.req("SR-015", "SR-016", "HZ-25")
def test_who_is_no_pen_is_named_within_2_s_and_nothing_is_written_to_it(case: str) -> None:
    """The error says what was found; only function 03 was ever asked."""
    answer, kind, error, text = CASES[case]
    link, port, clock = linked(answer, kind)
    begun_us = clock.now_us

    with pytest.raises(error) as caught:
        link.identify(IDENTIFY_TIMEOUT_MS_MAX)

    assert text in str(caught.value)
    assert clock.now_us - begun_us <= BOUND_US
    assert {FRAMES["identity request"]} == set(port.writes)
    assert link.identity is None
    with pytest.raises(RuntimeError, match="no pen has been identified"):
        link.exchange(Command.POLL)


@pytest.mark.parametrize(
    "to_poll", [b"", framed(b"\x01\x97\x01"), b"\x00" * 45, FRAMES["status of the poll"]]
)
@pytest.mark.req("SR-015")
def test_identity_without_a_valid_status_is_no_pen(to_poll: bytes) -> None:
    """A pen must answer the first POLL too, within 2 s in all; else it is forgotten."""
    link, _, clock = linked(lambda request: FRAMES["identity"] if request[1] == 3 else to_poll)
    begun_us = clock.now_us

    with pytest.raises(WrongDevice, match="the identity of pen 42, but no valid status"):
        link.identify(IDENTIFY_TIMEOUT_MS_MAX)

    assert clock.now_us - begun_us <= BOUND_US
    assert link.identity is None
    with pytest.raises(RuntimeError, match="no pen has been identified"):
        link.exchange(Command.POLL)


@pytest.mark.req("SR-015")
def test_pen_that_is_gone_is_forgotten() -> None:
    """A failed identification leaves nothing of the one before."""
    pen = ScriptedPen()
    link, _, _ = linked(pen.answer)
    link.identify()
    pen.is_mute = True
    with pytest.raises(SilentDevice):
        link.identify(timeout_ms=40)

    assert link.identity is None
    with pytest.raises(RuntimeError, match="no pen has been identified"):
        link.exchange(Command.POLL)


def test_short_time_is_kept_to_the_microsecond() -> None:
    """Less time than one attempt takes is one attempt, and no more is written after it."""
    link, port, clock = linked(lambda _: b"")
    with pytest.raises(SilentDevice):
        link.identify(timeout_ms=40)

    assert 1_040_000 == clock.now_us
    assert 1 == len(port.writes)


def test_identity_that_comes_at_last_is_in_time() -> None:
    """Four lost requests cost 1.2 s; the fifth is answered."""
    pen = ScriptedPen()
    lost = itertools.chain([True] * 4, itertools.repeat(False))
    link, port, _ = linked(lambda request: b"" if next(lost) else pen.answer(request))

    identity = link.identify()

    assert 42 == identity.serial_number
    assert [3] * 5 + [0x17] == [frame[1] for frame in port.writes]


def test_bytes_waiting_before_the_question_are_drained() -> None:
    """What an earlier program left in the buffer answers nothing."""
    pen = ScriptedPen()
    link, port, _ = linked(pen.answer)
    port.send_later(FRAMES["status of the stop"] + b"\x01\x03\x40", 0)

    assert 42 == link.identify().serial_number


def test_second_identification_starts_afresh() -> None:
    """Another pen on the same port is learnt with its own epoch and tick."""
    pen = ScriptedPen()
    link, _, _ = linked(pen.answer)
    link.identify()
    pen.epoch, pen.tick_ms = 3, 10
    link.identify()

    assert link.exchange(Command.POLL).status is not None


@pytest.mark.parametrize("timeout_ms", [0, -1, IDENTIFY_TIMEOUT_MS_MAX + 1])
def test_time_out_of_range_is_refused(timeout_ms: int) -> None:
    """The 2 s are kept by refusing what would break them."""
    link, port, _ = linked(lambda _: b"")

    with pytest.raises(ValueError, match=f"timeout_ms = {timeout_ms}: must be from 1 to 1600"):
        link.identify(timeout_ms)

    assert [] == port.writes
