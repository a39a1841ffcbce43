"""The oracle of the limit algebra: tries values from high to low, takes the first.

It shares no code with `safety.limits` and folds nothing: each candidate is held against each limit
by itself. A limit is a plain tuple (layer 0..6, quantity, low, high, confirm_above or None).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

LARGEST = {
    "depth_um": 65_535,
    "speed_dhz": 65_535,
    "passes": 65_535,
    "punctures_per_cm2": 1_000_000,
}
"""The quantities, and the largest integer that each can be."""

LAYERS = ("ABSOLUTE", "DEVICE", "CARTRIDGE", "INDICATION", "AREA", "PATIENT", "PRACTITIONER")
"""The layers, outermost first; a limit names one by its place."""

ABOUT_THE_PEN = (1, 2)
"""DEVICE and CARTRIDGE speak of the commanded value: no guard band is taken off."""

STROKE_UM = 3000
"""Mechanical stroke of the drag rule. Source: [DOM] 4.4."""

HAND_UM_PER_S = 50_000
"""Assumed hand speed of the drag rule. Source: [DOM] 4.4, 6 (4)."""

Limit = tuple[int, str, int, int, int | None]


class Granted(NamedTuple):
    """What must be granted.

    ``broken``: places (in the sequence given) of the limits that the wish breaks, hard or soft.
    ``deciders``: places of the limits any of which may be named as binding; empty if none decided.
    After a grant these are the broken ones with the lowest top, after a refusal all that refuse.
    ``unknown``: required layers that have not spoken.
    """

    granted: int | None
    tier: str
    broken: frozenset[int]
    deciders: frozenset[int]
    unknown: frozenset[int]


def integer(name: str, value: Any, low: int, high: int) -> int:
    """Return ``value`` if it is an integer within low..high; a boolean is none."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name}: {value!r} is no integer in {low}..{high}")
    return value


def hard_top(limit: Limit, guard_band: int) -> int:
    """Return the largest value that the limit can ever let pass; anatomy keeps the guard band."""
    layer, _, _, high, _ = limit
    return high if layer in ABOUT_THE_PEN else max(0, high - guard_band)


def soft_top(limit: Limit, guard_band: int) -> int:
    """Return the largest value that needs no reason."""
    confirm_above = limit[4]
    hard = hard_top(limit, guard_band)
    return hard if confirm_above is None else min(confirm_above, hard)


def breaks(value: int, limit: Limit, guard_band: int, reason: str) -> bool:
    """Return whether the limit forbids this value; a named reason lifts the soft part only."""
    top = hard_top(limit, guard_band) if reason.strip() else soft_top(limit, guard_band)
    return value < limit[2] or value > top


def candidates(asked: int, limits: Iterable[Limit], step: int, guard_band: int) -> list[int]:
    """Return, high to low, all that can be the answer: the wish or a bound, down on a step."""
    tops = [f(limit, guard_band) for limit in limits for f in (hard_top, soft_top)]
    fits = {value // step * step for value in (asked, *tops) if value <= asked}
    return sorted(fits, reverse=True)


def grant(
    quantity: str,
    asked: int,
    limits: Sequence[Limit],
    *,
    step: int = 1,
    required: frozenset[int] = frozenset(),
    guard_band: int = 0,
    reason: str = "",
) -> Granted:
    """Return what must be granted of ``asked``: the highest step that breaks no limit."""
    integer(quantity, asked, 0, LARGEST[quantity])
    integer("step", step, 1, LARGEST[quantity])
    integer("guard band", guard_band, 0, LARGEST[quantity])
    ours = {place: limit for place, limit in enumerate(limits) if limit[1] == quantity}
    unknown = required - {limit[0] for limit in ours.values()}
    broken = frozenset(p for p, limit in ours.items() if breaks(asked, limit, guard_band, ""))
    if unknown or not ours:
        return Granted(None, "REFUSED", broken, frozenset(), unknown)

    def breakers(value: int) -> frozenset[int]:
        return frozenset(p for p, limit in ours.items() if breaks(value, limit, guard_band, reason))

    refusers: frozenset[int] = frozenset()
    for value in candidates(asked, ours.values(), step, guard_band):
        if not breakers(value):
            softs = [soft_top(limit, guard_band) for limit in ours.values()]
            tier = "RECOMMENDED" if all(value <= soft for soft in softs) else "CONFIRMED"
            tightest = tightest_of(breakers(asked), limits, guard_band, reason)
            return Granted(value, tier, broken, tightest, unknown)
        refusers |= breakers(value)
    return Granted(None, "REFUSED", broken, refusers, unknown)


def tightest_of(
    places: frozenset[int], limits: Sequence[Limit], guard_band: int, reason: str
) -> frozenset[int]:
    """Return those of ``places`` whose limit has the lowest top."""
    top = hard_top if reason.strip() else soft_top
    tops = sorted((top(limits[place], guard_band), place) for place in places)
    return frozenset(place for value, place in tops if value == tops[0][0])


def patient_limits(
    limits: Sequence[Limit], modifiers: Sequence[tuple[int, int]] | None
) -> dict[str, tuple[int, int, int | None]]:
    """Return low, high and confirm_above of the PATIENT layer, for depth and passes.

    Args:
        limits: in any order; INDICATION and AREA count.
        modifiers: (depth_um_less, passes_less) of each; None means an unknown patient.
    """
    if modifiers is None:
        return {}
    result: dict[str, tuple[int, int, int | None]] = {}
    for column, quantity in enumerate(("depth_um", "passes")):
        anatomy = [m for m in limits if m[1] == quantity and LAYERS[m[0]] in {"INDICATION", "AREA"}]
        if anatomy:
            less = sum(modifier[column] for modifier in modifiers)
            high = max(0, min(m[3] for m in anatomy) - less)
            softs = sorted(m[4] for m in anatomy if m[4] is not None)
            result[quantity] = (0, high, min(max(0, softs[0] - less), high) if softs else None)
    return result


def in_skin_share(depth_um: int) -> float:
    """Return the share of a turn during which the tip is below the skin's surface."""
    below = min(max(depth_um / STROKE_UM, 0.0), 1.0)
    return math.acos(1 - 2 * below) / math.pi


def drag_um(depth_um: int, speed_dhz: int) -> float:
    """Return how far the hand moves while a needle is in the skin."""
    return HAND_UM_PER_S * in_skin_share(depth_um) * 10 / speed_dhz


def slowest_speed_dhz(depth_um: int, drag_um_max: int) -> tuple[int, int]:
    """Return the slowest speed allowed at this depth, as the least and the largest right answer.

    Both are the same, except where floats cannot tell, so near to an integer is the exact value.
    """
    floor = 500 if depth_um <= 500 else 800
    exact = HAND_UM_PER_S * in_skin_share(depth_um) * 10 / drag_um_max
    margin = 1e-9 * max(exact, 1.0)
    return max(floor, math.ceil(exact - margin)), max(floor, math.ceil(exact + margin))


def strokes_allowed(punctures_per_cm2: int, patch_mm2: int, needles: int) -> int:
    """Return the largest number of strokes whose punctures stay within the dose of the patch."""
    integer("needles", needles, 1, 65_535)
    return math.floor(Fraction(punctures_per_cm2) * Fraction(patch_mm2, 100) / needles)
