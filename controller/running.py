"""Which control processes run on this machine, and how to reach them; it starts and stops none."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.config import Home
from controller.errors import RefusedError
from drivers.address import parse_address
from drivers.choosing import one_name
from safety.units import checked

PID_MAX = 2**31 - 1
"""No process has a higher number. Source: POSIX, pid_t of Linux and macOS is a signed 32-bit."""

TCP_PORT_MAX = 65_535
"""Source: RFC 9293, 3.1."""


@dataclass(frozen=True, slots=True)
class Running:
    """A control process that runs now.

    Args:
        session: Id of its session.
        pid: Its process.
        port: Port or URL as the operator gave it.
        resolved: The same port with links followed, so that two names of one port are seen as one.
        host: Where it listens.
        tcp_port: Where it listens.
    """

    session: str
    pid: int
    port: str
    resolved: str
    host: str
    tcp_port: int

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        return self.host, self.tcp_port


def resolve_port(port: str) -> str:
    """Return one name for all names of a port, as `drivers.choosing.one_name`; drivers go."""
    return one_name(parse_address(port).url)


def announce(home: Home, running: Running) -> Path:
    """Write the file by which others find this process, readable by its owner only."""
    path = home.run / f"{running.session}.json"
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(running), file)
    temporary.replace(path)
    return path


def find_running(home: Home) -> tuple[Running, ...]:
    """Return all control processes that are alive; files of dead ones are removed."""
    found = []
    for path in sorted(home.run.glob("*.json")):
        running = _read(path)
        if running is None:
            continue
        if is_alive(running.pid):
            found.append(running)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return tuple(found)


def _read(path: Path) -> Running | None:
    """Return what one file announces, or None if it is damaged."""
    try:
        running = Running(**json.loads(path.read_text(encoding="utf-8")))
        checked("pid", running.pid, 1, PID_MAX)
        checked("tcp_port", running.tcp_port, 1, TCP_PORT_MAX)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (running.session, running.port, running.resolved, running.host)
    return running if all(isinstance(text, str) for text in texts) else None


def find_on_port(home: Home, port: str) -> Running | None:
    """Return the control process that owns this port, or None."""
    wanted, given = resolve_port(port), parse_address(port).url
    return next(
        (
            running
            for running in find_running(home)
            if running.resolved == wanted or parse_address(running.port).url == given
        ),
        None,
    )


def is_alive(pid: int) -> bool:
    """Return whether a process of that number exists and is not just waiting to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] != "Z"


@contextlib.contextmanager
def claimed(home: Home, session: str) -> Iterator[None]:
    """Hold a session for this process alone, so that two cannot resume it at once.

    Raises:
        RefusedError: If another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 not on Windows

    name = re.sub(r"[^0-9A-Za-z-]", "_", session)
    with (home.run / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError(f"session {session} is being resumed by another program") from error
        yield
