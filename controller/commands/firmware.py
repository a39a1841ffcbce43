"""`penpilot firmware`: what the maker of a pen's firmware takes from here; it opens no port."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import click

from controller.commands.common import echo_json, failing_clearly, json_option
from controller.errors import ConfigError, ExitCode


@click.group()
def firmware() -> None:
    """Write Pen Link as C for the pen's firmware, with vectors and a self-test."""


@firmware.command()
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("penlink"),
    show_default=True,
    help="Folder for the files; made if it is not there.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit code 2 if a file is not current.")
@json_option
def header(folder: Path, *, check: bool, as_json: bool) -> None:
    """Write penlink.h, worked frames and a self-test in C99.

    Next: docs/firmware.md.
    """
    from drivers.firmware.sources import sources  # noqa: PLC0415 other commands start faster

    texts = sources(version("penpilot"))
    with failing_clearly(as_json=as_json):
        states = {name: state_of(folder / name, text) for name, text in texts.items()}
        if not check:
            write_changed(folder, {n: t for n, t in texts.items() if states[n] != "current"})
    is_stale = check and set(states.values()) != {"current"}
    code = ExitCode.INPUT if is_stale else ExitCode.DONE
    if as_json:
        files = [
            {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "was": states[name]}
            for name, text in texts.items()
        ]
        told = {"version": version("penpilot"), "folder": str(folder), "files": files}
        echo_json(told | {"written": not check, "exit_code": int(code)})
    else:
        for name, state in states.items():
            done = state if check or state == "current" else "written"
            click.echo(f"{done:<8} {folder / name}")
        if is_stale:
            click.echo(f"Write them anew: penpilot firmware header --out {folder}", err=True)
    click.get_current_context().exit(int(code))


def state_of(path: Path, text: str) -> str:
    """Return how a file stands to its text: current, stale or missing. Raises ConfigError."""
    try:
        return "current" if path.read_bytes() == text.encode() else "stale"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise ConfigError("--out", path, f"must be readable ({error.strerror})") from error


def write_changed(folder: Path, texts: dict[str, str]) -> None:
    """Write files, with the same bytes on every system. Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_bytes(text.encode())
    except OSError as error:
        raise ConfigError("--out", folder, f"must be writable ({error.strerror})") from error
