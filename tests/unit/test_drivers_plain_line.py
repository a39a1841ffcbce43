"""The driver of plain Modbus pens: what it believes, what it keeps alive, and what it loses."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from drivers.errors import LinkLost
from drivers.framing import Discard
from drivers.plain.frames import sealed
from drivers.registers import Command, Flag, PenState, Result
from tests.unit.plain_bench import RUN_ADDRESS, WANTED, Bench


@pytest.fixture
def bench() -> Bench:
    """Return a driver at a simulated plain pen."""
    return Bench()


@pytest.mark.req("SR-010", "SR-011")
@pytest.mark.parametrize("place", [3, 5], ids=["address", "value"])
def test_wrong_echo_is_not_believed_and_nothing_is_written_again(bench: Bench, place: int) -> None:
    """An intact echo of another address or value: nobody knows what was written, so it stays so."""
    bench.driver.identify()
    bench.far.change = lambda frame, answer: (
        sealed(answer[:place] + bytes((answer[place] ^ 1,)) + answer[place + 1 : -2])
        if frame[1] == 6
        else answer
    )
    said = len(bench.port.written)

    opened = bench.ask(Command.OPEN)

    assert (None, True) == (opened.status, opened.outcome_unknown)
    assert 1 == len(bench.writes_since(said))
    assert 1 == bench.driver.metrics().discards[Discard.VALUE]


@pytest.mark.req("SR-010")
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda answer: sealed(bytes((2,)) + answer[1:-2]), Discard.UNIT),
        (lambda answer: sealed(answer[:1] + b"\x03" + answer[2:-2]), Discard.FUNCTION),
        (
            lambda answer: sealed(answer[:2] + bytes((answer[2] - 2,)) + answer[3:-4]),
            Discard.LENGTH,
        ),
        (lambda answer: answer + answer, Discard.LATE),
    ],
    ids=["unit", "function", "count", "twice"],
)
def test_intact_answer_that_does_not_fit_is_not_believed(
    bench: Bench, change: Callable[[bytes], bytes], cause: Discard
) -> None:
    """Another unit, function or count, or two answers to one question: no status comes of it."""
    bench.driver.identify()
    bench.far.change = lambda frame, answer: change(answer) if frame[1] == 4 else answer

    asked = bench.ask(Command.POLL)

    assert None is asked.status
    assert bench.driver.metrics().discards[cause]


def test_noise_before_a_good_answer_costs_nothing(bench: Bench) -> None:
    """One byte of noise does not throw the answer behind it away."""
    bench.driver.identify()
    bench.far.change = lambda _, answer: b"\x00" + answer

    assert None is not bench.ask(Command.POLL).status
    assert 0 == bench.driver.discarded


@pytest.mark.req("SR-010")
def test_doubtful_line_is_left_alone_for_longer_than_the_pen_may_take(bench: Bench) -> None:
    """After a lost answer nothing is asked for the pen's 10 ms and a little more."""
    bench.driver.identify()
    bench.port.is_mute = True
    bench.driver.exchange(Command.POLL, timeout_us=2_000)
    lost_us, said = bench.port.written_us[-1], len(bench.port.written)
    bench.port.is_mute = False

    bench.driver.exchange(Command.POLL, timeout_us=25_000)

    assert 10_000 < bench.port.written_us[said] - lost_us <= 13_000


@pytest.mark.req("SR-011")
def test_exception_settles_no_order(bench: Bench) -> None:
    """It names no request: the motor runs although START was answered by one, and POLL shows it."""
    bench.run(until=Command.POLL)
    bench.far.change = lambda frame, answer: (
        sealed(b"\x01\x86\x04") if frame[2:4] == RUN_ADDRESS and frame[1] == 6 else answer
    )

    started = bench.ask(Command.START, **WANTED)

    assert (4, None, True) == (started.exception, started.status, started.outcome_unknown)
    with pytest.raises(RuntimeError, match="outcome"):
        bench.ask(Command.START, **WANTED)

    status = bench.ask(Command.POLL).status

    assert (PenState.RUN, True) == (status.state, status.took(started.token, started.sequence))


