"""Two programs never hold one port, whatever it is called; a STOP asks for no lock."""

from __future__ import annotations

import os
import subprocess
import sys
import tty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.config import Home
from controller.portlock import PortLock, lock_file
from controller.session_link import open_link
from drivers.errors import PortBusy, PortMissing
from simulator.ports import TcpPort

pytestmark = pytest.mark.usefixtures("penpilot_home")

HOLDER = """
import sys
from controller.session_link import open_link
link = open_link(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def home(penpilot_home: Path) -> Home:
    """The data folder of test and programs alike."""
    return Home(penpilot_home).create()


@pytest.fixture
def terminal() -> Iterator[str]:
    """A pty as a port."""
    near, far = os.openpty()
    tty.setraw(far)
    yield os.ttyname(far)
    os.close(near)
    os.close(far)


@pytest.fixture
def server() -> Iterator[str]:
    """A server that keeps any number of callers waiting, and says nothing."""
    port = TcpPort("127.0.0.1", 0)
    port.open()
    yield port.url
    port.close()


@pytest.fixture
def holder() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that hold ports; ended at the end."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def hold(url: str, started: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Start a program that opens the port and keeps it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["terminal", "server"])
@pytest.mark.req("SR-049", "H08")
def test_second_process_is_kept_out_until_the_first_is_killed(
    kind: str,
    request: pytest.FixtureRequest,
    holder: list[subprocess.Popen[str]],
) -> None:
    """A pty is locked by the system, a socket by a file; both are free again after kill -9."""
    url = request.getfixturevalue(kind)
    first = hold(url, holder)

    with pytest.raises(PortBusy):
        open_link(url)
    first.kill()
    first.wait()
    open_link(url).close()


@pytest.mark.req("SR-049", "H08")
def test_remote_port_is_one_port_under_all_of_its_spellings(server: str, home: Home) -> None:
    """Another spelling of the same address, and another driver before it, find the same lock."""
    number = server.rpartition(":")[2]
    with closing(open_link(server)):
        for other in (f"socket://localhost:{number}", f"penlink+SOCKET://127.0.0.1:{number}"):
            with pytest.raises(PortBusy):
                open_link(other)

    assert lock_file(home, server) == lock_file(home, f"socket://LOCALHOST:{number}")


@pytest.mark.req("SR-005")
def test_stop_needs_no_lock(server: str) -> None:
    """While another program of ours holds the port, a STOP may still knock at it."""
    with closing(open_link(server)), closing(open_link(server, is_exclusive=False)) as link:
        link.stop(attempts=1, timeout_us=0)


def test_port_that_does_not_open_leaves_no_lock() -> None:
    """After a failed attempt, the next one fails for its own reason."""
    for _ in range(2):
        with pytest.raises(PortMissing):
            open_link("socket://127.0.0.1:1")


def test_serial_port_needs_no_file(home: Home, terminal: str) -> None:
    """The system locks it, for programs of other users as well; a lock is released once."""
    with PortLock(home, terminal) as lock:
        lock.release()

    assert not list(home.run.glob("port-*"))
