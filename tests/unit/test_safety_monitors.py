"""Every monitor at its bound, one below, one above and without a value, in every state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import monitors
from safety.causes import CauseCode
from safety.facts import Exchanged, Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory
from safety.monitors import Monitor, is_too_fast
from safety.states import MOVING, OrderKind, PenState, State

NOW_MS = 10_010
WATCHED = {State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME}
RESTING = {State.IDLE, State.PLANNED, State.PAUSED}
KNOWN = PenIdentity(42, 7, 0x957A, 200)
RUNNING = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}


def memory_in(state: State, **changes: Any) -> Memory:
    """Return a memory in that state, with a pass of 750 um and 100 strokes/s at hand."""
    current = CurrentPass(AreaPlan("a", 750, 1_000, 1, 200), 1, begun_ms=9_000, contact_ms=9_900)
    usual = {"state": state, "identity": KNOWN, "current": current, "entered_ms": 9_000}
    return Memory(**(usual | changes))


def codes(monitor: Monitor, memory: Memory, facts: Facts, now_ms: int = NOW_MS) -> list[CauseCode]:
    """Return what one monitor reports, as a list of none or one."""
    cause = monitor(memory, facts, now_ms)
    return [] if cause is None else [cause.code]


@pytest.fixture
def running(facts: Facts, telemetry: Telemetry) -> Facts:
    """Facts with a pen that runs as it was told."""
    return replace(facts, telemetry=replace(telemetry, **RUNNING))


def seeing(facts: Facts, **changes: Any) -> Facts:
    """Return the facts with other values in their telemetry."""
    assert facts.telemetry is not None
    return replace(facts, telemetry=replace(facts.telemetry, **changes))


@pytest.mark.req("SR-020")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("epoch_changed", [False, True])
def test_restart_is_reported_in_every_state(
    state: State, epoch_changed: bool, running: Facts
) -> None:
    """Another boot number is a cause wherever the host stands."""
    facts = replace(running, epoch_changed=epoch_changed)
    expected = [CauseCode.PEN_RESTARTED] if epoch_changed else []

    assert expected == codes(monitors.pen_restarted, memory_in(state), facts)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("fault", "pen_state", "expected"),
    [
        (0, PenState.RUN, []),
        (1, PenState.RUN, [CauseCode.PEN_FAULT_OPERATOR]),
        (0, PenState.FAULT, [CauseCode.PEN_FAULT_OPERATOR]),
        (0x7F, PenState.FAULT, [CauseCode.PEN_FAULT_OPERATOR]),
        (0x80, PenState.FAULT, [CauseCode.PEN_FAULT_TECHNICIAN]),
        (0x81, PenState.SAFE, [CauseCode.PEN_FAULT_TECHNICIAN]),
    ],
)
def test_fault_of_the_pen_is_reported_by_who_may_clear_it(
    state: State, fault: int, pen_state: PenState, expected: list[CauseCode], running: Facts
) -> None:
    """From 0x80 on a technician must, and a fault without a number is one too."""
    facts = seeing(running, fault=fault, state=pen_state)

    assert expected == codes(monitors.pen_fault, memory_in(state), facts)


@pytest.mark.req("SR-020")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("changes", "is_changed"),
    [
        ({}, False),
        ({"limits_hash": 0x9579}, True),
        ({"limits_hash": 0x957B}, True),
        ({"limits_hash": 0, "has_cartridge": False}, False),
    ],
)
def test_other_limits_are_reported_in_every_state(
    state: State, changes: dict[str, Any], is_changed: bool, running: Facts
) -> None:
    """A pen whose limits are not those of the grants may not go on; an empty pen has others."""
    expected = [CauseCode.LIMITS_CHANGED] if is_changed else []

    found = codes(monitors.limits_changed, memory_in(state), seeing(running, **changes))

    assert expected == found


@pytest.mark.req("SR-020")
@pytest.mark.parametrize(
    ("answers", "is_changed"),
    [
        (None, False),
        (KNOWN, False),
        (replace(KNOWN, epoch=8), False),
        (replace(KNOWN, serial_number=43), True),
        (replace(KNOWN, limits_hash=0x957B), True),
        (replace(KNOWN, depth_tolerance_um=201), True),
    ],
)
def test_other_pen_is_reported(
    answers: PenIdentity | None, is_changed: bool, running: Facts
) -> None:
    """The grants are for one pen; it may be switched off and on, but not be another one."""
    facts = replace(running, identity=answers)
    expected = [CauseCode.LIMITS_CHANGED] if is_changed else []

    assert expected == codes(monitors.limits_changed, memory_in(State.IDLE), facts)
    assert [] == codes(monitors.limits_changed, memory_in(State.IDLE, identity=None), facts)
    unheard = replace(facts, telemetry=None)
    assert expected == codes(monitors.limits_changed, memory_in(State.IDLE), unheard)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("has_cartridge", [False, True])
def test_missing_cartridge_is_reported_while_needles_may_move(
    state: State, has_cartridge: bool, running: Facts
) -> None:
    """Between passes it may be changed, and without a pass at hand nobody minds."""
    facts = seeing(running, has_cartridge=has_cartridge)
    is_out = not has_cartridge and state in MOVING
    expected = [CauseCode.CARTRIDGE_OUT] if is_out else []

    assert expected == codes(monitors.cartridge_out, memory_in(state), facts)
    assert [] == codes(monitors.cartridge_out, memory_in(state, current=None), facts)


@pytest.mark.req("SR-020")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("depth_um", "is_over"), [(-1, False), (949, False), (950, False), (951, True), (None, False)]
)
def test_over_depth_is_reported_beyond_set_value_plus_tolerance(
    state: State, depth_um: int | None, is_over: bool, running: Facts
) -> None:
    """The pen's tolerance itself is still within."""
    facts = seeing(running, depth_um=depth_um)
    expected = [CauseCode.OVER_DEPTH] if is_over else []

    assert expected == codes(monitors.over_depth, memory_in(state), facts)
    assert [] == codes(monitors.over_depth, memory_in(state, current=None), facts)
    assert [] == codes(monitors.over_depth, memory_in(state, identity=None), facts)


