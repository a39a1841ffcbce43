"""Logging with structlog: JSON lines to a file, and readable ones to a terminal if wanted.

Never patient data, never a secret: ids, numbers and the words of the machine only. The control
process writes to the file alone: a terminal that is held (Ctrl-S) would hold up the scan.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TextIO, cast

import structlog

EVENTS = frozenset(
    {
        "session.begun",
        "session.not_begun",
        "session.ended",
        "session.crashed",
        "machine.moved",
        "guide.wanted",
        "report.written",
        "scanlog.incomplete",
        "trace.incomplete",
    }
)
"""All event names. A test looks for names in the code that do not stand here. Rule: SR-023."""

LOG_NAME = "penpilot.jsonl"

LINES_MAX = 1_000
"""Lines that may wait for a disk; a session writes about ten a minute. ASSUMED."""

CLOSE_S = 1.0
"""How long the end of a program waits for the last lines. ASSUMED."""


class _LossyFile:
    """A log file that loses what the disk does not take; a full disk must not end a session."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        """Write at once, or not at all."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, text.encode("utf-8", "replace"))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Give the file back; further lines are lost."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class _WaitingFile(_LossyFile):
    """A log file whose writer never waits: a thread takes the lines to a disk that may hang.

    Args:
        descriptor: Of the file.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Leave a line for the thread; one too many is lost."""
        if self._lines.qsize() < LINES_MAX:
            self._lines.put(text)

    def close(self) -> None:
        """Write what waits, for as long as a disk that works would take, and give the file back."""
        self._lines.put(None)
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            super().close()

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            super().write(text)


class _Copy:
    """A step on the way of an event: writes it to the file as a JSON line, and lets it go on."""

    def __init__(self, file: _LossyFile) -> None:
        self._file = file
        self._render = structlog.processors.JSONRenderer(sort_keys=True)

    def __call__(self, logger: object, method: str, event: dict[str, Any]) -> dict[str, Any]:
        """Write a copy."""
        self._file.write(str(self._render(logger, method, dict(event))) + "\n")
        return event


_OPEN: list[_LossyFile] = []
"""The log file in use; it is given back when another one is chosen."""


def configure(
    folder: Path | None, terminal: TextIO | None = None, *, in_background: bool = False
) -> None:
    """Send events as JSON lines to the log file of that folder, or nowhere.

    Args:
        folder: Made if missing; None drops all events, which is what tests want.
        terminal: Where they go as well, in a form for people; None for nowhere.
        in_background: Whether a thread writes the file, so that whoever logs never waits for it;
            `finish` then waits for the thread.
    """
    processors: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _known_events_only,
        structlog.processors.format_exc_info,
    ]
    last: Any = structlog.processors.JSONRenderer(sort_keys=True)
    if folder is None:
        factory: Any = structlog.ReturnLoggerFactory()
    else:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = _WaitingFile(descriptor) if in_background else _LossyFile(descriptor)
        finish()
        _OPEN.append(file)
        factory = structlog.WriteLoggerFactory(cast("TextIO", file))
        if terminal is not None:
            processors.append(_Copy(file))
            last = structlog.dev.ConsoleRenderer(colors=terminal.isatty())
            factory = structlog.WriteLoggerFactory(terminal)
    structlog.configure(processors=[*processors, last], logger_factory=factory)


def finish() -> None:
    """Write what waits, and close the log file."""
    while _OPEN:
        _OPEN.pop().close()


def get_logger() -> Any:
    """Return the logger."""
    return structlog.get_logger()


def _known_events_only(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Mark an event that nobody listed, rather than losing it."""
    if event.get("event") not in EVENTS:
        event["unlisted"] = True
    return event
