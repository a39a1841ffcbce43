"""`penpilot reset`: clears an operator's fault of a pen at rest; it moves no needle."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import (
    echo_json,
    failing_clearly,
    json_option,
    port_option,
    this_home,
)
from controller.errors import ConfigError, RefusedError
from controller.records.kinds import Kind
from controller.records.kinds import Status as Outcome
from controller.words import NAME_LENGTH_MAX, words_of

if TYPE_CHECKING:
    from drivers.block import Identity, Status
    from drivers.driver import Driver

ATTEMPTS = 3
"""How often the pen is asked how it is; a RESET is said once. ASSUMED."""


@click.command()
@port_option
@click.option("--by", metavar="NAME", help="Who resets it; without it, whoever is logged in.")
@json_option
def reset(port: str, by: str | None, *, as_json: bool) -> None:
    """Reset the fault of the pen on a port, once its cause has gone.

    Only faults that a practitioner may clear; exit code 3 for those that need a technician, for a
    pen that does not rest, and for a cause that is still there. Nothing starts by it. The record
    says who did it, before the pen is told.
    """
    with failing_clearly(as_json=as_json):
        name = _login() if by is None else words_of("--by", by, NAME_LENGTH_MAX, ConfigError)
        found = ask(port, name.strip())
    if as_json:
        echo_json(found)
    elif found["before"] == "NONE":
        click.echo(f"Pen {found['serial_number']} has no fault; it is {found['state']}.")
    else:
        click.echo(f"Pen {found['serial_number']}: fault {found['before']} is reset.")


def _login() -> str:
    """Return the name under which somebody is logged in, or an empty text for nobody."""
    with suppress(OSError, KeyError, ImportError):  # which of them depends on version and system
        return getpass.getuser()
    return ""


def ask(port: str, by: str) -> dict[str, Any]:
    """Reset the pen on a port if it may be, and return what it was and is.

    Args:
        port: Port or URL of the pen.
        by: Who resets it, for the record.

    Raises:
        RefusedError: If the fault needs a technician or has no number, or the pen itself refuses.
        RecordError: If the record cannot be written; nothing was then sent.
        LinkError: If there is no such port, or no pen on it that answers.
    """
    from controller.pairing_keys import KeyRing, refuse_foreign  # noqa: PLC0415 as below
    from controller.session_link import identified  # noqa: PLC0415 loads pymodbus
    from drivers.registers import Command, Fault  # noqa: PLC0415 as above

    with identified(port, keys=KeyRing(this_home())) as (link, pen):
        refuse_foreign(pen)
        seen = _look(link, port)
        before = seen.fault
        _refuse_grave(pen, seen)
        if before is not Fault.NONE:
            with _recorded(port, pen, seen, by) as ends:
                # Writing took its time, and a pen takes no RESET that echoes an old tick.
                _refuse_grave(pen, _look(link, port))
                link.exchange(Command.RESET, attempts=1)
                # The answer may have been lost: only the pen's state afterwards tells.
                seen = _look(link, port)
                ends.append(seen)
            if _is_faulty(seen):
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


def _is_faulty(status: Status) -> bool:
    """Return whether the pen is in FAULT or holds a fault."""
    from drivers.registers import Fault, PenState  # noqa: PLC0415 as above

    return status.state is PenState.FAULT or status.fault is not Fault.NONE


def _refuse_grave(pen: Identity, status: Status) -> None:
    """Raise RefusedError for a fault that only a technician clears, or that nobody knows."""
    from drivers.registers import TECHNICIAN_FAULT_FIRST, Fault  # noqa: PLC0415 as above

    fault = status.fault
    if fault >= TECHNICIAN_FAULT_FIRST:
        raise RefusedError(
            f"pen {pen.serial_number} holds fault {fault.name}, which only a technician "
            f"clears; see: penpilot explain 0x{fault:02X}"
        )
    if fault is Fault.NONE and _is_faulty(status):
        raise RefusedError(
            f"pen {pen.serial_number} is in FAULT, without a number, and what nobody knows is not "
            "reset. Switch the pen off and on; if it is in FAULT again, a technician must check it"
        )


@contextmanager
def _recorded(port: str, pen: Identity, seen: Status, by: str) -> Iterator[list[Status]]:
    """Write into the record who resets what, before it is done, and afterwards what came of it.

    The entries are a small session of their own, which plans no pass.

    Yields:
        A list, to which the status after the RESET is to be added.

    Raises:
        RecordError: If the record cannot be written.
    """
    from controller.opening import new_session_id  # noqa: PLC0415 loads the parts of a session
    from controller.records.store import RecordStore  # noqa: PLC0415 heavy
    from drivers.registers import Capability  # noqa: PLC0415 as above

    home, now = this_home().create(), datetime.now(UTC)
    session, before = new_session_id(now), seen.fault
    opened = {
        "plan_name": "Reset of a fault",
        "port": port,
        "pen": {
            "serial_number": pen.serial_number,
            "firmware": f"{pen.firmware_major}.{pen.firmware_minor}",
            "model": pen.model,
            "simulated": bool(pen.capabilities & Capability.SIMULATED),
            "epoch": seen.epoch,
        },
        "areas": [],
        "software": f"penpilot {version('penpilot')}",
    }
    wanted = {"role": "PRACTITIONER", "by": by, "codes": f"0x{before:02x}", "before": before.name}
    ends: list[Status] = []
    with RecordStore(home.records_db, home.record_key) as store:
        store.append(session, str(Kind.SESSION_OPENED), opened, now)
        store.append(session, str(Kind.RESET), wanted, now)
        try:
            yield ends
        finally:
            closed = {"before": before.name} | _ending(ends)
            store.append(session, str(Kind.SESSION_CLOSED), closed, datetime.now(UTC))


def _ending(ends: list[Status]) -> dict[str, str]:
    """Return how a reset ended, as the record says it; without a status nobody knows."""
    if not ends:
        return {
            "outcome": str(Outcome.INTERRUPTED),
            "after": "",
            "reason": "nobody knows what came of it",
        }
    after = ends[-1].fault.name
    if _is_faulty(ends[-1]):
        reason = f"the pen keeps fault {after}"
        return {"outcome": str(Outcome.FAULTED), "after": after, "reason": reason}
    return {"outcome": str(Outcome.COMPLETED), "after": after, "reason": "the fault is reset"}
