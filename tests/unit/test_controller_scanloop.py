"""The scan loop over a simulated pen in virtual time: what is on the wire, and when."""

from __future__ import annotations

from types import MethodType

import pytest

from controller.scanloop import DRIVER_LOST_US, LINK_LOST_US, PERIOD_US
from drivers.errors import LinkLost
from drivers.registers import Command
from hil.world import VirtualJournal
from safety.errors import InvariantBroken
from safety.facts import IntentKind
from safety.ledger import Outcome
from safety.states import State
from tests.unit.scan_bench import Bench, Make

STATES = [s for s in State if s not in (State.OFFLINE, State.ESTOP, State.SERVICE)]
"""States that a session of the scan loop can stand in while its pen answers."""


@pytest.mark.req("SR-005", "SR-013", "HZ-09", "H10", "W08")
@pytest.mark.parametrize(
    "state", [s for s in STATES if s not in (State.CONNECTING, State.IDENTIFYING)]
)
def test_next_frame_is_stop_when_it_is_wanted_while_an_answer_is_awaited(
    world: Bench, state: State
) -> None:
    """Whatever was asked, wherever the host stands, the frame after the wish is STOP, at once."""
    world.to(state)
    really_read = world.port.read
    wanted_at: list[tuple[int, int]] = []

    def read(timeout_us: int, wake_fd: int | None = None) -> bytes:
        if len(world.sent) > count:
            world.port.read = really_read  # type: ignore[method-assign]
            wanted_at.append((len(world.sent), world.clock.now_us()))
            world.want(IntentKind.STOP)
        return really_read(timeout_us, wake_fd)

    count = len(world.sent)
    world.port.read = read  # type: ignore[method-assign]
    world.scan(2)

    ((place, at_us),) = wanted_at
    assert Command.STOP is world.commands[place]
    if world.commands[place - 1] is not Command.STOP:
        assert at_us == world.sent[place][0]
    assert {"source": "flow", "reason": ""} in [e.body for e in world.journal.entries]
    stays = {state} if state in (State.SELFTEST, State.LOCKED) else set()
    assert world.memory.state in {State.STOPPING, State.IDLE, State.FAULT, State.LOCKED} | stays


@pytest.mark.req("SR-005", "SR-013", "HZ-09", "H10")
@pytest.mark.parametrize("state", STATES)
def test_next_frame_is_stop_when_it_is_wanted_between_two_scans(world: Bench, state: State) -> None:
    """The wait for the next scan ends at once, and the STOP is no reason to call the scan late."""
    world.to(state)
    count, now_us = len(world.sent), world.clock.now_us()
    really_wait = world.clock.wait_until

    def wait(at_us: int, wake_fd: int | None = None) -> None:
        world.clock.wait_until = really_wait  # type: ignore[method-assign]
        world.want(IntentKind.STOP)
        really_wait(at_us, wake_fd)

    world.clock.wait_until = wait  # type: ignore[method-assign]
    world.clock.wait_until(now_us + PERIOD_US, world.mailbox.wake_fd)
    world.scan()
    assert world.loop.timing.late_ms == 0
    if state is State.IDENTIFYING:
        world.scan_until(lambda m: m.state is State.IDLE, pushing=False)
        assert "stopped by flow" == world.memory.stop_reason
        return

    assert (now_us, Command.STOP) == world.sent[count]


@pytest.mark.req("SR-005", "SR-011")
def test_start_that_a_stop_overtakes_moves_no_needle_for_long(world: Bench) -> None:
    """A STOP that comes while START is in flight is the next frame, and START is never repeated."""
    world.on_write = lambda c: world.want(IntentKind.STOP) if c is Command.START else None
    world.scan_until(lambda m: m.state is State.STOPPING)
    world.on_write = lambda _command: None
    world.scan_until(lambda m: m.state is State.IDLE, pushing=False)

    place = world.commands.index(Command.START)
    assert Command.STOP is world.commands[place + 1]
    assert 1 == world.commands.count(Command.START)
    assert (True, 0) == (world.pen.needles_still, world.pen.true_skin_strokes)


@pytest.mark.req("SR-011", "HZ-14", "H14")
@pytest.mark.parametrize("lost", ["lose_answers", "lose_requests"])
def test_start_of_unknown_outcome_is_settled_by_asking(world: Bench, lost: str) -> None:
    """The pen is asked what it took; only where it took nothing is START said and planned anew."""
    world.on_write = lambda c: setattr(world.port.fault, lost, int(c is Command.START))
    world.scan_until(lambda m: m.state is State.UNKNOWN_OUTCOME)
    assert world.loop.memory.start_sent
    world.on_write = lambda _command: None
    world.scan_until(lambda m: m.state is State.RUNNING)

    place = world.commands.index(Command.START)
    assert Command.POLL is world.commands[place + 1]
    starts = 1 if lost == "lose_answers" else 2
    assert starts == world.commands.count(Command.START)
    kinds = [e.kind for e in world.journal.entries]
    assert (starts, 1) == (kinds.count("pass_planned"), kinds.count("pass_started"))


