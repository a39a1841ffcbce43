"""Every error says what happened, what the pen is doing and what to do next."""

from __future__ import annotations

import pickle

import pytest

from drivers.errors import (
    DeviceError,
    LinkError,
    LinkLost,
    PortBusy,
    PortDenied,
    PortMissing,
    Preempted,
    SilentDevice,
    UnclearPort,
    UnsuitablePen,
    WrongDevice,
)

ERRORS = [
    PortMissing("/dev/ttyUSB7", "No such file or directory"),
    PortBusy("/dev/ttyUSB7", "Resource temporarily unavailable"),
    PortDenied("/dev/ttyUSB7", "Permission denied"),
    UnclearPort("/dev/ttyUSB7", "no port is this device", ("usb:0403:6001:AB12 Bridge",)),
    LinkLost("/dev/ttyUSB7", "Input/output error"),
    Preempted("/dev/ttyUSB7"),
    SilentDevice("/dev/ttyUSB7", 1_500),
    WrongDevice("/dev/ttyUSB7", "a Modbus device that is no pen"),
    UnsuitablePen("/dev/ttyUSB7", ("lease", "depth sense")),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.req("SR-017")
def test_error_says_port_pen_and_what_to_do(error: LinkError) -> None:
    """One line: the port and what happened, then the pen or its owner, then a next step."""
    text = str(error)

    assert text.startswith("/dev/ttyUSB7: ")
    assert "\n" not in text
    assert "pen" in text
    assert text.count(". ") >= 2


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_error_survives_the_way_to_another_process(error: LinkError) -> None:
    """Pickled and back, fields and text are the same."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (type(error), vars(error), str(error)) == (type(again), vars(again), str(again))


def test_tree_parts_port_from_device() -> None:
    """What the far end is to blame for is a DeviceError, and all are LinkErrors."""
    assert [False] * 6 + [True] * 3 == [isinstance(error, DeviceError) for error in ERRORS]
    assert all(isinstance(error, LinkError) for error in ERRORS)


@pytest.mark.parametrize("error", [ERRORS[0], ERRORS[4]], ids=["missing", "lost"])
def test_time_of_standstill_is_said_of_pen_link_alone(error: LinkError) -> None:
    """A port does not know whose pen it leads to; a plain one may have a watchdog of 1 s."""
    assert "its own lease or watchdog (Pen Link: within 251 ms)" in str(error)


def test_unsuitable_pen_asks_for_what_is_missing_and_nothing_else() -> None:
    """A plain pen without a watchdog is not told to have a depth sensor."""
    text = str(UnsuitablePen("p", ("watchdog",)))

    assert "lacks watchdog" in text
    assert "depth sensor" not in text


def test_fields_are_kept() -> None:
    """Errors carry fields, so that nobody has to read their text."""
    assert ("lease", "depth sense") == UnsuitablePen("p", ("lease", "depth sense")).missing
    assert "a Pen Link 1 pen" == WrongDevice("p", "x").expected
    assert 1_500 == SilentDevice("p", 1_500).waited_ms
