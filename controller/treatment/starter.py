"""Starts the control process and greets it; it guides nothing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from controller.config import Home
from controller.errors import ControllerError, ExitCode
from controller.ipc import ControlClient


class StartFailed(ControllerError):
    """The control process did not begin; its own words and exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = ExitCode(exit_code)


@dataclass(slots=True)
class Session:
    """A session that has begun, seen from the program that guides it.

    Args:
        process: The control process.
        client: Connection to it.
        ready: What it said of itself: areas, session id, pen; see docs/cli.md.
    """

    process: subprocess.Popen[bytes]
    client: ControlClient
    ready: dict[str, Any]

    def want(self, what: str, source: str = "flow", area: str = "") -> None:
        """Say what is wanted, and which area the person saw when wanting it."""
        self.client.send({"want": what, "source": source, "area": area})

    def beat(self) -> None:
        """Give the sign that this program still guides."""
        self.client.send({"beat": 1})

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code once the process has ended, or None if it has not in that time."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None


def start(
    home: Home,
    plan: Path,
    port: str,
    resume: str | None,
    *,
    is_attended: bool = False,
    pen: int | None = None,
    trace: Path | None = None,
) -> Session:
    """Start the control process for one session.

    It is given a session of its own, so that Ctrl-C in the terminal reaches the guiding program
    alone, which turns it into a STOP.

    Args:
        home: Data folder.
        plan: Path of the plan.
        port: Port or URL of the pen.
        resume: Session to go on with, or None.
        is_attended: Whether somebody sits at the keys, who has to see the alarms before the end.
        pen: Serial number of the only pen that will do, or None.
        trace: New file that gets every byte of the line, or None.

    Raises:
        StartFailed: If the process says so or dies; the exit code is its own.
    """
    spec = {
        "home": str(home.folder),
        "plan": str(plan),
        "port": port,
        "resume": resume,
        "is_attended": is_attended,
        "pen": pen,
        "trace": None if trace is None else str(trace.absolute()),
    }
    process, line = _launched(home, spec)
    if not line:
        process.communicate()
        text = f"ended with {process.returncode}; see {home.logs / 'control.stderr'}"
        raise StartFailed(f"the control process {text}", ExitCode.DEVICE)
    first = msgspec.json.decode(line, type=dict[str, Any])
    if first["type"] == "failed":
        process.communicate()
        raise StartFailed(first["message"], first["exit_code"])
    try:
        client = ControlClient((first["address"][0], first["address"][1]))
    except OSError as error:
        process.terminate()  # to a session that has begun after all, this is a STOP
        process.communicate()
        message = f"the control process cannot be reached ({error.strerror or error})"
        raise StartFailed(message, ExitCode.DEVICE) from error
    client.send({"driver": first["token"]})
    return Session(process, client, first)


def _launched(home: Home, spec: dict[str, Any]) -> tuple[subprocess.Popen[bytes], bytes]:
    """Return the control process and the first line that it says; empty if it died before."""
    home.create()
    with (home.logs / "control.stderr").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "controller.control"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
    if process.stdin is None or process.stdout is None:
        raise StartFailed("the control process has no pipes", ExitCode.DEVICE)
    with contextlib.suppress(BrokenPipeError):  # it has ended already, as its silence will tell
        process.stdin.write(msgspec.json.encode(spec) + b"\n")
        process.stdin.flush()
    return process, process.stdout.readline()
