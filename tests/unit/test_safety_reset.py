"""Faults latch: who may leave them, when, and what stays of the pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.facts import IntentKind, PenIdentity, Role
from safety.states import OrderKind, PenState, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

IDENTITY = PenIdentity(42, 7, 0x957A, 200)
PRACTITIONER, TECHNICIAN = Role.PRACTITIONER, Role.TECHNICIAN


def reasons(bench: Bench) -> list[str]:
    """Return why the last scan refused something."""
    return [refusal.reason for refusal in bench.log[-1][-1].refusals]


def reset(bench: Bench, role: Role, scans: int = 10) -> None:
    """Press RESET once and wait until the pen may have been tested."""
    bench.want(IntentKind.RESET, role)
    bench.rest(scans)


@pytest.mark.req("SR-006", "SR-020", "HZ-60", "H09")
def test_over_depth_latches_and_only_a_technician_may_reset(bench: Bench) -> None:
    """STOP leaves in the scan that sees it, and the needles being in again changes nothing."""
    bench.to_running()
    bench.rest(5)
    bench.pen.extra_depth_um = 203
    bench.rest(2)

    assert (State.FAULT, ["over-depth"]) == (bench.state, bench.codes)
    assert OrderKind.STOP is bench.orders[-1]

    bench.pen.extra_depth_um = 0
    bench.rest(50)
    assert (State.FAULT, [("forehead", 1, "partial")]) == (bench.state, bench.outcomes)

    bench.want(IntentKind.RESET, PRACTITIONER)
    assert ["deeper than set" in reason for reason in reasons(bench)] == [True]
    bench.rest(5)
    assert State.FAULT is bench.state

    reset(bench, TECHNICIAN)
    assert (State.IDLE, [], None) == (bench.state, bench.codes, bench.memory.current)
    bench.rest(50)
    assert State.IDLE is bench.state


@pytest.mark.req("SR-020")
def test_depth_at_the_tolerance_runs_on(bench: Bench) -> None:
    """The pen's own tolerance is no fault."""
    bench.to_running()
    bench.pen.extra_depth_um = 198
    bench.rest(2)

    assert (State.RUNNING, []) == (bench.state, bench.codes)


@pytest.mark.req("SR-006")
def test_fault_is_not_reset_while_needles_are_still_too_deep(bench: Bench) -> None:
    """A pen that rests with its needles out has not got rid of the cause."""
    bench.to_running()
    bench.pen.extra_depth_um = 1_000
    bench.rest(5)
    assert PenState.SAFE is bench.pen.state

    bench.want(IntentKind.RESET, TECHNICIAN)
    bench.scan()
    assert (State.FAULT, 1) == (bench.state, len(reasons(bench)))
    assert "measured 0.998 mm" in reasons(bench)[0]


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("fault", "role", "expected"),
    [
        (0x01, PRACTITIONER, State.IDLE),
        (0x01, TECHNICIAN, State.IDLE),
        (0x81, PRACTITIONER, State.FAULT),
        (0x81, TECHNICIAN, State.IDLE),
    ],
)
def test_fault_of_the_pen_is_reset_there_first(
    bench: Bench, fault: int, role: Role, expected: State
) -> None:
    """The pen hears RESET from who may, and the host follows once the pen has left FAULT."""
    bench.to_running()
    bench.pen.fail(fault)
    bench.rest(4)
    assert State.FAULT is bench.state

    bench.want(IntentKind.RESET, role)
    assert (expected is State.IDLE) == (OrderKind.RESET is bench.orders[-1])
    assert State.FAULT is bench.state

    bench.rest(10)
    assert expected is bench.state
    assert (expected is State.IDLE) == (OrderKind.RESET in bench.orders)


@pytest.mark.req("SR-006")
def test_pen_that_stays_in_fault_keeps_the_host_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset that the pen refuses is used up and told."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(4)
    monkeypatch.setattr(bench.pen, "take", lambda *_: "fault active")

    bench.want(IntentKind.RESET, TECHNICIAN)
    bench.scan()

    assert (State.FAULT, None) == (bench.state, bench.memory.reset_role)
    assert reasons(bench)
    bench.rest(10)
    assert 1 == bench.orders.count(OrderKind.RESET)


