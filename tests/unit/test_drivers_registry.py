"""Addresses of pens, and how a driver is found by its name."""

from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from drivers import registry
from drivers.address import Address, parse_address
from drivers.driver import Driver, Setup
from drivers.errors import BadAddress, PortMissing, UnknownDriver
from drivers.pen import PenLink
from drivers.registry import driver_names, open_pen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/dev/ttyUSB0", Address("penlink", "", "/dev/ttyUSB0")),
        ("COM3", Address("penlink", "", "COM3")),
        ("/dev/serial/by-id/a+b", Address("penlink", "", "/dev/serial/by-id/a+b")),
        ("socket://host:4000", Address("penlink", "", "socket://host:4000")),
        ("penlink:7+/dev/ttyUSB0", Address("penlink", "7", "/dev/ttyUSB0")),
        ("native+socket://[::1]:4000", Address("native", "", "socket://[::1]:4000")),
        ("modbus:my pen.toml+COM3", Address("modbus", "my pen.toml", "COM3")),
        ("", Address("penlink", "", "")),
    ],
)
def test_address_has_driver_argument_and_port(text: str, expected: Address) -> None:
    """What stands before the first plus sign names the driver, unless it begins a path."""
    assert expected == parse_address(text)


def test_driver_is_found_by_its_name(pty_path: str) -> None:
    """The name of the entry point is what an address says."""
    link = opened(f"penlink:3+{pty_path}")
    link.close()

    assert isinstance(link, PenLink)
    assert "penlink" in driver_names()


def test_unknown_driver_leaves_the_port_alone(tmp_path: Path) -> None:
    """A mistyped driver is told before anything is looked for at the port."""
    with pytest.raises(UnknownDriver, match=r"no driver 'penlnk'.*Installed are:.*penlink"):
        opened(f"penlnk+{tmp_path}/none")


def test_missing_port_is_told_by_its_own_name(tmp_path: Path) -> None:
    """The operator reads the port that is missing."""
    with pytest.raises(PortMissing, match="none"):
        opened(f"penlink+{tmp_path}/none")


@pytest.mark.parametrize("argument", ["0", "248", "x", "1 ", "²", "99999"])
def test_unit_id_out_of_its_range_is_refused_and_the_port_given_back(
    pty_path: str, argument: str
) -> None:
    """What the driver refuses leaves nothing open: the next attempt gets the port."""
    with pytest.raises(BadAddress, match="must be a whole number from 1 to 247"):
        opened(f"penlink:{argument}+{pty_path}")

    opened(pty_path).close()


def test_driver_that_fails_gives_the_port_back(
    pty_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another maker's opener that raises anything leaves no port held."""

    def broken(_: Setup) -> Driver:
        raise ZeroDivisionError

    monkeypatch.setattr(registry, "_opener", lambda *_: broken)

    with pytest.raises(ZeroDivisionError):
        opened(pty_path)
    monkeypatch.undo()
    opened(pty_path).close()


@pytest.fixture
def pty_path() -> Iterator[str]:
    """Return the path of a pty whose other end nobody reads."""
    near, far = os.openpty()
    tty.setraw(far)
    yield os.ttyname(far)
    os.close(near)
    os.close(far)


def opened(address: str) -> Driver:
    """Open an address with a clock that stands and a token that never changes."""
    return open_pen(address, clock_us=lambda: 0, token_source=lambda: 1)


def test_driver_whose_module_fails_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever another maker's module raises when it is loaded, the operator reads which driver."""
    (tmp_path / "broken_pen.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("broken", "broken_pen:open_it", registry.GROUP)
    monkeypatch.setattr(registry, "_points", lambda: [point])

    with pytest.raises(UnknownDriver, match="no driver 'broken' \\(division by zero\\)"):
        opened(f"broken+{tmp_path}/none")
