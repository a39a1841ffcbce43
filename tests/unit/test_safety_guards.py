"""The whole truth table of every guard: all combinations of what it looks at, at every bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from safety import guards
from safety.causes import CATALOGUE, Cause, CauseCode
from safety.facts import Calibration, Facts, PenIdentity, Role, Telemetry
from safety.guards import Guard, Scene, is_fresh, is_still
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import CurrentPass, Memory
from safety.states import PenState, Severity
from safety.table import TABLE

Case = tuple[Scene, bool]
Rows = Callable[[Scene, Telemetry], Iterator[Case]]
TRUTH: dict[Guard, Rows] = {}
AT_REST = (PenState.SAFE, PenState.FAULT)
BY_SEVERITY = {kind.severity: code for code, kind in CATALOGUE.items()}


RULES: dict[Guard, str] = {
    guards.telemetry_is_fresh: "SR-009",
    guards.pen_is_at_rest: "SR-009",
    guards.pen_is_ready: "SR-003 SR-009",
    guards.pen_is_suitable: "SR-015",
    guards.cartridge_is_in: "SR-037",
    guards.nothing_is_wrong: "SR-006",
    guards.causes_are_gone: "SR-006",
    guards.role_may_reset: "SR-006",
    guards.record_is_writable: "SR-014",
    guards.entry_is_durable: "SR-014",
    guards.session_is_open: "SR-033",
    guards.no_session_is_open: "SR-035",
    guards.role_may_treat: "SR-035",
    guards.role_may_service: "SR-035",
    guards.calibration_is_valid: "SR-033",
    guards.selftest_is_good: "SR-036",
    guards.area_is_confirmed: "SR-033",
    guards.area_is_known: "SR-033",
    guards.arm_is_young: "SR-034",
    guards.pass_is_left: "SR-007",
    guards.plan_is_given: "SR-033",
}
"""The requirements that each guard names when it says no."""


def truth_of(guard: Guard) -> Callable[[Rows], Rows]:
    """Register the truth table of a guard: every scene with whether it permits."""

    def register(rows: Rows) -> Rows:
        TRUTH[guard] = rows
        return rows

    return register


@pytest.fixture
def scene(facts: Facts) -> Scene:
    """A scene 10 ms after a healthy pen at rest was heard."""
    return Scene(Memory(), facts, 10_010)


def seeing(scene: Scene, telemetry: Telemetry | None, **changes: Any) -> Scene:
    """Return the scene with another telemetry, and with other facts if any are given."""
    return replace(scene, facts=replace(scene.facts, telemetry=telemetry, **changes))


@truth_of(guards.telemetry_is_fresh)
def fresh_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Age, in milliseconds, around both bounds, or no telemetry at all."""
    yield seeing(scene, None), False
    for age_ms in (-1, 0, 1, 149, 150, 151):
        seen = replace(telemetry, received_ms=scene.now_ms - age_ms)
        yield seeing(scene, seen), 0 <= age_ms <= 150


@truth_of(guards.pen_is_at_rest)
def rest_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """State, bridge and speed of the pen."""
    yield seeing(scene, None), False
    for state, is_driven, speed_dhz in product(PenState, (False, True), (-1, 0, 1, None)):
        seen = replace(telemetry, state=state, is_driven=is_driven, speed_dhz=speed_dhz)
        is_safe = state is PenState.SAFE and not is_driven and speed_dhz == 0
        yield seeing(scene, seen), is_safe


@truth_of(guards.pen_is_ready)
def ready_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """State, settling and depth of the pen, with and without a pass at hand."""
    current = CurrentPass(AreaPlan("a", 750, 1_000, 1, 1, 10_000), 1)
    for pass_at_hand in (None, current):
        here = replace(scene, memory=Memory(current=pass_at_hand))
        yield seeing(here, None), False
        depths = (None, 699, 700, 701, 750, 799, 800, 801)
        for state, is_settled, depth_um in product(PenState, (False, True), depths):
            seen = replace(telemetry, state=state, is_settled=is_settled, depth_um=depth_um)
            is_close = depth_um is not None and 700 <= depth_um <= 800
            is_ready = state is PenState.READY and is_settled and is_close
            yield seeing(here, seen), is_ready and pass_at_hand is not None


