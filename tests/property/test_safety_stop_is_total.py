"""STOP and the granted values over arbitrary memories and facts, reachable or not."""

from __future__ import annotations

from copy import deepcopy
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.causes import Cause, CauseCode
from safety.facts import (
    Calibration,
    Exchanged,
    Facts,
    Intent,
    IntentKind,
    PenIdentity,
    Role,
    Telemetry,
)
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import Asked, CurrentPass, Memory, Unsettled
from safety.states import LATCHED, Event, OrderKind, PenState, State
from safety.step import SafetyCore

CORE = SafetyCore()
NOW_MS = 1_000_000
SMALL, TICKS = st.integers(0, 3), st.integers(0, 2**32 - 1)
TIMES = st.one_of(st.integers(NOW_MS - 200, NOW_MS + 1), st.integers(0, NOW_MS))
IDS = st.tuples(SMALL, SMALL)
PLANS = st.builds(
    AreaPlan,
    st.sampled_from("ab"),
    st.integers(1, 2_500),
    st.integers(1_367, 1_500),
    st.integers(1, 10),
    st.integers(1, 500),
    st.integers(1, 2_000),
)
PASSES = st.builds(
    Pass, st.sampled_from("ab"), st.integers(1, 3), st.sampled_from(Outcome), st.integers(0, 600)
)
CURRENT = st.builds(
    CurrentPass,
    PLANS,
    st.integers(1, 3),
    strokes_in_contact=st.integers(0, 600),
    strokes_total=st.integers(0, 600),
    depth_um_max=st.integers(0, 2_500),
    begun_ms=st.none() | TIMES,
    contact_ms=TIMES,
    run_ms=st.integers(0, 400_000),
    has_gap=st.booleans(),
    counter_before=SMALL,
)
IDENTITIES = st.builds(
    PenIdentity,
    SMALL,
    SMALL,
    SMALL,
    st.integers(0, 500),
    st.sampled_from(("", "", "no lease")),
    cartridge_uid=SMALL,
)
UNSETTLED = st.builds(Unsettled, st.sampled_from("ab"), SMALL, TICKS, SMALL, SMALL, SMALL)
ASKED = st.builds(Asked, st.sampled_from(Role), st.sampled_from(("", "a", "b")))
MEMORY = partial(
    st.builds,
    Memory,
    plan=st.lists(PLANS, max_size=3).map(tuple),
    ledger=st.builds(Ledger, st.lists(PASSES, max_size=5, unique=True).map(tuple)),
    state=st.sampled_from(State),
    identity=st.none() | IDENTITIES,
    area=st.sampled_from(("", "a", "b")),
    unsettled=st.lists(UNSETTLED, max_size=2).map(tuple),
    tested=st.integers(-4, 4),
    asked=st.none() | ASKED,
    start_entry=SMALL,
    start_id=st.none() | IDS,
    start_sent=st.booleans(),
    arm_id=st.none() | IDS,
    armed_ms=TIMES,
    asked_ms=TIMES,
    open_id=st.none() | IDS,
    entered_ms=TIMES,
    after_stop=st.sampled_from(
        (Event.STILL_AFTER_PASS, Event.STILL_AFTER_PAUSE, Event.STILL_AFTER_STOP)
    ),
    causes=st.lists(st.builds(Cause, st.sampled_from(CauseCode)), max_size=3).map(tuple),
    entries=SMALL,
    seen_tick_ms=st.none() | TICKS,
    seen_strokes=TICKS,
    seen_contact=st.booleans(),
    air_strokes=st.integers(0, 20),
    seen_cartridge=st.none() | st.booleans(),
    is_cartridge_in_doubt=st.booleans(),
    was_locked=st.booleans(),
    was_disconnected=st.booleans(),
    reset_role=st.none() | st.sampled_from(Role),
)


def told(memory: Memory) -> Memory:
    """Let START have left before UNKNOWN_OUTCOME is remembered: it leaves in the scan that enters.

    Else the core would rightly call it an invariant broken.
    """
    memory.start_sent |= memory.state is State.UNKNOWN_OUTCOME
    return memory


