"""A recorded host at a simulated pen: what it said is said again, between two STOPs.

Nothing is said to a pen that is not simulated; it is asked for that first, by reading alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from controller.clock import MonotonicClock
from controller.errors import ConfigError, RefusedError
from controller.session_link import IDENTIFY_MS, open_link
from drivers.address import parse_address
from drivers.port import Port
from drivers.registers import Capability
from drivers.trace.format import TO_HOST, TO_PEN, Event, Header
from drivers.trace.recorder import TracedPort

ANSWER_US = 50_000
"""How long an answer that the trace holds is waited for at most. ASSUMED: one period of a scan."""


def replay_host(
    header: Header,
    events: Sequence[Event],
    address: str,
    *,
    speed: float,
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> list[Event]:
    """Say to a simulated pen what a host said; return what went over the line meanwhile.

    Args:
        header: Of the trace.
        events: Of the trace.
        address: Of the pen.
        speed: Times the recorded one; 0 waits for the recorded answers alone.
        on_bytes: Called with the number of bytes said, again and again.

    Raises:
        ConfigError: If the trace is one of another driver.
        RefusedError: If the pen does not say that it is a simulated one.
        LinkError: If there is no pen, or it goes away.
    """
    if parse_address(address).driver != header.driver:
        raise ConfigError("--port", address, f"must name the trace's driver, {header.driver!r}")
    ports: list[Port] = []

    def keep(port: Port) -> Port:
        ports.append(port)
        return port

    with closing(open_link(address, wrap=keep)) as link:
        pen = link.identify(IDENTIFY_MS)
        if not pen.capabilities & Capability.SIMULATED:
            raise RefusedError(
                f"pen {pen.serial_number} is no simulated one; a trace is replayed to no other. "
                "Nothing was ordered."
            )
        try:
            link.stop()
            ports[0].drain()
            return _Host(ports[0], speed, on_bytes).say(events)
        finally:
            link.stop()


class _Host:
    """Says and hears, in recorded time.

    Args:
        port: Open port of the pen.
        speed: Times the recorded one.
        on_bytes: Called with the number of bytes said.
    """

    def __init__(self, port: Port, speed: float, on_bytes: Callable[[int], None]) -> None:
        self._clock = MonotonicClock()
        self._speed = speed
        self._on_bytes = on_bytes
        self._heard = 0
        self._events: list[Event] = []
        self._port = TracedPort(port, self._clock.now_us, self._take)

    def _take(self, at_us: int, direction: str, data: bytes) -> None:
        self._events.append(Event(at_us, direction, data))
        self._heard += len(data) if direction == TO_HOST else 0

    def say(self, events: Sequence[Event]) -> list[Event]:
        """Say everything; return what was said and heard."""
        began_us, first_us, due = self._clock.now_us(), None, 0
        for event in events:
            if event.direction == TO_HOST:
                due += len(event.data)
            if event.direction != TO_PEN:
                continue
            first_us = event.at_us if first_us is None else first_us
            if self._speed:
                self._listen(began_us + round((event.at_us - first_us) / self._speed), None)
            else:
                self._listen(self._clock.now_us() + ANSWER_US, due)
            self._heard = due = 0
            self._port.write(event.data)
            self._on_bytes(len(event.data))
        self._listen(self._clock.now_us() + ANSWER_US, due if not self._speed else None)
        return self._events

    def _listen(self, until_us: int, due: int | None) -> None:
        """Listen until that time, or until so many bytes have come since we spoke."""
        while (due is None or self._heard < due) and (left := until_us - self._clock.now_us()) > 0:
            self._port.read(left)
