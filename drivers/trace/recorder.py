"""A port that tells what goes through it; it changes, delays and keeps nothing.

Reading and writing, the wake and every error are those of the port within. Telling costs a reading
of the clock and one call. Source: measured, docs/traces.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import LinkLost
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Sink, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.port import Port


class TracedPort:
    """A `Port` around another one.

    Args:
        port: The port within.
        clock_us: The host's monotonic clock, in microseconds.
        sink: Told of everything, in order.
    """

    def __init__(self, port: Port, clock_us: Callable[[], int], sink: Sink) -> None:
        self.name = port.name
        self.gap_us = port.gap_us
        self._port = port
        self._clock_us = clock_us
        self._sink = sink

    def write(self, data: bytes) -> None:
        """See `Port.write`. The bytes go out first, and are told of afterwards."""
        at_us = self._clock_us()
        try:
            self._port.write(data)
        except LinkLost as error:
            self._sink(at_us, TO_PEN, data)
            self._failed(error)
            raise
        self._sink(at_us, TO_PEN, data)

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `Port.read`."""
        try:
            data = self._port.read(timeout_us, wake_fd)
        except LinkLost as error:
            self._failed(error)
            raise
        if data:
            self._sink(self._clock_us(), TO_HOST, data)
        return data

    def drain(self) -> bytes:
        """See `Port.drain`."""
        try:
            data = self._port.drain()
        except LinkLost as error:
            self._failed(error)
            raise
        if data:
            self._sink(self._clock_us(), TO_HOST, data)
        return data

    def close(self) -> None:
        """See `Port.close`."""
        self._port.close()

    def _failed(self, error: LinkLost) -> None:
        self._sink(self._clock_us(), NOTE, note(f"failed {error.detail}"))
