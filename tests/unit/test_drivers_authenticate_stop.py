"""Proof and tokens of a paired pen, beside a STOP that is wanted and a line that is slow."""

from __future__ import annotations

import os
from typing import get_args

import pytest

from drivers.errors import Preempted, WrongDevice
from drivers.registers import Command, Result
from simulator.pen import Transport
from tests.unit.pairing_bench import KEY, Bench, a_pen


@pytest.fixture(params=get_args(Transport))
def bench(request: pytest.FixtureRequest) -> Bench:
    """Return a paired pen with a line to it, for each way of speaking."""
    transport: Transport = request.param
    return Bench(a_pen(KEY, transport=transport), transport)


@pytest.mark.req("SR-013", "SR-055")
def test_orders_that_a_stop_kept_back_use_up_no_token(bench: Bench) -> None:
    """The pen looks 16 tokens ahead; more OPENs than that may be ended before they are said."""
    link = bench.host(KEY)
    link.identify()
    read_fd, write_fd = os.pipe()
    os.write(write_fd, b"s")
    for _ in range(17):
        assert 0 == link.exchange(Command.OPEN, wake_fd=read_fd).attempts
    os.close(read_fd)
    os.close(write_fd)

    bench.wait_ms(5)
    link.exchange(Command.POLL)
    opened = link.exchange(Command.OPEN).status

    assert Result.DONE is (opened and opened.result)


@pytest.mark.req("SR-055")
def test_proof_has_its_time_however_short_the_question_who_is_there(bench: Bench) -> None:
    """A line that answers within 25 ms holds the lease; a session asks for the identity so long."""
    really_write, slow_us = bench.port.write, 10_000

    def write(data: bytes) -> None:
        really_write(data)
        bench.port._coming = [(at_us + slow_us, answer) for at_us, answer in bench.port._coming]

    bench.port.write = write

    assert bench.host(KEY).identify(25).is_paired


@pytest.mark.req("SR-005", "SR-013", "SR-055")
@pytest.mark.parametrize("nth", [1, 2, 3, 4], ids=["identity", "POLL", "HELLO", "PROVE"])
def test_stop_waits_for_no_part_of_identification(bench: Bench, nth: int) -> None:
    """Whatever is being asked when a STOP is wanted, and never answered: it ends at once."""
    link = bench.host(KEY)
    really_write, written_us = bench.port.write, []
    read_fd, write_fd = os.pipe()

    def write(data: bytes) -> None:
        written_us.append(bench.clock.now_us())
        if len(written_us) == nth:
            bench.port.fault.is_cut = True
            os.write(write_fd, b"s")
        really_write(data)

    bench.port.write = write
    with pytest.raises(Preempted):
        link.identify(wake_fd=read_fd)
    link.stop(attempts=1, timeout_us=0)
    os.close(read_fd)
    os.close(write_fd)

    assert (nth + 1, written_us[nth - 1]) == (len(written_us), written_us[-1])
    assert link.identity is None


@pytest.mark.req("SR-055")
def test_pen_that_restarts_while_it_is_asked_is_not_called_a_clone(bench: Bench) -> None:
    """Both proofs name the boot: that of another one is wrong, and nobody is accused for it."""
    link = bench.host(KEY)
    really_write, written = bench.port.write, []

    def write(data: bytes) -> None:
        written.append(data)
        if len(written) == 3:
            bench.pen.restart()
            bench.wait_ms(200)
        really_write(data)

    bench.port.write = write
    with pytest.raises(WrongDevice, match="which restarted while it was asked"):
        link.identify()

    assert link.identity is None
    assert link.identify().is_paired
