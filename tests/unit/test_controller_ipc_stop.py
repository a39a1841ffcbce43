"""STOP and emergency stop over the socket: from anybody, to the pen; the latter latches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from hil.world import World
from safety.facts import Intent, IntentKind
from safety.ledger import AreaPlan
from safety.states import OrderKind, State
from simulator.pen import Pen
from tests.unit.ipc_bench import CLOSED, WAIT_S, Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A server that listens; its last words are said at the end if the test has not heard them."""
    with ExitStack() as stack:
        made = Bench(stack)
        made.server.start()
        yield made
        made.server.close(CLOSED, WAIT_S)
    assert not made.server._thread.is_alive()


@pytest.mark.req("SR-005", "SR-013", "S02")
def test_stop_is_taken_from_anybody_without_a_token(bench: Bench) -> None:
    """A program that shows nothing says STOP, and so do those with a wrong token and the driver."""
    stranger, liar, driver = bench.client(), bench.client(), bench.driver()
    liar.send({"driver": "wrong"})
    for client, source in ((stranger, "command"), (liar, "signal"), (driver, "key")):
        client.send({"want": "stop", "source": source})
        assert Intent(IntentKind.STOP, source) == bench.next_intent()


@pytest.mark.req("SR-005", "SR-013", "S02", "H10")
def test_emergency_stop_is_taken_from_anybody_without_a_token(bench: Bench) -> None:
    """Like STOP: from a stranger, a liar and the driver, under the source that is named."""
    stranger, liar, driver = bench.client(), bench.client(), bench.driver()
    liar.send({"driver": "wrong"})
    for client, source in ((stranger, "pedal"), (liar, "command"), (driver, "key")):
        client.send({"want": "estop", "source": source})
        assert Intent(IntentKind.ESTOP, source) == bench.next_intent()


@pytest.mark.req("SR-005", "SR-006", "SR-013", "S02", "H10")
def test_emergency_stop_of_a_stranger_stops_the_needles_and_latches(bench: Bench) -> None:
    """From the socket to the pen: STOP is the next frame, and only a reset leads on, to rest."""
    world = World((AreaPlan("cheek", 500, 1_000, 1, 3_000, 10_000),), Pen(seed=3))
    with closing(world):
        world.scan_until(lambda m: m.state is State.RUNNING)
        bench.client().send({"want": "estop", "source": "pedal"})
        world.mailbox.put(bench.next_intent())
        decision = world.scan()
        assert (State.ESTOP, OrderKind.STOP) == (decision.memory.state, decision.order.kind)
        assert "stopped by pedal" == decision.memory.stop_reason
        world.scan(6)
        assert (True, False) == (world.pen.needles_still, world.pen.bridge_is_on)

        assert ["emergency-stop"] == [str(a.code) for a in world.memory.alarms.alarms]

        made = world.pen.true_strokes
        for kind in (IntentKind.RESUME, IntentKind.ARM, IntentKind.START, IntentKind.ACKNOWLEDGE):
            world.want(kind)
            assert State.ESTOP is world.scan(3).memory.state, kind
        world.want(IntentKind.RESET)
        assert State.SELFTEST is world.scan(3).memory.state
        world.scan(20)
        assert (State.IDLE, made) == (world.memory.state, world.pen.true_strokes)