@pytest.mark.req("SR-006", "HZ-76", "H09")
def test_reset_is_an_edge_that_does_not_wait_for_the_needles(bench: Bench) -> None:
    """Pressed while the pen still moves or is not heard, it is refused and not remembered."""
    bench.to_running()
    bench.pen.obeys_stop, bench.pen.extra_depth_um = False, 300
    bench.until(State.ESTOP)
    bench.want(IntentKind.RESET, TECHNICIAN)

    assert ["the needles are not seen at rest"] == reasons(bench)

    bench.pen.obeys_stop, bench.pen.extra_depth_um = True, 0
    bench.rest(50)
    assert State.ESTOP is bench.state

    reset(bench, TECHNICIAN)
    assert State.IDLE is bench.state


@pytest.mark.req("SR-006")
def test_reset_that_the_pen_never_hears_is_forgotten(bench: Bench) -> None:
    """A wish does not outlive the measurements that it was based on."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(4)
    bench.lost_requests = 10
    bench.want(IntentKind.RESET, TECHNICIAN)
    bench.rest(60)

    assert (State.FAULT, PenState.FAULT) == (bench.state, bench.pen.state)
    assert 1 == bench.orders.count(OrderKind.RESET)


@pytest.mark.req("SR-006")
def test_reset_whose_answer_is_lost_is_asked_again_and_taken_once(bench: Bench) -> None:
    """The pen has left FAULT by then, and the host follows."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(4)
    bench.lost_answers = 1
    reset(bench, PRACTITIONER)

    assert State.IDLE is bench.state


