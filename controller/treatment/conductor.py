"""Conducts a session from the guiding program's side: keys and frames in, wants and pictures out.

It beats while it lives. If it dies, the control process notices and stops the pen.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from controller.keys import Keys
from controller.logs import get_logger
from controller.treatment.guide import ALARM_WANTS, NO_ANSWER, Guide
from controller.treatment.starter import Session

BEAT_S = 0.2
"""How often this program shows that it lives; the control process waits 1 s. Source: [ECO] 1.2."""

POLL_S = 0.01
"""How long to wait for frames before looking at the keys; a STOP key waits no longer. ASSUMED:
100 looks a second cost nothing that can be seen."""

STUCK_S = 3.0
"""A control process silent for so long no longer runs; the lease has ended. ASSUMED."""

STALE_S = 0.25
"""What is older than this is not shown as live. Source: [SAF] 3.1 H16."""

NOTHING: dict[str, Any] = {
    "type": "scan",
    "t_ms": 0,
    "current": None,
    "passes": [],
    "age_ms": None,
    "causes": [],
    "alarms": [],
    "is_sounding": False,
    "burst_ms": None,
    "is_audio_paused": False,
    "is_done": False,
    "is_ended": False,
    "refusals": [],
    "stop_reason": "",
    "is_ready": False,
}
"""A frame of which nothing is known."""

Show = Callable[[dict[str, Any]], None]


class Conductor:
    """One session, conducted to its end.

    Args:
        session: The session that has begun.
        guide: Decides what to want next.
        keys: The terminal's keys.
        show: Called with every frame.
    """

    def __init__(self, session: Session, guide: Guide, keys: Keys, show: Show) -> None:
        self._session = session
        self._guide = guide
        self._keys = keys
        self._show = show
        self._stops = 0
        self._pressed: list[str] = []
        self._beat_at = 0.0
        self._heard_at = time.monotonic()
        self._last: dict[str, Any] = {}

    def run(self) -> dict[str, Any] | None:
        """Guide until the end; return the closing frame, or None if the process went silent."""
        previous = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            return self._loop()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _loop(self) -> dict[str, Any] | None:
        while True:
            now = time.monotonic()
            if now - self._beat_at >= BEAT_S:
                self._session.beat()
                self._beat_at = now
            self._pressed += self._keys.pressed()
            if not {"stop", "quit"}.isdisjoint(self._pressed):
                self._end(is_quit="quit" in self._pressed)
                self._pressed.clear()
            frames = self._session.client.receive(POLL_S)
            for frame in frames:
                if frame["type"] == "closed":
                    return frame
                self._show(frame)
            if frames:
                self._heard_at, self._last = now, frames[-1]
                self._follow(frames[-1])
            elif now - self._heard_at > STALE_S:
                self._show(self._stale(now))
            if self._session.client.is_closed or now - self._heard_at > STUCK_S:
                # The last picture stands when this program has ended: it may not look alive.
                self._show(self._stale(now))
                return None

    def _stale(self, now: float) -> dict[str, Any]:
        """Return a frame that shows nothing as live: the last one without its measurements."""
        age_ms = round((now - self._heard_at) * 1_000)
        known_ms = self._last.get("age_ms")
        aged = {"age_ms": None if known_ms is None else known_ms + age_ms}
        return {**NOTHING, **self._last, **aged, "state": NO_ANSWER, "pen": None}

    def _follow(self, frame: dict[str, Any]) -> None:
        """Want what the guide makes of a frame; after a STOP nothing but to have seen its alarms.

        Keys wait for the next frame: what was pressed while none came is not lost.
        """
        pressed, self._pressed = self._pressed, []
        wants = self._guide.wants(frame, pressed)
        if self._stops:
            wants = [want for want in wants if want in ALARM_WANTS]
        shown = frame["current"]
        area = "" if shown is None else shown["area"]
        for want in wants:
            get_logger().info("guide.wanted", want=want, state=frame["state"])
            self._session.want(want, "key" if pressed else "flow", area)

    def _end(self, *, is_quit: bool) -> None:
        """Say STOP, every time it is asked for; let go of a session that has ended already."""
        if is_quit and self._last.get("is_ended"):
            self._session.want("finish", "key")
            return
        self._stops += 1
        self._session.want("stop", "key")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._end(is_quit=True)
