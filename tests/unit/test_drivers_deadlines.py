"""A port that babbles for ever: every operation ends by its deadline, in either framing."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from drivers.errors import DeviceError
from drivers.framing import Discard, Framing
from drivers.line import SETTLE_ROUNDS, TICK_US, Line
from drivers.native import NativeFraming
from drivers.pen import (
    ANSWER_TIMEOUT_US,
    IDENTIFY_TIMEOUT_MS_MAX,
    STOP_ATTEMPTS,
    STOP_TIMEOUT_US,
    PenLink,
)
from drivers.registers import Command
from drivers.rtu import RTU
from tests.contract.native_pen import NATIVE_FRAMES, ScriptedNativePen
from tests.contract.scripted_pen import FRAMES, FakeClock, MemoryPort, ScriptedPen

PENS: dict[str, tuple[Framing, type[ScriptedPen]]] = {
    "rtu": (RTU, ScriptedPen),
    "native": (NativeFraming(), ScriptedNativePen),
}

WORDS = {
    "zeros": b"\x00",
    "high": b"\xff",
    "stop bytes": b"\xe5",
    "text": b" Busy ",
    "heads": b"\x01\x17\x28",
    "exceptions": FRAMES["exception 02 to function 23"],
    "old statuses": FRAMES["status of the poll"],
    "old native statuses": NATIVE_FRAMES["status of the poll"],
    "open native frames": NATIVE_FRAMES["status of the poll"][1:-1],
    "every byte": bytes(range(256)),
}

READS = {"at 115,200 baud": (64, 5_500), "at 1 MB/s": (1_024, 1_000)}
"""Bytes of one read, and how long it takes, in microseconds. The second is a socket."""


class BabblingPort(MemoryPort):
    """A port that always has bytes, asked or not, before and after every answer."""

    name = "babbling"

    def babble(self, word: bytes, size: int, read_us: int) -> None:
        """Begin, and never end."""
        self.coming = itertools.cycle(word)
        self.size, self.read_us = size, read_us

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return a full read, long before the time is over."""
        del timeout_us, wake_fd
        self.clock.now_us += self.read_us
        return bytes(itertools.islice(self.coming, self.size))

    def drain(self) -> bytes:
        """Return a full read."""
        return self.read(0)


def babbled(
    kind: str, word: str, read: tuple[int, int], *, is_identified: bool
) -> tuple[PenLink, FakeClock]:
    """Return a link whose port has begun to babble; the pen behind it hears, and is not heard."""
    framing, make_pen = PENS[kind]
    clock = FakeClock()
    quiet = MemoryPort(clock, make_pen().answer)
    link = PenLink(quiet, clock, itertools.count(0x1234ABCD).__next__, framing)
    if is_identified:
        link.identify()
    port = BabblingPort(clock, lambda _: b"")
    port.babble(WORDS[word], *read)
    link._line.port = port
    return link, clock


def taken_us(clock: FakeClock, work: Callable[[], object]) -> int:
    """Return how long something took."""
    begun_us = clock.now_us
    work()
    return clock.now_us - begun_us


@pytest.fixture(params=PENS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the name of a framing."""
    return str(request.param)


@pytest.fixture(params=WORDS)
def word(request: pytest.FixtureRequest) -> str:
    """Return what the port says for ever."""
    return str(request.param)


@pytest.fixture(params=READS)
def read(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Return how much it says at once, and how long that takes."""
    return READS[request.param]


@pytest.mark.req("SR-015", "SR-016", "HZ-25")
def test_identify_ends_within_2_s(kind: str, word: str, read: tuple[int, int]) -> None:
    """With the longest time that it may be given."""
    link, clock = babbled(kind, word, read, is_identified=False)

    def identify() -> None:
        with pytest.raises(DeviceError):
            link.identify(IDENTIFY_TIMEOUT_MS_MAX)

    assert taken_us(clock, identify) <= 2_000_000


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.req("SR-010", "SR-016")
def test_exchange_ends_by_its_timeout_and_the_quiet_before(
    kind: str, word: str, read: tuple[int, int], attempts: int
) -> None:
    """No babble prolongs it, and none is believed."""
    link, clock = babbled(kind, word, read, is_identified=True)
    each_us = SETTLE_ROUNDS * TICK_US + ANSWER_TIMEOUT_US + 3 * read[1]
    seen = []

    def poll() -> None:
        seen.append(link.exchange(Command.POLL, attempts=attempts).status)

    assert taken_us(clock, poll) <= attempts * each_us
    assert [None] == seen


@pytest.mark.req("SR-013", "HZ-10")
def test_stop_goes_out_at_once_and_ends_after_its_attempts(
    kind: str, word: str, read: tuple[int, int]
) -> None:
    """17 STOPs, the first before anything is read, and no more than one read beyond 255 ms each."""
    link, clock = babbled(kind, word, read, is_identified=True)
    port = link._line.port
    seen = []

    def stop() -> None:
        seen.append(link.stop())

    assert taken_us(clock, stop) <= STOP_ATTEMPTS * (STOP_TIMEOUT_US + read[1])
    assert (STOP_ATTEMPTS, None) == (seen[0].attempts, seen[0].status)
    assert isinstance(port, BabblingPort)
    assert "write" == port.log[0][0]
    assert STOP_ATTEMPTS == len(port.writes)


@pytest.mark.parametrize("keeps_gap", [False, True])
def test_settling_ends_after_four_times_its_quiet(
    word: str, read: tuple[int, int], *, keeps_gap: bool
) -> None:
    """A line that never rests is spoken on."""
    port = BabblingPort(FakeClock(), lambda _: b"")
    port.gap_us = 1_750
    port.babble(WORDS[word], *read)
    line = Line(port, port.clock, keeps_gap=keeps_gap)
    quiet_us = 1_750 if keeps_gap else TICK_US

    assert taken_us(port.clock, line.settle) <= SETTLE_ROUNDS * quiet_us + 2 * read[1]


@pytest.mark.req("SR-016", "HZ-71", "W03")
def test_link_keeps_little_of_all_that_babble(kind: str, word: str) -> None:
    """Of 100 KiB less than 1 KiB is kept, and no more counters than there are causes."""
    link, _ = babbled(kind, word, READS["at 1 MB/s"], is_identified=True)
    for _ in range(4):
        link.exchange(Command.POLL)
    finder = link._core._finder

    assert len(getattr(finder, "_buffer", b"") or getattr(finder, "_rest", b"")) <= 1_024
    assert len(link.metrics().discards) <= len(Discard)
