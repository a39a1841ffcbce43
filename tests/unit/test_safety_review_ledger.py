"""Numbers of passes with gaps, uncertain passes, and a START that nothing durable stands for."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.errors import InvariantBroken
from safety.facts import IntentKind
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.machine import Machine
from safety.memory import CurrentPass, Memory, Unsettled
from safety.outputs import order_for
from safety.progress import go_on
from safety.scan import Scan
from safety.states import Event, OrderKind, State

if TYPE_CHECKING:
    from safety.facts import Facts
    from tests.unit.conftest import Bench

THREE = AreaPlan("forehead", 750, 1_000, 3, 200, 10_000)
LEFT = Unsettled(
    area="forehead",
    number=1,
    strokes_before=1_000,
    strokes_in_contact=0,
    serial_number=42,
    epoch=7,
)
COUNTING = [one for one in Outcome if one is not Outcome.NOT_DELIVERED]


def ledger_with(*outcomes: Outcome) -> Ledger:
    """Return a ledger of the forehead with these outcomes, by number from 1."""
    strokes = {Outcome.NOT_DELIVERED: 0, Outcome.PARTIAL: 180}
    return Ledger(
        tuple(
            Pass("forehead", number, one, strokes.get(one, 200))
            for number, one in enumerate(outcomes, 1)
        )
    )


def pause_unheard(bench: Bench) -> None:
    """Pause a pass by a STOP of which four requests in a row are lost."""
    bench.to_running()
    while bench.memory.current and bench.memory.current.strokes_in_contact < 100:
        bench.scan()
    bench.lost_requests = 4
    bench.want(IntentKind.PAUSE)
    bench.until(State.PAUSED, State.PLANNED, State.IDLE)


@pytest.mark.req("SR-007", "HZ-13", "HZ-14")
@pytest.mark.parametrize("after", COUNTING, ids=str)
def test_gap_of_an_acquitted_pass_is_filled_before_any_other_number(after: Outcome) -> None:
    """The second pass counts, so the first one's number is next, and then the third one's."""
    ledger = ledger_with(Outcome.NOT_DELIVERED, after)

    assert (THREE, 1) == ledger.next_pass((THREE,))
    assert 1 == ledger.free_number("forehead")

    filled = ledger.begin(THREE, 1).end("forehead", 1, Outcome.DELIVERED, 200)
    assert (THREE, 3) == filled.next_pass((THREE,))
    assert 2 == filled.counted("forehead")


@pytest.mark.req("SR-007", "HZ-13", "HZ-14")
def test_next_pass_never_has_a_number_that_counts() -> None:
    """Whatever became of three passes: the number is the least free one, or there is none left."""
    for outcomes in itertools.product(Outcome, repeat=3):
        ledger = ledger_with(*outcomes)
        numbered = enumerate(outcomes, 1)
        free = [number for number, one in numbered if one is Outcome.NOT_DELIVERED]

        expected = (THREE, free[0]) if free else None
        assert expected == ledger.next_pass((THREE,)), outcomes
        assert (free or [4])[0] == ledger.free_number("forehead"), outcomes


@pytest.mark.req("SR-007", "SR-038", "HZ-13")
@pytest.mark.parametrize("numbers", [(1, 1), (0, 1), (2, 3), (2, 7)], ids=str)
def test_free_number_is_not_given_when_enough_passes_count(numbers: tuple[int, int]) -> None:
    """A record may hold a number twice, or one beyond the grant: two passes of two are all."""
    two = replace(THREE, passes=2)
    passes = tuple(Pass("forehead", number, Outcome.UNCERTAIN, 200) for number in numbers)

    assert Ledger(passes).next_pass((two,)) is None
    assert Ledger(passes[:1]).next_pass((two,)) is not None


@pytest.mark.req("SR-007", "HZ-13", "HZ-14")
@pytest.mark.parametrize("stands", [Outcome.DELIVERED, Outcome.UNCERTAIN, Outcome.PLANNED], ids=str)
def test_pass_that_counts_is_not_begun_again(stands: Outcome) -> None:
    """It would be delivered twice and counted once."""
    with pytest.raises(InvariantBroken):
        ledger_with(stands).begin(THREE, 1)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("stands", [Outcome.PARTIAL, Outcome.NOT_DELIVERED], ids=str)
def test_pass_that_was_paused_or_never_given_is_begun(stands: Outcome) -> None:
    """It is the same pass and counts once."""
    begun = ledger_with(stands).begin(THREE, 1)

    assert (Outcome.PLANNED, 1) == (begun.stands_as("forehead", 1), begun.counted("forehead"))


@pytest.mark.req("SR-007", "SR-022", "HZ-13", "HZ-14")
@pytest.mark.parametrize("second", [Outcome.PARTIAL, Outcome.DELIVERED, Outcome.UNCERTAIN], ids=str)
def test_session_with_a_late_acquittal_goes_on_with_the_gap(bench: Bench, second: Outcome) -> None:
    """The second pass keeps its outcome and its strokes while the first one is given at last."""
    ledger = ledger_with(Outcome.UNCERTAIN, second)
    strokes = ledger.passes[1].strokes
    bench.memory = Memory(plan=(THREE,), ledger=ledger, unsettled=(LEFT,))
    bench.to_running()

    assert bench.memory.current is not None
    assert 1 == bench.memory.current.number
    assert Pass("forehead", 2, second, strokes) in bench.memory.ledger.passes
    assert strokes == bench.memory.ledger.strokes_of("forehead", besides=1)
    assert 2 == bench.memory.ledger.counted("forehead")


@pytest.mark.req("SR-007", "SR-034", "HZ-13", "HZ-14")
def test_uncertain_pass_is_not_resumed(bench: Bench) -> None:
    """A pause that nobody saw taken leaves nothing to take up again; the next pass is another."""
    pause_unheard(bench)

    assert [("forehead", 1, "uncertain")] == bench.outcomes
    assert (State.PLANNED, None) == (bench.state, bench.memory.current)

    bench.want(IntentKind.RESUME)
    assert State.PLANNED is bench.state
    bench.to_armed()
    assert bench.memory.current is not None
    assert (2, 0) == (bench.memory.current.number, bench.memory.current.strokes_in_contact)


@pytest.mark.req("SR-014", "HZ-18")
@pytest.mark.parametrize(("entry", "durable"), [(0, 0), (0, 9), (5, 4), (-1, 9)])
def test_start_without_a_durable_entry_breaks_the_core(
    facts: Facts, entry: int, durable: int
) -> None:
    """Should a guard ever fail, no START leaves that the record does not announce."""
    memory = Memory(state=State.UNKNOWN_OUTCOME, current=CurrentPass(THREE, 1), start_entry=entry)
    with pytest.raises(InvariantBroken, match="durable"):
        order_for(memory, replace(facts, durable=durable), 10_000)


@pytest.mark.req("SR-014")
def test_start_with_its_durable_entry_leaves(facts: Facts) -> None:
    """The entry is on disk, others may have followed it."""
    memory = Memory(state=State.UNKNOWN_OUTCOME, current=CurrentPass(THREE, 1), start_entry=5)
    order = order_for(memory, replace(facts, durable=6), 10_000)

    assert order is not None
    assert (OrderKind.START, 750, 1_000) == (order.kind, order.depth_um, order.speed_dhz)


@pytest.mark.req("SR-011", "HZ-08")
@pytest.mark.parametrize(
    ("told", "event"), [((1, 3), Event.EXECUTED), ((1, 2), Event.NOT_EXECUTED)]
)
def test_verdict_on_a_start_acts_only_if_it_is_taken(
    bench: Bench, facts: Facts, told: tuple[int, int], event: Event
) -> None:
    """On a status that is too old the event is refused, and neither begins nor closes the pass."""
    bench.memory = Memory(plan=(THREE,), ledger=Ledger().begin(THREE, 1))
    memory = replace(
        bench.memory,
        state=State.UNKNOWN_OUTCOME,
        current=CurrentPass(THREE, 1, counter_before=1_000),
        entered_ms=9_900,
        start_entry=1,
        start_sent=True,
        start_id=(1, 3),
        arm_id=(1, 2),
    )
    assert facts.telemetry is not None
    seen = replace(facts.telemetry, last_order=told, received_ms=10_000)
    scan = Scan(Machine(), memory, replace(facts, telemetry=seen), 10_151)
    go_on(scan)

    assert [(event, True)] == [(firing.event, firing.is_refused) for firing in scan.firings]
    assert ([], State.UNKNOWN_OUTCOME) == (scan.entries, scan.memory.state)
    assert scan.memory.current is not None
    assert scan.memory.current.begun_ms is None
    assert Outcome.PLANNED is scan.memory.ledger.stands_as("forehead", 1)
