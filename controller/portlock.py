"""Keeps two programs of one user from one remote port; it opens no port.

A serial port is locked by the system (`drivers.port`), for every program of the machine. A URL such
as ``socket://`` is not: its server may take several clients at once. For these a file in the data
folder is locked instead, which the system lets go with the process, however that ends.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from controller.config import Home
from drivers.choosing import one_name
from drivers.errors import PortBusy
from drivers.port import Port


class PortLock:
    """The right to use one port, held until it is released or the process ends.

    Nothing is locked for a port that the system locks itself, nor on Windows, where files of this
    kind cannot be had.

    Args:
        home: Data folder; the lock lies in its folder ``run``.
        url: Name or URL of the port, without driver.

    Raises:
        PortBusy: If another program of this user holds it.
        ConfigError: If the data folder cannot be written to.
    """

    def __init__(self, home: Home, url: str) -> None:
        self._descriptor: int | None = None
        if "://" in url and sys.platform != "win32":
            self._descriptor = _locked(lock_file(home.create(), url), url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let others have the port. May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class LockedPort:
    """A port that gives its lock back when it is closed.

    Args:
        port: The open port.
        lock: Of this port.
    """

    def __init__(self, port: Port, lock: PortLock) -> None:
        self._port = port
        self._lock = lock

    @property
    def name(self) -> str:
        """See `Port.name`."""
        return self._port.name

    @property
    def gap_us(self) -> int:
        """See `Port.gap_us`."""
        return self._port.gap_us

    def write(self, data: bytes) -> None:
        """See `Port.write`."""
        self._port.write(data)

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `Port.read`."""
        return self._port.read(timeout_us, wake_fd)

    def drain(self) -> bytes:
        """See `Port.drain`."""
        return self._port.drain()

    def close(self) -> None:
        """See `Port.close`; the lock goes last."""
        try:
            self._port.close()
        finally:
            self._lock.release()


def lock_file(home: Home, url: str) -> Path:
    """Return the file that stands for a port, the same for all of its spellings."""
    digest = hashlib.sha256(one_name(url).encode()).hexdigest()[:16]
    return home.run / f"port-{digest}.lock"


def _locked(path: Path, url: str) -> int:
    import fcntl  # noqa: PLC0415 not on Windows

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise PortBusy(url, error.strerror or str(error)) from error
    return descriptor
