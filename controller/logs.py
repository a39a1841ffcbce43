"""Logging with structlog: JSON lines to a file; every event name stands in one list.

Never patient data, never a secret: ids, numbers and the words of the machine only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import structlog

EVENTS = frozenset(
    {
        "session.begun",
        "session.not_begun",
        "session.ended",
        "session.crashed",
        "machine.moved",
        "report.written",
    }
)
"""All event names. A test looks for names in the code that do not stand here. Rule: SR-023."""

LOG_NAME = "penpilot.jsonl"


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
        factory = structlog.WriteLoggerFactory(os.fdopen(descriptor, "a", encoding="utf-8"))
    structlog.configure(processors=processors, logger_factory=factory)


def get_logger() -> Any:
    """Return the logger."""
    return structlog.get_logger()


def _known_events_only(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Mark an event that nobody listed, rather than losing it."""
    if event.get("event") not in EVENTS:
        event["unlisted"] = True
    return event
