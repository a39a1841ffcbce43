"""`penpilot stop`: stops the pen on a port, through the running session if there is one.

Kept light: nothing heavy is imported before the STOP has left.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, this_home
from controller.errors import ConfigError, ExitCode
from controller.running import Running, find_on_port, find_running

CONFIRM_S = 2.0
"""A session that has not confirmed the stop by then is reported as not answering. ASSUMED."""

BLIND_ATTEMPTS = 3
"""STOP frames written before anything is asked, when no session runs. ASSUMED."""

_AT_REST = frozenset({"IDLE", "PLANNED", "PAUSED", "OFFLINE", "FAULT"})


@click.command()
@click.option(
    "--port", metavar="URL", help="Port of the pen; without it, all running sessions stop."
)
@json_option
def stop(port: str | None, *, as_json: bool) -> None:
    """Stop the pen on a port, at once.

    If a session runs on that port, the STOP goes through it; if none does, it goes to the pen
    directly. Never asks. Exit code 4 if the stop could not be confirmed.
    """
    with failing_clearly(as_json=as_json):
        home = this_home()
        if port is None:
            sessions = find_running(home)
            if not sessions:
                raise ConfigError("--port", "missing", "must be given, since no session runs")
            results = [_through_session(session) for session in sessions]
        else:
            session = find_on_port(home, port)
            result = None if session is None else _through_session(session)
            # A session that has ended in this very moment has left the port to us.
            if result is None or result["way"] == "gone":
                result = _directly(port)
            results = [result]
    for result in results:
        echo_json(result) if as_json else click.echo(_sentence(result))
    is_confirmed = all(result["confirmed"] for result in results)
    sys.exit(int(ExitCode.DONE if is_confirmed else ExitCode.LINK))


def _through_session(session: Running) -> dict[str, Any]:
    """Hand the STOP to the running session and wait until it sees the needles at rest."""
    from controller.ipc import ControlClient  # noqa: PLC0415 not needed for a direct stop

    began = time.monotonic()
    result = {"way": "session", "session": session.session, "port": session.port}
    try:
        client = ControlClient(session.address)
    except OSError:
        return {**result, "way": "gone", "confirmed": False, "state": None, "ms": 0}
    client.send({"want": "stop", "source": "command"})
    state, has_stopped, last = None, False, 0.0
    while not client.is_closed and (last := time.monotonic() - began) < CONFIRM_S:
        for frame in client.receive(CONFIRM_S - last):
            is_end = frame["type"] == "closed"
            state = frame["outcome"] if is_end else frame["state"]
            # Frames from before the STOP was seen do not count.
            has_stopped |= is_end or state in ("STOPPING", "ESTOP", "IDLE", "OFFLINE", "FAULT")
            if is_end or (has_stopped and state in _AT_REST):
                client.close()
                ms = round((time.monotonic() - began) * 1000)
                return {**result, "confirmed": True, "state": state, "ms": ms}
    return {**result, "confirmed": False, "state": state, "ms": round(last * 1000)}


def _directly(port: str) -> dict[str, Any]:
    """Write STOP to the port before anything else, then ask the pen where it stands."""
    from controller.session_link import IDENTIFY_MS, link_to  # noqa: PLC0415 only when no session runs
    from drivers.port import SerialPort  # noqa: PLC0415 as above
    from drivers.registers import Command  # noqa: PLC0415 as above

    began = time.monotonic()
    with SerialPort(port) as opened:
        link = link_to(opened)
        link.stop(attempts=BLIND_ATTEMPTS)
        link.identify(IDENTIFY_MS)
        status = link.stop().status
        if status is not None and status.state.name == "STOPPING":
            status = link.exchange(Command.POLL, attempts=3).status or status
    is_stopped = status is not None and status.is_stopped
    return {
        "way": "direct",
        "session": None,
        "port": port,
        "confirmed": is_stopped,
        "state": None if status is None else status.state.name,
        "ms": round((time.monotonic() - began) * 1000),
    }


def _sentence(result: dict[str, Any]) -> str:
    """Return what happened, what the pen is doing, and what to do next."""
    way = f"session {result['session']}" if result["session"] else "the port, no session runs"
    if result["confirmed"]:
        return (
            f"Stopped {result['port']} through {way}: {result['state']}, "
            f"confirmed after {result['ms']} ms."
        )
    return (
        f"STOP was sent to {result['port']} through {way}, but nobody confirmed it within "
        f"{result['ms']} ms (last seen: {result['state'] or 'nothing'}). A pen that hears nothing "
        "stops by itself within 251 ms. Look at the pen; switch it off by hand if it runs."
    )
