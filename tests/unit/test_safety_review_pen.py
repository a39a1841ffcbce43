"""A pen that restarted, holds another cartridge or may not be driven: seen, and no dead end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import IntentKind, PenIdentity, Role
from safety.states import Event, OrderKind, PenState, State

if TYPE_CHECKING:
    from safety.ledger import AreaPlan
    from tests.unit.conftest import Bench

OTHER_LIMITS = 0x1111
"""Hash over limits that are not those of the first cartridge."""


def swap(bench: Bench, limits_hash: int = 0x957A, cartridge_uid: int = 9, scans: int = 3) -> None:
    """Take the cartridge out for some scans, and put another one in; the pen tells of it."""
    assert bench.identity is not None
    bench.pen.has_cartridge = False
    bench.rest(scans)
    bench.pen.has_cartridge = True
    bench.pen.limits_hash = limits_hash
    told = replace(bench.identity, limits_hash=limits_hash, cartridge_uid=cartridge_uid)
    bench.identity = told


def restart(bench: Bench, epoch: int = 8) -> None:
    """Restart the pen; only its telemetry tells of it."""
    bench.pen.stop()
    bench.pen.epoch = epoch
    bench.pen.state, bench.pen.speed_dhz, bench.pen.depth_um = PenState.SAFE, 0, 0


def events(bench: Bench) -> list[Event]:
    """Return all events that were taken so far."""
    return [f.event for *_, d in bench.log for f in d.firings if not f.is_refused]


def states(bench: Bench) -> list[str]:
    """Return the names of all states that were entered, in the order of the record."""
    return [str(body["after"]) for kind, body in bench.entries if kind == "state"]


def reset(bench: Bench, role: Role = Role.TECHNICIAN) -> None:
    """Press RESET once, and wait until the pen may have been tested."""
    bench.want(IntentKind.RESET, role)
    bench.rest(20)


@pytest.mark.req("SR-020", "SR-006", "HZ-24")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.ARMED, State.RUNNING])
def test_telemetry_of_another_boot_is_a_restart_that_latches(bench: Bench, state: State) -> None:
    """Nobody noticed the restart, yet the boot number is not the one that was identified."""
    if state is State.IDLE:
        bench.until(State.IDLE)
    elif state is State.PLANNED:
        bench.to_planned()
    elif state is State.ARMED:
        bench.to_armed()
    else:
        bench.to_running()
    bench.rest(2)
    restart(bench)
    bench.rest(20)

    assert (State.FAULT, ["pen-restarted"]) == (bench.state, bench.codes)
    assert "boot 8 after 7" in bench.memory.causes[0].sentence
    starts = bench.orders.count(OrderKind.START)
    bench.want(IntentKind.ARM)
    bench.want(IntentKind.START)
    bench.rest(5)
    assert (State.FAULT, starts) == (bench.state, bench.orders.count(OrderKind.START))


@pytest.mark.req("SR-020", "SR-036", "HZ-24", "HZ-39")
def test_restart_while_the_cartridge_is_changed_is_not_lost(bench: Bench) -> None:
    """The pen that is asked anew is another boot of it: its self-test does not hide the restart."""
    bench.to_planned()
    swap(bench)
    assert bench.identity is not None
    bench.identity = replace(bench.identity, epoch=8)
    bench.pen.epoch = 9
    bench.rest(20)

    assert (State.FAULT, ["pen-restarted"]) == (bench.state, bench.codes)


@pytest.mark.req("SR-006", "SR-020", "SR-038", "HZ-38")
def test_restart_is_reset_once_the_pen_was_identified_anew(bench: Bench) -> None:
    """Not before: a status of another boot than the pen's own word stays a restart."""
    bench.to_planned()
    restart(bench)
    bench.rest(5)
    reset(bench)
    assert State.FAULT is bench.state

    assert bench.identity is not None
    bench.identity = replace(bench.identity, epoch=8)
    reset(bench)
    assert (State.IDLE, []) == (bench.state, bench.codes)
    assert bench.memory.identity == bench.identity


