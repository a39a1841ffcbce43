"""What can go wrong between host and pen, by whose fault it is; nothing here touches a port.

::

    LinkError(port)                                base, never raised itself
    ├── PortMissing(port, detail)          host    cable out, mistyped name, no server at host:port
    ├── PortBusy(port, detail)             host    another program has it, mostly a second penpilot
    ├── PortDenied(port, detail)           host    no right to open it (user not in its group)
    ├── UnclearPort(port, detail, there)   host    the choice fits no device, or several
    ├── UnknownDriver(port, name, …)       host    its driver is not installed, or mistyped
    ├── BadAddress(port, detail)           host    the driver makes nothing of its argument
    ├── LinkLost(port, detail)             cable   unplugged, or the server went, while in use
    ├── Preempted(port)                    host    a STOP is wanted; who is there can wait
    └── DeviceError(port)                  device  base of what the far end is to blame for
        ├── SilentDevice(port, waited_ms)          no byte came: pen off, wrong port, wrong speed
        ├── WrongDevice(port, found, expected)     bytes came, but not from a Pen Link 1 pen
        ├── UnsuitablePen(port, missing)           a pen that cannot be supervised
        └── UnprovenPen(port, serial_number, why)  not the pen that was paired here

Every text says what happened, what the pen is doing, and what to do next. A lost answer is not
among these: it is a value (`drivers.pen.Exchange.outcome_unknown`), because it is ordinary.
"""

from __future__ import annotations

EXPECTED = "a Pen Link 1 pen"
"""What every port is expected to lead to. Source: docs/protocol.md 2."""

STANDSTILL_MS = 251
"""A pen of Pen Link that hears nothing stands still after this. Others have a lease or a watchdog
of their own, of which a port knows nothing. Source: DESIGN 5, lease + 1 + brake."""

_BY_ITSELF = f"stops by its own lease or watchdog (Pen Link: within {STANDSTILL_MS} ms)"
_NOTHING_SENT = f"Nothing was sent; a pen that still runs {_BY_ITSELF}."
_ONLY_ASKED = "The pen was only asked who it is; nothing moves."


class LinkError(Exception):
    """Anything that keeps host and pen apart.

    Args:
        port: Name or URL of the port, as the operator gave it.
    """

    def __init__(self, port: str, *fields: object) -> None:
        # All fields go to `args`, so that the error survives the way from one process to another.
        super().__init__(port, *fields)
        self.port = port


class _PortError(LinkError):
    """Shared by the errors whose only further field is the system's own words."""

    def __init__(self, port: str, detail: str) -> None:
        super().__init__(port, detail)
        self.detail = detail


class PortMissing(_PortError):
    """There is no such port, or nothing serial behind the name.

    Args:
        port: Name or URL of the port.
        detail: What the system said.
    """

    def __str__(self) -> str:
        return (
            f"{self.port}: no such port ({self.detail}). {_NOTHING_SENT} "
            "Plug the pen in, or list the ports with: penpilot ports"
        )


class PortBusy(_PortError):
    """Another program holds the port.

    Args:
        port: Name or URL of the port.
        detail: What the system said.
    """

    def __str__(self) -> str:
        return (
            f"{self.port}: held by another program ({self.detail}). That program drives the pen, "
            "this one sent nothing. Close it, or stop the pen there."
        )


class PortDenied(_PortError):
    """This user may not open the port.

    Args:
        port: Name or URL of the port.
        detail: What the system said.
    """

    def __str__(self) -> str:
        return (
            f"{self.port}: not allowed to open it ({self.detail}). {_NOTHING_SENT} "
            "Add this user to the group that owns the port (often dialout) and log in again."
        )


class UnclearPort(LinkError):
    """What was chosen by its properties is not exactly one port; none was opened.

    Args:
        port: The choice, as the operator gave it.
        detail: What is wrong with it.
        there: What it could have been, each in one line.
    """

    def __init__(self, port: str, detail: str, there: tuple[str, ...]) -> None:
        super().__init__(port, detail, there)
        self.detail = detail
        self.there = there

    def __str__(self) -> str:
        there = "; ".join(self.there) or "no serial port at all"
        return f"{self.port}: {self.detail}. {_NOTHING_SENT} There is: {there}"


