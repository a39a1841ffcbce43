"""What counts as delivered when a session goes on, and what the pen may still acquit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config import Home
from controller.grants import granted_areas
from controller.records.store import RecordStore
from safety.ledger import Outcome, Pass
from safety.memory import Unsettled
from tests.unit.opening_bench import NOW, PEN, begin, record


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder."""
    return Home(tmp_path / "home").create()


@pytest.fixture
def store(home: Home) -> Iterator[RecordStore]:
    """A record without entries."""
    with RecordStore(home.records_db, home.record_key) as made:
        yield made


@pytest.mark.req("SR-007", "SR-022")
@pytest.mark.parametrize(
    ("passes", "outcomes", "left"),
    [
        ((), [], 1),
        (((1, "delivered"),), [Outcome.DELIVERED], 2),
        (((1, "partial"),), [Outcome.PARTIAL], 2),
        (((1, ""),), [Outcome.UNCERTAIN], 2),
        (((1, "not_delivered"),), [Outcome.NOT_DELIVERED], 1),
        (((1, "nobody knows this word"),), [Outcome.UNCERTAIN], 2),
        (((1, "delivered"), (2, "")), [Outcome.DELIVERED, Outcome.UNCERTAIN], None),
    ],
)
def test_resumed_session_counts_what_was_begun(
    store: RecordStore,
    home: Home,
    passes: tuple[tuple[int, str], ...],
    outcomes: list[Outcome],
    left: int | None,
) -> None:
    """A pass without an end is uncertain and counts; only one that was not delivered does not."""
    name = record(store, home, *passes)
    opening = begin(store, home, resume=name)

    assert (name, True) == (opening.session, opening.is_resumed)
    # Of an uncertain pass nobody knows the strokes: a whole one counts against the dose.
    expected = tuple(
        Pass("cheek", n, o, strokes=334 if o is Outcome.UNCERTAIN else 0)
        for (n, _), o in zip(passes, outcomes, strict=True)
    )
    assert expected == opening.ledger.passes
    found = opening.ledger.next_pass(granted_areas(opening.grants))
    assert left == (None if found is None else found[1])


PEN_PART = {
    "serial_number": 42,
    "epoch": 3,
    "strokes_before": 1_234,
    "strokes_in_contact_before": 0,
}
"""What an entry says of the pen that is about to make a pass."""


@pytest.mark.req("SR-007", "HZ-15")
@pytest.mark.parametrize(
    ("outcome", "made", "counts"),
    [
        ("delivered", 350, 350),
        ("partial", 120, 120),
        ("not_delivered", 0, 0),
        ("uncertain", 120, 334),
        ("uncertain", 400, 400),
        ("nobody knows this word", 120, 334),
    ],
)
def test_resumed_session_counts_strokes_against_the_dose(
    store: RecordStore, home: Home, outcome: str, made: int, counts: int
) -> None:
    """What is on record as made in contact; of an uncertain pass, never less than a whole one."""
    name = record(store, home, (1, ""))
    body = {"area": "cheek", "number": 1, "outcome": outcome, "strokes_in_contact": made}
    store.append(name, "pass_ended", body, NOW)

    (done,) = begin(store, home, resume=name).ledger.passes
    assert counts == done.strokes


@pytest.mark.req("SR-007", "SR-011", "SR-022", "R08")
@pytest.mark.parametrize("end", ["", "uncertain"])
def test_resumed_session_carries_the_passes_that_the_pen_may_acquit(
    store: RecordStore, home: Home, end: str
) -> None:
    """Area, number, stroke counter, pen and boot of passes whose end nobody saw, of no others."""
    name = record(store, home, (1, "delivered"))
    body = {"area": "cheek", "number": 2}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    if end:
        store.append(name, "pass_ended", {**body, "outcome": end, "reason": ""}, NOW)
    opening = begin(store, home, resume=name)

    wanted = Unsettled(
        area="cheek",
        number=2,
        strokes_before=1_234,
        strokes_in_contact=0,
        serial_number=42,
        epoch=3,
    )
    assert (wanted,) == opening.unsettled
    assert ((("cheek", 2),) if not end else ()) == opening.unended
    assert 2 == opening.ledger.counted("cheek")


