"""A port: bytes out, bytes in, and its faults by name; knows no frame and never waits for ever.

`SerialPort` opens with pyserial whatever pyserial can open: ``/dev/…``, a pty, ``COM…``,
``socket://host:port``, ``rfc2217://host:port``. It is always exclusive: a second opener gets
`PortBusy`, root included, because pyserial takes a file lock (TIOCEXCL does not bind root, and on
a pty it would outlive its owner). A TCP server decides for itself how many clients it serves.

Facts of a pty, met on Linux: it has no DTR or RTS, its parity cannot be changed once open, it
ignores the baud rate, and it goes away with its master (EIO). ``flush()`` (tcdrain) waits for the
far end and is never called.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
from typing import TYPE_CHECKING, Protocol

from drivers.errors import LinkLost
from drivers.hangup import hang_up_with_last_close
from drivers.opening import FAULTS, open_within, said_by

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

GAP_US = 1_750
"""Silence between frames on a real wire. Source: docs/protocol.md 1."""

OPEN_TIMEOUT_MS = 1_500
"""An open that takes longer is given up. ASSUMED: pyserial's own bounds are 5 s and more."""

SLICE_US = 2_000
"""How long a port without a file descriptor is read before the wake is looked at. ASSUMED."""

READ_SIZE = 1_024
"""Most bytes given at once, so that a babbling line cannot hold the reader. ASSUMED."""


class Port(Protocol):
    """What a link needs of a port. One owner, one thread.

    `name` is what the operator called it; `gap_us` is the silence that its wire wants between
    frames, in microseconds. All methods raise `LinkLost` when the port has gone.
    """

    @property
    def name(self) -> str:
        """Name or URL of the port."""
        ...

    @property
    def gap_us(self) -> int:
        """Silence wanted before a request, in microseconds; 0 where no wire is shared."""
        ...

    def write(self, data: bytes) -> None:
        """Hand all bytes to the system, without waiting until they are on the wire."""
        ...

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return bytes as soon as there are any.

        Args:
            timeout_us: How long to wait for the first byte, in microseconds.
            wake_fd: A file descriptor; the wait ends as soon as it is readable. It is not read.

        Returns:
            What has come; empty once the time is over or the wake came.
        """
        ...

    def drain(self) -> bytes:
        """Return what has come already, without waiting. May leave the loss of a port to `read`."""
        ...

    def close(self) -> None:
        """Give the port back. May be called twice."""
        ...


class SerialPort:
    """A `Port` over pyserial.

    With a file descriptor on both sides (Linux: ``/dev/…``, pty, ``socket://``) one ``select``
    watches port and wake together. Without (``rfc2217://``, ``COM…``) the port is read in slices
    of 2 ms, so that a wake is seen up to one slice late; on Windows `wake_fd` must be a socket.

    Args:
        url: Name or URL of the port.
        gap_us: Silence wanted between frames, in microseconds. None: 1,750 on a real wire, 0 on a
            pty or a socket, which keep frames apart themselves.
        open_timeout_ms: The open ends within this, in milliseconds.

    Raises:
        PortMissing: If there is no such port, or it does not open in time.
        PortBusy: If another program holds it.
        PortDenied: If this user may not open it.
    """

    def __init__(
        self, url: str, *, gap_us: int | None = None, open_timeout_ms: int = OPEN_TIMEOUT_MS
    ) -> None:
        self.name = url
        scheme = _scheme(url)
        has_fd = os.name == "posix" and scheme in {"", "socket"}
        self._serial = open_within(url, open_timeout_ms, 0 if has_fd else SLICE_US / 1e6)
        self.gap_us = _default_gap_us(url) if gap_us is None else gap_us
        self._fd: int | None = self._serial.fileno() if has_fd else None
        self._is_socket = scheme == "socket"
        if has_fd and not self._is_socket:
            hang_up_with_last_close(self._serial.fileno())
            # FTDI bridges hold bytes back for 16 ms unless told otherwise; ports without this
            # setting say so.
            with contextlib.suppress(OSError, ValueError, NotImplementedError):
                self._serial.set_low_latency_mode(True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """See `Port.write`. Bounded by 25 ms; a line that takes no bytes is lost."""
        try:
            taken = 0
            if self._fd is not None:
                with contextlib.suppress(BlockingIOError):
                    taken = os.write(self._fd, data)
            if taken < len(data):
                self._serial.write(data[taken:])
        except FAULTS as error:
            raise LinkLost(self.name, said_by(error)) from error

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `Port.read`."""
        try:
            if self._fd is None:
                return self._read_in_slices(timeout_us, wake_fd)
            watched = [self._fd] if wake_fd is None else [self._fd, wake_fd]
            readable, _, _ = select.select(watched, [], [], max(timeout_us, 0) / 1e6)
            return self._take(is_due=True) if self._fd in readable else b""
        except FAULTS as error:
            raise LinkLost(self.name, said_by(error)) from error

    def drain(self) -> bytes:
        """See `Port.drain`. At most 1 KiB at a time."""
        try:
            return self._take(is_due=False)
        except FAULTS as error:
            raise LinkLost(self.name, said_by(error)) from error

    def close(self) -> None:
        """See `Port.close`."""
        self._fd = None
        if self._is_socket and self._serial.is_open:
            # pyserial's own close sleeps for 0.3 s and leaks a socket that the far end has reset.
            self._serial._socket.close()  # noqa: SLF001
            self._serial.is_open = False
        with contextlib.suppress(*FAULTS):
            self._serial.close()

    def _take(self, *, is_due: bool) -> bytes:
        """Return what is there. Where bytes were due and none are, the far end has hung up."""
        if self._fd is None:
            return bytes(self._serial.read(min(self._serial.in_waiting, READ_SIZE)))
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return b""
        # A socket without bytes says BlockingIOError; a terminal says nothing, and is fine.
        if not data and (is_due or self._is_socket):
            raise OSError("the far end has hung up")
        return data

    def _read_in_slices(self, timeout_us: int, wake_fd: int | None) -> bytes:
        for _ in range(math.ceil(timeout_us / SLICE_US)):
            if is_readable(wake_fd):
                return b""
            first: bytes = self._serial.read(1)
            if first:
                return first + self._take(is_due=False)
        return b""


def is_readable(fd: int | None) -> bool:
    """Return whether a read of the file descriptor would not wait; False for None."""
    return fd is not None and bool(select.select([fd], [], [], 0)[0])


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator else ""


def _default_gap_us(url: str) -> int:
    scheme = _scheme(url)
    if scheme:
        return GAP_US if scheme == "rfc2217" else 0
    return 0 if os.path.realpath(url).startswith("/dev/pts/") else GAP_US
