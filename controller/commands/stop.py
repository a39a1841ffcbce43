"""`penpilot stop`: stops the pen on a port, through the running session if there is one.

Kept light: nothing heavy is imported before the STOP has left.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import Any

import click

from controller.commands.common import echo_json, failing_clearly, json_option, this_home
from controller.config import Home
from controller.errors import ConfigError, ExitCode
from controller.running import Running, find_on_port, find_running

CONFIRM_S = 2.0
"""A session that has not confirmed the stop by then is reported as not answering. ASSUMED."""

BLIND_ATTEMPTS = 3
"""STOP frames written before anything is asked, when no session runs. ASSUMED."""

RETRY_S = 0.05
"""Between two looks at a port that is held by a session that is just beginning or ending."""


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
        ports = [port] if port is not None else [one.port for one in find_running(home)]
        if not ports:
            raise ConfigError("--port", None, "must be given, since no session runs")
        results = [_stop(home, one) for one in ports]
    for result in results:
        echo_json(result) if as_json else click.echo(_sentence(result))
    is_confirmed = all(result["confirmed"] for result in results)
    sys.exit(int(ExitCode.DONE if is_confirmed else ExitCode.LINK))


def _stop(home: Home, port: str) -> dict[str, Any]:
    """Stop one pen, by whichever way is open.

    A session that is just beginning or ending holds the port for a moment without being there to
    talk to, so both ways are tried until one is open.

    Raises:
        LinkError: If neither is, within `CONFIRM_S`.
    """
    from drivers.errors import PortBusy  # noqa: PLC0415 light

    until = time.monotonic() + CONFIRM_S
    while True:
        session = find_on_port(home, port)
        result = None if session is None else _through_session(session)
        if result is not None:
            return result
        try:
            return _directly(port)
        except PortBusy:
            if time.monotonic() >= until:
                raise
            time.sleep(RETRY_S)


def _through_session(session: Running) -> dict[str, Any] | None:
    """Hand the STOP to the running session and wait until it sees the needles at rest.

    Returns:
        What came of it, or None if the session had gone or went without a word.
    """
    from controller.ipc import ControlClient  # noqa: PLC0415 not needed for a direct stop

    began = time.monotonic()
    try:
        client = ControlClient(session.address)
    except OSError:
        return None
    client.send({"want": "stop", "source": "command"})
    state, is_confirmed, has_ended = None, False, False
    while not (is_confirmed or has_ended or client.is_closed):
        left_s = CONFIRM_S - (time.monotonic() - began)
        if left_s <= 0:
            break
        for frame in client.receive(left_s):
            has_ended = frame["type"] == "closed"
            state = frame["outcome"] if has_ended else frame["state"]
            is_confirmed = shows_rest(frame)
    client.close()
    if not (is_confirmed or has_ended) and time.monotonic() - began < CONFIRM_S:
        return None
    ms = round((time.monotonic() - began) * 1000)
    return {
        "way": "session",
        "session": session.session,
        "port": session.port,
        "confirmed": is_confirmed,
        "state": state,
        "ms": ms,
    }


def shows_rest(frame: dict[str, Any]) -> bool:
    """Return whether a frame shows that a STOP was taken and the needles were measured at rest.

    After a STOP a session stands in IDLE or FAULT, or has closed knowing how it ended. Where it
    stands is not enough: the pen itself must have said, freshly, that it rests.
    """
    if frame["type"] == "closed":
        return bool(frame["outcome"] != "interrupted")
    pen = frame["pen"]
    if frame["state"] not in ("IDLE", "FAULT") or pen is None:
        return False
    rests = pen["state"] in ("SAFE", "FAULT", "SERVICE") and not pen["is_driven"]
    return bool(rests and pen["speed_dhz"] == 0)


def _directly(port: str) -> dict[str, Any]:
    """Write STOP to the port before anything else, then ask the pen where it stands."""
    from controller.session_link import IDENTIFY_MS, open_link  # noqa: PLC0415 only when no session runs
    from drivers.registers import Command  # noqa: PLC0415 as above

    began = time.monotonic()
    with closing(open_link(port, is_exclusive=False)) as link:
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
        "stops by its own lease or watchdog (Pen Link: within 251 ms). Look at the pen; switch it "
        "off by hand if it runs."
    )
