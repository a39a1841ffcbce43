"""Sessions as they follow from entries: no pass is forgotten, and nothing unknown is fatal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from controller.records.describe import describe
from controller.records.entries import Entry
from controller.records.kinds import Outcome, Status
from controller.records.sessions import (
    ACQUITTED,
    Session,
    fold,
    interrupted_sessions,
    ledger,
)
from controller.records.store import RecordStore

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
OPENED = {
    "plan_name": "Face",
    "plan_hash": "00",
    "port": "/dev/pts/3",
    "pen": {"serial_number": 42, "firmware": "1.0", "simulated": True},
    "areas": [
        {
            "area": "forehead",
            "depth_um_asked": 500,
            "depth_um": 500,
            "passes": 2,
            "binding": "area",
        },
        {
            "area": "left cheek",
            "depth_um_asked": 900,
            "depth_um": 750,
            "passes": 3,
            "binding": "pen",
        },
    ],
    "software": "penpilot 0.1.0",
}
LEFT_2 = {"area": "left cheek", "number": 2}

Told = tuple[str, dict[str, Any]]


def session_of(*told: Told) -> Session:
    """Return the session that these kinds and bodies tell of."""
    entries = [
        Entry(seq, "s1", kind, f"2026-11-22T14:03:{seq:02d}.000Z", body, b"")
        for seq, (kind, body) in enumerate(told, 1)
    ]
    return fold(entries)["s1"]


def done(area: str, number: int, outcome: str) -> tuple[Told, ...]:
    """Return a pass from its plan to its end."""
    which = {"area": area, "number": number}
    return (
        ("pass_planned", {**which, "depth_um": 750, "speed_dhz": 1_000}),
        ("pass_started", which),
        ("pass_ended", {**which, "outcome": outcome, "strokes_total": 600, "reason": "done"}),
    )


def test_session_says_what_was_planned_and_done() -> None:
    """A whole session gives its plan, its pen, its passes and its outcome."""
    session = session_of(
        ("session_opened", OPENED),
        *done("forehead", 1, "delivered"),
        *done("left cheek", 1, "partial"),
        *done("left cheek", 2, "not_delivered"),
        ("session_closed", {"outcome": "stopped", "reason": "key"}),
    )
    forehead, cheek = session.areas

    assert ("s1", Status.STOPPED, "key", True) == (
        session.id,
        session.status,
        session.reason,
        session.simulated,
    )
    assert ("2026-11-22T14:03:01.000Z", "2026-11-22T14:03:11.000Z") == (
        session.opened_at,
        session.last_at,
    )
    assert {"forehead": 1, "left cheek": 1} == ledger(session)
    assert (2, 1, 1) == (forehead.planned, forehead.counted, len(forehead.passes))
    assert [Outcome.PARTIAL, Outcome.NOT_DELIVERED] == [each.outcome for each in cheek.passes]
    assert (750, 1_000, 600, "done", True, True) == (
        cheek.passes[0].depth_um,
        cheek.passes[0].speed_dhz,
        cheek.passes[0].strokes_total,
        cheek.passes[0].reason,
        cheek.passes[0].started,
        cheek.passes[0].ended,
    )


@pytest.mark.req("SR-007", "SR-022")
@pytest.mark.parametrize("known", [1, 2])
def test_pass_without_an_end_is_one_uncertain_pass(known: int) -> None:
    """From the moment it was planned a pass counts, whether its start is on record or not."""
    session = session_of(("session_opened", OPENED), *done("left cheek", 2, "delivered")[:known])

    assert {"forehead": 0, "left cheek": 1} == ledger(session)
    assert [Outcome.UNCERTAIN] == [each.outcome for each in session.areas[1].passes]


@pytest.mark.req("SR-007", "HZ-13", "R08")
@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ([], 0),
        ([*done("left cheek", 2, "delivered")], 1),
        ([*done("left cheek", 2, "not_delivered")], 0),
        ([*done("left cheek", 2, "no such outcome")], 1),
        ([("pass_started", LEFT_2)], 1),
        ([("pass_ended", {**LEFT_2, "outcome": "delivered"})], 1),
        ([("pass_ended", LEFT_2)], 1),
        ([("pass_ended", {**LEFT_2, "outcome": ["delivered"]})], 1),
        ([("pass_planned", LEFT_2), ("pass_planned", LEFT_2)], 2),
        ([("pass_planned", LEFT_2), *done("left cheek", 2, "delivered")], 2),
        ([("pass_planned", LEFT_2), *done("left cheek", 2, "not_delivered")], 1),
        ([*done("left cheek", 2, "delivered"), *done("left cheek", 2, "delivered")], 2),
        ([("pass_planned", {}), ("pass_planned", {"area": 7, "number": "x"})], 0),
    ],
)
def test_no_sequence_of_entries_forgets_a_pass(told: list[Told], counted: int) -> None:
    """Repeated, unplanned, unfinished and unreadable passes are counted, each one."""
    session = session_of(("session_opened", OPENED), *told)

    assert counted == ledger(session)["left cheek"]
    planned = [kind for kind, _ in told].count("pass_planned")
    assert planned <= sum(len(area.passes) for area in session.areas)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("first", ["partial", "uncertain", "not_delivered"])
@pytest.mark.parametrize(
    "then", [done("left cheek", 2, "delivered"), [("pass_planned", LEFT_2)]], ids=["done", "begun"]
)
def test_paused_pass_that_is_taken_up_again_is_one_pass(first: str, then: list[Told]) -> None:
    """A pass that ended early and is planned again under its number counts once."""
    told = [*done("left cheek", 2, first), *then]
    session = session_of(("session_opened", OPENED), *told)

    assert 1 == ledger(session)["left cheek"]


def reconciled(outcome: object, **changes: Any) -> Told:
    """Return what the comparison with the pen's stroke counter said."""
    body = {**LEFT_2, "outcome": outcome, "strokes_before": 1_234, "strokes_now": 1_234}
    return ("pass_reconciled", {**body, **changes})


