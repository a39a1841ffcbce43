"""A tiny Acme pen for the tests: its states, its lease and its word; it has no physics."""

from __future__ import annotations

import struct
import zlib

from acme_pen.lines import opened, sealed
from drivers.registers import Command, Flag, PenState, Result

LIMITS = (2_000, 50, 500, 1_200, 12)
LEASE_MS, SETTLE_MS = 200, 60

_LEADS_TO = {
    Command.OPEN: ((PenState.SAFE,), PenState.SAFE),
    Command.ARM: ((PenState.SAFE, PenState.READY), PenState.READY),
    Command.START: ((PenState.READY,), PenState.RUN),
    Command.RENEW: ((PenState.RUN,), PenState.RUN),
    Command.STOP: (tuple(PenState), PenState.SAFE),
}


class FakeAcme:
    """One pen, switched on at 0; see `hil.contract_port.PenControl`."""

    def __init__(self) -> None:
        self.executed: list[Command] = []
        self.state = PenState.SAFE
        self._armed = (0, 0)
        self._since_ms = self._heard_ms = self._now_ms = 0
        self._last_order = (0, 0)
        self._buffer = b""

    @property
    def is_running(self) -> bool:
        """Whether the motor is driven."""
        return self.state is PenState.RUN

    def is_stop(self, frame: bytes) -> bool:
        """Return whether a line is a STOP."""
        return (opened(frame) or [""])[3:4] == ["STOP"]

    def is_read(self, frame: bytes) -> bool:
        """Return whether a line only asks who is there."""
        return (opened(frame) or [""])[3:4] == ["WHO"]

    def answer(self, frame: bytes, now_us: int) -> bytes:
        """Take what was written and return what comes back."""
        self._now_ms = now_us // 1_000
        if self.is_running and self._now_ms - self._heard_ms >= LEASE_MS:
            self.state = PenState.SAFE
        *lines, self._buffer = (self._buffer + frame).split(b"\n")
        return b"".join(self._reply(line) for line in lines)

    def _reply(self, line: bytes) -> bytes:
        words = opened(line)
        if words is None or words[0] != "REQUEST":
            return b""
        head = ("ANSWER", words[1], words[2])
        if words[3] == "WHO":
            limits_hash = zlib.crc32(struct.pack(">5H", *LIMITS)) & 0xFFFF
            return sealed(*head, "ACME", 7, *LIMITS, limits_hash)
        command = Command[words[3]]
        token, number, wanted = int(words[1], 16), int(words[2]), (int(words[4]), int(words[5]))
        result = self._execute(command, wanted)
        if result is Result.DONE:
            self._last_order = (token & 0xFFFF, number)
        return sealed(*head, "STATUS", *self._status(result))

    def _execute(self, command: Command, wanted: tuple[int, int]) -> Result:
        if command not in _LEADS_TO:
            return Result.NONE
        allowed, after = _LEADS_TO[command]
        if self.state not in allowed:
            return Result.WRONG_STATE
        if command in (Command.START, Command.RENEW) and wanted != self._armed:
            return Result.SETPOINT_CHANGED
        if command is Command.ARM:
            self._armed, self._since_ms = wanted, self._now_ms
        self.state, self._heard_ms = after, self._now_ms
        self.executed.append(command)
        return Result.DONE

    def _status(self, result: Result) -> tuple[int, ...]:
        is_out = self.state in (PenState.READY, PenState.RUN)
        is_settled = is_out and self._now_ms - self._since_ms >= SETTLE_MS
        flags = Flag.CARTRIDGE | (Flag.SETTLED if is_settled else Flag(0))
        flags |= Flag.MOTOR_ON if self.is_running else Flag(0)
        depth_um, speed_dhz = self._armed if is_out else (0, 0)
        measured = (depth_um, speed_dhz if self.is_running else 0, 120 * self.is_running, 2_350)
        head = (self.state, 0, flags, self._now_ms, 1, *self._last_order, result)
        return tuple(map(int, (*head, *measured, 3_900, 0, 0)))
