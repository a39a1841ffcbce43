"""Drills: what goes wrong half-way, and what host and pen must do about it, in milliseconds.

A drill is data and a judgement over two logs: the pen's own truth and the frames of the host. It
starts nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.truth import TrueEvent, first_after

STOP_BUDGET_MS = 251
"""Host killed, frozen or unplugged: needles still. Source: DESIGN 5, 200 + 1 + 50."""

OVER_DEPTH_BUDGET_MS = 60
"""Over-depth to needles still. Source: [SAF] 8.4, 10 + 50."""

RESTART_BUDGET_MS = 200
"""Unbraked: a pen that restarts drops its bridge and coasts. Source: [DOM] 4.5, 50 to 200 ms."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One thing that goes wrong.

    Args:
        name: As on the command line.
        text: What happens, for the person who watches.
        fault: Fault of the simulated pen, without its condition; empty if the host suffers.
        signal_number: Signal that the control process gets instead; 0 for none.
        budget_ms: From the cause to needles still, by the pen's own clock.
        host_state: Where the host must end, or empty where it cannot.
        exit_codes: What `penpilot treat` may end with.
    """

    name: str
    text: str
    fault: str
    signal_number: int
    budget_ms: int
    host_state: str
    exit_codes: tuple[int, ...]


DRILLS: dict[str, Drill] = {
    drill.name: drill
    for drill in (
        Drill(
            "over-depth",
            "the cartridge plate comes loose, the needles jump 0.50 mm deeper than set",
            "over-depth:500",
            0,
            OVER_DEPTH_BUDGET_MS,
            "FAULT",
            (5,),
        ),
        Drill(
            "cable-pull",
            "the cable is pulled: the port vanishes, the pen is alone",
            "cable-pull",
            0,
            STOP_BUDGET_MS,
            "OFFLINE",
            (4,),
        ),
        Drill(
            "pen-restart",
            "the pen's supply breaks down for a moment and it boots anew",
            "restart",
            0,
            RESTART_BUDGET_MS,
            "FAULT",
            (5,),
        ),
        Drill(
            "host-killed",
            "the control process dies (SIGKILL) with the needles running",
            "",
            int(getattr(signal, "SIGKILL", signal.SIGTERM)),
            STOP_BUDGET_MS,
            "",
            (5,),
        ),
        Drill(
            "host-frozen",
            "the control process freezes (SIGSTOP) for 2 s with the needles running",
            "",
            int(getattr(signal, "SIGSTOP", signal.SIGTERM)),
            STOP_BUDGET_MS,
            "",
            (4, 5),
        ),
    )
}
"""All drills by name."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened after the cause.

    Args:
        after_ms: Milliseconds after it.
        who: ``pen`` or ``host``.
        text: What happened.
    """

    after_ms: int
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a drill showed.

    Args:
        passed: Whether everything was as it must be.
        has_struck: Whether the cause came about at all.
        still_ms: From the cause to needles still, or None if that was not seen.
        budget_ms: What is allowed.
        moments: What happened, in order.
        complaints: What was not as it must be.
    """

    passed: bool
    has_struck: bool
    still_ms: int | None
    budget_ms: int
    moments: tuple[Moment, ...]
    complaints: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the shape of ``demo --drill --json``; see docs/cli.md."""
        return {
            "passed": self.passed,
            "still_ms": self.still_ms,
            "budget_ms": self.budget_ms,
            "moments": [
                {"after_ms": m.after_ms, "who": m.who, "text": m.text} for m in self.moments
            ],
            "complaints": list(self.complaints),
        }


_TELLING: dict[str, Callable[[TrueEvent], str]] = {
    "lease_end": lambda _e: "the lease ends, nobody renewed it",
    "stop": lambda e: f"STOP taken ({e.fields['source']})",
    "fault": lambda e: f"fault {e.fields['fault']}, latched",
    "motor_off": lambda _e: "motor off, braking",
    "needles_still": lambda _e: "needles still",
    "boot": lambda _e: "boots anew: motor off, needles at 0, no token",
}


def cause_of(drill: Drill, truth: list[TrueEvent], struck_us: int | None) -> int | None:
    """Return when the cause struck, on the monotonic clock in microseconds, or None if never."""
    if drill.signal_number:
        return struck_us
    injected = next((e for e in truth if e.event == "fault_injected"), None)
    return None if injected is None else injected.monotonic_us


def judge(
    drill: Drill,
    truth: list[TrueEvent],
    frames: list[dict[str, Any]],
    exit_code: int,
    struck_us: int | None,
) -> Verdict:
    """Return what host and pen made of it.

    Args:
        drill: What was meant to go wrong.
        truth: The pen's log.
        frames: The host's frames, with ``t_ms`` on the same monotonic clock.
        exit_code: Of the treatment.
        struck_us: When a signal was sent, on the monotonic clock.
    """
    at_us = cause_of(drill, truth, struck_us)
    if at_us is None:
        return Verdict(False, False, None, drill.budget_ms, (), ("the fault never struck",))
    complaints = []
    still = first_after(truth, "needles_still", at_us)
    still_ms = None if still is None else (still.monotonic_us - at_us) // 1_000
    if still_ms is None or not (0 <= still_ms <= drill.budget_ms):
        complaints.append(f"needles still after {still_ms} ms, allowed are {drill.budget_ms} ms")
    if still is not None and first_after(truth, "motor_on", still.monotonic_us) is not None:
        complaints.append("the motor was driven again after it had stopped")
    last = frames[-1]["state"] if frames else "nothing"
    if drill.host_state and last != drill.host_state:
        complaints.append(f"the host ended in {last}, expected was {drill.host_state}")
    if exit_code not in drill.exit_codes:
        complaints.append(f"exit code {exit_code}, expected was one of {drill.exit_codes}")
    moments = tuple(sorted(_moments(truth, frames, at_us), key=lambda m: m.after_ms))
    return Verdict(not complaints, True, still_ms, drill.budget_ms, moments, tuple(complaints))


def _moments(truth: list[TrueEvent], frames: list[dict[str, Any]], at_us: int) -> list[Moment]:
    """Return what happened from the cause on, on either side."""
    found = [
        Moment((e.monotonic_us - at_us) // 1_000, "pen", _TELLING[e.event](e))
        for e in truth
        if e.event in _TELLING and e.monotonic_us >= at_us
    ]
    last = ""
    for frame in frames:
        after_ms = frame["t_ms"] - at_us // 1_000
        if frame["state"] != last and after_ms >= 0:
            causes = [cause["text"] for cause in frame["causes"]]
            reason = causes[0] if causes else frame["stop_reason"]
            found.append(Moment(after_ms, "host", f"{frame['state']}: {reason}".rstrip(": ")))
        last = frame["state"]
    return found


def strike(drill: Drill, pid: int) -> None:
    """Send the drill's signal to the control process."""
    os.kill(pid, drill.signal_number)
