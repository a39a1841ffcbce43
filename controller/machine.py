"""What kind of machine this is; it changes nothing."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def is_virtual(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether this is a Linux virtual machine, by the flag that processors show there."""
    try:
        return " hypervisor" in cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
