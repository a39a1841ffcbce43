"""One request after the other on a line without transaction numbers; it knows no pen.

An answer of plain Modbus does not say what it answers. It is believed only if nothing but noise
was heard beside it. After anything else, and after every silence, the line is doubtful: nothing is
asked before it has been quiet for longer than the device may take to answer, so that no late answer
is left that could be taken for that of another request. What was written is never written again
here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from drivers.framing import Discard
from drivers.line import TICK_US
from drivers.plain.frames import EXCEPTION_BYTES, Answer, AnswerFinder, Request
from drivers.port import Port, is_readable

MARGIN_US = 2_000
"""Quiet beyond the device's latency before a doubtful line is spoken on. ASSUMED: a scheduler."""

DRAIN_ROUNDS = 4
"""A line that is not quiet within so many times the quiet it needs is left alone. ASSUMED."""


@dataclass(slots=True)
class Heard:
    """What came of a request.

    Args:
        answer: What is believed, or None: nobody knows what became of the request.
        was_sent: Whether it was written at all.
    """

    answer: Answer | None
    was_sent: bool


class Bus:
    """A port, the doubt about it, and what was heard and not believed.

    Args:
        port: Where bytes go and come from.
        clock_us: The host's monotonic clock, in microseconds.
        latency_us: The device answers within this, or never.
    """

    def __init__(self, port: Port, clock_us: Callable[[], int], latency_us: int) -> None:
        self.port = port
        self.discards: Counter[Discard] = Counter()
        self.noise_bytes = 0
        self.heard_bytes = 0
        self.is_doubtful = True
        self.clock_us = clock_us
        self.patience_us = latency_us + MARGIN_US
        self._spoken_us = self.clock_us() - self.patience_us
        self._heard_us = self._spoken_us

    def clear(self, until_us: int, wake_fd: int | None = None) -> bool:
        """Wait until the line may be spoken on, at most until then.

        Returns:
            Whether it may. If not, somebody babbles, or the wake came.
        """
        self._take(self.port.drain())
        until_us = min(until_us, self.clock_us() + DRAIN_ROUNDS * self.patience_us)
        while not is_readable(wake_fd):
            now_us, due_us = self.clock_us(), self._quiet_us()
            if now_us >= due_us:
                self.is_doubtful = False
                return True
            if now_us >= until_us:
                return False
            self._take(self.port.read(min(due_us, until_us) - now_us, wake_fd))
        return False

    def ask(self, request: Request, until_us: int, wake_fd: int | None = None) -> Heard:
        """Write a request once the line is clear, and wait for its answer at most until then.

        Raises:
            LinkLost: If the port goes away.
        """
        if not self.clear(until_us, wake_fd) or self.clock_us() >= until_us:
            return Heard(None, was_sent=False)
        self._say(request)
        finder = AnswerFinder(request, self.discards)
        while (now_us := self.clock_us()) < until_us and not is_readable(wake_fd):
            data = self.port.read(until_us - now_us, wake_fd)
            if data:
                self._heard_us = self.clock_us()
            self.heard_bytes += len(data)
            answer = finder.feed(data)
            if finder.has_stranger:
                break
            if answer is not None:
                self.noise_bytes += finder.heard_bytes - _size_of(answer, request)
                # An exception names no register: the answer to this request may still come.
                self.is_doubtful = finder.heard_bytes != request.size
                return Heard(answer, was_sent=True)
        self.noise_bytes += finder.heard_bytes
        self.is_doubtful = True
        return Heard(None, was_sent=True)

    def insist(self, request: Request, until_us: int) -> bool:
        """Write a request at once, whatever the line is doing; return whether its echo came.

        Late answers of others do not matter here: what is written is to be said again anyway. The
        line stays doubtful, unless the echo is all that was heard on a line that was clear.
        """
        was_doubtful = self.is_doubtful
        self._say(request)
        others: Counter[Discard] = Counter()
        finder = AnswerFinder(request, others)
        answer: Answer | None = None
        while (answer is None or answer.exception) and (now_us := self.clock_us()) < until_us:
            data = self.port.read(until_us - now_us)
            self._heard_us = self.clock_us() if data else self._heard_us
            self.heard_bytes += len(data)
            answer = finder.feed(data)
        if others.total():
            self.discards[Discard.LATE] += others.total()
        if answer is None or answer.exception:
            return False
        self.is_doubtful = was_doubtful or finder.heard_bytes != request.size
        return True

    def distrust(self, cause: Discard) -> None:
        """Count an answer that was right in form and is not believed; the line is out of step."""
        self.discards[cause] += 1
        self.is_doubtful = True

    def _say(self, request: Request) -> None:
        self.port.write(request.frame)
        self._spoken_us = self.clock_us()
        self.is_doubtful = True

    def _quiet_us(self) -> int:
        """Return when the line will have been quiet for as long as it must."""
        if self.is_doubtful:
            return max(self._spoken_us, self._heard_us) + self.patience_us
        return self._heard_us + max(self.port.gap_us, TICK_US)

    def _take(self, data: bytes) -> None:
        """Take in what nobody asked for."""
        if data:
            self._heard_us = self.clock_us()
            self.noise_bytes += len(data)
            self.heard_bytes += len(data)
            self.discards[Discard.LATE] += 1
            self.is_doubtful = True


def _size_of(answer: Answer, request: Request) -> int:
    return request.size if answer.exception is None else EXCEPTION_BYTES
