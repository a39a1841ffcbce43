"""Real ptys and sockets: opening, exclusion, waking, loss, and every fault by name."""

from __future__ import annotations

import errno
import itertools
import os
import queue
import socket
import threading
import tty
from typing import TYPE_CHECKING, Any

import pytest
import serial
from serial import rfc2217

from drivers.errors import LinkLost, PortBusy, PortDenied, PortMissing
from drivers.opening import opening_error, said_by
from drivers.pen import PenLink
from drivers.port import SerialPort, is_readable
from drivers.registers import Command
from tests.contract.scripted_pen import ScriptedPen, monotonic_us

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drivers.errors import LinkError

pytestmark = pytest.mark.slow

LONG_US = 5_000_000


class Pty:
    """Both ends of a pty; the slave is held open, as a simulator does."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self._open = {self.master, self.slave}

    def close(self, *fds: int) -> None:
        """Close these ends, or all that are left."""
        for fd in fds or tuple(self._open):
            os.close(fd)
            self._open.discard(fd)


@pytest.fixture
def pty() -> Iterator[Pty]:
    """Return a fresh pty."""
    pty = Pty()
    yield pty
    pty.close()


@pytest.fixture
def wake() -> Iterator[tuple[int, int]]:
    """Return both ends of a pipe."""
    fds = os.pipe()
    yield fds
    for fd in fds:
        os.close(fd)


def test_bytes_go_both_ways_unchanged(pty: Pty) -> None:
    """All 256 byte values pass a pty that was opened here, with no translation and no echo."""
    everything = bytes(range(256))
    with SerialPort(pty.path) as port:
        port.write(everything)
        out = os.read(pty.master, 1_024)
        os.write(pty.master, everything)
        heard = port.read(LONG_US)

        assert (everything, everything) == (out, heard)
        assert b"" == port.drain()


def test_read_returns_as_soon_as_bytes_are_there(pty: Pty) -> None:
    """A long timeout is not waited for."""
    with SerialPort(pty.path) as port:
        os.write(pty.master, b"x")
        begun_us = monotonic_us()

        assert b"x" == port.read(LONG_US)
        assert monotonic_us() - begun_us < LONG_US // 10


def test_read_returns_nothing_when_the_time_is_over(pty: Pty) -> None:
    """An empty answer comes after the timeout, not before."""
    with SerialPort(pty.path) as port:
        begun_us = monotonic_us()

        assert b"" == port.read(5_000)
        assert monotonic_us() - begun_us >= 5_000


@pytest.mark.req("SR-013")
def test_wake_ends_a_read_at_once(pty: Pty, wake: tuple[int, int]) -> None:
    """The wake is seen by the same wait, and left for its owner to read."""
    with SerialPort(pty.path) as port:
        threading.Timer(0.005, os.write, (wake[1], b"!")).start()
        begun_us = monotonic_us()

        assert b"" == port.read(LONG_US, wake[0])
        assert monotonic_us() - begun_us < LONG_US // 10
        assert b"!" == os.read(wake[0], 1)


@pytest.mark.req("SR-013")
def test_wake_ends_a_read_in_slices(wake: tuple[int, int]) -> None:
    """A port without a file descriptor looks at the wake between slices."""
    with SerialPort("loop://") as port:
        os.write(wake[1], b"!")
        begun_us = monotonic_us()

        assert b"" == port.read(LONG_US, wake[0])
        assert monotonic_us() - begun_us < LONG_US // 10


def test_port_without_a_file_descriptor_reads_writes_and_waits() -> None:
    """The same contract holds in slices of 2 ms."""
    with SerialPort("loop://") as port:
        begun_us = monotonic_us()

        assert b"" == port.read(10_000)
        assert monotonic_us() - begun_us >= 10_000

        port.write(b"abc")

        assert b"abc" == port.read(LONG_US)

        port.write(b"def")

        assert b"def" == port.drain()
        assert b"" == port.drain()


@pytest.mark.req("SR-049", "HZ-26", "H08")
def test_second_opener_is_told_that_the_port_is_busy(pty: Pty) -> None:
    """Exclusive is exclusive, for root too; once closed, the port is free again."""
    with SerialPort(pty.path), pytest.raises(PortBusy) as caught:
        SerialPort(pty.path)

    assert pty.path == caught.value.port
    assert os.strerror(errno.EAGAIN) == caught.value.detail
    SerialPort(pty.path).close()


def test_port_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """A name that leads nowhere, and a file that is no port."""
    with pytest.raises(PortMissing, match="No such file or directory"):
        SerialPort(str(tmp_path / "ttyUSB0"))
    (tmp_path / "file").touch()
    with pytest.raises(PortMissing, match="Inappropriate ioctl"):
        SerialPort(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("socket://127.0.0.1", "it must be socket://host:port"),
        ("rfc2217://127.0.0.1", "it must be rfc2217://host:port"),
        ("socket://:7000", "it must be socket://host:port"),
        ("socket://127.0.0.1:99999", "Port out of range"),
        ("carrier-pigeon://x", "protocol 'carrier-pigeon' not known"),
        ("with\0zero", "embedded null byte"),
    ],
)
@pytest.mark.req("SR-017")
def test_url_that_leads_nowhere_is_missing(url: str, said: str) -> None:
    """A mistyped URL says what is wrong with it."""
    with pytest.raises(PortMissing) as caught:
        SerialPort(url)

    assert said in caught.value.detail


def test_server_that_does_not_listen_is_missing() -> None:
    """A refused connection is a missing port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port_number = server.getsockname()[1]
    with pytest.raises(PortMissing, match="Connection refused"):
        SerialPort(f"socket://127.0.0.1:{port_number}")


