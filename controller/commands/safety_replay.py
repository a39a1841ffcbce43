"""`penpilot safety replay`: decides a logged session again, and compares."""

from __future__ import annotations

import contextlib
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option
from controller.errors import ExitCode
from controller.records.describe import one_line

if TYPE_CHECKING:
    from controller.scanlog.replay import Replay

BAR_AFTER_S = 1.0
"""A replay that takes longer shows how far it is. ASSUMED: nobody wonders before."""

FIELDS_SHOWN = 20
"""Of a difference; --json has them all. ASSUMED: one screen."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def replay(file: Path, *, as_json: bool) -> None:
    """Decide every scan of the scan log FILE again and compare the decisions, byte for byte.

    Exit code 0 if all are identical, 2 if one differs or the file cannot be read.
    """
    with failing_clearly(as_json=as_json):
        found = _replayed(file)
    code = ExitCode.DONE if found.difference is None else ExitCode.INPUT
    if as_json:
        echo_json(as_document(found) | {"exit_code": int(code)})
    else:
        for line in sentences(found):
            click.echo(one_line(line))
    sys.exit(int(code))


def _replayed(file: Path) -> Replay:
    """Replay a file, with a bar on the terminal if it takes long."""
    from rich.console import Console  # noqa: PLC0415 not for --help
    from rich.progress import Progress  # noqa: PLC0415 as above

    from controller.scanlog.reader import read_log  # noqa: PLC0415 as above
    from controller.scanlog.replay import replay as replay_lines  # noqa: PLC0415 as above

    began_s, console = time.monotonic(), Console(stderr=True)
    bar = Progress(console=console, transient=True)
    task = bar.add_task("Replay", total=file.stat().st_size if file.is_file() else None)
    with contextlib.ExitStack() as shown:

        def on_bytes(count: int) -> None:
            bar.advance(task, count)
            is_long = time.monotonic() - began_s >= BAR_AFTER_S
            if is_long and console.is_terminal and not bar.live.is_started:
                shown.enter_context(bar)

        return replay_lines(read_log(file, on_bytes))


def as_document(found: Replay) -> dict[str, Any]:
    """Return what was found for ``--json``."""
    difference = found.difference
    return {
        "session": found.session,
        "format": found.format,
        "version": found.version,
        "replayed_by": version("penpilot"),
        "scans": found.scans,
        "first_ms": found.first_ms,
        "last_ms": found.last_ms,
        "states": [{"state": state.name, "scans": count} for state, count in found.states.items()],
        "end": None if found.end is None else found.end.reason,
        "lost": None if found.end is None else found.end.lost,
        "identical": difference is None,
        "difference": None
        if difference is None
        else {
            "scan": difference.scan,
            "now_ms": difference.now_ms,
            "fields": [
                {"field": one.path, "logged": one.logged, "replayed": one.replayed}
                for one in difference.fields
            ],
        },
    }


def sentences(found: Replay) -> list[str]:
    """Return what was found, line by line."""
    states = ", ".join(f"{state.name} {count}" for state, count in found.states.items())
    lines = [
        f"Session  {found.session}, logged by penpilot {found.version}",
        f"Scans    {found.scans}, from {found.first_ms} ms to {found.last_ms} ms",
        f"States   {states or 'none'}",
    ]
    difference = found.difference
    if difference is None:
        return [*lines, f"End      {_end(found)}", "Replay   identical"]
    lines.append(f"Replay   differs in scan {difference.scan} at {difference.now_ms} ms:")
    lines += [
        f"  {one.path}: logged {one.logged}, replayed {one.replayed}"
        for one in difference.fields[:FIELDS_SHOWN]
    ]
    more = len(difference.fields) - FIELDS_SHOWN
    return [*lines, f"  and {more} more fields; see --json"] if more > 0 else lines


def _end(found: Replay) -> str:
    """Return how the log ends."""
    if found.end is None:
        return "cut off: the last scans may be missing, as after a crash"
    lost = f", {found.end.lost} scans not logged" if found.end.lost else ""
    return f"{found.end.reason}{lost}"
