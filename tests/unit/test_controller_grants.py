"""From a plan to what is granted: which limit binds, why, and how many strokes a pass takes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import msgspec
import pytest

from controller.errors import PlanError, RefusedError
from controller.grants import (
    grant_area,
    grant_plan,
    granted_areas,
    pen_limits,
)
from controller.plan import AreaRequest, Patient, Plan
from controller.profile import AreaProfile
from drivers.block import Identity
from safety.ledger import AreaPlan
from safety.limits import (
    DEPTH_UM_ABSOLUTE,
    DOSE_ABSOLUTE,
    DOSE_CONFIRM_ABOVE,
    PASSES_ABSOLUTE,
    SPEED_DHZ_ABSOLUTE,
    Layer,
    Tier,
    absolute_limits,
)
from tests.unit.granting import NOBODY, PEN, REQUEST, a_profile, caps, granted


def test_wish_within_all_limits_is_granted_as_it_stands() -> None:
    """Nothing binds, nothing is noted, and the safety core gets the very values."""
    one = granted()

    assert (500, 1_000, 2, 2_004) == tuple(g.granted for g in one.grants)
    assert all(g.binding is None and not g.note and not g.reasons for g in one.grants)
    assert one.is_granted
    assert () == one.refusals()
    assert Tier.RECOMMENDED is one.tier
    assert (AreaPlan("cheek", 500, 1_000, 2, 334, 1_666),) == granted_areas((one,))


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(
    ("pen", "area_max_um", "asked_um", "granted_um", "layer"),
    [
        (PEN, 1_000, 1_001, 1_000, Layer.AREA),
        (PEN, 1_200, 2_500, 1_200, Layer.AREA),
        (replace(PEN, depth_um_max=900), 1_000, 1_001, 900, Layer.DEVICE),
        (replace(PEN, cartridge_depth_um_max=750), 1_000, 1_001, 750, Layer.CARTRIDGE),
        (replace(PEN, cartridge_depth_um_max=780), 1_000, 800, 750, Layer.CARTRIDGE),
        (replace(PEN, depth_um_max=65_535, cartridge_depth_um_max=65_535), 2_500, 2_501, 2_500, 0),
    ],
)
def test_depth_above_a_limit_is_refused_by_the_tightest(
    pen: Identity, area_max_um: int, asked_um: int, granted_um: int, layer: Layer
) -> None:
    """Area, pen, cartridge and what nothing lifts: the lowest binds and says whose it is."""
    one = granted(pen, a_profile(area_max_um), depth_um=asked_um)

    assert not one.is_granted
    assert one.depth.binding is not None
    assert (granted_um, layer) == (one.depth.granted, one.depth.binding.layer)
    assert one.depth.binding in one.depth.reasons
    assert one.depth.binding.high == one.depth_limit.high
    sentence = one.refusals()[0]
    assert sentence.startswith(f"cheek: depth_um: asked {asked_um}, granted {granted_um}: ")
    assert one.depth.binding.source in sentence


def test_every_broken_limit_is_named() -> None:
    """Who asks for too much reads all that stands against it, the tightest first."""
    pen = replace(PEN, cartridge_depth_um_max=800, depth_um_max=900)

    layers = [limit.layer for limit in granted(pen, depth_um=2_500).depth.reasons]
    assert [Layer.CARTRIDGE, Layer.DEVICE, Layer.AREA, Layer.PATIENT] == layers


@pytest.mark.req("SR-003")
@pytest.mark.parametrize(("asked_um", "granted_um"), [(500, 500), (499, 450), (549, 500), (50, 50)])
def test_depth_is_stepped_down_to_the_pens_step(asked_um: int, granted_um: int) -> None:
    """A protrusion between two steps becomes the lower one, with a note and without a refusal."""
    one = granted(depth_um=asked_um)

    assert (granted_um, True) == (one.depth.granted, one.is_granted)
    assert bool(one.depth.note) == (asked_um != granted_um)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("asked_um", [1, 30, 49])
def test_depth_below_the_pens_step_is_refused_with_a_sentence(asked_um: int) -> None:
    """Of a protrusion below one step nothing is left, and the plan is refused for it."""
    one = granted(depth_um=asked_um)

    assert (0, False) == (one.depth.granted, one.is_granted)
    (sentence,) = one.refusals()
    assert f"cheek: depth_um: asked {asked_um}, granted 0" in sentence
    assert "stepped down to a multiple of 50" in sentence
    with pytest.raises(PlanError):
        granted_areas((one,))


@pytest.mark.req("SR-001", "SR-031", "H04")
def test_speed_is_granted_under_the_drag_rule_of_the_granted_depth() -> None:
    """Deeper needles must be faster; what counts is the depth as granted, not as asked."""
    for asked_um in (500, 549, 550, 600, 999):
        depth_um = asked_um // 50 * 50
        (slowest,) = (
            one.low for one in absolute_limits(depth_um) if str(one.quantity) == "speed_dhz"
        )
        slowest = max(slowest, PEN.speed_dhz_min)
        assert granted(depth_um=asked_um, speed_dhz=slowest).is_granted
        too_slow = granted(depth_um=asked_um, speed_dhz=slowest - 1)
        assert (None, False) == (too_slow.speed.granted, too_slow.is_granted)
    assert granted(depth_um=549, speed_dhz=799).is_granted
    assert not granted(depth_um=550, speed_dhz=799).is_granted
    assert 1_400 == granted(speed_dhz=1_401).speed.granted


def test_slow_speed_is_refused_for_the_reason_that_binds() -> None:
    """A speed that drags names the drag rule; one that the pen cannot do names the pen."""
    dragging, too_slow = granted(depth_um=550, speed_dhz=700), granted(speed_dhz=550)

    assert dragging.speed.binding is not None
    assert too_slow.speed.binding is not None
    assert "slower needles drag at 550 um" == dragging.speed.binding.source
    assert "pen 42" == too_slow.speed.binding.source


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(("asked", "allowed", "given"), [(3, 3, 3), (4, 3, 3), (9, 9, 9)])
def test_passes_are_granted_up_to_the_areas_limit(asked: int, allowed: int, given: int) -> None:
    """More passes than an area allows refuse the plan."""
    one = granted(profile=a_profile(passes=allowed), passes=asked, reason="x")

    assert (given, given == asked) == (one.passes.granted, one.is_granted)


@pytest.mark.req("SR-001", "SR-015")
@pytest.mark.parametrize("layer", [Layer.DEVICE, Layer.CARTRIDGE])
def test_nothing_is_granted_where_the_pen_has_not_spoken(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pen or cartridge that states no limit is unknown, hence nothing is granted."""
    limits = tuple(one for one in pen_limits(PEN) if one.layer is not layer)
    monkeypatch.setattr("controller.grants.pen_limits", lambda _pen: limits)

    one = granted()

    assert (None, False) == (one.depth.granted, one.is_granted)
    assert f"no limit known from {layer.name.lower()}" == one.depth.note
    assert one.refusals()


