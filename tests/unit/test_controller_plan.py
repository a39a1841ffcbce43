"""What a treatment plan must be, field by field, and what its hash means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.errors import ExitCode, PlanError
from controller.plan import (
    AREAS_MAX,
    REASON_LENGTH_MAX,
    AreaRequest,
    Patient,
    Plan,
    load_plan,
)
from controller.profile_file import parse
from controller.words import NAME_LENGTH_MAX

ROOT = Path(__file__).parents[2]
SHIPPED = parse((ROOT / "controller" / "profiles" / "us.toml").read_bytes())
KNOWN = frozenset({"cheek", "forehead", *(f"area{i}" for i in range(AREAS_MAX + 1))})
PROFILE = replace(SHIPPED, areas=dict.fromkeys(sorted(KNOWN), SHIPPED.areas["cheek"]))
FIELDS = {"area": '"cheek"', "depth_um": "500", "speed_dhz": "1000"}
FIELDS |= {"passes": "2", "patch_mm2": "400"}
LOWEST = {"depth_um": 1, "speed_dhz": 1, "passes": 1, "patch_mm2": 50}
HIGHEST = {"depth_um": 2_500, "speed_dhz": 1_500, "passes": 10, "patch_mm2": 60_000}


def table(**changes: str | None) -> str:
    """Return one [[area]] with some fields written otherwise; None leaves a field out."""
    lines = [f"{key} = {value}" for key, value in (FIELDS | changes).items() if value is not None]
    return "\n".join(["[[area]]", *lines, ""])


def head(**changes: str | None) -> str:
    """Return what stands above the areas."""
    fields = {"format": "1", "name": '"Plan"'} | changes
    return "".join(f"{key} = {value}\n" for key, value in fields.items() if value is not None)


def read(tmp_path: Path, text: str) -> Plan:
    """Return the plan of a text."""
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return load_plan(path, PROFILE)


def refusal(tmp_path: Path, text: str) -> PlanError:
    """Return what a plan is refused with: one printable line and the exit code of bad input."""
    with pytest.raises(PlanError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert str(error).isprintable(), str(error)
    assert ExitCode.INPUT == error.exit_code
    return error


@pytest.mark.req("SR-002", "SR-017", "HZ-30")
@pytest.mark.parametrize("field", sorted(LOWEST))
@pytest.mark.parametrize(
    ("written", "shown", "rule"),
    [
        (None, "missing", "is missing"),
        ("-1", "-1", "must be {low} to {high}"),
        ("0", "0", "must be {low} to {high}"),
        ("100000", "100000", "must be {low} to {high}"),
        (str(2**70), str(2**70), "must be {low} to {high}"),
        ("0x" + "f" * 900, "0x", "must be {low} to {high}"),
        ("nan", "nan", "must be a whole number"),
        ("inf", "inf", "must be a whole number"),
        ("-inf", "-inf", "must be a whole number"),
        ("true", "true", "must be a whole number"),
        ("500.0", "500.0", "must be a whole number"),
        ("5e2", "500.0", "must be a whole number"),
        ('"500"', "'500'", "must be a whole number"),
        ("[500]", "[500]", "must be a whole number"),
        ("{ um = 500 }", "{'um': 500}", "must be a whole number"),
        ("2026-11-22", "datetime.date(2026, 11, 22)", "must be a whole number"),
    ],
)
def test_number_is_refused_by_field_value_and_rule(
    tmp_path: Path, field: str, written: str | None, shown: str, rule: str
) -> None:
    """Only whole numbers within the bounds are numbers; the line names field, value and rule."""
    error = refusal(tmp_path, head() + table(**{field: written}))

    wanted = rule.format(low=LOWEST[field], high=HIGHEST[field])
    assert (f"area[1] cheek.{field}", wanted) == (error.field, error.rule)
    if written and written.startswith("0x"):
        shown = str(int(written, 16))[:57] + "..."
    assert shown == error.value
    assert f"area[1] cheek.{field} = {shown}: {wanted}" == str(error)


@pytest.mark.parametrize("field", sorted(LOWEST))
def test_number_is_taken_at_both_of_its_bounds(tmp_path: Path, field: str) -> None:
    """The lowest and the highest value of every field are in, the next ones are out."""
    for value in (LOWEST[field], HIGHEST[field]):
        (area,) = read(tmp_path, head() + table(**{field: str(value)})).areas
        assert value == getattr(area, field)
    for value in (LOWEST[field] - 1, HIGHEST[field] + 1):
        assert str(value) == refusal(tmp_path, head() + table(**{field: str(value)})).value


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("", "format", "missing"),
        (head(format="2") + table(), "format", "2"),
        (head(format="true") + table(), "format", "true"),
        (head(format="1.0") + table(), "format", "1.0"),
        (head(), "area", "missing"),
        (head() + 'area = "cheek"', "area", "'cheek'"),
        (head() + "area = []", "area", "[]"),
        (head() + "area = [1]", "area[1]", "1"),
        (head() + "[area]\n", "area", "{}"),
        (head(name=None) + table(), "name", "missing"),
        (head(name="7") + table(), "name", "7"),
        (head(name='""') + table(), "name", "''"),
        (head(name=f'"{"n" * (NAME_LENGTH_MAX + 1)}"') + table(), "name", "'" + "n" * 56 + "..."),
        (head(name='"  "') + table(), "name", "'  '"),
        (head(name=r'"a\nb"') + table(), "name", r"'a\nb'"),
        (head(name=r'"a\u001b[31m"') + table(), "name", r"'a\x1b[31m'"),
        (head(name=r'"a\u202eb"') + table(), "name", r"'a\u202eb'"),
        (head() + table(area=None), "area[1].area", "missing"),
        (head() + table(area="3"), "area[1].area", "3"),
        (head() + table(area='["cheek"]'), "area[1].area", "['cheek']"),
        (head() + table(area='"Cheek"'), "area[1].area", "'Cheek'"),
        (head() + table(area='"eyelid"'), "area[1].area", "'eyelid'"),
        (head() + table() + table(area='"nose"'), "area[2].area", "'nose'"),
        (head() + table() + table(), "area[2].area", "cheek"),
        (head() + table(depht_um="9"), "area[1].depht_um", "9"),
        (head(notes='"x"') + table(), "notes", "'x'"),
        (head() + "[profile]\n" + table(), "profile", "{}"),
        (head(indication='"hair"') + table(), "area[1] cheek.indication", "'hair'"),
        (head(indication="1") + table(), "area[1] cheek.indication", "1"),
        (head() + table(indication='""'), "area[1] cheek.indication", "''"),
        (head() + table(indication='["wrinkles"]'), "area[1] cheek.indication", "['wrinkles']"),
        (
            head(indication='"wrinkles"') + table() + table(area='"forehead"'),
            "area[2] forehead.indication",
            "'wrinkles'",
        ),
        (head() + table(reason='""'), "area[1] cheek.reason", "''"),
        (head() + table(reason='"  "'), "area[1] cheek.reason", "'  '"),
        (head() + table(reason="true"), "area[1] cheek.reason", "true"),
        (head() + table(reason=r'"a\nb"'), "area[1] cheek.reason", r"'a\nb'"),
        (
            head() + table(reason=f'"{"n" * (REASON_LENGTH_MAX + 1)}"'),
            "area[1] cheek.reason",
            "'" + "n" * 56 + "...",
        ),
        (head(patient="1") + table(), "patient", "1"),
        (head(patient="{}") + table(), "patient.modifiers", "missing"),
        (head(patient="{ name = 'x' }") + table(), "patient.name", "'x'"),
        (head(patient="{ modifiers = 'x' }") + table(), "patient.modifiers", "'x'"),
        (head(patient="{ modifiers = ['x'] }") + table(), "patient.modifiers", "['x']"),
        (head(patient="{ modifiers = [[]] }") + table(), "patient.modifiers", "[[]]"),
        (
            head(patient="{ modifiers = ['pigment_history', 'pigment_history'] }") + table(),
            "patient.modifiers",
            "['pigment_history', 'pigment_history']",
        ),
    ],
)
def test_plan_is_refused_by_field_and_value(
    tmp_path: Path, text: str, field: str, value: str
) -> None:
    """A wrong format, name or area, a doubled area and an unknown or misspelt key are named."""
    error = refusal(tmp_path, text)

    assert (field, value) == (error.field, error.value)
    assert error.rule.startswith("must ")


def test_unknown_area_is_answered_with_all_known_ones(tmp_path: Path) -> None:
    """Who misspells an area reads the right names and whose they are, in the same line."""
    error = refusal(tmp_path, head() + table(area='"cheeck"'))

    known = ", ".join(sorted(KNOWN))
    assert f"must be one of: {known} (profile in force: {PROFILE.jurisdiction})" == error.rule
    assert str(error).startswith("area[1].area = 'cheeck': must be one of: ")


@pytest.mark.parametrize(
    "text", [head(indication='"x"') + table(), head(patient="{ modifiers = ['x'] }") + table()]
)
def test_rule_for_a_name_says_which_profile_is_in_force(tmp_path: Path, text: str) -> None:
    """What is known in one jurisdiction need not be in another."""
    assert f"(profile in force: {PROFILE.jurisdiction})" in refusal(tmp_path, text).rule


def test_plan_holds_at_most_40_areas(tmp_path: Path) -> None:
    """Forty areas are a plan, forty-one are none."""
    tables = [table(area=f'"area{i}"') for i in range(AREAS_MAX + 1)]

    assert AREAS_MAX == len(read(tmp_path, head() + "".join(tables[:-1])).areas)
    assert "area" == refusal(tmp_path, head() + "".join(tables)).field


def test_longest_name_is_taken_whole(tmp_path: Path) -> None:
    """Eighty characters, letters of any language, are a name."""
    name = "Gesicht, größere Fläche " + "é" * (NAME_LENGTH_MAX - 24)

    assert name == read(tmp_path, head(name=f'"{name}"') + table()).name


def test_plan_keeps_the_order_of_its_areas(tmp_path: Path) -> None:
    """Areas are treated in the order in which they stand."""
    text = head() + table(area='"forehead"', depth_um="250") + table()

    wanted = (
        AreaRequest("forehead", 250, 1_000, 2, 400),
        AreaRequest("cheek", 500, 1_000, 2, 400),
    )
    assert wanted == read(tmp_path, text).areas


def test_digest_is_the_same_where_only_the_spelling_differs(tmp_path: Path) -> None:
    """Comments, order of fields, quotes, underscores and number bases do not change a plan."""
    other = (
        "# a comment\nname = 'Plan'\narea = [{ patch_mm2 = 0x190, passes = 0b10, depth_um = 5_00, "
        "speed_dhz = +1000, area = '''cheek''' }]\nformat = 0o1\n"
    )

    assert read(tmp_path, head() + table()).digest == read(tmp_path, other).digest


def test_digest_differs_where_the_meaning_differs(tmp_path: Path) -> None:
    """Another name, field, number of areas or order of areas is another plan."""
    cheek, forehead = table(), table(area='"forehead"')
    changed = [{"depth_um": "501"}, {"speed_dhz": "1001"}, {"passes": "1"}, {"patch_mm2": "401"}]
    texts = [cheek, forehead, cheek + forehead, forehead + cheek]
    texts += [table(**change) for change in changed]
    plans = [read(tmp_path, head() + text) for text in texts]
    plans.append(read(tmp_path, head(name='"Plan 2"') + cheek))

    assert len(plans) == len({plan.digest for plan in plans})
    assert all(len(plan.digest) == 64 for plan in plans)


def test_digest_differs_where_indication_reason_or_patient_differ(tmp_path: Path) -> None:
    """What decides about limits is part of what a plan means."""
    texts = [
        head() + table(),
        head() + table(indication='"wrinkles"'),
        head() + table(indication='"acne_scars"'),
        head() + table(reason='"deep scars"'),
        head(patient="{ modifiers = [] }") + table(),
        head(patient="{ modifiers = ['pigment_history'] }") + table(),
    ]

    assert len(texts) == len({read(tmp_path, text).digest for text in texts})


def test_area_has_its_own_indication_or_that_of_the_plan(tmp_path: Path) -> None:
    """What stands in the area goes before what stands above all areas."""
    text = head(indication='"acne_scars"') + table(area='"forehead"')
    plan = read(tmp_path, text + table(indication='"wrinkles"', reason='"asked for"'))

    assert [("acne_scars", ""), ("wrinkles", "asked for")] == [
        (area.indication, area.reason) for area in plan.areas
    ]
    assert "" == read(tmp_path, head() + table()).areas[0].indication


@pytest.mark.req("SR-017", "SR-029")
def test_patient_is_known_only_where_the_plan_says_so(tmp_path: Path) -> None:
    """Silence is not an empty list; the order of modifiers means nothing."""
    both = "{ modifiers = ['pigment_history', 'fitzpatrick_4_to_6'] }"

    assert None is read(tmp_path, head() + table()).patient
    assert Patient() == read(tmp_path, head(patient="{ modifiers = [] }") + table()).patient
    known = Patient(("fitzpatrick_4_to_6", "pigment_history"))
    assert known == read(tmp_path, head(patient=both) + table()).patient


def test_example_plan_is_a_plan_for_the_profile_without_a_choice() -> None:
    """The plan that the demo treats can be read, and says what it treats and of whom."""
    plan = load_plan(ROOT / "examples" / "plans" / "face.toml", SHIPPED)

    wanted = [("forehead", "acne_scars"), ("periorbital", "wrinkles"), ("cheek", "acne_scars")]
    assert wanted == [(area.area, area.indication) for area in plan.areas]
    assert Patient() == plan.patient
