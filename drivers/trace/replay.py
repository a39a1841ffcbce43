"""A recorded pen that answers again, byte for byte; knows no frame, no port and no clock.

`Replay` is the script and its state; `ReplayPort` serves it to a link in the same process, in
virtual time. A link that is given the tokens of the trace lives through the session again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drivers.trace.format import NOTE, TO_PEN, Event
from drivers.trace.frames import Frame


@dataclass(slots=True)
class _Cue:
    """What the pen says once the host has said so many bytes.

    Args:
        due_bytes: That the host must have said since the cue before.
        answers: Time after the host's last byte, in microseconds, and bytes.
    """

    due_bytes: int
    answers: list[tuple[int, bytes]]


class Replay:
    """What a recorded pen says, and when.

    Args:
        events: Of the trace; notes are passed over.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._cues = deque(_cues(events))
        self._heard = 0

    @property
    def is_over(self) -> bool:
        """Whether the pen has said all it had to say."""
        return not self._cues

    def begin(self) -> list[tuple[int, bytes]]:
        """Return what the pen says before it is asked anything."""
        return self._said()

    def hear(self, count: int) -> list[tuple[int, bytes]]:
        """Take so many bytes of a host; return what the pen says to them, and after how long."""
        self._heard += count
        return self._said()

    def _said(self) -> list[tuple[int, bytes]]:
        said: list[tuple[int, bytes]] = []
        while self._cues and self._cues[0].due_bytes <= self._heard:
            cue = self._cues.popleft()
            self._heard -= cue.due_bytes
            said += cue.answers
        return said


def _cues(events: Iterable[Event]) -> Iterator[_Cue]:
    cue, last_us = _Cue(0, []), None
    for event in events:
        if event.direction == NOTE:
            continue
        if event.direction == TO_PEN:
            yield cue
            cue, last_us = _Cue(len(event.data), []), event.at_us
        else:
            since_us = event.at_us if last_us is None else last_us
            cue.answers.append((max(event.at_us - since_us, 0), event.data))
    yield cue


def tokens_of(frames: Iterable[Frame]) -> list[int]:
    """Return the session tokens of a trace in the order in which the host began to use them."""
    found: dict[int, None] = {}
    for frame in frames:
        token = frame.fields.get("token")
        if frame.kind == "order" and not frame.defect and isinstance(token, int):
            found[token] = None
    return list(found)


class ReplayPort:
    """A `drivers.port.Port` whose far end is a recorded pen, in virtual time.

    Args:
        events: Of the trace.
        now_us: Reads the clock that the host uses.
        wait_until: Lets it go on.
    """

    name = "replay"
    gap_us = 0

    def __init__(
        self,
        events: Iterable[Event],
        now_us: Callable[[], int],
        wait_until: Callable[[int], None],
    ) -> None:
        self._replay = Replay(events)
        self._now_us = now_us
        self._wait_until = wait_until
        self._coming: deque[tuple[int, bytes]] = deque()
        self._come(self._replay.begin())

    def write(self, data: bytes) -> None:
        """Take the host's bytes; what the pen says to them comes after the recorded time."""
        self._come(self._replay.hear(len(data)))

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return what comes within that time, and let the time go by. There is no wake."""
        del wake_fd
        until_us = self._now_us() + timeout_us
        if self._coming and self._coming[0][0] <= until_us:
            self._wait_until(max(self._coming[0][0], self._now_us()))
            return self._coming.popleft()[1]
        self._wait_until(until_us)
        return b""

    def drain(self) -> bytes:
        """Return what has come."""
        found = b""
        while self._coming and self._coming[0][0] <= self._now_us():
            found += self._coming.popleft()[1]
        return found

    def close(self) -> None:
        """Nothing is held."""

    def _come(self, said: list[tuple[int, bytes]]) -> None:
        now_us = self._now_us()
        self._coming.extend((now_us + after_us, data) for after_us, data in said)
