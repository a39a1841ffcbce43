"""The frame of one scan: its shape, and that nothing old in it passes for fresh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from controller.scanloop import Timing
from controller.snapshot import snapshot
from safety.alarms import NO_ALARMS, Alarms
from safety.alarms_signals import LOOKS
from safety.causes import CATALOGUE, Cause, CauseCode
from safety.facts import Facts, Telemetry
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import CurrentPass, Decision, Firing, Memory, Refusal
from safety.states import LATCHED, Event, PenState, State

PLAN = AreaPlan("cheek", 750, 1_000, 2, 200, 10_000)
NOW_MS = 10_100


def frame(facts: Facts, memory: Memory | None = None, **options: Any) -> dict[str, Any]:
    """Return the frame of a scan of this memory and these facts."""
    decision = Decision(memory or Memory(), None, (), options.get("firings", ()))
    return snapshot(decision, facts, options.get("timing", Timing()), options.get("at", NOW_MS))


@pytest.mark.req("SR-025", "HZ-31", "H16")
@pytest.mark.parametrize(
    ("age_ms", "is_shown"),
    [(0, True), (1, True), (149, True), (150, True), (151, False), (60_000, False), (-1, False)],
)
def test_measurement_is_shown_while_it_is_fresh_and_never_after(
    facts: Facts, telemetry: Telemetry, age_ms: int, is_shown: bool
) -> None:
    """At 150 ms of age a value is shown, older or from the future it is unknown, its age told."""
    shown = frame(facts, at=telemetry.received_ms + age_ms)

    assert (is_shown, age_ms) == (shown["pen"] is not None, shown["age_ms"])


@pytest.mark.req("SR-025")
def test_frame_of_a_pen_that_was_never_heard_knows_nothing(facts: Facts) -> None:
    """Before the first status there is no pen and no age."""
    shown = frame(replace(facts, telemetry=None))

    assert (None, None, False) == (shown["pen"], shown["age_ms"], shown["is_ready"])


def test_measurements_stand_in_the_frame_as_they_came(facts: Facts, telemetry: Telemetry) -> None:
    """Numbers are carried over unchanged, unknown ones as None, the state as its name."""
    seen = replace(telemetry, depth_um=None, speed_dhz=1_000, state=PenState.RUN, is_driven=True)
    pen = frame(replace(facts, telemetry=seen))["pen"]

    wanted = {
        "state": "RUN",
        "fault": 0,
        "tick_ms": 5_000,
        "epoch": 7,
        "is_driven": True,
        "has_contact": False,
        "depth_um": None,
        "speed_dhz": 1_000,
        "current_ma": 0,
        "temperature_mdegc": 24_000,
        "supply_mv": 3_900,
        "strokes": 1_000,
    }
    assert wanted == pen


@pytest.mark.parametrize("state", State)
def test_frame_has_the_same_names_in_every_state(facts: Facts, state: State) -> None:
    """Screens need not ask which names a frame has: docs/cli.md lists them, and JSON takes them."""
    shown = frame(facts, Memory(state=state))

    names = "type v t_ms state stop_reason is_latched current passes pen age_ms causes refusals"
    names += " alarms is_sounding burst_ms is_audio_paused is_ready is_done is_ended late_ms_max"
    assert {*names.split(), "scans"} == set(shown)
    assert ("scan", 1, state.name) == (shown["type"], shown["v"], shown["state"])
    assert (state in LATCHED) == shown["is_latched"]
    assert shown == msgspec.json.decode(msgspec.json.encode(shown))


def test_pass_at_hand_stands_with_its_area_and_what_was_counted(facts: Facts) -> None:
    """Area, number, set and measured depth and strokes of the pass are one table."""
    current = CurrentPass(
        PLAN, 2, strokes_in_contact=40, strokes_total=55, depth_um_max=761, begun_ms=9_000
    )
    wanted = {
        "area": "cheek",
        "number": 2,
        "passes": 2,
        "depth_um": 750,
        "speed_dhz": 1_000,
        "strokes_in_contact": 40,
        "strokes_total": 55,
        "strokes_per_pass": 200,
        "depth_um_max": 761,
    }

    assert wanted == frame(facts, Memory(current=current))["current"]
    assert frame(facts)["current"] is None


def test_passes_causes_and_refusals_are_told_in_plain_words(facts: Facts) -> None:
    """Every outcome is a word, every cause says what to do next, every refusal names its rule."""
    memory = Memory(
        state=State.FAULT,
        ledger=Ledger(tuple(Pass("cheek", i, o) for i, o in enumerate(Outcome, 1))),
        causes=(Cause(CauseCode.OVER_DEPTH, "cheek: measured 1251 um, set 750 um"),),
    )
    refusal = Refusal("SR-006", "the cause has not gone", "Remove it.")
    firing = Firing(State.FAULT, Event.RESET, State.FAULT, (refusal,))
    shown = frame(facts, memory, firings=(firing,))

    assert [str(o) for o in Outcome] == [one["outcome"] for one in shown["passes"]]
    (cause,) = shown["causes"]
    text = "the needles protrude deeper than set (cheek: measured 1251 um, set 750 um)"
    assert ("over-depth", "FAULT_TECHNICIAN", text) == (
        cause["code"],
        cause["severity"],
        cause["text"],
    )
    assert cause["next"].endswith(".")
    wanted = [{"rule": "SR-006", "reason": "the cause has not gone", "fix": "Remove it."}]
    assert wanted == shown["refusals"]


@pytest.mark.req("HZ-31", "H16")
@pytest.mark.parametrize(
    ("state", "entry", "pen_state", "is_settled", "age_ms", "is_ready"),
    [
        (State.ARMED, 0, PenState.READY, True, 0, True),
        (State.ARMED, 0, PenState.READY, True, 151, False),
        (State.ARMED, 0, PenState.READY, False, 0, False),
        (State.ARMED, 0, PenState.SAFE, True, 0, False),
        (State.ARMED, 9, PenState.READY, True, 0, False),
        (State.PLANNED, 0, PenState.READY, True, 0, False),
        (State.RUNNING, 0, PenState.READY, True, 0, False),
    ],
)
def test_start_makes_sense_only_where_armed_settled_fresh_and_not_asked_for(
    facts: Facts,
    telemetry: Telemetry,
    state: State,
    entry: int,
    pen_state: PenState,
    is_settled: bool,
    age_ms: int,
    is_ready: bool,
) -> None:
    """The guiding program says START at no other moment."""
    seen = replace(telemetry, state=pen_state, is_settled=is_settled)
    memory = Memory(state=state, start_entry=entry)
    shown = frame(replace(facts, telemetry=seen), memory, at=telemetry.received_ms + age_ms)

    assert is_ready == shown["is_ready"]


def test_lateness_of_the_scans_is_told(facts: Facts) -> None:
    """How many scans there were, and how late the worst came, stand in every frame."""
    shown = frame(facts, timing=Timing(scans=12, late_ms_max=41, late_ms=3))

    assert (12, 41) == (shown["scans"], shown["late_ms_max"])


OVER_DEPTH = Cause(CauseCode.OVER_DEPTH, "cheek: measured 1251 um, set 750 um")


def alarmed(*causes: Cause, at: int = NOW_MS) -> Alarms:
    """Return the alarms of a scan that found these causes first."""
    return NO_ALARMS.update(causes, at)


def line_of(facts: Facts, alarms: Alarms, at: int = NOW_MS) -> dict[str, Any]:
    """Return the only alarm in the frame of that moment."""
    (one,) = frame(facts, Memory(alarms=alarms), at=at)["alarms"]
    return dict(one)


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("code", CauseCode)
def test_alarm_stands_in_the_frame_of_the_scan_that_found_it(facts: Facts, code: CauseCode) -> None:
    """Whatever the cause: symbol, colour, priority, what happened, what the pen does, what next."""
    alarms = alarmed(Cause(code, "details"))
    kind, priority = CATALOGUE[code], alarms.alarms[0].priority
    wanted = {
        "code": str(code),
        "priority": priority.name,
        "symbol": LOOKS[priority].symbol,
        "colour": str(LOOKS[priority].colour),
        "is_lit": True,
        "text": Cause(code, "details").sentence,
        "pen": kind.pen,
        "next": kind.next_step,
        "is_present": True,
        "is_acknowledged": False,
        "is_escalated": False,
    }

    assert wanted == line_of(facts, alarms)


@pytest.mark.req("SR-044", "H17")
def test_alarm_stays_in_the_frame_while_its_light_is_off(facts: Facts) -> None:
    """The light of a high alarm goes off after 250 ms and on again after 500; its line stays."""
    shown = [line_of(facts, alarmed(OVER_DEPTH), NOW_MS + ms) for ms in (0, 249, 250, 499, 500)]

    assert [True, True, False, False, True] == [one.pop("is_lit") for one in shown]
    assert [shown[0]] * 5 == shown


@pytest.mark.req("SR-044", "H17")
def test_frame_tells_seen_gone_and_unanswered_alarms_apart(facts: Facts) -> None:
    """An alarm whose cause has gone stays until it is acknowledged; unanswered it escalates."""
    new = alarmed(OVER_DEPTH)
    gone, late = new.update((), NOW_MS + 50), new.update((OVER_DEPTH,), NOW_MS + 10_000)
    names = ("is_present", "is_acknowledged", "is_escalated")
    marks = [
        tuple(line_of(facts, one, NOW_MS + 10_000)[name] for name in names)
        for one in (new, gone, late, late.acknowledge(NOW_MS + 10_000))
    ]

    assert [(True, False, False), (False, False, False), (True, False, True)] == marks[:3]
    assert (True, True, False) == marks[3]
    over = gone.acknowledge(NOW_MS + 100)
    assert [] == frame(facts, Memory(alarms=over))["alarms"]


@pytest.mark.req("SR-044", "H17")
def test_sound_follows_its_pulses_and_is_paused_for_two_minutes_at_most(facts: Facts) -> None:
    """A pulse sounds, a gap does not, a pause is told as one and ends by itself."""
    new = alarmed(OVER_DEPTH)
    paused = new.pause_audio(NOW_MS, 999_999)

    def heard(alarms: Alarms, after_ms: int) -> tuple[bool, bool]:
        shown = frame(facts, Memory(alarms=alarms), at=NOW_MS + after_ms)
        assert 1 == len(shown["alarms"])
        return shown["is_sounding"], shown["is_audio_paused"]

    assert [(True, False), (False, False)] == [heard(new, ms) for ms in (0, 200)]
    assert [(False, True)] * 2 == [heard(paused, ms) for ms in (0, 119_999)]
    assert (True, False) == heard(paused, 120_000)
    assert (False, False) == heard(new.acknowledge(NOW_MS), 0)


@pytest.mark.req("SR-044")
def test_gravest_alarm_stands_first_and_then_the_oldest(facts: Facts) -> None:
    """Order is urgency, then age; nothing is left out."""
    codes = (CauseCode.NO_CONTACT, CauseCode.OVER_DEPTH, CauseCode.EMERGENCY_STOP)
    alarms = NO_ALARMS
    for count in range(1, len(codes) + 1):
        alarms = alarms.update([Cause(one, "") for one in codes[:count]], NOW_MS + count)
    shown = frame(facts, Memory(alarms=alarms))["alarms"]

    ranks = {"HIGH": 0, "MEDIUM": 1, "LOW": 2, "NONE": 3}
    wanted = sorted(shown, key=lambda one: (ranks[one["priority"]], codes.index(one["code"])))
    assert set(map(str, codes)) == {one["code"] for one in shown}
    assert wanted == shown
    assert len({one["priority"] for one in shown}) > 1


@pytest.mark.req("SR-007")
@pytest.mark.parametrize(
    ("passes", "is_done"),
    [
        ((), False),
        ((Pass("cheek", 1, Outcome.DELIVERED),), False),
        ((Pass("cheek", 1, Outcome.NOT_DELIVERED),), False),
        ((Pass("cheek", 1, Outcome.DELIVERED), Pass("cheek", 2, Outcome.UNCERTAIN)), True),
        ((Pass("cheek", 1, Outcome.DELIVERED, strokes=9_801),), True),
    ],
)
def test_plan_is_done_when_neither_pass_nor_dose_is_left(
    facts: Facts, passes: tuple[Pass, ...], is_done: bool
) -> None:
    """Every pass counts, or the strokes of one more would be above the dose of the area."""
    memory = Memory(plan=(PLAN,), ledger=Ledger(passes))

    assert is_done == frame(facts, memory)["is_done"]
