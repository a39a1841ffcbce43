"""A port that nobody holds any more lowers DTR, as far as a pty can show it."""

from __future__ import annotations

import os
import socket
import termios
import tty
from collections.abc import Iterator

import pytest

from drivers.hangup import does_hang_up, hang_up_with_last_close
from drivers.port import SerialPort


@pytest.fixture
def terminal() -> Iterator[int]:
    """A terminal on which somebody has said ``stty -hupcl``."""
    near, far = os.openpty()
    tty.setraw(far)
    attributes = termios.tcgetattr(far)
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(far, termios.TCSANOW, attributes)
    yield far
    os.close(near)
    os.close(far)


def test_opening_a_port_takes_back_what_keeps_dtr_high(terminal: int) -> None:
    """Whoever switched HUPCL off, an opened port has it; the speed and the rest stay."""
    before = does_hang_up(terminal)
    with SerialPort(os.ttyname(terminal)) as port:
        during = does_hang_up(terminal)
        flags = termios.tcgetattr(terminal)[2]
        fd = port._serial.fileno()

        assert not os.get_inheritable(fd)

    assert (False, True, True) == (before, during, does_hang_up(terminal))
    assert flags & termios.CLOCAL


def test_only_hupcl_is_changed(terminal: int) -> None:
    """Nothing else of the terminal is touched, and a second time changes nothing."""
    before = termios.tcgetattr(terminal)
    hang_up_with_last_close(terminal)
    once = termios.tcgetattr(terminal)
    hang_up_with_last_close(terminal)

    before[2] |= termios.HUPCL
    assert before == once == termios.tcgetattr(terminal)


def test_what_is_no_terminal_stays_as_it_is() -> None:
    """A socket knows no modem lines, and nobody can tell."""
    with socket.socket() as line:
        hang_up_with_last_close(line.fileno())

        assert does_hang_up(line.fileno()) is None
