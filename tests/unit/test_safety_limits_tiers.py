"""The limit algebra by example: recommended ranges, guard bands, and how both are explained."""

from __future__ import annotations

import pytest

from safety.limits import COMMANDED, Layer, Limit, Quantity, Tier, grant

DEPTH = Quantity.DEPTH_UM
PEN = Limit(Layer.DEVICE, DEPTH, 0, 2_000, "pen 42")
AREA = Limit(Layer.AREA, DEPTH, 250, 750, "forehead limit")
CHEEK = Limit(Layer.AREA, DEPTH, 250, 1_500, "cheek limit", 1_000)
SCAR = "depressed scar"


@pytest.mark.req("SR-001", "SR-027", "HZ-48")
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize(("asked", "granted"), [(999, 999), (1_000, 1_000), (1_001, 1_000)])
def test_recommended_range_is_not_left_without_a_reason(
    asked: int, granted: int, blank: str
) -> None:
    """A blank reason is none, and the limit that was broken softly binds."""
    result = grant(DEPTH, asked, (PEN, CHEEK), reason=blank)

    assert (granted, Tier.RECOMMENDED) == (result.granted, result.tier)
    assert (CHEEK if asked > 1_000 else None) == result.binding
    assert ((CHEEK,) if asked > 1_000 else ()) == result.reasons
    assert (asked <= 1_000) == result.is_within_limits


@pytest.mark.req("SR-001", "SR-027")
@pytest.mark.parametrize(
    ("asked", "granted", "tier"),
    [
        (1_000, 1_000, Tier.RECOMMENDED),
        (1_001, 1_001, Tier.CONFIRMED),
        (1_500, 1_500, Tier.CONFIRMED),
        (1_501, 1_500, Tier.CONFIRMED),
    ],
)
def test_named_reason_leads_beyond_the_recommended_range_and_not_beyond_the_limit(
    asked: int, granted: int, tier: Tier
) -> None:
    """What the reason confirmed is within limits, though it stays listed; more is not."""
    result = grant(DEPTH, asked, (PEN, CHEEK), reason=SCAR)

    assert (granted, tier, SCAR) == (result.granted, result.tier, result.reason)
    assert (asked <= 1_500) == result.is_within_limits
    assert (CHEEK if asked > 1_500 else None) == result.binding
    assert ((CHEEK,) if asked > 1_000 else ()) == result.reasons


def test_confirmed_wish_that_is_stepped_down_into_the_recommended_range_is_recommended() -> None:
    """The tier is that of the value that goes on the wire."""
    result = grant(DEPTH, 1_049, (PEN, CHEEK), step=50, reason=SCAR)

    assert (1_000, Tier.RECOMMENDED, None) == (result.granted, result.tier, result.binding)


def test_refusal_has_a_tier_of_its_own() -> None:
    """Nothing granted is neither recommended nor confirmed."""
    assert Tier.REFUSED is grant(DEPTH, 100, (AREA,)).tier is grant(DEPTH, 500, ()).tier
    assert ["recommended", "confirmed", "refused"] == [str(tier) for tier in Tier]


@pytest.mark.req("SR-001")
def test_recommended_range_below_the_lowest_value_grants_nothing_without_a_reason() -> None:
    """With a reason the same wish is granted."""
    strict = Limit(Layer.PATIENT, DEPTH, 0, 700, "strict", 200)

    bare, named = (grant(DEPTH, 600, (AREA, strict), reason=reason) for reason in ("", SCAR))

    assert (None, AREA, (strict,)) == (bare.granted, bare.binding, bare.reasons)
    assert (600, Tier.CONFIRMED) == (named.granted, named.tier)
    assert bare.explain() == (
        "depth_um: asked 600, refused: strict (0 to 700, recommended up to 200) of the patient; "
        "forehead limit (250 to 750) of the area; no value is left between the limits; "
        "more than 200 takes a named reason"
    )


@pytest.mark.req("SR-001")
def test_tightest_limit_is_the_one_in_force() -> None:
    """Without a reason recommended ranges are compared, with one the limits themselves."""
    wide = Limit(Layer.AREA, DEPTH, 0, 1_500, "wide", 500)
    narrow = Limit(Layer.INDICATION, DEPTH, 0, 1_000, "narrow", 800)

    bare, named = (grant(DEPTH, 1_200, (narrow, wide), reason=reason) for reason in ("", SCAR))

    assert (500, (wide, narrow), wide) == (bare.granted, bare.reasons, bare.binding)
    assert (1_000, (narrow, wide), narrow) == (named.granted, named.reasons, named.binding)


