"""Reads a pen's own log of what truly happened, and measures times in it; trusts no host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One line of a truth log.

    Args:
        event: Such as ``motor_off``, ``needles_still``, ``lease_end``, ``fault``.
        tick_ms: The pen's clock.
        epoch: The pen's boot number.
        monotonic_us: The same moment on the clock of the machine that the pen is simulated on.
        fields: The rest of the line.
    """

    event: str
    tick_ms: int
    epoch: int
    monotonic_us: int
    fields: dict[str, Any]


def read_truth(path: Path) -> list[TrueEvent]:
    """Return all whole lines of a truth log, in order.

    A line that is being written at this moment is left for the next call.
    """
    events = []
    offset_us = 0
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        fields = json.loads(line)
        event, tick_ms, epoch = fields.pop("event"), fields.pop("tick_ms"), fields.pop("epoch")
        if event == "boot":
            offset_us = fields["monotonic_us"]
        events.append(TrueEvent(event, tick_ms, epoch, offset_us + tick_ms * 1_000, fields))
    return events


def first_after(events: list[TrueEvent], event: str, monotonic_us: int) -> TrueEvent | None:
    """Return the first event of that name at or after that moment, or None."""
    return next((e for e in events if e.event == event and e.monotonic_us >= monotonic_us), None)


def true_strokes(events: list[TrueEvent]) -> int:
    """Return the strokes at the last standstill."""
    return max((e.fields["strokes"] for e in events if e.event == "needles_still"), default=0)
