"""What the commands share: one way to fail, one way to print JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO, TypeVar

import click

from controller.config import Home, home
from controller.errors import ControllerError, ExitCode
from controller.records.describe import one_line
from drivers.errors import LinkError

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add ``--json`` to a command."""
    option = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON for scripts; shapes in docs/cli.md."
    )
    return option(function)


def port_option(function: F) -> F:
    """Add ``--port`` to a command."""
    return click.option(
        "--port",
        required=True,
        metavar="URL",
        help="Serial port of the pen: usb:VID:PID[:SERIAL], /dev/serial/by-id/..., COM7, a pty, "
        "socket://HOST:PORT. A driver may stand before it: native+usb:0403:6001.",
    )(function)


def verbose_option(function: F) -> F:
    """Add ``--verbose`` to a command."""
    return click.option(
        "--verbose", "is_verbose", is_flag=True, help="Show the log on standard error as well."
    )(function)


def log_to(home: Home, *, is_verbose: bool) -> None:
    """Send this program's events to the log file, and to the terminal if that is wanted."""
    from controller.logs import configure  # noqa: PLC0415 `penpilot stop` starts faster without

    configure(home.logs, sys.stderr if is_verbose else None)


def this_home() -> Home:
    """Return the data folder of this user. Raises ConfigError."""
    return home(os.environ)


def echo_json(value: object) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, sort_keys=True))


@contextmanager
def failing_clearly(*, as_json: bool) -> Iterator[None]:
    """Turn every expected error into one clear line and its exit code. Rule: SR-017."""
    try:
        yield
    except ControllerError as error:
        fail(str(error), error.exit_code, as_json=as_json)
    except LinkError as error:
        fail(str(error), ExitCode.LINK, as_json=as_json)


@contextmanager
def ending_clearly(*, as_json: bool) -> Iterator[None]:
    """End what no command ends itself: wrong words, Ctrl-C, and output that nobody reads.

    Wrong words for people are left to click, which shows the usage above them. Rule: SR-017.
    """
    try:
        yield
    except click.ClickException as error:
        if not as_json:
            raise
        fail(one_line(error.format_message()), ExitCode.INPUT, as_json=True)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped by Ctrl-C", ExitCode.STOPPED, as_json=as_json)
    except BrokenPipeError:
        _end_unread()
    except SystemExit as end:
        # Rich ends the program by itself where nobody reads, with a code that is none of ours.
        if isinstance(end.__context__, BrokenPipeError):
            _end_unread()
        raise


def _end_unread() -> NoReturn:
    """End in silence: whoever read our output has gone, and what was begun for them is not done."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    streams: tuple[TextIO | None, ...] = (sys.stdout, sys.stderr)  # None where it was closed
    for stream in streams:
        if stream is None:
            continue
        try:
            stream.flush()
        except BrokenPipeError:
            # What still waits in the stream would fail once more at the end of the program.
            os.dup2(nowhere, stream.fileno())
    sys.exit(int(ExitCode.STOPPED))


def fail(message: str, code: ExitCode, *, as_json: bool) -> NoReturn:
    """Print the error and leave with its exit code."""
    if as_json:
        echo_json({"error": message, "exit_code": int(code)})
    else:
        click.echo(f"penpilot: {one_line(message)}", err=True)
    sys.exit(int(code))
