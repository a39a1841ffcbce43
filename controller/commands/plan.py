"""`penpilot plan check`: what of a plan would be granted, which limit binds, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from controller.area_grant import AreaGrant
from controller.commands.common import echo_json, failing_clearly, json_option, this_home
from controller.errors import ExitCode
from controller.grants import grant_plan
from controller.opening import NO_PATIENT, profile_here, read_plan
from controller.plan import Plan
from controller.profile import Profile
from drivers.block import Identity
from safety.limits import Grant, Tier


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
        profile = profile_here().profile
        pen = None if port is None else _identify(port)
        grants = grant_plan(wanted, profile, pen)
    is_granted = all(one.is_granted for one in grants)
    code = ExitCode.DONE if is_granted else ExitCode.REFUSED
    if as_json:
        echo_json(
            {
                "plan": wanted.name,
                "plan_hash": wanted.digest,
                "pen": None if pen is None else pen.serial_number,
                "profile": {"jurisdiction": profile.jurisdiction, "version": profile.version},
                "patient": None if wanted.patient is None else list(wanted.patient.modifiers),
                "granted": is_granted,
                "areas": [one.as_json() for one in grants],
                "exit_code": int(code),
            }
        )
    else:
        _show(wanted, profile, grants, pen)
    sys.exit(int(code))


def _identify(port: str) -> Identity:
    from controller.pairing_keys import KeyRing  # noqa: PLC0415 only with a pen
    from controller.session_link import identified  # noqa: PLC0415 only with a pen

    with identified(port, keys=KeyRing(this_home())) as (_, pen):
        return pen


def _show(
    plan: Plan, profile: Profile, grants: tuple[AreaGrant, ...], pen: Identity | None
) -> None:
    """Print the table, then every reason in words; protrusion in um throughout, as in a plan."""
    from rich.console import Console  # noqa: PLC0415 not needed for --json
    from rich.table import Table  # noqa: PLC0415 as above

    table = Table(box=None, padding=(0, 1, 0, 0))
    for column, justify in _COLUMNS:
        table.add_column(column, justify=justify, no_wrap=True)
    for one in grants:
        table.add_row(*_row(one))
    console = Console(highlight=False)
    console.print(f"{plan.name}: needle protrusion in um\n", style="bold", markup=False)
    console.print(table)
    console.print()
    for line in _explanations(plan, profile, grants):
        console.print(line, markup=False, style="bold" if line.startswith("REFUSED") else "")
    band_um = grants[0].depth.guard_band
    console.print(f"{band_um} um less than every limit on the skin: the pen may be off by so much.")
    if pen is None:
        console.print("Checked without a pen: its limits and steps come on top. Add --port URL.")
    if not all(one.is_granted for one in grants):
        console.print("The plan is refused as a whole; nothing would be written to the pen.")
    total_ms = sum(one.pass_ms * (one.passes.granted or 0) for one in grants)
    console.print(f"About {total_ms // 1000} s with the needles running, at 20 mm/s of hand speed.")
    which = f"{profile.jurisdiction}, version {profile.version}"
    console.print(f"Profile {which}: its limits are to be approved by a clinician.", style="dim")


def _explanations(plan: Plan, profile: Profile, grants: tuple[AreaGrant, ...]) -> Iterator[str]:
    """Yield, area by area, what is treated, what is refused and why, what goes beyond the usual."""
    if plan.patient is None:
        yield f"REFUSED  {NO_PATIENT}"
    elif plan.patient.modifiers:
        names = ", ".join(profile.modifiers[one].name for one in plan.patient.modifiers)
        yield f"Patient  {names}"
    for one in grants:
        area, indication = one.request.area, one.request.indication
        if indication:
            course = profile.indications[indication]
            times = f"{course.sessions} sessions, {course.interval_days} days apart"
            yield f"Treats   {area}: {course.caps.label}, usually {times}"
        else:
            yield f"Treats   {area}: no indication named, so the tightest of this area binds"
        yield from (f"REFUSED  {sentence}" for sentence in one.refusals())
        for grant in one.grants:
            is_notable = grant.tier is Tier.CONFIRMED or bool(grant.note)
            if is_notable and grant.is_within_limits and grant.granted:
                yield f"Note     {area}: {grant.explain()}"


_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("area", "left"),
    ("asked", "right"),
    ("granted", "right"),
    ("tier", "left"),
    ("limit", "left"),
    ("1/s", "right"),
    ("passes", "right"),
    ("time", "right"),
    ("per cm2", "right"),
)
"""Columns of the table: ``tier`` is how far the area goes; ``limit`` binds the protrusion, and
whose it is; ``1/s`` are strokes; ``per cm2`` are punctures after all passes, with a cartridge."""


def _row(one: AreaGrant) -> tuple[str, ...]:
    limit = one.depth_limit
    has_reason = bool(one.request.reason.strip())
    top_um = limit.high if has_reason or limit.confirm_above is None else limit.confirm_above
    return (
        one.request.area,
        str(one.depth.asked),
        "-" if one.depth.granted is None else str(one.depth.granted),
        str(one.tier),
        f"{top_um} {limit.layer.name.lower()}",
        _value(one.speed, 10),
        _value(one.passes, 1),
        f"{one.pass_ms * (one.passes.granted or 0) / 1000:.0f} s",
        str(one.punctures_per_cm2) if one.needles else "-",
    )


def _value(grant: Grant, divide: int) -> str:
    """Return a granted value, with what was asked where it differs."""
    if grant.granted is None:
        return f"{grant.asked / divide:g} no"
    shown = f"{grant.granted / divide:g}"
    return shown if grant.granted == grant.asked else f"{shown} of {grant.asked / divide:g}"
