"""Finds the one port that was chosen, by a property that stays with it; opens none, never guesses.

::

    /dev/serial/by-id/usb-FTDI_…    a link that udev named after the device: a path like any other
    usb:0403:6001                   the one USB device with this vendor and product id
    usb:0403:6001:AB12              the same, and with this serial number
    native+usb:0403:6001:AB12       all of them may follow a driver (`drivers.address`)

Everything else is a path or a URL, and stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from drivers.address import parse_address
from drivers.discovery import PortInfo, list_ports
from drivers.errors import PortMissing, UnclearPort

USB = "usb:"
"""What begins the name of a port that is chosen by what the device says of itself."""

REMOTE = ("socket://", "rfc2217://")
"""URLs that name one port, and nothing else. Source: DESIGN 3."""

FORM = "must be usb:VID:PID or usb:VID:PID:SERIAL, both ids in hexadecimal"

_WANTED = re.compile(r"usb:([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})(?::(.+))?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Ports = Callable[[], Sequence[PortInfo]]
"""Lists what is there, opening nothing."""


def chosen_url(url: str, ports: Ports = list_ports) -> str:
    """Return the name by which the system opens a port that was chosen.

    Args:
        url: Path, URL or ``usb:…``; no driver before it.
        ports: Lists what is there; asked only for ``usb:…``.

    Raises:
        UnclearPort: If no device or more than one has these properties, or they are mistyped.
        PortMissing: If it is a URL of another kind: with some, pyserial looks for a port by itself.

    Rule: SR-058.
    """
    if not url.startswith(USB):
        if "://" in url and not url.lower().startswith(REMOTE):
            raise PortMissing(url, f"a URL must begin with {' or '.join(REMOTE)}")
        return url
    there = ports()
    wanted = _WANTED.fullmatch(url)
    if wanted is None:
        raise UnclearPort(url, FORM, _described(there, there))
    usb_id = f"{int(wanted[1], 16):04x}:{int(wanted[2], 16):04x}"
    found = [
        port for port in there if port.usb_id == usb_id and wanted[3] in {None, port.serial_number}
    ]
    if len(found) != 1:
        problem = f"{len(found)} ports are this device" if found else "no port is this device"
        raise UnclearPort(url, problem, _described(found or there, there))
    return found[0].device


def one_name(url: str, ports: Ports = list_ports) -> str:
    """Return one name for all names of a port, so that two of them are seen to be the same.

    Links are followed and ``usb:…`` is looked up; a device that is not there now keeps the name
    that it was given.

    Args:
        url: Path, URL or ``usb:…``; no driver before it.
        ports: As for `chosen_url`.
    """
    if "://" in url:
        return _one_url(url)
    try:
        device = chosen_url(url, ports)
    except UnclearPort:
        return url
    return os.path.realpath(device)


def steady_name(url: str, ports: Ports = list_ports) -> str:
    """Return a name by which the same device is found after it was unplugged and has come back.

    A device with a serial number comes back as ``usb:VID:PID:SERIAL``, whatever number the system
    gives it then; one that udev has named keeps that link. For the rest the name stays.

    Args:
        url: Path, URL or ``usb:…``; no driver before it.
        ports: As for `chosen_url`.
    """
    if "://" in url:
        return _one_url(url)
    there = ports()
    name = one_name(url, lambda: there)
    port = next((one for one in there if os.path.realpath(one.device) == name), None)
    if port is None:
        return url
    choice = usb_choice(port, there)
    return choice if choice and port.serial_number else port.stable_name


def steady_address(text: str, ports: Ports = list_ports) -> str:
    """Return an address with its port as `steady_name` has it; driver and argument stay.

    Args:
        text: ``[driver[:argument]+]port``, see `drivers.address`.
        ports: As for `chosen_url`.
    """
    url = parse_address(text).url
    return text[: len(text) - len(url)] + steady_name(url, ports)


def usb_choice(port: PortInfo, there: Sequence[PortInfo]) -> str:
    """Return the shortest ``usb:…`` that names this port alone; empty if there is none."""
    if not port.usb_id:
        return ""
    plain = f"{USB}{port.usb_id}"
    twins = [one for one in there if one.usb_id == port.usb_id]
    same = [one for one in twins if one.serial_number == port.serial_number]
    if port.serial_number:
        return f"{plain}:{port.serial_number}" if len(same) == 1 else ""
    return plain if len(twins) == 1 else ""


def _one_url(url: str) -> str:
    """Return a URL with its scheme and host in one spelling, without what pyserial sets by it."""
    parts = urlsplit(url)
    try:
        host, number = (parts.hostname or "").lower(), parts.port
    except ValueError:  # no number where the port should stand: no other name is the same
        return url
    if not host or number is None:
        return url
    host = "localhost" if host in _LOOPBACK else host
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{host}:{number}"


def _described(ports: Sequence[PortInfo], there: Sequence[PortInfo]) -> tuple[str, ...]:
    """Return a line for every port, with a name by which it alone may be chosen."""
    return tuple(
        " ".join(filter(None, (usb_choice(port, there) or port.stable_name, port.description)))
        for port in ports
    )
