"""Monitors: each compares measured facts with what must hold and names a cause; none acts.

Order matters only for the record: the first cause found in a scan is kept as the first.
"""

from __future__ import annotations

from collections.abc import Callable

from safety.causes import PEN_FAULTS, Cause, CauseCode
from safety.facts import Facts, PenIdentity, Telemetry
from safety.guards import is_fresh, is_still
from safety.memory import Memory
from safety.states import MOVING, OrderKind, PenState, State
from safety.units import in_mm

TECHNICIAN_FAULT_FIRST = 0x80
"""Pen faults from this code on need a technician. Source: docs/protocol.md 4."""

DEPTH_TOLERANCE_UM_MAX = 250
"""No pen may allow itself more beyond the set value. ASSUMED: published are 150 um, [DOM] 1.5."""

OVERSPEED_PERCENT = 110
"""Faster than this share of the set speed is overspeed. Source: [SAF] 3.2 D05."""

OVERSPEED_SAMPLES = 2
"""Consecutive telemetries that make it so; one alone may be a glitch of the sensor. ASSUMED."""

LATE_MS_MAX = 40
"""A scan may come this late. Source: [SAF] 8.3, T_loop of profile A."""

LATE_STEP = 20
"""A late scan counts as much as this many that are in time take away. Source: docs/adr/0008."""

LATENESS_MAX = 50
"""The third late scan within a second is one too many. Source: docs/adr/0008."""

NO_CONTACT_MS = 10_000
"""Needles may run in the air for so long: reaction, glide, a new grip. ASSUMED."""

PASS_MS_MAX = 300_000
"""A pass may run so long before somebody looks. ASSUMED: five large cheeks at 20 mm/s."""

REST_MS_MAX = 2_000
"""A pen brakes and retracts in 50 ms; far beyond that it does not say what it does. ASSUMED."""

STOPPED_STATES = frozenset({State.STOPPING, State.FAULT})
"""States in which a pen has been told to stop."""

WATCHED = frozenset({State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME})
"""States in which the needles are, or are about to be, out."""

RESTING = frozenset({State.IDLE, State.PLANNED, State.PAUSED})
"""States in which nobody has asked for motion, and the pen was seen at rest before."""

_EXPECTED: dict[State, frozenset[PenState]] = {
    State.ARMED: frozenset({PenState.SAFE, PenState.READY}),
    State.UNKNOWN_OUTCOME: frozenset({PenState.READY, PenState.RUN}),
    State.RUNNING: frozenset({PenState.RUN}),
}
"""Where the pen may be while the host stands there. Source: docs/protocol.md 3."""

Monitor = Callable[[Memory, Facts, int], Cause | None]


