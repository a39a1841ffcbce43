"""Says what becomes of a supervised pen whose line is lost: it has its own watchdog, and no lease.

Wrapped around a port, it changes nothing but the words of its `LinkLost`.
"""

from __future__ import annotations

from drivers.errors import LinkLost
from drivers.plain.profile import PlainProfile
from drivers.port import Port


class SupervisedLinkLost(LinkLost):
    """The port of a plain pen went away while it was in use.

    Args:
        port: Name or URL of the port.
        detail: What the system said.
        standstill_ms: The needles stand within this; None if there is no watchdog.
    """

    def __init__(self, port: str, detail: str, standstill_ms: int | None) -> None:
        super().__init__(port, detail)
        self.args = (port, detail, standstill_ms)
        self.standstill_ms = standstill_ms

    def __str__(self) -> str:
        what = "It has no watchdog, and is only read."
        if self.standstill_ms is not None:
            what = f"Its watchdog stops the pen within {self.standstill_ms} ms."
        return (
            f"{self.port}: connection lost ({self.detail}). {what} "
            "Check the cable, then connect again."
        )


class SupervisedPort:
    """A port to a plain pen; see `drivers.port.Port`.

    Args:
        port: The port itself.
        profile: Of the pen.
    """

    def __init__(self, port: Port, profile: PlainProfile) -> None:
        dog, limits = profile.watchdog, profile.limits
        self._port = port
        self._standstill_ms = (
            None if dog is None or limits is None else dog.timeout_ms + limits.stop_ms_max
        )

    @property
    def name(self) -> str:
        """Name or URL of the port."""
        return self._port.name

    @property
    def gap_us(self) -> int:
        """Silence wanted before a request, in microseconds."""
        return self._port.gap_us

    def write(self, data: bytes) -> None:
        """See `drivers.port.Port.write`."""
        try:
            self._port.write(data)
        except LinkLost as lost:
            raise self._told(lost) from lost

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `drivers.port.Port.read`."""
        try:
            return self._port.read(timeout_us, wake_fd)
        except LinkLost as lost:
            raise self._told(lost) from lost

    def drain(self) -> bytes:
        """See `drivers.port.Port.drain`."""
        try:
            return self._port.drain()
        except LinkLost as lost:
            raise self._told(lost) from lost

    def close(self) -> None:
        """See `drivers.port.Port.close`."""
        self._port.close()

    def _told(self, lost: LinkLost) -> SupervisedLinkLost:
        return SupervisedLinkLost(lost.port, lost.detail, self._standstill_ms)