@pytest.mark.req("SR-037", "SR-038", "HZ-38")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.PAUSED])
def test_cartridge_of_another_type_leads_to_an_empty_plan(bench: Bench, state: State) -> None:
    """The pen is asked, tested, and waits for a plan for these needles; no fault, no dead end."""
    if state is State.PAUSED:
        bench.to_running()
        bench.rest(5)
        bench.want(IntentKind.PAUSE)
        bench.until(State.PAUSED)
    else:
        bench.to_planned()
        bench.until(State.PLANNED)
    if state is State.IDLE:
        bench.want(IntentKind.FINISH)
    swap(bench, limits_hash=OTHER_LIMITS)
    bench.rest(20)

    assert (State.IDLE, [], ()) == (bench.state, bench.codes, bench.memory.plan)
    assert ["IDENTIFYING", "SELFTEST", "LOCKED", "IDLE"] == states(bench)[-4:]
    assert not {"FAULT", "ESTOP"} & set(states(bench))

    bench.want(IntentKind.PLAN)
    assert State.IDLE is bench.state
    assert ["there is no plan"] == [one.reason for one in bench.log[-1][-1].refusals]


@pytest.mark.req("SR-037", "HZ-22")
def test_same_cartridge_put_back_keeps_the_plan(
    bench: Bench, plan: tuple[AreaPlan, ...], identity: PenIdentity
) -> None:
    """The pen was asked, and it is the one that was planned for."""
    bench.to_planned()
    swap(bench, cartridge_uid=identity.cartridge_uid)
    bench.rest(20)

    assert (State.IDLE, plan) == (bench.state, bench.memory.plan)
    assert Event.CARTRIDGE_CHANGED in events(bench)
    assert "cartridge_changed" not in [kind for kind, _ in bench.entries]


@pytest.mark.req("SR-037", "HZ-22", "HZ-64")
def test_another_cartridge_of_the_same_type_is_on_record_and_voids_the_plan(bench: Bench) -> None:
    """Its limits are the same; whether it was used before, or is a copy, is for a person to say."""
    bench.identity = replace(bench.identity or PenIdentity(42, 7, 0x957A, 200), cartridge_uid=8)
    bench.to_planned()
    swap(bench, cartridge_uid=9)
    bench.rest(20)

    told = [body for kind, body in bench.entries if kind == "cartridge_changed"]
    assert [{"before": 8, "after": 9}] == told
    assert (State.IDLE, ()) == (bench.state, bench.memory.plan)


@pytest.mark.req("SR-037", "HZ-22", "D10")
def test_cartridge_swapped_while_stopping_is_in_doubt_until_the_pen_was_asked(
    bench: Bench,
) -> None:
    """The swap happened under the eyes of nobody who waited for it; at rest the pen is asked."""
    bench.to_planned()
    bench.pen.state, bench.pen.since_ms = PenState.STOPPING, bench.pen.tick_ms + 10**9
    bench.want(IntentKind.STOP)
    swap(bench)
    bench.rest(3)
    assert (State.STOPPING, []) == (bench.state, bench.codes)

    asked = bench.identity
    bench.identity = None
    bench.pen.state = PenState.SAFE
    bench.rest(5)
    bench.want(IntentKind.PLAN)
    bench.want(IntentKind.ARM)
    assert State.IDENTIFYING is bench.state

    bench.identity = asked
    bench.rest(20)
    assert (State.IDLE, False) == (bench.state, bench.memory.is_cartridge_in_doubt)


@pytest.mark.req("SR-037", "SR-006", "HZ-22")
def test_cartridge_swapped_under_a_latch_is_asked_for_by_the_reset(bench: Bench) -> None:
    """Out while needles ran is a fault; what came in meanwhile is told before anything is armed."""
    bench.to_running()
    bench.pen.has_cartridge = False
    bench.rest(5)
    assert (State.FAULT, ["cartridge-out"]) == (bench.state, bench.codes)

    swap(bench, cartridge_uid=9)
    bench.rest(3)
    reset(bench)

    assert (State.IDLE, ()) == (bench.state, bench.memory.plan)
    assert not bench.memory.is_cartridge_in_doubt
    assert "cartridge_changed" in [kind for kind, _ in bench.entries]


