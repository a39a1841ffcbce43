"""The shell in virtual time: order of writes, waiting, repeats, wake and STOP."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest

from drivers.errors import LinkLost
from drivers.framing import Discard
from drivers.line import TICK_US
from drivers.pen import STOP_ATTEMPTS, STOP_TIMEOUT_US, PenLink
from drivers.registers import Command, PenState
from tests.contract.scripted_pen import FakeClock, MemoryPort, framed, status_frame
from tests.unit.pen_bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP = 5


@pytest.fixture
def bench() -> Bench:
    """Return a bench whose pen has been identified."""
    bench = Bench()
    bench.link.identify()
    return bench


def test_exchange_reports_when_and_how_often(bench: Bench) -> None:
    """Sent, received and attempts are those of the request that was answered."""
    exchange = bench.link.exchange(Command.POLL)

    assert (200, 1, False, False, False) == (
        (exchange.received_us or 0) - exchange.sent_us,
        exchange.attempts,
        exchange.preempted,
        exchange.epoch_changed,
        exchange.outcome_unknown,
    )


@pytest.mark.parametrize("command", [Command.POLL, Command.RENEW])
def test_lost_answer_is_asked_again_with_a_new_number(bench: Bench, command: Command) -> None:
    """The second of three attempts is answered, 25 ms after the first was lost."""
    lost = iter([True, False])
    bench.rewrite = lambda _, reply: b"" if next(lost) else reply
    start = len(bench.written_us)

    exchange = bench.link.exchange(command, attempts=3)

    assert 2 == exchange.attempts
    assert 25_000 == bench.written_us[start + 1] - bench.written_us[start]
    assert exchange.status is not None
    assert exchange.status.sequence_echo == exchange.sequence


@pytest.mark.parametrize("command", [Command.OPEN, Command.ARM, Command.START, Command.RESET])
@pytest.mark.req("SR-011", "HZ-14")
def test_order_is_never_asked_twice(bench: Bench, command: Command) -> None:
    """More than one attempt is refused before anything is written."""
    before = len(bench.port.writes)

    with pytest.raises(ValueError, match=f"attempts = 2: must be 1 for {command.name}"):
        bench.link.exchange(command, attempts=2)

    assert before == len(bench.port.writes)


@pytest.mark.req("SR-011")
def test_order_of_unknown_outcome_blocks_the_next_until_a_poll(bench: Bench) -> None:
    """A lost ARM was taken; only a POLL says so, and only then may START follow."""
    bench.link.exchange(Command.OPEN)
    bench.pen.is_mute = True
    lost = bench.link.exchange(Command.ARM, depth_um=750, speed_dhz=1_000)
    bench.pen.is_mute = False
    with pytest.raises(RuntimeError, match="POLL settles it"):
        bench.link.exchange(Command.START, depth_um=750, speed_dhz=1_000)
    poll = bench.link.exchange(Command.POLL)

    assert lost.outcome_unknown
    assert poll.status is not None
    assert poll.status.took(lost.token, lost.sequence)
    assert bench.link.exchange(Command.START, depth_um=750, speed_dhz=1_000).status is not None


def test_exchange_before_identification_writes_nothing() -> None:
    """Nothing is written to a device that nobody has identified."""
    bench = Bench()

    with pytest.raises(RuntimeError, match="no pen has been identified"):
        bench.link.exchange(Command.POLL)

    assert [] == bench.port.writes


@pytest.mark.req("SR-010")
def test_babble_does_not_prolong_an_exchange(bench: Bench) -> None:
    """Bytes without end are read for the time of the exchange, and no longer."""
    bench.rewrite = lambda _, __: b""
    for delay_us in range(500, 200_000, 500):
        bench.port.send_later(b" Busy ", delay_us)
    begun_us = bench.clock.now_us

    exchange = bench.link.exchange(Command.POLL)

    assert exchange.outcome_unknown
    assert bench.clock.now_us - begun_us <= 25_000 + 4 * TICK_US


def test_late_answer_is_drained_before_the_next_request(bench: Bench) -> None:
    """What comes between two exchanges is read, counted and forgotten."""
    bench.port.delay_us = 30_000
    bench.link.exchange(Command.POLL)
    bench.clock.now_us += 10_000
    bench.port.delay_us = 200

    exchange = bench.link.exchange(Command.POLL)

    assert exchange.status is not None
    assert {Discard.LATE: 1} == bench.link.metrics().discards


def test_answer_later_than_the_timeout_never_shifts_the_answers(bench: Bench) -> None:
    """Where pymodbus pairs 19 of 20 late answers with the wrong request, none is believed."""
    bench.port.delay_us = 40_000

    exchanges = [bench.link.exchange(Command.POLL) for _ in range(20)]

    assert [None] * 20 == [exchange.status for exchange in exchanges]
    assert {Discard.LATE} == set(bench.link.metrics().discards)


def test_requests_keep_a_tick_and_the_gap_apart(bench: Bench) -> None:
    """A status of the same tick would not be believed; a shared wire wants silence."""
    for gap_us, quiet_us in ((0, TICK_US), (1_750, 1_750)):
        bench.port.gap_us = gap_us
        bench.link.exchange(Command.POLL)
        heard_us = bench.clock.now_us
        bench.link.exchange(Command.POLL)

        assert quiet_us == bench.written_us[-1] - heard_us


@pytest.mark.req("SR-013", "HZ-09")
def test_stop_is_the_first_thing_done(bench: Bench) -> None:
    """No drain, no read and no gap comes before the STOP frame, with bytes waiting and a wire."""
    bench.port.gap_us = 1_750
    bench.link.exchange(Command.POLL)
    bench.port.send_later(b"junk", 0)
    bench.port.log.clear()
    begun_us = bench.clock.now_us

    bench.link.stop()

    kind, frame = bench.port.log[0]
    assert ("write", STOP) == (kind, frame[12])
    assert begun_us == bench.written_us[-1]


@pytest.fixture
def wake_fd(bench: Bench) -> Iterator[int]:
    """Make the bench ask for a STOP with every request that is none; answers take 5 ms."""
    read_fd, write_fd = os.pipe()

    def asking(request: bytes, reply: bytes) -> bytes:
        if request[12] != STOP:
            os.write(write_fd, b"!")
        return reply

    bench.port.delay_us = 5_000
    bench.rewrite = asking
    yield read_fd
    os.close(read_fd)
    os.close(write_fd)


@pytest.mark.parametrize("command", [c for c in Command if c is not Command.STOP])
@pytest.mark.req("SR-005", "SR-013")
def test_wake_during_any_exchange_makes_stop_the_next_frame(
    bench: Bench, wake_fd: int, command: Command
) -> None:
    """The late answer of the abandoned request is recognised and is not the STOP's."""
    count = len(bench.port.writes)
    begun_us = bench.written_us[-1]

    exchange = bench.link.exchange(command, depth_um=750, speed_dhz=1_000, wake_fd=wake_fd)
    stop = bench.link.stop()

    assert (True, True, None) == (exchange.preempted, exchange.outcome_unknown, exchange.status)
    assert [command, STOP] == bench.commands_since(count)
    assert bench.written_us[-2] == bench.written_us[-1] > begun_us
    assert stop.status is not None
    assert stop.status.sequence_echo == stop.sequence == exchange.sequence + 1
    assert 1 == bench.link.metrics().discards[Discard.LATE]


