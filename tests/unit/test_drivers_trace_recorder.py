"""The port that tells what goes through it, and the ring that keeps the last of it."""

from __future__ import annotations

import itertools
import time

import pytest

from drivers.errors import LinkLost
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Event
from drivers.trace.recorder import TracedPort
from drivers.trace.ring import Ring


class Within:
    """A port that gives what it was told to, and remembers how it was asked."""

    name = "inner"
    gap_us = 1_750

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.gives: list[bytes] = []
        self.is_lost = False

    def _called(self, *call: object) -> bytes:
        self.calls.append(call)
        if self.is_lost:
            raise LinkLost(self.name, "unplugged")
        return self.gives.pop(0) if self.gives and call[0] in ("read", "drain") else b""

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self._called("write", data)

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Give bytes."""
        return self._called("read", timeout_us, wake_fd)

    def drain(self) -> bytes:
        """Give bytes."""
        return self._called("drain")

    def close(self) -> None:
        """Be closed."""
        self._called("close")


class Told:
    """A traced port over such a one, on a clock that counts its readings."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.inner = Within()
        self.port = TracedPort(
            self.inner,
            itertools.count(100).__next__,
            lambda *event: self.events.append(Event(*event)),
        )


@pytest.fixture
def told() -> Told:
    """A traced port."""
    return Told()


def test_everything_goes_through_unchanged(told: Told) -> None:
    """Calls, arguments, the wake and what comes back are those of the port within."""
    told.inner.gives = [b"ab", b"c"]

    told.port.write(b"xyz")
    answers = told.port.read(500, 7), told.port.read(9), told.port.read(9), told.port.drain()
    told.port.close()

    assert (b"ab", b"c", b"", b"") == answers
    expected = [("write", b"xyz"), ("read", 500, 7), ("read", 9, None), ("read", 9, None)]
    assert [*expected, ("drain",), ("close",)] == told.inner.calls
    assert ("inner", 1_750) == (told.port.name, told.port.gap_us)


def test_bytes_are_told_with_direction_and_time_and_silence_is_not(told: Told) -> None:
    """A read that gave nothing is no event."""
    told.inner.gives = [b"a", b"", b"b"]
    told.port.write(b"x")
    told.port.read(1)
    told.port.drain()
    told.port.drain()

    expected = [Event(100, TO_PEN, b"x"), Event(101, TO_HOST, b"a"), Event(102, TO_HOST, b"b")]
    assert expected == told.events


@pytest.mark.parametrize("call", ["write", "read", "drain"])
def test_lost_port_is_told_and_raised(told: Told, call: str) -> None:
    """The error reaches the link as it was, and its words stand in the trace."""
    told.inner.is_lost = True
    arguments = {"write": (b"x",), "read": (1,), "drain": ()}[call]
    with pytest.raises(LinkLost, match="unplugged"):
        getattr(told.port, call)(*arguments)

    assert Event(told.events[-1].at_us, NOTE, b"failed unplugged") == told.events[-1]
    assert ([b"x"] if call == "write" else []) == [e.data for e in told.events[:-1]]


@pytest.mark.req("SR-005")
def test_stop_is_on_the_wire_before_it_is_told() -> None:
    """The bytes go out first, whatever becomes of the trace."""
    order: list[str] = []
    inner = Within()
    inner.write = lambda _data: order.append("written")  # type: ignore[method-assign]
    port = TracedPort(inner, lambda: 0, lambda *_event: order.append("told"))

    port.write(b"STOP")

    assert ["written", "told"] == order


def test_ring_keeps_the_last_while() -> None:
    """What is older than its span goes."""
    ring = Ring(span_us=100)
    for at_us in range(0, 1_000, 10):
        ring.add(Event(at_us, TO_PEN, b"x"))

    assert list(range(890, 1_000, 10)) == [event.at_us for event in ring.events()]


def test_ring_keeps_so_many_bytes_and_events() -> None:
    """A line that babbles, in large pieces or small ones, takes no more memory than it may."""
    by_bytes, by_events = Ring(data_bytes_max=100), Ring(events_max=5)
    for at_us in range(1_000):
        by_bytes.add(Event(at_us, TO_PEN, b"x" * 30))
        by_events.add(Event(at_us, TO_PEN, b"x"))

    assert (90, [997, 998, 999]) == (by_bytes.data_bytes, [e.at_us for e in by_bytes.events()])
    assert [995, 996, 997, 998, 999] == [e.at_us for e in by_events.events()]


def test_ring_counts_its_bytes_right_in_the_end() -> None:
    """What goes out is taken off, to the last byte."""
    ring = Ring(span_us=10)
    ring.add(Event(0, TO_PEN, b"abc"))
    ring.add(Event(100, TO_PEN, b"d"))

    assert 1 == ring.data_bytes


@pytest.mark.slow
def test_tracing_tells_what_it_costs() -> None:
    """What a write and a read pay more than without is printed, and is far below a scan."""
    inner = Within()
    inner.write = lambda _data: None  # type: ignore[method-assign]
    inner.read = lambda _timeout, _wake=None: b"y" * 45  # type: ignore[method-assign]
    events: list[Event] = []
    port = TracedPort(
        inner,
        lambda: time.monotonic_ns() // 1_000,
        lambda *event: events.append(Event(*event)),
    )
    data, rounds, best_ns = b"x" * 33, 2_000, {}
    for name, one in (("plain", inner), ("traced", port)):
        took = []
        for _ in range(20):
            began_ns = time.perf_counter_ns()
            for _ in range(rounds):
                one.write(data)
                one.read(1)
            took.append((time.perf_counter_ns() - began_ns) / rounds)
            events.clear()
        best_ns[name] = min(took)
    cost_us = (best_ns["traced"] - best_ns["plain"]) / 1_000
    print(f"{cost_us:.2f} us an exchange more")  # noqa: T201

    assert cost_us < 50
