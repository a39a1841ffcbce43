"""Explains the description of a plain Modbus pen; it opens no port and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from controller.commands.common import echo_json
from controller.errors import ConfigError, ExitCode
from drivers.plain.profile import COSTS, NEEDED, UNITS, Field, PlainProfile
from drivers.plain.profile_file import load_profile
from drivers.plain.supervised import DEPTH_UM_MAX, SPEED_DHZ_MAX
from drivers.plain.table import ProfileError

Row = dict[str, Any]


def explain_device(file: Path, *, as_json: bool) -> ExitCode:
    """Print what the file describes, and return REFUSED if no pen can be driven by it.

    Raises:
        ConfigError: Naming field, value and rule.
    """
    try:
        profile = load_profile(file)
    except ProfileError as error:
        raise ConfigError(error.field, error.value, error.rule) from error
    code = ExitCode.REFUSED if profile.lacking else ExitCode.DONE
    if as_json:
        echo_json(_json(profile) | {"exit_code": int(code)})
        return code
    for line in _lines(profile):
        click.echo(line)
    return code


def _rows(profile: PlainProfile) -> Iterator[Row]:
    """Yield every register that the file names, in the order of the file's tables."""
    for index, one in enumerate(profile.identity):
        yield _row(f"identity[{index}]", one.address, one.read, None, f"must be {one.value}")
    for name, field in profile.measured.items():
        yield _field_row(f"measured.{name}", field, UNITS[name])
    for name, switch in profile.switches.items():
        values = " or ".join(map(str, switch.values)) or "not 0"
        meaning = f"yes if bits 0x{switch.mask:04X} are {values}"
        yield _row(f"switch.{name}", switch.address, switch.read, None, meaning)
    fault = profile.fault
    if fault is not None:
        meaning = f"bits 0x{fault.mask:04X}, {len(fault.codes)} codes explained"
        yield _row("fault", fault.address, fault.read, None, meaning)
    for name, field in profile.setpoints.items():
        yield _field_row(f"setpoint.{name}", field, UNITS[name])
    if profile.run is not None:
        meaning = f"{profile.run.start} starts, {profile.run.stop} stops"
        field = profile.run.field
        yield _row("run", field.address, field.read, field.write, meaning)
    if profile.reset is not None:
        field, value = profile.reset
        yield _row("reset", field.address, None, field.write, f"{value} clears a fault")
    if profile.watchdog is not None:
        field, kick = profile.watchdog.field, profile.watchdog.kick
        meaning = "kicked with 1, 2, 3 ..." if kick is None else f"kicked with {kick}"
        yield _row("watchdog", field.address, field.read, field.write, meaning)
        if profile.watchdog.timeout is not None:
            yield _field_row("watchdog.timeout", profile.watchdog.timeout, "ms")


def _row(name: str, address: int, read: int | None, write: int | None, meaning: str) -> Row:
    return {"name": name, "address": address, "read": read, "write": write, "meaning": meaning}


def _field_row(name: str, field: Field, unit: str) -> Row:
    order = ", low word first" if field.is_low_word_first else ""
    words = f"{field.words} words{order}, " if field.words > 1 else ""
    sign = "signed, " if field.is_signed else ""
    scale = f"x {field.numerator} / {field.denominator}"
    unknown = "" if field.unknown is None else f", {field.unknown} = not known"
    meaning = f"{words}{sign}{scale} = {unit}{unknown}"
    return _row(name, field.address, field.read, field.write, meaning) | {
        "unit": unit,
        "numerator": field.numerator,
        "denominator": field.denominator,
        "words": field.words,
        "signed": field.is_signed,
        "low_word_first": field.is_low_word_first,
        "access": field.access,
    }


def _watchdog(profile: PlainProfile) -> Row | None:
    dog = profile.watchdog
    if dog is None:
        return None
    seen = ["the kick"] if dog.field.read is not None else []
    seen += ["the time"] if dog.timeout is not None else []
    is_set = dog.timeout is not None and dog.timeout.write is not None
    return {"timeout_ms": dog.timeout_ms, "is_set": is_set, "read_back": seen}


def _limits(profile: PlainProfile) -> Row | None:
    limits = profile.limits
    if limits is None:
        return None
    return {
        "depth_um_max": profile.depth_um_max,
        "depth_um_max_stated": limits.depth_um_max,
        "depth_step_um": limits.depth_step_um,
        "speed_dhz_min": limits.speed_dhz_min,
        "speed_dhz_max": profile.speed_dhz_max,
        "speed_dhz_max_stated": limits.speed_dhz_max,
        "depth_tolerance_um": limits.depth_tolerance_um,
    }


def _json(profile: PlainProfile) -> Row:
    """Return the shape of ``profile check --json`` for a pen's description; see docs/cli.md."""
    return {
        "kind": "device",
        "name": profile.name,
        "model": profile.model,
        "unit_id": profile.unit_id,
        "latency_ms": profile.latency_ms,
        "registers": list(_rows(profile)),
        "watchdog": _watchdog(profile),
        "limits": _limits(profile),
        "can_be_driven": not profile.lacking,
        "missing": [
            {"name": name, "cost": COSTS[name], "is_needed": name in NEEDED}
            for name in profile.missing
        ],
    }


def _lines(profile: PlainProfile) -> Iterator[str]:
    """Yield the same for people."""
    yield f"{profile.name}, model {profile.model}: a plain Modbus pen, unit {profile.unit_id}"
    yield f"Answers within {profile.latency_ms} ms, at 115,200 baud, 8N1.\n"
    yield f"{'':26} address  read  write"
    for row in _rows(profile):
        read, write = row["read"] or "-", row["write"] or "-"
        yield f"{row['name']:<26}  0x{row['address']:04X}  {read:>4}  {write:>5}  {row['meaning']}"
    yield ""
    dog = _watchdog(profile)
    if dog is None:
        yield "Watchdog   none: this pen is only read, never driven."
    else:
        how = "set by the host" if dog["is_set"] else "fixed by the maker"
        seen = " and ".join(dog["read_back"]) or "nothing"
        yield f"Watchdog   stops the pen after {dog['timeout_ms']} ms, {how}; read back: {seen}."
    limits = _limits(profile)
    if limits is not None:
        yield (
            f"Limits     up to {limits['depth_um_max']} um of needle protrusion in steps of "
            f"{limits['depth_step_um']}, {limits['speed_dhz_min']} to {limits['speed_dhz_max']} dHz"
        )
        yield (
            f"           (the maker says {limits['depth_um_max_stated']} um and "
            f"{limits['speed_dhz_max_stated']} dHz; supervised pens at most {DEPTH_UM_MAX} um and "
            f"{SPEED_DHZ_MAX} dHz)"
        )
    for name in profile.missing:
        needed = "  (needed for driving)" if name in NEEDED else ""
        yield f"Missing    {name}: {COSTS[name]}{needed}"
    verdict = "can be driven, supervised." if not profile.lacking else "can only be read."
    yield f"\nA pen described so {verdict}"
