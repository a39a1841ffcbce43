"""The order that follows from the state, anew in every scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety.errors import InvariantBroken
from safety.facts import Exchanged, Facts, Role, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory, Order
from safety.outputs import has_come_to_rest, order_for
from safety.states import OrderKind, PenState, State

NOW_MS = 10_010
POLL, STOP = Order(OrderKind.POLL), Order(OrderKind.STOP)
OPEN, RESET = Order(OrderKind.OPEN), Order(OrderKind.RESET)
ARM = Order(OrderKind.ARM, 750, 1_000)
OURS, OTHERS = (7, 3), (8, 3)
RESTING = [
    *(State.SELFTEST, State.LOCKED, State.SERVICE),
    *(State.IDLE, State.PLANNED, State.PAUSED),
]
"""States that are entered and left with needles at rest."""


def memory_in(state: State, **changes: Any) -> Memory:
    """Return a memory in that state since 9,000 ms, with a pass at hand and its entry written."""
    current = CurrentPass(AreaPlan("a", 750, 1_000, 1, 200, 10_000), 1)
    usual = {"state": state, "current": current, "entered_ms": 9_000, "open_id": (7, 1)}
    usual["start_entry"] = 5
    return Memory(**(usual | changes))


@pytest.fixture
def facts(facts: Facts) -> Facts:
    """Facts with a healthy pen at rest, and five entries on disk."""
    return replace(facts, durable=5)


def seeing(facts: Facts, telemetry: Telemetry, **changes: Any) -> Facts:
    """Return the facts with other values in their telemetry."""
    return replace(facts, telemetry=replace(telemetry, **changes))


@pytest.mark.parametrize("state", list(State))
def test_without_a_link_or_a_known_pen_there_is_nobody_to_ask(state: State, facts: Facts) -> None:
    """No order is None only there, and nowhere else."""
    memory = memory_in(state)
    has_no_pen = state in (State.OFFLINE, State.CONNECTING, State.IDENTIFYING)

    assert order_for(memory, replace(facts, link_is_up=False), NOW_MS) is None
    assert has_no_pen == (order_for(memory, facts, NOW_MS) is None)


@pytest.mark.parametrize("state", RESTING)
@pytest.mark.parametrize("pen_state", list(PenState))
def test_resting_host_stops_a_pen_that_may_move(
    state: State, pen_state: PenState, facts: Facts, telemetry: Telemetry
) -> None:
    """READY and RUN are answered by STOP, everything else is only looked at."""
    expected = STOP if pen_state in (PenState.READY, PenState.RUN) else POLL

    found = order_for(memory_in(state), seeing(facts, telemetry, state=pen_state), NOW_MS)

    assert expected == found
    assert POLL == order_for(memory_in(state), replace(facts, telemetry=None), NOW_MS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": PenState.SAFE, "last_order": OTHERS}, OPEN),
        ({"state": PenState.SAFE, "last_order": OURS}, ARM),
        ({"state": PenState.READY, "last_order": OURS}, POLL),
        ({"state": PenState.READY, "last_order": OTHERS}, STOP),
        ({"state": PenState.BOOT, "last_order": OTHERS}, POLL),
        ({"state": PenState.STOPPING, "last_order": OURS}, POLL),
    ],
    ids=str,
)
def test_arming_leads_the_pen_to_ready_step_by_step(
    changes: dict[str, Any], expected: Order, facts: Facts, telemetry: Telemetry
) -> None:
    """OPEN, then ARM with the granted values, then wait; needles of another token are stopped."""
    memory, seen = memory_in(State.ARMED), seeing(facts, telemetry, **changes)
    lost = Exchanged(OrderKind.ARM, (7, 2), was_answered=False, was_taken=False, refusal="")
    heard = replace(lost, was_answered=True, was_taken=True)

    assert expected == order_for(memory, seen, NOW_MS)
    assert expected == order_for(memory, replace(seen, exchanged=heard), NOW_MS)
    assert POLL == order_for(memory, replace(seen, exchanged=lost), NOW_MS)
    assert POLL == order_for(memory, replace(seen, telemetry=None), NOW_MS)


def test_before_open_has_left_no_token_is_ours(facts: Facts, telemetry: Telemetry) -> None:
    """A pen that remembers an earlier session is opened anew."""
    memory = memory_in(State.ARMED, open_id=None)

    assert OPEN == order_for(memory, seeing(facts, telemetry, last_order=OURS), NOW_MS)


@pytest.mark.req("SR-011")
def test_start_is_said_once_and_then_asked_for(facts: Facts) -> None:
    """As soon as it has left, only POLL follows."""
    start = Order(OrderKind.START, 750, 1_000)

    assert start == order_for(memory_in(State.UNKNOWN_OUTCOME), facts, NOW_MS)
    assert POLL == order_for(memory_in(State.UNKNOWN_OUTCOME, start_sent=True), facts, NOW_MS)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(
    ("entry", "durable", "is_said"),
    [(5, 5, True), (5, 6, True), (1, 1, True), (5, 4, False), (0, 0, False), (0, 5, False)],
)
def test_start_leaves_only_with_its_entry_on_disk(
    entry: int, durable: int, is_said: bool, facts: Facts
) -> None:
    """A START that nothing durable announces is the core's own mistake, and nothing goes on."""
    memory = memory_in(State.UNKNOWN_OUTCOME, start_entry=entry)
    known = replace(facts, durable=durable)
    if is_said:
        order = order_for(memory, known, NOW_MS)

        assert order is not None
        assert OrderKind.START is order.kind
        return
    with pytest.raises(InvariantBroken, match=rf"^START without its durable entry \({entry}\)$"):
        order_for(memory, known, NOW_MS)


