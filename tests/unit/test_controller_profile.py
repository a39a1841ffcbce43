"""The clinical profile: what its file must be, and what the shipped ones say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from controller.errors import ConfigError
from controller.profile import AreaProfile, Caps, IndicationProfile, Profile
from controller.profile_file import parse
from safety.limits import DEPTH_UM_ABSOLUTE, PASSES_ABSOLUTE, Layer, Limit, Quantity
from safety.modifiers import MODIFIERS, Modifier

FOLDER = Path(__file__).parents[2] / "controller" / "profiles"
HEAD = 'format = 2\nname = "Test"\njurisdiction = "xx"\nversion = 3\n'
AREA = {"label": '"cheek"', "depth_um_start": "500", "depth_um_confirm_above": "700"}
AREA |= {"depth_um_max": "1000", "passes_max": "2", "grade": '"A"', "source": '"[DOM] 3.3"'}
USE = {k: v for k, v in AREA.items() if k != "passes_max"}
USE |= {"label": '"scars"', "areas": '["cheek"]', "sessions": "3", "interval_days": "28"}
LESS = {"label": '"dark skin"', "depth_um_less": "250", "source": '"[DOM] 3.4"'}


def table(name: str, fields: dict[str, str], **changes: str | None) -> str:
    """Return one table with some fields written otherwise; None leaves a field out."""
    lines = [f"{key} = {value}" for key, value in (fields | changes).items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def area(**changes: str | None) -> str:
    """Return a whole profile whose area is written otherwise."""
    return HEAD + table("area.cheek", AREA, **changes) + REST


def use(**changes: str | None) -> str:
    """Return a whole profile whose indication is written otherwise."""
    return HEAD + table("area.cheek", AREA) + table("indication.scars", USE, **changes) + MODIFIER


def less(**changes: str | None) -> str:
    """Return a whole profile whose modifier is written otherwise."""
    return HEAD + BODY + table("modifier.dark", LESS, **changes)


MODIFIER = table("modifier.dark", LESS)
REST = table("indication.scars", USE) + MODIFIER
BODY = table("area.cheek", AREA) + table("indication.scars", USE)


def shipped(name: str) -> Profile:
    """Return a profile that comes with penpilot."""
    return parse((FOLDER / f"{name}.toml").read_bytes())


def test_profile_is_read_as_it_stands() -> None:
    """Every figure of the file is where it belongs."""
    caps = Caps("cheek", "cheek", 500, 700, 1_000, "A", "[DOM] 3.3")
    scars = Caps("scars", "scars", 500, 700, 1_000, "A", "[DOM] 3.3")
    wanted = Profile(
        name="Test",
        jurisdiction="xx",
        version=3,
        areas={"cheek": AreaProfile(caps, 2)},
        indications={"scars": IndicationProfile(scars, ("cheek",), 3, 28)},
        modifiers={"dark": Modifier("dark skin", 250, source="[DOM] 3.4")},
    )

    assert wanted == parse(area().encode())


@pytest.mark.req("SR-001", "SR-028")
def test_area_and_indication_speak_in_their_layers_and_in_two_tiers() -> None:
    """Each gives its hard cap and the top of its recommended range, and says whose it is."""
    profile = parse(area().encode())

    depth = Limit(Layer.AREA, Quantity.DEPTH_UM, 0, 1_000, "cheek limit", 700)
    passes = Limit(Layer.AREA, Quantity.PASSES, 1, 2, "cheek limit")
    assert (depth, passes) == profile.areas["cheek"].limits()
    scars = Limit(Layer.INDICATION, Quantity.DEPTH_UM, 0, 1_000, "scars indication", 700)
    assert (scars,) == profile.indication_limits("cheek", "scars")


@pytest.mark.req("SR-001")
def test_without_an_indication_all_of_the_area_speak() -> None:
    """The tightest then binds; an indication that does not apply says nothing at all."""
    profile = shipped("us")

    said = {one.source for one in profile.indication_limits("cheek", "")}
    assert {"acne_scars indication", "wrinkles indication"} == said
    assert () == profile.indication_limits("forehead", "wrinkles")
    assert () == profile.indication_limits("eyelid", "")


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "format"),
        (area().replace("format = 2", "format = true"), "format"),
        (area().replace("format = 2", "format = 2.0"), "format"),
        (area().replace("format = 2", "format = 1"), "format"),
        (HEAD, "area"),
        (HEAD + "area = []", "area"),
        (HEAD + "[area]", "area"),
        (HEAD + "[area]\ncheek = 1", "area.cheek"),
        (HEAD + table("area.Cheek", AREA), "area"),
        (HEAD + table("area.cheek", AREA), "indication"),
        (HEAD + BODY, "modifier"),
        (area().replace("version = 3", "version = 0"), "version"),
        (area().replace("version = 3", 'version = "3"'), "version"),
        (area().replace("version = 3\n", ""), "version"),
        (area().replace('"xx"', '"../us"'), "jurisdiction"),
        (area().replace('"Test"', '"a\\nb"'), "name"),
        (area().replace("version", "notes = 1\nversion"), "notes"),
        (area(depht_um_max="500"), "area.cheek.depht_um_max"),
        (area(depth_um_max=None), "area.cheek.depth_um_max"),
        (area(depth_um_max="699"), "area.cheek.depth_um_max"),
        (area(depth_um_max=str(DEPTH_UM_ABSOLUTE + 1)), "area.cheek.depth_um_max"),
        (area(depth_um_max="1000.0"), "area.cheek.depth_um_max"),
        (area(depth_um_max="true"), "area.cheek.depth_um_max"),
        (area(depth_um_max="0x" + "f" * 900), "area.cheek.depth_um_max"),
        (area(depth_um_start="0"), "area.cheek.depth_um_start"),
        (area(depth_um_start="701"), "area.cheek.depth_um_confirm_above"),
        (area(depth_um_confirm_above=None), "area.cheek.depth_um_confirm_above"),
        (area(passes_max="0"), "area.cheek.passes_max"),
        (area(passes_max=str(PASSES_ABSOLUTE + 1)), "area.cheek.passes_max"),
        (area(passes_max="nan"), "area.cheek.passes_max"),
        (area(grade='"D"'), "area.cheek.grade"),
        (area(label='""'), "area.cheek.label"),
        (area(source=None), "area.cheek.source"),
        (use(areas="[]"), "indication.scars.areas"),
        (use(areas='"cheek"'), "indication.scars.areas"),
        (use(areas="[1]"), "indication.scars.areas"),
        (use(areas='["cheek", "cheek"]'), "indication.scars.areas"),
        (use(areas='["eyelid"]'), "indication.scars.areas"),
        (use(sessions="0"), "indication.scars.sessions"),
        (use(interval_days="1e3"), "indication.scars.interval_days"),
        (use(passes_max="2"), "indication.scars.passes_max"),
        (less(depth_um_less="0"), "modifier.dark.depth_um_less"),
        (less(depth_um_less="-250"), "modifier.dark.depth_um_less"),
        (less(label="1"), "modifier.dark.label"),
        (area() + table("area.chin", AREA), "area.chin"),
        ("\x00", "profile"),
        ("a = " + "[" * 5_000, "profile"),
    ],
)
def test_damaged_profile_is_refused_by_field(text: str, field: str) -> None:
    """A profile that says too little, too much or the wrong thing is refused in one line."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode())

    assert field == caught.value.field
    assert str(caught.value).isprintable()


