"""Monitors of the link: how many answers are damaged, and whether it is still the same pen."""

from __future__ import annotations

from safety.causes import Cause, CauseCode
from safety.monitors.view import View
from safety.states import LATCHED

ERRORS_FEW = 3
ERRORS_FEW_MS = 1_000
"""More damaged answers than this within this time pause. Source of these two: [SAF] 3.3 W07."""

ERRORS_MANY = 20
ERRORS_MANY_MS = 600_000
"""More within this time are a fault of the link. Source of these two: [SAF] 3.3 W07."""


def note_errors(view: View) -> None:
    """Take in the link's count of damaged answers, in every scan.

    A latched state starts anew: a person looks at the cable before anything goes on.
    """
    watch, counted = view.watch, view.facts.link_errors
    if counted > watch.link_errors:
        fresh = min(counted - watch.link_errors, ERRORS_MANY + 1)
        watch.error_times = (*watch.error_times, *[view.now_ms] * fresh)[-ERRORS_MANY - 1 :]
    watch.link_errors = counted
    if watch.error_times and view.state in LATCHED:
        watch.error_times = ()


def link_errors(view: View) -> Cause | None:
    """Report more than `ERRORS_FEW` damaged answers within `ERRORS_FEW_MS`."""
    times = view.watch.error_times
    if len(times) <= ERRORS_FEW or view.now_ms - times[-ERRORS_FEW - 1] > ERRORS_FEW_MS:
        return None
    return Cause(CauseCode.LINK_ERRORS, f"{ERRORS_FEW + 1} or more within {ERRORS_FEW_MS} ms")


def link_bad(view: View) -> Cause | None:
    """Report more than `ERRORS_MANY` damaged answers within `ERRORS_MANY_MS`."""
    times = view.watch.error_times
    if len(times) <= ERRORS_MANY or view.now_ms - times[0] > ERRORS_MANY_MS:
        return None
    return Cause(CauseCode.LINK_BAD, f"{ERRORS_MANY + 1} or more within {ERRORS_MANY_MS} ms")


def pen_restarted(view: View) -> Cause | None:
    """Report another boot number than at identification, whoever noticed it."""
    if view.facts.epoch_changed:
        return Cause(CauseCode.PEN_RESTARTED)
    known, seen = view.pen, view.seen
    if known is None or seen is None or seen.epoch == known.epoch:
        return None
    return Cause(CauseCode.PEN_RESTARTED, f"boot {seen.epoch} after {known.epoch}")


def identity_changed(view: View) -> Cause | None:
    """Report a pen other than the one that the grants were computed for."""
    known, answers = view.memory.identity, view.facts.identity
    if known is None or answers is None or answers.serial_number == known.serial_number:
        return None
    return Cause(CauseCode.IDENTITY_CHANGED, f"pen {answers.serial_number}")


def limits_changed(view: View) -> Cause | None:
    """Report limits other than those that the grants were computed from.

    Without a cartridge the pen's limits are others of necessity, and with another one perhaps: then
    the pen is asked anew (`safety.progress.follow_cartridge`).
    """
    known, answers, seen = view.pen, view.facts.identity, view.seen
    if known is None or view.memory.seen_cartridge is False:
        return None
    if view.memory.is_cartridge_in_doubt:
        return None
    if answers is not None:
        if answers.limits_hash != known.limits_hash:
            return Cause(CauseCode.LIMITS_CHANGED, f"0x{answers.limits_hash:04X}")
        if answers.depth_tolerance_um != known.depth_tolerance_um:
            detail = f"tolerance {answers.depth_tolerance_um} um"
            return Cause(CauseCode.LIMITS_CHANGED, detail)
    if seen is None or seen.limits_hash == known.limits_hash or not seen.has_cartridge:
        return None
    return Cause(CauseCode.LIMITS_CHANGED, f"0x{seen.limits_hash:04X}")
