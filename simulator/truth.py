"""The pen's own log of what truly happened, as JSON lines; it decides and stores nothing.

Every line carries the pen's tick and boot epoch. A judge maps its own clock to the pen's by the
``boot`` lines, which name the monotonic clock's reading at their tick 0.

Events: ``boot`` · ``state`` · ``order`` (taken or refused; POLL is none) · ``stop`` · ``lease_end``
· ``ready_end`` · ``token_idle`` · ``motor_on``, ``motor_off`` (the bridge) · ``needles_still`` (the
first still millisecond) · ``skin_on``, ``skin_off`` (the hand's truth) · ``contact_on``,
``contact_off`` (what the pen senses of it) · ``fault`` (the firmware trips) ·
``fault_injected``, ``fault_cleared`` · ``hang_up`` (the host let
go of the line) · ``starved`` (this machine held the pen up, by so many ms;
what came meanwhile was taken as if it had come at once) · ``program_end``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

TruthWriter = Callable[[str], object]
"""Takes one line, its newline included."""


class Log(Protocol):
    """Takes one event; tick and epoch are added by whoever knows them."""

    def __call__(self, event: str, /, **fields: int | str) -> None:
        """Log it."""


def truth_line(event: str, tick_ms: int, epoch: int, fields: dict[str, int | str]) -> str:
    """Return one line of the log."""
    record = {"event": event, "tick_ms": tick_ms, "epoch": epoch, **fields}
    return json.dumps(record, separators=(",", ":")) + "\n"
