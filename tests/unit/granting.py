"""A pen, a profile and a wish for tests of grants; it tests nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controller.area_grant import AreaGrant
from controller.grants import grant_area
from controller.plan import AreaRequest, Patient
from controller.profile import AreaProfile, Caps, IndicationProfile, Profile
from drivers.block import Identity
from drivers.registers import Capability
from safety.modifiers import Modifier

PEN = Identity(
    version_minor=0,
    serial_number=42,
    firmware_major=1,
    firmware_minor=0,
    model=1,
    capabilities=Capability.LEASE | Capability.DEPTH_SENSE,
    depth_um_max=2_000,
    depth_step_um=50,
    speed_dhz_min=600,
    speed_dhz_max=1_400,
    lease_ms=200,
    depth_tolerance_um=200,
    needles=12,
    cartridge_depth_um_max=1_500,
    cartridge_uid=0xC0FFEE01,
    limits_hash=0x957A,
    stop_ms_max=50,
    is_paired=True,
)
REQUEST = AreaRequest("cheek", 500, 1_000, 2, 400, "scars")
NOBODY = Patient()


def caps(name: str, depth_um_max: int, confirm_above: int | None = None) -> Caps:
    """Return caps; without a second figure all of the range is recommended."""
    soft = depth_um_max if confirm_above is None else confirm_above
    return Caps(name, name, 1, soft, depth_um_max, "A", "here")


def a_profile(
    area_um: int = 1_000,
    area_soft_um: int | None = None,
    scars_um: int = 2_500,
    scars_soft_um: int | None = None,
    passes: int = 3,
) -> Profile:
    """Return a profile of one area, two indications and two modifiers."""
    scars = IndicationProfile(caps("scars", scars_um, scars_soft_um), ("cheek",), 3, 28)
    lines = IndicationProfile(caps("lines", 2_500), ("cheek",), 4, 30)
    return Profile(
        name="Test",
        jurisdiction="xx",
        version=1,
        areas={"cheek": AreaProfile(caps("cheek", area_um, area_soft_um), passes)},
        indications={"scars": scars, "lines": lines},
        modifiers={"dark": Modifier("dark skin", 250), "marks": Modifier("dark marks", 100)},
    )


def granted(
    pen: Identity | None = PEN,
    profile: Profile | None = None,
    patient: Patient | None = NOBODY,
    calibration_um: int = 0,
    **changes: Any,
) -> AreaGrant:
    """Return what is granted of the request with some values changed."""
    known = a_profile() if profile is None else profile
    request = replace(REQUEST, **changes)
    return grant_area(request, known, patient, pen, calibration_um=calibration_um)
