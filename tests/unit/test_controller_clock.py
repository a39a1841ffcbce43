"""The clock of the control process: whole microseconds, never back, and woken by a descriptor."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import pytest

from controller.clock import MonotonicClock
from safety.errors import InvariantBroken


def turn(monkeypatch: pytest.MonkeyPatch, *readings_ns: int) -> MonotonicClock:
    """Return a clock on a machine whose own clock shows these readings, the last one for ever."""
    readings = iter(readings_ns)
    last = readings_ns[-1]
    monkeypatch.setattr("controller.clock.time.monotonic_ns", lambda: next(readings, last))
    return MonotonicClock()


def test_clock_reads_whole_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nanoseconds are cut off, so that a reading is never ahead of the machine's."""
    clock = turn(monkeypatch, 1_999, 2_000, 2_000)

    assert [1, 2, 2] == [clock.now_us() for _ in range(3)]


def test_clock_that_goes_back_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monotonic clock that is none makes every age and lease worthless."""
    clock = turn(monkeypatch, 5_000_000, 4_999_000)
    clock.now_us()

    with pytest.raises(InvariantBroken, match="from 5000 to 4999 us"):
        clock.now_us()


@pytest.mark.parametrize(
    ("at_us", "wanted_s"), [(1_050_000, 0.05), (1_000_000, 0.0), (1, 0.0), (-5, 0.0)]
)
def test_clock_waits_until_a_moment_and_not_at_all_for_a_past_one(
    monkeypatch: pytest.MonkeyPatch, at_us: int, wanted_s: float
) -> None:
    """The wait is the time that is left, never less than none."""
    clock = turn(monkeypatch, 1_000_000_000)
    waited: list[tuple[list[int], float]] = []

    def wait(reading: Iterable[int], _w: object, _x: object, timeout_s: float) -> None:
        waited.append((list(reading), timeout_s))

    monkeypatch.setattr("controller.clock.select.select", wait)
    clock.wait_until(at_us, None)
    clock.wait_until(at_us, 7)

    assert [([], wanted_s), ([7], wanted_s)] == waited


@pytest.mark.req("SR-013")
@pytest.mark.timeout(20)
def test_readable_descriptor_ends_a_wait_of_an_hour() -> None:
    """A wake that is there already is seen at once, whatever the moment."""
    clock = MonotonicClock()
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.send(b"!")
        clock.wait_until(clock.now_us() + 3_600_000_000, reader.fileno())
        assert b"!" == reader.recv(8)
