"""What the contract of drivers works with: a driver on its port, led to READY or RUN; no test.

Needs pytest, as `hil.contract` does.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from drivers.driver import Driver, Opener, Setup
from drivers.exchange import Exchange
from drivers.registers import Command, Flag, PenState
from hil.contract_port import ContractPort, PenControl

DEPTH_UM, SPEED_DHZ = 400, 1_000
"""What the contract arms: little enough for every pen, supervised ones included."""

PERIOD_US = 50_000
ANSWER_US = 25_000
STOP_US = 15_000
"""Source of these three: `controller.scanloop`."""

IDENTIFY_US_MAX = 2_000_000
"""Finding out who is there ends within this. Source: `drivers.driver.Driver.identify`."""

SETTLED_WITHIN = 40
"""Periods within which needles have settled. Source: as `safety.monitors.depth`, 2 s."""

TOKENS = (0x1234ABCD, 0x5678BEEF, 0x9ABCCAFE)


def same(expected: object, actual: object, what: str) -> None:
    """Fail the test unless both are equal; it also fails where Python drops its assertions."""
    if expected != actual:
        pytest.fail(f"{what}: expected {expected!r}, got {actual!r}")


class ContractBench:
    """Fixtures and steps; `opener` and `pen` come from the subclass."""

    @pytest.fixture
    def argument(self) -> str:
        """Return what stands behind the driver's name in an address."""
        return ""

    @pytest.fixture
    def port(self, pen: PenControl) -> ContractPort:
        """Return the port to the pen."""
        return ContractPort(pen)

    @pytest.fixture
    def driver(self, opener: Opener, argument: str, port: ContractPort) -> Iterator[Driver]:
        """Return the driver, which has said nothing yet."""
        tokens = itertools.cycle(TOKENS).__next__
        driver = opener(Setup(port, argument, port.clock_us, tokens))
        same([], port.written, "bytes written by the opener")
        yield driver
        driver.close()

    @pytest.fixture
    def wake(self) -> Iterator[tuple[int, int]]:
        """Return a pipe: read end for the driver, write end for whoever wants a STOP."""
        read_fd, write_fd = os.pipe()
        yield read_fd, write_fd
        os.close(read_fd)
        os.close(write_fd)

    def ask(self, driver: Driver, port: ContractPort, command: Command) -> Exchange:
        """Return how a question ended, one period after the last."""
        port.now_us += PERIOD_US
        return driver.exchange(
            command, depth_um=DEPTH_UM, speed_dhz=SPEED_DHZ, timeout_us=ANSWER_US
        )

    def make_ready(self, driver: Driver, port: ContractPort) -> None:
        """Lead the pen to READY with its needles settled."""
        driver.identify()
        for command in (Command.POLL, Command.OPEN, Command.ARM):
            exchange = self.ask(driver, port, command)
            if exchange.status is None:
                pytest.fail(f"{command.name} was not answered: {exchange}")
        for _ in range(SETTLED_WITHIN):
            status = self.ask(driver, port, Command.POLL).status
            if status is not None and status.has(Flag.SETTLED):
                same(PenState.READY, status.state, "state with settled needles")
                return
        pytest.fail("the needles never settled")

    def make_run(self, driver: Driver, port: ContractPort) -> None:
        """Lead the pen to RUN."""
        self.make_ready(driver, port)
        status = self.ask(driver, port, Command.START).status
        if status is None or status.state is not PenState.RUN:
            pytest.fail(f"START was not taken: {status}")