class BadAddress(_PortError):
    """The driver makes nothing of its argument in the address.

    Args:
        port: The address, as the operator gave it.
        detail: Field, value and rule.
    """

    def __str__(self) -> str:
        return f"{self.port}: {self.detail}. {_NOTHING_SENT} Write it as DRIVER:ARGUMENT+PORT."


class UnknownDriver(LinkError):
    """The address names a driver that is not there.

    Args:
        port: The address, as the operator gave it.
        name: Of the driver.
        detail: Why it cannot be used.
        known: Names of the drivers that are installed.
    """

    def __init__(self, port: str, name: str, detail: str, known: tuple[str, ...]) -> None:
        super().__init__(port, name, detail, known)
        self.name = name
        self.detail = detail
        self.known = known

    def __str__(self) -> str:
        return (
            f"{self.port}: no driver {self.name!r} ({self.detail}). {_NOTHING_SENT} "
            f"Installed are: {', '.join(self.known)}"
        )


class LinkLost(_PortError):
    """The port went away, or stopped taking bytes, while it was in use.

    Args:
        port: Name or URL of the port.
        detail: What the system said.
    """

    def __str__(self) -> str:
        return (
            f"{self.port}: connection lost ({self.detail}). Without a host the pen {_BY_ITSELF}. "
            "Check the cable, then connect again."
        )


class Preempted(LinkError):
    """Asking who is there was ended, because somebody wants a STOP.

    Args:
        port: Name or URL of the port.
    """

    def __str__(self) -> str:
        return (
            f"{self.port}: a STOP is wanted, and goes first. The pen was not asked to the end who "
            "it is. Ask again when it stands."
        )


class DeviceError(LinkError):
    """The port works, but what is behind it cannot be driven."""


class SilentDevice(DeviceError):
    """Nothing answers.

    Args:
        port: Name or URL of the port.
        waited_ms: How long it was asked, in milliseconds.
    """

    def __init__(self, port: str, waited_ms: int) -> None:
        super().__init__(port, waited_ms)
        self.waited_ms = waited_ms

    def __str__(self) -> str:
        return (
            f"{self.port}: no answer within {self.waited_ms} ms. {_ONLY_ASKED} "
            "Switch the pen on, and check that this is its port."
        )


class WrongDevice(DeviceError):
    """Something answers, but it is not a pen of this protocol.

    Args:
        port: Name or URL of the port.
        found: What was found there, in words.
        expected: What was expected, in words.
    """

    def __init__(self, port: str, found: str, expected: str = EXPECTED) -> None:
        super().__init__(port, found, expected)
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        return (
            f"{self.port}: found {self.found}, expected {self.expected}. {_ONLY_ASKED} "
            "Choose the pen's port; list the ports with: penpilot ports"
        )


class UnsuitablePen(DeviceError):
    """A pen of this protocol that lacks what safety stands on.

    Args:
        port: Name or URL of the port.
        missing: Names of the missing capabilities, such as ``lease``.
    """

    def __init__(self, port: str, missing: tuple[str, ...]) -> None:
        super().__init__(port, missing)
        self.missing = missing

    def __str__(self) -> str:
        return (
            f"{self.port}: this pen lacks {' and '.join(self.missing)}, and is not driven without. "
            f"{_ONLY_ASKED} Use a pen that has all of it."
        )


class UnprovenPen(DeviceError):
    """A pen that does not prove to be the one that was paired here under its serial number.

    Args:
        port: Name or URL of the port.
        serial_number: As the pen says.
        why: What it says or does not show, in words that follow "pen 42".
    """

    def __init__(self, port: str, serial_number: int, why: str) -> None:
        super().__init__(port, serial_number, why)
        self.serial_number = serial_number
        self.why = why

    def __str__(self) -> str:
        return (
            f"{self.port}: pen {self.serial_number} {self.why}. It is not driven; nothing moves. "
            "Find out where this pen comes from; if it is the right one, a technician pairs it "
            "again: penpilot pair"
        )
