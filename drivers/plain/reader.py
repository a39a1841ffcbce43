"""Reads a plain pen: what it is, then everything that it measures; it writes nothing.

Reading registers changes nothing in a Modbus device, so this is all that is done to a device that
nobody knows yet (SR-015).
"""

from __future__ import annotations

from drivers.errors import Preempted, SilentDevice, WrongDevice
from drivers.pen import IDENTIFY_TIMEOUT_MS_MAX
from drivers.plain.bus import Bus
from drivers.plain.frames import read_request
from drivers.plain.profile import PlainProfile
from drivers.plain.survey import Readings, readings_of, spans_of
from drivers.port import is_readable

_ATTEMPT_US = 300_000
"""Longest wait for one round of reading. ASSUMED, as for a pen with its own protocol."""


class Reader:
    """The reading half of a plain pen.

    Args:
        bus: The line.
        profile: What the registers mean.
    """

    def __init__(self, bus: Bus, profile: PlainProfile) -> None:
        self._bus = bus
        self._profile = profile
        self._spans = spans_of(profile)

    def find(self, timeout_ms: int, wake_fd: int | None = None) -> Readings:
        """Return what the device of the profile says, once its fixed registers are as they must.

        Args:
            timeout_ms: For all of it, 1 to 1,600 ms.
            wake_fd: Readable when a STOP is wanted.

        Raises:
            Preempted: If the wake came.
            SilentDevice: If nothing is heard at all.
            WrongDevice: If what is heard is not the device of the profile.
            LinkLost: If the port goes away.
            ValueError: If the time is out of its range.
        """
        if not 1 <= timeout_ms <= IDENTIFY_TIMEOUT_MS_MAX:
            raise ValueError(
                f"timeout_ms = {timeout_ms!r}: must be from 1 to {IDENTIFY_TIMEOUT_MS_MAX}"
            )
        bus, name, expected = self._bus, self._bus.port.name, self._profile.name
        before, until_us = bus.heard_bytes, bus.clock_us() + 1_000 * timeout_ms
        while (now_us := bus.clock_us()) < until_us:
            stranger, heard = self._look(min(now_us + _ATTEMPT_US, until_us), wake_fd)
            if is_readable(wake_fd):
                raise Preempted(name)
            if stranger:
                raise WrongDevice(name, stranger, expected)
            if heard is not None:
                return heard
        if bus.heard_bytes == before:
            raise SilentDevice(name, timeout_ms)
        found = f"{bus.heard_bytes - before} bytes that are no answer"
        raise WrongDevice(name, found, expected)

    def read_all(self, until_us: int, wake_fd: int | None = None) -> Readings | None:
        """Read every register of a status until then; None if one was not answered."""
        cells: dict[tuple[int, int], int] = {}
        for span in self._spans:
            request = span.request(self._profile.unit_id)
            answer = self._bus.ask(request, until_us, wake_fd).answer
            if answer is None or answer.exception is not None:
                return None
            for index, register in enumerate(answer.registers):
                cells[span.function, span.address + index] = register
        return readings_of(self._profile, cells)

    def _look(self, until_us: int, wake_fd: int | None) -> tuple[str, Readings | None]:
        """Return what is there instead of the pen, or what it says; neither if nothing came."""
        for one in self._profile.identity:
            request = read_request(self._profile.unit_id, one.read, one.address, 1)
            answer = self._bus.ask(request, until_us, wake_fd).answer
            if answer is None:
                return "", None
            if answer.exception is not None:
                return f"a Modbus device that answers with exception {answer.exception:02X}", None
            if answer.registers != (one.value,):
                found = f"register {one.address} = {answer.registers[0]} in place of {one.value}"
                return f"a Modbus device with {found}", None
        return "", self.read_all(until_us, wake_fd)