def test_profile_that_is_not_utf_8_is_refused_by_the_byte() -> None:
    """The message says which byte is wrong."""
    with pytest.raises(ConfigError, match="profile = 'byte 3': must be UTF-8"):
        parse(b"# \x20\xff")


@pytest.mark.parametrize("name", ["us", "eu"])
def test_shipped_profile_is_within_what_nothing_lifts(name: str) -> None:
    """It starts low, ends low, grades its evidence, names its sources and its jurisdiction."""
    profile = shipped(name)

    assert name == profile.jurisdiction
    every = [one.caps for one in (*profile.areas.values(), *profile.indications.values())]
    for caps in every:
        low, soft, hard = caps.depth_um_start, caps.depth_um_confirm_above, caps.depth_um_max
        assert 0 < low <= soft <= hard <= 2_000, caps
        assert caps.source.startswith("[DOM] 3.3"), caps
    assert all(one.passes_max <= 4 for one in profile.areas.values())


def test_caps_of_the_areas_are_those_of_the_source() -> None:
    """All rows of [DOM] 3.3 a, typed here from the table: start, confirm above, cap, passes."""
    rows = {
        "periorbital": (250, 250, 500, 2),
        "forehead": (500, 500, 750, 3),
        "glabella": (500, 500, 1_000, 3),
        "temple": (250, 500, 500, 2),
        "nose": (250, 250, 500, 2),
        "cheekbone": (500, 750, 1_000, 3),
        "cheek": (750, 1_000, 1_500, 4),
        "upper_lip": (250, 250, 500, 2),
        "chin": (500, 750, 1_000, 3),
        "neck": (250, 500, 1_000, 3),
        "chest": (500, 500, 1_000, 3),
        "abdomen": (1_000, 1_500, 2_000, 4),
        "abdominal_scar": (1_000, 1_500, 2_000, 4),
        "thigh": (1_000, 1_500, 2_000, 4),
        "scalp": (500, 600, 1_000, 4),
        "hand": (500, 500, 750, 3),
        "knee": (500, 500, 750, 3),
    }
    found = {
        name: (
            one.caps.depth_um_start,
            one.caps.depth_um_confirm_above,
            one.caps.depth_um_max,
            one.passes_max,
        )
        for name, one in shipped("eu").areas.items()
    }

    assert rows == found


