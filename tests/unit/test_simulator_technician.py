"""What does not clear a technician's fault: all that people try before they ask for one."""

from __future__ import annotations

import pytest

from drivers.registers import Command, Fault, PenState, Result
from simulator.pen import Pen
from simulator.tame_host import TameHost


@pytest.mark.req("SR-047", "HZ-59", "D07")
@pytest.mark.parametrize("tried", [["cartridge-out"], ["restart"], ["cartridge-out", "restart"]])
def test_over_depth_is_cleared_neither_by_a_cartridge_nor_by_a_restart(tried: list[str]) -> None:
    """A cartridge that was out and is in again, a restart and a reset leave the fault as it is."""
    host = TameHost(Pen())
    host.start()
    host.renew_for(300)
    host.pen.inject("over-depth")
    host.wait(100)
    for name in tried:
        host.pen.inject(name, 100)
        host.wait(500)
    host.say(Command.POLL)
    status = host.say(Command.RESET)

    assert Result.FAULT_ACTIVE == status["result"]
    assert (PenState.FAULT, Fault.OVER_DEPTH) == (status["state"], status["fault"])
    assert not host.pen.bridge_is_on
