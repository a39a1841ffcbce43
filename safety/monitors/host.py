"""Monitors of this computer: late scans, a record that cannot be written, a guide that is gone."""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.monitors.view import View

LATE_MS_MAX = 40
"""A scan may come this late. Source: [SAF] 8.3, T_loop of profile A."""

LATE_STEP = 20
"""A late scan counts as much as this many that are in time take away. Source: docs/adr/0008."""

LATENESS_MAX = 50
"""The third late scan within a second is one too many. Source: docs/adr/0008."""


def note_lateness(view: View) -> None:
    """Take in how late this scan came: up at once, down slowly, so that flapping adds up.

    It does not rise for ever: a machine that was late for a minute is well a second later.
    """
    watch = view.watch
    if not (0 <= view.facts.late_ms <= LATE_MS_MAX):
        watch.lateness = min(watch.lateness, LATENESS_MAX) + LATE_STEP
    elif watch.lateness:
        watch.lateness -= 1


def scan_late(view: View) -> Cause | None:
    """Report scans that come late again and again.

    A single scan that is later than the telemetry may be old is found by
    `signals.telemetry_stale`.
    """
    if view.watch.lateness <= LATENESS_MAX:
        return None
    detail = f"{view.facts.late_ms} ms late, allowed are {LATE_MS_MAX} ms"
    return Cause(CauseCode.SCAN_LATE, detail)


def record_failed(view: View) -> Cause | None:
    """Report a journal that no longer takes entries."""
    failure = view.facts.record_failure
    return Cause(CauseCode.RECORD_FAILED, failure) if failure else None


def driver_lost(view: View) -> Cause | None:
    """Report that nobody guides the session any more."""
    return None if view.facts.driver_is_present else Cause(CauseCode.DRIVER_LOST)
