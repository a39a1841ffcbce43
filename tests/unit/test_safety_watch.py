"""All monitors together: where they apply, their order, their memory, silence when all is well."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from safety.causes import CATALOGUE, CauseCode
from safety.facts import Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory
from safety.monitors import antiflap
from safety.monitors.rack import MONITORS, find_causes, measure
from safety.monitors.view import View
from safety.monitors.watch import Watch
from safety.states import PenState, Severity, State

NOW_MS = 10_010
S = State
LINKED = set(State) - {S.OFFLINE, S.CONNECTING}
IDENTIFIED = LINKED - {S.IDENTIFYING}
MOVING = {S.ARMED, S.RUNNING, S.UNKNOWN_OUTCOME, S.STOPPING}
WATCHED = {S.ARMED, S.RUNNING, S.UNKNOWN_OUTCOME}
STRIKING = {S.RUNNING, S.UNKNOWN_OUTCOME}
RESTING = {S.LOCKED, S.IDLE, S.PLANNED, S.PAUSED, S.SERVICE}

WHERE: tuple[tuple[str, set[State]], ...] = (
    ("pen_restarted", LINKED),
    ("pen_fault", LINKED),
    ("over_depth", LINKED),
    ("identity_changed", IDENTIFIED),
    ("limits_changed", IDENTIFIED),
    ("cartridge_out", MOVING),
    ("motion_unasked", RESTING),
    ("current_unasked", IDENTIFIED),
    ("rest_not_seen", {S.STOPPING, S.FAULT}),
    ("depth_flat", STRIKING),
    ("temperature_implausible", IDENTIFIED),
    ("speed_flat", STRIKING),
    ("current_flat", STRIKING),
    ("overspeed", IDENTIFIED),
    ("speed_no_feedback", STRIKING),
    ("stall", STRIKING),
    ("over_current", STRIKING),
    ("winding_hot", IDENTIFIED),
    ("link_bad", IDENTIFIED),
    ("depth_unknown", WATCHED),
    ("telemetry_stale", WATCHED),
    ("pen_button", MOVING | RESTING),
    ("pen_elsewhere", WATCHED),
    ("order_refused", WATCHED),
    ("sensor_unknown", WATCHED),
    ("pen_clock", WATCHED),
    ("no_effect", STRIKING),
    ("depth_no_effect", WATCHED),
    ("over_temperature", IDENTIFIED),
    ("supply_empty", IDENTIFIED),
    ("scan_late", WATCHED),
    ("record_failed", WATCHED),
    ("driver_lost", WATCHED),
    ("depth_tracking", WATCHED),
    ("speed_dragging", STRIKING),
    ("speed_droop", STRIKING),
    ("supply_too_low", STRIKING),
    ("supply_weak", RESTING | {S.ARMED}),
    ("link_errors", WATCHED),
    ("no_contact", {S.RUNNING}),
    ("contact_stuck", RESTING),
    ("dose_reached", {S.RUNNING}),
    ("dwell", {S.RUNNING}),
    ("pass_too_long", {S.RUNNING}),
    ("temperature_high", IDENTIFIED),
    ("supply_low", IDENTIFIED),
    ("dose_near", {S.RUNNING}),
)
"""Every monitor in its order, with the states in which it is asked."""

UNMONITORED = {"selftest-failed", "selftest-timeout", "emergency-stop", "stop-ignored"}
"""Causes that other parts of the core find."""


def running_memory() -> Memory:
    """Return a memory with a pass of 750 um and 100 strokes/s under way."""
    plan = AreaPlan("a", 750, 1_000, 1, 200, 10_000)
    current = CurrentPass(plan, 1, begun_ms=9_000, contact_ms=9_900)
    known = PenIdentity(42, 7, 0x957A, 200)
    return Memory(state=State.RUNNING, identity=known, current=current, entered_ms=9_000)


@pytest.fixture
def running(facts: Facts, telemetry: Telemetry) -> Facts:
    """Facts with a pen that runs as it was told."""
    seen = replace(telemetry, state=PenState.RUN, is_driven=True, depth_um=750, speed_dhz=1_000)
    return replace(facts, telemetry=seen)


def seeing(facts: Facts, **changes: Any) -> Facts:
    """Return the facts with other values in their telemetry."""
    assert facts.telemetry is not None
    return replace(facts, telemetry=replace(facts.telemetry, **changes))


@pytest.mark.req("HZ-33")
def test_healthy_running_pen_gives_no_cause(running: Facts) -> None:
    """All monitors are silent while everything is as it should be."""
    view = View(running_memory(), running, NOW_MS)
    measure(view)

    assert () == find_causes(view)


@pytest.mark.parametrize("state", list(State))
def test_monitor_is_silent_about_what_it_does_not_know(state: State) -> None:
    """Without telemetry, identity and pass only its absence is reported, where it matters."""
    nothing = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)
    expected = [CauseCode.TELEMETRY_STALE] if state in WATCHED else []
    view = View(Memory(state=state), nothing, NOW_MS)
    measure(view)

    assert expected == [cause.code for cause in find_causes(view)]


def test_monitors_stand_in_their_order_with_their_states() -> None:
    """Gravest first, and nowhere else than where they mean something."""
    found = tuple((monitor.__name__, set(states)) for monitor, states in MONITORS)

    assert found == WHERE


@pytest.mark.parametrize("state", list(State))
def test_only_the_monitors_of_a_state_are_asked(state: State, running: Facts) -> None:
    """With everything raised that can be, each state finds what applies there, in order."""
    watch = Watch()
    for field in fields(Watch):
        if field.name.endswith("_ms"):
            setattr(watch, field.name, 100_000)
        elif field.name.startswith(("is_", "flat_", "overspeed", "lateness")):
            setattr(watch, field.name, 1_000)
    watch.error_times, watch.dose_before, watch.housing_udegc = (NOW_MS,) * 21, 10_000, 0
    memory = replace(running_memory(), state=state, watch=watch)
    facts = seeing(running, has_cartridge=False, fault=1, depth_um=5_000, received_ms=9_840)
    facts = replace(facts, epoch_changed=True, record_failure="full", driver_is_present=False)

    codes = [str(cause.code) for cause in find_causes(View(memory, facts, 400_000))]
    names = [code.removesuffix("-operator").replace("-", "_") for code in codes]
    silent = {"identity_changed", "limits_changed", "depth_unknown", "pen_button"}
    silent |= {"order_refused", "rest_not_seen", "link_errors", "link_bad", "pen_elsewhere"}

    expected = [name for name, states in WHERE if state in states and name not in silent]
    assert expected == [name for name in names if name not in silent | {"pen_stopped_itself"}]


def test_causes_come_in_the_order_of_the_monitors(running: Facts) -> None:
    """The first cause of a scan is the telling one."""
    facts = seeing(replace(running, epoch_changed=True, driver_is_present=False), depth_um=951)

    causes = find_causes(View(running_memory(), facts, NOW_MS))

    expected = [CauseCode.PEN_RESTARTED, CauseCode.OVER_DEPTH, CauseCode.DRIVER_LOST]
    assert expected == [cause.code for cause in causes]


def test_graver_causes_stand_before_lighter_ones() -> None:
    """By severity: faults, then stops, then pauses, then warnings."""
    other = {"pen_fault": "pen-fault-operator", "pen_elsewhere": "pen-stopped-itself"}
    codes = [other.get(name, name.replace("_", "-")) for name, _ in WHERE]
    classes = [min(CATALOGUE[CauseCode(code)].severity, Severity.FAULT_OPERATOR) for code in codes]

    assert classes == sorted(classes, reverse=True)


def test_every_cause_has_a_monitor_or_another_finder() -> None:
    """No cause stands in the catalogue that nothing can find."""
    other = {"pen_fault": "pen-fault-operator", "pen_elsewhere": "pen-stopped-itself"}
    found = {other.get(name, name.replace("_", "-")) for name, _ in WHERE}

    assert {*CauseCode} == found | UNMONITORED | {"pen-fault-technician", "lease-ended"}


def test_watch_is_copied_with_every_value() -> None:
    """The copy is equal and of its own."""
    watch = Watch(*range(1, 1 + len(fields(Watch))))  # type: ignore[arg-type]
    copied = watch.copy()
    copied.lateness = -1

    assert copied == replace(watch, lateness=-1)
    assert -1 != watch.lateness


def test_watch_begins_with_nothing() -> None:
    """No counter starts above 0, and nothing has been seen."""
    values = [getattr(Watch(), field.name) for field in fields(Watch)]

    assert {None, 0, "", ()} >= {*values}
    assert [None] * 6 == [value for value in values if value is None]


def test_telemetry_is_measured_once(running: Facts) -> None:
    """A scan without a new telemetry moves no counter but those of scan and link."""
    memory = running_memory()
    measure(View(memory, running, NOW_MS))
    later = seeing(running, received_ms=10_050, tick_ms=5_050, speed_dhz=1_200)
    for now_ms in (10_060, 10_110):
        measure(View(memory, later, now_ms))

    assert 1 == memory.watch.overspeed_count
    assert 51 == memory.watch.driven_ms


@pytest.mark.parametrize(
    ("received_ms", "driven_ms"),
    [(10_050, 51), (10_074, 75), (10_075, 76), (10_076, 76), (20_000, 76), (9_000, 1)],
)
def test_telemetry_stands_for_75_ms_at_most(
    received_ms: int, driven_ms: int, running: Facts
) -> None:
    """After a long silence nobody knows what was; time that goes back counts as none."""
    memory = running_memory()
    measure(View(memory, running, NOW_MS))
    measure(View(memory, seeing(running, received_ms=received_ms, tick_ms=5_050), NOW_MS))

    assert driven_ms == memory.watch.driven_ms


def test_frozen_tick_is_measured_when_heard_again(running: Facts) -> None:
    """A status that came anew with the old tick is news about the pen's clock."""
    memory = running_memory()
    measure(View(memory, running, NOW_MS))
    measure(View(memory, seeing(running, received_ms=10_050), NOW_MS))

    assert memory.watch.is_clock_off


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("level_ms", "step_ms", "after_ms"),
    [(0, 50, 50), (49, 50, 99), (50, 50, 350), (350, 50, 350), (0, 100, 350)],
)
def test_level_rises_and_stays_full(level_ms: int, step_ms: int, after_ms: int) -> None:
    """Once it is full it has 250 ms to spare."""
    assert after_ms == antiflap.risen(level_ms, step_ms, 100)


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("level_ms", "step_ms", "after_ms"),
    [(350, 50, 338), (0, 50, 0), (12, 50, 0), (13, 50, 1), (11, 50, 0), (7, 3, 7)],
)
def test_level_falls_four_times_slower_than_it_rises(
    level_ms: int, step_ms: int, after_ms: int
) -> None:
    """Never below 0."""
    assert after_ms == antiflap.fallen(level_ms, step_ms)
