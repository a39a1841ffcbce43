"""A pen that answers as the test tells it, and ports to it; typed from docs/protocol.md.

It shares no code with `drivers` or `simulator` but the register map, so that a contract test that
passes against it means that the page was read alike by three hands.
"""

from __future__ import annotations

import os
import select
import struct
import threading
import time
import tomllib
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.registers import Command, Fault, Flag, PenState, Result

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = {
    frame["name"]: bytes.fromhex(frame["hex"])
    for frame in tomllib.loads(
        (Path(__file__).parents[1] / "data" / "frames.toml").read_text(encoding="utf-8")
    )["frame"]
}
SERIAL_NUMBER = 42
PATIENT_US = 500_000
"""For answers that will come: a busy machine is no failure. Silence is waited for no longer than
it must be."""
TOKENS = (0x1234ABCD, 0x5678BEEF, 0x9ABCCAFE)


def crc16(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus bit by bit, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def framed(body: bytes) -> bytes:
    """Return the body with its CRC-16."""
    return body + crc16(body)


def status_frame(block: bytes, serial_number: int = SERIAL_NUMBER, unit_id: int = 1) -> bytes:
    """Return the reply that carries 36 bytes of status, with both checksums."""
    under = b"PENLINK1" + serial_number.to_bytes(4, "big") + b"R" + b"\x02\x00" + block
    crc32 = zlib.crc32(under).to_bytes(4, "big")
    return framed(bytes([unit_id, 0x17, 40]) + block + crc32)


class ScriptedPen:
    """A pen that takes every order in any state, but no OPEN or RESET from before its barrier.

    It has states and no physics.
    """

    def __init__(self) -> None:
        self.state = PenState.SAFE
        self.epoch = 7
        self.tick_ms = 5_000
        self.serial_number = SERIAL_NUMBER
        self.is_mute = False
        self.is_late = False
        self.prefix = b""
        self.requests: list[bytes] = []
        self._barrier_ms = 0
        self._last_order = (0, 0)
        self._result = Result.NONE
        self._held = b""

    def request_size(self, pending: bytes) -> int:
        """Return how many bytes the first of the requests has that are coming in."""
        return 8 if pending[1:2] == b"\x03" else 33

    def answer(self, request: bytes) -> bytes:
        """Return what comes back for one request, empty if nothing does."""
        self.requests.append(request)
        reply = self.prefix + self._reply(request)
        if self.is_mute:
            return b""
        if self.is_late:
            reply, self._held = self._held, reply
            return reply
        held, self._held = self._held, b""
        return held + reply

    def _reply(self, request: bytes) -> bytes:
        if request == FRAMES["identity request"]:
            return FRAMES["identity"]
        if len(request) != 33 or request[:2] != b"\x01\x17":
            return framed(bytes([1, request[1] | 0x80, 1]))
        command = Command(request[12])
        token, sequence, echo_ms, epoch = struct.unpack(">IHIH", request[13:25])
        self.tick_ms = (self.tick_ms + 5) & 0xFFFFFFFF
        is_from_before = echo_ms <= self._barrier_ms or epoch != self.epoch
        if command is Command.POLL:
            self._result = Result.NONE
        elif command in (Command.OPEN, Command.RESET) and is_from_before:
            self._result = Result.STALE_TICK
        else:
            self._take(command)
            self._last_order, self._result = (token & 0xFFFF, sequence), Result.DONE
        return status_frame(self.block(token & 0xFFFF, sequence), self.serial_number)

    def _take(self, command: Command) -> None:
        """Do what is asked; OPEN, RESET and STOP draw a line under what was said before."""
        self.state = {
            Command.OPEN: PenState.SAFE,
            Command.ARM: PenState.READY,
            Command.START: PenState.RUN,
            Command.STOP: PenState.STOPPING,
            Command.RESET: PenState.SAFE,
        }.get(command, self.state)
        if command in (Command.OPEN, Command.RESET, Command.STOP):
            self._barrier_ms = self.tick_ms

    def restart(self) -> None:
        """Boot: the next epoch, tick 0 and no order yet."""
        self.epoch, self.tick_ms, self._barrier_ms = self.epoch + 1, 0, 0
        self.state, self._last_order = PenState.SAFE, (0, 0)

    def block(self, token_echo: int, sequence_echo: int) -> bytes:
        """Return 36 bytes of status without the CRC-32."""
        flags = Flag.CARTRIDGE | (Flag.MOTOR_ON if self.state is PenState.RUN else Flag(0))
        return struct.pack(
            ">BBBBHHIHHHHhHhhHIH",
            1,
            self.state,
            Fault.NONE,
            flags,
            token_echo,
            sequence_echo,
            self.tick_ms,
            self.epoch,
            *self._last_order,
            self._result,
            0,
            0,
            -0x8000,
            2_350,
            3_980,
            1_000,
            0x957A,
        )


class FakeClock:
    """A clock in microseconds that goes on when somebody waits."""

    def __init__(self) -> None:
        self.now_us = 1_000_000

    def __call__(self) -> int:
        """Return the time."""
        return self.now_us


class MemoryPort:
    """A port in memory, in the time of its clock; what is written is answered after 200 us.

    Args:
        clock: The time of port and link.
        answer: Gives the bytes that come back for a request.
        delay_us: How long they take.
    """

    name = "memory"
    gap_us = 0

    def __init__(
        self, clock: FakeClock, answer: Callable[[bytes], bytes], delay_us: int = 200
    ) -> None:
        self.clock = clock
        self.answer = answer
        self.delay_us = delay_us
        self.log: list[tuple[str, bytes]] = []
        self.incoming: list[tuple[int, bytes]] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """See `drivers.port.Port.write`."""
        self.log.append(("write", data))
        self.send_later(self.answer(data), self.delay_us)

    def send_later(self, data: bytes, delay_us: int) -> None:
        """Let bytes arrive after a while."""
        if data:
            self.incoming.append((self.clock.now_us + delay_us, data))
            self.incoming.sort(key=lambda event: event[0])

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """See `drivers.port.Port.read`."""
        self.log.append(("read", b""))
        until_us = self.clock.now_us + timeout_us
        if wake_fd is not None and select.select([wake_fd], [], [], 0)[0]:
            return b""
        if self.incoming and self.incoming[0][0] <= until_us:
            self.clock.now_us = max(self.clock.now_us, self.incoming[0][0])
            return self.drain()
        self.clock.now_us = until_us
        return b""

    def drain(self) -> bytes:
        """See `drivers.port.Port.drain`."""
        self.log.append(("drain", b""))
        here = [data for due_us, data in self.incoming if due_us <= self.clock.now_us]
        del self.incoming[: len(here)]
        return b"".join(here)

    def close(self) -> None:
        """See `drivers.port.Port.close`."""
        self.is_closed = True

    @property
    def writes(self) -> list[bytes]:
        """Every frame that was written."""
        return [data for kind, data in self.log if kind == "write"]


class ServedPen:
    """A scripted pen at a file descriptor, answered by a thread until it is closed."""

    def __init__(self, pen: ScriptedPen, fd: int) -> None:
        self._pen = pen
        self._fd = fd
        self._quit_read, self._quit_write = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        pending = b""
        while True:
            ready, _, _ = select.select([self._fd, self._quit_read], [], [])
            data = b"" if self._quit_read in ready else os.read(self._fd, 1_024)
            if not data:
                return
            pending += data
            while (size := self._pen.request_size(pending)) <= len(pending):
                request, pending = pending[:size], pending[size:]
                os.write(self._fd, self._pen.answer(request))

    def close(self) -> None:
        """End the thread; the file descriptor stays its owner's."""
        os.write(self._quit_write, b"q")
        self._thread.join()
        os.close(self._quit_read)
        os.close(self._quit_write)


def monotonic_us() -> int:
    """Return the machine's own time."""
    return time.monotonic_ns() // 1_000
