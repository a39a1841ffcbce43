"""What the pen makes of its orders: faults, button, motion, effect, refusal, rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety.facts import Exchanged
from safety.monitors.orders import EXPECTED, TECHNICIAN_FAULT_FIRST
from safety.monitors.rack import find_causes
from safety.monitors.view import View
from safety.states import OrderKind, PenState, State
from tests.unit.tape import NOW_MS, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


def details(tape: Tape, now_ms: int = NOW_MS) -> dict[str, str]:
    """Return the active causes with their numbers."""
    view = View(tape.memory, tape.facts, now_ms)
    return {str(cause.code): cause.detail for cause in find_causes(view)}


@pytest.mark.req("HZ-23")
@pytest.mark.parametrize(
    ("fault", "pen_state", "found"),
    [
        (0, PenState.RUN, {}),
        (1, PenState.RUN, {"pen-fault-operator": "pen fault 0x01, stall"}),
        (0, PenState.FAULT, {"pen-fault-operator": "pen fault 0x00, unknown"}),
        (0x7F, PenState.FAULT, {"pen-fault-operator": "pen fault 0x7F, unknown"}),
        (0x80, PenState.FAULT, {"pen-fault-technician": "pen fault 0x80, unknown"}),
        (0x81, PenState.SAFE, {"pen-fault-technician": "pen fault 0x81, over-depth"}),
        (0x83, PenState.FAULT, {"pen-fault-technician": "pen fault 0x83, fluid ingress"}),
    ],
)
def test_fault_of_the_pen_is_reported_by_who_may_clear_it(
    fault: int, pen_state: PenState, found: dict[str, str], tape: Tape
) -> None:
    """From 0x80 on a technician must, and a fault without a number is one too."""
    tape.memory.state = State.SELFTEST
    tape.play(fault=fault, state=pen_state)

    assert found == details(tape)
    assert 0x80 == TECHNICIAN_FAULT_FIRST


@pytest.mark.parametrize("is_button_down", [False, True])
def test_stop_button_is_reported_even_if_the_pen_runs_on(is_button_down: bool, tape: Tape) -> None:
    """The button is a wish of its own, whatever the pen makes of it."""
    found = tape.play(**(RUN | {"is_button_down": is_button_down}))

    assert is_button_down == ("pen-button" in found)


@pytest.mark.req("SR-005", "SR-006")
@pytest.mark.parametrize("state", list(State))
def test_stop_button_is_reported_wherever_a_pen_is_held_or_laid_down(
    state: State, tape: Tape
) -> None:
    """While needles brake and at rest as well; where a latch or a test holds it says nothing."""
    silent = {State.OFFLINE, State.CONNECTING, State.IDENTIFYING, State.SELFTEST}
    silent |= {State.FAULT, State.ESTOP}
    tape.memory.state = state

    assert (state not in silent) == ("pen-button" in tape.play(is_button_down=True))


@pytest.mark.req("SR-005")
@pytest.mark.parametrize(
    ("changes", "is_motion"),
    [
        ({}, False),
        ({"is_driven": True}, True),
        ({"state": PenState.READY}, True),
        ({"state": PenState.RUN}, True),
        ({"state": PenState.STOPPING}, False),
        ({"state": PenState.BOOT}, False),
        ({"state": PenState.SERVICE}, False),
        ({"depth_um": 200}, False),
        ({"depth_um": 201}, True),
        ({"depth_um": None}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("since_ms", [-1, 0, 1])
def test_motion_that_nobody_asked_for_is_reported(
    changes: dict[str, Any], is_motion: bool, since_ms: int, tape: Tape
) -> None:
    """A driven motor or needles that are out, heard since the host rests."""
    tape.memory.state = State.IDLE
    tape.memory.entered_ms = 10_100 - since_ms
    found = tape.play(**changes)

    assert (is_motion and since_ms > 0) == ("motion-unasked" in found)


@pytest.mark.parametrize("state", [State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME])
@pytest.mark.parametrize("pen_state", list(PenState))
def test_pen_that_is_elsewhere_is_reported(state: State, pen_state: PenState, tape: Tape) -> None:
    """While needles may be out the pen is where its orders led it, or something is wrong."""
    where = {
        State.ARMED: {PenState.SAFE, PenState.READY},
        State.UNKNOWN_OUTCOME: {PenState.READY, PenState.RUN},
        State.RUNNING: {PenState.RUN},
    }
    is_elsewhere = pen_state not in where[state]
    tape.memory.state = state
    tape.play(state=pen_state)
    plain = details(tape)
    by_lease = tape.play(lease_ended=True)
    by_button = tape.play(is_button_down=True)

    assert where == EXPECTED
    expected = f"it is {pen_state.name}" if is_elsewhere else None
    assert expected == plain.get("pen-stopped-itself")
    assert is_elsewhere == ("lease-ended" in by_lease)
    assert not by_lease & {"pen-stopped-itself"}
    assert not by_button & {"pen-stopped-itself", "lease-ended"}


@pytest.mark.parametrize("kind", list(OrderKind))
@pytest.mark.parametrize("was_answered", [False, True])
@pytest.mark.parametrize("was_taken", [False, True])
def test_refused_order_is_reported(
    kind: OrderKind, was_answered: bool, was_taken: bool, tape: Tape
) -> None:
    """An answer that says no counts, for every order that leads to motion or keeps it."""
    last = Exchanged(kind, (1, 1), was_answered, was_taken, "wrong state")
    tape.facts = replace(tape.facts, exchanged=last)
    is_motion = kind not in (OrderKind.POLL, OrderKind.STOP)
    is_refused = was_answered and not was_taken and is_motion

    expected = f"{kind.name}: wrong state" if is_refused else None

    assert expected == details(tape).get("order-refused")


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("state", [State.STOPPING, State.FAULT])
@pytest.mark.parametrize(("waited_ms", "is_long"), [(2_000, False), (2_001, True)])
@pytest.mark.parametrize(
    ("speed_dhz", "age_ms", "detail"),
    [
        (None, 0, "SAFE, speed not known, after 2001 ms"),
        (7, 0, "SAFE, speed 7 dHz, after 2001 ms"),
        (0, 0, None),
        (None, 151, None),
    ],
)
def test_pen_that_does_not_say_that_it_rests_is_reported_after_two_seconds(
    state: State,
    waited_ms: int,
    is_long: bool,
    speed_dhz: int | None,
    age_ms: int,
    detail: str | None,
    tape: Tape,
) -> None:
    """An unknown speed is no standstill; a pen that rests, or is silent, is left alone."""
    tape.memory.state = state
    tape.play(speed_dhz=speed_dhz)
    assert tape.facts.telemetry is not None
    now_ms = tape.facts.telemetry.received_ms + age_ms
    tape.memory.entered_ms = now_ms - waited_ms

    assert (detail if is_long else None) == details(tape, now_ms).get("rest-not-seen")


def test_rest_is_not_missed_without_a_telemetry(tape: Tape) -> None:
    """Silence has its own causes."""
    tape.memory.state = State.STOPPING
    tape.facts = replace(tape.facts, telemetry=None)

    assert {} == details(tape)


@pytest.mark.req("SR-040")
@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({}, None),
        ({"current_ma": 5}, None),
        ({"current_ma": -5}, None),
        ({"is_driven": False}, "motor off"),
        ({"strokes": 1_000}, "no strokes"),
        ({"speed_dhz": 0}, "no speed"),
        ({"speed_dhz": None}, "no speed"),
        ({"current_ma": 4}, "no current"),
        ({"current_ma": -4}, "no current"),
        ({"current_ma": None}, "no current"),
    ],
)
def test_start_without_effect_is_reported_after_500_ms(
    changes: dict[str, Any], lacking: str | None, tape: Tape
) -> None:
    """Motor, strokes, speed and current must all show it."""
    tape.play(9, **(RUN | changes))
    before = details(tape)
    tape.play(**changes)

    assert "no-effect" not in before
    assert lacking == details(tape).get("no-effect")


@pytest.mark.req("SR-041")
def test_effect_counts_again_after_a_while(tape: Tape) -> None:
    """1 s, 21 telemetries; it ends with the run as well."""
    tape.play(10, **(RUN | {"current_ma": 0}))
    after_20 = tape.play(20, current_ma=150)
    detail = details(tape)["no-effect"]
    after_21 = tape.play()
    before = tape.watch.no_effect_ms
    tape.play(state=PenState.STOPPING)

    assert "no-effect" in after_20
    assert "now and then" == detail
    assert "no-effect" not in after_21
    assert (498, 0) == (before, tape.watch.no_effect_ms)
