"""What to do about a line that is slow or that others disturb; it looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drivers.latency import DEVICES, LATENCY_MS_MAX, LatencyTimer, latency_timer_of

PROC = Path("/proc")
"""Where Linux keeps its processes."""

RULES = "/etc/udev/rules.d/99-penpilot.rules"
"""Where an administrator puts rules of this machine. Source: udev(7)."""

LATENCY_RULE = 'ACTION=="add", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"'
"""Sets every FTDI bridge to 1 ms when it is plugged in. Source: udev(7), FTDI AN232B-04."""

IGNORE_RULE = 'ATTRS{idVendor}=="VID", ATTRS{idProduct}=="PID", ENV{ID_MM_DEVICE_IGNORE}="1"'
"""Keeps ModemManager from one make of device. Source: ModemManager, page on modem filters."""

MEDDLERS = {
    "ModemManager": (
        "it may write modem commands to a port that is plugged in",
        f"{IGNORE_RULE} in {RULES}, with the ids that penpilot ports shows",
    ),
    "brltty": (
        "it takes some USB bridges for Braille displays, and their port goes away",
        "Where nobody reads Braille: sudo systemctl disable --now brltty-udev.service brltty",
    ),
}
"""Programs that open ports which nobody gave them: what they do, and the remedy. Source:
ModemManager's page on filters; brltty, its udev rules."""


def slow_bridge_remedy(timer: LatencyTimer) -> str:
    """Return how to make a bridge hand over bytes at once: now, and for good."""
    return (
        f"Now: echo 1 | sudo tee {timer.file} ; for good: the line {LATENCY_RULE} in {RULES}, "
        "then: sudo udevadm control --reload, and plug it in anew"
    )


def remedy_for(device: str, devices: Path = DEVICES) -> str:
    """Return what to do about a port whose answers come too late.

    Args:
        device: Path or URL of the port.
        devices: Folder of the USB bridges.
    """
    timer = latency_timer_of(device, devices)
    if timer is not None and timer.is_long:
        return (
            f"Its bridge holds answers back for {timer.latency_ms} ms, {LATENCY_MS_MAX} are well. "
            f"{slow_bridge_remedy(timer)}"
        )
    return (
        "Plug the pen straight into the computer, without hub, network or virtual machine between, "
        "close what keeps the computer busy, and look at: penpilot doctor"
    )


def meddlers(proc: Path = PROC) -> Iterator[str]:
    """Yield the names of running programs that open ports which nobody gave them.

    Args:
        proc: Where the system shows its processes; it need not exist.
    """
    names = {_name(path) for path in proc.glob("[0-9]*/comm")}
    return (name for name in MEDDLERS if name in names)


def _name(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return ""
