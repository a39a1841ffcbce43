"""What the trace commands share: opening a trace, a bar while it is read, one way to fail."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from controller.errors import RecordError
from drivers.trace.format import Damage, Event, Header, TraceError
from drivers.trace.reader import read_trace

BAR_AFTER_S = 1.0
"""What takes longer shows how far it is. ASSUMED: nobody wonders before."""

MEMORY_BYTES_MAX = 256 << 20
"""Longest trace that is held in memory. Source: docs/traces.md, as long as one is written."""


@contextlib.contextmanager
def reading(
    path: Path, on_bytes: Callable[[int], None] = lambda _count: None
) -> Iterator[tuple[Header, Iterator[Event | Damage]]]:
    """Open a trace for as long as the block lasts.

    Raises:
        RecordError: If it is no trace, or cannot be read.
    """
    with _opened(path) as file:
        try:
            yield read_trace(file, path, on_bytes)
        except TraceError as error:
            raise RecordError(error.where, error.what) from error


def whole(path: Path) -> tuple[Header, list[Event]]:
    """Return all of a trace.

    Raises:
        RecordError: If it is no trace, cannot be read, is too long, or has damaged lines.
    """
    with reading(path) as (header, items):
        size = path.stat().st_size
        if size > MEMORY_BYTES_MAX:
            raise RecordError(path, f"has {size} bytes: must have at most {MEMORY_BYTES_MAX}")
        events = []
        for item in items:
            if isinstance(item, Damage):
                raise RecordError(f"{path}, line {item.line}", item.defect.value)
            events.append(item)
        return header, events


def new_file(path: Path, option: str) -> BinaryIO:
    """Open a new file; nothing is written over.

    Raises:
        RecordError: If that cannot be.
    """
    try:
        return path.open("xb")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise RecordError(f"{option} {path}", f"must be a new file ({said})") from error


@contextlib.contextmanager
def bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far something is, on a terminal and if it takes long; yields what moves the bar.

    Args:
        what: Stands before the bar.
        total: The whole way; None shows nothing.
    """
    from rich.console import Console  # noqa: PLC0415 not for --help
    from rich.progress import Progress  # noqa: PLC0415 as above

    began_s, console = time.monotonic(), Console(stderr=True)
    shown = Progress(console=console, transient=True)
    task = shown.add_task(what, total=total)
    with contextlib.ExitStack() as stack:

        def move(count: int) -> None:
            shown.advance(task, count)
            is_long = time.monotonic() - began_s >= BAR_AFTER_S
            if is_long and console.is_terminal and total and not shown.live.is_started:
                stack.enter_context(shown)

        yield move


def size_of(path: Path) -> int | None:
    """Return how long a file is, or None."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file. What goes wrong while it is used is not ours to name."""
    try:
        if not path.is_file():
            raise RecordError(path, "must be a file, a trace; there is none")
        file = path.open("rb")
    except OSError as error:
        raise RecordError(path, f"cannot be read ({error.strerror})") from error
    with file:
        yield file
