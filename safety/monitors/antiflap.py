"""Anti-flap: a time that rises while something is bad and falls slowly while it is good.

So a fault that comes and goes is found as well, only later, and a cause once found does not go at
the first good value. It knows no sensor.
"""

from __future__ import annotations

FALL_DIVISOR = 4
"""It falls this much slower than it rises. Source: [SAF] 1.2, PX4 failsafe."""

HOLD_MS = 250
"""Once full it is this much more than full: a cause stays for 1 s of good values. ASSUMED."""

STEP_MS_MAX = 75
"""One value stands for at most this long, one scan and one answer of profile A, so that no single
value after a gap is what lasted 100 ms. Source: [SAF] 8.3."""


def risen(level_ms: int, step_ms: int, full_ms: int) -> int:
    """Return the level after a bad value; it is full from ``full_ms`` on.

    Args:
        level_ms: Level so far, at least 0.
        step_ms: Time that the value stands for, 0 to `STEP_MS_MAX`.
        full_ms: Bad time after which the cause is active.
    """
    level_ms += step_ms
    return level_ms if level_ms < full_ms else full_ms + HOLD_MS


def fallen(level_ms: int, step_ms: int) -> int:
    """Return the level after a good value, never below 0."""
    return max(0, level_ms - step_ms // FALL_DIVISOR) if level_ms else 0
