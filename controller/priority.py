"""Asks for a place before ordinary programs, for what must not come late; it starts nothing."""

from __future__ import annotations

import contextlib
import os


def raise_priority() -> None:
    """Ask for a place before ordinary programs; without the right to it, run as we are.

    The lowest real-time priority is enough, and the kernel keeps 5 % of each core for the others.
    Threads inherit it, so it is asked for before they are made: one that held the interpreter's
    lock at a lower priority would hold up the rest.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (OSError, AttributeError):
        with contextlib.suppress(OSError, AttributeError):
            os.nice(-10)