@pytest.mark.req("SR-001", "SR-028")
def test_choosing_a_jurisdiction_raises_no_cap() -> None:
    """What both profiles allow, they allow to the same depth, as often and in the same tiers."""
    us, eu = shipped("us"), shipped("eu")

    assert us.areas == {name: eu.areas[name] for name in us.areas}
    for name, one in us.indications.items():
        assert one.caps == eu.indications[name].caps
        assert set(one.areas) <= set(eu.indications[name].areas)
    assert us.modifiers == eu.modifiers


def test_us_profile_leaves_out_what_the_us_class_does_not_cover() -> None:
    """No product, no hair, no stretch marks, no glow, and no place without a record."""
    us, eu = shipped("us"), shipped("eu")

    left_out = {"chest", "abdomen", "thigh", "scalp", "hand", "knee"}
    assert left_out == set(eu.areas) - set(us.areas)
    cleared = {"acne_scars", "wrinkles", "neck_wrinkles", "surgical_scar"}
    assert cleared == set(us.indications)
    assert {"texture", "pores", "stretch_marks", "hair"} == set(eu.indications) - cleared
    assert {"periorbital", "glabella", "cheek"} == set(us.indications["wrinkles"].areas)
    assert not any("periorbital" in one.areas for one in (us.indications["acne_scars"],))


def test_shipped_modifiers_take_no_less_than_the_safety_core_says() -> None:
    """Type IV to VI skin and dark marks take 250 um each."""
    takes = sorted(one.depth_um_less for one in shipped("us").modifiers.values())

    assert sorted(one.depth_um_less for one in MODIFIERS) == takes == [250, 250]


@pytest.mark.parametrize("name", ["us", "eu"])
def test_shipped_profile_is_marked_as_not_approved_and_says_what_is_left_out(name: str) -> None:
    """Whoever opens it reads that a clinician has to approve it, and what it lacks and why."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    head = text[: text.index("format = 2")]

    assert "TO BE APPROVED BY A CLINICIAN" in head
    assert "Left out on purpose" in head
    assert "product absorption" in head


def test_no_figure_of_a_profile_is_dead() -> None:
    """Every key of the files is one that the reader knows, since it refuses all others."""
    for name in ("us", "eu"):
        document = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        profile = shipped(name)
        assert set(document["area"]) == set(profile.areas)
        assert set(document["indication"]) == set(profile.indications)
        assert set(document["modifier"]) == set(profile.modifiers)
