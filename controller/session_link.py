"""Opens a port and identifies the pen on it, for as long as a ``with`` block lasts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

from controller.clock import MonotonicClock
from drivers.block import Identity
from drivers.driver import Driver
from drivers.registry import open_pen

IDENTIFY_MS = 800
"""A pen that has not said who it is by then is reported: the whole command must end within 2 s, and
starting its programs takes its share. A pen answers within 25 ms. ASSUMED."""


def fresh_token() -> int:
    """Return a session token that nobody can guess: 1 to 2^32 - 1. Source: docs/protocol.md 3."""
    return secrets.randbelow(2**32 - 1) + 1


def open_link(address: str) -> Driver:
    """Return a link to the pen at an address, on this machine's clock; nobody was asked yet.

    Raises:
        LinkError: If there is no such driver or no such port.
    """
    return open_pen(address, clock_us=MonotonicClock().now_us, token_source=fresh_token)


@contextmanager
def identified(address: str) -> Iterator[tuple[Driver, Identity]]:
    """Yield the link to the pen at an address, and who it is.

    Raises:
        LinkError: If there is no such port, or no pen on it, within 2 s.
    """
    with closing(open_link(address)) as link:
        yield link, link.identify(IDENTIFY_MS)
