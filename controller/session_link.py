"""Opens a port and identifies the pen on it, for as long as a ``with`` block lasts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from controller.clock import MonotonicClock
from controller.config import home
from controller.portlock import LockedPort, PortLock
from drivers.address import parse_address
from drivers.block import Identity
from drivers.driver import Driver, no_keys
from drivers.port import Port
from drivers.registry import open_pen

IDENTIFY_MS = 800
"""A pen that has not said who it is by then is reported: the whole command must end within 2 s, and
starting its programs takes its share. A pen answers within 25 ms. ASSUMED."""


def fresh_token() -> int:
    """Return a session token that nobody can guess: 1 to 2^32 - 1. Source: docs/protocol.md 3."""
    return secrets.randbelow(2**32 - 1) + 1


def open_link(
    address: str,
    *,
    is_exclusive: bool = True,
    wrap: Callable[[Port], Port] = lambda port: port,
    keys: Callable[[int], bytes | None] = no_keys,
) -> Driver:
    """Return a link to the pen at an address, on this machine's clock; nobody was asked yet.

    Args:
        address: ``[driver[:argument]+]port``, see `drivers.address`.
        is_exclusive: Whether a remote port is kept from our other programs (`controller.portlock`).
            Only a STOP asks for no lock: it must not have to wait for anybody.
        wrap: Puts something between port and driver, such as a trace.
        keys: The keys of paired pens. Who only looks at a pen, or stops it, hands none over: a pen
            that does not prove itself would else not be identified.

    Raises:
        LinkError: If there is no such driver or no such port, or another program holds it.
        ConfigError: If a lock is needed, and the data folder cannot be written to.
    """
    clock_us = MonotonicClock().now_us
    if not is_exclusive:
        return open_pen(address, clock_us=clock_us, token_source=fresh_token, wrap=wrap)
    lock = PortLock(home(os.environ), parse_address(address).url)
    try:
        return open_pen(
            address,
            clock_us=clock_us,
            token_source=fresh_token,
            wrap=lambda port: wrap(LockedPort(port, lock)),
            keys=keys,
        )
    except BaseException:
        lock.release()
        raise


@contextmanager
def identified(
    address: str, *, keys: Callable[[int], bytes | None] = no_keys
) -> Iterator[tuple[Driver, Identity]]:
    """Yield the link to the pen at an address, and who it is.

    Raises:
        LinkError: If there is no such port, or no pen on it, within 2 s.
    """
    with closing(open_link(address, keys=keys)) as link:
        yield link, link.identify(IDENTIFY_MS)
