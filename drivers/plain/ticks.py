"""The tick of a status: from the pen's own clock, or else from the host's; it reads neither.

With a clock in the pen an answer that is older than it looks is seen, and so is a restart. Without
one the tick only says when the host believed an answer.
"""

from __future__ import annotations

from drivers.framing import Discard

MODULUS = 1 << 32
_BACK = 1 << 31

DRIFT_US_PER_MS = 1
"""The two clocks part by at most so much. ASSUMED: ten times a pair of bad crystals."""

JUMP_MS_MAX = 200
"""A pen's clock that is ahead by more has not run on, it was set anew. Source: docs/protocol.md 6,
as `safety.monitors.signals` has it."""


class PenTicks:
    """Ticks from a clock in the pen.

    Args:
        age_ms_max: An answer that left the pen longer ago than this is not believed.
    """

    def __init__(self, age_ms_max: int) -> None:
        self._age_ms_max = age_ms_max
        self._tick_ms: int | None = None
        self._at_ms = 0
        self._lag_us = 0

    def take(self, clock_ms: int | None, now_ms: int) -> int | Discard:
        """Return the tick of a status, or why the status is not believed.

        Args:
            clock_ms: The pen's clock in it.
            now_ms: The host's clock when it came.
        """
        if clock_ms is None:
            return Discard.TICK
        if self._tick_ms is not None:
            step_ms, waited_ms = (clock_ms - self._tick_ms) % MODULUS, now_ms - self._at_ms
            # The youngest answer so far is the measure, and slowly forgotten.
            lag_us = self._lag_us + 1_000 * (waited_ms - step_ms) - DRIFT_US_PER_MS * waited_ms
            if step_ms >= _BACK or lag_us < -1_000 * (self._age_ms_max + JUMP_MS_MAX):
                return Discard.EPOCH
            if step_ms == 0:
                return Discard.TICK
            if lag_us > 1_000 * self._age_ms_max:
                return Discard.LATE
            self._lag_us = max(lag_us, 0)
        self._tick_ms, self._at_ms = clock_ms, now_ms
        return clock_ms


class HostTicks:
    """Ticks from the host's clock: one more with every status believed, at least."""

    def __init__(self) -> None:
        self._tick_ms = 0

    def take(self, _clock_ms: int | None, now_ms: int) -> int | Discard:
        """Return the tick of a status that was read just now."""
        self._tick_ms = max(self._tick_ms + 1, now_ms)
        return self._tick_ms % MODULUS