@pytest.mark.req("SR-007", "R08")
@pytest.mark.parametrize("outcome", ["delivered", "partial", "not_delivered"])
def test_pass_whose_end_was_seen_is_never_settled_anew(
    store: RecordStore, home: Home, outcome: str
) -> None:
    """Only uncertain passes are compared with the counter."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "pass_ended", {**body, "outcome": outcome, "reason": ""}, NOW)

    assert () == begin(store, home, resume=name).unsettled


@pytest.mark.req("SR-007", "R08")
@pytest.mark.parametrize("missing", sorted(PEN_PART))
@pytest.mark.parametrize("value", [None, "1", True, -1.5, [1]])
def test_pass_of_which_the_pen_is_not_on_record_stays_uncertain(
    store: RecordStore, home: Home, missing: str, value: object
) -> None:
    """Without its counter, its pen or its boot there is nothing to compare with; it counts."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1} | PEN_PART | {missing: value}
    told = {k: v for k, v in body.items() if v is not None and type(v) is not float}
    store.append(name, "pass_planned", told, NOW)
    opening = begin(store, home, resume=name)

    assert () == opening.unsettled
    assert 1 == opening.ledger.counted("cheek")


@pytest.mark.req("SR-007", "R08")
def test_strokes_before_a_pause_go_with_a_pass_that_was_taken_up_again(
    store: RecordStore, home: Home
) -> None:
    """Killed in its second part: the first part is known, and a whole pass counts as dose."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "pass_ended", {**body, "outcome": "partial", "strokes_in_contact": 60}, NOW)
    again = {"strokes_before": 1_300, "strokes_in_contact_before": 60}
    store.append(name, "pass_planned", body | PEN_PART | again, NOW)
    opening = begin(store, home, resume=name)

    (open_pass,) = opening.unsettled
    assert (1_300, 60) == (open_pass.strokes_before, open_pass.strokes_in_contact)
    assert (Pass("cheek", 1, Outcome.UNCERTAIN, strokes=334),) == opening.ledger.passes


@pytest.mark.req("SR-007", "R08")
def test_pass_that_the_pen_has_acquitted_is_neither_counted_nor_settled_again(
    store: RecordStore, home: Home
) -> None:
    """A second resume finds it as not delivered, and the same number is next."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "pass_reconciled", {**body, "outcome": "not_delivered"}, NOW)
    opening = begin(store, home, resume=name)

    assert ((), (), 0) == (opening.unsettled, opening.unended, opening.ledger.counted("cheek"))


@pytest.mark.req("SR-007", "R08")
def test_pass_is_compared_with_the_counter_once(store: RecordStore, home: Home) -> None:
    """What the pen counted since is of other passes: the second resume says nothing of this one."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "pass_ended", {**body, "outcome": "uncertain", "reason": ""}, NOW)
    assert 1 == len(begin(store, home, resume=name).unsettled)
    store.append(name, "resumed", {"serial_number": 42}, NOW)
    store.append(name, "pass_reconciled", {**body, "outcome": "uncertain"}, NOW)
    opening = begin(store, home, resume=name)

    assert ((), 1) == (opening.unsettled, opening.ledger.counted("cheek"))


@pytest.mark.req("SR-007", "R08")
def test_pass_that_was_taken_up_again_is_compared_anew(store: RecordStore, home: Home) -> None:
    """It was settled, and then a new START may have left: its counter is another one."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "resumed", {"serial_number": 42}, NOW)
    store.append(name, "pass_reconciled", {**body, "outcome": "not_delivered"}, NOW)
    store.append(name, "pass_planned", body | PEN_PART | {"strokes_before": 1_500}, NOW)

    assert [1_500] == [p.strokes_before for p in begin(store, home, resume=name).unsettled]


@pytest.mark.req("SR-007", "R08")
def test_one_pass_that_was_settled_leaves_the_others_open(store: RecordStore, home: Home) -> None:
    """Passes are told apart by area and number."""
    name = record(store, home)
    for number in (1, 2):
        store.append(name, "pass_planned", {"area": "cheek", "number": number} | PEN_PART, NOW)
    told = {"area": "cheek", "number": 1, "outcome": "uncertain"}
    store.append(name, "resumed", {"serial_number": 42}, NOW)
    store.append(name, "pass_reconciled", told, NOW)

    assert [2] == [p.number for p in begin(store, home, resume=name).unsettled]


@pytest.mark.req("SR-007", "R08")
def test_pass_that_another_pen_could_not_acquit_waits_for_its_own(
    store: RecordStore, home: Home
) -> None:
    """Its counter says nothing of this pass; it is not asked twice, and the right one still is."""
    name = record(store, home)
    body = {"area": "cheek", "number": 1}
    store.append(name, "pass_planned", body | PEN_PART, NOW)
    store.append(name, "resumed", {"serial_number": 43}, NOW)
    store.append(name, "pass_reconciled", {**body, "outcome": "uncertain"}, NOW)

    assert 1 == len(begin(store, home, resume=name).unsettled)
    other = replace(PEN, serial_number=43)
    assert () == begin(store, home, resume=name, pen=other).unsettled
