"""Opens a pen by its address: finds the driver, opens the port, joins them; sends nothing.

Source of the group's name: DESIGN 1.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from drivers.address import parse_address
from drivers.choosing import chosen_url
from drivers.driver import Driver, Opener, Setup, no_keys
from drivers.errors import UnknownDriver
from drivers.port import Port, SerialPort

GROUP = "penpilot.drivers"
"""Entry points that name an `Opener`."""

BROKEN = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, NameError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError),
)
"""What the import of another maker's module may end in: anything but a wish to end."""


def open_pen(
    address: str,
    *,
    clock_us: Callable[[], int],
    token_source: Callable[[], int],
    wrap: Callable[[Port], Port] = lambda port: port,
    keys: Callable[[int], bytes | None] = no_keys,
) -> Driver:
    """Return the driver of the pen at an address, on an open port; nobody was asked anything yet.

    Args:
        address: ``[driver[:argument]+]port``, see `drivers.address`.
        clock_us: The host's monotonic clock, in microseconds.
        token_source: Gives a fresh session token, 1 to 2^32 - 1, that nobody can guess.
        wrap: Puts something between port and driver, such as a trace.
        keys: Returns the key of a paired pen by its serial number, or None.

    Raises:
        UnknownDriver: If no installed driver has that name, or it cannot be loaded; the port was
            not touched.
        UnclearPort: If the port was chosen by properties that not exactly one device has.
        LinkError: If the port does not open, or the driver refuses.
    """
    where = parse_address(address)
    opener = _opener(where.driver, address)
    port = SerialPort(chosen_url(where.url))
    try:
        return opener(Setup(wrap(port), where.argument, clock_us, token_source, keys))
    except BaseException:
        port.close()
        raise


def driver_names() -> list[str]:
    """Return the names of all installed drivers, sorted."""
    return sorted({point.name for point in _points()})


def _opener(name: str, address: str) -> Opener:
    found = [point for point in _points() if point.name == name]
    if len(found) != 1:
        problem = f"{len(found)} installed packages bring it" if found else "none has that name"
        raise UnknownDriver(address, name, problem, tuple(driver_names()))
    try:
        opener: Opener = found[0].load()
    except BROKEN as error:
        raise UnknownDriver(address, name, str(error), tuple(driver_names())) from error
    return opener


def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))