def test_open_that_hangs_is_given_up_and_closed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits no longer than it said, and nothing stays open behind its back."""
    release, closed = threading.Event(), queue.SimpleQueue[bool]()

    class Opened:
        def close(self) -> None:
            closed.put(True)

    def hang(*_: Any, **__: Any) -> Opened:
        release.wait(10)
        return Opened()

    monkeypatch.setattr(serial, "serial_for_url", hang)
    begun_us = monotonic_us()
    with pytest.raises(PortMissing, match="it did not open within 20 ms"):
        SerialPort("/dev/ttyUSB0", open_timeout_ms=20)

    assert monotonic_us() - begun_us < LONG_US
    release.set()
    assert closed.get(timeout=10)


def serial_error(cause: Exception) -> serial.SerialException:
    """Return the error in which pyserial wraps another."""
    error = serial.SerialException(f"could not open port: {cause}")
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(errno.ENOENT, "gone"), PortMissing, "gone"),
        (OSError(errno.ENXIO, "no device"), PortMissing, "no device"),
        (OSError(errno.EIO, "no hardware"), PortMissing, "no hardware"),
        (OSError(errno.EACCES, "denied"), PortDenied, "denied"),
        (OSError(errno.EPERM, "not permitted"), PortDenied, "not permitted"),
        (OSError(errno.EBUSY, "busy"), PortBusy, "busy"),
        (OSError(errno.EAGAIN, "locked"), PortBusy, "locked"),
        (serial_error(OSError(errno.EBUSY, "busy")), PortBusy, "busy"),
        (serial_error(ConnectionRefusedError(111, "refused")), PortMissing, "refused"),
        (serial.SerialException(errno.EACCES, "denied"), PortDenied, "denied"),
        (serial.SerialException("without a number"), PortMissing, "without a number"),
        (serial_error(socket.gaierror(-2, "unknown host")), PortMissing, "unknown host"),
        (ValueError("bad URL"), PortMissing, "bad URL"),
    ],
)
def test_opening_error_is_named(error: Exception, kind: type[LinkError], said: str) -> None:
    """The system's number is found wherever pyserial hides it."""
    named = opening_error("/dev/ttyUSB0", error)

    assert (kind, "/dev/ttyUSB0") == (type(named), named.port)
    assert said in str(named)


def test_error_without_number_says_its_own_words() -> None:
    """What has no system error under it is quoted."""
    assert "plain words" == said_by(serial.SerialException("plain words"))


@pytest.mark.parametrize("use", ["read", "write"])
def test_pen_that_goes_away_is_lost(pty: Pty, use: str) -> None:
    """With its master closed, reading and writing a pty say so at once."""
    with SerialPort(pty.path) as port:
        pty.close()
        call = {
            "read": lambda: port.read(LONG_US),
            "write": lambda: port.write(b"x"),
        }[use]

        with pytest.raises(LinkLost) as caught:
            call()

        assert pty.path == caught.value.port