@truth_of(guards.pen_is_suitable)
def suitable_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether the pen has been identified, and what it lacks; memory does not matter."""
    yield seeing(scene, telemetry), True
    yield seeing(scene, telemetry, identity=None), False
    for unfit in ("", "no lease"):
        known = PenIdentity(42, 7, 0x957A, 200, unfit)
        yield seeing(scene, telemetry, identity=known), not unfit
        here = replace(scene, memory=Memory(identity=known))
        yield seeing(here, telemetry, identity=None), False


@truth_of(guards.cartridge_is_in)
def cartridge_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether the pen reports a cartridge."""
    yield seeing(scene, None), False
    for has_cartridge in (False, True):
        yield seeing(scene, replace(telemetry, has_cartridge=has_cartridge)), has_cartridge


def some_causes() -> Iterator[tuple[tuple[Cause, ...], Severity]]:
    """Yield no cause, one of every severity, and each beside the mildest, with their worst."""
    yield (), Severity.NONE
    mildest = Cause(BY_SEVERITY[Severity.WARN])
    for severity, code in BY_SEVERITY.items():
        yield (Cause(code),), severity
        yield (mildest, Cause(code)), severity
        yield (Cause(code), mildest), severity


@truth_of(guards.nothing_is_wrong)
def wrong_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """The causes that are active or latched."""
    for causes, severity in some_causes():
        here = replace(scene, memory=Memory(causes=causes))
        yield seeing(here, telemetry), severity <= Severity.WARN


@truth_of(guards.causes_are_gone)
def gone_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """The pen's own state, its boot number, and what is still measured."""
    for causes, severity in some_causes():
        here = replace(scene, active=causes)
        yield seeing(here, None), False
        for state, epoch_changed in product(PenState, (False, True)):
            seen = replace(telemetry, state=state)
            is_calm = state is not PenState.FAULT and not epoch_changed
            is_gone = is_calm and severity < Severity.FAULT_OPERATOR
            yield seeing(here, seen, epoch_changed=epoch_changed), is_gone


@truth_of(guards.role_may_reset)
def role_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Who asks, and what for."""
    for (causes, severity), role in product(some_causes(), Role):
        here = replace(scene, memory=Memory(causes=causes), role=role)
        is_mild = severity < Severity.FAULT_TECHNICIAN
        may = role is Role.TECHNICIAN or (role is Role.PRACTITIONER and is_mild)
        yield seeing(here, telemetry), may


@truth_of(guards.record_is_writable)
def record_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether the journal has failed."""
    yield seeing(scene, telemetry), True
    yield seeing(scene, telemetry, record_failure="no space"), False


@truth_of(guards.entry_is_durable)
def durable_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """The entry waited for, 0 for none, and the last one on disk."""
    for wanted, durable in product((-1, 0, 1, 5), range(-1, 8)):
        here = replace(scene, memory=Memory(start_entry=wanted))
        yield seeing(here, telemetry, durable=durable), wanted > 0 and durable >= wanted


