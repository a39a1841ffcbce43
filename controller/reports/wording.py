"""How a report writes quantities: one unit each, leading zeros, never a guess; it knows no session.

Source: the ISMP list of error-prone notations: a leading zero, a blank before the unit, no trailing
zeros on doses that somebody entered. Measured values keep two digits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

NOT_KNOWN = "not known"
"""Stands for every value that nobody measured or wrote down."""

DEPTH_UNKNOWN_UM = -0x8000
"""A depth that the pen could not measure. Source: docs/protocol.md 4."""


def mm_set(depth_um: int | None) -> str:
    """Return a depth that somebody chose, such as ``0.75 mm`` or ``1 mm``."""
    if depth_um is None or depth_um < 0:
        return NOT_KNOWN
    millimetres, rest = divmod(depth_um, 1000)
    decimals = f"{rest:03d}".rstrip("0")
    return f"{millimetres}.{decimals} mm" if decimals else f"{millimetres} mm"


def mm_measured(depth_um: int | None) -> str:
    """Return a measured depth, such as ``0.75 mm``; rounded up, so that it never reads as less."""
    if depth_um is None or depth_um == DEPTH_UNKNOWN_UM:
        return NOT_KNOWN
    hundredths = -(-depth_um // 10)
    millimetres, rest = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{millimetres}.{rest:02d} mm"


def strokes_per_s(speed_dhz: int | None) -> str:
    """Return a speed, such as ``100 strokes/s``."""
    if speed_dhz is None or speed_dhz < 0:
        return NOT_KNOWN
    whole, tenth = divmod(speed_dhz, 10)
    return f"{whole}.{tenth} strokes/s" if tenth else f"{whole} strokes/s"


def number(value: int | None) -> str:
    """Return a count with thin groups of three, such as ``12,000``."""
    return NOT_KNOWN if value is None else f"{value:,}"


def minutes(duration_ms: int) -> str:
    """Return a stretch of time, such as ``4:07``."""
    seconds = abs(duration_ms) // 1000
    return f"{'-' if duration_ms < 0 else ''}{seconds // 60}:{seconds % 60:02d}"


def in_fours(digits: str) -> str:
    """Return hexadecimal digits in groups of four, as people compare them."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def clock(at: str) -> str:
    """Return the time of day of an entry, such as ``14:03:05``."""
    return at[11:19]


def since(start: str, at: str) -> str:
    """Return the time from one entry to another, such as ``4:07``; empty if one is no time.

    Both are wall clock, which may have been set in between: the order is that of the numbers.
    """
    try:
        passed = datetime.fromisoformat(at) - datetime.fromisoformat(start)
    except (ValueError, TypeError):
        return ""
    return minutes(passed // timedelta(milliseconds=1))
