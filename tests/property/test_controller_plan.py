"""Whatever bytes a plan file holds, reading it gives a plan or one line; hashes tell meanings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.errors import PlanError
from controller.plan import PATCH_MM2, RANGES, AreaRequest, Patient, Plan, load_plan
from controller.profile_file import parse

PROFILE = parse((Path(__file__).parents[2] / "controller/profiles/us.toml").read_bytes())
KNOWN = sorted(PROFILE.areas)
KEYS = ["format", "name", "area", "depth_um", "speed_dhz", "passes", "patch_mm2", "depht_um"]
KEYS += ["indication", "reason", "patient", "modifiers", "patient.modifiers"]
VALUES = ["1", "-1", "500", "1e3", "nan", "true", '"cheek"', '"\\n"', "[]", "[[1]]", "{a=1}"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is written anew for every example."""
    return tmp_path_factory.mktemp("plans") / "plan.toml"


def outcome(path: Path, data: bytes) -> Plan | str:
    """Return what reading these bytes gives: a plan, or the line that says why not."""
    path.write_bytes(data)
    try:
        return load_plan(path, PROFILE)
    except PlanError as error:
        return str(error)


def is_one_line(text: str) -> bool:
    """Return whether a terminal shows this text as one line and in one colour."""
    return text.isprintable() and ": " in text and len(text) < 500


@pytest.mark.req("SR-017")
@given(data=st.binary(max_size=300))
def test_any_bytes_give_a_plan_or_one_line(path: Path, data: bytes) -> None:
    """Random bytes raise nothing but the one error, which is one printable line."""
    found = outcome(path, data)

    assert isinstance(found, Plan) or is_one_line(found)


def lines() -> st.SearchStrategy[str]:
    """Return lines that look like those of a plan, right and wrong ones."""
    key = st.sampled_from(KEYS) | st.text(max_size=8).map(ascii)
    value = st.sampled_from(VALUES) | st.integers().map(str) | st.text(max_size=8).map(repr)
    pair = st.tuples(key, value).map(" = ".join)
    return st.lists(pair | st.sampled_from(["[[area]]", "[area]", "[[area.area]]"])).map("\n".join)


@pytest.mark.req("SR-017")
@given(text=lines())
def test_anything_that_looks_like_a_plan_gives_a_plan_or_one_line(path: Path, text: str) -> None:
    """Right keys with wrong values, in any order, raise nothing but the one error."""
    found = outcome(path, text.encode("utf-8", "surrogatepass"))

    assert isinstance(found, Plan) or is_one_line(found)


def printable() -> st.SearchStrategy[str]:
    """Return letters of any language that TOML needs no escape for."""
    return st.characters(codec="utf-8", exclude_characters='"\\').filter(str.isprintable)


@st.composite
def areas(draw: st.DrawFn) -> AreaRequest:
    """Return requests within all bounds, with an indication of the area or none."""
    area = draw(st.sampled_from(KNOWN))
    reasons = st.text(printable(), min_size=1, max_size=120).filter(str.strip)
    asked = st.builds(
        AreaRequest,
        area=st.just(area),
        indication=st.sampled_from(["", *PROFILE.indications_of(area)]),
        reason=st.just("") | reasons,
        depth_um=st.integers(*RANGES["depth_um"]),
        speed_dhz=st.integers(*RANGES["speed_dhz"]),
        passes=st.integers(*RANGES["passes"]),
        patch_mm2=st.integers(*PATCH_MM2),
    )
    return draw(asked)


def patients() -> st.SearchStrategy[Patient]:
    """Return patients with all modifiers, some or none."""
    names = st.sets(st.sampled_from(sorted(PROFILE.modifiers)))
    return names.map(lambda found: Patient(tuple(sorted(found))))


def plans() -> st.SearchStrategy[Plan]:
    """Return plans that may be written down."""
    name = st.text(printable(), min_size=1, max_size=80)
    listed = st.lists(areas(), min_size=1, max_size=3, unique_by=lambda area: area.area)
    return st.builds(Plan, name, listed.map(tuple), st.none() | patients())


def written(plan: Plan, *, is_reversed: bool) -> bytes:
    """Return a plan as TOML, its fields in one order or the other."""
    text = f'format = 1\nname = "{plan.name}"\n'
    if plan.patient is not None:
        named = ", ".join(f'"{one}"' for one in plan.patient.modifiers)
        text += f"patient = {{ modifiers = [{named}] }}\n"
    for area in plan.areas:
        fields = [f'area = "{area.area}"'] + [
            f"{key} = {getattr(area, key)}"
            for key in ("depth_um", "speed_dhz", "passes", "patch_mm2")
        ]
        for key in ("indication", "reason"):
            fields += [f'{key} = "{getattr(area, key)}"'] if getattr(area, key) else []
        text += "\n".join(["[[area]]", *(fields[::-1] if is_reversed else fields), ""])
    return text.encode()


@given(plan=plans(), is_reversed=st.booleans())
def test_plan_that_was_written_down_is_read_back(
    path: Path, plan: Plan, *, is_reversed: bool
) -> None:
    """Every plan within the bounds is read as it was meant, with the hash of its meaning."""
    found = outcome(path, written(plan, is_reversed=is_reversed))

    assert plan == found
    assert plan.digest == getattr(found, "digest", None)


@given(one=plans(), other=plans())
def test_digests_are_equal_exactly_where_plans_are(one: Plan, other: Plan) -> None:
    """No two plans share a hash, and a plan and its copy do."""
    assert (one == other) == (one.digest == other.digest)
    assert one.digest == replace(one).digest
