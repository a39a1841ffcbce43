"""What every pen must be to its host, whoever made it; it drives nothing itself.

A driver joins an open `Port` with the rules of one kind of pen. The host calls it from one thread,
and it owns the port from then on. Drivers are found by name through the entry points of the group
``penpilot.drivers``: each names an `Opener`. docs/your-own-pen.md leads through writing one, and
`hil.contract` holds the tests that all of them pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drivers.block import Identity
from drivers.exchange import Exchange, LinkMetrics
from drivers.port import Port
from drivers.registers import Command


class Driver(Protocol):
    """A host's side of one pen. One owner, one thread."""

    identity: Identity | None
    """Who was identified, or None. `identify` sets it, and whatever loses the pen clears it."""

    @property
    def epoch(self) -> int | None:
        """Boot number of the identified pen, or None."""
        ...

    @property
    def discarded(self) -> int:
        """Damaged frames since the port was opened; never falls."""
        ...

    def identify(self, timeout_ms: int = ..., wake_fd: int | None = None) -> Identity:
        """Find out who is there by reading alone; ends within 2 s, whatever the line does.

        Args:
            timeout_ms: For the first answer, in milliseconds.
            wake_fd: Readable when a STOP is wanted: all of this then ends at once.

        Raises:
            Preempted: If the wake ended it; the pen counts as not identified.
            SilentDevice: If nothing is heard at all.
            WrongDevice: If what is heard is no pen of this kind.
            UnsuitablePen: If it lacks what safety stands on.
            UnprovenPen: If a key is known for it and it does not prove to hold it.
            LinkLost: If the port goes away.
        """
        ...

    def exchange(
        self,
        command: Command,
        *,
        depth_um: int = 0,
        speed_dhz: int = 0,
        timeout_us: int = ...,
        attempts: int = 1,
        wake_fd: int | None = None,
    ) -> Exchange:
        """Ask one thing and return how it ended; see `drivers.pen.PenLink.exchange`."""
        ...

    def stop(self, *, timeout_us: int = ..., attempts: int = ...) -> Exchange:
        """Stop the pen in every state of the link, before identification too."""
        ...

    def metrics(self) -> LinkMetrics:
        """Return what the link has counted and measured so far."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


@runtime_checkable
class Pairable(Protocol):
    """What a driver adds whose pens can be paired; see docs/protocol.md 11."""

    def agree(self, private_key: bytes) -> bytes | None:
        """Agree with the identified pen on a new key; None while its button is not held."""
        ...

    def prove(self, key: bytes) -> Identity:
        """Let the identified pen and this host prove to each other that they hold the key."""
        ...


def no_keys(serial_number: int) -> None:
    """Know no key of any pen: whoever only looks at a pen, or stops it, needs none."""
    del serial_number


@dataclass(frozen=True, slots=True)
class Setup:
    """What an opener is given.

    Args:
        port: An open port, which belongs to the driver from now on.
        argument: What stood behind the driver's name in the address, such as a file; often empty.
        clock_us: The host's monotonic clock, in microseconds.
        token_source: Gives a fresh session token, 1 to 2^32 - 1, that nobody can guess.
        keys: Returns the key of a paired pen by its serial number, or None. `identify` then refuses
            a pen that does not prove to hold it.
    """

    port: Port
    argument: str
    clock_us: Callable[[], int]
    token_source: Callable[[], int]
    keys: Callable[[int], bytes | None] = no_keys


Opener = Callable[[Setup], Driver]
"""What an entry point of the group ``penpilot.drivers`` names. It may raise `LinkError`, and writes
nothing to the port: whoever is there is not known yet."""