@pytest.mark.req("SR-006", "HZ-60")
def test_graver_cause_that_comes_before_the_reset_takes_the_right_away(bench: Bench) -> None:
    """Who may reset is looked at again when the reset happens."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(4)
    bench.lost_answers = 1
    bench.want(IntentKind.RESET, PRACTITIONER)
    bench.pen.extra_depth_um = 1_000
    bench.rest(2)
    bench.pen.extra_depth_um = 0
    bench.rest(4)

    codes = ["pen-fault-operator", "over-depth"]
    assert (State.FAULT, codes) == (bench.state, bench.codes)


@pytest.mark.req("SR-006", "H11")
def test_first_cause_is_kept_and_the_worst_decides(bench: Bench) -> None:
    """A milder cause that comes first stays first, and a second of the same kind adds nothing."""
    bench.to_running()
    bench.pen.has_cartridge = False
    bench.rest(2)
    bench.pen.extra_depth_um = 1_000
    bench.rest(2)
    bench.pen.extra_depth_um = 1_100
    bench.rest(2)

    assert ["cartridge-out", "over-depth"] == bench.codes
    assert "measured 0.998 mm" in bench.memory.causes[1].sentence
    faults = [body["code"] for kind, body in bench.entries if kind == "fault"]
    assert ["cartridge-out", "over-depth"] == faults


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("role", list(Role))
def test_emergency_is_a_technician_s_matter(bench: Bench, role: Role) -> None:
    """A pen that once ignored STOP is not given back to the practitioner."""
    bench.to_running()
    bench.pen.obeys_stop = False
    bench.want(IntentKind.STOP)
    bench.until(State.ESTOP)
    bench.pen.obeys_stop = True
    bench.rest(5)
    reset(bench, role)

    assert (State.IDLE if role is TECHNICIAN else State.ESTOP) is bench.state


def test_stop_takes_a_reset_back(bench: Bench) -> None:
    """The later wish wins, and STOP is said."""
    bench.to_running()
    bench.pen.fail(0x01)
    bench.rest(4)
    bench.want(IntentKind.RESET, PRACTITIONER)
    bench.want(IntentKind.STOP)
    bench.rest(5)

    assert State.FAULT is bench.state


@pytest.mark.parametrize("role", list(Role))
def test_reset_is_refused_where_nothing_is_latched(bench: Bench, role: Role) -> None:
    """There is nothing to reset in a healthy state."""
    bench.to_planned()
    bench.want(IntentKind.RESET, role)

    assert ["RESET is not possible in PLANNED"] == reasons(bench)
    assert bench.memory.reset_role is None


@pytest.mark.req("SR-020")
def test_pen_that_restarted_is_latched_until_it_was_identified_again(bench: Bench) -> None:
    """Its needles are in by then; the pass counts, and the ledger goes on where it was."""
    bench.to_running()
    bench.rest(5)
    bench.pen.state, bench.pen.tick_ms, bench.pen.depth_um = PenState.SAFE, 3, 0
    bench.pen.speed_dhz, bench.epoch_changed, bench.identity = 0, True, None
    bench.pen.epoch = 8
    bench.rest(5)

    assert (State.FAULT, "pen-restarted") == (bench.state, bench.codes[0])
    assert [("forehead", 1, "uncertain")] == bench.outcomes

    reset(bench, PRACTITIONER)
    assert State.FAULT is bench.state

    bench.epoch_changed, bench.identity = False, PenIdentity(42, 8, 0x957A, 200)
    reset(bench, PRACTITIONER)
    assert State.IDLE is bench.state

    bench.want(IntentKind.PLAN)
    bench.to_running()
    assert bench.memory.current is not None
    assert 2 == bench.memory.current.number


@pytest.mark.req("SR-020", "W09")
@pytest.mark.parametrize("is_running", [False, True])
def test_changed_limits_latch_until_they_are_as_before(bench: Bench, is_running: bool) -> None:
    """The grants were computed from the limits that the pen had; others need other grants."""
    if is_running:
        bench.to_running()
    else:
        bench.to_planned()
    bench.pen.limits_hash = 0x1111
    bench.rest(4)

    assert (State.FAULT, ["limits-changed"]) == (bench.state, bench.codes)
    reset(bench, TECHNICIAN)
    assert State.FAULT is bench.state

    bench.pen.limits_hash = 0x957A
    bench.rest(2)
    reset(bench, PRACTITIONER)
    assert State.IDLE is bench.state


def comes_back_as(bench: Bench, **changes: int) -> None:
    """Pull the plug on a bench that was planned, and plug a pen in that says so of itself."""
    bench.to_planned()
    bench.link_is_up = False
    bench.rest(2)
    assert bench.identity is not None
    bench.link_is_up, bench.identity = True, replace(bench.identity, **changes)
    bench.pen.limits_hash, bench.pen.epoch = bench.identity.limits_hash, bench.identity.epoch
    bench.until(State.IDLE, State.FAULT)


@pytest.mark.req("SR-020", "HZ-25")
def test_other_pen_behind_the_same_port_is_not_driven(bench: Bench) -> None:
    """What one pen was granted is not carried over to another after a lost link."""
    comes_back_as(bench, serial_number=43)

    assert (State.FAULT, ["identity-changed"]) == (bench.state, bench.codes)
    assert IDENTITY == bench.memory.identity

    bench.rest(3)
    reset(bench, TECHNICIAN)
    assert State.FAULT is bench.state

    bench.identity = IDENTITY
    reset(bench, TECHNICIAN)
    assert State.IDLE is bench.state


@pytest.mark.req("SR-001", "SR-020")
def test_pen_that_comes_back_with_other_limits_voids_the_plan(bench: Bench) -> None:
    """It is the same pen, but its grants were computed from limits that no longer hold."""
    comes_back_as(bench, limits_hash=0x1111)

    assert (State.IDLE, (), bench.identity) == (
        bench.state,
        bench.memory.plan,
        bench.memory.identity,
    )
    assert ["SR-033"] == [refusal.rule for refusal in bench.want(IntentKind.PLAN).refusals]


@pytest.mark.req("SR-020")
@pytest.mark.parametrize("change", [{"epoch": 8}, {}], ids=str)
def test_pen_that_comes_back_as_it_was_goes_on_with_its_plan(
    bench: Bench, change: dict[str, int]
) -> None:
    """A restart while nobody listened changes no limit; it is known by its new boot number."""
    comes_back_as(bench, **change)

    assert (State.IDLE, bench.identity) == (bench.state, bench.memory.identity)
    assert not bench.want(IntentKind.PLAN).refusals


@pytest.mark.req("SR-015", "SR-020")
def test_stop_before_identification_does_not_skip_it(bench: Bench) -> None:
    """Over-depth is seen on a pen that was identified after somebody pressed STOP."""
    bench.identity = None
    bench.rest(2)
    bench.want(IntentKind.STOP)
    assert State.IDENTIFYING is bench.state

    bench.identity = PenIdentity(42, 7, 0x957A, 200)
    bench.to_planned()
    bench.to_running()
    bench.pen.extra_depth_um = 300
    bench.rest(2)
    assert ["over-depth"] == bench.codes


@pytest.mark.req("SR-020")
def test_fault_before_identification_leads_to_a_known_pen(bench: Bench) -> None:
    """A reset needs an identified pen, and what was identified is what monitors compare with."""
    bench.identity, bench.epoch_changed, bench.pen.epoch = None, True, 8
    bench.rest(3)
    assert State.FAULT is bench.state

    bench.epoch_changed = False
    reset(bench, TECHNICIAN)
    assert State.FAULT is bench.state

    bench.identity = PenIdentity(42, 8, 0x957A, 200)
    reset(bench, TECHNICIAN)
    assert (State.IDLE, bench.identity) == (bench.state, bench.memory.identity)
