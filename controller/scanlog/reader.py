"""Reads a scan log line by line; nothing in it is believed that the types do not allow.

A log that was cut off, as by a killed process, reads up to its last whole line. It judges no
decision; that is `controller.scanlog.replay`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from controller.errors import RecordError
from controller.scanlog.lines import (
    BODIES,
    FORMAT,
    LINE_BYTES_MAX,
    Body,
    Line,
    Scan,
    digest_of,
    encoded,
)
from controller.scanlog.writer import GZIP_WINDOW

CHUNK_BYTES = 1 << 16
"""Read at once, and unpacked at once, so that a small file cannot fill the memory. ASSUMED."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What one line holds.

    Args:
        line: Number of the line, from 1; a scan's number is one less.
        body: Its body.
        digest: Its digest, as it stands in the line.
        digest_due: The digest that it must have there.
    """

    line: int
    body: Body
    digest: str
    digest_due: str


class _FormatOnly(msgspec.Struct):
    """What the first line holds in every format."""

    format: int


def read_log(path: Path, on_bytes: Callable[[int], None] = lambda _count: None) -> Iterator[Logged]:
    """Yield the first line, the scans, and the mark of the end if there is one.

    Args:
        path: The file.
        on_bytes: Called with the number of bytes read, again and again.

    Raises:
        RecordError: If it is no scan log, of a format that is not known, or damaged; the text names
            line, field and rule. A cut-off end is no error.
    """
    try:
        if not path.is_file():
            raise RecordError(path, "must be a file, a scan log; there is none")
        with path.open("rb") as file:
            yield from _bodies(path, _lines(path, file, on_bytes))
    except OSError as error:
        raise RecordError(path, f"cannot be read ({error.strerror})") from error


def decoded(raw: bytes, kind: Any, where: str) -> Any:
    """Return the value of a type whose canonical encoding this is.

    Raises:
        RecordError: If there is none.
    """
    try:
        value = msgspec.json.decode(raw, type=kind)
        is_ours = encoded(value) == raw
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise RecordError(where, str(error)) from error
    if not is_ours:
        raise RecordError(
            where, "must be encoded as this version of penpilot does, without any other field"
        )
    return value


def _bodies(path: Path, lines: Iterator[bytes]) -> Iterator[Logged]:
    """Decode lines and see that each stands where it may."""
    before, now_ms, kind = "", -(1 << 63), ""
    for number, text in enumerate(lines, 1):
        where = f"{path}, line {number}"
        line = decoded(text, Line, where)
        if kind == "end" or (number == 1) != (line.kind == "begin"):
            raise RecordError(where, f"kind = {line.kind!r}: must be begin, then scans, then end")
        kind = line.kind
        if kind == "begin":
            _check_format(line.body, where)
        body = decoded(bytes(line.body), BODIES[line.kind], where)
        if isinstance(body, Scan):
            if body.now_ms < now_ms:
                raise RecordError(where, f"now_ms = {body.now_ms}: must be at least {now_ms}")
            now_ms = body.now_ms
        yield Logged(number, body, line.digest, digest_of(bytes(line.body), before))
        before = line.digest
    if not kind:
        raise RecordError(path, "holds no whole line")


def _check_format(raw: bytes, where: str) -> None:
    """Refuse another format before anything else of it is looked at."""
    try:
        number = msgspec.json.decode(raw, type=_FormatOnly).format
    except msgspec.MsgspecError as error:
        raise RecordError(where, str(error)) from error
    if number != FORMAT:
        raise RecordError(where, f"format = {number}: must be {FORMAT}, the one known here")


def _lines(path: Path, file: BinaryIO, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    """Yield whole lines without their ends; what follows the last end of line is left out."""
    rest, number = b"", 1
    for data in _unpacked(path, file, on_bytes):
        *whole, rest = (rest + data).split(b"\n")
        for text in whole:
            yield text
            number += 1
        if len(rest) > LINE_BYTES_MAX:
            what = f"length = more than {LINE_BYTES_MAX} bytes: must be less"
            raise RecordError(f"{path}, line {number}", what)


def _unpacked(path: Path, file: BinaryIO, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    """Yield what a gzip stream holds, piece by piece."""
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        while not unpacker.eof and (packed := file.read(CHUNK_BYTES)):
            on_bytes(len(packed))
            while packed and not unpacker.eof:
                yield unpacker.decompress(packed, CHUNK_BYTES)
                packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise RecordError(path, f"must be whole gzip data ({error})") from error
    if unpacker.unused_data or file.read(1):
        raise RecordError(path, "must end with the gzip stream; something follows it")
