"""`penpilot plan check`: what of a plan would be granted, which limit binds, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from controller.commands.common import echo_json, failing_clearly, json_option
from controller.errors import ExitCode
from controller.grants import AreaGrant, grant_plan
from controller.opening import read_plan
from controller.profile import load_default
from controller.treatment.guide import millimetres
from drivers.block import Identity
from safety.limits import Grant


@click.group()
def plan() -> None:
    """Check a treatment plan against every limit."""


@plan.command()
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("--port", metavar="URL", help="Take the limits of the pen on this port into account.")
@json_option
def check(file: Path, port: str | None, *, as_json: bool) -> None:
    """Show what would be granted for every area of PLAN, and why.

    Exit code 0 if all of it, 3 if a limit stands against it, 2 if the plan cannot be read.
    """
    with failing_clearly(as_json=as_json):
        wanted = read_plan(file)
        pen = None if port is None else _identify(port)
        grants = grant_plan(wanted, load_default(), pen)
    is_granted = all(one.is_granted for one in grants)
    code = ExitCode.DONE if is_granted else ExitCode.REFUSED
    if as_json:
        echo_json(
            {
                "plan": wanted.name,
                "plan_hash": wanted.digest,
                "pen": None if pen is None else pen.serial_number,
                "granted": is_granted,
                "areas": [one.as_json() for one in grants],
                "exit_code": int(code),
            }
        )
    else:
        _show(wanted.name, grants, pen)
    sys.exit(int(code))


def _identify(port: str) -> Identity:
    from controller.session_link import identified  # noqa: PLC0415 only with a pen

    with identified(port) as (_, pen):
        return pen


def _show(name: str, grants: tuple[AreaGrant, ...], pen: Identity | None) -> None:
    """Print the table, then every reason in words."""
    from rich.console import Console  # noqa: PLC0415 not needed for --json
    from rich.table import Table  # noqa: PLC0415 as above

    table = Table(box=None, padding=(0, 2, 0, 0))
    for column, justify in _COLUMNS:
        table.add_column(column, justify=justify, no_wrap=True)
    for one in grants:
        table.add_row(*_row(one))
    console = Console(highlight=False)
    console.print(f"{name}: needle protrusion in mm\n", style="bold", markup=False)
    console.print(table)
    console.print()
    for one in grants:
        for sentence in one.refusals():
            console.print(f"REFUSED  {sentence}", style="bold")
        if one.depth.note and one.depth.granted is not None:
            console.print(f"Note     {one.request.area}: {one.depth.explain()}")
    if pen is None:
        console.print("Checked without a pen: its limits and steps come on top. Add --port URL.")
    if not all(one.is_granted for one in grants):
        console.print("The plan is refused as a whole; nothing would be written to the pen.")
    total_ms = sum(one.pass_ms * (one.passes.granted or 0) for one in grants)
    console.print(f"About {total_ms // 1000} s with the needles running, at 20 mm/s of hand speed.")
    console.print("Limits per area are to be approved by a clinician.", style="dim")


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("area", "left"),
    ("asked", "right"),
    ("granted", "right"),
    ("limit", "left"),
    ("strokes/s", "right"),
    ("passes", "right"),
    ("time", "right"),
    ("per cm2", "right"),
)
"""Columns of the table: ``limit`` is the one that binds the needle protrusion and whose it is;
``per cm2`` are punctures after all passes, known with a cartridge."""


def _row(one: AreaGrant) -> tuple[str, ...]:
    limit = one.depth_limit
    return (
        one.request.area,
        millimetres(one.depth.asked),
        "refused" if one.depth.granted is None else millimetres(one.depth.granted),
        f"{millimetres(limit.high)} {limit.layer.name.lower()}",
        _value(one.speed, 10),
        _value(one.passes, 1),
        f"{one.pass_ms * (one.passes.granted or 0) / 1000:.0f} s",
        str(one.punctures_per_cm2) if one.needles else "-",
    )


def _value(grant: Grant, divide: int) -> str:
    """Return a granted value, with what was asked where it differs."""
    if grant.granted is None:
        return f"{grant.asked / divide:g} refused"
    shown = f"{grant.granted / divide:g}"
    return shown if grant.granted == grant.asked else f"{shown} of {grant.asked / divide:g}"
