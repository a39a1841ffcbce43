"""The lines of a trace: a header, bytes with time and direction, notes; it opens no file.

::

    # penpilot-trace 1 {"version": ..., "driver": ..., "port": ..., "start": ..., "start_us": ...}
    81422021001 > 0103000000204412
    81422026840 < 01034050454e31
    81424311077 ! trip FAULT: over-depth

Source: docs/traces.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, NamedTuple

FORMAT = 1
"""Number of this format; it rises whenever an older penpilot could not read the file."""

LINE_BYTES_MAX = 4_096
"""A longer line is not ours. Source: docs/traces.md."""

DATA_BYTES_MAX = 1_024
"""Bytes of the wire in one line. Source: docs/traces.md; as much as a port gives at once."""

NOTE_MAX = 1_000
"""Characters of a note. Source: docs/traces.md."""

TO_PEN, TO_HOST, NOTE = ">", "<", "!"
"""Directions. Source: docs/traces.md."""

_MAGIC = b"# penpilot-trace "
_BYTES = re.compile(rb"([0-9]{1,16}) ([<>]) ((?:[0-9a-fA-F]{2}){1,%d})" % DATA_BYTES_MAX)
_NOTE = re.compile(rb"([0-9]{1,16}) (!) ([ -~]{0,%d})" % NOTE_MAX)
_UNPRINTABLE = re.compile(r"[^ -~]")


class TraceError(Exception):
    """A file that is no trace, or cannot be read; the only error of reading one.

    Args:
        where: The file.
        what: Field, value and rule.
    """

    def __init__(self, where: object, what: str) -> None:
        super().__init__(where, what)
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class LineDefect(Enum):
    """Why a line is no event, or not one to be relied on. The value says it in words."""

    FORM = "no TIME DIRECTION BYTES"
    LONG = f"longer than {LINE_BYTES_MAX} bytes"
    BACK = "time goes back"
    CUT = "cut off: the last line has no end"


class Event(NamedTuple):
    """Something at the port.

    Args:
        at_us: Host's monotonic clock, in microseconds.
        direction: `TO_PEN`, `TO_HOST` or `NOTE`.
        data: The bytes; of a note its text, in ASCII.
    """

    at_us: int
    direction: str
    data: bytes


class Damage(NamedTuple):
    """A line that is not as it should be.

    Args:
        line: Its number, from 1.
        defect: What is wrong.
    """

    line: int
    defect: LineDefect


Sink = Callable[[int, str, bytes], None]
"""Takes the parts of an `Event` as they happen. It may neither wait nor raise."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says; see docs/traces.md.

    Args:
        version: Of the software that wrote it.
        driver: How the pen was spoken with.
        port: Port or URL.
        start: A moment in UTC, ISO 8601.
        start_us: The same moment on the clock of the events, in microseconds.
        clock: ``monotonic`` or ``virtual``.
        session: Its id, or empty.
        serial_number: Of the pen, or None.
    """

    version: str
    driver: str
    port: str
    start: str
    start_us: int
    clock: str = "monotonic"
    session: str = ""
    serial_number: int | None = None


def header_line(header: Header) -> bytes:
    """Return the first line, its end included.

    Raises:
        ValueError: If it would be too long to be read again.
    """
    text = json.dumps(asdict(header), separators=(",", ":"))
    line = b"%b%d %b\n" % (_MAGIC, FORMAT, text.encode("ascii"))
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"a header of {len(line)} bytes: must be at most {LINE_BYTES_MAX}")
    return line


def parse_header(line: bytes, where: object) -> Header:
    """Return what a first line says.

    Raises:
        TraceError: If it is none of this format.
    """
    number, _, text = line.removeprefix(_MAGIC).rstrip(b"\n").partition(b" ")
    if not line.startswith(_MAGIC):
        raise TraceError(where, "must be a trace; its first line does not begin as one")
    if number != b"%d" % FORMAT:
        shown = number[:20].decode("ascii", "backslashreplace")
        raise TraceError(where, f"format = {shown}: must be {FORMAT}, the one known here")
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TraceError(where, "its first line must hold a JSON object") from error
    if not isinstance(found, dict):
        raise TraceError(where, "its first line must hold a JSON object")
    return Header(**{field.name: _checked(found, field.name, where) for field in fields(Header)})


_KINDS: dict[str, tuple[type, ...]] = {"start_us": (int,), "serial_number": (int, type(None))}
_DEFAULTS: dict[str, Any] = {"clock": "monotonic", "session": "", "serial_number": None}


def _checked(found: dict[str, Any], name: str, where: object) -> Any:
    value = found.get(name, _DEFAULTS.get(name))
    kinds = _KINDS.get(name, (str,))
    is_whole = not isinstance(value, int) or 0 <= value < 1 << 63
    if not isinstance(value, kinds) or isinstance(value, bool) or not is_whole:
        rule = "a whole number" if int in kinds else "a text"
        raise TraceError(where, f"{name} = {str(value)[:40]!r}: must be {rule}")
    return value


def event_lines(event: Event) -> bytes:
    """Return the lines of an event, mostly one; bytes that do not fit into one go on in the next.

    A note that is too long, or holds anything unprintable, is shortened or escaped.
    """
    at_us, direction, data = event
    if direction == NOTE:
        return b"%d ! %b\n" % (at_us, data[:NOTE_MAX])
    head = b"%d %b " % (at_us, direction.encode())
    if len(data) <= DATA_BYTES_MAX:
        return b"%b%b\n" % (head, data.hex().encode())
    pieces = (data[i : i + DATA_BYTES_MAX] for i in range(0, len(data), DATA_BYTES_MAX))
    return b"".join(b"%b%b\n" % (head, piece.hex().encode()) for piece in pieces)


def note(text: str) -> bytes:
    """Return a text as a note holds it: printable ASCII."""
    escaped = text.encode("ascii", "backslashreplace").decode()
    return _UNPRINTABLE.sub(lambda one: f"\\x{ord(one[0]):02x}", escaped)[:NOTE_MAX].encode()


def parse_line(text: bytes) -> Event | None:
    """Return the event in a line without its end, or None; total."""
    match = _BYTES.fullmatch(text)
    if match is not None:
        return Event(int(match[1]), match[2].decode(), bytes.fromhex(match[3].decode()))
    match = _NOTE.fullmatch(text)
    return None if match is None else Event(int(match[1]), NOTE, match[3])
