"""`penpilot demo`: the commands that this package brings."""

from __future__ import annotations

import sys
from pathlib import Path

import click

DRILL_NAMES = ("over-depth", "cable-pull", "pen-restart", "host-killed", "host-frozen")
"""Names of `hil.drills.DRILLS`, written out so that ``--help`` loads nothing; a test compares."""


@click.command()
@click.option("--drill", type=click.Choice(DRILL_NAMES), help="What goes wrong half-way.")
@click.option("--plan", type=click.Path(path_type=Path), help="Another plan than the example.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--verbose", "is_verbose", is_flag=True, help="Show the log on standard error too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; shapes in docs/cli.md.")
def demo(
    *, drill: str | None, plan: Path | None, seed: int, is_verbose: bool, as_json: bool
) -> None:
    """Treat an example plan on a simulated pen, over a real pseudo-terminal, in real time.

    With --drill something goes wrong half-way, and the end tells what the system did about it, in
    milliseconds. Exit code of a drill: 0 if everything was as it must be, 5 if not. Without one:
    that of the treatment.
    """
    from hil.showing import perform  # noqa: PLC0415 --help need not load the session

    sys.exit(perform(drill, plan, seed=seed, is_verbose=is_verbose, as_json=as_json))
