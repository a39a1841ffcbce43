"""The only clock of the control process; it crashes rather than going back."""

from __future__ import annotations

import select
import time
from typing import Protocol

from safety.errors import InvariantBroken


class Clock(Protocol):
    """What the scan needs of a clock. Tests and the deterministic world bring their own."""

    def now_us(self) -> int:
        """Return microseconds since any fixed moment; never less than before."""

    def wait_until(self, at_us: int, wake_fd: int | None) -> None:
        """Return at that moment, or as soon as ``wake_fd`` becomes readable."""


class MonotonicClock:
    """The monotonic clock of this machine. Rule: no wall clock in any decision."""

    def __init__(self) -> None:
        """Start at the machine's own monotonic reading."""
        self._last_us = 0

    def now_us(self) -> int:
        """Return the reading.

        Raises:
            InvariantBroken: If it went back.
        """
        now_us = time.monotonic_ns() // 1_000
        if not (now_us >= self._last_us):
            raise InvariantBroken(f"the monotonic clock went from {self._last_us} to {now_us} us")
        self._last_us = now_us
        return now_us

    def wait_until(self, at_us: int, wake_fd: int | None) -> None:
        """Sleep until that moment, or until ``wake_fd`` is readable."""
        remaining_s = max(0, at_us - self.now_us()) / 1_000_000
        select.select([wake_fd] if wake_fd is not None else [], [], [], remaining_s)
