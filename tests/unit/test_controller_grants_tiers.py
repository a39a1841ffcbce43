"""Grants in two tiers: indication, patient, guard band and dose, with a reason and without."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from controller.errors import PlanError
from controller.grants import (
    CALIBRATION_UM,
    grant_plan,
    granted_areas,
)
from controller.plan import Patient, Plan
from drivers.block import Identity
from safety.limits import (
    DOSE_ABSOLUTE,
    DOSE_CONFIRM_ABOVE,
    Layer,
    Tier,
)
from tests.unit.granting import NOBODY, PEN, REQUEST, a_profile, granted


@pytest.mark.req("SR-001", "SR-029", "HZ-47")
@pytest.mark.parametrize("pen", [PEN, None])
def test_nothing_is_granted_to_an_unknown_patient_or_indication(pen: Identity | None) -> None:
    """Silence about the patient, and an indication that does not apply here, are unknown."""
    unknown = granted(pen, patient=None)
    elsewhere = granted(pen, indication="hair")

    assert (None, None) == (unknown.depth.granted, unknown.passes.granted)
    assert "no limit known from patient" == unknown.depth.note
    assert (None, False) == (elsewhere.depth.granted, elsewhere.is_granted)
    assert "no limit known from indication" == elsewhere.depth.note
    for one in (unknown, elsewhere):
        assert Tier.REFUSED is one.tier
        with pytest.raises(PlanError):
            granted_areas((one,))


def test_area_or_modifier_that_the_profile_does_not_know_is_refused() -> None:
    """A plan read under another profile meets no gap: field, value and rule are named."""
    with pytest.raises(PlanError, match=r"area = 'scalp': must be one of: cheek \(profile in "):
        granted(area="scalp")
    with pytest.raises(PlanError, match=r"patient.modifiers = 'old': must be one of: dark, marks"):
        granted(patient=Patient(("dark", "old")))


@pytest.mark.req("SR-001", "SR-027", "HZ-48")
@pytest.mark.parametrize(
    ("asked_um", "reason", "granted_um", "tier", "is_granted"),
    [
        (700, "", 700, Tier.RECOMMENDED, True),
        (750, "", 700, Tier.REFUSED, False),
        (750, "  ", 700, Tier.REFUSED, False),
        (750, "deep scars", 750, Tier.CONFIRMED, True),
        (1_000, "deep scars", 1_000, Tier.CONFIRMED, True),
        (1_050, "deep scars", 1_000, Tier.REFUSED, False),
        (700, "deep scars", 700, Tier.RECOMMENDED, True),
    ],
)
def test_recommended_range_is_left_with_a_reason_and_the_cap_never(
    asked_um: int, reason: str, granted_um: int, tier: Tier, *, is_granted: bool
) -> None:
    """Two tiers: up to the recommended depth freely, to the cap with a reason, no further."""
    one = granted(profile=a_profile(area_soft_um=700), depth_um=asked_um, reason=reason)

    assert (granted_um, tier, is_granted) == (one.depth.granted, one.tier, one.is_granted)


@pytest.mark.req("SR-001", "SR-028")
def test_indication_binds_where_it_is_tighter_than_the_area() -> None:
    """The named one binds; without a name the tightest of the area does, and a wrong one none."""
    profile = a_profile(scars_um=600)

    scars, lines, unnamed = (
        granted(profile=profile, depth_um=650, indication=name) for name in ("scars", "lines", "")
    )
    assert (600, 650, 600) == tuple(one.depth.granted for one in (scars, lines, unnamed))
    assert scars.depth.binding is not None
    assert (Layer.INDICATION, "scars indication") == (
        scars.depth.binding.layer,
        scars.depth.binding.source,
    )
    assert (False, True, False) == tuple(one.is_granted for one in (scars, lines, unnamed))


@pytest.mark.req("SR-001", "SR-029")
@pytest.mark.parametrize(
    ("modifiers", "deepest_um"),
    [((), 1_000), (("dark",), 750), (("marks",), 900), (("dark", "marks"), 650)],
)
def test_modifiers_of_the_patient_add_up(modifiers: tuple[str, ...], deepest_um: int) -> None:
    """Each takes its share from the cap, whatever the reason."""
    within = granted(patient=Patient(modifiers), depth_um=deepest_um, reason="x")
    beyond = granted(patient=Patient(modifiers), depth_um=deepest_um + 1, reason="x")

    assert (deepest_um, True) == (within.depth.granted, within.is_granted)
    assert (deepest_um, False) == (beyond.depth.granted, beyond.is_granted)


@pytest.mark.req("SR-001", "SR-030", "HZ-29")
def test_guard_band_is_kept_from_every_limit_on_the_skin_and_not_from_the_pens() -> None:
    """Area 1,000 um and 60 um of uncertainty leave 940; a pen that does 900 keeps its 900."""
    one = granted(calibration_um=60, depth_um=1_000)
    assert (900, False, 940) == (one.depth.granted, one.is_granted, one.depth_limit.high)
    assert granted(calibration_um=60, depth_um=940).is_granted
    assert not granted(calibration_um=60, depth_um=941).is_granted

    pen = replace(PEN, depth_um_max=900)
    assert (900, True) == (
        (tight := granted(pen, calibration_um=60, depth_um=900)).depth.granted,
        tight.is_granted,
    )
    assert 60 == one.as_json()["guard_band_um"]


@pytest.mark.req("SR-001", "SR-030")
def test_pen_without_a_certificate_is_taken_to_be_off_by_60_um() -> None:
    """The whole plan is granted with that uncertainty unless a better one is given."""
    plan = Plan("Plan", (replace(REQUEST, depth_um=960),), NOBODY)

    (one,) = grant_plan(plan, a_profile(), PEN)
    assert (60, 60, False) == (CALIBRATION_UM, one.depth.guard_band, one.is_granted)
    (one,) = grant_plan(plan, a_profile(), PEN, calibration_um=40)
    assert one.is_granted


@pytest.mark.req("SR-001", "SR-027", "SR-032", "H06")
def test_dose_is_checked_over_all_passes_in_two_tiers() -> None:
    """1,002 punctures per cm2 in a pass: 4 passes freely, 5 to 9 with a reason, 10 never."""
    profile = a_profile(passes=10)

    for passes in range(1, 11):
        asked = -(-12 * 334 * passes * 100 // 400)
        free, named = (
            granted(profile=profile, passes=passes, reason=reason) for reason in ("", "old scars")
        )
        assert asked == free.punctures_per_cm2 == named.punctures_per_cm2
        assert (asked <= DOSE_CONFIRM_ABOVE) == free.is_granted == (passes <= 4)
        assert (asked <= DOSE_ABSOLUTE) == named.is_granted == (passes <= 9)
        if named.is_granted:
            assert (Tier.CONFIRMED if passes > 4 else Tier.RECOMMENDED) is named.tier
        else:
            assert any("punctures_per_cm2" in sentence for sentence in named.refusals())


@pytest.mark.req("SR-001", "SR-032")
def test_strokes_that_reach_the_dose_never_end_a_plan_that_was_granted() -> None:
    """For 2,000 chance plans the most strokes hold all passes, and no more than the dose."""
    chance = Random(20_261_123)
    found = 0
    for _ in range(2_000):
        one = granted(
            replace(PEN, needles=chance.randrange(1, 40)),
            a_profile(passes=10),
            passes=chance.randrange(1, 11),
            speed_dhz=chance.randrange(600, 1_401),
            patch_mm2=chance.randrange(50, 60_001),
            reason=chance.choice(["", "x"]),
        )
        dose = DOSE_ABSOLUTE if one.request.reason else DOSE_CONFIRM_ABOVE
        assert one.strokes_max == dose * one.request.patch_mm2 // (100 * one.needles)
        if one.is_granted:
            (area,) = granted_areas((one,))
            assert area.passes * area.strokes_per_pass <= area.strokes_max
            found += 1

    assert 500 < found < 1_900


def test_dose_of_a_pen_without_needles_is_none() -> None:
    """Without a pen nothing is said of the dose; a pen that names no needles is refused."""
    nobody, none = granted(None), granted(replace(PEN, needles=0))

    assert (None, 0, True) == (nobody.dose, nobody.strokes_max, nobody.is_granted)
    assert (0, 0, False) == (none.punctures_per_cm2, none.strokes_max, none.is_granted)
    with pytest.raises(PlanError):
        granted_areas((nobody,))
