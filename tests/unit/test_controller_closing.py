"""Every way in which a session can end, with its outcome, its words and its exit code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.closing import Ending, SessionWatch
from controller.errors import ExitCode
from safety.causes import Cause, CauseCode
from safety.facts import Facts, Telemetry
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import CurrentPass, Decision, Firing, Memory, Refusal
from safety.states import Event, PenState, State

PLAN = (AreaPlan("cheek", 750, 1_000, 2, 200, 10_000),)
ALL = Ledger((Pass("cheek", 1, Outcome.DELIVERED), Pass("cheek", 2, Outcome.PARTIAL)))
ONE = Ledger((Pass("cheek", 1, Outcome.DELIVERED),))
IN_FLIGHT = Ledger((Pass("cheek", 1, Outcome.PLANNED),))


def see(
    watch: SessionWatch,
    facts: Facts,
    memory: Memory,
    *events: Event,
    refused: tuple[Event, ...] = (),
) -> Ending | None:
    """Show one scan to the watch; return the ending, if this was it."""
    no = (Refusal("SR-004", "not possible", "See the state first."),)
    firings = tuple(Firing(State.IDLE, event, memory.state) for event in events)
    firings += tuple(Firing(State.IDLE, event, State.IDLE, no) for event in refused)
    is_over = watch.is_over(Decision(memory, None, (), firings), facts)
    assert is_over == (watch.ending is not None)
    return watch.ending


@pytest.fixture
def watch(facts: Facts) -> SessionWatch:
    """A watch that has seen the plan being accepted."""
    made = SessionWatch()
    assert see(made, facts, Memory(state=State.PLANNED, plan=PLAN), Event.PLAN) is None
    return made


def causes(*codes: CauseCode) -> tuple[Cause, ...]:
    """Return causes of these codes."""
    return tuple(Cause(code) for code in codes)


@pytest.mark.parametrize("state", [s for s in State if s is not State.IDLE])
def test_session_goes_on_in_every_other_state(
    watch: SessionWatch, facts: Facts, state: State
) -> None:
    """While link and driver are there and the needles are not seen at rest, nothing is over."""
    moving = replace(facts, telemetry=None)

    assert see(watch, moving, Memory(state=state, plan=PLAN)) is None


def test_session_goes_on_until_the_plan_was_taken_up(facts: Facts) -> None:
    """The first IDLE, before the plan, is a beginning and no end."""
    watch = SessionWatch()

    assert see(watch, facts, Memory(state=State.IDLE, plan=PLAN)) is None
    assert see(watch, facts, Memory(state=State.IDLE, plan=PLAN), refused=(Event.PLAN,)) is None


@pytest.mark.parametrize(
    ("codes", "reason", "code"),
    [
        ((), "stopped by key", ExitCode.STOPPED),
        ((), "stopped by command", ExitCode.STOPPED),
        ((), "stopped by signal", ExitCode.STOPPED),
        ((CauseCode.NO_CONTACT,), "stopped by flow", ExitCode.STOPPED),
        ((CauseCode.DRIVER_LOST,), "the program has gone", ExitCode.STOPPED),
        ((CauseCode.TELEMETRY_STALE,), "no fresh measurement", ExitCode.LINK),
        ((CauseCode.LEASE_ENDED,), "the lease ended", ExitCode.LINK),
        ((CauseCode.LEASE_ENDED, CauseCode.DRIVER_LOST), "the lease ended", ExitCode.LINK),
        ((CauseCode.RECORD_FAILED,), "the disk is full", ExitCode.INPUT),
        ((CauseCode.SCAN_LATE,), "too slow", ExitCode.DEVICE),
        ((CauseCode.DEPTH_UNKNOWN,), "no depth", ExitCode.DEVICE),
        ((CauseCode.ORDER_REFUSED,), "refused", ExitCode.DEVICE),
        ((CauseCode.PEN_STOPPED_ITSELF,), "elsewhere", ExitCode.DEVICE),
    ],
)
def test_session_that_came_back_to_idle_was_stopped_for_a_reason(
    watch: SessionWatch, facts: Facts, codes: tuple[CauseCode, ...], reason: str, code: ExitCode
) -> None:
    """The exit code tells a person from a link, a record and a pen, though its cause has gone."""
    stopping = Memory(state=State.STOPPING, plan=PLAN, causes=causes(*codes), stop_reason=reason)
    idle = Memory(state=State.IDLE, plan=PLAN, stop_reason=reason)

    assert see(watch, facts, stopping, Event.STOP_UI) is None
    assert Ending("stopped", reason, code) == see(watch, facts, idle)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (Outcome.DELIVERED, "all passes delivered"),
        (Outcome.PARTIAL, "no pass is left: 1 delivered, 1 partial"),
        (Outcome.UNCERTAIN, "no pass is left: 1 delivered, 1 uncertain"),
    ],
)
def test_session_is_completed_when_it_was_finished_with_nothing_left(
    watch: SessionWatch, facts: Facts, second: Outcome, reason: str
) -> None:
    """Finished, and every pass counted: exit code 0; what was not delivered is not called so."""
    ledger = Ledger((*ONE.passes, Pass("cheek", 2, second)))
    idle = Memory(state=State.IDLE, plan=PLAN, ledger=ledger, stop_reason="strokes delivered")

    wanted = Ending("completed", reason, ExitCode.DONE)
    assert wanted == see(watch, facts, idle, Event.FINISH)


@pytest.mark.req("SR-014")
@pytest.mark.parametrize("state", [State.PLANNED, State.PAUSED])
def test_session_ends_where_nothing_moves_once_the_record_failed(
    watch: SessionWatch, facts: Facts, state: State
) -> None:
    """Nothing can be started any more, so that nobody is kept waiting."""
    failed = replace(facts, record_failure="the disk is full")

    wanted = Ending("stopped", "the disk is full", ExitCode.INPUT)
    assert wanted == see(watch, failed, Memory(state=state, plan=PLAN))


@pytest.mark.req("SR-006")
def test_session_ends_when_the_pen_will_not_say_that_it_rests(
    watch: SessionWatch, facts: Facts
) -> None:
    """The port is given back and a person is told to look; the pass stays without an end."""
    cause = Cause(CauseCode.REST_NOT_SEEN, "STOPPING, speed not known, after 2001 ms")
    memory = Memory(state=State.FAULT, plan=PLAN, ledger=IN_FLIGHT, causes=(cause,))

    wanted = Ending("faulted", cause.sentence, ExitCode.DEVICE)
    assert wanted == see(watch, replace(facts, telemetry=None), memory)


@pytest.mark.req("SR-007")
def test_session_finished_too_early_is_not_called_completed(
    watch: SessionWatch, facts: Facts
) -> None:
    """With a pass left the record must not say that all were delivered."""
    idle = Memory(state=State.IDLE, plan=PLAN, ledger=ONE, stop_reason="strokes delivered")

    wanted = Ending("stopped", "finished before pass 2 of cheek", ExitCode.STOPPED)
    assert wanted == see(watch, facts, idle, Event.FINISH)


def test_refused_finish_finishes_nothing(watch: SessionWatch, facts: Facts) -> None:
    """A wish that the machine refused is no end."""
    running = Memory(state=State.RUNNING, plan=PLAN, ledger=ALL)
    assert see(watch, facts, running, refused=(Event.FINISH,)) is None

    idle = Memory(state=State.IDLE, plan=PLAN, ledger=ALL, stop_reason="stopped by key")
    assert Ending("stopped", "stopped by key", ExitCode.STOPPED) == see(watch, facts, idle)


@pytest.mark.parametrize(
    ("state", "reason", "code", "wanted"),
    [
        (State.OFFLINE, "", ExitCode.LINK, "the link was lost"),
        (State.OFFLINE, "the link was lost", ExitCode.LINK, "the link was lost"),
        (
            State.FAULT,
            "the pen restarted by itself",
            ExitCode.DEVICE,
            "the pen restarted by itself",
        ),
        (State.ESTOP, "the pen does not obey", ExitCode.DEVICE, "the pen does not obey"),
    ],
)
def test_session_without_a_link_is_interrupted(
    watch: SessionWatch, facts: Facts, state: State, reason: str, code: ExitCode, wanted: str
) -> None:
    """A lost link is a link error; where a fault came first, it is the device's."""
    memory = Memory(state=state, plan=PLAN, stop_reason=reason, ledger=IN_FLIGHT)

    gone = replace(facts, link_is_up=False)
    assert Ending("interrupted", wanted, code) == see(watch, gone, memory)


