"""The order of orders: STOP before everything, one at a time, none after one in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.framing import Discard
from drivers.link import LinkCore
from drivers.registers import Command, Flag, PenState
from tests.contract.golden import (
    SERIAL_NUMBER,
    answer_to,
    framed,
    golden_core,
    polled_core,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def core() -> LinkCore:
    """Return a link to the golden pen, which has not been heard yet."""
    return golden_core()


@pytest.fixture
def polled() -> LinkCore:
    """Return the same link after POLL and its answer: epoch 7, tick 5,000, sequence 1."""
    return polled_core()


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.req("SR-005", "SR-013", "W08")
def test_stop_replaces_whatever_is_in_flight(polled: LinkCore, command: Command) -> None:
    """The frame is STOP with a number of its own, and the abandoned request's answer is late."""
    abandoned = polled.request(command, now_us=0)
    stop = polled.stop(1)

    assert (5, 3) == (stop[12], int.from_bytes(stop[17:19], "big"))
    if command is not Command.STOP:
        assert polled.feed(answer_to(abandoned, 5_010), 2) is None
        assert {Discard.LATE: 1} == polled.discards

    answer = polled.feed(answer_to(stop, 5_020, state=PenState.STOPPING), 3)
    assert answer is not None

    assert (Command.STOP, 3) == (answer.command, answer.sequence)


@pytest.mark.req("SR-013")
def test_repeated_stop_is_answered_by_the_answer_to_any_of_them(polled: LinkCore) -> None:
    """A pen slower than the repeats still confirms; what was asked before does not."""
    poll = polled.request(Command.POLL, now_us=0)
    stops = [polled.stop(now_us) for now_us in (1, 2, 3)]

    assert polled.feed(answer_to(poll, 5_001), 4) is None

    answer = polled.feed(answer_to(stops[0], 5_002), 5)
    assert answer is not None

    assert (3, 1, 5) == (answer.sequence, answer.sent_us, answer.received_us)
    assert polled.feed(answer_to(stops[2], 5_004), 6) is None


@pytest.mark.req("SR-013")
def test_stop_needs_no_identified_pen(core: LinkCore) -> None:
    """Framing is enough for the pen; its status cannot be believed yet."""
    core.adopt(None)
    stop = core.stop(0)

    assert framed(stop[:-2]) == stop
    assert 5 == stop[12]
    assert core.feed(answer_to(stop, 5_000), 1) is None
    assert {Discard.CRC32: 1} == core.discards


@pytest.mark.req("SR-015")
def test_nothing_but_stop_is_sent_before_identification(core: LinkCore) -> None:
    """Even a POLL needs an identified pen."""
    core.adopt(None)

    with pytest.raises(RuntimeError, match="no pen has been identified"):
        core.request(Command.POLL, now_us=0)


@pytest.mark.req("SR-049", "W05")
def test_one_request_at_a_time(polled: LinkCore) -> None:
    """A second request waits for the first one's end."""
    polled.request(Command.POLL, now_us=0)

    with pytest.raises(RuntimeError, match="a request is in flight"):
        polled.request(Command.POLL, now_us=1)


@pytest.mark.parametrize("command", [Command.OPEN, Command.ARM, Command.START, Command.RESET])
@pytest.mark.req("SR-011", "H14")
def test_order_never_follows_an_order_of_unknown_outcome(
    polled: LinkCore, command: Command
) -> None:
    """POLL, RENEW and STOP may follow; the next status settles the outcome."""
    polled.request(command, now_us=0)
    polled.expire()

    with pytest.raises(RuntimeError, match="outcome of the last order is unknown"):
        polled.request(command, now_us=1)

    polled.request(Command.RENEW, now_us=2)
    polled.expire()
    poll = polled.request(Command.POLL, now_us=3)
    assert polled.feed(answer_to(poll, 5_010), 4) is not None

    polled.request(command, now_us=5)


@pytest.mark.parametrize("command", [Command.POLL, Command.RENEW])
def test_lost_poll_or_renewal_forbids_nothing(polled: LinkCore, command: Command) -> None:
    """They add nothing to what was said."""
    polled.request(command, now_us=0)
    polled.expire()

    polled.request(Command.OPEN, now_us=1)


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.req("SR-011", "HZ-24", "D06")
def test_open_and_reset_name_the_epoch_where_others_have_a_depth(
    polled: LinkCore, command: Command
) -> None:
    """Whatever depth is given, register 6 of OPEN and RESET is the boot that was last heard."""
    frame = polled.request(command, depth_um=750, speed_dhz=1_000, now_us=0)

    expected = 7 if command in (Command.OPEN, Command.RESET) else 750
    assert expected == int.from_bytes(frame[23:25])


@pytest.mark.parametrize("command", [Command.OPEN, Command.RESET])
@pytest.mark.req("SR-011", "SR-020", "HZ-24", "D06")
def test_open_and_reset_need_a_known_epoch(core: LinkCore, command: Command) -> None:
    """Before the first status, and again after a new identification, only POLL tells it."""
    for epoch in (7, 8):
        core.adopt(SERIAL_NUMBER)
        with pytest.raises(RuntimeError, match="epoch is unknown: POLL tells it"):
            core.request(command, now_us=0)
        poll = core.request(Command.POLL, now_us=0)
        assert core.feed(answer_to(poll, 5_000, epoch=epoch), 1) is not None

    assert 8 == int.from_bytes(core.request(command, now_us=2)[23:25])


def test_sequence_goes_up_with_every_request_and_wraps(polled: LinkCore) -> None:
    """One more whatever the command, lost ones and STOPs included, modulo 65,536."""
    polled.sequence = 65_533
    frames: list[Callable[[], bytes]] = [
        lambda: polled.request(Command.POLL, now_us=0),
        lambda: polled.stop(0),
        lambda: polled.stop(0),
    ]

    assert [65_534, 65_535, 0] == [int.from_bytes(frame()[17:19], "big") for frame in frames]


def test_stop_burst_over_the_wrap_is_answered(polled: LinkCore) -> None:
    """The numbers of one burst are compared modulo 65,536."""
    polled.sequence = 65_534
    stops = [polled.stop(0) for _ in range(3)]
    answer = polled.feed(answer_to(stops[1], 5_010), 1)
    assert answer is not None

    assert 0 == answer.sequence


@pytest.mark.parametrize("token", [0, -1, 1 << 32, True, None, 1.0])
@pytest.mark.req("SR-002")
def test_bad_token_is_refused(core: LinkCore, token: object) -> None:
    """A token that could not be sent would keep a STOP from being sent."""
    with pytest.raises(ValueError, match="token = "):
        core.new_token(token)  # type: ignore[arg-type]


def test_noise_is_counted_in_bytes(core: LinkCore) -> None:
    """Bytes that were part of no reply are counted, with or without a request."""
    core.feed(b"\xff" * 3_000, 0)

    assert 3_000 == core.noise_bytes


def test_status_flags_are_read(polled: LinkCore) -> None:
    """The status that is handed out is the one that was sent."""
    request = polled.request(Command.POLL, now_us=0)
    answer = polled.feed(answer_to(request, 5_010), 1)
    assert answer is not None
    assert answer.status is not None

    assert Flag.CARTRIDGE is answer.status.flags
    assert (5_010, 3_980) == (answer.status.tick_ms, answer.status.supply_mv)
