"""Keys of a terminal, without waiting for Enter; it knows only what a key stands for.

Space, Esc and Ctrl-C are STOP. An Esc that begins the sequence of an arrow key is STOP as well: a
key too much stops, a key too little would not.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

MEANINGS = {" ": "stop", "\x1b": "stop", "\x03": "stop", "s": "stop", "p": "pause", "d": "done"}
MEANINGS |= {"\r": "go", "\n": "go", "r": "go", "a": "seen", "m": "mute", "q": "quit"}


def meaning(character: str) -> str | None:
    """Return what a key stands for, or None.

    Returns:
        ``stop``, ``go``, ``pause``, ``done``, ``seen`` (the alarms), ``mute`` (their sound)
        or ``quit`` (a session that has ended; to any other it is STOP).
    """
    return MEANINGS.get(character.lower())


class Keys:
    """Reads keys while it is entered; does nothing where standard input is not a terminal."""

    def __init__(self) -> None:
        """Look whether there is a terminal."""
        self.is_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._restore: Any = None

    def __enter__(self) -> Self:
        """Take the terminal out of line mode; Ctrl-C goes on to send its signal."""
        if self.is_terminal and sys.platform != "win32":
            import termios  # noqa: PLC0415 not on Windows
            import tty  # noqa: PLC0415 not on Windows

            self._restore = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back as it was."""
        if self._restore is not None and sys.platform != "win32":
            import termios  # noqa: PLC0415 not on Windows

            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._restore)

    def pressed(self) -> list[str]:
        """Return what the keys that were pressed stand for, in order; never waits."""
        if not self.is_terminal:
            return []
        return [known for character in _waiting() if (known := meaning(character)) is not None]


def _waiting() -> Iterator[str]:
    """Yield the characters that wait at the terminal."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 only on Windows

        while msvcrt.kbhit():
            yield msvcrt.getwch()
        return
    descriptor = sys.stdin.fileno()
    while select.select([descriptor], [], [], 0)[0]:
        data = os.read(descriptor, 64)
        if not data:
            return
        yield from data.decode("utf-8", "replace")
