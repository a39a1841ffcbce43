"""From a plan to what is granted: joins plan, profile and pen through the limit algebra.

It collects limits and lets `safety.limits.grant` decide; it decides nothing itself.
"""

from __future__ import annotations

from dataclasses import replace

from controller.area_grant import AreaGrant, strokes_of
from controller.errors import PlanError, RefusedError
from controller.plan import AreaRequest, Patient, Plan, one_of
from controller.profile import Profile
from drivers.block import Identity
from safety.errors import QuantityError
from safety.ledger import AreaPlan
from safety.limits import (
    DOSE_LIMIT,
    Grant,
    Layer,
    Limit,
    Quantity,
    absolute_limits,
    grant,
)
from safety.modifiers import patient_limits

STROKES_MAX = 1_000_000
"""More strokes than this in one pass are a slip in the plan. ASSUMED: 500 s take 75,000."""

CALIBRATION_UM = 60
"""Uncertainty of the needle protrusion that counts for a pen without a certificate.

ASSUMED until pens have one. Source: [DOM] 6.1, guard band of the calibration.
"""

_UNPAIRED = "unpaired pen: pair it with a technician"
UNPAIRED_LIMITS = (
    Limit(Layer.DEVICE, Quantity.DEPTH_UM, 0, 500, _UNPAIRED),
    Limit(Layer.DEVICE, Quantity.SPEED_DHZ, 0, 1_000, _UNPAIRED),
)
"""Nobody knows whose pen it is that does not prove itself: it gets a shallow depth and a middling
speed, whatever it says of itself. ASSUMED: in every profile some area begins at 500 um."""

_BODY = frozenset({Layer.ABSOLUTE, Layer.INDICATION, Layer.AREA, Layer.PATIENT})
_PEN = frozenset({Layer.DEVICE, Layer.CARTRIDGE})


def pen_limits(pen: Identity) -> tuple[Limit, ...]:
    """Return what the pen and its cartridge allow, as they said themselves; less without proof.

    Rule: SR-056.
    """
    serial = f"pen {pen.serial_number}"
    needle = f"cartridge 0x{pen.cartridge_uid:08X}"
    known = (
        Limit(Layer.DEVICE, Quantity.DEPTH_UM, 0, pen.depth_um_max, serial),
        Limit(Layer.DEVICE, Quantity.SPEED_DHZ, pen.speed_dhz_min, pen.speed_dhz_max, serial),
        Limit(Layer.CARTRIDGE, Quantity.DEPTH_UM, 0, pen.cartridge_depth_um_max, needle),
    )
    return known if pen.is_paired else known + UNPAIRED_LIMITS


def body_limits(
    request: AreaRequest, profile: Profile, patient: Patient | None
) -> tuple[Limit, ...]:
    """Return what indication, area and patient allow; a layer of which nothing is known is silent.

    Raises:
        PlanError: If the profile in force knows no such area or modifier.
    """
    if request.area not in profile.areas:
        raise PlanError("area", request.area, one_of(profile.areas, profile))
    unknown = [one for one in patient.modifiers if one not in profile.modifiers] if patient else []
    if unknown:
        raise PlanError("patient.modifiers", unknown[0], one_of(profile.modifiers, profile))
    known_limits = profile.areas[request.area].limits()
    known_limits += profile.indication_limits(request.area, request.indication)
    modifiers = tuple(profile.modifiers[one] for one in patient.modifiers) if patient else None
    return known_limits + patient_limits(known_limits, modifiers)


def grant_area(
    request: AreaRequest,
    profile: Profile,
    patient: Patient | None,
    pen: Identity | None,
    *,
    calibration_um: int,
) -> AreaGrant:
    """Return what is granted for one area.

    Args:
        request: The wish.
        profile: What area and indication allow.
        patient: What is known of the patient; None grants nothing.
        pen: The identified pen; None for a check without one, which then says less.
        calibration_um: Uncertainty of the pen's protrusion; kept from every limit on the skin.

    Raises:
        PlanError: As `body_limits`.
        QuantityError: If the pen states limits that cannot be.
    """
    known = body_limits(request, profile, patient) + (() if pen is None else pen_limits(pen))
    device = frozenset() if pen is None else _PEN
    depth = grant(
        Quantity.DEPTH_UM,
        request.depth_um,
        absolute_limits(0) + known,
        step=1 if pen is None else pen.depth_step_um,
        required=_BODY | device,
        guard_band=calibration_um,
        reason=request.reason,
    )
    limits = absolute_limits(depth.granted or request.depth_um) + known
    speed = grant(
        Quantity.SPEED_DHZ,
        request.speed_dhz,
        limits,
        required=frozenset({Layer.ABSOLUTE}) | device - {Layer.CARTRIDGE},
    )
    passes = grant(Quantity.PASSES, request.passes, limits, required=_BODY - {Layer.INDICATION})
    return AreaGrant(
        request=request,
        depth=depth,
        speed=speed,
        passes=passes,
        dose=None if pen is None else _grant_dose(request, speed, passes, pen.needles),
        needles=0 if pen is None else pen.needles,
        depth_limit=_binding(limits, calibration_um, has_reason=bool(request.reason.strip())),
    )


def _grant_dose(request: AreaRequest, speed: Grant, passes: Grant, needles: int) -> Grant:
    """Return the grant of all punctures per square centimetre, rounded up."""
    strokes = strokes_of(request.patch_mm2, speed.granted or request.speed_dhz)
    punctures = needles * strokes * (passes.granted or request.passes)
    asked = -(-punctures * 100 // request.patch_mm2)
    return grant(Quantity.DOSE, asked, (DOSE_LIMIT,), reason=request.reason)


def _binding(limits: tuple[Limit, ...], guard_band_um: int, *, has_reason: bool) -> Limit:
    """Return the tightest limit on the protrusion as it may be commanded, guard band taken off."""
    highest = Limit.hard_high if has_reason else Limit.soft_high
    mine = [one for one in limits if one.quantity is Quantity.DEPTH_UM]
    tightest = min(mine, key=lambda one: (highest(one, guard_band_um), one.layer))
    soft, hard = tightest.soft_high(guard_band_um), tightest.hard_high(guard_band_um)
    return replace(tightest, high=hard, confirm_above=soft)


def grant_plan(
    plan: Plan,
    profile: Profile,
    pen: Identity | None,
    *,
    calibration_um: int = CALIBRATION_UM,
) -> tuple[AreaGrant, ...]:
    """Return what is granted for every area, in the order of the plan.

    Raises:
        PlanError: If a patch would take an absurd number of strokes, or as `body_limits`.
        RefusedError: If the pen states limits that cannot be, such as a step of 0 um.
    """
    try:
        grants = tuple(
            grant_area(one, profile, plan.patient, pen, calibration_um=calibration_um)
            for one in plan.areas
        )
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
    """Return the plan for the safety core; every area must have been granted, with a pen.

    Raises:
        PlanError: If one was not.
    """
    areas = []
    for one in grants:
        depth, speed, passes = (g.granted for g in (one.depth, one.speed, one.passes))
        is_whole = one.is_granted and one.dose is not None
        if not is_whole or depth is None or speed is None or passes is None:
            raise PlanError(one.request.area, one.request.depth_um, "must be within all limits")
        areas.append(
            AreaPlan(
                area=one.request.area,
                depth_um=depth,
                speed_dhz=speed,
                passes=passes,
                strokes_per_pass=one.strokes_per_pass,
                strokes_max=one.strokes_max,
            )
        )
    return tuple(areas)
