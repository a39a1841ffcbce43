"""`penpilot doctor`: looks at this machine, changes nothing; every finding has its remedy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from controller.commands.common import echo_json, json_option, this_home
from controller.config import Home
from controller.errors import ControllerError, ExitCode
from controller.machine import is_virtual
from controller.space import FREE_BYTES_MIN, free_bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        check: What was looked at.
        status: ``ok``, ``warning`` (works, but look) or ``problem`` (will not work).
        text: What was found.
        remedy: What to do; empty when all is well.
    """

    check: str
    status: str
    text: str
    remedy: str = ""


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Look at this machine and say what is wrong and how to mend it.

    Exit code 0 if nothing stands in the way, 2 otherwise.
    """
    findings = [finding for check in CHECKS for finding in check()]
    is_well = all(finding.status != "problem" for finding in findings)
    code = ExitCode.DONE if is_well else ExitCode.INPUT
    if as_json:
        document = {"findings": [asdict(finding) for finding in findings], "exit_code": int(code)}
        echo_json(document)
    else:
        signs = {"ok": "ok     ", "warning": "look   ", "problem": "PROBLEM"}
        for finding in findings:
            click.echo(f"{signs[finding.status]}  {finding.check}: {finding.text}")
            if finding.remedy:
                click.echo(f"         -> {finding.remedy}")
    sys.exit(int(code))


def _python() -> Iterator[Finding]:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= (3, 11):  # noqa: UP036 somebody may run the sources by hand
        yield Finding("python", "ok", found)
    else:
        yield Finding("python", "problem", found, "Install Python 3.11 or newer, run make demo.")


def _packages() -> Iterator[Finding]:
    from controller.cli import foreign_packages  # noqa: PLC0415 the command line imports us

    foreign = foreign_packages()
    if foreign:
        remedy = "Another distribution has our names: use an environment for penpilot alone."
        yield Finding("packages", "problem", ", ".join(foreign), remedy)
    else:
        yield Finding("packages", "ok", str(Path(__file__).resolve().parents[2]))


def _home() -> Iterator[Finding]:
    try:
        home = this_home().create()
    except ControllerError as error:
        yield Finding("data folder", "problem", str(error), "Set PENPILOT_HOME to another folder.")
        return
    yield Finding("data folder", "ok", str(home.folder))
    free = free_bytes(home.folder)
    remedy = "Free some disk space before the next session."
    text = f"{free // 1_000_000} MB free"
    is_enough = free >= FREE_BYTES_MIN
    yield Finding("disk", "ok", text) if is_enough else Finding("disk", "problem", text, remedy)
    yield from _record(home)
    yield from _sessions(home)


def _record(home: Home) -> Iterator[Finding]:
    from controller.records.store import RecordStore  # noqa: PLC0415 heavy

    if not home.records_db.exists():
        yield Finding("record", "ok", "none yet")
        return
    try:
        with RecordStore(home.records_db, home.record_key) as store:
            verdict = store.verify()
    except ControllerError as error:
        yield Finding(
            "record", "problem", str(error), "Restore the last backup of the data folder."
        )
        return
    if verdict.ok:
        yield Finding("record", "ok", f"{verdict.count} entries, chain unbroken")
    else:
        yield Finding("record", "problem", verdict.detail, "See: penpilot records verify")


def _sessions(home: Home) -> Iterator[Finding]:
    from controller.running import find_running  # noqa: PLC0415 as above

    for running in find_running(home):
        text = f"{running.session} on {running.port}, process {running.pid}"
        yield Finding("running session", "ok", text)


def _ports() -> Iterator[Finding]:
    from drivers.discovery import list_ports  # noqa: PLC0415 as above

    found = list_ports()
    if not found:
        remedy = "Plug the pen in; without one, start the simulated pen: penpilot simulate"
        yield Finding("serial ports", "warning", "none", remedy)
    for port in found:
        may_open = os.access(port.device, os.R_OK | os.W_OK)
        text = f"{port.stable_name} {port.usb_id} {port.description}".rstrip()
        if may_open or sys.platform == "win32":
            yield Finding("serial port", "ok", text)
        else:
            remedy = (
                "Add yourself to its group (often: sudo usermod -aG dialout $USER), log in anew."
            )
            yield Finding("serial port", "problem", f"{text}: no right to open it", remedy)


def _bridges() -> Iterator[Finding]:
    """Say which USB bridges hold answers back."""
    from controller.line_advice import slow_bridge_remedy  # noqa: PLC0415 as above
    from drivers.latency import LATENCY_MS_MAX, latency_timers  # noqa: PLC0415 as above

    for timer in latency_timers():
        text = f"{timer.name} holds answers back for {timer.latency_ms} ms"
        if timer.is_long:
            text += f", up to {LATENCY_MS_MAX} are well; penpilot asks for 1 ms as it opens a port"
            yield Finding("bridge", "warning", text, slow_bridge_remedy(timer))
        else:
            yield Finding("bridge", "ok", text)


def _meddlers() -> Iterator[Finding]:
    """Say which programs here open ports that nobody gave them."""
    from controller.line_advice import MEDDLERS, meddlers  # noqa: PLC0415 as above

    for name in meddlers():
        text, remedy = MEDDLERS[name]
        yield Finding("other programs", "warning", f"{name} runs: {text}", remedy)


def _priority() -> Iterator[Finding]:
    try:
        import resource  # noqa: PLC0415 not on Windows
    except ImportError:
        return
    limit = resource.getrlimit(resource.RLIMIT_NICE)[0] if hasattr(resource, "RLIMIT_NICE") else 0
    may_raise = os.geteuid() == 0 or limit > 20
    if may_raise:
        yield Finding("scan priority", "ok", "may be raised")
    else:
        text = "the scan runs at normal priority"
        remedy = "Optional: allow a negative nice value for this user in limits.conf."
        yield Finding("scan priority", "warning", text, remedy)


def _virtual() -> Iterator[Finding]:
    """Say so where processors may come late (docs/adr/0009)."""
    if is_virtual():
        text = "this is a virtual machine; idle processors may come back late"
        remedy = "Fine for trying things; treat from a computer of its own."
        yield Finding("machine", "warning", text, remedy)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _home,
    _ports,
    _bridges,
    _meddlers,
    _priority,
    _virtual,
)
"""Everything that is looked at, in the order of the output."""