CUT: tuple[Told, ...] = (("pass_planned", LEFT_2),)
"""A pass whose end nobody saw."""


@pytest.mark.req("SR-007", "SR-011", "R08")
@pytest.mark.parametrize(
    "told",
    [
        CUT,
        (*CUT, ("pass_started", LEFT_2)),
        (*CUT, ("pass_ended", {**LEFT_2, "outcome": "uncertain"}), ("resumed", {})),
        (*CUT, ("pass_ended", {**LEFT_2, "outcome": "no such word"})),
    ],
)
def test_pass_that_the_pen_acquits_counts_no_longer(told: tuple[Told, ...]) -> None:
    """An uncertain pass whose needles never moved is not delivered, and says why."""
    before = session_of(("session_opened", OPENED), *told)
    after = session_of(("session_opened", OPENED), *told, reconciled("not_delivered"))
    (one,) = after.areas[1].passes

    assert (1, 0) == (ledger(before)["left cheek"], ledger(after)["left cheek"])
    assert (Outcome.NOT_DELIVERED, True, ACQUITTED) == (one.outcome, one.ended, one.reason)


@pytest.mark.req("SR-007", "R08")
@pytest.mark.parametrize("outcome", ["delivered", "partial"])
def test_pass_whose_end_was_seen_is_not_taken_back_by_a_counter(outcome: str) -> None:
    """Only what was uncertain can be acquitted."""
    told = [*done("left cheek", 2, outcome), reconciled("not_delivered")]
    session = session_of(("session_opened", OPENED), *told)

    assert 1 == ledger(session)["left cheek"]
    assert [outcome] == [one.outcome for one in session.areas[1].passes]


