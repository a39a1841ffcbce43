"""How often a link hears damaged frames, as rule W07 asks; decides nothing.

What follows from a noisy link is for `safety.monitors.link`, which counts for itself what a scan
tells it, with the same figures. Here they serve whoever looks at a link without a session.
"""

from __future__ import annotations

from collections import deque

FEW = 3
FEW_US = 1_000_000
"""More damaged frames than this within this time are too many. Source of these two: [SAF] 3.3
W07."""

MANY = 20
MANY_US = 600_000_000
"""More than this within this time as well. Source of these two: [SAF] 3.3 W07."""


class DamageRate:
    """When frames were damaged. Bounded: the last 21 times are kept."""

    def __init__(self) -> None:
        self._count = 0
        self._times_us: deque[int] = deque(maxlen=MANY + 1)

    def note(self, count: int, now_us: int) -> None:
        """Take in how many frames have been damaged since the link was made.

        Args:
            count: Of damaged frames; it never falls.
            now_us: The host's clock, in microseconds.
        """
        fresh = min(count - self._count, MANY + 1)
        self._times_us.extend([now_us] * fresh)
        self._count = count

    def is_high(self, now_us: int) -> bool:
        """Return whether more were damaged of late than W07 allows.

        Args:
            now_us: The host's clock, in microseconds.
        """
        return self._exceeds(FEW, FEW_US, now_us) or self._exceeds(MANY, MANY_US, now_us)

    def _exceeds(self, few: int, within_us: int, now_us: int) -> bool:
        times_us = self._times_us
        return len(times_us) > few and now_us - times_us[-few - 1] <= within_us