MEMORIES = MEMORY(current=CURRENT).map(told)
STRANGE_MEMORIES = MEMORY(current=st.none() | CURRENT)
TELEMETRY = st.builds(
    Telemetry,
    received_ms=TIMES,
    tick_ms=TICKS,
    epoch=SMALL,
    state=st.sampled_from(PenState),
    fault=st.sampled_from((0, 0, 0, 1, 0x81)),
    is_driven=st.booleans(),
    has_contact=st.booleans(),
    has_cartridge=st.booleans(),
    is_settled=st.booleans(),
    is_button_down=st.booleans(),
    lease_ended=st.booleans(),
    depth_um=st.none() | st.integers(-50, 3_000),
    speed_dhz=st.none() | st.just(0) | st.integers(0, 2_000),
    current_ma=st.none() | st.integers(-500, 500),
    temperature_mdegc=st.none(),
    supply_mv=st.none(),
    strokes=TICKS,
    limits_hash=SMALL,
    last_order=IDS,
)
EXCHANGED = st.builds(
    Exchanged, st.sampled_from(OrderKind), IDS, st.booleans(), st.booleans(), st.just("no")
)
FACTS = st.builds(
    Facts,
    link_is_up=st.sampled_from((True, True, True, False)),
    identity=st.none() | IDENTITIES,
    telemetry=st.none() | TELEMETRY,
    exchanged=st.none() | EXCHANGED,
    epoch_changed=st.booleans(),
    durable=st.integers(0, 6),
    record_failure=st.sampled_from(("", "", "no space")),
    late_ms=st.sampled_from((0, 0, 40, 41)),
    driver_is_present=st.sampled_from((True, True, False)),
    link_is_wanted=st.booleans(),
    link_failure=st.sampled_from(("", "", "no such port")),
    link_errors=st.integers(0, 30),
    session_is_open=st.sampled_from((True, True, False)),
    calibration=st.none() | st.builds(Calibration, st.integers(0, 200), st.booleans()),
)
INTENTS = st.lists(
    st.builds(
        Intent,
        st.sampled_from(IntentKind),
        st.sampled_from(("key", "pedal")),
        st.sampled_from(Role),
        st.sampled_from(("", "a", "b")),
    ),
    max_size=4,
).map(tuple)
STOP_KINDS = (IntentKind.STOP, IntentKind.ESTOP)
OTHERS = INTENTS.map(lambda found: tuple(i for i in found if i.kind not in STOP_KINDS))
STOPS = st.builds(Intent, st.sampled_from(STOP_KINDS), st.sampled_from(("signal", "pedal")))


@pytest.mark.req("SR-005", "H10")
@given(STRANGE_MEMORIES, FACTS, OTHERS, STOPS, OTHERS)
def test_stop_is_the_order_of_the_scan_in_which_it_is_wished(
    memory: Memory,
    facts: Facts,
    before: tuple[Intent, ...],
    stop: Intent,
    after: tuple[Intent, ...],
) -> None:
    """Whatever is remembered, measured and wished, nothing but STOP leaves then."""
    decision = CORE.step(memory, facts, (*before, stop, *after), NOW_MS)

    assert facts.link_is_up == (decision.order is not None)
    if decision.order is not None:
        assert (OrderKind.STOP, 0, 0) == (
            decision.order.kind,
            decision.order.depth_um,
            decision.order.speed_dhz,
        )
    assert decision.memory.reset_role is None
    assert decision.memory.state not in (State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING)


@pytest.mark.req("SR-005", "SR-018")
@given(STRANGE_MEMORIES, FACTS, OTHERS, STOPS)
def test_wishes_beside_stop_change_nothing(
    memory: Memory, facts: Facts, others: tuple[Intent, ...], stop: Intent
) -> None:
    """The decision is the one that STOP alone would have brought."""
    alone = CORE.step(memory, facts, (stop,), NOW_MS)

    assert alone == CORE.step(memory, facts, (*others, stop), NOW_MS)
    assert alone == CORE.step(memory, facts, (stop, *others), NOW_MS)


@pytest.mark.req("SR-001", "SR-003", "H02")
@given(MEMORIES, FACTS)
def test_order_that_moves_carries_what_was_granted(memory: Memory, facts: Facts) -> None:
    """ARM, START and RENEW have the values of the pass at hand, everything else has none."""
    decision = CORE.step(memory, facts, (), NOW_MS)

    if decision.order is not None:
        current = decision.memory.current
        granted = (0, 0) if current is None else (current.plan.depth_um, current.plan.speed_dhz)
        moves = decision.order.kind in (OrderKind.ARM, OrderKind.START, OrderKind.RENEW)
        expected = granted if moves else (0, 0)

        assert expected == (decision.order.depth_um, decision.order.speed_dhz)
        assert current is None or current.plan == memory.current.plan


@pytest.mark.req("SR-006")
@given(MEMORIES, FACTS, OTHERS)
def test_latched_state_is_left_for_the_self_test_at_rest_or_not_at_all(
    memory: Memory, facts: Facts, others: tuple[Intent, ...]
) -> None:
    """No wish and no fact leads from FAULT or ESTOP anywhere near motion."""
    decision = CORE.step(memory, facts, (), NOW_MS)
    ways = {f.after for f in decision.firings if f.before in LATCHED and not f.is_refused}

    if memory.state in LATCHED:
        assert ways <= {State.SELFTEST, *LATCHED}
    if memory.state in LATCHED and decision.memory.state is State.SELFTEST:
        assert facts.telemetry is not None
        assert (PenState.SAFE, False, 0) == (
            facts.telemetry.state,
            facts.telemetry.is_driven,
            facts.telemetry.speed_dhz,
        )
        assert memory.reset_role is not None
    wished = CORE.step(memory, facts, others, NOW_MS)
    moves = wished.order is not None and wished.order.kind in (OrderKind.START, OrderKind.RENEW)
    assert not (moves and memory.state in LATCHED)


@pytest.mark.req("SR-018")
@given(MEMORIES, FACTS, OTHERS)
def test_step_is_pure(memory: Memory, facts: Facts, intents: tuple[Intent, ...]) -> None:
    """The same arguments give the same decision, and are as they were."""
    before = deepcopy((memory, facts, intents))
    decision = CORE.step(memory, facts, intents, NOW_MS)

    assert decision == SafetyCore().step(memory, facts, intents, NOW_MS)
    assert before == (memory, facts, intents)
