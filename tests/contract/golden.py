"""Answers made from the golden status by changing some of its bytes; and a link that met them."""

from __future__ import annotations

import struct

from drivers.link import LinkCore
from drivers.registers import Command, PenState
from drivers.rtu import RTU
from tests.contract.scripted_pen import FRAMES, SERIAL_NUMBER, framed, status_frame

__all__ = [
    "EPOCH",
    "FRAMES",
    "POLL_STATUS",
    "SEQUENCE_ECHO",
    "SERIAL_NUMBER",
    "TICK",
    "TOKEN",
    "TOKEN_ECHO",
    "altered",
    "answer_to",
    "framed",
    "golden_core",
    "polled_core",
    "status_frame",
]

TOKEN = 0x1234ABCD
POLL_STATUS = FRAMES["status of the poll"]
TOKEN_ECHO, SEQUENCE_ECHO, TICK, EPOCH = slice(4, 6), slice(6, 8), slice(8, 12), slice(12, 14)


def altered(part: slice, value: int) -> bytes:
    """Return the golden status of the POLL with other bytes, both checksums right again."""
    block = bytearray(POLL_STATUS[3:39])
    block[part] = value.to_bytes(part.stop - part.start, "big")
    return status_frame(bytes(block))


def answer_to(request: bytes, tick_ms: int, epoch: int = 7, state: int = PenState.SAFE) -> bytes:
    """Return a valid answer to a request."""
    block = bytearray(POLL_STATUS[3:39])
    block[1] = state
    block[TOKEN_ECHO], block[SEQUENCE_ECHO] = request[15:17], request[17:19]
    block[TICK], block[EPOCH] = struct.pack(">I", tick_ms), struct.pack(">H", epoch)
    return status_frame(bytes(block))


def golden_core() -> LinkCore:
    """Return a link to the golden pen, which has not been heard yet."""
    core = LinkCore(TOKEN, RTU)
    core.adopt(SERIAL_NUMBER)
    return core


def polled_core() -> LinkCore:
    """Return the same link after POLL and its answer: epoch 7, tick 5,000, sequence 1."""
    core = golden_core()
    core.request(Command.POLL, now_us=0)
    if core.feed(POLL_STATUS, 300) is None:
        raise AssertionError("the golden status was not believed")
    return core
