"""A link in memory before a scripted pen, for tests of the shell around the link's core."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from drivers.pen import PenLink
from tests.contract.scripted_pen import FakeClock, MemoryPort, ScriptedPen


class Bench:
    """A link in memory, its pen, its port and its clock; what was written, and when."""

    def __init__(self) -> None:
        self.pen = ScriptedPen()
        self.clock = FakeClock()
        self.port = MemoryPort(self.clock, self._answer)
        self.link = PenLink(self.port, self.clock, itertools.count(0x1234ABCD).__next__)
        self.written_us: list[int] = []
        self.rewrite: Callable[[bytes, bytes], bytes] = lambda _, reply: reply

    def _answer(self, request: bytes) -> bytes:
        self.written_us.append(self.clock.now_us)
        return self.rewrite(request, self.pen.answer(request))

    def commands_since(self, count: int) -> list[int]:
        """Return the command byte of every frame but the first so many."""
        return [frame[12] for frame in self.port.writes[count:]]
