"""What people are told when a guard says no: rule, reason and remedy, word by word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import guards
from safety.causes import CATALOGUE, Cause, CauseCode
from safety.facts import Calibration, Facts, PenIdentity, Role, Telemetry
from safety.guards import Guard, Scene
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory, Refusal
from safety.states import PenState, Severity

AREA = AreaPlan("a", 750, 1_000, 1, 200, 500)
AT_HAND = Memory(current=CurrentPass(AREA, 1))
DEEP = Memory(causes=(Cause(CauseCode.OVER_DEPTH, "by 951 um"),))
FIRST = next(code for code, kind in CATALOGUE.items() if kind.severity is Severity.STOP)
STOPPED = Memory(causes=(Cause(FIRST), Cause(CauseCode.OVER_DEPTH)))
WAIT = "Wait, or arm again."


@pytest.fixture
def scene(facts: Facts) -> Scene:
    """A scene 10 ms after a healthy pen at rest was heard."""
    return Scene(Memory(), facts, 10_010)


def seen_as(scene: Scene, telemetry: Telemetry | None, **changes: Any) -> Scene:
    """Return the scene with a pass at hand and another telemetry, or with its values changed."""
    seen = None if telemetry is None else replace(telemetry, **changes)
    return replace(scene, memory=AT_HAND, facts=replace(scene.facts, telemetry=seen))


@pytest.mark.req("SR-009")
def test_refusals_about_the_pen_at_hand_tell_what_was_measured(
    scene: Scene, telemetry: Telemetry
) -> None:
    """Age, state and protrusion are told with their numbers, the unknown by name."""
    cable = "Check the cable, then try again."
    none = seen_as(scene, None)
    old = seen_as(scene, telemetry, received_ms=9_810)
    running = seen_as(scene, telemetry, state=PenState.RUN)
    blind = seen_as(scene, telemetry, depth_um=None)
    deep = seen_as(scene, telemetry, state=PenState.READY, is_settled=True, depth_um=801)
    empty = seen_as(scene, telemetry, has_cartridge=False)

    assert Refusal(
        "SR-009", "the last measurement is none yet, allowed are 150 ms", cable
    ) == guards.telemetry_is_fresh(none)
    assert Refusal(
        "SR-009", "the last measurement is 200 ms old, allowed are 150 ms", cable
    ) == guards.telemetry_is_fresh(old)
    assert Refusal(
        "SR-009", "the pen is not at rest (state unknown)", "Stop it first."
    ) == guards.pen_is_at_rest(none)
    assert Refusal(
        "SR-009", "the pen is not at rest (state RUN)", "Stop it first."
    ) == guards.pen_is_at_rest(running)
    assert Refusal("SR-009", "the needle protrusion is not known", WAIT) == guards.pen_is_ready(
        blind
    )
    assert Refusal(
        "SR-003",
        "the pen is READY with 0.801 mm of needle protrusion, wanted are READY and 0.750 mm",
        "Wait until the needles have settled.",
    ) == guards.pen_is_ready(deep)
    assert Refusal(
        "SR-037", "there is no cartridge in the pen", "Insert a new cartridge."
    ) == guards.cartridge_is_in(empty)


@pytest.mark.req("SR-015")
def test_refusal_of_an_unsuitable_pen_tells_what_it_lacks(scene: Scene) -> None:
    """A pen that nobody knows is told from one that may not be driven."""
    strange = PenIdentity(1, 1, 1, 1, "the pen has no depth sense")
    unknown = replace(scene, facts=replace(scene.facts, identity=None))
    unfit = replace(scene, facts=replace(scene.facts, identity=strange))

    assert Refusal(
        "SR-015", "the pen has not been identified", "Check port and pen."
    ) == guards.pen_is_suitable(unknown)
    assert Refusal(
        "SR-015", "the pen has no depth sense", "Check port and pen."
    ) == guards.pen_is_suitable(unfit)


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("guard", "changes", "code"),
    [
        (guards.nothing_is_wrong, {"memory": STOPPED}, FIRST),
        (guards.causes_are_gone, {"active": STOPPED.causes}, CauseCode.OVER_DEPTH),
        (guards.role_may_reset, {"memory": STOPPED}, CauseCode.OVER_DEPTH),
    ],
)
def test_refusal_for_a_cause_names_the_first_that_matters(
    guard: Guard, changes: dict[str, Any], code: CauseCode, scene: Scene
) -> None:
    """A reset is told of the first grave cause, everything else of the first one of all."""
    refusal = guard(replace(scene, **changes))

    assert refusal is not None
    assert ("SR-006", Cause(code).sentence) == (refusal.rule, refusal.reason)
    step = (
        "Remove the cause first." if guard is guards.causes_are_gone else Cause(code).kind.next_step
    )
    assert step == refusal.fix


@pytest.mark.req("SR-006", "SR-035")
def test_refusal_of_a_reset_without_a_grave_cause_tells_why(
    scene: Scene, telemetry: Telemetry
) -> None:
    """The pen itself may still be in FAULT, or the role may reset nothing at all."""
    failed = seen_as(scene, telemetry, state=PenState.FAULT)

    assert Refusal(
        "SR-006", "the cause of the fault has not gone", "Remove the cause first."
    ) == guards.causes_are_gone(failed)
    for role, name in ((Role.QA, "qa"), (Role.ADMINISTRATOR, "administrator")):
        assert Refusal(
            "SR-006",
            f"a {name} may not reset a fault",
            "Let a practitioner or a technician sign in.",
        ) == guards.role_may_reset(replace(scene, role=role))


def test_refusal_of_a_grave_cause_comes_before_that_of_the_role(scene: Scene) -> None:
    """Whoever may reset nothing is told of the cause as well."""
    refusal = guards.role_may_reset(replace(scene, memory=DEEP, role=Role.QA))

    assert refusal is not None
    assert DEEP.causes[0].sentence == refusal.reason


@pytest.mark.req("SR-014", "SR-033", "SR-035")
@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        (
            guards.record_is_writable,
            Refusal("SR-014", "no space", "Free disk space, then start again."),
        ),
        (
            guards.entry_is_durable,
            Refusal("SR-014", "the pass is not written down yet", "Wait a moment."),
        ),
        (
            guards.session_is_open,
            Refusal("SR-033", "no session is open", "Sign in and open a session."),
        ),
        (
            guards.role_may_treat,
            Refusal("SR-035", "a qa may not treat", "Let a practitioner sign in."),
        ),
        (
            guards.role_may_service,
            Refusal("SR-035", "a qa may not service a pen", "Let a technician sign in."),
        ),
        (
            guards.selftest_is_good,
            Refusal(
                "SR-036", "2 of 3 checks at rest are done", "Leave the pen at rest for a moment."
            ),
        ),
        (
            guards.area_is_known,
            Refusal("SR-033", "the plan has no area chin", "Choose an area of the plan."),
        ),
        (
            guards.arm_is_young,
            Refusal("SR-034", "the pen was armed more than 30 s ago", "Arm again."),
        ),
        (
            guards.pass_is_left,
            Refusal("SR-007", "no pass of the plan is left within its dose", "Finish the session."),
        ),
        (guards.plan_is_given, Refusal("SR-033", "there is no plan", "Choose a plan.")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_other_refusal_is_told_in_these_words(
    guard: Guard, expected: Refusal, scene: Scene
) -> None:
    """Rule, reason and remedy are what a person at the pen reads."""
    facts = replace(scene.facts, session_is_open=False, record_failure="no space")
    bad = Scene(Memory(tested=2), facts, 99_999, Role.QA, area="chin")

    assert expected == guard(bad)


def test_refusal_of_service_during_a_session_tells_to_close_it(scene: Scene) -> None:
    """Service and patients exclude each other."""
    assert Refusal(
        "SR-035", "a treatment session is open", "Close the session first."
    ) == guards.no_session_is_open(scene)


@pytest.mark.req("SR-033")
@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (None, "the pen's depth is not calibrated"),
        (Calibration(60, is_in_date=False), "the pen's calibration is not valid: it ran out"),
        (Calibration(200, is_in_date=False), "the pen's calibration is not valid: it ran out"),
        (
            Calibration(151, is_in_date=True),
            "the pen's calibration is not valid: its uncertainty is 151 um",
        ),
    ],
)
def test_refusal_of_a_calibration_tells_what_is_wrong_with_it(
    known: Calibration | None, reason: str, scene: Scene
) -> None:
    """None at all, out of date, or too uncertain."""
    bad = replace(scene, facts=replace(scene.facts, calibration=known))

    assert Refusal("SR-033", reason, "Calibrate the pen.") == guards.calibration_is_valid(bad)


@pytest.mark.req("SR-033")
@pytest.mark.parametrize(
    ("memory", "area", "armed", "named"),
    [
        (Memory(), "", "none", "none"),
        (Memory(), "b", "none", "b"),
        (AT_HAND, "b", "a", "b"),
        (AT_HAND, "", "a", "none"),
    ],
)
def test_refusal_of_an_area_tells_both(
    memory: Memory, area: str, armed: str, named: str, scene: Scene
) -> None:
    """The one on the stale screen, and the one that is armed."""
    refusal = guards.area_is_confirmed(replace(scene, memory=memory, area=area))

    assert refusal == Refusal(
        "SR-033",
        f"the area armed is {armed}, the one named is {named}",
        "Look at the screen, then start what it shows.",
    )


def test_refusal_of_an_unnamed_area_says_so(scene: Scene) -> None:
    """An empty name is not printed as nothing."""
    refusal = guards.area_is_known(scene)

    assert refusal is not None
    assert "the plan has no area (none named)" == refusal.reason
