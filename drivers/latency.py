"""Reads how long USB bridges hold bytes back, from what the system says of them; changes nothing.

FTDI bridges collect answers for 16 ms unless told otherwise; Linux shows and takes the time in
``/sys/bus/usb-serial/devices/ttyUSB0/latency_timer``. Bridges of other makes have no such file.
Source: FTDI AN232B-04; Linux, drivers/usb/serial/ftdi_sio.c.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEVICES = Path("/sys/bus/usb-serial/devices")
"""Where Linux keeps them."""

LATENCY_MS_MAX = 2
"""A bridge that waits no longer costs nothing that matters here. ASSUMED: 1 ms is the least that
can be set, and 2 ms fit twice into every answer timeout with room to spare."""

_MS_MAX = 255
"""Source: FTDI AN232B-04, 1 to 255 ms."""


@dataclass(frozen=True, slots=True)
class LatencyTimer:
    """How long one bridge holds bytes back.

    Args:
        name: Of the port without its folder, such as ``ttyUSB0``.
        file: Where it is read and set.
        latency_ms: In milliseconds, 0 to 255.
    """

    name: str
    file: Path
    latency_ms: int

    @property
    def is_long(self) -> bool:
        """Whether it is longer than it should be."""
        return not (0 <= self.latency_ms <= LATENCY_MS_MAX)


def latency_timers(devices: Path = DEVICES) -> tuple[LatencyTimer, ...]:
    """Return the timers of all bridges that have one, sorted by name.

    Args:
        devices: Folder of the bridges; it need not exist.
    """
    try:
        names = sorted(path.name for path in devices.iterdir())
    except OSError:
        return ()
    found = (_read(devices, name) for name in names)
    return tuple(timer for timer in found if timer is not None)


def latency_timer_of(device: str, devices: Path = DEVICES) -> LatencyTimer | None:
    """Return the timer of the bridge behind a port, or None if it has none.

    Args:
        device: Path of the port; links are followed.
        devices: As for `latency_timers`.
    """
    return _read(devices, os.path.basename(os.path.realpath(device)))  # noqa: PTH119 may be a URL


def _read(devices: Path, name: str) -> LatencyTimer | None:
    file = devices / name / "latency_timer"
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= _MS_MAX):
        return None
    return LatencyTimer(name, file, int(text))
