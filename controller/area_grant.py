"""What came of one area of a plan, and its shape for scripts; it collects and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.plan import AreaRequest
from safety.limits import DOSE_LIMIT, Grant, Limit, Tier, strokes_allowed

HAND_MM_PER_S = 20
"""Speed at which a hand moves the pen. Source: [DOM] 4.4."""

TRACK_MM = 6
"""Width of a cartridge's track. Source: [DOM] 4.4."""


def strokes_of(patch_mm2: int, speed_dhz: int) -> int:
    """Return the strokes of one pass over a patch.

    Source: [DOM] 4.4, area / (hand speed x track width) x strokes per second, rounded up.
    """
    return -(-patch_mm2 * speed_dhz // (10 * HAND_MM_PER_S * TRACK_MM))


@dataclass(frozen=True, slots=True)
class AreaGrant:
    """What came of one area of a plan.

    Args:
        request: What was asked for.
        depth: Grant of the needle protrusion.
        speed: Grant of the speed, under the drag rule of the granted protrusion.
        passes: Grant of the passes.
        dose: Grant of the punctures per square centimetre, after all passes; None without a pen.
        needles: Of the cartridge in the pen, or 0 while no pen is known.
        depth_limit: The limit on the protrusion that binds, broken or not.
    """

    request: AreaRequest
    depth: Grant
    speed: Grant
    passes: Grant
    dose: Grant | None
    needles: int
    depth_limit: Limit

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Depth, speed, passes, and the dose where it is known."""
        known = (self.depth, self.speed, self.passes)
        return known if self.dose is None else (*known, self.dose)

    @property
    def is_granted(self) -> bool:
        """Whether the whole wish is within all limits (it may have been stepped down)."""
        return not self.refusals()

    @property
    def tier(self) -> Tier:
        """How far the wish goes: the farthest of its grants."""
        if not self.is_granted:
            return Tier.REFUSED
        is_beyond = any(one.tier is Tier.CONFIRMED for one in self.grants)
        return Tier.CONFIRMED if is_beyond else Tier.RECOMMENDED

    @property
    def strokes_per_pass(self) -> int:
        """Strokes that one pass over the patch takes at the granted speed."""
        return strokes_of(self.request.patch_mm2, self.speed.granted or self.request.speed_dhz)

    @property
    def strokes_max(self) -> int:
        """Strokes in contact that reach the dose this area may get; 0 while no pen is known.

        Without a reason that is the recommended dose, with one the dose that nothing lifts.
        """
        has_reason = bool(self.request.reason.strip())
        dose = DOSE_LIMIT.hard_high(0) if has_reason else DOSE_LIMIT.soft_high(0)
        return strokes_allowed(dose, self.request.patch_mm2, self.needles) if self.needles else 0

    @property
    def pass_ms(self) -> int:
        """Expected time of one pass in milliseconds."""
        return self.request.patch_mm2 * 1_000 // (HAND_MM_PER_S * TRACK_MM)

    @property
    def punctures_per_cm2(self) -> int:
        """Punctures per square centimetre after all passes; 0 while no cartridge is known."""
        return 0 if self.dose is None else self.dose.asked

    def refusals(self) -> tuple[str, ...]:
        """Return a sentence for everything that was not granted as a whole.

        A protrusion below the pen's step breaks no limit, but nothing is left of it.
        """
        area = self.request.area
        refused = (g for g in self.grants if not (g.is_within_limits and g.granted))
        return tuple(f"{area}: {g.explain()}" for g in refused)

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``plan check --json``; see docs/cli.md."""
        return {
            "area": self.request.area,
            "indication": self.request.indication,
            "reason": self.request.reason,
            "granted": self.is_granted,
            "tier": str(self.tier),
            "patch_mm2": self.request.patch_mm2,
            "strokes_per_pass": self.strokes_per_pass,
            "strokes_max": self.strokes_max,
            "pass_ms": self.pass_ms,
            "punctures_per_cm2": self.punctures_per_cm2,
            "depth_limit": _limit_json(self.depth_limit),
            "guard_band_um": self.depth.guard_band,
            "dose": None if self.dose is None else _grant_json(self.dose),
            "depth_um": _grant_json(self.depth),
            "speed_dhz": _grant_json(self.speed),
            "passes": _grant_json(self.passes),
        }


def _limit_json(one: Limit) -> dict[str, Any]:
    layer = one.layer.name.lower()
    soft = one.high if one.confirm_above is None else one.confirm_above
    return {
        "layer": layer,
        "low": one.low,
        "high": one.high,
        "confirm_above": soft,
        "source": one.source,
    }


def _grant_json(g: Grant) -> dict[str, Any]:
    return {
        "asked": g.asked,
        "granted": g.granted,
        "within_limits": g.is_within_limits,
        "tier": str(g.tier),
        "binding": None if g.binding is None else _limit_json(g.binding),
        "reasons": [_limit_json(one) for one in g.reasons],
        "note": g.note,
        "text": g.explain(),
    }
