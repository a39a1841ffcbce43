"""The line that boot, OPEN and every stop draw under what was said before them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from drivers.registers import Command, PenState, Result
from simulator.codec import seal
from simulator.pen import Pen
from simulator.session import TICK_MODULUS, Order, Session
from simulator.tame_host import TameHost

STOP_06 = bytes.fromhex("01 06 01 00 00 05 48 35")
MISFIT = seal(bytes.fromhex("01 17 02 00 00 01 01 00 00 01 02 00 05"))
DAY_MS = 86_400_000


def rested() -> TameHost:
    """Return a host that knows tick and epoch of a pen at rest."""
    host = TameHost(Pen())
    host.wait(100)
    host.say(Command.POLL)
    return host


def begun(host: TameHost) -> tuple[bytes, bytes, bytes]:
    """Let the host begin a pass as fast as it can; return its OPEN, ARM and START."""
    host.depth_um, host.speed_dhz = 500, 1_000
    frames = {}
    for command, wait_ms in (
        (Command.OPEN, 1),
        (Command.ARM, 50),
        (Command.POLL, 1),
        (Command.START, 1),
    ):
        frames[command] = host.frame(command)
        host.hear(host.pen.receive(frames[command], host.pen.now_us))
        host.wait(wait_ms)
    assert host.pen.bridge_is_on
    return frames[Command.OPEN], frames[Command.ARM], frames[Command.START]


def motor_runs(host: TameHost, frames: tuple[bytes, bytes, bytes]) -> bool:
    """Let the wire deliver these frames now, START once the depth has settled; did the motor run?

    Once only, since a START that is refused uses its number up.
    """
    opening, arming, starting = frames
    host.pen.receive(opening, host.pen.now_us)
    host.pen.receive(arming, host.pen.now_us)
    host.wait(50)
    host.pen.receive(starting, host.pen.now_us)
    return host.pen.bridge_is_on


def runs_after_stop(wait_ms: int) -> bool:
    """Repeat a session's beginning so long after its STOP; say whether the motor ran."""
    host = rested()
    frames = begun(host)
    host.say(Command.STOP)
    host.wait(wait_ms)
    return motor_runs(host, frames)


def runs_after_boot(wait_ms: int, **fields: int) -> bool:
    """Repeat a session's beginning so long after a restart of the pen; likewise."""
    host = rested()
    opening = host.frame(Command.OPEN, **fields)
    host.sequence -= 1
    _, arming, starting = begun(host)
    host.pen.restart()
    host.wait(wait_ms)
    return motor_runs(host, (opening, arming, starting))


@pytest.mark.req("SR-011", "SR-019", "HZ-08", "D08", "W08")
@pytest.mark.parametrize("wait_ms", range(0, 200, 10))
def test_open_arm_and_start_from_before_a_stop_start_nothing_after_it(wait_ms: int) -> None:
    """Every frame comes again after the STOP, byte for byte, while its echo is fresh."""
    assert not runs_after_stop(wait_ms)


@pytest.mark.req("SR-011", "SR-019", "HZ-24", "D06", "D08")
@pytest.mark.parametrize("wait_ms", range(100, 300, 10))
def test_open_arm_and_start_from_before_a_restart_start_nothing_after_it(wait_ms: int) -> None:
    """The same when the tick of the new boot comes by the echoes of the old one."""
    assert not runs_after_boot(wait_ms)


def test_replayed_session_would_run_but_for_barrier_and_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The two attacks are real: each of the two rules is what refuses one of them."""
    assert any(runs_after_boot(wait_ms, depth_um=2) for wait_ms in range(100, 300, 10))
    monkeypatch.setattr(Session, "is_behind_barrier", lambda *_: False)

    assert any(runs_after_stop(wait_ms) for wait_ms in range(0, 200, 10))


def barrier_ms(host: TameHost) -> int:
    """Return the newest tick whose echo is stale in a RESET though no order is that old."""
    host.say(Command.POLL)
    now_ms = host.pen.tick_ms
    for age_ms in range(199, -1, -1):
        echo_ms = (now_ms - age_ms) % TICK_MODULUS
        if host.say(Command.RESET, tick_echo_ms=echo_ms)["result"] != Result.STALE_TICK:
            return echo_ms - 1
    return now_ms


def broadcast(host: TameHost) -> None:
    """Say STOP to every pen on the line."""
    host.pen.receive(seal(b"\x00" + STOP_06[1:-2]), host.pen.now_us)


def press(host: TameHost) -> None:
    """Press the pen's own button for a moment."""
    host.pen.inject("stop-button", 5)
    host.wait(1)


