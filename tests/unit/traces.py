"""Traces for tests: a world that traces its line, and the recorded trace of tests/data.

``python -m tests.unit.traces`` records tests/data/treatment.trace anew, which is wanted when host
or simulated pen say something else on purpose; the change of the file is then part of the review.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from drivers.port import Port
from drivers.trace.format import NOTE, Damage, Event, Header, event_lines, header_line, note
from drivers.trace.frames import Frame, frames
from drivers.trace.reader import read_trace
from drivers.trace.recorder import TracedPort
from hil.world import VirtualClock, World
from safety.facts import IntentKind
from safety.ledger import AreaPlan
from safety.states import State
from simulator.pen import Pen

RECORDED = Path(__file__).parents[1] / "data" / "treatment.trace"
"""A short treatment with a lost answer, a damaged one, a blocked rotor and an emergency stop."""

PLAN = (AreaPlan("cheek", 1_000, 1_000, 1, 3_000, 10_000),)

HEADER = Header(
    version="0.1.0",
    driver="penlink",
    port="virtual",
    start="2026-03-01T09:12:44.000000Z",
    start_us=2_000_000,
    clock="virtual",
    session="recorded",
)


class TracedWorld(World):
    """A world whose line is traced; one answer can be damaged."""

    def __init__(self, seed: int = 42) -> None:
        self.events: list[Event] = []
        self.damages = 0
        super().__init__(PLAN, Pen(seed=seed), wrap=self._traced)

    def _traced(self, port: Port, clock: VirtualClock) -> Port:
        damaging = DamagingPort(port, self)

        def sink(at_us: int, direction: str, data: bytes) -> None:
            self.events.append(Event(at_us, direction, data))

        return TracedPort(damaging, clock.now_us, sink)

    def note(self, text: str) -> None:
        """Leave a note."""
        self.events.append(Event(self.clock.now_us(), NOTE, note(text)))


class DamagingPort:
    """A port that spoils a byte of the next answers, as many as its world says."""

    def __init__(self, port: Port, world: TracedWorld) -> None:
        self.name, self.gap_us = port.name, port.gap_us
        self.write, self.drain, self.close = port.write, port.drain, port.close
        self._port = port
        self._world = world

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return what comes, perhaps spoilt."""
        data = self._port.read(timeout_us, wake_fd)
        if data and self._world.damages:
            self._world.damages -= 1
            return data[:7] + bytes([data[7] ^ 0x10]) + data[8:]
        return data


def treatment(seed: int = 42) -> TracedWorld:
    """Return a world that has lived through what `RECORDED` holds."""
    world = TracedWorld(seed)
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(10)
    world.port.fault.lose_answers = 1
    world.scan(10)
    world.damages = 1
    world.scan(10)
    world.pen.inject("stall", 300)
    world.scan_until(lambda m: m.state not in (State.RUNNING, State.STOPPING), pushing=False)
    world.note("trip FAULT: stall")
    world.scan(10)
    world.want(IntentKind.ESTOP)
    world.scan(5)
    world.note("end")
    world.close()
    return world


def text_of(events: Iterable[Event], header: Header = HEADER) -> bytes:
    """Return a trace as a file holds it."""
    return header_line(header) + b"".join(map(event_lines, events))


def read(text: bytes) -> tuple[Header, list[Event | Damage]]:
    """Read a trace from memory."""
    header, items = read_trace(io.BytesIO(text), "x.trace")
    return header, list(items)


def recorded() -> tuple[Header, list[Event]]:
    """Return the recorded trace, which has no damaged line."""
    header, items = read(RECORDED.read_bytes())
    return header, [item for item in items if isinstance(item, Event)]


def recorded_frames() -> list[Frame]:
    """Return the frames of the recorded trace."""
    header, events = recorded()
    return list(frames(header, events))


if __name__ == "__main__":
    RECORDED.write_bytes(text_of(treatment().events))