@truth_of(guards.arm_is_young)
def young_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Time since arming, in milliseconds, around both bounds."""
    for age_ms in (-1, 0, 1, 29_999, 30_000, 30_001):
        here = replace(scene, memory=Memory(armed_ms=scene.now_ms - age_ms))
        yield seeing(here, telemetry), 0 <= age_ms <= 30_000


@truth_of(guards.pass_is_left)
def left_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether a pass is at hand, and what plan, passes and dose leave, up to the last stroke."""
    area = AreaPlan("a", 750, 1_000, 2, 200, 500)
    for has_current, plan in product((False, True), ((), (area,))):
        current = CurrentPass(area, 2) if has_current else None
        for outcome, strokes in product(Outcome, (0, 300, 301)):
            ledger = Ledger((Pass("a", 1, outcome, strokes),))
            memory = Memory(plan=plan, ledger=ledger, current=current)
            # An undelivered first pass is the next one, so that its own strokes do not matter.
            is_own = outcome is Outcome.NOT_DELIVERED and not has_current
            is_left = (strokes <= 300 or is_own) and (has_current or bool(plan))
            yield seeing(replace(scene, memory=memory), telemetry), is_left
        both = Ledger((Pass("a", 1, Outcome.PARTIAL, 1), Pass("a", 2, Outcome.PARTIAL, 1)))
        memory = Memory(plan=plan, ledger=both, current=current)
        yield seeing(replace(scene, memory=memory), telemetry), has_current


@truth_of(guards.session_is_open)
def session_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether a session is open."""
    for is_open in (False, True):
        yield seeing(scene, telemetry, session_is_open=is_open), is_open


@truth_of(guards.no_session_is_open)
def no_session_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Its contrary."""
    for is_open in (False, True):
        yield seeing(scene, telemetry, session_is_open=is_open), not is_open


@truth_of(guards.role_may_treat)
def treat_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Who asks."""
    for role in Role:
        yield seeing(replace(scene, role=role), telemetry), role is Role.PRACTITIONER


@truth_of(guards.role_may_service)
def service_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Who asks."""
    for role in Role:
        yield seeing(replace(scene, role=role), telemetry), role is Role.TECHNICIAN


@truth_of(guards.calibration_is_valid)
def calibration_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Date and uncertainty around both bounds, or no calibration at all."""
    yield seeing(scene, telemetry, calibration=None), False
    for is_in_date, uncertainty_um in product((False, True), (-1, 0, 1, 149, 150, 151)):
        known = Calibration(uncertainty_um, is_in_date)
        is_valid = is_in_date and 0 <= uncertainty_um <= 150
        yield seeing(scene, telemetry, calibration=known), is_valid


@truth_of(guards.selftest_is_good)
def selftest_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Plausible statuses in a row, around the number needed."""
    for tested in (-4, -3, -1, 0, 1, 2, 3, 4):
        yield seeing(replace(scene, memory=Memory(tested=tested)), telemetry), tested >= 3


@truth_of(guards.area_is_confirmed)
def confirmed_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """The area that a person names, and the one at hand; the plan and its order do not matter."""
    one, other = AreaPlan("a", 750, 1_000, 1, 1, 1), AreaPlan("b", 750, 1_000, 1, 1, 1)
    for current, named in product((None, one, other), ("", "a", "b", "A", "none")):
        at_hand = None if current is None else CurrentPass(current, 1)
        memory = Memory(plan=(one, other), area="a", current=at_hand)
        is_same = current is not None and named == current.area
        yield seeing(replace(scene, memory=memory, area=named), telemetry), is_same


@truth_of(guards.area_is_known)
def known_area_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """The area that a person names, and the areas of the plan."""
    one, other = AreaPlan("a", 750, 1_000, 1, 1, 1), AreaPlan("b", 750, 1_000, 1, 1, 1)
    for plan, named in product(((), (one,), (one, other)), ("", "a", "b", "c")):
        here = replace(scene, memory=Memory(plan=plan), area=named)
        yield seeing(here, telemetry), named in {area_plan.area for area_plan in plan}


@truth_of(guards.plan_is_given)
def plan_rows(scene: Scene, telemetry: Telemetry) -> Iterator[Case]:
    """Whether there is a plan."""
    for plan in ((), (AreaPlan("a", 750, 1_000, 1, 1, 10_000),)):
        yield seeing(replace(scene, memory=Memory(plan=plan)), telemetry), bool(plan)


