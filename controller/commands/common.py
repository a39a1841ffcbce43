"""What the commands share: one way to fail, one way to print JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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
        help="Serial port of the pen: /dev/serial/by-id/..., COM7, a pty, socket://HOST:PORT.",
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
    except BrokenPipeError:
        # Whoever read our output has gone: what was begun for them is not done.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        sys.exit(int(ExitCode.STOPPED))


def fail(message: str, code: ExitCode, *, as_json: bool) -> None:
    """Print the error and leave with its exit code."""
    if as_json:
        echo_json({"error": message, "exit_code": int(code)})
    else:
        click.echo(f"penpilot: {one_line(message)}", err=True)
    sys.exit(int(code))