@pytest.mark.req("SR-007", "R08")
@pytest.mark.parametrize(
    "told",
    [
        reconciled("uncertain"),
        reconciled("delivered"),
        reconciled("no such word"),
        reconciled(None),
        reconciled(["not_delivered"]),
        reconciled("not_delivered", number=1),
        reconciled("not_delivered", number="2"),
        reconciled("not_delivered", area="forehead"),
        reconciled("not_delivered", area=None),
    ],
)
def test_pass_stays_uncertain_unless_it_is_named_and_acquitted(told: Told) -> None:
    """Another word, another number or another area takes nothing back."""
    session = session_of(("session_opened", OPENED), *CUT, told)

    assert {"forehead": 0, "left cheek": 1} == ledger(session)
    assert [Outcome.UNCERTAIN] == [one.outcome for one in session.areas[1].passes]


@pytest.mark.req("SR-007", "HZ-13", "R08")
@pytest.mark.parametrize(("says", "counted"), [("partial", "partial"), ("not_delivered", None)])
def test_part_before_a_pause_is_not_taken_back_by_a_counter(says: str, counted: str | None) -> None:
    """Half a pass stays partial with its strokes; that it was none of it is not believed."""
    again = ("pass_planned", {**LEFT_2, "strokes_in_contact_before": 60})
    told = [*done("left cheek", 2, "partial"), again, reconciled(says)]
    session = session_of(("session_opened", OPENED), *told)
    (one,) = session.areas[1].passes

    assert 1 == ledger(session)["left cheek"]
    assert ((counted or "uncertain"), 60 if counted else None) == (
        one.outcome,
        one.strokes_in_contact,
    )


@pytest.mark.req("SR-007", "R08")
@pytest.mark.parametrize("outcome", ["partial", "not_delivered"])
def test_pass_without_an_earlier_part_is_acquitted_by_one_word_alone(outcome: str) -> None:
    """A `partial` out of nowhere does not close a pass that is uncertain."""
    session = session_of(("session_opened", OPENED), *CUT, reconciled(outcome))

    assert (outcome == "partial") == ledger(session)["left cheek"]
    expected = Outcome.UNCERTAIN if outcome == "partial" else Outcome.NOT_DELIVERED
    assert [expected] == [one.outcome for one in session.areas[1].passes]


@pytest.mark.req("SR-007", "R08")
def test_reconciliation_of_a_pass_that_never_was_makes_none() -> None:
    """It neither counts nor takes back."""
    session = session_of(("session_opened", OPENED), reconciled("not_delivered"))

    assert {"forehead": 0, "left cheek": 0} == ledger(session)
    assert [] == [one for area in session.areas for one in area.passes]


@pytest.mark.req("SR-007")
def test_acquitted_pass_that_is_given_at_last_is_one_pass() -> None:
    """Its number is next, and what is then delivered counts once."""
    told = [*CUT, reconciled("not_delivered"), *done("left cheek", 2, "delivered")]
    session = session_of(("session_opened", OPENED), *told)

    assert [Outcome.DELIVERED] == [one.outcome for one in session.areas[1].passes]


@pytest.mark.req("SR-011")
def test_pass_knows_its_pen_and_where_the_counter_stood() -> None:
    """From its plan on, through start and end; where an entry does not say, nothing is known."""
    pen = {"strokes_before": 0, "serial_number": 42, "epoch": 7}
    told = [("pass_planned", LEFT_2 | pen), *done("left cheek", 2, "partial")[1:]]
    known = session_of(("session_opened", OPENED), *told).areas[1].passes[0]
    unknown = session_of(("session_opened", OPENED), *CUT).areas[1].passes[0]

    assert (0, 42, 7) == (known.strokes_before, known.serial_number, known.epoch)
    assert (None, None, None) == (unknown.strokes_before, unknown.serial_number, unknown.epoch)


@pytest.mark.req("SR-022")
@pytest.mark.parametrize(
    "kind", ["area_chosen", "alarms_acknowledged", "audio_paused", "pass_reconciled"]
)
def test_kinds_of_the_alarms_do_not_open_a_closed_session(kind: str) -> None:
    """They are counted and shown, and change neither status nor passes of what is over."""
    told = [*done("left cheek", 2, "delivered"), ("session_closed", {"outcome": "completed"})]
    session = session_of(("session_opened", OPENED), *told, (kind, {"source": "key"}))

    assert (Status.COMPLETED, 1) == (session.status, session.events[kind])
    assert 1 == ledger(session)["left cheek"]