def pen_fault(_memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a fault that the pen itself found."""
    seen = facts.telemetry
    if seen is None or not (seen.fault or seen.state is PenState.FAULT):
        return None
    is_grave = seen.fault >= TECHNICIAN_FAULT_FIRST
    code = CauseCode.PEN_FAULT_TECHNICIAN if is_grave else CauseCode.PEN_FAULT_OPERATOR
    name = PEN_FAULTS.get(seen.fault, "unknown")
    return Cause(code, f"pen fault 0x{seen.fault:02X}, {name}")


def pen_restarted(_memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report another boot number than at identification."""
    return Cause(CauseCode.PEN_RESTARTED) if facts.epoch_changed else None


def limits_changed(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a pen, or limits, other than those that the grants were computed from.

    Without a cartridge the pen's limits are others of necessity.
    """
    seen, known, answers = facts.telemetry, memory.identity, facts.identity
    if known is None:
        return None
    if answers is not None and _limits_of(answers) != _limits_of(known):
        return Cause(CauseCode.LIMITS_CHANGED, f"pen {answers.serial_number}")
    if seen is None or not seen.has_cartridge or seen.limits_hash == known.limits_hash:
        return None
    return Cause(CauseCode.LIMITS_CHANGED, f"0x{seen.limits_hash:04X}")


def _limits_of(pen: PenIdentity) -> tuple[int, int, int]:
    """Return all of an identity but its boot number, which changes without the pen changing."""
    return pen.serial_number, pen.limits_hash, pen.depth_tolerance_um


def cartridge_out(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a cartridge that was taken out while its needles may move."""
    seen = facts.telemetry
    if seen is None or seen.has_cartridge or memory.current is None:
        return None
    return Cause(CauseCode.CARTRIDGE_OUT) if memory.state in MOVING else None


def over_depth(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a protrusion beyond the set one plus the pen's tolerance, as far as that is sane."""
    seen, current, known = facts.telemetry, memory.current, memory.identity
    if seen is None or current is None or known is None or seen.depth_um is None:
        return None
    deepest = current.plan.depth_um + min(known.depth_tolerance_um, DEPTH_TOLERANCE_UM_MAX)
    if seen.depth_um <= deepest:
        return None
    return Cause(
        CauseCode.OVER_DEPTH,
        f"{current.plan.area}: measured {in_mm(seen.depth_um)}, set {in_mm(current.plan.depth_um)}",
    )


def depth_unknown(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a pen that cannot say how deep its needles are while they may be out."""
    seen = facts.telemetry
    is_unknown = seen is not None and seen.depth_um is None
    return Cause(CauseCode.DEPTH_UNKNOWN) if is_unknown and memory.state in WATCHED else None


def overspeed(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report needles that run faster than set, once seen often enough."""
    current, seen = memory.current, facts.telemetry
    if memory.overspeed_count < OVERSPEED_SAMPLES or current is None or seen is None:
        return None
    return Cause(
        CauseCode.OVERSPEED, f"measured {seen.speed_dhz} dHz, set {current.plan.speed_dhz} dHz"
    )


def is_too_fast(memory: Memory, seen: Telemetry) -> bool:
    """Return whether one telemetry shows more than the set speed plus its tolerance."""
    if memory.current is None or seen.speed_dhz is None:
        return False
    return seen.speed_dhz * 100 > memory.current.plan.speed_dhz * OVERSPEED_PERCENT


def telemetry_stale(memory: Memory, facts: Facts, now_ms: int) -> Cause | None:
    """Report measurements that are too old, or from the future, while needles may be out."""
    if memory.state not in WATCHED or is_fresh(facts.telemetry, now_ms):
        return None
    seen = facts.telemetry
    return Cause(
        CauseCode.TELEMETRY_STALE, "none" if seen is None else f"{now_ms - seen.received_ms} ms old"
    )


def pen_button(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report the stop button of the pen, whether the pen has obeyed it or not."""
    seen = facts.telemetry
    is_down = seen is not None and seen.is_button_down
    return Cause(CauseCode.PEN_BUTTON) if is_down and memory.state in WATCHED else None


def motion_unasked(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a motor that is driven although nobody asked for motion."""
    seen = facts.telemetry
    if seen is None or memory.state not in RESTING or not seen.is_driven:
        return None
    return Cause(CauseCode.MOTION_UNASKED) if seen.received_ms > memory.entered_ms else None


def pen_elsewhere(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a pen that is not where its orders led: stopped while running, running while armed."""
    seen = facts.telemetry
    expected = _EXPECTED.get(memory.state)
    if expected is None or seen is None or seen.state in expected or seen.is_button_down:
        return None
    if seen.lease_ended:
        return Cause(CauseCode.LEASE_ENDED)
    return Cause(CauseCode.PEN_STOPPED_ITSELF, f"it is {seen.state.name}")


def order_refused(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report that the pen refused an order that leads to motion or keeps it."""
    last = facts.exchanged
    if last is None or not last.was_answered or last.was_taken or memory.state not in WATCHED:
        return None
    if last.kind in (OrderKind.POLL, OrderKind.STOP):
        return None
    return Cause(CauseCode.ORDER_REFUSED, f"{last.kind.name}: {last.refusal}")


def lateness_after(memory: Memory, facts: Facts) -> int:
    """Return the lateness after this scan: up at once, down slowly, so that flapping adds up.

    It does not rise for ever: a machine that was late for a minute is well a second later.
    """
    if 0 <= facts.late_ms <= LATE_MS_MAX:
        return max(0, memory.lateness - 1)
    return min(memory.lateness, LATENESS_MAX) + LATE_STEP


def scan_late(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report scans that come late again and again while needles may be out.

    A single scan that is later than the telemetry may be old is found by `telemetry_stale`.
    """
    if memory.state not in WATCHED or memory.lateness <= LATENESS_MAX:
        return None
    return Cause(CauseCode.SCAN_LATE, f"{facts.late_ms} ms late, allowed are {LATE_MS_MAX} ms")


def record_failed(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report a journal that no longer takes entries."""
    if not facts.record_failure or memory.state not in WATCHED:
        return None
    return Cause(CauseCode.RECORD_FAILED, facts.record_failure)


def driver_lost(memory: Memory, facts: Facts, _now_ms: int) -> Cause | None:
    """Report that nobody guides the session any more."""
    is_lost = not facts.driver_is_present and memory.state in WATCHED
    return Cause(CauseCode.DRIVER_LOST) if is_lost else None


def rest_not_seen(memory: Memory, facts: Facts, now_ms: int) -> Cause | None:
    """Report a pen that answers, was told to stop long ago, and does not say that it rests."""
    seen = facts.telemetry
    if memory.state not in STOPPED_STATES or seen is None or not is_fresh(seen, now_ms):
        return None
    waited_ms = now_ms - memory.entered_ms
    if is_still(seen) or waited_ms <= REST_MS_MAX:
        return None
    speed = "not known" if seen.speed_dhz is None else f"{seen.speed_dhz} dHz"
    detail = f"{seen.state.name}, speed {speed}, after {waited_ms} ms"
    return Cause(CauseCode.REST_NOT_SEEN, detail)


def no_contact(memory: Memory, facts: Facts, now_ms: int) -> Cause | None:
    """Report needles that have run in the air for too long."""
    del facts
    current = memory.current
    if memory.state is not State.RUNNING or current is None or current.begun_ms is None:
        return None
    air_ms = now_ms - current.contact_ms
    return None if air_ms <= NO_CONTACT_MS else Cause(CauseCode.NO_CONTACT, f"{air_ms} ms")


def pass_too_long(memory: Memory, facts: Facts, now_ms: int) -> Cause | None:
    """Report a pass that takes longer than any pass should, since it was last (re)started."""
    del facts
    current = memory.current
    if memory.state is not State.RUNNING or current is None or current.begun_ms is None:
        return None
    run_ms = now_ms - current.begun_ms
    return None if run_ms <= PASS_MS_MAX else Cause(CauseCode.PASS_TOO_LONG, f"{run_ms} ms")


MONITORS: tuple[Monitor, ...] = (
    pen_restarted,
    pen_fault,
    over_depth,
    limits_changed,
    cartridge_out,
    motion_unasked,
    depth_unknown,
    overspeed,
    telemetry_stale,
    pen_button,
    pen_elsewhere,
    order_refused,
    scan_late,
    record_failed,
    driver_lost,
    rest_not_seen,
    no_contact,
    pass_too_long,
)
"""All monitors, gravest first, so that the first cause of a scan is the telling one."""


def watch(memory: Memory, facts: Facts, now_ms: int) -> tuple[Cause, ...]:
    """Return every cause that is active in this scan, in the order of `MONITORS`."""
    found = (monitor(memory, facts, now_ms) for monitor in MONITORS)
    return tuple(cause for cause in found if cause is not None)
