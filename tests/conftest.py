"""What every test gets: a home of its own, and no way to a real serial port; fixtures only.

Tests that start real programs are kept together, so that they do not starve each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import serial
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

REAL_PORT = re.compile(r"(?i)/dev/(tty(USB|ACM|AMA|S)\d+|serial/.+|cu\..+)|(\\\\\.\\)?COM\d+")
"""Names behind which a pen may hang; a pty (``/dev/pts/3``) and a URL are not among them."""

# Chance is wanted, and every failure prints what brings it back. A shared machine has no deadline.
settings.register_profile("penpilot", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("penpilot")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests with real programs run one after another, on one worker: they share two cores."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.xdist_group("programs"))


@pytest.fixture
def penpilot_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test, and the programs that it starts, a data folder of their own."""
    home = tmp_path / "penpilot-home"
    monkeypatch.setenv("PENPILOT_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def no_real_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that is about to open a port with a real device behind it."""
    really_open = serial.Serial.open

    def guarded_open(port: serial.Serial) -> None:
        if REAL_PORT.fullmatch(str(port.port)):
            pytest.fail(f"a test may not open {port.port}: start a simulated pen", pytrace=True)
        really_open(port)

    monkeypatch.setattr(serial.Serial, "open", guarded_open)