def test_line_is_quiet_for_longer_after_an_exception(bench: Bench) -> None:
    """What the pen itself says to that request may still come, and is taken for nothing else."""
    bench.run(until=Command.POLL)
    patience_us = bench.driver._bus.patience_us
    bench.far.change = lambda frame, answer: (
        sealed(b"\x01\x86\x04") if frame[2:4] == RUN_ADDRESS and frame[1] == 6 else answer
    )
    bench.ask(Command.START, **WANTED)
    said, began_us = len(bench.port.written), bench.port.now_us

    bench.driver.exchange(Command.POLL, timeout_us=25_000)

    assert bench.port.written_us[said] - began_us >= patience_us


@pytest.mark.req("SR-012")
def test_kick_that_is_not_kept_ends_the_run(bench: Bench) -> None:
    """A watchdog that does not show the last kick is none: the next RENEW is refused."""
    bench.run()
    bench.far.change = lambda frame, answer: (
        sealed(answer[:9] + b"\xff\xff" + answer[11:-2]) if frame[1] == 3 else answer
    )

    results = [bench.ask(Command.RENEW, **WANTED).status.result for _ in range(2)]

    assert [Result.WRONG_STATE] * 2 == results


@pytest.mark.req("SR-012")
def test_watchdog_is_kicked_once_for_every_renewal_and_only_then(bench: Bench) -> None:
    """Each kick is the next number; a POLL kicks nothing."""
    bench.run()
    said = len(bench.port.written)

    bench.ask(Command.POLL)
    bench.ask(Command.RENEW, **WANTED)
    bench.ask(Command.RENEW, **WANTED)

    kicks = [(frame[1:4], int.from_bytes(frame[4:6])) for frame in bench.writes_since(said)]
    assert [(b"\x06\x01\x03", 2), (b"\x06\x01\x03", 3)] == kicks


@pytest.mark.req("SR-012")
def test_watchdog_is_not_kicked_on_an_old_status(bench: Bench) -> None:
    """A host that did not look for 200 ms does not keep the pen running."""
    bench.run()
    bench.port.now_us += 200_000
    said = len(bench.port.written)

    renewed = bench.driver.exchange(Command.RENEW, timeout_us=25_000, **WANTED)

    assert Result.STALE_TICK is renewed.status.result
    assert [] == bench.writes_since(said)


@pytest.mark.req("SR-012")
def test_pen_stops_by_itself_when_its_host_has_gone(bench: Bench) -> None:
    """Its watchdog of 500 ms, and 50 ms to brake; then it says so."""
    bench.run()
    gone_us = bench.port.written_us[-1]
    bench.far.pen.advance(gone_us + 550_000)

    assert bench.far.pen.needles_still
    bench.port.now_us = gone_us + 550_000
    status = bench.ask(Command.POLL).status
    assert (PenState.SAFE, True) == (status.state, status.has(Flag.LEASE_ENDED))


@pytest.mark.req("SR-020")
def test_restart_is_latched_until_the_pen_is_identified_again(bench: Bench) -> None:
    """A clock that went back is another boot: nothing is believed, then the number is another."""
    bench.run()
    before = bench.driver.epoch
    bench.far.pen.restart()

    told = [bench.ask(Command.POLL) for _ in range(3)]

    assert [(None, True)] * 3 == [(one.status, one.epoch_changed) for one in told]
    bench.driver.identify()
    assert before + 1 == bench.driver.epoch
    assert not bench.ask(Command.POLL).epoch_changed


@pytest.mark.req("SR-010")
def test_answer_that_left_the_pen_long_ago_is_seen_by_its_clock(bench: Bench) -> None:
    """An answer of the right form, kept back for 60 ms, is counted as late and not believed."""
    bench.driver.identify()
    bench.ask(Command.POLL)
    bench.port.now_us += 5_000
    now_us, asked = bench.port.now_us, bench.port.written[-2:]
    late = {frame[1]: bench.far.pen.receive(frame, now_us) for frame in asked}
    bench.port.now_us += 10_000
    bench.far.change = lambda frame, _: late[frame[1]]

    status = bench.ask(Command.POLL).status

    assert (None, 1) == (status, bench.driver.metrics().discards[Discard.LATE])


def test_lost_line_names_the_watchdog_and_no_lease(bench: Bench) -> None:
    """The words of the error are true of this pen, in another process as well."""
    bench.driver.identify()
    bench.port.has_hung_up = True

    with pytest.raises(LinkLost) as caught:
        bench.driver.stop()

    told = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 our own error
    assert "Its watchdog stops the pen within 550 ms." in str(told)
    assert "251" not in str(told)
