"""The self-test: is everything that the pen measures at rest known and plausible; it moves nothing.

The pen's own self-test (fault 0x84) covers what only the pen can see. This one asks whether the
host would notice a fault later: a sensor that already lies at rest will not be believed in motion.
"""

from __future__ import annotations

from safety.facts import Telemetry
from safety.guards import STATUSES_NEEDED
from safety.states import PenState
from safety.units import in_mm

TIMEOUT_MS = 5_000
"""A pen that is not found good within this never will be. Source: [SAF] 3.1 H18, 5 s."""

REST_UM_MAX = 200
"""Retracted needles may be measured this far from 0. ASSUMED: the reference pen's tolerance."""

REST_MA_MAX = 100
"""A motor at rest draws no more. ASSUMED: five times the ripple of a no-load current, [DOM] 4.2."""

TEMPERATURE_MDEGC = (-10_000, 48_000)
"""Coldest store room, and the stop threshold of the body. Source: [DOM] 2.4; lower one ASSUMED."""

SUPPLY_MV = (3_300, 13_000)
"""Empty cell under load, and the highest supply of a wired pen. Source: [DOM] 4.1, 4.5."""


def implausible(seen: Telemetry) -> str:
    """Return what cannot be in a status of a pen at rest, or an empty text."""
    measured = (
        ("needle protrusion", seen.depth_um, -REST_UM_MAX, REST_UM_MAX),
        ("speed", seen.speed_dhz, 0, 0),
        ("motor current", seen.current_ma, -REST_MA_MAX, REST_MA_MAX),
        ("temperature", seen.temperature_mdegc, *TEMPERATURE_MDEGC),
        ("supply", seen.supply_mv, *SUPPLY_MV),
    )
    for name, value, low, high in measured:
        if value is None:
            return f"the {name} is not known"
        if not (low <= value <= high):
            shown = in_mm(value) if name == "needle protrusion" else str(value)
            return f"the {name} at rest is {shown}"
    return ""


def tested_after(tested: int, seen: Telemetry) -> int:
    """Return the count of checks after one more status.

    Args:
        tested: Plausible statuses in a row so far; below 0, implausible ones.
        seen: A status that was not counted yet.

    Returns:
        One more or one less than 0 or ``tested``; ``tested`` itself while the pen is not at rest.

    Rule: SR-036.
    """
    if seen.state is not PenState.SAFE or seen.is_driven:
        return tested
    if implausible(seen):
        return min(tested, 0) - 1
    return max(tested, 0) + 1


def has_failed(tested: int) -> bool:
    """Return whether enough statuses in a row were implausible."""
    return tested <= -STATUSES_NEEDED
