"""Over any line: nothing raises, nothing grows, and no status is paired with the wrong request."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.framing import Framing
from drivers.link import LinkCore
from drivers.native import NativeFraming
from drivers.registers import STATUS, Command, PenState
from drivers.rtu import EXCHANGE, RTU, ReplyFinder
from tests.contract.native_pen import ScriptedNativePen
from tests.contract.scripted_pen import FRAMES, SERIAL_NUMBER, ScriptedPen

RELAXED = settings(deadline=None)
"""A busy machine is no failure."""

GOLDEN = FRAMES["status of the poll"]
PIECES = st.sampled_from(
    [
        *FRAMES.values(),
        *(frame[:-1] for frame in FRAMES.values()),
        b"\x01",
        b"\x01\x17",
        b"\x01\x17\x28",
        b"\x01\x97",
    ]
)
STREAMS = st.lists(PIECES | st.binary(max_size=200), max_size=12).map(b"".join)


def waiting() -> LinkCore:
    """Return a link whose first POLL is in flight."""
    core = LinkCore(0x1234ABCD, RTU)
    core.adopt(SERIAL_NUMBER)
    core.request(Command.POLL, now_us=0)
    return core


def chunked(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Return the stream in pieces of these sizes, and the rest."""
    chunks = []
    for size in sizes:
        chunks.append(stream[:size])
        stream = stream[size:]
    return [*chunks, stream]


@RELAXED
@given(st.lists(st.binary(max_size=3_000) | STREAMS, max_size=6))
@pytest.mark.req("SR-016", "HZ-71", "W03")
def test_finder_keeps_less_than_1_kib_whatever_it_is_fed(chunks: list[bytes]) -> None:
    """Every byte is kept, thrown or part of a reply, and little is kept."""
    finder = ReplyFinder(1, EXCHANGE, STATUS.words, Counter())
    replied = 0
    for chunk in chunks:
        for reply in finder.feed(chunk):
            replied += 5 if reply.exception is not None else 45

        assert len(finder._buffer) < 45

    total = sum(len(chunk) for chunk in chunks)
    assert total == len(finder._buffer) + finder.thrown_bytes + replied


@RELAXED
@given(STREAMS, st.lists(st.integers(0, 60), max_size=20))
@pytest.mark.req("SR-016")
def test_replies_do_not_depend_on_how_the_stream_was_cut(stream: bytes, sizes: list[int]) -> None:
    """Reading in other pieces finds the same replies."""
    whole = ReplyFinder(1, EXCHANGE, STATUS.words, Counter()).feed(stream)
    finder = ReplyFinder(1, EXCHANGE, STATUS.words, Counter())

    assert whole == [reply for chunk in chunked(stream, sizes) for reply in finder.feed(chunk)]


@RELAXED
@given(st.binary(max_size=2_000))
@pytest.mark.req("SR-010", "SR-016", "HZ-71", "W04")
def test_answer_is_believed_behind_any_garbage(garbage: bytes) -> None:
    """No noise hides the good frame that follows it."""
    answer = waiting().feed(garbage + GOLDEN, 1)

    assert answer is not None
    assert answer.status is not None


class BlackChannel(RuleBasedStateMachine):
    """The line delays, repeats, reorders and loses; what is believed answers what was asked.

    The pen answers everything that it is asked, and may restart. The line hands over the newest
    answer, any older one, or one twice, whole or in halves. Whatever is believed belongs to the
    request in flight (to any STOP of a burst of STOPs), is believed once, is of the epoch that was
    identified, and has a later tick than the one before.
    """

    framing: Framing = RTU
    make_pen = ScriptedPen
    kept_bytes_max = 45

    def __init__(self) -> None:
        super().__init__()
        self.core, self.pen = LinkCore(0x1234ABCD, self.framing), self.make_pen()
        self.core.adopt(SERIAL_NUMBER)
        self.replies: list[bytes] = []
        self.wanted: set[int] = set()
        self.stopping = False
        self.last_tick_ms = 0
        self._sent(self.core.request(Command.POLL, now_us=0))
        self._heard(self.replies[0])

    def _sent(self, frame: bytes) -> None:
        self.wanted.add(self.core.sequence)
        self.replies.append(self.pen.answer(frame))

    def _heard(self, data: bytes) -> None:
        answer = self.core.feed(data, 1)
        if answer is None:
            return
        if answer.status is not None:
            assert answer.status.sequence_echo == answer.sequence
            assert answer.sequence in self.wanted
            assert 7 == answer.status.epoch
            assert answer.status.tick_ms > self.last_tick_ms
            self.last_tick_ms = answer.status.tick_ms
        self.wanted, self.stopping = set(), False

    @rule(command=st.sampled_from([Command.POLL, Command.RENEW]))
    def ask(self, command: Command) -> None:
        """Ask the next thing, once the last has ended."""
        if not self.core.is_waiting:
            self._sent(self.core.request(command, now_us=0))

    @rule()
    def give_up(self) -> None:
        """Let the request expire."""
        self.core.expire()
        self.wanted, self.stopping = set(), False

    @rule()
    def stop(self) -> None:
        """Send a STOP, the first or another one."""
        if not self.stopping:
            self.wanted, self.stopping = set(), True
        self._sent(self.core.stop(0))

    @rule()
    def restart(self) -> None:
        """Let the pen restart."""
        self.pen.epoch, self.pen.tick_ms = self.pen.epoch + 1, 0

    @rule()
    def deliver_newest(self) -> None:
        """Hand over the answer that is due."""
        self._heard(self.replies[-1])

    @rule(back=st.integers(1, 40), times=st.integers(1, 2))
    def deliver_older(self, back: int, times: int) -> None:
        """Hand over an answer that is late, once or twice."""
        self._heard(self.replies[-min(back, len(self.replies))] * times)

    @rule(noise=st.binary(max_size=50), at=st.integers(0, 45))
    def deliver_broken(self, noise: bytes, at: int) -> None:
        """Hand over the newest answer with noise in its middle."""
        self._heard(self.replies[-1][:at] + noise + self.replies[-1][at:])

    @invariant()
    def nothing_grows(self) -> None:
        """The core keeps no more than it said."""
        assert self._kept_bytes() < self.kept_bytes_max
        assert len(self.core._asked) <= 32

    def _kept_bytes(self) -> int:
        return len(self.core._finder._buffer)


class NativeBlackChannel(BlackChannel):
    """The same line with native frames on it."""

    framing = NativeFraming()
    make_pen = ScriptedNativePen
    kept_bytes_max = 69

    def _kept_bytes(self) -> int:
        return len(self.core._finder._rest)


TestBlackChannel = BlackChannel.TestCase
TestBlackChannel.pytestmark = [pytest.mark.req("SR-010", "SR-011", "HZ-37", "W01")]
TestBlackChannel.settings = settings(RELAXED, max_examples=100, stateful_step_count=40)

TestNativeBlackChannel = NativeBlackChannel.TestCase
TestNativeBlackChannel.pytestmark = TestBlackChannel.pytestmark
TestNativeBlackChannel.settings = TestBlackChannel.settings


def test_scripted_pen_starts_where_the_document_does() -> None:
    """The first answer of the pen used here is a believable status of the golden pen."""
    core, pen = LinkCore(0x1234ABCD, RTU), ScriptedPen()
    core.adopt(SERIAL_NUMBER)
    answer = core.feed(pen.answer(core.request(Command.POLL, now_us=0)), 1)
    assert answer is not None
    assert answer.status is not None

    assert PenState.SAFE is answer.status.state