@pytest.mark.req("SR-007")
def test_pass_of_no_known_area_is_counted_somewhere() -> None:
    """A pass that names no area is counted under a name of its own, and so is an unplanned area."""
    session = session_of(
        ("session_opened", OPENED), ("pass_planned", {}), *done("neck", 1, "delivered")
    )

    expected = {"forehead": 0, "left cheek": 0, "unknown area": 1, "neck": 1}
    assert expected == ledger(session)


@pytest.mark.req("SR-022")
@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], Status.OPEN),
        ([("session_closed", {"outcome": "completed"})], Status.COMPLETED),
        ([("session_closed", {"outcome": "faulted"})], Status.FAULTED),
        ([("session_closed", {"outcome": "interrupted"})], Status.INTERRUPTED),
        ([("session_closed", {"outcome": "open"})], Status.INTERRUPTED),
        ([("session_closed", {"outcome": "never heard of"})], Status.INTERRUPTED),
        ([("session_closed", {})], Status.INTERRUPTED),
        ([("session_closed", {"outcome": "stopped"}), ("note", {"text": "later"})], Status.STOPPED),
        ([("session_closed", {"outcome": "stopped"}), ("resumed", {})], Status.OPEN),
        ([("session_closed", {"outcome": "completed"}), ("pass_planned", LEFT_2)], Status.OPEN),
    ],
)
def test_status_is_that_of_the_last_close(told: list[Told], status: Status) -> None:
    """A session is open until it is closed, and again once it goes on; a note does not open it."""
    assert status is session_of(("session_opened", OPENED), *told).status


def test_unknown_kinds_and_broken_bodies_are_kept() -> None:
    """What a later program wrote is counted by its kind, and nothing of it is fatal."""
    session = session_of(
        ("session_opened", {"areas": "none", "pen": 7, "plan_name": 1}),
        ("weather", {"sun": 1}),
        ("weather", {}),
        ("pass_ended", {"area": None, "number": True, "outcome": None}),
    )

    assert {"session_opened": 1, "weather": 2, "pass_ended": 1} == session.events
    assert ("", {}, False) == (session.plan_name, session.pen, session.simulated)


@pytest.mark.req("SR-022")
def test_interrupted_are_those_that_nobody_closed_or_runs(tmp_path: Path) -> None:
    """Neither a closed session nor a running one is interrupted; all others are."""
    with RecordStore(tmp_path / "records.db", tmp_path / "record.key") as store:
        for session in ("closed", "killed", "running", "killed too"):
            store.append(session, "session_opened", OPENED, AT)
            store.append(session, "pass_planned", LEFT_2, AT)
            store.append(session, "scan", {}, AT)
        store.append("closed", "session_closed", {"outcome": "completed"}, AT)
        found = interrupted_sessions(store, lambda session: session == "running")

    assert ["killed", "killed too"] == [session.id for session in found]
    assert {Status.INTERRUPTED} == {session.status for session in found}
    assert [1, 1] == [ledger(session)["left cheek"] for session in found]


def test_description_is_one_line_that_says_what_was_done() -> None:
    """A list shows when, what became of it, which plan, how many passes, and which pen."""
    session = session_of(
        ("session_opened", OPENED),
        *done("forehead", 1, "delivered"),
        ("pass_planned", LEFT_2),
        ("session_closed", {"outcome": "faulted"}),
    )

    expected = (
        "2026-11-22 14:03 UTC  faulted      Face: forehead 1 of 2, "
        "left cheek 1 of 3 (1 uncertain); simulated pen 42"
    )
    assert expected == describe(session)


@pytest.mark.req("SR-017", "HZ-63")
def test_description_stays_on_its_line() -> None:
    """A hostile plan name neither breaks the line nor commands the terminal."""
    name = "a\nb\x1b[2J\u202ec\u2028"
    line = describe(session_of(("session_opened", {**OPENED, "plan_name": name})))

    assert line.isprintable()
    assert describe(session_of(("note", {}))).isprintable()
