"""Quiet before speech, in virtual time."""

from __future__ import annotations

import os

import pytest

from drivers.line import SETTLE_ROUNDS, TICK_US, Line
from tests.contract.scripted_pen import FakeClock, MemoryPort


@pytest.fixture
def port() -> MemoryPort:
    """Return a port on which nothing is answered."""
    return MemoryPort(FakeClock(), lambda _: b"")


@pytest.fixture
def line(port: MemoryPort) -> Line:
    """Return the line over that port."""
    return Line(port, port.clock)


def test_line_that_was_never_heard_is_quiet(line: Line, port: MemoryPort) -> None:
    """The first request waits for nothing."""
    assert b"" == line.settle()
    assert 1_000_000 == port.clock.now_us


@pytest.mark.parametrize(("gap_us", "quiet_us"), [(0, TICK_US), (1_750, 1_750)])
def test_line_settles_after_its_last_byte(
    line: Line, port: MemoryPort, gap_us: int, quiet_us: int
) -> None:
    """Bytes that still come are taken, and the quiet is counted from the last of them."""
    port.gap_us = gap_us
    port.send_later(b"a", 0)
    port.send_later(b"b", 700)

    assert b"ab" == line.settle()
    assert 1_000_700 + quiet_us == port.clock.now_us


def test_line_that_never_rests_is_given_up_on(line: Line, port: MemoryPort) -> None:
    """A babbling line is spoken on after four times the quiet."""
    for delay_us in range(0, 100_000, 100):
        port.send_later(b"x", delay_us)
    line.settle()

    assert 1_000_000 + SETTLE_ROUNDS * TICK_US == port.clock.now_us


@pytest.mark.req("SR-013")
def test_wake_ends_the_settling(line: Line, port: MemoryPort) -> None:
    """A STOP does not wait for a quiet line."""
    read_fd, write_fd = os.pipe()
    os.write(write_fd, b"!")
    port.send_later(b"x", 0)
    line.settle(read_fd)
    os.close(read_fd)
    os.close(write_fd)

    assert 1_000_000 == port.clock.now_us


def test_listening_ends_at_its_time(line: Line, port: MemoryPort) -> None:
    """Nothing is read when the time is over."""
    assert b"" == line.listen(1_000_000)
    assert [] == port.log

    assert b"" == line.listen(1_000_400)
    assert 1_000_400 == port.clock.now_us