@pytest.mark.req("SR-011", "HZ-14", "H14")
def test_start_is_said_once_however_long_nobody_answers(world: Bench) -> None:
    """While its outcome is unknown the host asks and stops, and never says START again."""
    world.on_write = lambda c: setattr(
        world.pen, "is_mute", world.pen.is_mute or c is Command.START
    )
    world.to(State.UNKNOWN_OUTCOME)
    world.scan_until(lambda m: m.state is State.OFFLINE)

    after = world.commands[world.commands.index(Command.START) + 1 :]
    assert {Command.POLL, Command.STOP} == set(after)
    (one,) = world.memory.ledger.passes
    assert Outcome.UNCERTAIN is one.outcome


@pytest.mark.req("SR-014", "R01")
@pytest.mark.parametrize("delay", [0, 1, 2, 5, 17])
def test_start_leaves_after_its_entry_is_durable(make_world: Make, delay: int) -> None:
    """However slow the disk is, no START is on the wire before the pass is on record."""
    journal = VirtualJournal(delay=delay)
    world = make_world(journal=journal)
    seen: list[bool] = []

    def look(command: Command) -> None:
        if command is Command.START:
            planned = [i for i, e in enumerate(journal.entries) if e.kind == "pass_planned"]
            durable = sum(due <= journal._asked for due in journal._due)
            seen.append(planned[-1] < durable)

    world.on_write = look
    world.scan_until(lambda m: m.state is State.RUNNING)

    assert [True] == seen


@pytest.mark.req("SR-014", "SR-050", "R01")
@pytest.mark.parametrize("failed", [None, "the disk is full"])
def test_start_never_leaves_while_nothing_becomes_durable(
    make_world: Make, failed: str | None
) -> None:
    """A disk that neither writes nor fails, and one that fails, let no needle move."""
    journal = VirtualJournal(delay=10**9)
    world = make_world(journal=journal)
    world.to(State.ARMED)
    journal.failed = failed
    with pytest.raises(TimeoutError):
        world.scan_until(lambda m: m.state is State.RUNNING, limit=200)

    assert Command.START not in world.commands
    assert 0 == world.pen.true_strokes
    outcomes = {p.outcome for p in world.memory.ledger.passes}
    assert outcomes <= {Outcome.NOT_DELIVERED, Outcome.PLANNED}


@pytest.mark.req("SR-014", "SR-050", "HZ-34")
def test_pen_is_stopped_when_the_record_fails(world: Bench) -> None:
    """Needles that can no longer be recorded are stopped, for that reason."""
    world.to(State.RUNNING)
    world.journal.failed = "the disk is full"
    count = len(world.sent)
    world.scan()

    assert Command.STOP is world.commands[count]
    assert "the record can no longer be written (the disk is full)" == world.memory.stop_reason