@pytest.mark.req("SR-013")
def test_late_answer_with_the_motor_off_does_not_confirm_a_stop(bench: Bench, wake_fd: int) -> None:
    """The answer to the POLL before says SAFE; the STOP itself is never answered."""
    bench.link.exchange(Command.POLL, wake_fd=wake_fd)
    bench.pen.is_mute = True
    stop = bench.link.stop()

    assert (None, True) == (stop.status, stop.outcome_unknown)
    assert 1 == bench.link.metrics().discards[Discard.LATE]


@pytest.mark.req("SR-013", "HZ-10")
def test_stop_is_repeated_every_15_ms_until_the_pen_has_stopped_by_itself(bench: Bench) -> None:
    """A silent pen gets 17 STOPs, each with a number of its own, for longer than 251 ms."""
    bench.pen.is_mute = True
    start = len(bench.written_us)

    stop = bench.link.stop()

    times_us = bench.written_us[start:]
    assert [STOP] * STOP_ATTEMPTS == bench.commands_since(start)
    assert {STOP_TIMEOUT_US} == {b - a for a, b in itertools.pairwise(times_us)}
    assert STOP_TIMEOUT_US * STOP_ATTEMPTS >= 251_000
    assert (STOP_ATTEMPTS, True) == (stop.attempts, stop.outcome_unknown)


