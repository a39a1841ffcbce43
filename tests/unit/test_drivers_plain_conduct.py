"""The session that the host keeps for a plain pen: what is refused, and what the pen says."""

from __future__ import annotations

import os

import pytest

from drivers.errors import UnsuitablePen, WrongDevice
from drivers.framing import Discard
from drivers.plain.frames import sealed
from drivers.plain.ticks import PenTicks
from drivers.registers import Command, Flag, PenState, Result
from tests.unit.plain_bench import RUN_ADDRESS, SIMULATED, WANTED, Bench

HOLDING, INPUTS = 3, 4


@pytest.fixture
def bench() -> Bench:
    """Return a driver at a simulated plain pen."""
    return Bench()


def shows(bench: Bench, function: int, place: int, data: bytes) -> None:
    """Let every answer of a function show other registers, from that byte of the frame on."""
    bench.far.change = lambda frame, answer: (
        sealed((answer[:place] + data + answer[place + len(data) :])[:-2])
        if frame[1] == function
        else answer
    )


def refused(bench: Bench, command: Command, **wanted: int) -> Result:
    """Return the result of an order that must write nothing."""
    said = len(bench.port.written)
    result = bench.ask(command, **wanted).status.result
    assert [] == bench.writes_since(said)
    return result


def test_start_waits_until_the_needles_have_settled(bench: Bench) -> None:
    """Right after ARM the needles are on their way: START is refused and writes nothing."""
    bench.run(until=Command.ARM)

    assert Result.NOT_SETTLED is refused(bench, Command.START, **WANTED)


@pytest.mark.req("SR-003")
@pytest.mark.parametrize("name", ["depth_um", "speed_dhz"])
def test_start_with_other_values_than_armed_is_refused(bench: Bench, name: str) -> None:
    """What starts is what was armed, or nothing."""
    bench.run(until=Command.POLL)

    assert Result.SETPOINT_CHANGED is refused(
        bench, Command.START, **{**WANTED, name: WANTED[name] - 50}
    )


@pytest.mark.req("SR-049")
def test_arm_needs_a_session_that_no_stop_has_ended(bench: Bench) -> None:
    """Without OPEN, and after a STOP, nothing is armed."""
    bench.driver.identify()
    before = refused(bench, Command.ARM, **WANTED)
    bench.ask(Command.OPEN)
    bench.driver.stop()
    bench.ask(Command.POLL)

    assert [Result.BAD_TOKEN] * 2 == [before, refused(bench, Command.ARM, **WANTED)]


@pytest.mark.req("SR-012")
def test_watchdog_time_that_is_not_kept_ends_the_run(bench: Bench) -> None:
    """A pen that shows another time than it was given is not kept alive."""
    bench.run()
    shows(bench, HOLDING, 11, b"\x13\x88")
    bench.ask(Command.POLL)

    assert Result.WRONG_STATE is refused(bench, Command.RENEW, **WANTED)


@pytest.mark.req("SR-020")
def test_setpoint_that_somebody_changed_ends_the_run(bench: Bench) -> None:
    """Another master on the bus wrote another depth: seen at the next status, not kept alive."""
    bench.run()
    shows(bench, HOLDING, 3, b"\x00\x32")
    bench.ask(Command.POLL)

    assert Result.SETPOINT_CHANGED is refused(bench, Command.RENEW, **WANTED)


def test_run_register_counts_even_if_the_motor_says_off(bench: Bench) -> None:
    """Whatever either of the two says, a pen is at rest only if both say so."""
    bench.run()
    shows(bench, INPUTS, 4, b"\x24")

    status = bench.ask(Command.POLL).status

    assert (PenState.RUN, False) == (status.state, status.has(Flag.MOTOR_ON))


def test_order_that_the_pen_refused_may_follow_once_its_readings_show_so(bench: Bench) -> None:
    """After an exception the pen is looked at: its motor stands, and START is said once more."""
    bench.run(until=Command.POLL)
    receive = bench.far.pen.receive
    bench.far.pen.receive = lambda frame, now_us: (
        sealed(b"\x01\x86\x04")
        if frame[2:4] == RUN_ADDRESS and frame[1] == 6
        else receive(frame, now_us)
    )
    bench.ask(Command.START, **WANTED)
    polled = bench.ask(Command.POLL)
    bench.far.pen.receive = receive

    again = bench.ask(Command.START, **WANTED)

    assert (PenState.READY, PenState.RUN) == (polled.status.state, again.status.state)


@pytest.mark.req("SR-013")
def test_stop_is_read_back_behind_the_answer_that_it_overtook(bench: Bench) -> None:
    """The answer to an abandoned question is waited for, and taken for nothing."""
    bench.run()
    read_fd, write_fd = os.pipe()
    # It comes in the middle of what follows the echo of STOP, if that were said at once.
    bench.port.now_us += 50_000
    bench.port.delay_us = 3_600
    bench.port.wake_at(write_fd, bench.port.now_us + 2_000)
    bench.driver.exchange(Command.POLL, timeout_us=25_000, wake_fd=read_fd)
    bench.port.delay_us = None

    stopped = bench.driver.stop()

    os.close(read_fd)
    os.close(write_fd)
    assert (1, True) == (stopped.attempts, stopped.status.is_stopped)
    assert 0 == bench.driver.discarded


def test_stroke_counter_that_is_not_known_is_no_status() -> None:
    """Nobody could count the dose: such a pen is not driven."""
    bench = Bench(SIMULATED.replace('unit = "strokes"', 'unit = "strokes"\nunknown = 0'))

    with pytest.raises(WrongDevice, match="without clock or stroke counter"):
        bench.driver.identify()


@pytest.mark.req("SR-015")
def test_pen_without_contact_sense_is_only_read() -> None:
    """Everything that safety needs must be there, not the watchdog alone."""
    bench = Bench(SIMULATED.replace("contact = {", "#contact = {"))

    with pytest.raises(UnsuitablePen, match="lacks contact,"):
        bench.driver.identify()


@pytest.mark.req("SR-010", "SR-020")
@pytest.mark.parametrize(
    ("clock_ms", "expected"),
    [
        (1_000, Discard.TICK),
        (1_001, Discard.LATE),
        (1_014, Discard.LATE),
        (1_015, 1_015),
        (1_050, 1_050),
        (1_284, 1_284),
        (1_285, Discard.EPOCH),
        (999, Discard.EPOCH),
        (None, Discard.TICK),
    ],
)
def test_clock_of_the_pen_tells_the_age_of_an_answer(
    clock_ms: int | None, expected: int | Discard
) -> None:
    """50 ms later: at most 35 ms old, ahead by less than 235 ms, and neither same nor before."""
    ticks = PenTicks(35)
    ticks.take(1_000, 500)

    assert expected == ticks.take(clock_ms, 550)