@pytest.mark.req("SR-020")
@pytest.mark.parametrize(
    ("tolerance_um", "deepest_um"),
    [(0, 750), (249, 999), (250, 1_000), (251, 1_000), (65_535, 1_000)],
)
def test_tolerance_of_a_pen_is_believed_up_to_a_quarter_millimetre(
    tolerance_um: int, deepest_um: int, running: Facts
) -> None:
    """A pen cannot talk its over-depth away."""
    memory = memory_in(State.RUNNING, identity=replace(KNOWN, depth_tolerance_um=tolerance_um))

    at_bound = codes(monitors.over_depth, memory, seeing(running, depth_um=deepest_um))
    beyond = codes(monitors.over_depth, memory, seeing(running, depth_um=deepest_um + 1))

    assert ([], [CauseCode.OVER_DEPTH]) == (at_bound, beyond)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("depth_um", [None, 0, 750])
def test_unknown_depth_is_reported_while_needles_may_be_out(
    state: State, depth_um: int | None, running: Facts
) -> None:
    """A depth of 0 is known; none is not."""
    expected = [CauseCode.DEPTH_UNKNOWN] if depth_um is None and state in WATCHED else []

    found = codes(monitors.depth_unknown, memory_in(state), seeing(running, depth_um=depth_um))

    assert expected == found


@pytest.mark.parametrize(("count", "is_over"), [(0, False), (1, False), (2, True), (3, True)])
def test_overspeed_is_reported_when_seen_twice_in_a_row(
    count: int, is_over: bool, running: Facts
) -> None:
    """One telemetry may be a glitch, two are not."""
    expected = [CauseCode.OVERSPEED] if is_over else []
    memory = memory_in(State.RUNNING, overspeed_count=count)

    assert expected == codes(monitors.overspeed, memory, running)
    assert [] == codes(monitors.overspeed, replace(memory, current=None), running)
    assert [] == codes(monitors.overspeed, memory, replace(running, telemetry=None))


