"""A port is chosen by what stays with the device: exactly one, or an error that lists them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import registry
from drivers.address import Address, parse_address
from drivers.choosing import chosen_url, one_name, steady_address, steady_name, usb_choice
from drivers.discovery import PortInfo
from drivers.errors import PortMissing, UnclearPort


def port(device: str, usb: tuple[int, int] | None = None, serial: str | None = None) -> PortInfo:
    """Return what is known of a port without opening it."""
    vid, pid = usb or (None, None)
    return PortInfo(device, device, "Bridge" if usb else "", vid, pid, serial)


FTDI = (0x0403, 0x6001)
ONE = port("/dev/ttyUSB0", FTDI, "AB12")
TWIN = port("/dev/ttyUSB1", FTDI, "CD+3:4")
NAMELESS = port("/dev/ttyACM0", (0x1209, 0x0001))
PLAIN = port("/dev/ttyS0")
THERE = (ONE, TWIN, NAMELESS, PLAIN)


@pytest.mark.parametrize(
    ("choice", "device"),
    [
        ("usb:0403:6001:AB12", "/dev/ttyUSB0"),
        ("usb:403:6001:CD+3:4", "/dev/ttyUSB1"),
        ("usb:1209:0001", "/dev/ttyACM0"),
        ("usb:1209:1", "/dev/ttyACM0"),
        ("/dev/serial/by-id/usb-FTDI_AB12", "/dev/serial/by-id/usb-FTDI_AB12"),
        ("socket://host:4000", "socket://host:4000"),
        ("COM3", "COM3"),
    ],
)
@pytest.mark.req("SR-058")
def test_choice_leads_to_the_one_device_that_fits(choice: str, device: str) -> None:
    """Vendor, product and serial number name one device; every other name stays as it is."""
    assert device == chosen_url(choice, lambda: THERE)


@pytest.mark.parametrize(
    ("choice", "problem", "listed"),
    [
        ("usb:0403:6001", "2 ports are this device", 2),
        ("usb:0403:6001:ab12", "no port is this device", 4),
        ("usb:0403:6015", "no port is this device", 4),
        ("usb:1209:0001:X", "no port is this device", 4),
        ("usb:0403", "must be usb:VID:PID", 4),
        ("usb:0403:6001:", "must be usb:VID:PID", 4),
        ("usb:0x403:6001", "must be usb:VID:PID", 4),
        ("usb:", "must be usb:VID:PID", 4),
    ],
)
@pytest.mark.req("SR-058")
def test_choice_that_fits_none_or_several_is_refused_with_what_is_there(
    choice: str, problem: str, listed: int
) -> None:
    """Nothing is guessed: the error says how many fit, and names what could have been meant."""
    with pytest.raises(UnclearPort) as caught:
        chosen_url(choice, lambda: THERE)

    assert caught.value.detail.startswith(problem)
    assert listed == len(caught.value.there)
    assert "usb:0403:6001:AB12 Bridge" in str(caught.value)


def test_choice_on_a_machine_without_ports_says_so() -> None:
    """An empty list is told in words."""
    with pytest.raises(UnclearPort, match="There is: no serial port at all"):
        chosen_url("usb:0403:6001", tuple)


def test_every_listed_choice_leads_back_to_its_port() -> None:
    """What is shown as a way to choose a port chooses it; two alike have no such way."""
    again = port("/dev/ttyUSB2", FTDI, "AB12")

    for one in THERE:
        choice = usb_choice(one, THERE)
        assert not choice or one.device == chosen_url(choice, lambda: THERE)
    assert ["usb:0403:6001:AB12", "usb:0403:6001:CD+3:4", "usb:1209:0001", ""] == [
        usb_choice(one, THERE) for one in THERE
    ]
    assert "" == usb_choice(ONE, (*THERE, again))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("socket://localhost:5000", "socket://localhost:5000"),
        ("SOCKET://127.0.0.1:5000?logging=debug", "socket://localhost:5000"),
        ("socket://[::1]:5000", "socket://localhost:5000"),
        ("rfc2217://Pens.Example:4000", "rfc2217://pens.example:4000"),
        ("socket://[fe80::1]:5000", "socket://[fe80::1]:5000"),
        ("socket://host:no", "socket://host:no"),
        ("loop://", "loop://"),
        ("usb:0403:6001:AB12", "/dev/ttyUSB0"),
        ("usb:dead:beef", "usb:dead:beef"),
    ],
)
def test_port_has_one_name_whatever_it_is_called(name: str, expected: str) -> None:
    """Spellings of one port are one name; a device that is not there keeps its own."""
    assert expected == one_name(name, lambda: THERE)


def test_steady_name_is_the_one_that_survives_unplugging(tmp_path: Path) -> None:
    """A serial number is the best name, a link of udev the next, and the rest stays."""
    linked = PortInfo("/dev/ttyACM0", "/dev/serial/by-id/usb-pen", "", 0x1209, 1, None)
    link = tmp_path / "pen"
    link.symlink_to("/dev/ttyUSB0")

    assert "usb:0403:6001:AB12" == steady_name("/dev/ttyUSB0", lambda: THERE)
    assert "usb:0403:6001:AB12" == steady_name(str(link), lambda: THERE)
    assert "/dev/serial/by-id/usb-pen" == steady_name("/dev/ttyACM0", lambda: (linked, PLAIN))
    assert "/dev/pts/7" == steady_name("/dev/pts/7", lambda: THERE)
    assert "native+usb:0403:6001:AB12" == steady_address("native+/dev/ttyUSB0", lambda: THERE)
    assert "acme:a/b.toml+socket://h:1" == steady_address("acme:a/b.toml+socket://H:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("usb:0403:6001:CD+3:4", Address("penlink", "", "usb:0403:6001:CD+3:4")),
        ("native+usb:0403:6001:CD+3", Address("native", "", "usb:0403:6001:CD+3")),
    ],
)
def test_choice_stands_where_a_port_stands(text: str, expected: Address) -> None:
    """A driver may come before it, and a plus sign in a serial number makes no driver of it."""
    assert expected == parse_address(text)


def test_unclear_choice_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not exactly one device does not reach the system."""
    opened: list[str] = []
    monkeypatch.setattr(registry, "SerialPort", opened.append)

    with pytest.raises(UnclearPort):
        registry.open_pen("penlink+usb:dead:beef", clock_us=lambda: 0, token_source=lambda: 1)
    assert [] == opened


@pytest.mark.req("SR-058")
@pytest.mark.parametrize("url", ["spy:///dev/ttyUSB0", "hwgrep://tty", "alt:///dev/x", "loop://"])
def test_url_that_may_lead_elsewhere_is_refused(url: str) -> None:
    """Pyserial would open what matches, or a port under a second name, which no STOP would find."""
    with pytest.raises(PortMissing, match="must begin with socket:// or rfc2217://"):
        chosen_url(url)
