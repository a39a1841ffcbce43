"""Takes a pen's address apart: which driver, its argument, and the port; opens nothing.

::

    /dev/ttyUSB0                          a Pen Link 1 pen on Modbus RTU, as always
    native+/dev/ttyACM0                   the same pen on native frames
    modbus:clinic/pen.toml+/dev/ttyUSB0   a plain Modbus pen, described by a file
    acme+socket://10.0.0.5:4000           a pen of another maker's driver
    native+usb:0403:6001:AB12             a port chosen by what the device says of itself
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_DRIVER = "penlink"
"""What speaks Pen Link 1 over Modbus RTU."""

_USB = "usb"
"""Begins the name of a port (`drivers.choosing`), so that no driver can be called so: the serial
number behind it may hold a plus sign."""

_PREFIX = re.compile(r"([a-z][a-z0-9_-]*)(?::([^+]*))?\+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a pen is, and how to speak with it.

    Args:
        driver: Name of an entry point of the group ``penpilot.drivers``.
        argument: What that driver makes of it; empty if there is none.
        url: Name or URL of the port.
    """

    driver: str
    argument: str
    url: str


def parse_address(text: str) -> Address:
    """Return the parts of ``[driver[:argument]+]port``; every text is an address."""
    prefix = _PREFIX.match(text)
    if prefix is None or prefix[1] == _USB:
        return Address(DEFAULT_DRIVER, "", text)
    return Address(prefix[1], prefix[2] or "", text[prefix.end() :])
