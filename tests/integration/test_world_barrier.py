"""The shipped host opens after every stop; its frames from before a restart start nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from drivers.registers import Command
from hil.world import World
from safety.facts import IntentKind
from safety.ledger import AreaPlan
from safety.states import State
from simulator.pen import Pen

PLAN = (AreaPlan("cheek", 500, 1_000, 1, 3_000, 10_000),)
EXCHANGE = 0x17
"""Function of an exchange. Source: docs/protocol.md 1."""


class Eavesdropper:
    """A world whose wire remembers what the shipped host says, and may say it again."""

    def __init__(self) -> None:
        self.truth: list[str] = []
        self.said: dict[Command, bytes] = {}
        self.world = World(PLAN, Pen(seed=3, truth=self.truth.append))
        really_write = self.world.port.write

        def write(data: bytes) -> None:
            if data[1] == EXCHANGE:
                self.said[Command(data[12])] = data
            really_write(data)

        self.world.port.write = write  # type: ignore[method-assign]

    def hear_a_pass_begin(self) -> None:
        """Let the host lead its session to RUNNING."""
        self.world.scan_until(lambda memory: memory.state is State.RUNNING)

    def say_again(self, wait_ms: int) -> bool:
        """Deliver OPEN, ARM and START so much later; say whether the motor ran after that."""
        pen, count = self.world.pen, len(self.truth)
        for command, pause_ms in ((Command.OPEN, wait_ms), (Command.ARM, 0), (Command.START, 100)):
            pen.receive(self.said[command], pen.now_us + 1_000 * pause_ms)
        return "motor_on" in [json.loads(line)["event"] for line in self.truth[count:]]


@pytest.fixture
def wire() -> Iterator[Eavesdropper]:
    """Return a wire with a pass that runs, and take the world down."""
    wire = Eavesdropper()
    wire.hear_a_pass_begin()
    yield wire
    wire.world.close()


@pytest.mark.req("SR-011", "SR-020", "HZ-24", "D06", "W06")
@pytest.mark.parametrize("counts_up", [True, False])
def test_frames_from_before_a_restart_start_nothing_since_the_epoch_is_another(
    wire: Eavesdropper, *, counts_up: bool
) -> None:
    """The new tick comes by what they echo; a pen that did not count its boots would run."""
    pen, epoch = wire.world.pen, wire.world.pen.epoch
    echo_ms = int.from_bytes(wire.said[Command.OPEN][19:23])
    pen.restart()
    pen.memory.epoch = epoch + counts_up

    assert wire.say_again(echo_ms + 150) is not counts_up


@pytest.mark.req("SR-034", "HZ-75", "R04", "W08")
def test_resumed_pass_opens_with_a_status_newer_than_its_stop(wire: Eavesdropper) -> None:
    """The host's own OPEN after a pause is taken at once."""
    wire.world.want(IntentKind.PAUSE)
    wire.world.scan_until(lambda memory: memory.state is State.PAUSED, pushing=False)
    wire.world.scan()
    wire.world.want(IntentKind.RESUME)
    wire.world.scan_until(lambda memory: memory.state is State.RUNNING)
    orders = [e for e in map(json.loads, wire.truth) if e["event"] == "order"]

    assert ["DONE"] * 2 == [order["result"] for order in orders if order["command"] == "OPEN"]


"""For tests/integration/test_world_barrier.py once safety waits for a POLL after a STOP."""


@pytest.mark.req("SR-034", "HZ-75", "R04", "W08")
def test_resume_wished_while_the_needles_come_to_rest_opens_after_one_more_look(
    wire: Eavesdropper,
) -> None:
    """A wish in the very scan that sees rest costs one POLL, and no order is refused."""
    wire.world.want(IntentKind.PAUSE)
    for _ in range(40):
        wire.world.scan()
        wire.world.want(IntentKind.RESUME)
    orders = [e for e in map(json.loads, wire.truth) if e["event"] == "order"]

    assert ["DONE"] * 2 == [order["result"] for order in orders if order["command"] == "OPEN"]
