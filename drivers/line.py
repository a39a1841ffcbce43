"""A port with a sense of time: deadlines, and quiet before speech; knows no frame.

The clock is handed in, so that a port of a simulation may bring its own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.port import is_readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.port import Port

TICK_US = 1_100
"""Quiet before every request but STOP. A status is believed only with a later tick than the last
one (docs/protocol.md 7), and a tick is 1 ms of the pen's clock; 10 % more for the two clocks
(ASSUMED)."""

SETTLE_ROUNDS = 4
"""A line that is not quiet within so many times the quiet that it needs is spoken on anyway.
ASSUMED: a babbling line must not keep a pen from its host for ever."""


class Line:
    """One port and the time at which it was last heard.

    Args:
        port: Where bytes go and come from.
        clock_us: The host's monotonic clock, in microseconds.
        keeps_gap: Whether the port's gap is kept before speech.
    """

    def __init__(self, port: Port, clock_us: Callable[[], int], *, keeps_gap: bool = True) -> None:
        self.port = port
        self.clock_us = clock_us
        self._keeps_gap = keeps_gap
        self._heard_us: int | None = None

    def listen(self, until_us: int, wake_fd: int | None = None) -> bytes:
        """Return bytes as soon as there are any; empty at that time, or when the wake came."""
        left_us = until_us - self.clock_us()
        return self._noted(self.port.read(left_us, wake_fd)) if left_us > 0 else b""

    def settle(self, wake_fd: int | None = None) -> bytes:
        """Wait until the line has been quiet for long enough to ask something new.

        Returns:
            What was heard meanwhile; it answers nothing that is still wanted.
        """
        quiet_us = max(self.port.gap_us, TICK_US) if self._keeps_gap else TICK_US
        heard = self._noted(self.port.drain())
        limit_us = self.clock_us() + SETTLE_ROUNDS * quiet_us
        while self._heard_us is not None and not is_readable(wake_fd):
            until_us = min(self._heard_us + quiet_us, limit_us)
            if self.clock_us() >= until_us:
                break
            heard += self.listen(until_us, wake_fd)
        return heard

    def _noted(self, data: bytes) -> bytes:
        if data:
            self._heard_us = self.clock_us()
        return data
