"""`penpilot ports`: lists serial ports and opens none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, this_home

if TYPE_CHECKING:
    from controller.running import Running
    from drivers.discovery import PortInfo


@click.command()
@json_option
def ports(*, as_json: bool) -> None:
    """List serial ports without opening any.

    Each with a name to give to --port that stays with the device, and the session that holds it.
    """
    from controller.running import find_running  # noqa: PLC0415 other commands start faster without
    from drivers.discovery import list_ports  # noqa: PLC0415 as above

    with failing_clearly(as_json=as_json):
        found = rows(list_ports(), find_running(this_home()))
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("No serial port found. Plug the pen in, or start: penpilot simulate")
    for row in found:
        click.echo(_line(row))


def rows(there: Sequence[PortInfo], running: Sequence[Running]) -> list[dict[str, Any]]:
    """Return what is known of every port, and of the ports of sessions that are none of these.

    Args:
        there: All serial ports.
        running: All sessions that run.
    """
    from drivers.choosing import usb_choice  # noqa: PLC0415 as above

    holders = {one.resolved: one.session for one in running}
    listed = [
        {
            **asdict(port),
            "choice": usb_choice(port, there) or port.stable_name,
            "session": holders.pop(os.path.realpath(port.device), None),
        }
        for port in there
    ]
    others = [
        {
            "device": one.resolved,
            "stable_name": one.port,
            "description": "",
            "vid": None,
            "pid": None,
            "serial_number": None,
            "choice": one.port,
            "session": one.session,
        }
        for one in running
        if one.resolved in holders
    ]
    return listed + others


def _line(row: dict[str, Any]) -> str:
    """Return one port in one line: its name, by what to choose it, what it says, who holds it."""
    choice = "" if row["choice"] == row["stable_name"] else row["choice"]
    serial = "" if choice.endswith(f":{row['serial_number']}") else row["serial_number"]
    held = "" if row["session"] is None else f"[held by session {row['session']}]"
    parts = (row["stable_name"], choice, serial, row["description"], held)
    return "  ".join(part for part in parts if part)
