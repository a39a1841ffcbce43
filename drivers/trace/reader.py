"""Reads a trace line by line, in bounded memory; any file gives events and defects, or one error.

It gives the bytes no meaning; that is `drivers.trace.frames`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from drivers.trace.format import (
    LINE_BYTES_MAX,
    Damage,
    Event,
    Header,
    LineDefect,
    TraceError,
    parse_header,
    parse_line,
)


def read_trace(
    file: BinaryIO, where: object, on_bytes: Callable[[int], None] = lambda _count: None
) -> tuple[Header, Iterator[Event | Damage]]:
    """Return the header of a trace, and its events and defects as they are read.

    Args:
        file: An open file.
        where: What an error calls it.
        on_bytes: Called with the number of bytes read, again and again.

    Raises:
        TraceError: If it is no trace, or cannot be read; while iterating only the latter.
    """
    lines = _lines(file, where, on_bytes)
    first = next(lines, b"")
    if not first.endswith(b"\n"):
        raise TraceError(where, "must be a trace; its first line does not begin as one, or is cut")
    return parse_header(first, where), _events(lines)


def _events(lines: Iterator[bytes]) -> Iterator[Event | Damage]:
    last_us = 0
    for number, line in enumerate(lines, 2):
        if len(line) > LINE_BYTES_MAX:
            yield Damage(number, LineDefect.LONG)
            continue
        if not line.endswith(b"\n"):
            yield Damage(number, LineDefect.CUT)
            continue
        event = parse_line(line[:-1])
        if event is None:
            yield Damage(number, LineDefect.FORM)
            continue
        if event.at_us < last_us:
            yield Damage(number, LineDefect.BACK)
        last_us = event.at_us
        yield event


def _lines(file: BinaryIO, where: object, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    """Yield lines with their ends; of one that is too long its beginning, one byte too much."""
    try:
        while line := file.readline(LINE_BYTES_MAX + 1):
            on_bytes(len(line))
            yield line
            while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
                line = file.readline(LINE_BYTES_MAX + 1)
                on_bytes(len(line))
    except OSError as error:
        raise TraceError(where, f"cannot be read ({error.strerror})") from error
