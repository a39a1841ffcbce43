"""Opens a port and identifies the pen on it, for as long as a ``with`` block lasts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from controller.clock import MonotonicClock
from drivers.block import Identity
from drivers.pen import PenLink
from drivers.port import SerialPort

IDENTIFY_MS = 800
"""A pen that has not said who it is by then is reported: the whole command must end within 2 s, and
starting its programs takes its share. A pen answers within 25 ms. ASSUMED."""


def fresh_token() -> int:
    """Return a session token that nobody can guess: 1 to 2^32 - 1. Source: docs/protocol.md 3."""
    return secrets.randbelow(2**32 - 1) + 1


def link_to(port: SerialPort) -> PenLink:
    """Return a link over an open port, on this machine's clock."""
    return PenLink(port, MonotonicClock().now_us, fresh_token)


@contextmanager
def identified(port: str) -> Iterator[tuple[PenLink, Identity]]:
    """Yield the link to the pen on a port, and who it is.

    Raises:
        LinkError: If there is no such port, or no pen on it, within 2 s.
    """
    with SerialPort(port) as opened:
        link = link_to(opened)
        yield link, link.identify(IDENTIFY_MS)
