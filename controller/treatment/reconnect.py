"""Waits for a pen that was lost, and for a person to go on with it; it moves nothing.

A lost link ends the control process, and so does everything that it knew. Who goes on starts a new
one: it takes the locks, opens the port, asks who is there, looks at the line, tests the pen and
settles the interrupted pass by the pen's own stroke counter, as ``--resume`` always does. Nothing
is armed by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controller.errors import ControllerError, ExitCode
from controller.session_link import identified
from drivers.errors import LinkError

WAIT_S = 30.0
"""A pen that has not come back by then is not waited for. ASSUMED: a plug found and put back."""

DECIDE_S = 120.0
"""Nobody who has not gone on by then is waited for. ASSUMED: time to look at pen and patient."""

LOOK_S = 0.5
"""Between two looks for the pen. ASSUMED: nobody notices, and no port is worn by it."""

KEYS_S = 0.05
"""Between two looks at the keys."""

_NO = frozenset({"stop", "quit"})


class _LeftError(Exception):
    """Somebody does not want to wait."""


class Pressed(Protocol):
    """Where keys come from."""

    def pressed(self) -> list[str]:
        """Return what the keys that were pressed stand for."""
        ...


@dataclass(frozen=True, slots=True)
class News:
    """What is told while waiting.

    Args:
        state: ``waiting``, ``back``, ``other-pen``, ``gone`` or ``left``.
        text: For the person.
    """

    state: str
    text: str


def is_lost(closed: Mapping[str, Any] | None) -> bool:
    """Return whether a session ended because its link was lost, and by nothing worse.

    Args:
        closed: The closing frame, or None if the control process went silent.
    """
    if closed is None or not closed["link_failure"]:
        return False
    has_ended_so = (closed["outcome"], closed["exit_code"]) == ("interrupted", int(ExitCode.LINK))
    return bool(has_ended_so)


def come_back(
    port: str,
    serial_number: int,
    keys: Pressed,
    tell: Callable[[News], None],
    *,
    look: Callable[[str], int | None] | None = None,
    now_s: Callable[[], float] = time.monotonic,
    wait_s: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait for the same pen on the same port, then for a person; return whether to go on.

    Args:
        port: Address with a name that stays with the device (`drivers.choosing.steady_address`).
        serial_number: Of the pen that was lost.
        keys: Of the person.
        tell: Called with every change.
        look: Returns the serial number of the pen on a port, or None; asks the real port if None.
        now_s: A monotonic clock, in seconds.
        wait_s: Waits for so many seconds.

    Rule: SR-006 (nothing resumes by itself), SR-015.
    """
    pen = f"pen {serial_number}"
    tell(News("waiting", f"Waiting up to {WAIT_S:.0f} s for {pen} on {port}. Space, Esc, Q: end."))
    try:
        found = _wait_for_pen(port, keys, look or pen_on, now_s, wait_s)
        if found is None:
            tell(News("gone", f"{pen} did not come back; the session waits to be resumed."))
            return False
        if found != serial_number:
            text = f"Pen {found} is on {port}; the session goes on with {pen} only."
            tell(News("other-pen", text))
            return False
        text = f"P{pen[1:]} is back. Look at pen and skin. Enter: go on   Space, Esc, Q: end."
        tell(News("back", text))
        if _wait_for_person(keys, now_s, wait_s):
            return True
    except (KeyboardInterrupt, _LeftError):
        pass
    tell(News("left", "Left as it is; the session waits to be resumed."))
    return False


def pen_on(port: str) -> int | None:
    """Return the serial number of the pen on a port, or None if there is none."""
    try:
        with identified(port) as (_, pen):
            return pen.serial_number
    except (LinkError, ControllerError):
        return None


def _wait_for_pen(
    port: str,
    keys: Pressed,
    look: Callable[[str], int | None],
    now_s: Callable[[], float],
    wait_s: Callable[[float], None],
) -> int | None:
    """Return who is there, or None if nobody comes in time."""
    until_s = now_s() + WAIT_S
    while now_s() < until_s:
        _pressed(keys)
        found = look(port)
        if found is not None:
            return found
        wait_s(LOOK_S)
    return None


def _wait_for_person(
    keys: Pressed, now_s: Callable[[], float], wait_s: Callable[[float], None]
) -> bool:
    """Return whether somebody wants to go on; what was pressed before the pen was back is void."""
    _pressed(keys)
    until_s = now_s() + DECIDE_S
    while now_s() < until_s:
        if "go" in _pressed(keys):
            return True
        wait_s(KEYS_S)
    return False


def _pressed(keys: Pressed) -> list[str]:
    """Return what was pressed. Raises `_LeftError` if that was STOP or quit."""
    pressed = keys.pressed()
    if not _NO.isdisjoint(pressed):
        raise _LeftError
    return pressed
