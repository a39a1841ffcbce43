"""Native frames: requests as bytes, replies out of a byte stream; knows no session and no port.

::

    00 | COBS( COBS( kind, block ) with 00 and E5 exchanged ) | 00

    E5    the stop byte, anywhere: the pen stops

Neither 0x00 nor 0xE5 occurs between the delimiters, so that either means the same wherever it
stands. The block's CRC-32 covers the kind as well: the kind is the block's direction.

Source: docs/protocol.md 10.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers import cobs
from drivers.errors import BadAddress
from drivers.framing import Discard, Finder, Reply
from drivers.pen import PenLink
from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    STATUS,
    Block,
)

if TYPE_CHECKING:
    from drivers.driver import Setup

DELIMITER = b"\x00"
STOP_BYTE = b"\xe5"

STOP_BYTES = 3 * STOP_BYTE
"""What goes before a framed STOP: a byte may be lost, or two. Source: docs/protocol.md 10."""

FRAME_BYTES_MAX = 1 + 2 * IDENTITY.words + 2
"""Longest frame between its delimiters: kind, identity, and one byte for each COBS."""

_EXCHANGED = bytes.maketrans(DELIMITER + STOP_BYTE, STOP_BYTE + DELIMITER)
_PIECE = 512  # with the rest of a frame before it, no more than 1 KiB is looked at at once


def frame(body: bytes) -> bytes:
    """Return a frame with its delimiters.

    Args:
        body: Kind and block, 1 to 65 bytes.
    """
    return DELIMITER + cobs.encode(cobs.encode(body).translate(_EXCHANGED)) + DELIMITER


def unframe(data: bytes) -> bytes | None:
    """Return the body of what came between two delimiters, or None if it is no frame."""
    if STOP_BYTE in data or len(data) > FRAME_BYTES_MAX:
        return None
    inner = cobs.decode(data)
    return None if inner is None else cobs.decode(inner.translate(_EXCHANGED))


class NativeFinder:
    """Finds the replies that carry one block. See `drivers.framing.Finder`.

    Whatever else stands between two delimiters is counted by cause in `discards`.

    Args:
        block: What the replies carry.
        discards: Where causes are counted.
    """

    def __init__(self, block: Block, discards: Counter[Discard]) -> None:
        self._kind = block.direction
        self._size = 1 + 2 * block.words
        self._registers = struct.Struct(f">{block.words}H")
        self._discards = discards
        self._rest = b""
        self.thrown_bytes = 0

    def feed(self, data: bytes) -> list[Reply]:
        """See `drivers.framing.Finder.feed`."""
        replies: list[Reply] = []
        for start in range(0, len(data), _PIECE):
            *ended, rest = (self._rest + data[start : start + _PIECE]).split(DELIMITER)
            for chunk in filter(None, ended):
                replies += self._read(chunk)
            # One byte more than a frame has is enough to know that this is none.
            self._rest = rest[-FRAME_BYTES_MAX - 1 :]
            if overlong := len(rest) - len(self._rest):
                self._throw(overlong, Discard.NOISE)
        return replies

    def _read(self, chunk: bytes) -> list[Reply]:
        """Return the reply in what came between two delimiters, if it is one."""
        body = unframe(chunk)
        if body is not None and body[:1] == self._kind and len(body) == self._size:
            return [Reply(self._registers.unpack_from(body, 1))]
        if body is None:
            cause = Discard.FRAME
        else:
            cause = Discard.FUNCTION if body[:1] != self._kind else Discard.LENGTH
        self._throw(len(chunk), cause)
        return []

    def _throw(self, count: int, cause: Discard) -> None:
        self.thrown_bytes += count
        self._discards[cause] += 1


class NativeFraming:
    """Pen Link 1 in native frames, for one pen on a line of its own."""

    speaker = "a device on native frames"
    needs_gap = False

    def identity_request(self) -> bytes:
        """See `drivers.framing.Framing`: the kind of an identity without one."""
        return frame(IDENTITY.direction)

    def exchange_request(self, order: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: a frame with the order."""
        return frame(ORDER.direction + struct.pack(f">{len(order)}H", *order))

    def stop_request(self, order: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: the stop byte three times, and a frame with the order."""
        return STOP_BYTES + self.exchange_request(order)

    def identity_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return NativeFinder(IDENTITY, discards)

    def status_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return NativeFinder(STATUS, discards)

    def pairing_request(self, request: Sequence[int]) -> bytes:
        """See `drivers.framing.Framing`: a frame with the request."""
        return frame(PAIRING_REQUEST.direction + struct.pack(f">{len(request)}H", *request))

    def pairing_finder(self, discards: Counter[Discard]) -> Finder:
        """See `drivers.framing.Framing`."""
        return NativeFinder(PAIRING_ANSWER, discards)


def open_native(setup: Setup) -> PenLink:
    """Return a link to a Pen Link 1 pen on native frames; the driver ``native``.

    Raises:
        BadAddress: If there is an argument.
    """
    if setup.argument:
        rule = f"argument = {setup.argument!r}: native frames have none, a line has one pen"
        raise BadAddress(setup.port.name, rule)
    return PenLink(setup.port, setup.clock_us, setup.token_source, NativeFraming(), setup.keys)
