"""From a plan to what is granted: joins plan, profile and pen through the limit algebra.

It collects limits and lets `safety.limits.grant` decide; it decides nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.errors import PlanError, RefusedError
from controller.plan import AreaRequest, Plan
from controller.profile import AreaProfile, Profile
from drivers.block import Identity
from safety.errors import QuantityError
from safety.ledger import AreaPlan
from safety.limits import Grant, Layer, Limit, Quantity, absolute_limits, grant

HAND_MM_PER_S = 20
"""Speed at which a hand moves the pen. Source: [DOM] 4.4."""

TRACK_MM = 6
"""Width of a cartridge's track. Source: [DOM] 4.4."""

STROKES_MAX = 1_000_000
"""More strokes than this in one pass are a slip in the plan. ASSUMED: 500 s take 75,000."""

_WITH_PEN = frozenset({Layer.ABSOLUTE, Layer.DEVICE, Layer.CARTRIDGE, Layer.AREA})
_WITHOUT_PEN = frozenset({Layer.ABSOLUTE, Layer.AREA})


@dataclass(frozen=True, slots=True)
class AreaGrant:
    """What came of one area of a plan.

    Args:
        request: What was asked for.
        depth: Grant of the needle protrusion.
        speed: Grant of the speed, under the drag rule of the granted protrusion.
        passes: Grant of the passes.
        needles: Of the cartridge in the pen, or 0 while no pen is known.
        depth_limit: The tightest limit on the protrusion, broken or not.
    """

    request: AreaRequest
    depth: Grant
    speed: Grant
    passes: Grant
    needles: int
    depth_limit: Limit

    @property
    def grants(self) -> tuple[Grant, Grant, Grant]:
        """Depth, speed and passes."""
        return self.depth, self.speed, self.passes

    @property
    def is_granted(self) -> bool:
        """Whether the whole wish is within all limits (it may have been stepped down)."""
        return not self.refusals()

    @property
    def strokes_per_pass(self) -> int:
        """Strokes that one pass over the patch takes at the granted speed.

        Source: [DOM] 4.4, area / (hand speed x track width) x strokes per second, rounded up.
        """
        speed_dhz = self.speed.granted or self.request.speed_dhz
        return -(-self.request.patch_mm2 * speed_dhz // (10 * HAND_MM_PER_S * TRACK_MM))

    @property
    def pass_ms(self) -> int:
        """Expected time of one pass in milliseconds."""
        return self.request.patch_mm2 * 1_000 // (HAND_MM_PER_S * TRACK_MM)

    @property
    def punctures_per_cm2(self) -> int:
        """Punctures per square centimetre after all passes; 0 while no cartridge is known."""
        passes = self.passes.granted or 0
        return self.needles * self.strokes_per_pass * passes * 100 // self.request.patch_mm2

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
            "granted": self.is_granted,
            "patch_mm2": self.request.patch_mm2,
            "strokes_per_pass": self.strokes_per_pass,
            "pass_ms": self.pass_ms,
            "punctures_per_cm2": self.punctures_per_cm2,
            "depth_limit": _limit_json(self.depth_limit),
            **{str(g.quantity): _grant_json(g) for g in self.grants},
        }


def _limit_json(one: Limit) -> dict[str, Any]:
    layer = one.layer.name.lower()
    return {"layer": layer, "low": one.low, "high": one.high, "source": one.source}


def _grant_json(g: Grant) -> dict[str, Any]:
    return {
        "asked": g.asked,
        "granted": g.granted,
        "within_limits": g.is_within_limits,
        "binding": None if g.binding is None else _limit_json(g.binding),
        "reasons": [_limit_json(one) for one in g.reasons],
        "note": g.note,
    }


def pen_limits(pen: Identity) -> tuple[Limit, ...]:
    """Return what the pen and its cartridge allow, as they said themselves."""
    serial = f"pen {pen.serial_number}"
    needle = f"cartridge 0x{pen.cartridge_uid:08X}"
    return (
        Limit(Layer.DEVICE, Quantity.DEPTH_UM, 0, pen.depth_um_max, serial),
        Limit(Layer.DEVICE, Quantity.SPEED_DHZ, pen.speed_dhz_min, pen.speed_dhz_max, serial),
        Limit(Layer.CARTRIDGE, Quantity.DEPTH_UM, 0, pen.cartridge_depth_um_max, needle),
    )


def grant_area(request: AreaRequest, area: AreaProfile, pen: Identity | None) -> AreaGrant:
    """Return what is granted for one area.

    Args:
        request: The wish.
        area: The profile's limits for that area.
        pen: The identified pen; None for a check without one, which then says less.
    """
    known = area.limits() + (() if pen is None else pen_limits(pen))
    required = _WITHOUT_PEN if pen is None else _WITH_PEN
    step = 1 if pen is None else pen.depth_step_um
    depth = grant(
        Quantity.DEPTH_UM,
        request.depth_um,
        absolute_limits(0) + known,
        step=step,
        required=required,
    )
    limits = absolute_limits(depth.granted or request.depth_um) + known
    without_area = required - {Layer.AREA, Layer.CARTRIDGE}
    return AreaGrant(
        request=request,
        depth=depth,
        speed=grant(Quantity.SPEED_DHZ, request.speed_dhz, limits, required=without_area),
        passes=grant(
            Quantity.PASSES,
            request.passes,
            limits,
            required=frozenset({Layer.ABSOLUTE, Layer.AREA}),
        ),
        needles=0 if pen is None else pen.needles,
        depth_limit=min(
            (one for one in limits if one.quantity is Quantity.DEPTH_UM),
            key=lambda one: (one.high, -one.layer),
        ),
    )


def grant_plan(plan: Plan, profile: Profile, pen: Identity | None) -> tuple[AreaGrant, ...]:
    """Return what is granted for every area, in the order of the plan.

    Raises:
        PlanError: If a patch would take an absurd number of strokes.
        RefusedError: If the pen states limits that cannot be, such as a step of 0 um.
    """
    try:
        grants = tuple(grant_area(area, profile.areas[area.area], pen) for area in plan.areas)
    except QuantityError as error:
        raise RefusedError(f"the pen states limits that cannot be: {error}") from error
    for one in grants:
        if not (1 <= one.strokes_per_pass <= STROKES_MAX):
            field = f"{one.request.area}.patch_mm2"
            raise PlanError(
                field, one.request.patch_mm2, f"must take at most {STROKES_MAX} strokes"
            )
    return grants


def granted_areas(grants: tuple[AreaGrant, ...]) -> tuple[AreaPlan, ...]:
    """Return the plan for the safety core; every area must have been granted.

    Raises:
        PlanError: If one was not.
    """
    areas = []
    for one in grants:
        depth, speed, passes = (g.granted for g in one.grants)
        if not one.is_granted or depth is None or speed is None or passes is None:
            raise PlanError(one.request.area, one.request.depth_um, "must be within all limits")
        areas.append(AreaPlan(one.request.area, depth, speed, passes, one.strokes_per_pass))
    return tuple(areas)
