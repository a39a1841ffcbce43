"""What a link needs of a framing, and what framings have in common; knows no byte of any frame.

A framing turns an order into the bytes of a request, and finds the replies in what comes back. The
rules of docs/protocol.md 7 (`drivers.link`) and the waiting (`drivers.pen`) are the same over each:
Modbus RTU (`drivers.rtu`) and native frames (`drivers.native`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Discard(Enum):
    """Why something that was heard is not believed; the value says it in words."""

    NOISE = "bytes that are no frame"
    FRAME = "a frame that cannot be taken apart"
    CRC16 = "the beginning of a reply, but CRC-16 wrong"
    UNIT = "a frame of another unit"
    FUNCTION = "a frame of another function"
    LENGTH = "a frame of another length"
    EXCEPTION = "an exception that may belong to an earlier request"
    CRC32 = "CRC-32 wrong: another pen, or another block"
    VERSION = "another protocol version"
    VALUE = "a value that the protocol does not know"
    TOKEN = "the answer to another session"  # noqa: S105 - a session's name, not a secret
    SEQUENCE = "the answer to another request"
    LATE = "the answer to an earlier request"
    EPOCH = "the pen has restarted"
    TICK = "no newer than the last status"


DAMAGED = (
    *(Discard.FRAME, Discard.CRC16, Discard.CRC32, Discard.UNIT, Discard.FUNCTION),
    *(Discard.LENGTH, Discard.VERSION, Discard.VALUE),
)
"""What a line does to frames, as far as it can be told apart. Left out are bytes that are no
frame, since one damaged frame leaves some behind, and intact answers that are merely late or not
ours. Source: [SAF] 3.3 W07."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame that answers the expected request in form; its block is not judged yet.

    Args:
        registers: What was read, in the order of the registers; empty for an exception.
        exception: The Modbus exception code, or None.
    """

    registers: tuple[int, ...] = ()
    exception: int | None = None


class Finder(Protocol):
    """Finds the replies of one kind in a byte stream: total, linear, and bounded by 1 KiB."""

    thrown_bytes: int
    """Bytes so far that were part of no reply."""

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes as they came and return the replies that they complete, oldest first."""
        ...


class Framing(Protocol):
    """How blocks travel on one kind of line. It keeps nothing, so that many links may share it."""

    @property
    def speaker(self) -> str:
        """Who would answer in this framing without being a pen, such as "a Modbus device"."""
        ...

    @property
    def needs_gap(self) -> bool:
        """Whether silence separates frames, so that the port's gap must be kept before each."""
        ...

    def identity_request(self) -> bytes:
        """Return the bytes that ask who is there; they change nothing in any device."""
        ...

    def exchange_request(self, order: Sequence[int]) -> bytes:
        """Return the bytes that bring the 10 registers of an order and ask for a status."""
        ...

    def stop_request(self, order: Sequence[int]) -> bytes:
        """Return the bytes that bring a STOP, with what this framing sends ahead of it."""
        ...

    def identity_finder(self, discards: Counter[Discard]) -> Finder:
        """Return what finds the answers to `identity_request`; causes are counted in `discards`."""
        ...

    def status_finder(self, discards: Counter[Discard]) -> Finder:
        """Return what finds the statuses that answer orders; causes are counted in `discards`."""
        ...

    def pairing_request(self, request: Sequence[int]) -> bytes:
        """Return the bytes that bring the 20 registers of a pairing request."""
        ...

    def pairing_finder(self, discards: Counter[Discard]) -> Finder:
        """Return what finds the answers to pairing requests; causes go to `discards`."""
        ...