@pytest.mark.parametrize(
    ("speed_dhz", "expected"),
    [(0, False), (1_099, False), (1_100, False), (1_101, True), (None, False)],
)
def test_speed_is_too_high_beyond_110_percent(
    speed_dhz: int | None, expected: bool, telemetry: Telemetry
) -> None:
    """The tolerance itself is still within, and what is not known is no overspeed."""
    seen = replace(telemetry, speed_dhz=speed_dhz)

    assert expected == is_too_fast(memory_in(State.RUNNING), seen)
    assert not is_too_fast(memory_in(State.RUNNING, current=None), seen)


@pytest.mark.req("SR-009")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("age_ms", [-1, 0, 149, 150, 151, None])
def test_stale_telemetry_is_reported_while_needles_may_be_out(
    state: State, age_ms: int | None, running: Facts
) -> None:
    """Too old, from the future and none at all are the same."""
    heard = running if age_ms is None else seeing(running, received_ms=NOW_MS - age_ms)
    facts = replace(running, telemetry=None) if age_ms is None else heard
    is_stale = age_ms is None or not 0 <= age_ms <= 150
    expected = [CauseCode.TELEMETRY_STALE] if is_stale and state in WATCHED else []

    assert expected == codes(monitors.telemetry_stale, memory_in(state), facts)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("is_button_down", [False, True])
def test_stop_button_is_reported_even_if_the_pen_runs_on(
    state: State, is_button_down: bool, running: Facts
) -> None:
    """The button is a wish of its own, whatever the pen makes of it."""
    facts = seeing(running, is_button_down=is_button_down)
    expected = [CauseCode.PEN_BUTTON] if is_button_down and state in WATCHED else []

    assert expected == codes(monitors.pen_button, memory_in(state), facts)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("is_driven", [False, True])
@pytest.mark.parametrize("since_ms", [-1, 0, 1])
def test_motor_that_nobody_asked_for_is_reported(
    state: State, is_driven: bool, since_ms: int, running: Facts
) -> None:
    """It is where the host rests, and was heard since it rests."""
    facts = seeing(running, is_driven=is_driven, received_ms=9_000 + since_ms)
    is_unasked = state in RESTING and is_driven and since_ms > 0
    expected = [CauseCode.MOTION_UNASKED] if is_unasked else []

    assert expected == codes(monitors.motion_unasked, memory_in(state), facts)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("pen_state", list(PenState))
def test_pen_that_is_elsewhere_is_reported(
    state: State, pen_state: PenState, running: Facts
) -> None:
    """While needles may be out the pen is where its orders led it, or something is wrong."""
    where = {
        State.ARMED: {PenState.SAFE, PenState.READY},
        State.UNKNOWN_OUTCOME: {PenState.READY, PenState.RUN},
        State.RUNNING: {PenState.RUN},
    }
    is_elsewhere = pen_state not in where.get(state, set(PenState))
    memory, facts = memory_in(state), seeing(running, state=pen_state)
    lease = [CauseCode.LEASE_ENDED] if is_elsewhere else []
    plain = [CauseCode.PEN_STOPPED_ITSELF] if is_elsewhere else []

    assert plain == codes(monitors.pen_elsewhere, memory, facts)
    assert lease == codes(monitors.pen_elsewhere, memory, seeing(facts, lease_ended=True))
    assert [] == codes(monitors.pen_elsewhere, memory, seeing(facts, is_button_down=True))


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("kind", list(OrderKind))
@pytest.mark.parametrize("was_answered", [False, True])
@pytest.mark.parametrize("was_taken", [False, True])
def test_refused_order_is_reported_while_needles_may_be_out(
    state: State, kind: OrderKind, was_answered: bool, was_taken: bool, running: Facts
) -> None:
    """An answer that says no counts, for every order that leads to motion or keeps it."""
    last = Exchanged(kind, (1, 1), was_answered, was_taken, "wrong state")
    is_motion = kind not in (OrderKind.POLL, OrderKind.STOP)
    is_refused = was_answered and not was_taken and is_motion and state in WATCHED
    expected = [CauseCode.ORDER_REFUSED] if is_refused else []

    found = codes(monitors.order_refused, memory_in(state), replace(running, exchanged=last))

    assert expected == found


@pytest.mark.req("SR-021")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("lateness", [0, 49, 50, 51])
def test_lateness_is_reported_beyond_its_bound(state: State, lateness: int, running: Facts) -> None:
    """Fifty are allowed: two late scans and ten more, or two and a half."""
    memory = replace(memory_in(state), lateness=lateness)
    expected = [CauseCode.SCAN_LATE] if lateness > 50 and state in WATCHED else []

    assert expected == codes(monitors.scan_late, memory, running)


