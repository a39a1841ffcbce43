"""`penpilot ports`: lists serial ports and opens none."""

from __future__ import annotations

from dataclasses import asdict

import click

from controller.commands.common import echo_json, json_option


@click.command()
@json_option
def ports(*, as_json: bool) -> None:
    """List serial ports without opening any."""
    from drivers.discovery import list_ports  # noqa: PLC0415 other commands start faster without

    found = list_ports()
    if as_json:
        echo_json([asdict(port) for port in found])
        return
    if not found:
        click.echo("No serial port found. Plug the pen in, or start: penpilot simulate")
        return
    for port in found:
        details = " ".join(part for part in (port.usb_id, port.serial_number or "") if part)
        click.echo(f"{port.stable_name or port.device}  {details}  {port.description}".rstrip())
