"""Opens a port with pyserial within a given time, and names what goes wrong; reads no byte.

pyserial hides the system's error number in several ways: in ``errno``, in the arguments of a
``termios.error``, or in the exception that its own was raised from. All are looked through.
"""

from __future__ import annotations

import contextlib
import errno
import queue
import threading
from typing import Any
from urllib.parse import urlsplit

import serial

from drivers.errors import LinkError, PortBusy, PortDenied, PortMissing
from drivers.registers import BAUD_RATE

try:
    import termios
except ImportError:  # Windows
    _TtyError: type[Exception] = OSError
else:
    _TtyError = termios.error

FAULTS: tuple[type[Exception], ...] = (OSError, ValueError, _TtyError)
"""Everything that pyserial and the system raise about a port; SerialException is an OSError."""

WRITE_TIMEOUT_MS = 25
"""A write that takes longer means that the line takes no bytes. ASSUMED: one answer timeout."""

_DENIED = frozenset({errno.EACCES, errno.EPERM})
_BUSY = frozenset({errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK})
_REMOTE = frozenset({"socket", "rfc2217"})
_CHAIN_MAX = 8


def open_within(url: str, timeout_ms: int, read_timeout_s: float) -> Any:
    """Open with pyserial, exclusively, but not for longer than this.

    pyserial bounds some opens by 5 s or more and some (name look-up, a stuck driver) not at all,
    so a thread does it. A thread that is left behind closes what it may still open: whoever takes
    the result out of the queue owns it.

    Args:
        url: Name or URL of the port.
        timeout_ms: The open ends within this, in milliseconds.
        read_timeout_s: pyserial's own timeout for every read, in seconds.

    Returns:
        The open port, an object of pyserial.

    Raises:
        PortMissing: If there is no such port, or it does not open in time.
        PortBusy: If another program holds it.
        PortDenied: If this user may not open it.
    """
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        result: Any = OSError("pyserial failed without saying why")
        try:
            result = _open(url, read_timeout_s)
        except FAULTS as error:
            result = error
        finally:
            results.put(result)
        if given_up.is_set():
            _close_leftover(results)

    threading.Thread(target=work, name="open port", daemon=True).start()
    try:
        result = results.get(timeout=timeout_ms / 1e3)
    except queue.Empty:
        given_up.set()
        _close_leftover(results)
        raise PortMissing(url, f"it did not open within {timeout_ms} ms") from None
    if isinstance(result, BaseException):
        raise opening_error(url, result) from result
    return result


def opening_error(port: str, error: BaseException) -> LinkError:
    """Return why a port did not open, as the error of ours that says it."""
    number, said = _system_error(error)
    if number in _DENIED:
        return PortDenied(port, said)
    if number in _BUSY:
        return PortBusy(port, said)
    return PortMissing(port, said)


def said_by(error: BaseException) -> str:
    """Return the system's own words for an error, in one line."""
    return _system_error(error)[1]


def _system_error(error: BaseException) -> tuple[int | None, str]:
    """Return number and words of the system's error under pyserial's, else pyserial's own words."""
    number = None
    cause: BaseException | None = error
    for _ in range(_CHAIN_MAX):
        match cause:
            case OSError(args=(int(found), *rest)) | _TtyError(args=(int(found), *rest)):
                number = found
                if not isinstance(cause, serial.SerialException):
                    return number, str(rest[0]) if rest else str(cause)
            case None:
                break
        cause = cause.__cause__ or cause.__context__
    return number, str(error)


def _open(url: str, read_timeout_s: float) -> Any:
    parts = urlsplit(url)
    if parts.scheme in _REMOTE and not (parts.hostname and parts.port):
        raise ValueError(f"it must be {parts.scheme}://host:port")
    return serial.serial_for_url(
        url,
        baudrate=BAUD_RATE,
        timeout=read_timeout_s,
        # pyserial's rfc2217 refuses a write timeout; its socket has one of 5 s.
        write_timeout=None if parts.scheme == "rfc2217" else WRITE_TIMEOUT_MS / 1e3,
        exclusive=True,
    )


def _close_leftover(results: queue.SimpleQueue[Any]) -> None:
    with contextlib.suppress(queue.Empty):
        leftover = results.get_nowait()
        if not isinstance(leftover, BaseException):
            leftover.close()
