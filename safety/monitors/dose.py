"""Monitors of dose: strokes per area, time on one spot, time of a pass; they know no patient.

Strokes come from the pen's counter, times from the host's clock: each finds what the other hides.
"""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.monitors.view import View

PASS_MS_MAX = 300_000
"""A pass may run so long before somebody looks. ASSUMED: five large cheeks at 20 mm/s."""

DWELL_MS_MAX = 15_000
"""Skin is touched for no longer without lifting the pen. ASSUMED: three rows of 100 mm at 20 mm/s
([DOM] 4.4) in one go."""

DWELL_PASS_PERCENT = 150
"""Nor for longer than this share of the time that the strokes of a whole pass take. ASSUMED."""

DOSE_NEAR_PERCENT = 50
"""From this share of an area's strokes on a warning is given. Source: [DOM] 4.4, warn at 5,000
punctures/cm2, cap at 10,000."""

MS_DHZ = 10_000
"""Strokes times this by a speed in tenths of strokes per second are milliseconds."""

COUNTER_MODULUS = 2**32
"""The pen's stroke counter wraps here. Source: docs/protocol.md 4."""


def note_dose(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: how long contact lasts, and what the area has had before."""
    watch, current = view.watch, view.current
    if not seen.is_driven or current is None:
        watch.contact_ms = watch.contact_strokes = 0
        watch.dose_before = None
        return
    if watch.dose_before is None:
        area, number = current.plan.area, current.number
        watch.dose_before = view.memory.ledger.strokes_of(area, besides=number)
    if seen.has_contact:
        watch.contact_ms += step_ms
        watch.contact_strokes += (seen.strokes - watch.seen_strokes) % COUNTER_MODULUS
    else:
        watch.contact_ms = watch.contact_strokes = 0


def dwell(view: View) -> Cause | None:
    """Report skin contact that lasts longer than any row, or than its pass.

    What it cannot see: whether the hand moves. The pen has no sensor for that, and a hand that
    stands still for less than `DWELL_MS_MAX` gives one spot the dose of many passes unseen. Lifting
    for one telemetry, 50 ms, begins anew.
    """
    watch, current = view.watch, view.current
    if current is None or not watch.contact_ms:
        return None
    plan = current.plan
    pass_ms = plan.strokes_per_pass * MS_DHZ // plan.speed_dhz
    longest_ms = min(DWELL_MS_MAX, pass_ms * DWELL_PASS_PERCENT // 100)
    if watch.contact_ms <= longest_ms and watch.contact_strokes <= plan.strokes_max:
        return None
    detail = f"{watch.contact_strokes} strokes in {watch.contact_ms} ms, allowed {longest_ms} ms"
    return Cause(CauseCode.DWELL, detail)


def dose_near(view: View) -> Cause | None:
    """Warn when half of the area's strokes are reached."""
    return _dose(view, CauseCode.DOSE_NEAR, DOSE_NEAR_PERCENT)


def dose_reached(view: View) -> Cause | None:
    """Report that the area's strokes are reached, over all passes. Rule: SR-007."""
    return _dose(view, CauseCode.DOSE_REACHED, 100)


def _dose(view: View, code: CauseCode, percent: int) -> Cause | None:
    """Return the cause from this share of the area's strokes on."""
    before, current = view.watch.dose_before, view.current
    if before is None or current is None:
        return None
    strokes, strokes_max = before + current.strokes_in_contact, current.plan.strokes_max
    if strokes * 100 < strokes_max * percent:
        return None
    return Cause(code, f"{current.plan.area}: {strokes} of {strokes_max} strokes")


def pass_too_long(view: View) -> Cause | None:
    """Report a pass that takes longer than any pass should, since it was last (re)started."""
    current = view.current
    if current is None or current.begun_ms is None:
        return None
    run_ms = view.now_ms - current.begun_ms
    return None if run_ms <= PASS_MS_MAX else Cause(CauseCode.PASS_TOO_LONG, f"{run_ms} ms")
