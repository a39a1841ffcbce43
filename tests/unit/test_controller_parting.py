"""The last words of a session: what the pen is doing, what comes next, with whole commands."""

from __future__ import annotations

from typing import Any

import pytest

from controller.treatment.parting import (
    AT_REST,
    NOT_AT_REST,
    ON_ITS_LEASE,
    OUT,
    Place,
    next_steps,
    pen_now,
)
from safety.catalogue_words import RESUME
from safety.causes import CATALOGUE, CauseCode
from safety.states import Severity

PLACE = Place("s-1", "my plan.toml", "/dev/pts/7")
RESUMES = "penpilot treat 'my plan.toml' --port /dev/pts/7 --resume s-1"
RELEASES = "penpilot records release s-1 --by NAME --reason TEXT"
RESETS = "penpilot reset --port /dev/pts/7"


def closed(outcome: str, *codes: str) -> dict[str, Any]:
    """Return a closing frame."""
    return {"outcome": outcome, "reason": "why", "causes": list(codes)}


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (None, ON_ITS_LEASE),
        (closed("interrupted", "telemetry-stale"), ON_ITS_LEASE),
        (closed("completed"), AT_REST),
        (closed("stopped", "scan-late"), AT_REST),
        (closed("faulted", "stall"), AT_REST),
        (closed("faulted", "stall", "over-depth"), OUT),
        (closed("faulted", "over-depth", "rest-not-seen"), NOT_AT_REST),
        (closed("faulted", "stop-ignored"), NOT_AT_REST),
    ],
)
def test_pen_is_said_to_do_what_was_seen_of_it(frame: dict[str, Any] | None, wanted: str) -> None:
    """At rest only where that was measured; where nobody knows, the switch is named."""
    assert wanted == pen_now(frame)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("code", CATALOGUE)
def test_next_steps_name_who_clears_the_fault(code: CauseCode) -> None:
    """A technician and the release where it is grave, the reset where a practitioner may."""
    kind = CATALOGUE[code]
    text = "\n".join(next_steps(closed("faulted", str(code)), PLACE))

    assert (kind.severity >= Severity.FAULT_TECHNICIAN) == (RELEASES in text)
    assert (kind.severity is Severity.FAULT_OPERATOR) == (RESETS in text)
    assert text.endswith(f"Go on with what is left: {RESUMES}")
    assert "--port URL" not in text
    is_told = kind.severity >= Severity.STOP and kind.next_step != RESUME
    assert is_told == (kind.next_step.partition("(")[0].rstrip(" .") in text)


def test_every_gravest_cause_has_its_step_and_lesser_ones_have_none() -> None:
    """A blocked needle is told beside the pen's own fault; a lost answer before it is not."""
    steps = next_steps(closed("faulted", "order-refused", "pen-fault-operator", "stall"), PLACE)

    assert [
        f"Look at the pen, remove the cause, then reset the pen ({RESETS}).",
        *steps[1:],
    ] == steps
    assert CATALOGUE[CauseCode.STALL].next_step == steps[1]
    assert 3 == len(steps)


def test_session_that_was_completed_needs_nothing() -> None:
    """No step is made up, and a warning on the way is none."""
    assert [] == next_steps(closed("completed", "supply-low"), PLACE)


@pytest.mark.req("SR-022")
@pytest.mark.parametrize("frame", [None, closed("interrupted", "telemetry-stale")])
def test_interrupted_session_can_be_resumed_or_set_aside(frame: dict[str, Any] | None) -> None:
    """Both commands are there whole, and that the pass at hand counts."""
    steps = next_steps(frame, PLACE)

    assert f"Go on: {RESUMES}" in steps
    assert "Or set it aside: penpilot records close s-1 --reason TEXT" in steps
    assert any("counts as delivered" in step for step in steps)


@pytest.mark.req("SR-006")
def test_grave_fault_of_a_pen_that_was_lost_waits_for_a_technician() -> None:
    """A link that goes afterwards releases nobody."""
    assert RELEASES in "\n".join(next_steps(closed("interrupted", "over-depth"), PLACE))


def test_cause_of_a_later_program_is_passed_over() -> None:
    """Nothing is known of it, and the way on stands there all the same."""
    assert [f"Go on with what is left: {RESUMES}"] == next_steps(
        closed("faulted", "gremlin"), PLACE
    )