@pytest.mark.parametrize("state", State)
def test_session_without_its_driver_ends_where_nothing_moves(facts: Facts, state: State) -> None:
    """Where nothing moves, and in ESTOP, it ends at once; elsewhere the needles rest first."""
    watch = SessionWatch()
    alone = replace(facts, driver_is_present=False, telemetry=None)
    ending = see(watch, alone, Memory(state=state, plan=PLAN))

    reason = "the program that guides this session has gone"
    is_waiting = state in (State.IDLE, State.PLANNED, State.PAUSED)
    wanted = Ending("stopped", reason, ExitCode.STOPPED) if is_waiting else None
    if state is State.ESTOP:
        # The lease ended long ago: nobody is left whom it would help to say STOP to the pen.
        wanted = Ending("stopped", reason, ExitCode.DEVICE)
    assert wanted == ending


@pytest.mark.parametrize("state", [State.FAULT, State.ESTOP])
def test_faulted_session_ends_with_the_needles_seen_at_rest_and_the_pass_closed(
    watch: SessionWatch, facts: Facts, telemetry: Telemetry, state: State
) -> None:
    """No old status, moving motor or open pass is an end; the first cause is its reason."""
    found = causes(CauseCode.OVER_DEPTH, CauseCode.PEN_FAULT_TECHNICIAN)
    memory = Memory(state=state, plan=PLAN, causes=found, entered_ms=telemetry.received_ms - 1)
    current = CurrentPass(PLAN[0], 1)
    driven = replace(telemetry, is_driven=True)

    later = replace(memory, entered_ms=telemetry.received_ms)
    assert see(watch, facts, later) is None
    assert see(watch, replace(facts, telemetry=driven), memory) is None
    assert see(watch, facts, replace(memory, current=current, ledger=IN_FLIGHT)) is None
    reason = "the needles protrude deeper than set"
    assert Ending("faulted", reason, ExitCode.DEVICE) == see(watch, facts, memory)


def test_faulted_session_without_a_cause_tells_why_it_stopped(
    watch: SessionWatch, facts: Facts
) -> None:
    """Should the causes be gone, the reason of the stop is left."""
    seen = replace(facts.telemetry, state=PenState.FAULT) if facts.telemetry else None
    memory = Memory(state=State.FAULT, plan=PLAN, stop_reason="why")

    ending = see(watch, replace(facts, telemetry=seen), memory)
    assert Ending("faulted", "why", ExitCode.DEVICE) == ending


@pytest.mark.req("SR-005")
def test_stop_before_the_plan_ends_the_session(facts: Facts) -> None:
    """Whoever says STOP in the first moments does not see the session begin afterwards."""
    watch = SessionWatch()
    reason = "stopped by command"
    offline = Memory(state=State.OFFLINE, plan=PLAN, stop_reason=reason)
    assert see(watch, facts, offline, Event.STOP_UI) is None

    idle = Memory(state=State.IDLE, plan=PLAN, stop_reason=reason)
    assert Ending("stopped", reason, ExitCode.STOPPED) == see(watch, facts, idle)
