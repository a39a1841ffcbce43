"""`penpilot profile`: show, check and sign the file of limits; it changes no limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, this_home
from controller.commands.profile_device import explain_device
from controller.errors import ConfigError
from controller.profile import Caps, Profile
from controller.profile_file import parse
from controller.profile_force import SignedProfile, in_force, load_signed, trusted_keys
from controller.profile_memory import accepted
from controller.profile_signature import (
    new_private_key,
    read_part,
    read_private_key,
    sign,
    write_signature,
)
from drivers.plain.profile_file import KIND, is_device_profile

_UNSIGNED = (
    "must be there, as a regular file: limits of areas are signed, and to be the description of "
    f'a pen, a line of the file must say kind = "{KIND}"'
)


@click.group()
def profile() -> None:
    """Show, check or sign the limits per area and indication."""


@profile.command()
@json_option
def show(*, as_json: bool) -> None:
    """Show the profile in force on this machine."""
    with failing_clearly(as_json=as_json):
        signed = in_force(os.environ, this_home())
        newest = accepted(this_home(), signed.profile.jurisdiction)
    _tell(signed, as_json=as_json, version_accepted=None if newest is None else newest[0])


@profile.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def check(file: Path, *, as_json: bool) -> None:
    """Check FILE and show what it says: limits of areas, or the description of a plain Modbus pen.

    Limits are signed (in FILE.sig): exit code 2 if not by a trusted key, if they were changed, or
    if FILE is no profile. A pen's description says of itself that it is one, and is not signed:
    exit code 0 if a pen can be driven by it, 2 if it breaks a rule, 3 if it lacks something and
    the pen can only be read.
    """
    with failing_clearly(as_json=as_json):
        if is_device_profile(read_part(file, "profile")):
            sys.exit(int(explain_device(file, as_json=as_json)))
        signature = signature_of(file)
        if not os.path.lexists(signature):
            raise ConfigError("signature", str(signature), _UNSIGNED)
        signed = load_signed(file, signature)
    _tell(signed, as_json=as_json)


@profile.command("sign")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "key_file",
    required=True,
    metavar="KEYFILE",
    type=click.Path(path_type=Path),
    help="Private key; its public key must stand in keys.toml.",
)
@json_option
def sign_(file: Path, key_file: Path, *, as_json: bool) -> None:
    """Sign FILE with the private key in KEYFILE; the signature goes to FILE.sig."""
    with failing_clearly(as_json=as_json):
        data = read_part(file, "profile")
        parsed = parse(data)
        line = sign(data, read_private_key(key_file), trusted_keys())
        write_signature(signature_of(file), line)
    told = {"file": str(file), "signature": str(signature_of(file)), "version": parsed.version}
    if as_json:
        echo_json(told | {"key": line.split()[1].decode()})
    else:
        click.echo(f"Signed version {parsed.version}: {signature_of(file)}")


@profile.command("new-key")
@click.argument("key_file", metavar="KEYFILE", type=click.Path(path_type=Path))
@json_option
def new_key(key_file: Path, *, as_json: bool) -> None:
    """Make a private key in the new file KEYFILE and print its public key.

    Keep the file outside of any repository; see docs/profiles.md.
    """
    with failing_clearly(as_json=as_json):
        public_key = new_private_key(key_file)
    if as_json:
        echo_json({"file": str(key_file), "public_key": public_key})
    else:
        click.echo("Private key made; whoever has it can raise every limit. Public key:")
        click.echo(f'public_key = "{public_key}"')


def signature_of(file: Path) -> Path:
    """Return where the signature on a profile lies: beside it. Raises ConfigError for no file."""
    if not file.name:
        raise ConfigError("FILE", str(file), "must name a file")
    return file.with_name(f"{file.name}.sig")


def _tell(signed: SignedProfile, *, as_json: bool, **more: Any) -> None:
    """Print a profile and who signed it."""
    if as_json:
        echo_json(_json(signed) | more)
        return
    one = signed.profile
    click.echo(f"{one.name} ({one.jurisdiction}), version {one.version}")
    click.echo(f"Signed by {signed.key}, SHA-256 {signed.sha256}")
    if "version_accepted" in more:
        click.echo(f"Accepted here: version {more['version_accepted'] or '- (no session yet)'}")
    click.echo("Limits are to be approved by a clinician. Needle protrusion in um: to begin with,")
    click.echo("recommended up to, never beyond.\n")
    for line in _lines(one):
        click.echo(line)


def _lines(one: Profile) -> Iterator[str]:
    """Yield the caps of every area, every indication and every modifier."""
    for name, area in one.areas.items():
        known = ", ".join(one.indications_of(name))
        yield f"area {_caps(area.caps)}  {area.passes_max} passes  {area.caps.label} ({known})"
    yield ""
    for indication in one.indications.values():
        course = f"{indication.sessions} x {indication.interval_days} days"
        yield f"for  {_caps(indication.caps)}  {course:<12}  {indication.caps.label}"
    yield ""
    for name, modifier in one.modifiers.items():
        yield f"less {name:<20} {modifier.depth_um_less:>4}  {modifier.name}"


def _caps(caps: Caps) -> str:
    depths = (caps.depth_um_start, caps.depth_um_confirm_above, caps.depth_um_max)
    return f"{caps.name:<15} {' '.join(f'{one:>5}' for one in depths)}  {caps.grade}"


def _json(signed: SignedProfile) -> dict[str, Any]:
    """Return the shape of ``profile check --json``; see docs/cli.md."""
    one = signed.profile
    return {
        "name": one.name,
        "jurisdiction": one.jurisdiction,
        "version": one.version,
        "signed_by": signed.key,
        "sha256": signed.sha256,
        "areas": [
            asdict(area.caps) | {"passes_max": area.passes_max} for area in one.areas.values()
        ],
        "indications": [
            asdict(each.caps)
            | {
                "areas": list(each.areas),
                "sessions": each.sessions,
                "interval_days": each.interval_days,
            }
            for each in one.indications.values()
        ],
        "modifiers": [
            {"name": name, "label": m.name, "depth_um_less": m.depth_um_less, "source": m.source}
            for name, m in one.modifiers.items()
        ],
    }
