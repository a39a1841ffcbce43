"""What the core knows before the first scan: nothing, and the safest of everything."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from safety import causes, facts, guards, ledger, limits, memory, table
from safety.alarms import Alarms
from safety.facts import Facts, Intent, IntentKind, PenIdentity, Role
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Decision, Firing, Memory, Order, Refusal
from safety.monitors.watch import Watch
from safety.states import Event, OrderKind, State

VALUES = (
    *(causes.Cause, causes.CauseKind, guards.Scene, ledger.AreaPlan, ledger.Ledger, ledger.Pass),
    *(facts.Calibration, facts.Exchanged, facts.Facts, facts.Intent, facts.PenIdentity),
    facts.Telemetry,
    *(limits.Grant, limits.Limit, table.Row),
    *(
        memory.Asked,
        memory.Decision,
        memory.Unsettled,
        memory.Entry,
        memory.Firing,
        memory.Order,
        memory.Refusal,
    ),
)
"""Everything that is handed from one part to another; memory and pass at hand are copied."""


@pytest.mark.req("SR-022")
def test_fresh_memory_is_offline_and_knows_nothing() -> None:
    """No pen, no pass, no time, no wish; after a stop it would go to IDLE."""
    expected = {
        "plan": (),
        "ledger": {"passes": ()},
        "state": State.OFFLINE,
        "identity": None,
        "current": None,
        "area": "",
        "unsettled": (),
        "tested": 0,
        "start_entry": 0,
        "start_id": None,
        "start_sent": False,
        "arm_id": None,
        "armed_ms": 0,
        "asked_ms": 0,
        "asked": None,
        "open_id": None,
        "entered_ms": 0,
        "after_stop": Event.STILL_AFTER_STOP,
        "stop_reason": "",
        "causes": (),
        "alarms": asdict(Alarms()),
        "entries": 0,
        "seen_tick_ms": None,
        "seen_strokes": 0,
        "seen_contact": False,
        "air_strokes": 0,
        "seen_cartridge": None,
        "is_cartridge_in_doubt": False,
        "was_locked": False,
        "was_disconnected": False,
        "watch": asdict(Watch()),
        "reset_role": None,
    }

    assert expected == asdict(Memory())


def test_fresh_pass_has_no_strokes_and_has_not_begun() -> None:
    """Nothing counts that was not measured."""
    plan = AreaPlan("a", 750, 1_000, 1, 200, 10_000)
    expected = {
        "plan": asdict(plan),
        "number": 1,
        "strokes_in_contact": 0,
        "strokes_total": 0,
        "depth_um_max": 0,
        "begun_ms": None,
        "contact_ms": 0,
        "run_ms": 0,
        "has_gap": False,
        "counter_before": 0,
    }

    assert expected == asdict(CurrentPass(plan, 1))


def test_facts_that_nobody_gives_are_the_ordinary_ones() -> None:
    """Nothing is durable, failed or late; no session is open and no calibration is known."""
    known = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)

    assert {
        "link_is_up": True,
        "identity": None,
        "telemetry": None,
        "exchanged": None,
        "epoch_changed": False,
        "durable": 0,
        "record_failure": "",
        "late_ms": 0,
        "driver_is_present": True,
        "link_is_wanted": True,
        "link_failure": "",
        "link_errors": 0,
        "session_is_open": False,
        "calibration": None,
    } == asdict(known)
    assert PenIdentity(42, 7, 1, 200, unfit="") == PenIdentity(42, 7, 1, 200)


@pytest.mark.req("SR-018")
def test_copy_of_a_memory_shares_nothing_that_changes_in_place() -> None:
    """Pass at hand and watch are copied as well, with all their values."""
    plan = AreaPlan("a", 750, 1_000, 1, 200, 10_000)
    current = CurrentPass(plan, 2, 3, 4, 5, 6, 7, 8, has_gap=True, counter_before=9)
    first = Memory(plan=(plan,), current=current, area="a", tested=3, entries=7)
    second = first.copy()

    assert first == second
    assert second.current is not None
    second.current.strokes_total, second.watch.lateness, second.area = 99, 99, "b"
    assert (4, 0, "a") == (current.strokes_total, first.watch.lateness, first.area)
    assert Memory().copy().current is None


def test_order_and_intent_that_say_nothing_more_are_harmless() -> None:
    """An order has no depth and no speed, an intent comes from the flow for a practitioner."""
    assert Order(OrderKind.POLL, 0, 0) == Order(OrderKind.POLL)
    assert Intent(IntentKind.STOP, "flow", Role.PRACTITIONER, "") == Intent(IntentKind.STOP)


def test_decision_gathers_the_refusals_of_all_its_firings() -> None:
    """They stand in the order in which they were found."""
    one, two = Refusal("SR-001", "a", "b"), Refusal("SR-002", "c", "d")
    firings = (
        Firing(State.IDLE, Event.ARM, State.IDLE, (one,)),
        Firing(State.IDLE, Event.PLAN, State.PLANNED),
        Firing(State.IDLE, Event.START, State.IDLE, (two,)),
    )

    assert (one, two) == Decision(Memory(), None, (), firings).refusals


@pytest.mark.req("SR-018")
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_values_cannot_be_changed_after_they_were_made(value: type) -> None:
    """Who holds a decision, a fact or a plan may rely on it."""
    made = object.__new__(value)

    for field in fields(value):
        with pytest.raises(AttributeError):
            setattr(made, field.name, None)
    with pytest.raises((AttributeError, TypeError)):
        made.anything = None
