"""A device at the far end of a pty, in a process of its own, for the benchmarks of the wire.

It answers function 23 as a pen at rest does (docs/protocol.md 4), functions 03 and 06 as a plain
Modbus device, and stamps every STOP with the monotonic clock in the moment in which it has parsed
it. It is quick and lies only where told to: it may take its time, or never answer what reads.
Shares no code with drivers or simulator.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import struct
import time
import tty
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

SERIAL_NUMBER = 42
UNIT = 1
STOP_ADDRESS = 0x0100
STOP = 5
WORDS = 20
_SALT_READ = b"PENLINK1" + struct.pack(">I", SERIAL_NUMBER) + b"R" + struct.pack(">H", 0x0200)
_SALT_IDENTITY = b"PENLINK1" + bytes(4) + b"I" + bytes(2)
_SIZES = {3: 8, 6: 8, 23: 33}


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc16(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


@dataclass(frozen=True)
class Manner:
    """How the device behaves.

    Args:
        delay_ms: How long it takes before each answer; a request that waits meanwhile is taken in
            after it, as by a device that does one thing at a time.
        lag_ms: How late each answer leaves, while the device goes on listening: a slow bridge.
        answers_reads: Whether it answers anything but a STOP.
        answers_stops: Whether it answers a STOP.
    """

    delay_ms: int = 0
    lag_ms: int = 0
    answers_reads: bool = True
    answers_stops: bool = True


class _Device:
    def __init__(self, fd: int, manner: Manner, stops: Connection) -> None:
        self._fd, self._manner, self._stops = fd, manner, stops
        self._late: list[tuple[int, bytes]] = []
        self._born_ms = time.monotonic_ns() // 1_000_000
        self._tick_ms = 0
        self._last = (0, 0)

    def run(self) -> None:
        buffer = b""
        while True:
            wait_s = None
            if self._late:
                wait_s = max(self._late[0][0] - time.monotonic_ns(), 0) / 1e9
            if select.select([self._fd], [], [], wait_s)[0]:
                try:
                    buffer += os.read(self._fd, 4096)
                except OSError:
                    return
            while len(buffer) > 1 and len(buffer) >= (size := _SIZES.get(buffer[1], 1)):
                frame, buffer = buffer[:size], buffer[size:]
                if crc16(frame[:-2]) == frame[-2:]:
                    self._take(frame)
            self._send_what_is_due()

    def _take(self, frame: bytes) -> None:
        is_stop = (frame[1] == 6 and frame[2:6] == struct.pack(">HH", STOP_ADDRESS, STOP)) or (
            frame[1] == 23 and frame[12] == STOP
        )
        if is_stop:
            self._stops.send(time.monotonic_ns())
        if self._manner.delay_ms:
            time.sleep(self._manner.delay_ms / 1e3)
        if not (self._manner.answers_stops if is_stop else self._manner.answers_reads):
            return
        answer = self._answer(frame)
        if self._manner.lag_ms:
            due_ns = time.monotonic_ns() + self._manner.lag_ms * 1_000_000
            self._late.append((due_ns, answer))
        else:
            os.write(self._fd, answer)

    def _send_what_is_due(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic_ns():
            os.write(self._fd, self._late.pop(0)[1])

    def _answer(self, frame: bytes) -> bytes:
        if frame[1] == 6:
            return frame
        if frame[1] == 3:
            address, count = struct.unpack(">HH", frame[2:6])
            body = self._identity() if address == 0 and count == 32 else self._plain(address, count)
        else:
            body = self._status(frame)
        answer = bytes((UNIT, frame[1], len(body))) + body
        return answer + crc16(answer)

    def _plain(self, address: int, count: int) -> bytes:
        """Registers that tell which address was asked for, so that a wrong pairing shows."""
        return struct.pack(f">{count}H", *((address + n) & 0xFFFF for n in range(count)))

    def _status(self, frame: bytes) -> bytes:
        command, token, sequence = frame[12], struct.unpack(">I", frame[13:17])[0], frame[17:19]
        now_ms = time.monotonic_ns() // 1_000_000 - self._born_ms + 1
        self._tick_ms = max(now_ms, self._tick_ms)
        number = int.from_bytes(sequence, "big")
        if command == STOP:
            self._last = (token & 0xFFFF, number)
        block = struct.pack(
            ">BBBBHHIHHHHhHhhHIH",
            *(1, 1, 0, 4, token & 0xFFFF, number, self._tick_ms & 0xFFFFFFFF, 7, *self._last),
            *(1 if command == STOP else 0, 0, 0, 0, 2350, 3980, number, 0x957A),
        )
        return block + struct.pack(">I", zlib.crc32(_SALT_READ + block))

    def _identity(self) -> bytes:
        block = struct.pack(
            ">IBBIBBHHHHHHHHHHIHH",
            *(0x50454E31, 1, 0, SERIAL_NUMBER, 1, 0, 1, 0x3F, 2500, 50, 500, 1500, 200, 150),
            *(12, 2500, 0xC0FFEE01, 0x957A, 50),
        )
        block += bytes(60 - len(block))
        return block + struct.pack(">I", zlib.crc32(_SALT_IDENTITY + block))


@dataclass
class Wire:
    """The near end.

    Args:
        path: Of the pty, for whoever opens ports by name.
        stops: Gives the monotonic time in nanoseconds of every STOP that the device has parsed.
    """

    path: str
    stops: Connection


@contextmanager
def device(manner: Manner) -> Iterator[Wire]:
    """Run a device for as long as the block lasts."""
    master, slave = os.openpty()
    tty.setraw(slave)
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(
        target=_Device(master, manner, there).run, daemon=True
    )
    process.start()
    os.close(master)
    try:
        yield Wire(os.ttyname(slave), here)
    finally:
        process.kill()
        process.join()
        os.close(slave)
        here.close()
