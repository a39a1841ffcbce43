"""The clinical profile: what its file must be, and what the one that comes with penpilot says."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.errors import ConfigError
from controller.profile import AreaProfile, Profile, load, load_default
from safety.limits import DEPTH_UM_ABSOLUTE, PASSES_ABSOLUTE, Layer, Limit, Quantity

HEAD = 'format = 1\nname = "test"\nversion = 3\n'
CHEEK = {"depth_um_start": "500", "depth_um_max": "1000", "passes_max": "2"}


def area(name: str = "cheek", **changes: str | None) -> str:
    """Return one [area.NAME] with some fields written otherwise."""
    lines = [f"{key} = {value}" for key, value in (CHEEK | changes).items() if value is not None]
    return "\n".join([f"[area.{name}]", *lines, ""])


def read(tmp_path: Path, text: str) -> Profile:
    """Return the profile of a text."""
    path = tmp_path / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_profile_is_read_as_it_stands(tmp_path: Path) -> None:
    """Name, version and areas come from the file; a label is the area's name unless given."""
    profile = read(tmp_path, HEAD + area() + area("chin", label='"the chin"', grade='"B"'))

    cheek = AreaProfile("cheek", "cheek", 500, 1_000, 2, "")
    chin = AreaProfile("chin", "the chin", 500, 1_000, 2, "B")
    assert Profile("test", 3, {"cheek": cheek, "chin": chin}) == profile


def test_area_speaks_for_depth_and_passes_in_its_layer(tmp_path: Path) -> None:
    """An area limits protrusion and passes and says that the limit is its own."""
    limits = read(tmp_path, HEAD + area()).areas["cheek"].limits()

    wanted = (
        Limit(Layer.AREA, Quantity.DEPTH_UM, 0, 1_000, "cheek limit"),
        Limit(Layer.AREA, Quantity.PASSES, 1, 2, "cheek limit"),
    )
    assert wanted == limits


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "format"),
        ("format = true", "format"),
        ("format = 1.0", "format"),
        ("format = 2", "format"),
        (HEAD, "area"),
        (HEAD + "area = []", "area"),
        (HEAD + "[area]", "area"),
        (HEAD + "[area]\ncheek = 1", "area.cheek"),
        (HEAD.replace("3", "0") + area(), "version"),
        (HEAD.replace("3", '"3"') + area(), "version"),
        (HEAD + "notes = 1\n" + area(), "notes"),
        (HEAD + area(depht_um_max="500"), "area.cheek.depht_um_max"),
        (HEAD + area(depth_um_max=None), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_max="0"), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_max=str(DEPTH_UM_ABSOLUTE + 1)), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_max="1000.0"), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_max="true"), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_max="0x" + "f" * 900), "area.cheek.depth_um_max"),
        (HEAD + area(depth_um_start="1001"), "area.cheek.depth_um_start"),
        (HEAD + area(depth_um_start=None), "area.cheek.depth_um_start"),
        (HEAD + area(passes_max="0"), "area.cheek.passes_max"),
        (HEAD + area(passes_max=str(PASSES_ABSOLUTE + 1)), "area.cheek.passes_max"),
        (HEAD + area(passes_max="nan"), "area.cheek.passes_max"),
    ],
)
def test_damaged_profile_is_refused_by_field(tmp_path: Path, text: str, field: str) -> None:
    """A profile that says too little, too much or the wrong thing is refused in one line."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)

    assert field == caught.value.field
    assert str(caught.value).isprintable()


def test_default_profile_is_within_what_nothing_lifts() -> None:
    """The profile that comes with penpilot starts low, ends low, and grades its evidence."""
    profile = load_default()

    assert 15 == len(profile.areas)
    for name, one in profile.areas.items():
        assert name == one.area
        assert 0 < one.depth_um_start <= one.depth_um_max <= DEPTH_UM_ABSOLUTE, name
        assert 1 <= one.passes_max <= PASSES_ABSOLUTE, name
        assert one.grade in "ABCP", name
        assert one.grade, name


def test_default_profile_is_marked_as_not_approved() -> None:
    """Whoever opens the file reads that a clinician has to approve it."""
    path = Path(__file__).parents[2] / "controller" / "profiles" / "default.toml"

    assert "TO BE APPROVED BY A CLINICIAN" in path.read_text(encoding="utf-8")
