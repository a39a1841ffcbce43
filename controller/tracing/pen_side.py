"""A recorded pen at a pseudo-terminal, in real time; it understands no byte of what it says.

See `drivers.trace.replay` for what it says and when.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.errors import ConfigError
from drivers.trace.format import TO_HOST, TO_PEN, Event
from drivers.trace.replay import Replay

LINGER_S = 2.0
"""How long a host has to read the last answer before the port goes. ASSUMED."""

READ_BYTES = 4_096


@dataclass(slots=True)
class Served:
    """What came of it.

    Args:
        is_over: Whether all was said.
        events: What went over the line, for a diff or a new trace.
    """

    is_over: bool = False
    events: list[Event] = field(default_factory=list)


def serve_pen(
    replay: Replay, *, speed: float, timeout_s: float, announce: Callable[[str], None]
) -> Served:
    """Serve until all was said, the host has gone, or nobody asked for too long.

    Args:
        replay: What the pen says.
        speed: Times the recorded one; 0 waits for nothing.
        timeout_s: How long to wait for the host's next bytes.
        announce: Told what a host can open.

    Raises:
        ConfigError: If this system has no pseudo-terminals.
    """
    if sys.platform == "win32":
        raise ConfigError("--as", "pen", "must be host on a system without pseudo-terminals")
    import tty  # noqa: PLC0415 not on Windows

    near, far = os.openpty()
    try:
        tty.setraw(far)
        os.set_blocking(near, False)
        announce(os.ttyname(far))
        return _Server(replay, near, far, speed).run(timeout_s)
    finally:
        os.close(near)
        with contextlib.suppress(OSError):
            os.close(far)


class _Server:
    """The loop between host and script.

    Args:
        replay: What the pen says.
        near: Our end.
        far: The host's end, held open until a host is there.
        speed: Times the recorded one.
    """

    def __init__(self, replay: Replay, near: int, far: int, speed: float) -> None:
        self._replay = replay
        self._near = near
        self._far: int | None = far
        self._speed = speed
        self._due: deque[tuple[float, bytes]] = deque()
        self._served = Served()

    def run(self, timeout_s: float) -> Served:
        """Serve to the end."""
        self._plan(self._replay.begin())
        until_s = time.monotonic() + timeout_s
        while not self._served.is_over and time.monotonic() < until_s:
            next_s = self._due[0][0] if self._due else until_s
            wait_s = max(0.0, min(next_s, until_s) - time.monotonic())
            if select.select([self._near], [], [], wait_s)[0]:
                data = self._read()
                if data is None:
                    break
                self._plan(self._replay.hear(len(data)))
                until_s = time.monotonic() + timeout_s
            self._speak()
            self._served.is_over = self._replay.is_over and not self._due
        if self._served.is_over:
            self._linger()
        return self._served

    def _read(self) -> bytes | None:
        """Return what the host said, or None if it has gone."""
        try:
            data = os.read(self._near, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            return None
        if self._far is not None:
            # From now on the host's hanging up is seen.
            os.close(self._far)
            self._far = None
        self._served.events.append(Event(_now_us(), TO_PEN, data))
        return data

    def _plan(self, said: list[tuple[int, bytes]]) -> None:
        now_s = time.monotonic()
        for after_us, data in said:
            after_s = after_us / 1e6 / self._speed if self._speed else 0.0
            self._due.append((now_s + after_s, data))

    def _speak(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            data = self._due.popleft()[1]
            with contextlib.suppress(OSError):  # a host that reads nothing loses it
                os.write(self._near, data)
            self._served.events.append(Event(_now_us(), TO_HOST, data))

    def _linger(self) -> None:
        """Leave the host the time to read what was said last."""
        until_s = time.monotonic() + LINGER_S
        while (left_s := until_s - time.monotonic()) > 0:
            if select.select([self._near], [], [], left_s)[0] and self._read() is None:
                return


def _now_us() -> int:
    return time.monotonic_ns() // 1_000
