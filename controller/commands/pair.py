"""`penpilot pair`: pairs a pen with this computer, lists the paired ones, forgets one."""

from __future__ import annotations

import click

from controller.commands.common import echo_json, failing_clearly, json_option, this_home
from controller.errors import ConfigError
from controller.words import NAME_LENGTH_MAX, words_of

_SERIAL_NUMBER_MAX = 0xFFFF_FFFF


@click.command()
@click.option("--port", metavar="URL", help="Pair the pen on this port.")
@click.option("--list", "is_list", is_flag=True, help="List the pens that are paired here.")
@click.option(
    "--forget",
    "forgotten",
    metavar="SERIAL",
    type=click.IntRange(0, _SERIAL_NUMBER_MAX),
    help="Forget the key of the pen with this serial number.",
)
@click.option("--by", metavar="NAME", help="Technician who does it; for --port and --forget.")
@json_option
def pair(
    *, port: str | None, is_list: bool, forgotten: int | None, by: str | None, as_json: bool
) -> None:
    """Pair a pen with this computer, the pen in hand.

    A paired pen takes orders from this computer alone (STOP from anybody), and has its full limits
    here. It holds one key: pairing it elsewhere ends the pairing here.
    """
    with failing_clearly(as_json=as_json):
        if (port is not None) + is_list + (forgotten is not None) != 1:
            raise ConfigError("pair", by, "must have one of --port URL, --list, --forget SERIAL")
        if is_list:
            _list(as_json=as_json)
            return
        name = words_of("--by", by, NAME_LENGTH_MAX, ConfigError).strip()
        if forgotten is not None:
            _forget(forgotten, name, as_json=as_json)
        elif port is not None:
            _pair(port, name, as_json=as_json)


def _pair(port: str, by: str, *, as_json: bool) -> None:
    from controller import pairing  # noqa: PLC0415 loads record and link

    def say(text: str) -> None:
        click.echo(text, err=True)

    key = pairing.pair(port, by, this_home(), say)
    if as_json:
        told = {"port": port, "serial_number": key.serial_number, "by": by, "at": key.at}
        echo_json({**told, "fingerprint": key.fingerprint, "paired": True})
    else:
        click.echo(
            f"Pen {key.serial_number} is paired with this computer by {by}, key {key.fingerprint}. "
            "Let the button go."
        )


def _list(*, as_json: bool) -> None:
    from controller.pairing_keys import paired_pens  # noqa: PLC0415 as above

    pens = paired_pens(this_home())
    if as_json:
        rows = [
            {"serial_number": p.serial_number, "by": p.by, "at": p.at, "fingerprint": p.fingerprint}
            for p in pens
        ]
        echo_json(rows)
        return
    if not pens:
        click.echo("No pen is paired with this computer: penpilot pair --port URL --by NAME")
    for one in pens:
        click.echo(f"pen {one.serial_number}  {one.at}  by {one.by}  key {one.fingerprint}")


def _forget(serial_number: int, by: str, *, as_json: bool) -> None:
    from controller import pairing  # noqa: PLC0415 as above
    from controller.pairing_keys import path_of  # noqa: PLC0415 as above

    home = this_home()
    if not path_of(home, serial_number).exists():
        raise ConfigError("--forget", serial_number, "must be the serial number of a paired pen")
    was_there = pairing.unpair(serial_number, by, home)
    if as_json:
        echo_json({"serial_number": serial_number, "by": by, "forgotten": was_there})
    else:
        click.echo(
            f"The key of pen {serial_number} is forgotten. The pen keeps its own, and takes no "
            "order but STOP from this computer until it is paired again."
        )
