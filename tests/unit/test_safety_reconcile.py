"""Passes of an interrupted session against the pen's own stroke counter, which can only acquit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from safety.facts import IntentKind, PenIdentity, Telemetry
from safety.ledger import Ledger, Outcome, Pass
from safety.memory import Memory, Unsettled
from safety.reconcile import is_acquitted, settle
from safety.states import State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

LEFT = Unsettled(
    "forehead", 2, strokes_before=1_000, strokes_in_contact=0, serial_number=42, epoch=7
)


def memory_with(identity: PenIdentity | None, *unsettled: Unsettled) -> Memory:
    """Return a memory whose ledger holds a whole pass and those unsettled ones."""
    whole = Pass("forehead", 1, Outcome.DELIVERED, 205)
    left = (Pass(one.area, one.number, Outcome.UNCERTAIN, 200) for one in unsettled)
    return Memory(identity=identity, ledger=Ledger((whole, *left)), unsettled=unsettled, entries=4)


@pytest.mark.req("SR-007", "SR-011")
@pytest.mark.parametrize(
    ("left", "known", "seen", "expected"),
    [
        ({}, {}, {}, True),
        ({}, {}, {"strokes": 1_001}, False),
        ({}, {}, {"strokes": 999}, False),
        ({}, {"serial_number": 43}, {}, False),
        ({"serial_number": 43}, {}, {}, False),
        ({}, {"epoch": 8}, {"epoch": 8}, False),
        ({"epoch": 8}, {}, {}, False),
        ({}, {"epoch": 8}, {}, False),
        ({}, {}, {"epoch": 8}, False),
        ({"epoch": 8}, {"epoch": 8}, {"epoch": 8}, True),
    ],
    ids=str,
)
def test_pass_is_acquitted_by_the_same_pen_in_the_same_life_with_the_same_counter(
    left: dict[str, Any],
    known: dict[str, Any],
    seen: dict[str, Any],
    expected: bool,
    identity: PenIdentity,
    telemetry: Telemetry,
) -> None:
    """Anything else is no proof, and the pass stays uncertain."""
    memory = memory_with(replace(identity, **known))

    assert expected == is_acquitted(replace(LEFT, **left), memory, replace(telemetry, **seen))


def test_nobody_is_acquitted_by_an_unknown_pen(telemetry: Telemetry) -> None:
    """A pen that was not identified proves nothing."""
    assert not is_acquitted(LEFT, memory_with(None), telemetry)


@pytest.mark.req("SR-007", "SR-022")
def test_every_unsettled_pass_is_settled_once_and_written_down(
    identity: PenIdentity, telemetry: Telemetry
) -> None:
    """One is acquitted and may come again, the other stays uncertain; both are on record."""
    moved = replace(LEFT, area="cheek", number=1, strokes_before=990)
    memory = memory_with(identity, moved, LEFT)
    entries = settle(memory, telemetry)

    body = {"area": "cheek", "number": 1, "outcome": "uncertain"}
    expected = [
        (
            5,
            "pass_reconciled",
            {**body, "strokes_in_contact": 0, "strokes_before": 990, "strokes_now": 1_000},
        ),
        (
            6,
            "pass_reconciled",
            {
                "area": "forehead",
                "number": 2,
                "outcome": "not_delivered",
                "strokes_in_contact": 0,
                "strokes_before": 1_000,
                "strokes_now": 1_000,
            },
        ),
    ]
    assert expected == [(entry.number, entry.kind, entry.body) for entry in entries]
    assert (
        Pass("forehead", 1, Outcome.DELIVERED, 205),
        Pass("cheek", 1, Outcome.UNCERTAIN, 200),
        Pass("forehead", 2, Outcome.NOT_DELIVERED, 0),
    ) == memory.ledger.passes
    assert ((), 6) == (memory.unsettled, memory.entries)
    assert [] == settle(memory, telemetry)


@pytest.mark.req("SR-007", "SR-032")
@pytest.mark.parametrize(("strokes", "outcome"), [(0, Outcome.NOT_DELIVERED), (1, Outcome.PARTIAL)])
def test_acquittal_takes_nothing_back_that_was_delivered_before(
    strokes: int, outcome: Outcome, identity: PenIdentity, telemetry: Telemetry
) -> None:
    """Only the last part of the pass never moved; earlier parts stand, with their strokes."""
    memory = memory_with(identity, replace(LEFT, strokes_in_contact=strokes))
    (entry,) = settle(memory, telemetry)

    assert (str(outcome), strokes) == (entry.body["outcome"], entry.body["strokes_in_contact"])
    assert Pass("forehead", 2, outcome, strokes) == memory.ledger.passes[-1]


@pytest.mark.req("SR-007", "SR-022")
@pytest.mark.parametrize(
    ("strokes", "outcome", "number"), [(1_000, "not_delivered", 1), (1_001, "uncertain", 2)]
)
def test_interrupted_session_goes_on_where_the_counter_says(
    bench: Bench, strokes: int, outcome: str, number: int
) -> None:
    """It is compared as soon as the pen has passed its self-test, before anything is planned."""
    left = replace(LEFT, number=1)
    bench.memory.ledger = Ledger((Pass("forehead", 1, Outcome.UNCERTAIN, 200),))
    bench.memory.unsettled = (left,)
    bench.pen.strokes = strokes
    bench.until(State.LOCKED)

    told = [body["outcome"] for kind, body in bench.entries if kind == "pass_reconciled"]
    assert ([outcome], [("forehead", 1, outcome)]) == (told, bench.outcomes)

    bench.to_planned()
    bench.want(IntentKind.ARM)
    assert bench.memory.current is not None
    assert number == bench.memory.current.number


def test_nothing_is_settled_by_a_pen_that_has_not_passed_its_test(bench: Bench) -> None:
    """A status that may lie acquits nobody."""
    bench.memory.unsettled = (LEFT,)
    bench.pen.knows_depth = False
    bench.until(State.FAULT)

    assert (LEFT,) == bench.memory.unsettled
    assert "pass_reconciled" not in [kind for kind, _ in bench.entries]