@pytest.mark.req("SR-001", "SR-030", "HZ-29")
@pytest.mark.parametrize("layer", Layer)
def test_guard_band_lowers_the_limits_that_speak_of_skin(layer: Layer) -> None:
    """Device and cartridge speak of the commanded value and keep theirs."""
    limit = Limit(layer, DEPTH, 0, 1_000, "limit")
    highest = 1_000 if layer in {Layer.DEVICE, Layer.CARTRIDGE} else 940

    for asked in (highest, highest + 1):
        result = grant(DEPTH, asked, (limit,), guard_band=60)
        assert (highest, asked == highest) == (result.granted, result.is_within_limits)
        assert ((limit,) if asked > highest else ()) == result.reasons
        assert 60 == result.guard_band
    assert {Layer.DEVICE, Layer.CARTRIDGE} == COMMANDED


@pytest.mark.req("SR-001")
@pytest.mark.parametrize(
    ("guard_band", "granted"), [(499, 1_000), (500, 1_000), (501, 999), (1_499, 1), (1_500, 0)]
)
def test_guard_band_leaves_the_recommended_range_until_the_limit_falls_below_it(
    guard_band: int, granted: int
) -> None:
    """The recommended range speaks of the commanded value, but never lies above the limit."""
    cheek = Limit(Layer.AREA, DEPTH, 0, 1_500, "cheek limit", 1_000)

    assert granted == grant(DEPTH, 2_000, (cheek,), guard_band=guard_band).granted


@pytest.mark.req("SR-001")
def test_guard_band_lowers_nothing_below_zero() -> None:
    """A limit of less than the guard band leaves 0."""
    thin = Limit(Layer.AREA, DEPTH, 0, 50, "thin")

    assert (0, (thin,)) == (
        (result := grant(DEPTH, 10, (thin,), guard_band=60)).granted,
        result.reasons,
    )


@pytest.mark.req("SR-003")
def test_limit_less_its_guard_band_is_stepped_down() -> None:
    """The guard band is taken first, and what is left is rounded down."""
    assert 650 == grant(DEPTH, 750, (AREA,), step=50, guard_band=60).granted


@pytest.mark.req("SR-001")
def test_missing_layer_hides_no_limit_that_the_wish_breaks() -> None:
    """All that stands against a wish is told at once, and what is unknown binds nothing."""
    result = grant(DEPTH, 800, (AREA,), required=frozenset({Layer.PATIENT}))

    assert (None, (AREA,), None) == (result.granted, result.reasons, result.binding)
    assert not result.is_within_limits
    assert result.explain() == (
        "depth_um: asked 800, refused: forehead limit (250 to 750) of the area; "
        "no limit known from patient; ask again when it is known; nothing allows more than 750"
    )


def test_explanation_says_that_more_takes_a_reason_and_where_reasons_end() -> None:
    """The bounds, the guard band and the recommended range of a limit are all told."""
    told = grant(DEPTH, 1_600, (CHEEK,), guard_band=60).explain()

    assert told == (
        "depth_um: asked 1600, granted 1000: "
        "cheek limit (250 to 1500 less 60 of guard band, recommended up to 1000) of the area; "
        "within the recommended range; more than 1000 takes a named reason; "
        "nothing allows more than 1440"
    )


def test_explanation_tells_the_reason_that_was_named() -> None:
    """Whoever reads it sees why the recommended range was left, and needs nothing further."""
    told = grant(DEPTH, 1_200, (CHEEK,), reason=f" {SCAR} ").explain()

    assert told == (
        "depth_um: asked 1200, granted 1200: "
        "cheek limit (250 to 1500, recommended up to 1000) of the area; "
        "beyond the recommended range because: depressed scar"
    )


def test_explanation_says_that_an_absolute_limit_is_one_of_any_treatment() -> None:
    """The layer is named in words, and a device keeps its bound whatever the guard band."""
    limits = (Limit(Layer.ABSOLUTE, DEPTH, 0, 2_500, "protrusion of any pen"), PEN)

    told = grant(DEPTH, 3_000, limits, guard_band=60).explain()

    assert told == (
        "depth_um: asked 3000, granted 2000: pen 42 (0 to 2000) of the device; "
        "protrusion of any pen (0 to 2500 less 60 of guard band) of any treatment; "
        "within the recommended range; nothing allows more than 2000"
    )


def test_explanation_of_a_wish_just_at_a_lower_bound_asks_for_nothing_more() -> None:
    """The bound that a capped wish meets from above is not the one that it fell short of."""
    deep = Limit(Layer.PATIENT, DEPTH, 800, 900, "deep")

    told = grant(DEPTH, 800, (AREA, deep)).explain()

    assert told == (
        "depth_um: asked 800, refused: forehead limit (250 to 750) of the area; "
        "deep (800 to 900) of the patient; no value is left between the limits; "
        "nothing allows more than 750"
    )


def test_limits_that_differ_in_their_words_alone_have_an_order() -> None:
    """Reasons and binding limit are the same in whatever order equal limits came."""
    one, other = (Limit(Layer.AREA, DEPTH, 5, 100, source) for source in "ab")

    for asked in (1, 200):
        results = [grant(DEPTH, asked, limits) for limits in ((one, other), (other, one))]
        assert results[0] == results[1]
        assert one == results[0].binding
