"""A paused pass whose second part never began: what was made on skin stays, through any crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controller.opening import ledger_of, unsettled_of
from controller.records.entries import Entry
from controller.records.sessions import Session, fold
from safety.facts import IntentKind
from safety.ledger import Ledger, Outcome, Pass
from safety.memory import Memory, Unsettled
from safety.passes import strokes_for_dose
from safety.states import State

if TYPE_CHECKING:
    from safety.ledger import AreaPlan
    from tests.unit.conftest import Bench

AT = "2026-11-22T14:03:05.000Z"
OPENED = {"areas": [{"area": "forehead", "passes": 2}, {"area": "cheek", "passes": 2}]}


def session_of(*benches: Bench) -> Session:
    """Return the session that the entries of these benches tell of, one after the other."""
    told = [("session_opened", OPENED), *(one for bench in benches for one in bench.entries)]
    entries = [Entry(seq, "s", kind, AT, body, b"") for seq, (kind, body) in enumerate(told, 1)]
    return fold(entries)["s"]


def pause_with(bench: Bench, strokes: int) -> None:
    """Run the first pass until so many strokes are made on skin, then pause it."""
    bench.to_running()
    while bench.memory.current and bench.memory.current.strokes_in_contact < strokes:
        bench.scan()
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED)


def crash_while_armed(bench: Bench) -> None:
    """Take the paused pass up again, and lose the host between its entry and its START."""
    bench.to_armed()
    bench.durable_lag = None
    bench.want(IntentKind.START)
    assert "pass_planned" == bench.entries[-1][0]
    bench.pen.stop()
    bench.pen.advance(200)


def resume(
    bench: Bench, plan: tuple[AreaPlan, ...], new_bench: type[Bench], *before: Bench
) -> Bench:
    """Open the interrupted session anew from its record, with the same pen; go to IDLE."""
    session = session_of(*before, bench)
    memory = Memory(plan=plan, ledger=ledger_of(session, plan), unsettled=unsettled_of(session))
    again = new_bench(pen=bench.pen, memory=memory, now_ms=bench.now_ms + 60_000)
    again.until(State.IDLE)
    return again


@pytest.mark.req("SR-007", "SR-011", "SR-022", "HZ-13", "HZ-15")
def test_paused_pass_is_never_acquitted_as_a_whole(
    bench: Bench, plan: tuple[AreaPlan, ...], new_bench: type[Bench]
) -> None:
    """The counter proves that its second part never ran; the first part is on skin and counts."""
    pause_with(bench, 150)
    crash_while_armed(bench)
    made = bench.pen.strokes_on_skin
    again = resume(bench, plan, new_bench)
    (one,) = again.memory.ledger.passes

    assert (Outcome.PARTIAL, 1) == (one.outcome, again.memory.ledger.counted("forehead"))
    assert 150 <= made <= one.strokes == again.memory.ledger.strokes_of("forehead")

    again.rest(2)
    again.want(IntentKind.PLAN)
    again.to_armed()
    assert again.memory.current is not None
    assert 2 == again.memory.current.number


@pytest.mark.req("SR-007", "SR-022", "HZ-13", "HZ-15")
def test_record_of_a_paused_pass_says_partial_after_every_resume(
    bench: Bench, plan: tuple[AreaPlan, ...], new_bench: type[Bench]
) -> None:
    """What the record tells after the first resume is what the second one begins with."""
    pause_with(bench, 150)
    crash_while_armed(bench)
    again = resume(bench, plan, new_bench)
    session = session_of(bench, again)
    (one,) = session.areas[0].passes

    assert (Outcome.PARTIAL, True) == (Outcome(one.outcome), one.ended)
    assert (one.strokes_in_contact or 0) >= 150
    assert () == unsettled_of(session)
    assert again.memory.ledger == ledger_of(session, plan)
    assert again.memory.ledger == resume(again, plan, new_bench, bench).memory.ledger


@pytest.mark.req("SR-007", "HZ-13", "HZ-15")
def test_paused_pass_counts_its_strokes_before_the_pen_was_asked(
    bench: Bench, plan: tuple[AreaPlan, ...]
) -> None:
    """Straight from the record it is uncertain, with its strokes or a whole pass, the greater."""
    pause_with(bench, 150)
    crash_while_armed(bench)
    session = session_of(bench)
    (left,) = unsettled_of(session)

    assert 150 <= bench.pen.strokes_on_skin <= left.strokes_in_contact
    assert bench.pen.strokes == left.strokes_before
    expected = strokes_for_dose(plan[0], Outcome.UNCERTAIN, left.strokes_in_contact)
    assert Ledger((Pass("forehead", 1, Outcome.UNCERTAIN, expected),)) == ledger_of(session, plan)


@pytest.mark.req("SR-007", "HZ-13")
def test_paused_pass_stays_uncertain_if_needles_moved_since(
    bench: Bench, plan: tuple[AreaPlan, ...], new_bench: type[Bench]
) -> None:
    """One more stroke than when it was taken up again: nobody knows over which skin."""
    pause_with(bench, 150)
    crash_while_armed(bench)
    bench.pen.strokes += 1
    again = resume(bench, plan, new_bench)

    assert [("forehead", 1, "uncertain")] == again.outcomes
    assert 200 == again.memory.ledger.strokes_of("forehead")


@pytest.mark.req("SR-007", "SR-022")
def test_first_part_that_never_began_is_acquitted_through_the_record(
    bench: Bench, plan: tuple[AreaPlan, ...], new_bench: type[Bench]
) -> None:
    """Without an earlier part nothing was made on skin: the number is free again."""
    crash_while_armed(bench)
    again = resume(bench, plan, new_bench)

    assert [("forehead", 1, "not_delivered")] == again.outcomes
    assert 0 == again.memory.ledger.strokes_of("forehead")
    (one,) = session_of(bench, again).areas[0].passes
    assert not one.counts


@pytest.mark.req("SR-007", "SR-011", "HZ-13")
@pytest.mark.parametrize(
    ("strokes", "outcome"), [(0, "not_delivered"), (1, "partial"), (199, "partial")]
)
def test_acquittal_takes_back_no_stroke_that_was_on_skin(
    bench: Bench, plan: tuple[AreaPlan, ...], strokes: int, outcome: str
) -> None:
    """From the first stroke of an earlier part on, the pass stands as partial and counts."""
    ledger = Ledger((Pass("forehead", 1, Outcome.UNCERTAIN, 200),))
    left = Unsettled(
        area="forehead",
        number=1,
        strokes_before=bench.pen.strokes,
        strokes_in_contact=strokes,
        serial_number=42,
        epoch=7,
    )
    bench.memory = Memory(plan=plan, ledger=ledger, unsettled=(left,))
    bench.until(State.LOCKED)

    assert Ledger((Pass("forehead", 1, Outcome(outcome), strokes),)) == bench.memory.ledger
    (body,) = (body for kind, body in bench.entries if kind == "pass_reconciled")
    assert (outcome, strokes) == (body["outcome"], body["strokes_in_contact"])