@pytest.mark.parametrize(
    "pen",
    [
        replace(PEN, cartridge_depth_um_max=0, needles=0, cartridge_uid=0),
        replace(PEN, depth_um_max=0),
        replace(PEN, speed_dhz_min=1_400, speed_dhz_max=600),
        replace(PEN, speed_dhz_max=0),
        replace(PEN, depth_step_um=5_000),
    ],
)
def test_nothing_is_granted_by_a_pen_that_allows_nothing(pen: Identity) -> None:
    """No cartridge, no depth, no speed or too coarse a step leaves nothing to be granted."""
    assert not granted(pen).is_granted
    assert granted(pen).refusals()


def test_pen_with_impossible_limits_is_refused_in_words() -> None:
    """A pen that steps by 0 um is refused; it does not bring the program down."""
    plan = Plan("Plan", (REQUEST,), NOBODY)

    with pytest.raises(RefusedError, match="step = 0: must be 1 to 65535"):
        grant_plan(plan, a_profile(), replace(PEN, depth_step_um=0))
    with pytest.raises(RefusedError, match="punctures_per_cm2"):
        grant_plan(plan, a_profile(), replace(PEN, needles=65_535))


def test_check_without_a_pen_knows_area_and_absolute_limits_only() -> None:
    """Before a pen is known its limits cannot bind, and neither step nor needles are assumed."""
    one = granted(None, depth_um=999, speed_dhz=1_500)

    assert (999, 1_500, 2) == tuple(g.granted for g in one.grants)
    assert (True, 0, 0) == (one.is_granted, one.needles, one.punctures_per_cm2)
    assert not granted(None, depth_um=1_001).is_granted


