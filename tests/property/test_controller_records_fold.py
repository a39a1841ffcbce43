"""Properties of the fold: wherever a record ends, no pass is forgotten (SR-007, SR-022)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.records.entries import Entry
from controller.records.sessions import Session, fold, ledger

AREAS = ("forehead", "left cheek")
KINDS = ("pass_planned", "pass_started", "pass_ended", "pass_reconciled")
KINDS += ("area_chosen", "alarms_acknowledged", "state", "fault", "stop", "resumed", "later")
OUTCOMES = ("delivered", "partial", "uncertain", "not_delivered", "unheard of")

BODIES = st.fixed_dictionaries(
    {},
    optional={
        "area": st.sampled_from(AREAS),
        "number": st.integers(1, 3),
        "outcome": st.sampled_from(OUTCOMES),
        "strokes_in_contact_before": st.integers(0, 2),
        "reason": st.text(max_size=3),
    },
)
ANYTHING = st.lists(st.tuples(st.sampled_from((*KINDS, "session_closed")), BODIES), max_size=30)


@st.composite
def treatments(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Draw a treatment as a controller writes it: pass after pass, some without start or end."""
    told: list[tuple[str, dict[str, Any]]] = [("session_opened", {"areas": []})]
    for number in range(1, draw(st.integers(0, 5)) + 1):
        which = {"area": draw(st.sampled_from(AREAS)), "number": number}
        told.append(("pass_planned", which))
        if draw(st.booleans()):
            told.append(("pass_started", which))
        if draw(st.booleans()):
            told.append(("pass_ended", {**which, "outcome": draw(st.sampled_from(OUTCOMES))}))
    return told


def session_of(told: list[tuple[str, dict[str, Any]]]) -> Session:
    """Return the session that these kinds and bodies tell of."""
    return fold(
        Entry(seq, "s", kind, "2026-11-22T14:03:05.000Z", body, b"")
        for seq, (kind, body) in enumerate(told, 1)
    )["s"]


def counted(told: list[tuple[str, dict[str, Any]]]) -> int:
    """Return how many passes count, over all areas."""
    return sum(ledger(session_of(told)).values()) if told else 0


@pytest.mark.req("SR-007", "SR-022", "HZ-13", "H05", "R08")
@given(treatments(), st.data())
def test_cut_record_counts_every_pass_that_may_have_run(
    told: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """Of a record that ends anywhere, all planned passes count but those said not to have run."""
    cut = told[: data.draw(st.integers(1, len(told)))]
    planned = [body for kind, body in cut if kind == "pass_planned"]
    undone = [body for _, body in cut if body.get("outcome") == "not_delivered"]
    started = [body for kind, body in cut if kind == "pass_started"]

    assert len(planned) - len(undone) == counted(cut)
    assert len(started) - len(undone) <= counted(cut)


@pytest.mark.req("SR-007", "R08")
@given(ANYTHING, st.sampled_from(KINDS), BODIES)
def test_entry_never_takes_a_pass_back_unless_it_says_so(
    told: list[tuple[str, dict[str, Any]]], kind: str, body: dict[str, Any]
) -> None:
    """Whatever came before, one more entry never lowers the count but by `not_delivered`."""
    before, after = counted(told), counted([*told, (kind, body)])
    takes_back = kind == "pass_ended" and body.get("outcome") == "not_delivered"
    if kind == "pass_reconciled":
        before -= acquitted(told, body)

    assert before - takes_back <= after <= before + (kind != "pass_reconciled")


def acquitted(told: list[tuple[str, dict[str, Any]]], body: dict[str, Any]) -> int:
    """Return how many uncertain passes without an earlier part this says never began."""
    areas = session_of(told).areas if told and body.get("outcome") == "not_delivered" else ()
    name = (body.get("area", "unknown area"), body.get("number", 0))
    passes = [one for area in areas for one in area.passes if one.outcome == "uncertain"]
    whole = [one for one in passes if not one.strokes_in_contact_before]
    return sum((one.area, one.number) == name for one in whole)


@pytest.mark.req("SR-007", "SR-011", "R08")
@given(treatments(), st.data())
def test_reconciled_record_counts_every_pass_that_was_not_acquitted(
    told: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """Acquitting some of the uncertain passes takes exactly those back, in any order."""
    passes = [one for area in session_of(told).areas for one in area.passes]
    unsure = [one for one in passes if one.outcome == "uncertain"]
    chosen = data.draw(st.lists(st.sampled_from(unsure), unique=True)) if unsure else []
    more = [
        ("pass_reconciled", {"area": p.area, "number": p.number, "outcome": "not_delivered"})
        for p in chosen
    ]

    assert counted(told) - len(chosen) == counted([*told, *more])
    assert counted([*told, *more]) == counted([*told, *more, *more])


@given(ANYTHING)
def test_sessions_do_not_touch_each_other(told: list[tuple[str, dict[str, Any]]]) -> None:
    """Entries of two sessions that are mixed give the same two sessions."""
    mixed = [
        Entry(seq, name, kind, "2026-11-22T14:03:05.000Z", body, b"")
        for seq, (kind, body) in enumerate(told, 1)
        for name in ("s", "t")
    ]
    folded = fold(mixed)

    if told:
        assert session_of(told) == folded["s"]
        assert ledger(folded["s"]) == ledger(folded["t"])
    else:
        assert {} == folded
