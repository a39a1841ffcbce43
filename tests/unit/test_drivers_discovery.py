"""Ports are listed without opening any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from serial.tools import list_ports as system_ports
from serial.tools.list_ports_common import ListPortInfo

from drivers.discovery import PortInfo, list_ports

if TYPE_CHECKING:
    from pathlib import Path


def port(device: str, **facts: object) -> ListPortInfo:
    """Return what pyserial says of a port."""
    info = ListPortInfo(device)
    vars(info).update(facts)
    return info


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Pretend to be a machine with three ports; return its folder of stable names."""
    usb = tmp_path / "ttyUSB2"
    usb.touch()
    found = [
        port(str(tmp_path / "ttyUSB10"), description="n/a"),
        port(str(usb), description="Pen bridge", vid=0x0403, pid=0x6001, serial_number="A50285BI"),
        port(str(tmp_path / "ttyS0"), description="ttyS0", serial_number=""),
    ]
    monkeypatch.setattr(system_ports, "comports", lambda: found)
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-FTDI_A50285BI-if00-port0").symlink_to(usb)
    (by_id / "usb-another-name-of-it").symlink_to(usb)
    return by_id


def test_ports_are_sorted_and_described(machine: Path) -> None:
    """Numbers sort as numbers; a port without USB has no vendor, product or serial number."""
    ports = list_ports(machine)
    names = [port.device.rsplit("/", 1)[1] for port in ports]

    assert ["ttyS0", "ttyUSB2", "ttyUSB10"] == names
    assert ["ttyS0", "Pen bridge", ""] == [port.description for port in ports]
    assert ["", "0403:6001", ""] == [port.usb_id for port in ports]
    assert [None, "A50285BI", None] == [port.serial_number for port in ports]


def test_stable_name_is_the_link_that_points_to_the_port(machine: Path) -> None:
    """Where the system keeps names after the device, the first is the name to configure."""
    ports = list_ports(machine)

    assert [
        ports[0].device,
        str(machine / "usb-FTDI_A50285BI-if00-port0"),
        ports[2].device,
    ] == [port.stable_name for port in ports]


def test_machine_without_stable_names_uses_the_device(machine: Path) -> None:
    """The folder of links need not exist."""
    ports = list_ports(machine / "not there")

    assert [port.device for port in ports] == [port.stable_name for port in ports]


def test_device_unplugged_while_it_is_described_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pyserial stumbles over a vanished device with a TypeError; the next look succeeds."""
    looks = iter([TypeError("int() of None"), OSError("gone"), None])

    def comports() -> list[ListPortInfo]:
        error = next(looks)
        if error is not None:
            raise error
        return [port("COM3")]

    monkeypatch.setattr(system_ports, "comports", comports)

    assert (PortInfo("COM3", "COM3", "", None, None, None),) == list_ports(tmp_path)


def test_this_machine_can_be_listed() -> None:
    """Whatever is plugged in here, listing it raises nothing."""
    assert all(port.device for port in list_ports())
