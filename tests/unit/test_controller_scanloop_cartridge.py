"""The scan loop and a cartridge that was out: nothing goes on before the pen was asked anew."""

from __future__ import annotations

import pytest

from drivers.pen import PenLink
from safety.facts import IntentKind
from safety.states import State
from tests.unit.scan_bench import Bench


def take_out(world: Bench) -> None:
    """Take the cartridge out while nothing moves, and let the host see it."""
    world.pen.inject("cartridge-out", 200)
    world.scan_until(lambda m: m.seen_cartridge is False, pushing=False)


@pytest.mark.req("SR-037", "HZ-22")
@pytest.mark.parametrize("state", [State.PLANNED, State.PAUSED])
def test_cartridge_taken_out_voids_the_plan(world: Bench, state: State) -> None:
    """Whatever was planned was granted to the needles that were in."""
    world.to(state)
    take_out(world)

    assert State.IDLE is world.memory.state
    assert "the cartridge was removed" == world.memory.stop_reason
    assert world.memory.current is None


@pytest.mark.req("SR-037", "HZ-22")
def test_pen_is_asked_anew_when_a_cartridge_came_back(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which one it is: the pen says so itself, is tested, and only then armed."""
    world.to(State.IDLE)
    asked: list[State] = []
    really = PenLink.identify

    def identify(link: PenLink, *arguments: int) -> object:
        asked.append(world.memory.state)
        return really(link, *arguments)

    monkeypatch.setattr(PenLink, "identify", identify)
    take_out(world)
    world.scan_until(lambda m: m.state is State.IDENTIFYING, pushing=False)
    assert world.loop.memory.plan
    seen = [world.memory.state]
    while world.memory.state is not State.IDLE:
        world.scan()
        if world.memory.state is not seen[-1]:
            seen.append(world.memory.state)

    assert [State.IDENTIFYING, State.SELFTEST, State.LOCKED, State.IDLE] == seen
    assert 1 == len(asked)
    world.want(IntentKind.PLAN)
    world.scan()
    assert State.PLANNED is world.memory.state