@pytest.mark.req("SR-006", "SR-038", "HZ-38")
def test_limits_that_changed_are_reset_once_the_pen_was_identified_anew(bench: Bench) -> None:
    """With a cartridge that never left this is a fault; a technician who looked into it ends it."""
    bench.to_planned()
    bench.pen.limits_hash = OTHER_LIMITS
    bench.rest(5)
    assert (State.FAULT, ["limits-changed"]) == (bench.state, bench.codes)

    reset(bench)
    assert State.FAULT is bench.state

    assert bench.identity is not None
    bench.identity = replace(bench.identity, limits_hash=OTHER_LIMITS)
    reset(bench)
    assert (State.IDLE, [], ()) == (bench.state, bench.codes, bench.memory.plan)


@pytest.mark.req("SR-006", "SR-038", "HZ-22", "HZ-38")
def test_fault_that_came_with_a_lost_link_is_latched_and_can_be_reset(bench: Bench) -> None:
    """The cartridge came off and the cable with it: the fault waits until somebody looks."""
    bench.to_running()
    bench.pen.has_cartridge = False
    bench.scan()
    bench.link_is_up = False
    bench.scan()
    assert (State.OFFLINE, ["cartridge-out"]) == (bench.state, bench.codes)

    bench.pen.stop()
    bench.link_is_up = True
    bench.rest(40)
    assert (State.FAULT, ["cartridge-out"]) == (bench.state, bench.codes)

    bench.pen.has_cartridge = True
    bench.rest(5)
    bench.want(IntentKind.ARM)
    assert State.FAULT is bench.state
    reset(bench)
    assert (State.IDLE, []) == (bench.state, bench.codes)
    assert [("forehead", 1, "uncertain")] == bench.outcomes


@pytest.mark.req("SR-015", "HZ-25", "HZ-38")
def test_unfit_pen_does_not_become_the_pen_of_the_session(bench: Bench) -> None:
    """It is turned away; the good one that follows is no exchanged pen."""
    good = bench.identity
    assert good is not None
    bench.identity = replace(good, serial_number=41, unfit="it has no lease")
    bench.rest(60)
    assert [None] == [bench.memory.identity]
    assert State.SELFTEST not in [d.memory.state for *_, d in bench.log]

    bench.identity = good
    bench.until(State.IDLE)
    assert ([], good) == (bench.codes, bench.memory.identity)


@pytest.mark.req("SR-015", "HZ-25", "HZ-33")
def test_port_of_an_unfit_pen_is_left_alone_for_a_second(bench: Bench) -> None:
    """One try a second, not twenty, and as few lines in the record."""
    assert bench.identity is not None
    bench.identity = replace(bench.identity, unfit="it has no lease")
    bench.rest(101)

    tries = [now for *_, now, d in bench.log for f in d.firings if f.event is Event.CONNECT]
    assert 5 == len(tries)
    assert all(late - early >= 1_000 for early, late in itertools.pairwise(tries))


@pytest.mark.req("SR-038")
def test_lost_link_is_left_alone_for_a_second(bench: Bench) -> None:
    """After the first second of all, which nobody waits for, a port rests before it is opened."""
    bench.until(State.CONNECTING, State.IDENTIFYING)
    assert 10_050 == bench.now_ms
    bench.until(State.IDLE)
    bench.link_is_up = False
    bench.scan()
    lost_ms = bench.memory.entered_ms
    bench.link_is_up = True
    bench.until(State.CONNECTING, State.IDENTIFYING)

    assert 1_000 == bench.memory.entered_ms - lost_ms


@pytest.mark.req("SR-037")
def test_first_cartridge_that_comes_in_is_asked_for(bench: Bench) -> None:
    """What the pen said of itself when it was empty says nothing of this one."""
    bench.pen.has_cartridge = False
    bench.until(State.IDLE)
    bench.rest(3)
    bench.pen.has_cartridge = True
    bench.rest(2)

    assert Event.CARTRIDGE_CHANGED in events(bench)
    bench.until(State.IDLE)
    assert State.SELFTEST.name == states(bench)[-3]


@pytest.mark.req("SR-037", "HZ-33")
def test_cartridge_that_was_always_in_is_in_no_doubt(bench: Bench) -> None:
    """The pen told of it when it was identified; nothing is asked twice."""
    bench.to_planned()

    assert 1 == events(bench).count(Event.IDENTIFIED)