def test_running_is_renewed_with_the_granted_values(facts: Facts) -> None:
    """Whatever the pen reports, the values are those of the plan."""
    assert Order(OrderKind.RENEW, 750, 1_000) == order_for(memory_in(State.RUNNING), facts, NOW_MS)


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("state", [State.STOPPING, State.FAULT, State.ESTOP])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, POLL),
        ({"state": PenState.FAULT}, POLL),
        ({"state": PenState.SERVICE}, STOP),
        ({"state": PenState.BOOT}, STOP),
        ({"received_ms": 9_001}, STOP),
        ({"received_ms": 9_860}, POLL),
        ({"received_ms": 9_859}, STOP),
        ({"received_ms": 10_011}, STOP),
        ({"is_driven": True}, STOP),
        ({"speed_dhz": 1}, STOP),
        ({"speed_dhz": None}, STOP),
        ({"state": PenState.STOPPING}, STOP),
        ({"state": PenState.RUN}, STOP),
    ],
    ids=str,
)
def test_stop_is_repeated_until_rest_is_seen(
    state: State, changes: dict[str, Any], expected: Order, facts: Facts, telemetry: Telemetry
) -> None:
    """Only fresh telemetry of needles at rest ends it."""
    assert expected == order_for(memory_in(state), seeing(facts, telemetry, **changes), NOW_MS)
    assert STOP == order_for(memory_in(state), replace(facts, telemetry=None), NOW_MS)


@pytest.mark.parametrize(
    ("received_ms", "expected"), [(9_999, False), (10_000, False), (10_001, True)]
)
def test_rest_is_seen_only_after_the_state_was_entered(
    received_ms: int, expected: bool, facts: Facts, telemetry: Telemetry
) -> None:
    """A status from before STOP says nothing about what STOP did."""
    memory = memory_in(State.STOPPING, entered_ms=10_000)

    assert expected == has_come_to_rest(
        memory, seeing(facts, telemetry, received_ms=received_ms), NOW_MS
    )


@pytest.mark.parametrize("state", [State.FAULT, State.ESTOP])
@pytest.mark.parametrize(
    ("role", "pen_state", "expected"),
    [
        (None, PenState.FAULT, POLL),
        (Role.TECHNICIAN, PenState.FAULT, RESET),
        (Role.PRACTITIONER, PenState.FAULT, RESET),
        (Role.TECHNICIAN, PenState.SAFE, POLL),
    ],
)
def test_reset_is_passed_on_to_a_pen_in_fault(
    state: State,
    role: Role | None,
    pen_state: PenState,
    expected: Order,
    facts: Facts,
    telemetry: Telemetry,
) -> None:
    """Only while a reset is wanted, and only at rest."""
    memory = memory_in(state, reset_role=role)

    assert expected == order_for(memory, seeing(facts, telemetry, state=pen_state), NOW_MS)
    moving = seeing(facts, telemetry, state=pen_state, is_driven=True)
    assert STOP == order_for(memory, moving, NOW_MS)


@pytest.mark.req("SR-006", "SR-011")
@pytest.mark.parametrize(
    ("was_answered", "expected"), [(None, RESET), (True, RESET), (False, POLL)]
)
def test_reset_is_not_said_again_before_the_last_order_was_answered(
    was_answered: bool | None, expected: Order, facts: Facts, telemetry: Telemetry
) -> None:
    """An order that nobody knows about is asked for first."""
    memory = memory_in(State.FAULT, reset_role=Role.TECHNICIAN)
    last = None
    if was_answered is not None:
        last = Exchanged(OrderKind.RESET, (7, 2), was_answered, was_taken=False, refusal="")
    failed = seeing(facts, telemetry, state=PenState.FAULT)

    assert expected == order_for(memory, replace(failed, exchanged=last), NOW_MS)


@pytest.mark.req("SR-003", "H02")
@pytest.mark.parametrize("state", [State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING])
@pytest.mark.parametrize(
    ("name", "value"),
    [("depth_um", 0), ("depth_um", 2_501), ("speed_dhz", 499), ("speed_dhz", 1_501)],
)
def test_values_that_no_pen_may_do_never_leave(
    state: State, name: str, value: int, facts: Facts, telemetry: Telemetry
) -> None:
    """They are checked once more as they go on the wire, should the plan have been damaged."""
    memory = memory_in(state)
    assert memory.current is not None
    object.__setattr__(memory.current.plan, name, value)

    with pytest.raises(InvariantBroken, match=str(value)):
        order_for(memory, seeing(facts, telemetry, last_order=OURS), NOW_MS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("depth_um", 1), ("depth_um", 2_500), ("speed_dhz", 500), ("speed_dhz", 1_500)],
)
def test_values_at_the_bounds_leave(name: str, value: int, facts: Facts) -> None:
    """Bounds belong to what is allowed."""
    memory = memory_in(State.RUNNING)
    assert memory.current is not None
    object.__setattr__(memory.current.plan, name, value)

    order = order_for(memory, facts, NOW_MS)

    assert order is not None
    assert value in (order.depth_um, order.speed_dhz)


@pytest.mark.parametrize(
    ("state", "kind"), [(State.UNKNOWN_OUTCOME, "START"), (State.RUNNING, "RENEW")]
)
def test_motion_without_a_pass_is_an_invariant_broken(
    state: State, kind: str, facts: Facts
) -> None:
    """The core contradicts itself then, and must not go on."""
    with pytest.raises(InvariantBroken, match=rf"^{kind} without a pass at hand$"):
        order_for(memory_in(state, current=None), facts, NOW_MS)
