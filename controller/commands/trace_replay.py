"""`penpilot trace replay`: a recorded pen for a host, or a recorded host for a simulated pen."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option
from controller.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from drivers.trace.format import Event, Header

SPEED_MAX = 1_000_000.0
"""Times the recorded speed. ASSUMED: no wait is left then."""


class _Finite(click.FloatRange):
    """A number within its bounds; NaN, which no bound holds back, is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as `click.FloatRange` does."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "role", type=click.Choice(["pen", "host"]), required=True, help="Whose part.")
@click.option("--port", metavar="URL", help="Port of the simulated pen, for --as host.")
@click.option(
    "--speed",
    type=_Finite(0, SPEED_MAX),
    default=1.0,
    show_default=True,
    help="Times the recorded one; 0 waits for nothing.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=_Finite(0.1, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds without a word of the host, after which --as pen ends.",
)
@click.option("--record", metavar="OUT", type=click.Path(path_type=Path), help="Keep a new trace.")
@click.option(
    "--diff", "is_compared", is_flag=True, help="Compare with FILE; exit code 2 if unlike."
)
@json_option
def replay(
    file: Path,
    role: str,
    port: str | None,
    speed: float,
    timeout_s: float,
    record: Path | None,
    *,
    is_compared: bool,
    as_json: bool,
) -> None:
    """Play one part of the trace FILE again.

    As pen: at a pseudo-terminal, whose name is printed. As host: to a simulated pen and to no
    other, between two STOPs. Exit code 3 if the pen is not simulated, 4 if the other side went.
    """
    from controller.commands import trace_files  # noqa: PLC0415 not for --help

    with failing_clearly(as_json=as_json):
        header, events = trace_files.whole(file)
        if (role == "host") != (port is not None):
            raise ConfigError("--port", port, "must be given with --as host, and with it alone")
        target = None if record is None else trace_files.new_file(record, "--record")
        if port is None:
            is_over, came = _as_pen(events, speed, timeout_s, as_json=as_json)
        else:
            is_over, came = True, _as_host(header, events, port, speed)
        if target is not None:
            with target:
                target.write(_written(header, came, port))
    code = ExitCode.DONE if is_over else ExitCode.LINK
    if is_compared and is_over:
        _compare(header, events, came, str(file), as_json=as_json)
    if as_json:
        echo_json({"is_over": is_over, "events": len(came), "exit_code": int(code)})
    elif not is_over:
        click.echo("penpilot: the host went, or was silent, before the end of the trace", err=True)
    sys.exit(int(code))


def _as_pen(
    events: list[Event], speed: float, timeout_s: float, *, as_json: bool
) -> tuple[bool, list[Event]]:
    from controller.tracing.pen_side import serve_pen  # noqa: PLC0415 not for --help
    from drivers.trace.replay import Replay  # noqa: PLC0415 as above

    def announce(url: str) -> None:
        if as_json:
            echo_json({"event": "ready", "url": url})
        else:
            click.echo(f"the recorded pen is ready at {url}; Ctrl-C ends it")

    served = serve_pen(Replay(events), speed=speed, timeout_s=timeout_s, announce=announce)
    return served.is_over, served.events


def _as_host(header: Header, events: list[Event], port: str, speed: float) -> list[Event]:
    from controller.commands.trace_files import bar  # noqa: PLC0415 not for --help
    from controller.tracing.host_side import replay_host  # noqa: PLC0415 as above

    total = sum(len(event.data) for event in events if event.direction == ">")
    with bar("Replay", total) as move:
        return replay_host(header, events, port, speed=speed, on_bytes=move)


def _header(header: Header, came: list[Event], port: str | None) -> Header:
    """Return the header of a new trace; its clock began with its first event, as far as known."""
    start_us = came[0].at_us if came else 0
    start = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    name = header.port if port is None else port[:1_000]
    return replace(
        header,
        version=version("penpilot"),
        port=name,
        start=start,
        start_us=start_us,
        clock="monotonic",
        session="",
    )


def _written(header: Header, came: list[Event], port: str | None) -> bytes:
    from drivers.trace.format import event_lines, header_line  # noqa: PLC0415 not for --help

    return header_line(_header(header, came, port)) + b"".join(map(event_lines, came))


def _compare(
    header: Header, events: list[Event], came: list[Event], name: str, *, as_json: bool
) -> None:
    from controller.commands.trace import end_with  # noqa: PLC0415 it imports this module
    from drivers.trace.frames import frames  # noqa: PLC0415 not for --help
    from drivers.trace.turns import first_difference  # noqa: PLC0415 as above

    other = _header(header, came, None)
    found = first_difference(frames(header, events), frames(other, came))
    end_with(found, (header.start_us, other.start_us), (name, "now"), as_json=as_json)
