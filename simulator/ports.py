"""The two ends that a simulated pen can show to a host: a pseudo-terminal and a TCP socket.

A port carries bytes and never waits; it knows no frame, no pen and no time. What cannot be
written at once is lost, as on a line where nobody listens.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from pathlib import Path
from typing import Protocol

READ_BYTES = 4096


class Port(Protocol):
    """What the server needs of either end."""

    @property
    def url(self) -> str:
        """What a host opens: a device path or a ``socket://`` address."""

    @property
    def is_open(self) -> bool:
        """Whether the cable is in."""

    def open(self) -> None:
        """Put the cable in.

        Raises:
            OSError: If the system refuses.
        """

    def close(self) -> None:
        """Pull the cable."""

    def watched(self) -> list[int]:
        """Return the descriptors at which something may arrive."""

    def read(self) -> bytes:
        """Return what has arrived, perhaps nothing."""

    def write(self, data: bytes) -> None:
        """Send what goes out at once."""

    def has_hung_up(self) -> bool:
        """Return whether a host has let go of the line since this was last asked."""


class PtyPort:
    """A pseudo-terminal in raw mode.

    The terminal side stays open here as well, so that clients may come and go; nobody is then seen
    to hang up. With `sees_hang_up` it does not: the last client's close shows as POLLHUP, as DTR
    would on a line with modem signals.

    Args:
        link: Symbolic link to keep pointing at the terminal, if any.
        sees_hang_up: Whether clients are seen to come and go.
    """

    def __init__(self, link: Path | None = None, *, sees_hang_up: bool = False) -> None:
        self._link = link
        self._sees_hang_up = sees_hang_up
        self._was_held = False
        self._has_hung_up = False
        self._near = -1
        self._far = -1
        self._path = ""

    @property
    def url(self) -> str:
        """The link if there is one, else the terminal's own path."""
        return str(self._link) if self._link else self._path

    @property
    def is_open(self) -> bool:
        """Whether there is a terminal."""
        return self._near >= 0

    def open(self) -> None:
        """Make a terminal, and the link to it in one step."""
        import tty  # noqa: PLC0415 - Windows has none, and serves TCP without it

        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self._path = os.ttyname(self._far)
        if self._sees_hang_up:
            os.close(self._far)
            self._far = -1
        if self._link:
            fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}.new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._path)
            fresh.replace(self._link)

    def close(self) -> None:
        """Close both sides, and remove the link unless somebody else has taken it."""
        if not self.is_open:
            return
        with suppress(OSError):
            if self._link and str(self._link.readlink()) == self._path:
                self._link.unlink()
        os.close(self._near)
        if self._far >= 0:
            os.close(self._far)
        self._near = self._far = -1
        self._note_hold(is_held=False)

    def watched(self) -> list[int]:
        """Return our side of the terminal; without a client it would always look readable."""
        events = self._look() if self.is_open else 0
        is_worth_it = self.is_open and (events & select.POLLIN or not events & select.POLLHUP)
        return [self._near] if is_worth_it else []

    def read(self) -> bytes:
        """Return what clients have written."""
        try:
            return os.read(self._near, READ_BYTES)
        except OSError as error:
            if isinstance(error, BlockingIOError) or self._sees_hang_up:
                return b""
            raise

    def write(self, data: bytes) -> None:
        """Write what fits; a terminal that nobody reads fills up at about 17 KB."""
        with suppress(BlockingIOError):
            os.write(self._near, data)

    def has_hung_up(self) -> bool:
        """Return whether the last client has closed the terminal since this was last asked."""
        if self.is_open:
            self._look()
        had, self._has_hung_up = self._has_hung_up, False
        return had

    def _look(self) -> int:
        """Note whether a client has the terminal open; return what poll(2) says of our side.

        What a client wrote before its close is still to be read after it.
        """
        line = select.poll()
        line.register(self._near, select.POLLIN)
        events = next((found for _, found in line.poll(0)), 0)
        self._note_hold(is_held=not events & select.POLLHUP)
        return events

    def _note_hold(self, *, is_held: bool) -> None:
        self._has_hung_up |= self._sees_hang_up and self._was_held and not is_held
        self._was_held = is_held


class TcpPort:
    """A listening socket with one client at a time; a second one is hung up on.

    Args:
        host: Address to listen at.
        port: Port number; 0 lets the system choose, once.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self._has_hung_up = False

    @property
    def url(self) -> str:
        """The address with the real port number."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"socket://{host}:{self._port}"

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    def open(self) -> None:
        """Listen."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listener = socket.create_server((self._host, self._port), family=family)
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]

    def close(self) -> None:
        """Hang up and stop listening."""
        self._hang_up()
        if self._listener:
            self._listener.close()
        self._listener = None

    def watched(self) -> list[int]:
        """Return listener and client."""
        return [end.fileno() for end in (self._listener, self._client) if end]

    def read(self) -> bytes:
        """Return what the client has sent; in a turn without any, take or turn away callers."""
        data = b""
        while self._client and len(data) < READ_BYTES:
            try:
                chunk = self._client.recv(READ_BYTES)
            except BlockingIOError:
                break
            except ConnectionError:
                chunk = b""
            if not chunk:
                self._hang_up()
            data += chunk
        if not data:
            # Not after data: the answer to one client must not go to the next.
            self._accept()
        return data

    def write(self, data: bytes) -> None:
        """Send what fits into the system's buffer."""
        if self._client is None:
            return
        try:
            self._client.send(data)
        except BlockingIOError:
            return
        except ConnectionError:
            self._hang_up()

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            caller, _address = self._listener.accept()
        except BlockingIOError:
            return
        if self._client is not None:
            caller.close()
            return
        caller.setblocking(False)
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = caller

    def _hang_up(self) -> None:
        if self._client:
            self._client.close()
            self._has_hung_up = True
        self._client = None

    def has_hung_up(self) -> bool:
        """Return whether a client has gone since this was last asked."""
        had, self._has_hung_up = self._has_hung_up, False
        return had
