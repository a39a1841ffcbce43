"""The demo: a simulated pen as a program, a plan treated on it over a real serial port, a verdict.

It does what a technician would do with two terminals, and looks at both sides afterwards.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.config import Home
from controller.keys import Keys
from controller.pairing import pair
from controller.pairing_keys import PenKey
from controller.reports.writing import report_of
from controller.treatment.conductor import Conductor
from controller.treatment.guide import Guide
from controller.treatment.starter import Session, start
from hil.drills import Drill, Verdict, judge, strike
from hil.programs import held_button, simulated_pen
from hil.truth import read_truth
from hil.wakeful import wakeful

TRIES_MAX = 3
"""How often a demo is begun on a machine that holds it up."""

_MACHINE_CAUSES = frozenset({"scan-late", "telemetry-stale", "lease-ended"})
"""What stops a pen when the machine, not the pen, is at fault."""

CONTINUE_S = 2.0
"""A frozen process is let go on after this, to show that it then does not drive again."""

DEFAULT_PLAN = Path(__file__).resolve().parent.parent / "examples" / "plans" / "face.toml"
"""The example plan that comes with penpilot."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came of a demo.

    Args:
        session: Id of the treatment.
        exit_code: Of the treatment.
        closed: The closing frame, or None if the control process went silent.
        home: Its data folder.
        report: The HTML report.
        truth: The pen's own log.
        verdict: Of the drill, or None without one.
        key: With which the pen was paired.
    """

    session: str
    exit_code: int
    closed: dict[str, Any] | None
    home: Home
    report: Path
    truth: Path
    verdict: Verdict | None
    key: PenKey

    @property
    def was_held_up(self) -> bool:
        """Whether this machine was too busy to watch a pen, before any drill struck.

        The pen was then stopped as it must be, but nothing else could be seen.
        """
        codes = set((self.closed or {}).get("causes", ()))
        has_struck = self.verdict is not None and self.verdict.has_struck
        return bool(codes & _MACHINE_CAUSES) and self.exit_code != 0 and not has_struck


class Watcher:
    """Keeps every frame, passes it on to a view, and strikes when the treatment is half-way.

    Args:
        view: Shows frames.
        drill: What to do half-way, or None.
        pid: Control process.
        half_strokes: When half-way is, in strokes of the pen.
    """

    def __init__(self, view: Any, drill: Drill | None, pid: int, half_strokes: int) -> None:
        self._view = view
        self._drill = drill if drill is not None and drill.signal_number else None
        self._pid = pid
        self._half_strokes = half_strokes
        self.frames: list[dict[str, Any]] = []
        self.struck_us: int | None = None

    def show(self, frame: dict[str, Any]) -> None:
        """Take a frame."""
        self.frames.append(frame)
        self._view.show(frame)
        pen = frame["pen"]
        is_running = frame["state"] == "RUNNING" and pen is not None
        if self._drill is None or self.struck_us is not None or not is_running:
            return
        if pen["strokes"] >= self._half_strokes:
            self.struck_us = time.monotonic_ns() // 1_000
            strike(self._drill, self._pid)
            if self._drill.signal_number == getattr(signal, "SIGSTOP", None):
                threading.Timer(CONTINUE_S, os.kill, (self._pid, signal.SIGCONT)).start()


def run_patiently(run: Callable[[], DemoResult], say: Callable[[str], None]) -> DemoResult:
    """Run a demo, and again if this machine held it up; say so each time."""
    for attempt in range(2, TRIES_MAX + 1):
        result = run()
        if not result.was_held_up:
            return result
        reason = (result.closed or {}).get("reason", "")
        say(f"This machine held the demo up, and the pen was stopped: {reason}.")
        say(f"Once more, try {attempt} of {TRIES_MAX}.")
    return run()


def half_strokes(areas: list[dict[str, Any]]) -> int:
    """Return about half the strokes of a whole treatment."""
    whole = sum(a["strokes_per_pass"] * (a["passes"]["granted"] or 0) for a in areas)
    return int(whole) // 2


def run_demo(
    home: Home,
    plan: Path,
    drill: Drill | None,
    *,
    seed: int,
    make_view: Any,
    keys: Keys,
    say: Callable[[str], None] = lambda _text: None,
) -> DemoResult:
    """Pair a simulated pen, and treat a plan on it, with or without a drill.

    Args:
        home: Data folder of this demo alone, so that no two demos share a record.
        plan: The plan.
        drill: What goes wrong half-way, or None.
        seed: Of the simulated pen.
        make_view: Called with what the control process says of itself; gives back a view.
        keys: The terminal's keys.
        say: Takes what a technician does and sees.

    Raises:
        ControllerError: If the treatment does not begin.
        ProgramFailed: If the simulated pen does not start.
    """
    home.create()
    faults = [f"{drill.fault}@strokes={_half_of(plan)}"] if drill and drill.fault else []
    with wakeful(), simulated_pen(home.folder, seed=seed, faults=faults) as pen:
        with held_button(pen):
            key = pair(pen.url, "the demo", home, say)
        say(f"Pen {key.serial_number} is paired, key {key.fingerprint}; its button is let go.")
        session = start(home, plan, pen.url, None)
        closed, watcher = _conduct(session, drill, make_view, keys)
        exit_code = _exit_code(session, closed)
        # The pen's log goes on until its needles are still; it is asked again until it says so.
        verdict = None
        if drill is not None:
            verdict = _judge_when_told(drill, pen.truth, watcher, exit_code)
    name = session.ready["session"]
    return DemoResult(name, exit_code, closed, home, report_of(home, name), pen.truth, verdict, key)


def _half_of(plan: Path) -> int:
    """Return half the strokes of a plan, before any pen is asked."""
    from controller.grants import grant_plan  # noqa: PLC0415 only for drills
    from controller.opening import profile_here, read_plan  # noqa: PLC0415 as above

    grants = grant_plan(read_plan(plan), profile_here().profile, None)
    return half_strokes([one.as_json() for one in grants])


def _conduct(
    session: Session, drill: Drill | None, make_view: Any, keys: Keys
) -> tuple[dict[str, Any] | None, Watcher]:
    view = make_view(session.ready)
    half = half_strokes(session.ready["areas"])
    watcher = Watcher(view, drill, session.process.pid, half)
    guide = Guide(session.ready["areas"], is_unattended=True)
    with keys, view:
        closed = Conductor(session, guide, keys, watcher.show).run()
    return closed, watcher


def _exit_code(session: Session, closed: dict[str, Any] | None) -> int:
    """Return the treatment's exit code, 5 when its control process was killed."""
    code = session.wait(5.0)
    if code is None:
        session.process.kill()
        session.wait(5.0)
    return 5 if closed is None else int(closed["exit_code"])


def _judge_when_told(drill: Drill, truth: Path, watcher: Watcher, exit_code: int) -> Verdict:
    """Judge, giving the pen's log up to 3 s to tell of standstill."""
    until = time.monotonic() + 3.0
    while True:
        verdict = judge(drill, read_truth(truth), watcher.frames, exit_code, watcher.struck_us)
        if verdict.still_ms is not None or time.monotonic() > until:
            return verdict
        time.sleep(0.05)
