"""Which sessions may begin, which may go on, and what counts as delivered before."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config import Home
from controller.errors import ConfigError, ExitCode, PlanError, RefusedError
from controller.opening import (
    NO_PATIENT,
    describe_areas,
    new_session_id,
    opened_body,
    read_plan,
)
from controller.plan import AreaRequest, Patient, Plan
from controller.profile_memory import accepted
from controller.records.sessions import fold
from controller.records.store import RecordStore
from controller.running import Running, announce
from safety.ledger import Ledger
from tests.unit.opening_bench import AREA, NOW, PEN, PLAN, begin, record

PROFILES = Path(__file__).parents[2] / "controller" / "profiles"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder."""
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home) -> Iterator[RecordStore]:
    """A record without entries."""
    with RecordStore(home.records_db, home.record_key) as made:
        yield made


def test_session_begins_with_an_empty_ledger_and_its_grants(store: RecordStore, home: Home) -> None:
    """A plan within all limits, on a machine without a record, may begin."""
    opening = begin(store, home)

    assert (PLAN, Ledger(), False) == (opening.plan, opening.ledger, opening.is_resumed)
    assert [True] == [one.is_granted for one in opening.grants]
    assert [] == list(store.entries())


def test_session_id_sorts_by_time_and_is_never_the_same() -> None:
    """Date, time and chance; a name that fits into a file name and a record."""
    names = {new_session_id(NOW) for _ in range(100)}

    assert 100 == len(names)
    assert all(re.fullmatch(r"20261122-140305-[0-9a-f]{8}", name) for name in names)
    assert max(names) < new_session_id(NOW.replace(second=6))


@pytest.mark.req("SR-001", "SR-017")
@pytest.mark.parametrize(
    ("area", "says"),
    [
        (replace(AREA, depth_um=1_501), "cheek limit (0 to 1500 less 60 of guard band"),
        (replace(AREA, depth_um=1_050), "more than 1000 takes a named reason"),
        (replace(AREA, depth_um=1_441, reason="x"), "nothing allows more than 1440"),
        (replace(AREA, passes=5), "cheek limit (1 to 4)"),
        (replace(AREA, depth_um=1_000, speed_dhz=700), "slower needles drag at 1000 um"),
        (replace(AREA, depth_um=30), "stepped down to a multiple of 50"),
    ],
)
def test_session_is_refused_above_a_limit_in_words(
    store: RecordStore, home: Home, area: AreaRequest, says: str
) -> None:
    """The whole plan is refused, with exit code 3, and the limit that stands against it."""
    with pytest.raises(RefusedError) as caught:
        begin(store, home, plan=Plan("Face", (area,), Patient()))

    assert says in str(caught.value)
    assert ExitCode.REFUSED == caught.value.exit_code


def test_every_area_that_stands_against_a_plan_is_named(store: RecordStore, home: Home) -> None:
    """Two areas above their limits are two sentences."""
    areas = (replace(AREA, depth_um=2_000), replace(AREA, area="nose", depth_um=600))
    with pytest.raises(RefusedError, match=r"cheek: depth_um.*; nose: depth_um"):
        begin(store, home, plan=Plan("Face", areas, Patient()))


@pytest.mark.req("SR-001", "SR-029")
def test_session_with_an_unknown_patient_is_refused_with_what_to_do(
    store: RecordStore, home: Home
) -> None:
    """A plan that says nothing of the patient begins nothing."""
    with pytest.raises(RefusedError) as caught:
        begin(store, home, plan=replace(PLAN, patient=None))

    assert str(caught.value).startswith(NO_PATIENT)


def test_session_is_opened_under_the_signed_profile_and_remembers_it(
    store: RecordStore, home: Home
) -> None:
    """Version and hash stand in the data folder and in the record."""
    opening = begin(store, home)
    signed = opening.signed

    assert (signed.profile.version, signed.sha256) == accepted(home, "us")
    body = opened_body(opening, "/dev/pts/7", PEN, 3)["profile"]
    wanted = {"jurisdiction": "us", "version": signed.profile.version}
    assert wanted | {"sha256": signed.sha256, "key": signed.key} == body


