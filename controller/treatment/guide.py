"""Guides a session: from what is seen and what is pressed to what is wanted. Pure; sends nothing.

One definition for the terminal now and the page later. It never wants anything twice in a row for
the same sight, and it resumes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

AGAIN_MS = 300
"""A wish that changed nothing is repeated after this, in unattended sessions only. ASSUMED."""

_COUNTED = frozenset({"planned", "delivered", "partial", "uncertain"})

ALARM_WANTS = frozenset({"acknowledge", "pause-audio"})
"""Wishes about alarms: they move nothing, and are granted after a STOP as well."""

NO_ANSWER = "NO ANSWER"
"""The state of a frame while the control process is silent; no state of the machine."""

LABELS = {"UNKNOWN_OUTCOME": "STARTING", NO_ANSWER: "NO ANSWER FROM THE CONTROL PROCESS"}
"""States whose name for people is another one."""

PRIORITIES = {"NONE": "INFORMATION"}
"""Priorities whose name for people is another one: an information signal is no alarm."""

ENDED = "The session has ended. A: alarms seen   M: pause their sound   Q, Ctrl-C: quit"
"""What the person at the pen does before the screen goes."""

HINTS = {
    "SELFTEST": "Leave the pen at rest: its sensors are being looked at.",
    "IDLE": "One moment.",
    "PLANNED": "Put the pen to {area}, pass {number} of {passes}. Enter: set the needles",
    "ARMED": "Needles at {depth} mm for {area}. Enter: start",
    "UNKNOWN_OUTCOME": "Starting.",
    "RUNNING": "Move the pen over {area}. P: pause   D: pass done",
    "STOPPING": "Stopping.",
    "PAUSED": "Paused: {reason}. Enter: set the needles again   Space: end",
    "FAULT": "Fault: {reason}",
    "ESTOP": "EMERGENCY STOP: {reason}. If the pen still runs, switch it off by hand.",
    NO_ANSWER: "The pen stops itself by its lease. Switch it off by hand if it runs on.",
}
"""What the person at the pen does next, by state."""


def label(state: str) -> str:
    """Return the name of a state for people."""
    return LABELS.get(state, state)


def urgency(alarm: Mapping[str, Any]) -> str:
    """Return symbol and priority of an alarm, for people."""
    return f"{alarm['symbol']} {PRIORITIES.get(alarm['priority'], alarm['priority'])}"


def counted(passes: Sequence[Mapping[str, Any]], area: str) -> int:
    """Return how many passes of the area count as delivered."""
    return sum(p["area"] == area and p["outcome"] in _COUNTED for p in passes)


def next_pass(
    frame: Mapping[str, Any], areas: Sequence[Mapping[str, Any]]
) -> tuple[str, int] | None:
    """Return area and number of the pass that comes next, or None when all are delivered."""
    for area in areas:
        done = counted(frame["passes"], area["area"])
        if done < (area["passes"]["granted"] or 0):
            return area["area"], done + 1
    return None


class Guide:
    """Decides what to want next.

    Args:
        areas: Granted areas as the control process announced them.
        is_unattended: Whether nobody will press Enter (``--yes``).
    """

    def __init__(self, areas: Sequence[Mapping[str, Any]], *, is_unattended: bool) -> None:
        self._areas = areas
        self._is_unattended = is_unattended
        self._last: tuple[object, ...] = ()
        self._last_ms = 0

    def wants(self, frame: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
        """Return what to want now: names of `controller.ipc`, in order.

        Args:
            frame: The newest scan.
            keys: What was pressed since the last call: ``go``, ``pause``, ``done``, ``seen``,
                ``mute``.
        """
        if "pause" in keys and frame["state"] in ("RUNNING", "ARMED", "UNKNOWN_OUTCOME"):
            return ["pause"]
        if "done" in keys and frame["state"] == "RUNNING":
            return ["pass-done"]
        if "seen" in keys:
            return ["acknowledge"]
        if "mute" in keys:
            return ["pause-audio"]
        want = self._next(frame, has_go="go" in keys)
        if want is None or frame.get("is_ended"):
            return []
        sight = (want, frame["state"], len(frame["passes"]))
        is_new = sight != self._last or frame["t_ms"] - self._last_ms >= AGAIN_MS
        self._last, self._last_ms = (
            (sight, frame["t_ms"]) if is_new else (self._last, self._last_ms)
        )
        return [want] if is_new else []

    def _next(self, frame: Mapping[str, Any], *, has_go: bool) -> str | None:
        state, may_go = frame["state"], has_go or self._is_unattended
        if state == "PLANNED":
            if frame["is_done"] or next_pass(frame, self._areas) is None:
                return "finish"
            return "arm" if may_go else None
        if state == "ARMED":
            return "start" if may_go and frame["is_ready"] else None
        if state == "PAUSED":
            if has_go:
                return "resume"
            return "stop" if self._is_unattended else None
        return None


def hint(frame: Mapping[str, Any], areas: Sequence[Mapping[str, Any]]) -> str:
    """Return the next instruction for the person at the pen."""
    upcoming = next_pass(frame, areas)
    current = frame["current"]
    area, number = (current["area"], current["number"]) if current else upcoming or ("", 0)
    granted = next((a for a in areas if a["area"] == area), None)
    if frame["state"] == "PLANNED" and upcoming is None:
        return "All passes are delivered."
    return HINTS.get(frame["state"], "").format(
        area=area,
        number=number,
        passes=granted["passes"]["granted"] if granted else 0,
        depth=millimetres(granted["depth_um"]["granted"]) if granted else "?",
        reason=frame["stop_reason"],
    )


def millimetres(depth_um: int | None) -> str:
    """Return a needle protrusion in millimetres, as people read it; a dash when unknown."""
    return "-" if depth_um is None else f"{depth_um / 1000:.2f}"
