"""The talk turn by turn, and the first difference between two traces."""

from __future__ import annotations

from dataclasses import replace

from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Event
from drivers.trace.frames import Frame, frames
from drivers.trace.turns import first_difference, turns
from tests.unit.traces import HEADER, recorded, recorded_frames, treatment


def decoded(events: list[Event]) -> list[Frame]:
    """Return the frames of events."""
    return list(frames(HEADER, events))


def test_every_frame_of_the_recorded_trace_belongs_to_one_turn() -> None:
    """Nothing that was said or heard is left out, and the numbers go up by one."""
    found = list(turns(recorded_frames()))

    spoken = [one for one in recorded_frames() if one.kind != "note"]
    assert spoken == [each for turn in found for each in (turn.said, *turn.heard) if each]
    assert list(range(1, len(found) + 1)) == [turn.number for turn in found]


def test_answer_before_any_question_is_a_turn_of_its_own() -> None:
    """A recorder that begins in the middle of an exchange loses nothing."""
    events = [event for event in recorded()[1] if event.direction != NOTE][1:]
    first = next(turns(decoded(events)))

    assert (0, None, "identity") == (first.number, first.said, first.heard[0].kind)


def test_trace_does_not_differ_from_itself() -> None:
    """Neither by meaning nor byte by byte."""
    found = recorded_frames()

    assert first_difference(found, found) is None
    assert first_difference(found, found, is_exact=True) is None


def test_sessions_with_other_tokens_and_measurements_are_alike() -> None:
    """Another pen of the same kind, with another noise, is asked the same and answers the same."""
    one, other = treatment(seed=5).events, treatment(seed=6).events

    assert one != other
    assert first_difference(decoded(one), decoded(other)) is None
    assert first_difference(decoded(one), decoded(other), is_exact=True) is not None


def test_polls_that_say_the_same_count_once() -> None:
    """How often a host found time to ask is no difference, unless every exchange is wanted."""
    events = recorded()[1]
    poll = next(i for i, one in enumerate(events) if i > 2 and one.direction == TO_PEN)
    fewer = events[:poll] + events[poll + 2 :]

    assert first_difference(decoded(events), decoded(fewer)) is None
    assert first_difference(decoded(events), decoded(fewer), is_exact=True) is not None


def test_other_answer_is_explained_by_its_field() -> None:
    """The turn, the field and both values are named."""
    found = recorded_frames()
    place = next(i for i, one in enumerate(found) if one.fields.get("state") == "fault")
    fields = found[place].fields | {"fault": "over-depth"}
    changed = [*found[:place], replace(found[place], fields=fields), *found[place + 1 :]]
    difference = first_difference(found, changed)

    assert difference is not None
    assert (("answer 1.fault", "stall", "over-depth"),) == difference.fields
    assert difference.first is not None
    assert "FAULT fault stall" in difference.first.text


def test_lost_answer_is_a_difference() -> None:
    """An order that nobody answered is not like one that was."""
    events = recorded()[1]
    lost = next(i for i, one in enumerate(events) if i > 3 and one.direction == TO_HOST)
    difference = first_difference(decoded(events), decoded(events[:lost] + events[lost + 1 :]))

    assert difference is not None
    assert ("answer 1", "status", None) in difference.fields


def test_damaged_answer_is_a_difference() -> None:
    """What one host heard whole, the other did not."""
    events = recorded()[1]
    at = next(i for i, one in enumerate(events) if i > 3 and one.direction == TO_HOST)
    spoilt = events[at]._replace(data=events[at].data[:-1] + b"\x00")
    difference = first_difference(
        decoded(events), decoded([*events[:at], spoilt, *events[at + 1 :]])
    )

    assert difference is not None
    assert ("answer 1.defect", "", "no frame") in difference.fields
    assert difference.second is not None
    assert "DAMAGED (no frame)" in difference.second.text


def test_trace_that_ends_early_differs_there() -> None:
    """The turn that the other one lacks is named."""
    events = recorded()[1]
    stop = next(i for i, one in enumerate(decoded(events)) if one.fields.get("command") == "stop")
    difference = first_difference(decoded(events), decoded(events)[:stop])

    assert difference is not None
    assert difference.second is None
    assert difference.first is not None
    assert "STOP" in difference.first.text