@pytest.mark.req("SR-013")
def test_stop_is_confirmed_by_a_pen_slower_than_its_repeats(bench: Bench) -> None:
    """An answer after 40 ms, to the first of three STOPs, ends the repeats."""
    bench.port.delay_us = 40_000

    stop = bench.link.stop()

    assert stop.status is not None
    assert stop.status.is_stopped
    assert (3, 40_000) == (stop.attempts, (stop.received_us or 0) - stop.sent_us)


@pytest.mark.req("SR-005", "HZ-10")
def test_stop_goes_on_until_the_motor_is_off(bench: Bench) -> None:
    """A status that shows RUN confirms nothing; the next STOP comes at its time."""
    states = iter([PenState.RUN, PenState.RUN, PenState.STOPPING])

    def with_state(request: bytes, _: bytes) -> bytes:
        bench.pen.state = next(states)
        bench.pen.tick_ms += 5
        token, sequence = int.from_bytes(request[15:17]), int.from_bytes(request[17:19])
        return status_frame(bench.pen.block(token, sequence))

    bench.rewrite = with_state
    start = len(bench.written_us)

    stop = bench.link.stop()

    assert 3 == stop.attempts
    assert {STOP_TIMEOUT_US} == {b - a for a, b in itertools.pairwise(bench.written_us[start:])}


@pytest.mark.req("SR-013")
def test_stop_goes_on_after_an_exception(bench: Bench) -> None:
    """An exception says that nothing happened, which is not what a STOP is for."""
    replies = iter([framed(b"\x01\x97\x01"), framed(b"\x01\x97\x01"), None])
    bench.rewrite = lambda _, reply: next(replies) or reply

    stop = bench.link.stop()

    assert 3 == stop.attempts
    assert stop.status is not None


@pytest.mark.req("SR-013")
def test_stop_after_a_restart_reports_it(bench: Bench) -> None:
    """The restarted pen's status is not believed, and the caller hears of the restart."""
    bench.pen.epoch += 1

    stop = bench.link.stop(attempts=2)

    assert (None, True) == (stop.status, stop.epoch_changed)


def test_stop_by_exchange_is_the_same_stop(bench: Bench) -> None:
    """There is one way to stop, however it is asked for."""
    bench.port.log.clear()

    exchange = bench.link.exchange(Command.STOP)

    assert "write" == bench.port.log[0][0]
    assert exchange.status is not None
    assert exchange.status.is_stopped


@pytest.mark.req("SR-013")
def test_stop_needs_no_token_source_and_no_pen() -> None:
    """A token source that has run dry cannot keep a STOP from being sent."""
    clock = FakeClock()
    port = MemoryPort(clock, lambda _: b"")
    link = PenLink(port, clock, iter([1]).__next__)

    link.stop(attempts=1, timeout_us=0)

    assert [STOP] == [frame[12] for frame in port.writes]
    assert 1_000_000 == clock.now_us


def test_token_out_of_range_is_refused() -> None:
    """Token 0 names no session."""
    clock = FakeClock()

    with pytest.raises(ValueError, match="token = 0"):
        PenLink(MemoryPort(clock, lambda _: b""), clock, lambda: 0)


def test_lost_port_passes_through(bench: Bench) -> None:
    """Nobody swallows the loss of the port."""

    def gone(_: bytes) -> bytes:
        raise LinkLost("memory", "unplugged")

    bench.port.answer = gone

    with pytest.raises(LinkLost, match="unplugged"):
        bench.link.exchange(Command.POLL)
    with pytest.raises(LinkLost, match="unplugged"):
        bench.link.stop()
