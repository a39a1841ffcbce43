"""The scan loop and a paired pen that is out of step with the tokens of its host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drivers.pen import PenLink
from drivers.registers import Capability
from hil.world import World
from safety.states import State
from simulator.nonvolatile import Memory
from simulator.parameters import FirmwareParameters, PenParameters
from simulator.pen import Pen
from tests.unit.pairing_bench import KEY
from tests.unit.scan_bench import PLAN


@pytest.fixture
def paired(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a world whose pen is paired with its host."""
    older = FirmwareParameters()
    able = replace(older, capabilities=older.capabilities | Capability.PAIRING)
    really = PenLink.__init__

    def with_key(link: PenLink, *arguments: object) -> None:
        really(link, *arguments, keys=lambda _: KEY)

    monkeypatch.setattr(PenLink, "__init__", with_key)
    world = World(PLAN, Pen(PenParameters(firmware=able), seed=3, memory=Memory(key=KEY.hex())))
    yield world
    world.close()


@pytest.mark.req("SR-006", "SR-055", "HZ-79")
def test_pen_that_lost_the_session_is_opened_again_after_a_new_proof(paired: World) -> None:
    """16 forged orders void it: the first OPEN is refused and stops; asked again, the pen runs."""
    paired.scan_until(lambda m: m.state is State.PLANNED)
    paired.pen.firmware.pairing._session = b""

    paired.scan_until(lambda m: m.state is State.STOPPING, limit=20)
    refused = [str(e.body["code"]) for e in paired.journal.entries if e.kind == "fault"]
    paired.scan(20)
    stays = paired.memory.state
    paired.scan_until(lambda m: m.state is State.RUNNING, limit=60)

    assert (["order-refused"], State.IDLE) == (refused, stays)
