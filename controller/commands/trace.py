"""`penpilot trace`: shows, compares and exports what went over the line."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from controller.commands.common import echo_json, failing_clearly, json_option
from controller.commands.trace_replay import replay
from controller.errors import ExitCode, RecordError
from controller.records.describe import one_line

if TYPE_CHECKING:
    from drivers.trace.format import Header
    from drivers.trace.frames import Frame
    from drivers.trace.turns import Difference

FIELDS_SHOWN = 20
"""Of a difference; --json has them all. ASSUMED: one screen."""

BYTES_SHOWN = 64
"""Of damaged bytes in one line; --json has them all. ASSUMED: one line of a wide terminal."""

_COLOURS = {"note": "yellow", "stop": "red", "line": "red", "exception": "magenta"}
_FILE = click.Path(path_type=Path)


@click.group()
def trace() -> None:
    """Show, compare, export and replay traces of the line; see docs/traces.md."""


trace.add_command(replay)


@trace.command()
@click.argument("file", type=_FILE)
@json_option
def show(file: Path, *, as_json: bool) -> None:
    """Show what host and pen said to each other, frame by frame, damage included.

    Exit code 2 if FILE is no trace; damaged lines and frames are shown, and are no error.
    """
    from controller.commands.trace_files import bar, reading, size_of  # noqa: PLC0415 not for --help
    from drivers.trace.frames import frames  # noqa: PLC0415 as above

    counts = {"frames": 0, "damaged": 0, "defects": 0}
    # On a terminal the lines themselves show how far it is.
    total = None if sys.stdout.isatty() else size_of(file)
    asked_us: int | None = None
    with (
        failing_clearly(as_json=as_json),
        bar("Trace", total) as move,
        reading(file, move) as (header, items),
    ):
        if not as_json:
            click.echo(_heading(header))
        for frame in frames(header, items):
            _count(counts, frame)
            if as_json:
                echo_json(as_document(frame))
            else:
                click.echo(sentence(frame, header.start_us, asked_us))
            asked_us = _asked(frame, asked_us)
    if as_json:
        echo_json({"kind": "end", **counts, "exit_code": int(ExitCode.DONE)})
    else:
        click.echo("{frames} frames, {damaged} damaged; {defects} damaged lines".format(**counts))


def _heading(header: Header) -> str:
    pen = "" if header.serial_number is None else f", pen {header.serial_number}"
    session = f", session {header.session}" if header.session else ""
    return one_line(
        f"{header.driver} on {header.port}{pen}{session}, from {header.start}, "
        f"recorded by penpilot {header.version}"
    )


def _count(counts: dict[str, int], frame: Frame) -> None:
    if frame.kind == "line":
        counts["defects"] += 1
    elif frame.kind != "note":
        counts["frames"] += 1
        counts["damaged"] += bool(frame.defect)


def _asked(frame: Frame, asked_us: int | None) -> int | None:
    """Return since when the host waits for an answer, or None."""
    if frame.direction == ">":
        return frame.at_us
    return None if frame.direction == "<" else asked_us


def as_document(frame: Frame) -> dict[str, Any]:
    """Return a frame for ``--json``."""
    return {
        "at_us": frame.at_us,
        "direction": frame.direction,
        "data": frame.data.hex(),
        "kind": frame.kind,
        "fields": frame.fields,
        "defect": frame.defect,
        "text": frame.text,
    }


def sentence(frame: Frame, start_us: int, asked_us: int | None) -> str:
    """Return a frame in one line: seconds since the start, direction, meaning, the wait for it.

    Args:
        frame: What is shown.
        start_us: Start of the trace.
        asked_us: Since when the host waits for an answer, or None.
    """
    at = f"{(frame.at_us - start_us) / 1e6:12.6f} {frame.direction or ' '} "
    text = frame.text if frame.text.isprintable() else one_line(frame.text)
    colour = _COLOURS.get(frame.kind)
    if frame.defect and frame.kind != "line":
        shown = frame.data[:BYTES_SHOWN].hex(" ")
        more = " ..." if len(frame.data) > BYTES_SHOWN else ""
        text, colour = f"DAMAGED, {frame.defect}: {text} | {shown}{more}", "red"
    elif frame.fields.get("command") == "stop":
        colour = "red"
    elif frame.direction == "<" and asked_us is not None:
        text += f"  ({frame.until_us - asked_us} us)"
    return at + (text if colour is None else click.style(text, fg=colour))


@trace.command()
@click.argument("first", type=_FILE)
@click.argument("second", type=_FILE)
@click.option("--exact", "is_exact", is_flag=True, help="Compare every exchange and every field.")
@json_option
def diff(first: Path, second: Path, *, is_exact: bool, as_json: bool) -> None:
    """Explain the first difference between what was asked and answered in FIRST and in SECOND.

    Exit code 0 if there is none, 2 if there is one or a file is no trace.
    """
    from controller.commands.trace_files import bar, reading, size_of  # noqa: PLC0415 not for --help
    from drivers.trace.frames import frames  # noqa: PLC0415 as above
    from drivers.trace.turns import first_difference  # noqa: PLC0415 as above

    with (
        failing_clearly(as_json=as_json),
        bar("Compare", size_of(first)) as move,
        reading(first, move) as (one, ones),
        reading(second) as (other, others),
    ):
        found = first_difference(frames(one, ones), frames(other, others), is_exact=is_exact)
        starts = one.start_us, other.start_us
    end_with(found, starts, (str(first), str(second)), as_json=as_json)


def end_with(
    found: Difference | None, starts: tuple[int, int], names: tuple[str, str], *, as_json: bool
) -> None:
    """Print a difference, or that there is none, and leave with its exit code."""
    code = ExitCode.DONE if found is None else ExitCode.INPUT
    if as_json:
        echo_json(difference_document(found, starts) | {"exit_code": int(code)})
    else:
        for line in difference_lines(found, starts, names):
            click.echo(one_line(line))
    sys.exit(int(code))


def difference_document(found: Difference | None, starts: tuple[int, int]) -> dict[str, Any]:
    """Return a difference for ``--json``."""
    if found is None:
        return {"identical": True, "difference": None}
    sides = zip((found.first, found.second), starts, strict=True)
    turns = [
        None
        if turn is None
        else {"exchange": turn.number, "us": turn.at_us - start_us, "text": turn.text}
        for turn, start_us in sides
    ]
    fields = [{"field": name, "first": one, "second": two} for name, one, two in found.fields]
    difference = {"first": turns[0], "second": turns[1], "fields": fields}
    return {"identical": False, "difference": difference}


def difference_lines(
    found: Difference | None, starts: tuple[int, int], names: tuple[str, str]
) -> list[str]:
    """Return a difference line by line."""
    if found is None:
        return ["No difference"]
    lines = ["The first difference:"]
    for turn, start_us, name in zip((found.first, found.second), starts, names, strict=True):
        if turn is None:
            lines.append(f"  {name}: has ended")
            continue
        at_s = (turn.at_us - start_us) / 1e6
        lines.append(f"  {name}: exchange {turn.number} at {at_s:.6f} s: {turn.text}")
    lines += [f"    {name}: {one} / {two}" for name, one, two in found.fields[:FIELDS_SHOWN]]
    more = len(found.fields) - FIELDS_SHOWN
    return [*lines, f"    and {more} more fields; see --json"] if more > 0 else lines


@trace.command()
@click.argument("file", type=_FILE)
@click.option("--pcap", "out", required=True, metavar="OUT", type=_FILE, help="New pcapng file.")
@json_option
def export(file: Path, out: Path, *, as_json: bool) -> None:
    """Write FILE as a capture that Wireshark opens without any setting.

    Exit code 2 if FILE is no trace, or OUT exists.
    """
    from controller.commands.trace_files import bar, reading, size_of  # noqa: PLC0415 not for --help
    from drivers.trace.frames import frames  # noqa: PLC0415 as above
    from drivers.trace.pcap import export as packets  # noqa: PLC0415 as above
    from drivers.trace.pieces import is_modbus  # noqa: PLC0415 as above

    count = -2  # the file's own two blocks are no packets
    with (
        failing_clearly(as_json=as_json),
        bar("Export", size_of(file)) as move,
        reading(file, move) as (header, items),
        _new(out) as target,
    ):
        zero_us = epoch_us(header, file) - header.start_us
        found = frames(header, items)
        for block in packets(found, is_modbus=is_modbus(header.driver), start_us=zero_us):
            target.write(block)
            count += 1
    if as_json:
        echo_json({"file": str(out), "packets": count, "exit_code": int(ExitCode.DONE)})
    else:
        click.echo(f"{out}: {count} packets")


@contextlib.contextmanager
def _new(out: Path) -> Iterator[BinaryIO]:
    """Open a new file, and leave no half of it behind."""
    from controller.commands.trace_files import new_file  # noqa: PLC0415 not for --help

    with new_file(out, "--pcap") as target:
        try:
            yield target
        except BaseException:
            out.unlink(missing_ok=True)
            raise


def epoch_us(header: Header, where: object) -> int:
    """Return the start of a trace in microseconds since 1970, UTC.

    Raises:
        RecordError: If the header does not say it.
    """
    try:
        start = datetime.fromisoformat(header.start)
        since = start - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, TypeError) as error:  # the latter without a time zone
        rule = "must be a moment such as 2026-03-01T09:12:44.120331Z"
        raise RecordError(where, f"start = {header.start[:40]!r}: {rule}") from error
    return since // timedelta(microseconds=1)
