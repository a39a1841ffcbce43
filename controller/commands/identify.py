"""`penpilot identify`: asks a pen who it is; writes nothing to it but a POLL."""

from __future__ import annotations

from typing import Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, port_option
from controller.treatment.guide import millimetres


@click.command()
@port_option
@json_option
def identify(port: str, *, as_json: bool) -> None:
    """Ask a pen who it is and what it can do."""
    with failing_clearly(as_json=as_json):
        found = ask(port)
    if as_json:
        echo_json(found)
        return
    mark = "  SIMULATED" if "simulated" in found["capabilities"] else ""
    click.echo(f"Pen {found['serial_number']}{mark}, firmware {found['firmware']}")
    click.echo(f"  state           {found['state']}, fault {found['fault']}, boot {found['epoch']}")
    click.echo(
        f"  depth           up to {millimetres(found['depth_um_max'])} mm needle protrusion, "
        f"steps of {millimetres(found['depth_step_um'])} mm"
    )
    slow, fast = found["speed_dhz_min"] / 10, found["speed_dhz_max"] / 10
    click.echo(f"  speed           {slow:.0f} to {fast:.0f} strokes/s")
    click.echo(
        f"  cartridge       0x{found['cartridge_uid']:08X}, {found['needles']} needles of "
        f"{millimetres(found['cartridge_depth_um_max'])} mm"
    )
    click.echo(f"  lease           {found['lease_ms']} ms")
    click.echo(f"  capabilities    {', '.join(found['capabilities'])}")
    click.echo(f"  strokes so far  {found['strokes']}")


def ask(port: str) -> dict[str, Any]:
    """Return what the pen on a port says of itself.

    Raises:
        LinkError: If there is no such port, or no pen on it.
    """
    from controller.session_link import identified  # noqa: PLC0415 loads pymodbus
    from drivers.errors import SilentDevice  # noqa: PLC0415 as above
    from drivers.registers import Capability, Command  # noqa: PLC0415 as above

    with identified(port) as (link, pen):
        status = link.exchange(Command.POLL, attempts=3).status
        if status is None:
            raise SilentDevice(port, 75)
    return {
        "port": port,
        "serial_number": pen.serial_number,
        "firmware": f"{pen.firmware_major}.{pen.firmware_minor}",
        "model": pen.model,
        "capabilities": [str(flag.name).lower() for flag in Capability if pen.capabilities & flag],
        "depth_um_max": pen.depth_um_max,
        "depth_step_um": pen.depth_step_um,
        "speed_dhz_min": pen.speed_dhz_min,
        "speed_dhz_max": pen.speed_dhz_max,
        "lease_ms": pen.lease_ms,
        "depth_tolerance_um": pen.depth_tolerance_um,
        "needles": pen.needles,
        "cartridge_depth_um_max": pen.cartridge_depth_um_max,
        "cartridge_uid": pen.cartridge_uid,
        "limits_hash": pen.limits_hash,
        "stop_ms_max": pen.stop_ms_max,
        "state": status.state.name,
        "fault": status.fault.name,
        "epoch": status.epoch,
        "strokes": status.strokes,
    }
