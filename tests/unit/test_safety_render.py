"""The table in words: what a pair does, why it is refused, and what its guards mean."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from safety import render
from safety.render import in_words, meanings, pair_of, pairs, sentences, shared_events
from safety.states import Event, State
from safety.table import ROWS, Row

if TYPE_CHECKING:
    from safety.guards import Scene


@pytest.mark.req("SR-004")
def test_pairs_are_all_pairs_by_state_and_then_by_event() -> None:
    """Each stands once, with its row, or with the requirement that refuses it."""
    found = list(pairs())

    assert list(product(State, Event)) == [(pair.state, pair.event) for pair in found]
    for pair in found:
        row = ROWS.get((pair.state, pair.event))

        assert row is pair.row
        assert (None if row is None else row.next.name) == pair.next
        assert ("SR-004" if row is None else None) == pair.rule


def test_pair_that_is_refused_says_where_it_would_be_taken() -> None:
    """Nothing changes, and the reader learns what it takes."""
    state, event, why, where = sentences(pair_of(State.IDLE, Event.RESUME))

    assert state.startswith("IDLE: ")
    assert event.startswith("RESUME: ")
    assert "Refused under SR-004: RESUME is not possible in IDLE." == why
    assert "Nothing changes. It is possible in PAUSED." == where


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (State.PLANNED, Event.FINISH, "Taken without a condition: leads to IDLE ("),
        (State.PLANNED, Event.CHANGE_AREA, "Taken if its guard holds: PLANNED stays."),
        (State.IDLE, Event.PLAN, "Taken if all 4 guards hold: leads to PLANNED ("),
        (State.OFFLINE, Event.STOP_UI, "Taken without a condition: OFFLINE stays."),
    ],
)
def test_pair_that_is_taken_says_under_what_condition_and_where_it_leads(
    state: State, event: Event, expected: str
) -> None:
    """One guard, several or none, and whether the state is another afterwards."""
    told = sentences(pair_of(state, event))

    assert 3 == len(told)
    assert told[-1].startswith(expected)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("event", [Event.LINK_UP, Event.ARM, Event.RESET])
@pytest.mark.parametrize("state", list(State))
def test_latched_state_says_so_unless_it_is_reset(state: State, event: Event) -> None:
    """Whatever a reader asks of FAULT or ESTOP, the only way out is told."""
    last = sentences(pair_of(state, event))[-1]
    is_told = state in (State.FAULT, State.ESTOP) and event is not Event.RESET

    assert is_told == (f"{state.name} is latched: only RESET leads out of it to rest." == last)


def test_guard_is_told_in_words_with_its_meaning() -> None:
    """The name without underscores, and the first line of what the guard says of itself."""
    (known,) = meanings(ROWS[State.PLANNED, Event.CHANGE_AREA])

    assert ("area_is_known", "Permit an area that stands in the plan.") == known
    assert "area is known" == in_words(known[0])


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("Permit.", "Permit."), ("Permit.\n\n    Rule: SR-004.\n    ", "Permit."), (None, "")],
)
def test_meaning_of_a_guard_is_the_first_line_of_its_docstring(
    text: str | None, meaning: str
) -> None:
    """What stands below is for those who read the code; a guard may also say nothing."""

    def guard(_: Scene) -> None:
        return None

    guard.__doc__ = text

    assert [("guard", meaning)] == meanings(Row(State.IDLE, Event.PLAN, State.PLANNED, (guard,)))


@pytest.mark.parametrize(("takers", "is_shared"), [(3, False), (4, True), (5, True)])
def test_event_that_four_states_take_is_shared(
    takers: int, is_shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many arrows of one event could not be read in the diagram."""
    rows = tuple(Row(state, Event.LOCK, State.LOCKED) for state in list(State)[:takers])
    monkeypatch.setattr(render, "TABLE", rows)

    assert ((Event.LOCK,) if is_shared else ()) == shared_events()