@pytest.mark.req("SR-001", "SR-027", "SR-029", "SR-030")
def test_layers_only_tighten_whatever_they_are() -> None:
    """For 500 chance pens, profiles, patients and wishes nothing granted is above any limit."""
    chance = Random(20_261_122)
    for _ in range(500):
        pen = replace(
            PEN,
            depth_um_max=chance.randrange(0, 3_000),
            cartridge_depth_um_max=chance.randrange(0, 3_000),
            depth_step_um=chance.choice([1, 10, 50, 100]),
            speed_dhz_min=chance.randrange(0, 1_000),
            speed_dhz_max=chance.randrange(500, 2_000),
        )
        area_um, scars_um = (chance.randrange(1, DEPTH_UM_ABSOLUTE + 1) for _ in range(2))
        area_soft_um, scars_soft_um = (chance.randrange(1, one + 1) for one in (area_um, scars_um))
        most = chance.randrange(1, PASSES_ABSOLUTE + 1)
        profile = a_profile(area_um, area_soft_um, scars_um, scars_soft_um, most)
        modifiers = chance.choice([(), ("dark",), ("marks",), ("dark", "marks")])
        less_um = sum(profile.modifiers[one].depth_um_less for one in modifiers)
        band_um, reason = chance.choice([0, 60]), chance.choice(["", "x"])
        asked = AreaRequest(
            "cheek",
            chance.randrange(1, 2_501),
            chance.randrange(1, 1_501),
            chance.randrange(1, 11),
            chance.randrange(50, 60_001),
            "scars",
            reason,
        )
        one = grant_area(asked, profile, Patient(modifiers), pen, calibration_um=band_um)
        depth_um, speed_dhz, passes, dose = (g.granted or 0 for g in one.grants)
        hard_um = max(0, min(area_um, scars_um) - less_um - band_um)
        soft_um = hard_um if reason else max(0, min(area_soft_um, scars_soft_um) - less_um)
        assert depth_um <= min(asked.depth_um, pen.depth_um_max, pen.cartridge_depth_um_max)
        assert depth_um <= min(hard_um, soft_um)
        assert depth_um % pen.depth_step_um == 0
        assert speed_dhz <= min(asked.speed_dhz, pen.speed_dhz_max, SPEED_DHZ_ABSOLUTE[1])
        assert speed_dhz == 0 or speed_dhz >= max(pen.speed_dhz_min, SPEED_DHZ_ABSOLUTE[0])
        assert not (depth_um > 500 and 0 < speed_dhz < 800)
        assert passes <= min(asked.passes, most)
        assert dose <= (DOSE_ABSOLUTE if reason else DOSE_CONFIRM_ABOVE)
        assert one.is_granted == (not one.refusals()) == (one.tier is not Tier.REFUSED)
        if one.is_granted:
            assert asked.depth_um - depth_um < pen.depth_step_um
            assert (asked.speed_dhz, asked.passes) == (speed_dhz, passes)
            granted_areas((one,))


