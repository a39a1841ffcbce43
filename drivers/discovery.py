"""Lists the serial ports of this machine without opening any; knows nothing of pens.

A name such as ``/dev/ttyUSB0`` goes to whatever was plugged in first. Linux keeps links named
after the device itself in ``/dev/serial/by-id``; where there is one, it is the name to configure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serial.tools.list_ports_common import ListPortInfo

BY_ID = Path("/dev/serial/by-id")
"""Where udev keeps its links. Source: systemd, 60-serial.rules."""

ATTEMPTS = 3
"""A device that is unplugged while it is described makes pyserial stumble; then look again."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port.

    Args:
        device: The system's name, such as ``/dev/ttyUSB0`` or ``COM3``.
        stable_name: A name that stays with the device; the same as `device` if there is no other.
        description: What the device calls itself; empty if it says nothing.
        vid: USB vendor id, or None if it is no USB device.
        pid: USB product id, or None if it is no USB device.
        serial_number: USB serial number, or None.
    """

    device: str
    stable_name: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None

    @property
    def usb_id(self) -> str:
        """``VID:PID`` in hexadecimal as lsusb writes it; empty if it is no USB device."""
        if self.vid is None or self.pid is None:
            return ""
        return f"{self.vid:04x}:{self.pid:04x}"


def list_ports(by_id: Path = BY_ID) -> tuple[PortInfo, ...]:
    """Return all serial ports, sorted by name, ``ttyUSB2`` before ``ttyUSB10``.

    Args:
        by_id: Folder of links named after the devices; it need not exist.
    """
    from serial.tools.list_ports_common import numsplit  # noqa: PLC0415 `penpilot stop` needs none

    stable_names = _stable_names(by_id)
    ports = [
        PortInfo(
            device=port.device,
            stable_name=stable_names.get(port.device, port.device),
            description="" if port.description in {None, "n/a"} else port.description,
            vid=port.vid,
            pid=port.pid,
            serial_number=port.serial_number or None,
        )
        for port in _comports()
    ]
    return tuple(sorted(ports, key=lambda port: numsplit(port.device)))


def _comports() -> list[ListPortInfo]:
    from serial.tools import list_ports as system_ports  # noqa: PLC0415 as above

    for _ in range(ATTEMPTS - 1):
        try:
            return list(system_ports.comports())
        except (OSError, TypeError):
            continue
    return list(system_ports.comports())


def _stable_names(by_id: Path) -> dict[str, str]:
    try:
        links = sorted(by_id.iterdir(), reverse=True)
    except OSError:
        return {}
    return {str(link.resolve()): str(link) for link in links}
