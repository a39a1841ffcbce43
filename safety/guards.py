"""Guards: each looks at one condition and gives back a refusal, or None; none has a side effect.

All are written as inclusions: what is unknown does not fulfil them. Their names are the atoms of
the decision table that an independent oracle is written in (tests/data/oracle.toml).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from safety.causes import Cause
from safety.facts import Facts, Role, Telemetry
from safety.memory import Memory, Refusal
from safety.states import PenState, Severity
from safety.units import in_mm

FRESHNESS_MS = 150
"""A guard permits only on telemetry of at most this age. Source: DESIGN 5, profile A."""

ARM_TIMEOUT_MS = 30_000
"""START must follow ARM within this. Source: [SAF] 3.1 H07."""

SETTLED_UM = 50
"""Measured protrusion may differ from the set one by this before START. Source: protocol.md 6."""

SPEED_STILL_DHZ = 0
"""A motor at rest. Source: docs/protocol.md 4."""

UNCERTAINTY_UM_MAX = 150
"""A depth known no better than this is not known. Source: [DOM] 1.5, published tolerance."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a guard may look at: memory, facts and time of this scan, who asks, what is measured."""

    memory: Memory
    facts: Facts
    now_ms: int
    role: Role = Role.PRACTITIONER
    active: tuple[Cause, ...] = ()
    area: str = ""


Guard = Callable[[Scene], Refusal | None]


STATUSES_NEEDED = 3
"""Plausible statuses in a row that make a self-test. ASSUMED: one alone may be a lucky one."""


def is_fresh(telemetry: Telemetry | None, now_ms: int) -> bool:
    """Return whether there is telemetry, not older than `FRESHNESS_MS` and not from the future."""
    return telemetry is not None and 0 <= now_ms - telemetry.received_ms <= FRESHNESS_MS


def is_still(telemetry: Telemetry) -> bool:
    """Return whether the pen says that it rests, its motor off and standing."""
    at_rest = telemetry.state in (PenState.SAFE, PenState.FAULT)
    return at_rest and not telemetry.is_driven and telemetry.speed_dhz == SPEED_STILL_DHZ


def telemetry_is_fresh(scene: Scene) -> Refusal | None:
    """Permit on fresh telemetry only."""
    if is_fresh(scene.facts.telemetry, scene.now_ms):
        return None
    seen = scene.facts.telemetry
    age = "none yet" if seen is None else f"{scene.now_ms - seen.received_ms} ms old"
    reason = f"the last measurement is {age}, allowed are {FRESHNESS_MS} ms"
    return Refusal("SR-009", reason, "Check the cable, then try again.")


def pen_is_at_rest(scene: Scene) -> Refusal | None:
    """Permit when the pen is in SAFE with its motor off."""
    seen = scene.facts.telemetry
    if seen is not None and seen.state is PenState.SAFE and is_still(seen):
        return None
    name = "unknown" if seen is None else seen.state.name
    return Refusal("SR-009", f"the pen is not at rest (state {name})", "Stop it first.")


def pen_is_ready(scene: Scene) -> Refusal | None:
    """Permit when the pen is READY and its measured protrusion is the one that was granted."""
    seen, current = scene.facts.telemetry, scene.memory.current
    if seen is None or current is None or seen.depth_um is None:
        return Refusal("SR-009", "the needle protrusion is not known", "Wait, or arm again.")
    is_close = -SETTLED_UM <= seen.depth_um - current.plan.depth_um <= SETTLED_UM
    if seen.state is PenState.READY and seen.is_settled and is_close:
        return None
    reason = (
        f"the pen is {seen.state.name} with {in_mm(seen.depth_um)} of needle protrusion, "
        f"wanted are READY and {in_mm(current.plan.depth_um)}"
    )
    return Refusal("SR-003", reason, "Wait until the needles have settled.")


def pen_is_suitable(scene: Scene) -> Refusal | None:
    """Permit when the pen has been identified, and has lease and depth sense."""
    known = scene.facts.identity
    if known is not None and not known.unfit:
        return None
    reason = "the pen has not been identified" if known is None else known.unfit
    return Refusal("SR-015", reason, "Check port and pen.")


def cartridge_is_in(scene: Scene) -> Refusal | None:
    """Permit when the pen reports a cartridge."""
    seen = scene.facts.telemetry
    if seen is not None and seen.has_cartridge:
        return None
    return Refusal("SR-037", "there is no cartridge in the pen", "Insert a new cartridge.")


def nothing_is_wrong(scene: Scene) -> Refusal | None:
    """Permit when no cause of PAUSE or worse is active."""
    active = [c for c in scene.memory.causes if not (c.severity <= Severity.WARN)]
    if not active:
        return None
    first = active[0]
    return Refusal("SR-006", first.sentence, first.kind.next_step)


def causes_are_gone(scene: Scene) -> Refusal | None:
    """Permit a reset when no latched cause is still being measured."""
    seen = scene.facts.telemetry
    grave = [c for c in scene.active if not (c.severity < Severity.FAULT_OPERATOR)]
    is_calm = seen is not None and seen.state is not PenState.FAULT and not grave
    if is_calm and not scene.facts.epoch_changed:
        return None
    reason = grave[0].sentence if grave else "the cause of the fault has not gone"
    return Refusal("SR-006", reason, "Remove the cause first.")


