"""Asks who is there, by reading alone, and takes no longer than it was given; orders nothing.

Nothing is written to a device before this has found a pen with lease and depth sense (SR-015).
The question changes nothing in any device.

Source: docs/protocol.md 2.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from drivers.block import Defect, Identity, decode_identity
from drivers.errors import Preempted, SilentDevice, UnsuitablePen, WrongDevice
from drivers.framing import Discard, Framing, Reply
from drivers.port import is_readable
from drivers.registers import Capability

if TYPE_CHECKING:
    from drivers.line import Line

ATTEMPTS = 5
"""How often the identity is asked for. ASSUMED: a line that loses five answers is no line."""

ATTEMPT_US = 300_000
"""Longest wait for one identity. ASSUMED: 7 ms of wire, 16 ms of USB bridge, a busy host."""

NEEDED = {Capability.LEASE: "lease", Capability.DEPTH_SENSE: "depth sense"}
"""No pen is driven without these. Source: docs/protocol.md 2."""

_FOUND = {
    Defect.VERSION: "a pen of another protocol version",
    Defect.CRC32: "an identity whose CRC-32 is wrong",
}


class _Inquiry:
    """What has been heard in answer to the question, over all attempts."""

    def __init__(self, framing: Framing) -> None:
        self.identity: Identity | None = None
        self._found = ""
        self._discards: Counter[Discard] = Counter()
        self._finder = framing.identity_finder(self._discards)
        self._speaker = framing.speaker

    def hear(self, data: bytes) -> bool:
        """Take bytes and return whether they answered, with an identity or otherwise."""
        replies = self._finder.feed(data)
        for reply in replies:
            self._judge(reply)
        return bool(replies)

    def _judge(self, reply: Reply) -> None:
        if reply.exception is not None:
            self._found = f"{self._speaker} that answers with exception {reply.exception:02X}"
            return
        identity = decode_identity(reply.registers)
        if identity is Defect.MAGIC:
            self._found = f"{self._speaker} that is no pen"
        elif isinstance(identity, Defect):
            self._found = _FOUND.get(identity, identity.value)
        else:
            self.identity = identity

    @property
    def found(self) -> str:
        """What is there instead of a pen; empty if nothing was heard at all."""
        if self._found or not self._finder.thrown_bytes:
            return self._found
        causes = ", ".join(sorted(cause.value for cause in self._discards))
        return f"{self._finder.thrown_bytes} bytes that are no answer ({causes})"


def read_identity(
    line: Line, framing: Framing, timeout_ms: int, wake_fd: int | None = None
) -> Identity:
    """Return who is there, if it is a pen that may be driven.

    Args:
        line: The line to ask on; it must have no request in flight.
        framing: How the question travels, and its answer.
        timeout_ms: This takes no longer, in milliseconds, whatever the line does.
        wake_fd: Readable when a STOP is wanted.

    Raises:
        Preempted: If the wake came.
        SilentDevice: If nothing is heard at all.
        WrongDevice: If what is heard is no valid identity.
        UnsuitablePen: If it is a pen without lease or without depth sense.
        LinkLost: If the port goes away.
    """
    name = line.port.name
    deadline_us = line.clock_us() + 1_000 * timeout_ms
    inquiry = _Inquiry(framing)
    for _ in range(ATTEMPTS):
        inquiry.hear(line.settle(wake_fd))
        _heed(wake_fd, name)
        if inquiry.identity is not None or line.clock_us() >= deadline_us:
            break
        line.port.write(framing.identity_request())
        until_us = min(line.clock_us() + ATTEMPT_US, deadline_us)
        while line.clock_us() < until_us and not inquiry.hear(line.listen(until_us, wake_fd)):
            _heed(wake_fd, name)
    if inquiry.identity is not None:
        return _suitable(inquiry.identity, name)
    if inquiry.found:
        raise WrongDevice(name, inquiry.found)
    raise SilentDevice(name, timeout_ms)


def _heed(wake_fd: int | None, port_name: str) -> None:
    if is_readable(wake_fd):
        raise Preempted(port_name)


def _suitable(identity: Identity, port_name: str) -> Identity:
    missing = tuple(
        name for capability, name in NEEDED.items() if not capability & identity.capabilities
    )
    if missing:
        raise UnsuitablePen(port_name, missing)
    return identity