@pytest.mark.req("SR-017", "SR-028")
def test_session_is_refused_under_a_profile_that_was_changed(
    store: RecordStore, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed figure, and nothing begins: the profile is verified at every opening."""
    begin(store, home)
    folder = tmp_path / "profiles"
    shutil.copytree(PROFILES, folder)
    text = (folder / "us.toml").read_text(encoding="utf-8")
    (folder / "us.toml").write_text(text.replace("depth_um_max = 1500", "depth_um_max = 2500"))
    monkeypatch.setattr("controller.profile_force.shipped", lambda: folder)

    with pytest.raises(ConfigError, match="signature"):
        begin(store, home)


@pytest.mark.req("SR-028")
def test_record_knows_a_newer_profile_where_the_memory_was_deleted(
    store: RecordStore, home: Home
) -> None:
    """Who deletes the accepted versions still cannot go back behind a recorded session."""
    opening = begin(store, home)
    body = opened_body(opening, "/dev/pts/7", PEN, 3)
    for place, version in (("eu", 9), ("us", opening.signed.profile.version)):
        told = {**body, "profile": body["profile"] | {"jurisdiction": place, "version": version}}
        store.append(f"s-{place}", "session_opened", told, NOW)
        store.append(f"s-{place}", "session_closed", {"outcome": "completed", "reason": ""}, NOW)
    shutil.rmtree(home.folder / "profiles")
    assert begin(store, home)

    newer = {**body, "profile": body["profile"] | {"version": 99}}
    store.append("s-new", "session_opened", newer, NOW)
    store.append("s-new", "session_closed", {"outcome": "completed", "reason": ""}, NOW)
    shutil.rmtree(home.folder / "profiles")
    with pytest.raises(ConfigError, match="must be at least 99"):
        begin(store, home)


@pytest.mark.req("SR-022")
@pytest.mark.parametrize("end", ["", "interrupted", "a word of a later program"])
def test_plan_of_an_interrupted_session_does_not_begin_again(
    store: RecordStore, home: Home, end: str
) -> None:
    """What was cut off waits for a decision; the refusal says what counted and what to do."""
    name = record(store, home, (1, "delivered"), (2, ""), end=end)
    with pytest.raises(RefusedError) as caught:
        begin(store, home)

    text = str(caught.value)
    assert f"session {name} of this plan was interrupted" in text
    assert "cheek 2 of 2 (1 uncertain)" in text
    assert f"--resume {name}" in text
    assert f"penpilot records close {name}" in text


@pytest.mark.parametrize("end", ["completed", "stopped", "faulted"])
def test_plan_of_an_ended_session_may_begin_again(store: RecordStore, home: Home, end: str) -> None:
    """A session that somebody ended keeps nobody from the next one."""
    record(store, home, (1, "delivered"), end=end)

    assert Ledger() == begin(store, home).ledger


def test_interrupted_session_of_another_plan_stands_in_nobodys_way(
    store: RecordStore, home: Home
) -> None:
    """Only the same plan is held back."""
    record(store, home, (1, ""))

    assert not begin(store, home, plan=replace(PLAN, name="Other")).is_resumed


def alive(home: Home, session: str) -> None:
    """Let a session look as if it ran."""
    announce(home, Running(session, os.getpid(), "/dev/pts/7", "/dev/pts/7", "127.0.0.1", 4_000))


def test_session_that_runs_now_is_not_taken_for_an_interrupted_one(
    store: RecordStore, home: Home
) -> None:
    """Two pens may treat by the same plan at the same time; a running one cannot be resumed."""
    name = record(store, home, (1, ""))
    alive(home, name)

    assert not begin(store, home).is_resumed
    with pytest.raises(RefusedError, match="runs at this moment"):
        begin(store, home, resume=name)


@pytest.mark.req("SR-022", "HZ-64")
def test_session_is_not_resumed_where_it_cannot_be(store: RecordStore, home: Home) -> None:
    """Not an unknown one, not a completed one, and not with another plan or a changed one."""
    done, cut = record(store, home, end="completed"), record(store, home, (1, ""))
    deeper = replace(PLAN, areas=(replace(PLAN.areas[0], depth_um=550),))

    for plan, name, says in (
        (PLAN, "20200101-000000-00000000", "there is no session"),
        (PLAN, done, "is completed and cannot be resumed"),
        (deeper, cut, r"was treated with another plan \(Face\)"),
    ):
        with pytest.raises(RefusedError, match=says):
            begin(store, home, plan=plan, resume=name)


def test_limits_are_looked_at_before_a_session_is_resumed(store: RecordStore, home: Home) -> None:
    """The pen of today may allow less than that of yesterday."""
    name = record(store, home, (1, ""))
    with pytest.raises(RefusedError, match="pen 42"):
        begin(store, home, resume=name, pen=replace(PEN, depth_um_max=400))


def test_opening_entry_says_who_what_and_with_which_pen(store: RecordStore, home: Home) -> None:
    """The record takes it, and the fold reads plan, pen and areas from it."""
    name = record(store, home)
    (session,) = fold(store.entries()).values()

    assert (name, "Face", True) == (session.id, session.plan_name, session.simulated)
    pen = {"serial_number": 42, "firmware": "1.3", "epoch": 3, "limits_hash": 0x957A, "needles": 12}
    assert pen.items() <= session.pen.items()
    (area,) = session.opened["areas"]
    wanted = {"area": "cheek", "depth_um_asked": 500, "depth_um": 500, "speed_dhz": 1_000}
    wanted |= {"passes": 2, "patch_mm2": 400, "strokes_per_pass": 334, "strokes_max": 1_666}
    wanted |= {"indication": "acne_scars", "tier": "recommended", "reason": ""}
    wanted |= {"binding": "acne_scars indication", "depth_um_limit": 1_440, "guard_band_um": 60}
    assert wanted.items() <= area.items()
    assert PLAN.digest == session.opened["plan_hash"]
    assert session.opened["software"].startswith("penpilot ")


def test_areas_are_described_in_one_line(store: RecordStore, home: Home) -> None:
    """What counts as delivered is told; where nothing was begun, that is told."""
    name = record(store, home, (1, "delivered"))
    session = fold(store.entries())[name]

    assert describe_areas(session).startswith("cheek 1 of 2")
    assert "no pass was begun" == describe_areas(replace(session, areas=()))


def test_plan_is_read_against_the_profile_that_was_chosen(
    tmp_path: Path, penpilot_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An area that the profile does not know is refused, one that it knows is read."""
    del penpilot_home
    path = tmp_path / "plan.toml"
    text = (
        'format = 1\nname = "x"\n[[area]]\narea = "{}"\ndepth_um = 1\nspeed_dhz = 1\npasses = 1\n'
    )
    for place, area, is_known in (
        ("us", "cheek", True),
        ("us", "scalp", False),
        ("eu", "scalp", True),
        ("eu", "eyelid", False),
    ):
        monkeypatch.setenv("PENPILOT_JURISDICTION", place)
        path.write_text(text.format(area) + "patch_mm2 = 50\n")
        if is_known:
            assert area == read_plan(path).areas[0].area
        else:
            with pytest.raises(PlanError, match="must be one of"):
                read_plan(path)