def role_may_reset(scene: Scene) -> Refusal | None:
    """Permit a technician everything, a practitioner the operator's faults, others nothing."""
    if scene.role is Role.TECHNICIAN:
        return None
    grave = [c for c in scene.memory.causes if not (c.severity <= Severity.FAULT_OPERATOR)]
    if scene.role is Role.PRACTITIONER and not grave:
        return None
    if grave:
        return Refusal("SR-006", grave[0].sentence, grave[0].kind.next_step)
    reason = f"a {scene.role.name.lower()} may not reset a fault"
    return Refusal("SR-006", reason, "Let a practitioner or a technician sign in.")


def record_is_writable(scene: Scene) -> Refusal | None:
    """Permit while the journal takes entries."""
    if not scene.facts.record_failure:
        return None
    return Refusal("SR-014", scene.facts.record_failure, "Free disk space, then start again.")


def entry_is_durable(scene: Scene) -> Refusal | None:
    """Permit when the entry that announces this pass is safe on disk."""
    wanted = scene.memory.start_entry
    if 0 < wanted <= scene.facts.durable:
        return None
    return Refusal("SR-014", "the pass is not written down yet", "Wait a moment.")


def session_is_open(scene: Scene) -> Refusal | None:
    """Permit while a treatment session is open."""
    if scene.facts.session_is_open:
        return None
    return Refusal("SR-033", "no session is open", "Sign in and open a session.")


def no_session_is_open(scene: Scene) -> Refusal | None:
    """Permit while no treatment session is open: service and patients exclude each other."""
    if not scene.facts.session_is_open:
        return None
    return Refusal("SR-035", "a treatment session is open", "Close the session first.")


def role_may_treat(scene: Scene) -> Refusal | None:
    """Permit a practitioner only."""
    if scene.role is Role.PRACTITIONER:
        return None
    reason = f"a {scene.role.name.lower()} may not treat"
    return Refusal("SR-035", reason, "Let a practitioner sign in.")


def role_may_service(scene: Scene) -> Refusal | None:
    """Permit a technician only."""
    if scene.role is Role.TECHNICIAN:
        return None
    reason = f"a {scene.role.name.lower()} may not service a pen"
    return Refusal("SR-035", reason, "Let a technician sign in.")


def calibration_is_valid(scene: Scene) -> Refusal | None:
    """Permit when the pen's depth is known well enough, and the certificate has not run out."""
    known = scene.facts.calibration
    if known is None:
        return Refusal("SR-033", "the pen's depth is not calibrated", "Calibrate the pen.")
    if known.is_in_date and 0 <= known.uncertainty_um <= UNCERTAINTY_UM_MAX:
        return None
    reason = f"its uncertainty is {known.uncertainty_um} um" if known.is_in_date else "it ran out"
    return Refusal("SR-033", f"the pen's calibration is not valid: {reason}", "Calibrate the pen.")


def selftest_is_good(scene: Scene) -> Refusal | None:
    """Permit when enough statuses in a row were plausible at rest."""
    if scene.memory.tested >= STATUSES_NEEDED:
        return None
    reason = f"{scene.memory.tested} of {STATUSES_NEEDED} checks at rest are done"
    return Refusal("SR-036", reason, "Leave the pen at rest for a moment.")


def area_is_confirmed(scene: Scene) -> Refusal | None:
    """Permit when the person names the area that is armed."""
    current = scene.memory.current
    if current is not None and scene.area == current.plan.area:
        return None
    armed = "none" if current is None else current.plan.area
    reason = f"the area armed is {armed}, the one named is {scene.area or 'none'}"
    return Refusal("SR-033", reason, "Look at the screen, then start what it shows.")


def area_is_known(scene: Scene) -> Refusal | None:
    """Permit an area that stands in the plan."""
    if any(one.area == scene.area for one in scene.memory.plan):
        return None
    reason = f"the plan has no area {scene.area or '(none named)'}"
    return Refusal("SR-033", reason, "Choose an area of the plan.")


def arm_is_young(scene: Scene) -> Refusal | None:
    """Permit START within `ARM_TIMEOUT_MS` of arming."""
    if 0 <= scene.now_ms - scene.memory.armed_ms <= ARM_TIMEOUT_MS:
        return None
    return Refusal("SR-034", "the pen was armed more than 30 s ago", "Arm again.")


def pass_is_left(scene: Scene) -> Refusal | None:
    """Permit when the paused pass, or a further one, is left within passes and dose."""
    memory, current = scene.memory, scene.memory.current
    if current is None:
        if memory.ledger.next_pass(memory.plan, memory.area) is not None:
            return None
    elif memory.ledger.has_dose_left(current.plan, current.number):
        return None
    return Refusal("SR-007", "no pass of the plan is left within its dose", "Finish the session.")


def plan_is_given(scene: Scene) -> Refusal | None:
    """Permit when there is a plan with at least one area."""
    if scene.memory.plan:
        return None
    return Refusal("SR-033", "there is no plan", "Choose a plan.")
