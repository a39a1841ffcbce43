"""Keeps the processors of a virtual machine awake while something in real time is watched.

A virtual processor that falls idle is handed to others, and comes back up to 400 ms late. A process
of the lowest priority on each keeps it, and gives way to anything else at once (docs/adr/0009).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from controller.machine import is_virtual

SPIN = """
import os, sys
try:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
except OSError:
    os.nice(19)
while os.getppid() == int(sys.argv[1]):
    pass
"""
"""Spins until its parent, whose number it is given, has gone, whichever way."""


def start_spinner() -> subprocess.Popen[bytes]:
    """Start one process that keeps a processor awake for as long as this one lives."""
    return subprocess.Popen(  # noqa: S603 our own text
        [sys.executable, "-S", "-c", SPIN, str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def wakeful(*, is_wanted: bool | None = None) -> Iterator[int]:
    """Keep the processors awake while the block lasts; yield how many processes do it.

    Args:
        is_wanted: Whether to do it at all; by default in a virtual machine only.
    """
    wanted = is_virtual() if is_wanted is None else is_wanted
    count = (os.cpu_count() or 1) if wanted else 0
    spinners = [start_spinner() for _ in range(count)]
    try:
        yield count
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
