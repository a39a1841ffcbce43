"""Monitors of skin contact and cartridge; how long contact may last is for `dose`.

A contact flag that is stuck on while the needles run cannot be told from skin by current: 20 looks
a second at a current that ripples by 15 mA with every stroke do not show the 5 mA that shallow
needles take. `dose.dwell` finds it, since nobody lifts the pen.
"""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.facts import Telemetry
from safety.monitors.antiflap import fallen, risen
from safety.monitors.view import View
from safety.states import PenState

NO_CONTACT_MS = 10_000
"""Needles may run in the air for so long: reaction, glide, a new grip. ASSUMED."""

STUCK_MS = 5_000
"""A pen at rest may lie on skin for so long; one that senses skin for longer is wet or broken.
ASSUMED."""

_SAFE = PenState.SAFE


def note_contact(view: View, seen: Telemetry, step_ms: int) -> None:
    """Take in one new telemetry: does a pen with its needles in sense skin."""
    watch = view.watch
    if seen.has_contact and seen.state is _SAFE and not seen.is_driven:
        watch.contact_stuck_ms = risen(watch.contact_stuck_ms, step_ms, STUCK_MS)
    else:
        watch.contact_stuck_ms = fallen(watch.contact_stuck_ms, step_ms)


def no_contact(view: View) -> Cause | None:
    """Report needles that have run in the air for too long."""
    current = view.current
    if current is None or current.begun_ms is None:
        return None
    air_ms = view.now_ms - current.contact_ms
    return None if air_ms <= NO_CONTACT_MS else Cause(CauseCode.NO_CONTACT, f"{air_ms} ms")


def contact_stuck(view: View) -> Cause | None:
    """Report a pen at rest that senses skin without end: it would count strokes in the air."""
    if view.watch.contact_stuck_ms < STUCK_MS:
        return None
    return Cause(CauseCode.CONTACT_STUCK)


def cartridge_out(view: View) -> Cause | None:
    """Report a cartridge that was taken out while its needles may move.

    Between passes it may be changed: the event CARTRIDGE_CHANGED then drops the plan.
    """
    if view.seen is None or view.seen.has_cartridge or view.current is None:
        return None
    return Cause(CauseCode.CARTRIDGE_OUT)