def test_strokes_of_a_pass_are_those_of_a_hand_that_moves_at_20_mm_a_second() -> None:
    """Patch by hand speed and track is a time, times strokes per second is strokes, rounded up."""
    chance = Random(7)
    for _ in range(2_000):
        patch_mm2, speed_dhz = chance.randrange(50, 60_001), chance.randrange(600, 1_401)
        one = granted(patch_mm2=patch_mm2, speed_dhz=speed_dhz, depth_um=500)
        duration_s = Fraction(patch_mm2, 20 * 6)
        strokes = duration_s * Fraction(speed_dhz, 10)
        assert strokes <= one.strokes_per_pass < strokes + 1
        assert one.strokes_per_pass == pytest.approx(patch_mm2 / 120.0 * speed_dhz / 10.0, abs=1)
        assert one.pass_ms == pytest.approx(float(duration_s) * 1_000, abs=1)


def test_strokes_and_punctures_of_a_pass_by_hand() -> None:
    """400 mm2 take 3.33 s, 333.3 strokes at 100/s, and in 2 passes 2,004 punctures per cm2."""
    one = granted()

    assert (334, 3_333) == (one.strokes_per_pass, one.pass_ms)
    assert 12 * 334 * 2 * 100 // 400 == one.punctures_per_cm2


def test_strokes_follow_the_granted_speed_not_the_wish() -> None:
    """A wish that is brought down takes the strokes of what is left of it."""
    assert granted(speed_dhz=1_400).strokes_per_pass == granted(speed_dhz=1_500).strokes_per_pass


def test_plan_is_granted_area_by_area_in_its_order() -> None:
    """Every area meets its own limits, in the order of the plan."""
    profile = a_profile()
    scars = replace(profile.indications["scars"], areas=("cheek", "chin"))
    chin = AreaProfile(caps("chin", 400), 3)
    profile = replace(
        profile,
        areas={**profile.areas, "chin": chin},
        indications={**profile.indications, "scars": scars},
    )
    plan = Plan("Plan", (REQUEST, replace(REQUEST, area="chin")), NOBODY)

    one, other = grant_plan(plan, profile, PEN)
    assert ("cheek", True, "chin", False) == (
        one.request.area,
        one.is_granted,
        other.request.area,
        other.is_granted,
    )
    with pytest.raises(PlanError, match=r"chin = 500: must be within all limits"):
        granted_areas((one, other))


def test_patch_of_absurd_size_is_refused() -> None:
    """A patch that would take more than a million strokes in a pass is a slip."""
    plan = Plan("Plan", (replace(REQUEST, patch_mm2=2_000_000),), NOBODY)

    with pytest.raises(PlanError, match=r"cheek.patch_mm2"):
        grant_plan(plan, a_profile(), None)


def test_json_of_a_grant_holds_what_the_page_and_scripts_read() -> None:
    """The shape is that of docs/cli.md, plain values all through."""
    one = granted(profile=a_profile(area_soft_um=700), depth_um=750, reason="deep scars")
    shape = one.as_json()

    keys = {"area", "indication", "reason", "granted", "tier", "patch_mm2", "strokes_per_pass"}
    keys |= {"strokes_max", "pass_ms", "punctures_per_cm2", "depth_limit", "guard_band_um"}
    values = {"depth_um", "speed_dhz", "passes", "dose"}
    assert keys | values == set(shape)
    inner = {"asked", "granted", "within_limits", "tier", "binding", "reasons", "note", "text"}
    assert all(inner == set(shape[name]) for name in values)
    limit = {"layer": "area", "low": 0, "high": 1_000, "confirm_above": 700}
    assert limit | {"source": "cheek limit"} == shape["depth_limit"]
    assert limit | {"source": "cheek limit"} in shape["depth_um"]["reasons"]
    assert ("confirmed", True, None) == (
        shape["tier"],
        shape["depth_um"]["within_limits"],
        shape["depth_um"]["binding"],
    )
    assert "because: deep scars" in shape["depth_um"]["text"]
    assert shape == msgspec.json.decode(msgspec.json.encode(shape))