def fall_silent(host: TameHost) -> None:
    """Arm, and say no more until the token is void."""
    host.say(Command.STOP)
    host.arm(500, 1_000)
    host.wait(1_000)


def fail(host: TameHost) -> None:
    """Let the pen find a fault that an operator may clear."""
    host.pen.inject("cartridge-out", 50)
    host.wait(30)


def reset(host: TameHost) -> None:
    """Clear that fault."""
    fail(host)
    host.wait(150)
    host.say(Command.POLL)
    assert Result.DONE == host.say(Command.RESET)["result"]


def open_again(host: TameHost) -> None:
    """Open a new session after a stop."""
    host.say(Command.STOP)
    assert Result.DONE == host.open()["result"]


DRAWN: dict[str, tuple[str, Callable[[TameHost], object]]] = {
    "STOP": ("stop", lambda host: host.say(Command.STOP)),
    "STOP by function 06": ("stop", lambda host: host.pen.receive(STOP_06, host.pen.now_us)),
    "STOP in a misfit": ("stop", lambda host: host.pen.receive(MISFIT, host.pen.now_us)),
    "STOP by broadcast": ("stop", broadcast),
    "lease": ("stop", lambda host: host.wait(200)),
    "button": ("stop", press),
    "silence": ("token_idle", fall_silent),
    "fault": ("fault", fail),
    "RESET": ("order", reset),
    "OPEN": ("order", open_again),
    "boot": ("boot", lambda host: host.pen.restart()),
}
"""What draws the line, as the truth log calls it, and how a running pen is brought to it."""


@pytest.mark.req("SR-011", "SR-019", "HZ-08", "D08", "W08")
@pytest.mark.parametrize("name", sorted(DRAWN))
def test_barrier_is_drawn_at_the_very_tick(name: str) -> None:
    """An echo of that tick is stale, and one of the tick after it is not."""
    lines: list[str] = []
    host = TameHost(Pen(truth=lines.append))
    host.start(500, 1_000)
    event, draw = DRAWN[name]
    draw(host)
    drawn_ms = [e["tick_ms"] for e in map(json.loads, lines) if e["event"] == event][-1]
    host.wait(20)

    assert drawn_ms == barrier_ms(host)


@pytest.mark.req("SR-019", "D06", "D08")
@pytest.mark.parametrize("away", [-1, 1, 1_000])
@pytest.mark.parametrize("command", [Command.OPEN, Command.RESET])
def test_open_and_reset_of_another_epoch_are_stale(command: Command, away: int) -> None:
    """Rule 6: what names another boot is refused before the state is looked at."""
    host = rested()
    good = host.epoch
    stale = host.say(command, depth_um=(good + away) % 65_536)["result"]

    assert Result.STALE_TICK == stale
    assert Result.STALE_TICK != host.say(command, depth_um=good)["result"]


@pytest.mark.req("SR-019", "D08")
def test_answer_to_a_stop_is_not_newer_than_the_stop() -> None:
    """A host looks once more before it opens."""
    host = rested()
    host.say(Command.STOP)
    at_once = host.say(Command.OPEN)["result"]
    host.wait(1)
    host.say(Command.POLL)

    assert (Result.STALE_TICK, Result.DONE) == (at_once, host.say(Command.OPEN)["result"])


@pytest.mark.req("SR-019")
def test_reset_leaves_no_token_live() -> None:
    """What the owner of the session before the fault says is refused."""
    host = TameHost(Pen())
    host.start(500, 1_000)
    reset(host)

    assert Result.BAD_TOKEN == host.say(Command.ARM)["result"]
    assert PenState.SAFE is host.pen.state


@pytest.mark.parametrize("days", [1, 25, 40, 50, 80])
def test_barrier_of_long_ago_refuses_nothing(days: int) -> None:
    """A pen that has lain for more than half of its tick's range, or all of it, can be opened."""
    now_ms = days * DAY_MS
    order = Order(1, Command.OPEN, 1, 1, (now_ms - 5) % TICK_MODULUS, 1, 0)

    assert not Session(0).is_behind_barrier(order, now_ms)
    assert Session(now_ms - 5).is_behind_barrier(order, now_ms)
