"""The step as a function: pure, repeatable in another process, and deaf to what STOP voids."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safety.facts import Intent, IntentKind, Role
from safety.memory import Memory
from safety.states import Event, OrderKind, State
from safety.step import SafetyCore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import Bench

HERE = Path(__file__).parent
STORY = """PLAN ARM settle START run lose run PAUSE settle RESUME settle START air run PASS_DONE
settle ARM settle START run deep run RESET settle settle PLAN ARM
STOP run"""
"""A session with a bit of everything: a lost answer, a pause, air, a fault, a reset and a STOP."""


def tell(bench: Bench) -> Bench:
    """Play the story on the bench and return it."""
    bench.until(State.IDLE)
    for word in STORY.split():
        if word in IntentKind.__members__:
            bench.want(IntentKind[word], Role.TECHNICIAN if word == "RESET" else Role.PRACTITIONER)
        bench.lost_answers = 2 if word == "lose" else 0
        bench.pen.has_contact = word != "air"
        bench.pen.extra_depth_um = 300 if word == "deep" else 0
        bench.rest(7 if word in ("settle", "run") else 1)
    return bench


def digest(bench: Bench) -> str:
    """Return a hash over all that was decided, to the letter."""
    text = "\n".join(repr(decision) for *_, decision in bench.log)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def told(bench: Bench) -> Bench:
    """A bench on which the story has been played."""
    return tell(bench)


def test_story_has_a_bit_of_everything(told: Bench) -> None:
    """What the tests below replay is not an idle session."""
    events = {f.event for *_, d in told.log for f in d.firings if not f.is_refused}

    assert {
        Event.EXECUTED,
        Event.PAUSE,
        Event.RESUME,
        Event.TRIP_FAULT,
        Event.RESET,
        Event.STOP_UI,
    } <= events
    assert set(OrderKind) - {OrderKind.RESET} <= set(told.orders)
    assert 100 < len(told.log)


@pytest.mark.req("SR-018", "HZ-70")
def test_recorded_session_replayed_gives_equal_decisions(told: Bench) -> None:
    """Facts, intents and times are enough to reach every decision again, byte for byte."""
    core, memory = SafetyCore(), Memory(plan=told.log[0][0].plan)
    for _, facts, intents, now_ms, decision in told.log:
        again = core.step(memory, facts, intents, now_ms)

        assert decision == again
        assert repr(decision) == repr(again)
        memory = again.memory


@pytest.mark.req("SR-018")
def test_step_changes_nothing_that_it_was_given(told: Bench) -> None:
    """Memory, facts and intents are deeply equal before and after, even when stepped twice."""
    core = SafetyCore()
    for memory, facts, intents, now_ms, decision in told.log:
        before = deepcopy((memory, facts, intents))

        assert decision == core.step(memory, facts, intents, now_ms)
        assert before == (memory, facts, intents)
        assert decision.memory is not memory
        assert decision.memory.current is None or decision.memory.current is not memory.current


@pytest.mark.req("SR-018", "SR-053", "HZ-61")
@pytest.mark.parametrize("options", [[], ["-O"], ["-OO"]], ids=str)
def test_same_session_is_decided_alike_in_another_process(told: Bench, options: list[str]) -> None:
    """Neither another hash seed nor optimisation changes a letter."""
    script = "import sys; sys.path[:0] = sys.argv[1:]; import conftest, test_safety_step as story\n"
    script += "sys.stdout.write(story.digest(story.tell(conftest.Bench())))"
    command = [sys.executable, *options, "-c", script, str(HERE), str(HERE.parents[1])]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert digest(told) == done.stdout


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("at", range(4))
def test_stop_among_intents_voids_the_rest_wherever_it_stands(
    new_bench: Callable[[], Bench], at: int
) -> None:
    """What was wished in the same scan, before or after STOP, is as if never wished."""
    crowd = [Intent(kind) for kind in (IntentKind.START, IntentKind.PAUSE, IntentKind.PASS_DONE)]
    stop = Intent(IntentKind.STOP, "signal")
    alone, among = new_bench(), new_bench()
    for bench in (alone, among):
        bench.to_running()

    expected = alone.scan(stop)
    found = among.scan(*crowd[:at], stop, *crowd[at:])

    assert expected == found
    assert State.STOPPING is among.state


def test_intents_of_one_scan_are_tried_in_the_order_in_which_they_came(bench: Bench) -> None:
    """PLAN and ARM in one scan arm; the other way round ARM is refused."""
    bench.until(State.IDLE)
    bench.rest(2)
    bench.scan(Intent(IntentKind.ARM), Intent(IntentKind.PLAN))
    assert State.PLANNED is bench.state
    assert ["SR-004"] == [refusal.rule for refusal in bench.log[-1][-1].refusals]

    bench.want(IntentKind.FINISH)
    bench.scan(Intent(IntentKind.PLAN), Intent(IntentKind.ARM))
    assert State.ARMED is bench.state


def test_plan_without_areas_is_refused(bench: Bench) -> None:
    """There is nothing to treat."""
    bench.memory = Memory()
    bench.until(State.IDLE)
    decision = bench.want(IntentKind.PLAN)

    assert (State.IDLE, ["SR-033"]) == (bench.state, [r.rule for r in decision.refusals])


def test_refused_firing_is_told_from_a_taken_one(bench: Bench) -> None:
    """A decision lists both, in the order in which they were tried."""
    bench.until(State.IDLE)
    taken = bench.want(IntentKind.PLAN).firings[-1]
    refused = bench.want(IntentKind.START).firings[-1]

    assert (False, State.IDLE, State.PLANNED) == (taken.is_refused, taken.before, taken.after)
    assert (True, State.PLANNED, State.PLANNED) == (
        refused.is_refused,
        refused.before,
        refused.after,
    )


def test_every_change_of_state_is_written_down(told: Bench) -> None:
    """The journal alone tells where the machine stood at any time."""
    written = [body for kind, body in told.entries if kind == "state"]
    state = State.OFFLINE.name
    for body in written:
        assert state == body["before"]
        state = body["after"]

    assert told.state.name == state
