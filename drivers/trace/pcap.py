"""A trace as pcapng that Wireshark opens without any setting; it opens no file.

::

    Ethernet | IPv4 192.0.2.1 <-> 192.0.2.2 | TCP port 502 | MBAP | unit, function, data
    Ethernet type 0x88B5                    | damaged bytes, native frames, notes

Why not Modbus RTU as it is: see docs/traces.md.

Source: RFC 9293 (TCP), RFC 791 (IPv4), RFC 5737 (addresses), IEEE 802 (local experimental type),
Modbus messaging on TCP/IP V1.0b 3.1.3 (MBAP), IETF draft-ietf-opsawg-pcapng (blocks).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator

from drivers.trace.format import NOTE, TO_PEN
from drivers.trace.frames import Frame, is_answer_to

MODBUS_PORT = 502
HOST_PORT = 50_200
_HOST, _PEN = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
_MACS = {_HOST: bytes.fromhex("020000000001"), _PEN: bytes.fromhex("020000000002")}
_IPV4, _EXPERIMENTAL = b"\x08\x00", b"\x88\xb5"
_ETHERNET = 1
_REMEMBERED = 32
"""Requests that a late answer may belong to. ASSUMED: as `drivers.link`."""

_COMMENT_MAX = 4_000


def export(frames: Iterable[Frame], *, is_modbus: bool, start_us: int) -> Iterator[bytes]:
    """Yield a pcapng file, block by block.

    Args:
        frames: What the trace holds.
        is_modbus: Whether intact frames are Modbus RTU.
        start_us: What is added to every time, so that it counts from 1970 in UTC.
    """
    yield _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    yield _block(1, struct.pack("<HHI", _ETHERNET, 0, 0))
    talk = _Talk()
    for frame in frames:
        if frame.kind == "line":
            continue
        if is_modbus and frame.direction != NOTE and frame.kind != "bytes":
            packet = talk.modbus(frame)
        else:
            packet = _ethernet(frame.direction, _EXPERIMENTAL, frame.data)
        yield _packet(start_us + frame.until_us, packet, _comment(frame))


def _comment(frame: Frame) -> str:
    defect = f"DAMAGED: {frame.defect}. " if frame.defect else ""
    raw = "" if frame.direction == NOTE else f" | {frame.data.hex(' ')}"
    return f"{frame.direction} {defect}{frame.text}{raw}"[:_COMMENT_MAX]


class _Talk:
    """One connection: byte counters, and which request an answer belongs to."""

    def __init__(self) -> None:
        self._sent = {_HOST: 1, _PEN: 1}
        self._transaction = 0
        self._asked: deque[tuple[int, Frame]] = deque(maxlen=_REMEMBERED)
        self._packets = 0

    def modbus(self, frame: Frame) -> bytes:
        """Return the packet of an intact Modbus RTU frame."""
        unit, pdu = frame.data[:1], frame.data[1:-2]
        if frame.direction == TO_PEN:
            self._transaction = self._transaction % 0xFFFF + 1
            self._asked.append((self._transaction, frame))
        transaction = self._transaction_of(frame)
        message = struct.pack(">HHH", transaction, 0, 1 + len(pdu)) + unit + pdu
        return self._tcp(frame.direction, message)

    def _transaction_of(self, frame: Frame) -> int:
        for transaction, request in reversed(self._asked):
            if request is frame or is_answer_to(frame, request):
                return transaction
        return self._transaction

    def _tcp(self, direction: str, data: bytes) -> bytes:
        source, target = (_HOST, _PEN) if direction == TO_PEN else (_PEN, _HOST)
        ports = (HOST_PORT, MODBUS_PORT) if direction == TO_PEN else (MODBUS_PORT, HOST_PORT)
        number, acknowledged = self._sent[source], self._sent[target]
        self._sent[source] = (number + len(data)) & 0xFFFF_FFFF
        self._packets = (self._packets + 1) & 0xFFFF
        push_and_ack, window = 0x5018, 0xFFFF
        tcp = struct.pack(">HHIIHHHH", *ports, number, acknowledged, push_and_ack, window, 0, 0)
        pseudo = source + target + struct.pack(">HH", 6, len(tcp) + len(data))
        tcp = tcp[:16] + _checksum(pseudo + tcp + data) + tcp[18:]
        size = 20 + len(tcp) + len(data)
        ip = struct.pack(">HHHHBBH", 0x4500, size, self._packets, 0x4000, 64, 6, 0)
        ip = ip[:10] + _checksum(ip + source + target) + source + target
        return _ethernet(direction, _IPV4, ip + tcp + data)


def _ethernet(direction: str, kind: bytes, data: bytes) -> bytes:
    source, target = (_PEN, _HOST) if direction == "<" else (_HOST, _PEN)
    return b"".join((_MACS[target], _MACS[source], kind, data))


def _checksum(data: bytes) -> bytes:
    """Return the checksum of the internet. Source: RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def _packet(at_us: int, data: bytes, comment: str) -> bytes:
    at_us = max(at_us, 0)
    head = struct.pack(
        "<IIIII", 0, at_us >> 32 & 0xFFFF_FFFF, at_us & 0xFFFF_FFFF, *[len(data)] * 2
    )
    text = comment.encode()
    options = struct.pack("<HH", 1, len(text)) + _padded(text) + struct.pack("<HH", 0, 0)
    return _block(6, head + _padded(data) + options)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