@pytest.mark.req("SR-004", "SR-009", "SR-033", "H01", "H13")
@pytest.mark.parametrize("guard", TRUTH, ids=lambda guard: guard.__name__)
def test_guard_permits_exactly_where_its_truth_table_says(
    guard: Guard, scene: Scene, telemetry: Telemetry
) -> None:
    """Every combination of what the guard looks at is decided, and both ways occur."""
    rows = list(TRUTH[guard](scene, telemetry))

    wrong = [(case, permits) for case, permits in rows if permits != (guard(case) is None)]

    assert [] == wrong
    assert {True, False} == {permits for _, permits in rows}


@pytest.mark.req("SR-033")
@pytest.mark.parametrize("guard", TRUTH, ids=lambda guard: guard.__name__)
def test_every_refusal_names_rule_reason_and_remedy(
    guard: Guard, scene: Scene, telemetry: Telemetry
) -> None:
    """A refusal says which requirement says no, what is wrong, and what to do."""
    refusals = [guard(case) for case, permits in TRUTH[guard](scene, telemetry) if not permits]

    assert set(RULES[guard].split()) == {refusal.rule for refusal in refusals if refusal}
    for refusal in refusals:
        assert refusal is not None
        assert refusal.reason
        assert refusal.fix.endswith(".")


def test_every_guard_of_the_table_has_a_truth_table() -> None:
    """A guard that is added without one is found."""
    assert {guard for row in TABLE for guard in row.guards} == set(TRUTH)


@pytest.mark.parametrize("severity", list(Severity))
def test_warning_forbids_nothing(
    severity: Severity, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a cause of PAUSE or worse keeps needles still."""
    kind = replace(CATALOGUE[CauseCode.NO_CONTACT], severity=severity)
    monkeypatch.setitem(CATALOGUE, CauseCode.NO_CONTACT, kind)
    here = replace(scene, memory=Memory(causes=(Cause(CauseCode.NO_CONTACT),)))

    refusal = guards.nothing_is_wrong(here)

    assert (severity <= Severity.WARN) == (refusal is None)


@pytest.mark.req("SR-006")
def test_refusal_names_the_first_cause(scene: Scene) -> None:
    """What went wrong first is what the person at the pen is told."""
    first, second = Cause(CauseCode.OVER_DEPTH, "951 um"), Cause(CauseCode.NO_CONTACT)

    refusal = guards.nothing_is_wrong(replace(scene, memory=Memory(causes=(first, second))))

    assert refusal is not None
    assert (first.sentence, first.kind.next_step) == (refusal.reason, refusal.fix)


def test_pen_is_still_only_in_a_resting_state_without_drive_and_speed(
    telemetry: Telemetry,
) -> None:
    """State, bridge and speed must all say so, and an unknown speed is no rest."""
    for state, is_driven, speed_dhz in product(PenState, (False, True), (-1, 0, 1, None)):
        seen = replace(telemetry, state=state, is_driven=is_driven, speed_dhz=speed_dhz)

        assert (state in AT_REST and not is_driven and speed_dhz == 0) == is_still(seen)


@pytest.mark.req("SR-009", "H13")
@pytest.mark.parametrize(
    ("age_ms", "expected"), [(-1, False), (0, True), (150, True), (151, False)]
)
def test_freshness_is_a_span_with_both_ends(
    telemetry: Telemetry, age_ms: int, expected: bool
) -> None:
    """Telemetry from the future is as unknown as an old one."""
    assert expected == is_fresh(telemetry, telemetry.received_ms + age_ms)


def test_age_of_telemetry_is_told_in_the_refusal(scene: Scene, telemetry: Telemetry) -> None:
    """Whoever is refused learns how old the last measurement is."""
    old = guards.telemetry_is_fresh(seeing(scene, replace(telemetry, received_ms=9_810)))
    none = guards.telemetry_is_fresh(seeing(scene, None))

    assert old is not None
    assert "the last measurement is 200 ms old, allowed are 150 ms" == old.reason
    assert none is not None
    assert "the last measurement is none yet, allowed are 150 ms" == none.reason
