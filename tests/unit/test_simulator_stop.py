"""STOP in all its forms, and what is left of a session after it."""

from __future__ import annotations

import pytest

from drivers.registers import Command, Flag, PenState, Result
from simulator.codec import seal
from simulator.pen import Pen
from simulator.tame_host import TameHost

STOP_06 = bytes.fromhex("01 06 01 00 00 05 48 35")


@pytest.fixture
def host() -> TameHost:
    """Return a host with a pen that has just been switched on."""
    return TameHost(Pen())


@pytest.mark.req("SR-013")
@pytest.mark.parametrize("moment", ["boot", "safe", "ready", "run", "fault"])
def test_stop_is_taken_in_any_state_and_voids_the_token(moment: str) -> None:
    """STOP is total."""
    host = TameHost(Pen())
    if moment == "safe":
        host.open()
    elif moment == "ready":
        host.arm(500, 1_000)
    elif moment in ("run", "fault"):
        host.start(500, 1_000)
    if moment == "fault":
        host.pen.inject("over-depth")
        host.wait(10)
    status = host.say(Command.STOP, token=0, sequence=3, tick_echo_ms=99, version=9)

    assert Result.DONE == status["result"]
    assert 0 == status["flags"] & (Flag.TOKEN_LIVE | Flag.MOTOR_ON)
    assert (0, 3) == (status["last_order_token"], status["last_order_sequence"])


@pytest.mark.req("SR-013")
def test_stop_by_function_06_is_echoed(host: TameHost) -> None:
    """A tool that knows nothing else can stop the pen."""
    host.start()

    assert STOP_06 == host.pen.receive(STOP_06, host.pen.now_us)
    assert not host.pen.bridge_is_on
    assert PenState.STOPPING is host.pen.state


@pytest.mark.req("SR-013")
@pytest.mark.parametrize("function", [6, 23])
def test_stop_by_broadcast_is_taken_and_not_answered(host: TameHost, function: int) -> None:
    """Unit 0 stops every pen on the line."""
    host.start()
    if function == 6:
        frame = seal(b"\x00" + STOP_06[1:-2])
    else:
        frame = seal(b"\x00" + host.frame(Command.STOP)[1:-2])

    assert b"" == host.pen.receive(frame, host.pen.now_us)
    assert PenState.STOPPING is host.pen.state


@pytest.mark.req("HZ-18")
def test_broadcast_starts_nothing(host: TameHost) -> None:
    """Only a STOP counts when it comes by broadcast."""
    host.arm(500, 1_000)
    frame = seal(b"\x00" + host.frame(Command.START)[1:-2])

    assert b"" == host.pen.receive(frame, host.pen.now_us)
    assert PenState.READY is host.pen.state


def test_other_unit_is_not_answered(host: TameHost) -> None:
    """A frame to another pen on the line is no business of this one."""
    frame = seal(b"\x02" + STOP_06[1:-2])
    host.start()

    assert b"" == host.pen.receive(frame, host.pen.now_us)
    assert PenState.RUN is host.pen.state


@pytest.mark.req("SR-013")
def test_stop_in_a_misfitting_exchange_is_taken_and_refused(host: TameHost) -> None:
    """The frame is answered by exception 02, and the needles stop all the same."""
    host.start()
    frame = seal(bytes.fromhex("01 17 02 00 00 01 01 00 00 01 02 00 05"))

    assert seal(bytes.fromhex("01 97 02")) == host.pen.receive(frame, host.pen.now_us)
    assert PenState.STOPPING is host.pen.state


def test_function_16_is_answered_by_exception_01_and_changes_nothing(host: TameHost) -> None:
    """Writing registers without reading the status is not offered, not even for STOP."""
    host.start()
    frame = seal(bytes.fromhex("01 10 01 00 00 01 02 00 05"))

    assert seal(bytes.fromhex("01 90 01")) == host.pen.receive(frame, host.pen.now_us)
    assert PenState.RUN is host.pen.state


@pytest.mark.req("SR-011", "SR-013", "HZ-08", "D08")
@pytest.mark.parametrize("command", [Command.RENEW, Command.START, Command.ARM])
def test_order_parked_before_a_stop_is_refused_after_it(command: Command) -> None:
    """A frame that waited in a buffer finds its token void."""
    host = TameHost(Pen())
    if command is Command.RENEW:
        host.start()
    else:
        host.arm(1_000, 1_000)
    parked = host.frame(command)
    host.say(Command.STOP)
    host.wait(100)
    status = host.hear(host.pen.receive(parked, host.pen.now_us))

    assert (Result.BAD_TOKEN, PenState.SAFE) == (status["result"], status["state"])