@pytest.mark.parametrize("use", ["read", "drain"])
def test_server_that_goes_away_is_lost(use: str) -> None:
    """A closed connection is a lost link, whichever side reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}")
        server.accept()[0].close()
        assert is_readable(port._fd) or port.read(LONG_US) == b""
        call = {"read": lambda: port.read(LONG_US), "drain": port.drain}[use]

        with pytest.raises(LinkLost, match="the far end has hung up"):
            call()

        port.close()


def test_reset_connection_leaves_no_socket_behind() -> None:
    """A port whose far end was killed closes without a warning and without a wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        port.write(b"unread")
        connection.close()
        begun_us = monotonic_us()
        port.close()
        port.close()

        assert monotonic_us() - begun_us < 200_000


def test_line_that_takes_no_bytes_is_lost_in_bounded_time(pty: Pty) -> None:
    """A full pty that nobody reads ends a write after 25 ms, not never."""

    def write_for_ever() -> None:
        for _ in range(64):
            port.write(bytes(1_024))

    with SerialPort(pty.path) as port, pytest.raises(LinkLost, match=r"[Ww]rite timeout"):
        write_for_ever()


def test_closed_port_is_lost_to_whoever_uses_it(pty: Pty) -> None:
    """Use after close is an error of the link, not a surprise."""
    port = SerialPort(pty.path)
    port.close()
    port.close()
    with pytest.raises(LinkLost):
        port.read(1_000)
    with pytest.raises(LinkLost):
        port.write(b"x")


def test_gap_is_that_of_the_wire(pty: Pty, tmp_path: Path) -> None:
    """A pty and a socket need no silence, even by another name; whoever knows better says so."""
    link = tmp_path / "pen"
    link.symlink_to(pty.path)
    with SerialPort(str(link)) as port:
        assert 0 == port.gap_us
    with SerialPort("loop://") as port:
        assert 0 == port.gap_us
    with SerialPort(pty.path, gap_us=1_750) as port:
        assert 1_750 == port.gap_us


def test_gap_of_a_real_wire_is_1750_us(monkeypatch: pytest.MonkeyPatch, pty: Pty) -> None:
    """Everything that is no pty and no socket may be a shared wire."""
    real = serial.serial_for_url(pty.path, timeout=0)
    monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: real)
    with SerialPort("/dev/ttyUSB0") as port:
        assert 1_750 == port.gap_us


class Rfc2217Pen:
    """A scripted pen behind pyserial's own RFC 2217 server, for one client."""

    def __init__(self, pen: ScriptedPen) -> None:
        self._pen = pen
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send bytes of the negotiation; called by pyserial."""
        self._connection.sendall(data)

    def _serve(self) -> None:
        self._connection, _ = self._server.accept()
        with serial.serial_for_url("loop://", timeout=0) as settings:
            manager = rfc2217.PortManager(settings, self)
            pending = b""
            while data := self._connection.recv(1_024):
                pending += b"".join(manager.filter(data))
                while (size := 8 if pending[1:2] == b"\x03" else 33) <= len(pending):
                    reply = self._pen.answer(pending[:size])
                    self._connection.sendall(b"".join(manager.escape(reply)))
                    pending = pending[size:]

    def close(self) -> None:
        """Wait for the client's good-bye and end."""
        self._thread.join()
        self._connection.close()
        self._server.close()


@pytest.mark.filterwarnings("ignore:set.* is deprecated:DeprecationWarning")
def test_pen_behind_rfc2217_is_driven_like_any_other(wake: tuple[int, int]) -> None:
    """Identification, an exchange, a wake and a STOP, through a Telnet port server."""
    pen = ScriptedPen()
    served = Rfc2217Pen(pen)
    link = PenLink(SerialPort(served.url), monotonic_us, itertools.count(1).__next__)
    link.identify()
    poll = link.exchange(Command.POLL, timeout_us=500_000)
    os.write(wake[1], b"!")
    preempted = link.exchange(Command.POLL, wake_fd=wake[0])
    stop = link.stop(timeout_us=500_000)
    link.close()
    served.close()

    assert poll.status is not None
    assert preempted.preempted
    assert stop.status is not None
    assert stop.status.is_stopped


def test_is_readable_of_nothing_is_false(wake: tuple[int, int]) -> None:
    """No wake is never a wake."""
    assert not is_readable(None)
    assert not is_readable(wake[0])

    os.write(wake[1], b"!")

    assert is_readable(wake[0])
