"""Lets a hang-up tell the pen that its host has gone; it never moves a modem line itself.

A line with modem signals has DTR and RTS: high while somebody holds the port open, low otherwise.
With HUPCL set, Linux lowers both when the last descriptor of a port is closed, so that this holds
after ``kill -9`` as well. It is the usual setting of a fresh port, but ``stty -hupcl`` (advice
against boards that restart with every opening) stays until somebody takes it back, so it is set
with every opening. What a pen makes of it stands in docs/protocol.md 1, which bridges carry it in
docs/hardware.md.

Opening raises both lines, whoever opens: the system does it, and nothing here toggles them.
Source: Linux, drivers/tty/tty_port.c, ``tty_port_shutdown`` and ``tty_port_block_til_ready``.
"""

from __future__ import annotations

import contextlib

try:
    import termios
except ImportError:  # Windows lowers DTR with the handle, without being asked
    _HAS_TERMIOS = False
else:
    _HAS_TERMIOS = True

_CFLAG = 2
"""Place of the control flags in what ``tcgetattr`` returns. Source: Python, module termios."""


def hang_up_with_last_close(fd: int) -> None:
    """Let the system lower DTR and RTS once nobody holds the port open, however that came about.

    A descriptor without such a setting stays as it is.

    Args:
        fd: Descriptor of an open serial port.
    """
    if not _HAS_TERMIOS:
        return
    with contextlib.suppress(termios.error, OSError):
        attributes = termios.tcgetattr(fd)
        if not attributes[_CFLAG] & termios.HUPCL:
            attributes[_CFLAG] |= termios.HUPCL
            termios.tcsetattr(fd, termios.TCSANOW, attributes)


def does_hang_up(fd: int) -> bool | None:
    """Return whether the last close lowers DTR and RTS; None where nobody can tell."""
    if not _HAS_TERMIOS:
        return None
    try:
        return bool(termios.tcgetattr(fd)[_CFLAG] & termios.HUPCL)
    except (termios.error, OSError):
        return None
