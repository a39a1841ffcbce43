"""Logging with structlog: JSON lines to a file; every event name stands in one list.

Never patient data, never a secret: ids, numbers and the words of the machine only.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

EVENTS = frozenset(
    {
        "session.begun",
        "session.not_begun",
        "session.ended",
        "session.crashed",
        "machine.moved",
    }
)
"""All event names. A test looks for names in the code that do not stand here. Rule: SR-023."""

LOG_NAME = "penpilot.jsonl"


class _LossyFile:
    """A log file that loses what the disk does not take; a full disk must not end a session."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "ab", buffering=0)

    def write(self, text: str) -> None:
        """Write at once, or not at all."""
        with contextlib.suppress(OSError):
            self._file.write(text.encode("utf-8", "replace"))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def configure(folder: Path | None) -> None:
    """Send events as JSON lines to the log file of that folder, or nowhere.

    Args:
        folder: Made if missing; None drops all events, which is what tests want.
    """
    processors: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _known_events_only,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(sort_keys=True),
    ]
    if folder is None:
        factory: Any = structlog.ReturnLoggerFactory()
    else:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        factory = structlog.WriteLoggerFactory(cast("TextIO", _LossyFile(descriptor)))
    structlog.configure(processors=processors, logger_factory=factory)


def get_logger() -> Any:
    """Return the logger."""
    return structlog.get_logger()


def _known_events_only(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Mark an event that nobody listed, rather than losing it."""
    if event.get("event") not in EVENTS:
        event["unlisted"] = True
    return event
