"""The scripted pen in native frames, typed from docs/protocol.md 10 by a third hand.

It shares no code with `drivers` or `simulator`. Inside it is the scripted pen: what it is asked is
kept as the Modbus frame of the same order, so that a contract reads both alike.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from drivers.registers import Command
from tests.contract.scripted_pen import FRAMES, ScriptedPen, framed

NATIVE_FRAMES = {
    frame["name"]: bytes.fromhex(frame["hex"])
    for frame in tomllib.loads(
        (Path(__file__).parents[1] / "data" / "native_frames.toml").read_text(encoding="utf-8")
    )["frame"]
}
STOP_BYTE = b"\xe5"
EXCHANGE_HEAD = bytes.fromhex("01 17 02 00 00 14 01 00 00 0A 14")


def stuffed(body: bytes) -> bytes:
    """Return the body with a code byte before each run up to a zero."""
    runs = re.findall(rb"([^\0]*)\0", body + b"\0")
    return b"".join(bytes([1 + len(run)]) + run for run in runs)


def unstuffed(data: bytes) -> bytes:
    """Return the body of a good frame; a bad one raises."""
    body = b""
    while data:
        body, data = body + data[1 : data[0]] + b"\0", data[data[0] :]
    return body[:-1]


def exchanged(data: bytes) -> bytes:
    """Return the bytes with 0x00 and 0xE5 in each other's place."""
    return bytes({0x00: 0xE5, 0xE5: 0x00}.get(byte, byte) for byte in data)


def native_frame(body: bytes) -> bytes:
    """Return a frame with its delimiters."""
    return b"\0" + stuffed(exchanged(stuffed(body))) + b"\0"


def native_body(frame: bytes) -> bytes:
    """Return kind and block of a good frame with its delimiters."""
    return unstuffed(exchanged(unstuffed(frame.strip(b"\0"))))


def as_native(reply: bytes) -> bytes:
    """Return a Modbus reply with an identity or a status as a native frame."""
    kind = {0x03: b"I", 0x17: b"R"}[reply[1]]
    return native_frame(kind + reply[3:-2])


class ScriptedNativePen(ScriptedPen):
    """A scripted pen that hears and speaks native frames; stop bytes are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_bytes = 0

    def request_size(self, pending: bytes) -> int:
        """Return where the first request ends: with its second delimiter."""
        return pending.index(b"\0", pending.index(b"\0") + 1) + 1 if pending.count(0) > 1 else 1_000

    def answer(self, request: bytes) -> bytes:
        """Return what comes back for one request, which may have stop bytes before it."""
        frame = request.lstrip(STOP_BYTE)
        self.stop_bytes += len(request) - len(frame)
        if frame != request:
            self._take(Command.STOP)
        if frame == NATIVE_FRAMES["identity request"]:
            return super().answer(FRAMES["identity request"])
        body = native_body(frame)
        if len(body) != 21 or body[:1] != b"W":
            raise AssertionError(f"no request of docs/protocol.md 10: {request.hex(' ')}")
        return super().answer(framed(EXCHANGE_HEAD + body[1:]))

    def _reply(self, request: bytes) -> bytes:
        return as_native(super()._reply(request))
