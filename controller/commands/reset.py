"""`penpilot reset`: clears an operator's fault of a pen at rest; it moves no needle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, port_option
from controller.errors import RefusedError

if TYPE_CHECKING:
    from drivers.block import Status
    from drivers.driver import Driver

ATTEMPTS = 3
"""How often the pen is asked how it is; a RESET is said once. ASSUMED."""


@click.command()
@port_option
@json_option
def reset(port: str, *, as_json: bool) -> None:
    """Reset the fault of the pen on a port, once its cause has gone.

    Only faults that a practitioner may clear; exit code 3 for those that need a technician, for a
    pen that does not rest, and for a cause that is still there. Nothing starts by it.
    """
    with failing_clearly(as_json=as_json):
        found = ask(port)
    if as_json:
        echo_json(found)
    elif found["before"] == "NONE":
        click.echo(f"Pen {found['serial_number']} has no fault; it is {found['state']}.")
    else:
        click.echo(f"Pen {found['serial_number']}: fault {found['before']} is reset.")


def ask(port: str) -> dict[str, Any]:
    """Reset the pen on a port if it may be, and return what it was and is.

    Raises:
        RefusedError: If the fault needs a technician, or the pen itself refuses.
        LinkError: If there is no such port, or no pen on it that answers.
    """
    from controller.session_link import identified  # noqa: PLC0415 loads pymodbus
    from drivers.registers import TECHNICIAN_FAULT_FIRST, Command, Fault  # noqa: PLC0415 as above

    with identified(port) as (link, pen):
        seen = _look(link, port)
        before = seen.fault
        if before is not Fault.NONE:
            if before >= TECHNICIAN_FAULT_FIRST:
                raise RefusedError(
                    f"pen {pen.serial_number} holds fault {before.name}, which only a technician "
                    f"clears; see: penpilot explain 0x{before:02X}"
                )
            link.exchange(Command.RESET, attempts=1)
            # The answer may have been lost: only the pen's state afterwards tells.
            seen = _look(link, port)
            if seen.fault is not Fault.NONE:
                raise RefusedError(
                    f"pen {pen.serial_number} keeps fault {seen.fault.name}: its cause is still "
                    f"there, or its needles do not rest; see: penpilot explain 0x{before:02X}"
                )
    return {
        "port": port,
        "serial_number": pen.serial_number,
        "before": before.name,
        "fault": seen.fault.name,
        "state": seen.state.name,
    }


def _look(link: Driver, port: str) -> Status:
    """Return a fresh status. Raises SilentDevice if the pen does not answer."""
    from drivers.errors import SilentDevice  # noqa: PLC0415 light
    from drivers.registers import Command  # noqa: PLC0415 as above

    status = link.exchange(Command.POLL, attempts=ATTEMPTS).status
    if status is None:
        raise SilentDevice(port, 75)
    return status