@pytest.mark.req("SR-021", "H12")
@pytest.mark.parametrize(
    ("late_us", "times", "is_stopped"),
    [(40_999, 4, False), (41_000, 2, False), (41_000, 3, True), (60_000, 3, True)],
)
def test_pen_is_stopped_when_scans_come_more_than_40_ms_late_again_and_again(
    world: Bench, late_us: int, times: int, is_stopped: bool
) -> None:
    """Forty milliseconds are allowed; the third scan within a second that takes more is a stop."""
    world.to(State.RUNNING)
    world.scan(3)
    for _ in range(times):
        world.clock.wait_until(world.clock.now_us() + late_us)
        count = len(world.sent)
        world.scan()

    assert (late_us // 1_000, is_stopped) == (world.loop.timing.late_ms, "scan-late" in world.codes)
    assert (Command.STOP if is_stopped else Command.RENEW) is world.commands[count]


@pytest.mark.parametrize(("ago_us", "ends"), [(0, False), (DRIVER_LOST_US, False), (None, True)])
def test_pen_is_stopped_when_its_driver_has_gone(
    world: Bench, ago_us: int | None, *, ends: bool
) -> None:
    """A driver that hung up stops at once; one that is silent has a second."""
    world.to(State.RUNNING)
    world.loop.driver_seen_us = None if ago_us is None else world.clock.now_us() - ago_us
    world.loop.scan()

    assert ends == (world.memory.state is State.STOPPING)
    world.loop.driver_seen_us = world.clock.now_us() - DRIVER_LOST_US - 1
    world.loop.scan()
    assert "driver-lost" in world.codes


@pytest.mark.req("SR-012")
def test_host_says_stop_and_then_goes_offline_when_nothing_comes_any_more(world: Bench) -> None:
    """A silent line is a stop after 150 ms and a lost link after a second, the pass uncertain."""
    world.to(State.RUNNING)
    world.scan(20)
    world.port.fault.is_cut = True
    cut_us, count = world.clock.now_us(), len(world.sent)
    world.scan_until(lambda m: m.state is State.STOPPING, pushing=False)
    stopped_us = world.clock.now_us()
    world.scan_until(lambda m: m.state is State.OFFLINE, pushing=False)
    after = world.commands[count:]
    world.scan(3)

    assert after == world.commands[count:]
    first = after.index(Command.STOP)
    assert {Command.RENEW} == set(after[:first])
    assert {Command.STOP} == set(after[first:])
    assert world.sent[count + first][0] - cut_us <= 200_000
    assert stopped_us - cut_us <= 200_000 + 17 * 15_000
    assert world.clock.now_us() - cut_us < LINK_LOST_US + 600_000
    assert "the pen was not heard for 1000 ms" == world.loop.link_failure
    assert ["uncertain"] == [str(p.outcome) for p in world.memory.ledger.passes]


def test_port_that_has_gone_is_not_opened_again_by_the_scan(world: Bench) -> None:
    """A session that waits for its alarms to be seen stays OFFLINE, and asks for no port."""
    world.to(State.PLANNED)
    world.port.fault.is_cut = True
    world.scan_until(lambda m: m.state is State.OFFLINE, pushing=False)
    world.scan(60)

    assert State.OFFLINE is world.memory.state


@pytest.mark.parametrize("state", [State.PLANNED, State.ARMED, State.RUNNING])
def test_port_that_vanishes_is_a_lost_link_in_its_own_words(world: Bench, state: State) -> None:
    """A pulled cable raises nothing: the host goes offline and keeps what the system said."""
    world.to(state)

    def gone(_port: object, *_: object) -> bytes:
        raise LinkLost("virtual", "no such device")

    world.port.write = MethodType(gone, world.port)  # type: ignore[method-assign]
    world.scan(2)

    assert State.OFFLINE is world.memory.state
    assert "no such device" in world.loop.link_failure
    world.loop._last_stop()
    assert "no such device" in world.loop.link_failure


def test_one_lost_answer_in_a_scan_is_asked_for_again(world: Bench) -> None:
    """RENEW may be said twice in one scan; the session goes on as if nothing had been."""
    world.to(State.RUNNING)
    world.scan(5)
    world.port.fault.lose_answers = 1
    count = len(world.sent)
    world.scan()

    assert [Command.RENEW, Command.RENEW] == world.commands[count:]
    assert (State.RUNNING, set()) == (world.memory.state, world.codes)


def test_scans_are_50_ms_apart_while_nothing_changes(world: Bench) -> None:
    """Period by period, without drift, whatever the exchange took."""
    world.to(State.RUNNING)
    world.scan(3)
    before_us = world.clock.now_us()
    world.scan(40)

    assert before_us + 40 * PERIOD_US == world.clock.now_us()
    assert 0 == world.loop.timing.late_ms_max


@pytest.mark.req("SR-005", "SR-021", "H12")
@pytest.mark.parametrize(
    "error", [ZeroDivisionError, InvariantBroken, KeyboardInterrupt, MemoryError]
)
def test_last_frame_is_stop_whatever_ends_the_scans(
    world: Bench, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """An error anywhere in a scan leaves the pen with a STOP, and is passed on."""
    world.to(State.RUNNING)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.loop._core, "step", fail)
    with pytest.raises(error):
        world.loop.run(lambda *_: False)

    assert Command.STOP is world.commands[-1]
    world.pen.advance(world.pen.now_us + 500_000)
    assert (True, False) == (world.pen.needles_still, world.pen.bridge_is_on)


@pytest.mark.req("SR-005")
def test_last_frame_is_stop_at_a_plain_end_and_to_a_pen_that_is_not_heard(make_world: Make) -> None:
    """The end of a session is a STOP too, also where the pen has been silent for a second."""
    plain, silent = make_world(), make_world()
    plain.loop.run(lambda decision, _: decision.memory.state is State.IDLE)
    silent.to(State.PLANNED)
    silent.pen.inject("mute")
    silent.loop.run(lambda decision, _: decision.memory.state is State.OFFLINE)

    assert [Command.STOP] * 2 == [plain.commands[-1], silent.commands[-1]]


def test_time_before_the_first_scan_is_no_lateness(world: Bench) -> None:
    """What is set up between the making and the running of the loop does not count."""
    world.clock.wait_until(world.clock.now_us() + 700_000)
    world.loop.run(lambda decision, _: decision.memory.state is State.IDLE)

    assert (0, 7) == (world.loop.timing.late_ms_max, world.loop.timing.scans)


@pytest.mark.req("SR-020", "HZ-24", "W06")
def test_pen_that_restarted_is_seen_at_rest_and_stays_latched(world: Bench) -> None:
    """A new boot number latches; the pen is identified again only to be seen at rest."""
    world.to(State.RUNNING)
    world.pen.inject("restart")
    world.scan_until(lambda m: m.state is State.FAULT, pushing=False)
    count = len(world.sent)
    world.scan(10)

    assert {"pen-restarted"} == world.codes
    assert {Command.STOP, Command.POLL} >= set(world.commands[count:])
    assert State.FAULT is world.memory.state
    assert not world.loop.link_failure
    assert world.memory.ledger.counted("cheek") <= 1
