"""The port that the contract of drivers is tested on: a line in memory, with what lines do.

It carries bytes between a driver and a pen, in a time that only goes on when the driver waits, and
knows what neither of them means.
"""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from random import Random
from typing import Protocol

from drivers.errors import LinkLost
from drivers.registers import Command

TRAVEL_US = 300
"""How long an answer takes. ASSUMED: a pty or a USB bridge."""

BABBLE_US = 400
"""A babbling line brings 16 bytes this often."""


class PenControl(Protocol):
    """A pen for tests, and what only its maker can tell of its frames."""

    @property
    def executed(self) -> Sequence[Command]:
        """Every order that the pen has executed so far, in their order."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether its motor is driven."""
        ...

    def answer(self, frame: bytes, now_us: int) -> bytes:
        """Take what was written at that time; return what comes back, empty if nothing does."""
        ...

    def is_stop(self, frame: bytes) -> bool:
        """Return whether this frame is a STOP."""
        ...

    def is_read(self, frame: bytes) -> bool:
        """Return whether this frame only reads, from whatever device."""
        ...


class ContractPort:
    """A port in memory.

    Args:
        pen: At the other end.

    Everything may be set at any time: `is_mute` loses what the pen says, `is_cut` what it is told,
    `lost_stops` so many STOPs; `is_looped` sends back what is written; `is_babbling` never falls
    silent; `flipped_bit` damages each answer; `is_one_behind` gives each answer in the place of the
    next; `delay_us` makes answers slow; `has_hung_up` ends it all.
    """

    name = "contract"
    gap_us = 0

    def __init__(self, pen: PenControl) -> None:
        self.now_us = 1_000_000
        self.written: list[bytes] = []
        self.written_us: list[int] = []
        self.is_mute = self.is_cut = self.is_looped = self.is_babbling = False
        self.is_one_behind = self.has_hung_up = self.is_closed = False
        self.lost_stops = 0
        self.flipped_bit: int | None = None
        self.delay_us: int | None = None
        self._pen = pen
        self._held = b""
        self._coming: list[tuple[int, bytes]] = []
        self._wake: tuple[int, int] | None = None
        self._noise = Random(7)  # noqa: S311 - the same babble in every run

    def clock_us(self) -> int:
        """Return the time."""
        return self.now_us

    def wake_at(self, fd: int, at_us: int) -> None:
        """Let somebody want a STOP at that time, while the driver waits."""
        self._wake = (fd, at_us)

    def write(self, data: bytes) -> None:
        """See `drivers.port.Port.write`."""
        self._check()
        self.written.append(data)
        self.written_us.append(self.now_us)
        answer = data if self.is_looped else self._answer(data)
        if answer:
            delay_us = TRAVEL_US if self.delay_us is None else self.delay_us
            self._coming.append((self.now_us + delay_us, answer))

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `drivers.port.Port.read`."""
        self._check()
        if wake_fd is not None and select.select([wake_fd], [], [], 0)[0]:
            return b""
        until_us = self.now_us + max(timeout_us, 0)
        if self.is_babbling:
            self.now_us = min(self.now_us + BABBLE_US, until_us)
            return self._noise.randbytes(16)
        due_us = min((due for due, _ in self._coming), default=until_us + 1)
        if self._wake is not None and self._wake[1] <= min(until_us, due_us):
            fd, self.now_us = self._wake[0], max(self.now_us, self._wake[1])
            self._wake = None
            os.write(fd, b"s")
            return b""
        self.now_us = max(self.now_us, min(due_us, until_us))
        return self.drain()

    def drain(self) -> bytes:
        """See `drivers.port.Port.drain`."""
        self._check()
        here = [data for due_us, data in self._coming if due_us <= self.now_us]
        self._coming = [one for one in self._coming if one[0] > self.now_us]
        return b"".join(here)

    def close(self) -> None:
        """See `drivers.port.Port.close`."""
        self.is_closed = True

    def _check(self) -> None:
        if self.has_hung_up:
            raise LinkLost(self.name, "the far end has hung up")

    def _answer(self, data: bytes) -> bytes:
        if self.is_cut or (self.lost_stops > 0 and self._pen.is_stop(data)):
            self.lost_stops -= not self.is_cut
            return b""
        answer = self._pen.answer(data, self.now_us)
        if self.is_one_behind:
            answer, self._held = self._held, answer
        if self.is_mute or not answer:
            return b""
        if self.flipped_bit is None:
            return answer
        place, bit = divmod(self.flipped_bit % (8 * len(answer)), 8)
        return answer[:place] + bytes((answer[place] ^ 1 << bit,)) + answer[place + 1 :]
