"""What one scan looks like from outside: the frame that screens, tests and judges read.

Values older than their freshness are left out (None), never shown as the last known.
"""

from __future__ import annotations

from typing import Any

from controller.scanloop import Timing
from safety.alarms_signals import Sound, signals
from safety.facts import Facts, Telemetry
from safety.guards import is_fresh
from safety.memory import Decision, Memory
from safety.states import LATCHED, State

VERSION = 1
"""Of this shape; see docs/cli.md."""


def snapshot(
    decision: Decision, facts: Facts, timing: Timing, now_ms: int, *, is_ended: bool = False
) -> dict[str, Any]:
    """Return the frame of one scan.

    Args:
        decision: Of the scan.
        facts: Of the scan.
        timing: Lateness of the scans so far.
        now_ms: Time of the scan.
        is_ended: Whether the session is over, and only its alarms wait to be seen.

    Rule: SR-025.
    """
    memory = decision.memory
    seen = facts.telemetry if is_fresh(facts.telemetry, now_ms) else None
    age_ms = None if facts.telemetry is None else now_ms - facts.telemetry.received_ms
    return {
        "type": "scan",
        "v": VERSION,
        "t_ms": now_ms,
        "state": memory.state.name,
        "stop_reason": memory.stop_reason,
        "is_latched": memory.state in LATCHED,
        "current": _current(memory),
        "passes": [
            {"area": p.area, "number": p.number, "outcome": str(p.outcome)}
            for p in memory.ledger.passes
        ],
        "pen": None if seen is None else _pen(seen),
        "age_ms": age_ms,
        "causes": [
            {
                "code": str(cause.code),
                "severity": cause.severity.name,
                "text": cause.sentence,
                "next": cause.kind.next_step,
            }
            for cause in memory.causes
        ],
        **_alarms(memory, now_ms),
        "refusals": [{"rule": r.rule, "reason": r.reason, "fix": r.fix} for r in decision.refusals],
        "is_ready": _is_ready(memory, seen),
        "is_done": memory.ledger.next_pass(memory.plan, memory.area) is None,
        "is_ended": is_ended,
        "late_ms_max": timing.late_ms_max,
        "scans": timing.scans,
    }


def _alarms(memory: Memory, now_ms: int) -> dict[str, Any]:
    """Return what is to be seen and heard now, the most urgent first. Rule: SR-044."""
    shown = signals(memory.alarms, now_ms)
    return {
        "alarms": [
            {
                "code": str(one.code),
                "priority": one.priority.name,
                "symbol": one.look.symbol,
                "colour": one.look.colour.value,
                "is_lit": one.is_on(now_ms),
                "text": one.text,
                "pen": one.pen,
                "next": one.next_step,
                "is_present": one.alarm.is_condition_present,
                "is_acknowledged": one.alarm.is_acknowledged,
                "is_escalated": one.alarm.escalated,
            }
            for one in shown.lines
        ],
        "is_sounding": shown.sound is not None and shown.sound.is_on(now_ms),
        "burst_ms": None if shown.sound is None else _burst_ms(shown.sound, now_ms),
        "is_audio_paused": shown.is_audio_paused,
    }


def _burst_ms(sound: Sound, now_ms: int) -> int:
    """Return when the burst that sounds now, or sounded last, began."""
    return now_ms - (now_ms - sound.began_ms) % sound.tone.period_ms


def _current(memory: Memory) -> dict[str, Any] | None:
    """Return the pass at hand."""
    current = memory.current
    if current is None:
        return None
    return {
        "area": current.plan.area,
        "number": current.number,
        "passes": current.plan.passes,
        "depth_um": current.plan.depth_um,
        "speed_dhz": current.plan.speed_dhz,
        "strokes_in_contact": current.strokes_in_contact,
        "strokes_total": current.strokes_total,
        "strokes_per_pass": current.plan.strokes_per_pass,
        "depth_um_max": current.depth_um_max,
    }


def _pen(seen: Telemetry) -> dict[str, Any]:
    """Return what the pen measured, all of it fresh."""
    return {
        "state": seen.state.name,
        "fault": seen.fault,
        "tick_ms": seen.tick_ms,
        "epoch": seen.epoch,
        "is_driven": seen.is_driven,
        "has_contact": seen.has_contact,
        "depth_um": seen.depth_um,
        "speed_dhz": seen.speed_dhz,
        "current_ma": seen.current_ma,
        "temperature_mdegc": seen.temperature_mdegc,
        "supply_mv": seen.supply_mv,
        "strokes": seen.strokes,
    }


def _is_ready(memory: Memory, seen: Telemetry | None) -> bool:
    """Return whether START makes sense now: armed, not yet asked for, settled at its depth."""
    is_waiting = memory.state is State.ARMED and memory.start_entry == 0
    return is_waiting and seen is not None and seen.state.name == "READY" and seen.is_settled