@pytest.mark.req("SR-021")
@pytest.mark.parametrize(
    ("late_ms", "before", "after"),
    [(-1, 0, 20), (0, 0, 0), (0, 7, 6), (40, 7, 6), (41, 7, 27), (41, 50, 70), (10_000, 70, 70)],
)
def test_lateness_rises_at_once_and_falls_slowly(
    late_ms: int, before: int, after: int, running: Facts
) -> None:
    """Forty milliseconds are in time, and a negative lateness is nonsense, hence late."""
    memory = replace(memory_in(State.RUNNING), lateness=before)

    assert after == monitors.lateness_after(memory, replace(running, late_ms=late_ms))


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("monitor", "changes", "found"),
    [
        (monitors.record_failed, {}, []),
        (monitors.record_failed, {"record_failure": "full"}, [CauseCode.RECORD_FAILED]),
        (monitors.driver_lost, {}, []),
        (monitors.driver_lost, {"driver_is_present": False}, [CauseCode.DRIVER_LOST]),
    ],
)
def test_failed_record_and_lost_driver_are_reported_while_needles_may_be_out(
    state: State, monitor: Monitor, changes: dict[str, Any], found: list[CauseCode], running: Facts
) -> None:
    """What cannot be written down, or is guided by nobody, may not go on."""
    expected = found if state in WATCHED else []

    assert expected == codes(monitor, memory_in(state), replace(running, **changes))


@pytest.mark.req("SR-008")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("air_ms", "is_long"), [(9_999, False), (10_000, False), (10_001, True)])
def test_needles_in_the_air_are_reported_after_10_s(
    state: State, air_ms: int, is_long: bool, running: Facts
) -> None:
    """The time counts from the last contact, while running."""
    memory = memory_in(state)
    expected = [CauseCode.NO_CONTACT] if is_long and state is State.RUNNING else []

    assert expected == codes(monitors.no_contact, memory, running, 9_900 + air_ms)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("run_ms", "is_long"), [(299_999, 0), (300_000, 0), (300_001, 1)])
def test_pass_is_reported_after_300_s_of_running(
    state: State, run_ms: int, is_long: int, running: Facts
) -> None:
    """Earlier parts do not count: whoever resumed has looked, and must not be paused at once."""
    memory = memory_in(state)
    assert memory.current is not None
    memory.current.run_ms = 100_000
    expected = [CauseCode.PASS_TOO_LONG] if is_long and state is State.RUNNING else []

    assert expected == codes(monitors.pass_too_long, memory, running, 9_000 + run_ms)


@pytest.mark.parametrize("monitor", [monitors.no_contact, monitors.pass_too_long])
def test_time_of_a_pass_counts_only_once_it_has_begun(monitor: Monitor, running: Facts) -> None:
    """Before START was confirmed, and without a pass, there is no time to be long."""
    unbegun = CurrentPass(AreaPlan("a", 750, 1_000, 1, 200), 1, run_ms=300_001)

    for current in (None, unbegun):
        memory = memory_in(State.RUNNING, current=current)

        assert [] == codes(monitor, memory, running, 1_000_000)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("waited_ms", "speed_dhz"), [(2_000, None), (2_001, None), (2_001, 0)])
def test_pen_that_does_not_say_that_it_rests_is_reported_after_two_seconds(
    state: State, waited_ms: int, speed_dhz: int | None, running: Facts
) -> None:
    """A speed that is not known is no standstill; a pen that rests is left alone."""
    assert running.telemetry is not None
    now_ms = running.telemetry.received_ms
    seen = replace(running.telemetry, state=PenState.SAFE, is_driven=False, speed_dhz=speed_dhz)
    memory = replace(memory_in(state), entered_ms=now_ms - waited_ms)
    is_unseen = waited_ms > 2_000 and speed_dhz is None
    is_stopped = state in (State.STOPPING, State.FAULT)

    cause = monitors.rest_not_seen(memory, replace(running, telemetry=seen), now_ms)

    assert (is_unseen and is_stopped) == (cause is not None)
