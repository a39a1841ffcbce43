"""What conftest.py promises: no test reaches a real port, and each has a home of its own."""

from __future__ import annotations

import os
import pty
from typing import TYPE_CHECKING

import pytest
import serial
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "port",
    ["/dev/ttyUSB0", "/dev/ttyACM12", "/dev/ttyS0", "/dev/serial/by-id/pen", "COM3", "com12"],
)
def test_real_port_is_refused_before_it_is_opened(port: str) -> None:
    """A port behind which a pen may hang fails the test, whether it exists here or not."""
    with pytest.raises(pytest.fail.Exception, match="start a simulated pen"):
        serial.serial_for_url(port, exclusive=True)


def test_pty_is_let_through() -> None:
    """The port of a simulated pen opens as ever."""
    ours, theirs = pty.openpty()

    with serial.serial_for_url(os.ttyname(theirs)) as port:
        assert port.is_open
    os.close(ours)
    os.close(theirs)


def test_home_is_one_of_this_test(penpilot_home: Path, tmp_path: Path) -> None:
    """The data folder lies in the test's own folder, and is told to programs in the usual way."""
    assert str(penpilot_home) == os.environ["PENPILOT_HOME"]
    assert penpilot_home.is_relative_to(tmp_path)


def test_chance_is_not_fixed_and_prints_what_brings_it_back() -> None:
    """Hypothesis runs with our profile, also where it knows that it is on a build server."""
    assert (False, True, None) == (
        settings().derandomize,
        settings().print_blob,
        settings().deadline,
    )
