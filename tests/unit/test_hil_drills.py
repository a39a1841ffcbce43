"""The verdict on a drill: it passes only what was seen, in time, and by both sides."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from hil.drills import DRILLS, Drill, Moment, cause_of, judge, strike
from hil.showing import drill_lines
from hil.truth import TrueEvent
from simulator.faults import parse_fault

AT_US = 10_000_000
OVER_DEPTH, KILLED = DRILLS["over-depth"], DRILLS["host-killed"]


def event(name: str, after_ms: int, **fields: Any) -> TrueEvent:
    """Return something that the pen noted so long after the cause."""
    return TrueEvent(name, 0, 1, AT_US + after_ms * 1_000, fields)


def frame(state: str, after_ms: int, *causes: str, reason: str = "") -> dict[str, Any]:
    """Return what the host showed so long after the cause."""
    shown = [{"text": text} for text in causes]
    t_ms = AT_US // 1_000 + after_ms
    return {"state": state, "t_ms": t_ms, "causes": shown, "stop_reason": reason}


TRUTH = [
    event("needles_still", -500, strokes=10),
    event("motor_on", -400),
    event("fault_injected", 0, fault="over-depth", value=500),
    event("fault", 3, fault="OVER_DEPTH"),
    event("motor_off", 3),
    event("needles_still", 36, strokes=99),
]
FRAMES = [frame("RUNNING", -10), frame("RUNNING", 12), frame("FAULT", 61, "too deep", "stale")]


def complaints(
    truth: list[TrueEvent] | None = None,
    frames: list[dict[str, Any]] | None = None,
    exit_code: int = 5,
    drill: Drill = OVER_DEPTH,
    struck_us: int | None = None,
) -> tuple[str, ...]:
    """Return what the judge has to complain of."""
    seen = TRUTH if truth is None else truth
    verdict = judge(drill, seen, FRAMES if frames is None else frames, exit_code, struck_us)
    assert verdict.passed == (not verdict.complaints)
    return verdict.complaints


def test_drill_passes_where_everything_was_as_it_must_be() -> None:
    """Standstill in time, the host in its state, and an exit code of those that are right."""
    verdict = judge(OVER_DEPTH, TRUTH, FRAMES, 5, None)

    assert (True, 36, 60, ()) == (
        verdict.passed,
        verdict.still_ms,
        verdict.budget_ms,
        verdict.complaints,
    )


@pytest.mark.parametrize(("still_ms", "passes"), [(0, True), (60, True), (61, False), (-1, False)])
def test_drill_passes_up_to_its_budget_and_not_beyond(still_ms: int, *, passes: bool) -> None:
    """One millisecond too late is too late, and a standstill before the cause is none."""
    truth = [*TRUTH[1:-1], event("needles_still", still_ms, strokes=99)]

    assert passes == (complaints(sorted(truth, key=lambda e: e.monotonic_us)) == ())


def test_drill_fails_where_standstill_was_never_seen() -> None:
    """A log that ends too soon proves nothing."""
    (text,) = complaints(TRUTH[:-1])

    assert "needles still after None ms, allowed are 60 ms" == text


def test_drill_fails_where_the_motor_ran_again() -> None:
    """A pen that drives again after it stood still has resumed by itself."""
    (text,) = complaints([*TRUTH, event("motor_on", 900)])

    assert "the motor was driven again after it had stopped" == text


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([frame("RUNNING", 0)], "the host ended in RUNNING, expected was FAULT"),
        ([], "the host ended in nothing, expected was FAULT"),
    ],
)
def test_drill_fails_where_the_host_ended_elsewhere(
    frames: list[dict[str, Any]], says: str
) -> None:
    """The host must have noticed."""
    assert (says,) == complaints(frames=frames)


@pytest.mark.parametrize("exit_code", [0, 2, 4, 130, -9])
def test_drill_fails_with_another_exit_code(exit_code: int) -> None:
    """A treatment that went wrong does not say that it went well."""
    assert (f"exit code {exit_code}, expected was one of (5,)",) == complaints(exit_code=exit_code)


def test_drill_fails_where_its_cause_never_struck() -> None:
    """Without the fault in the pen's log, or the signal, nothing was tried."""
    assert ("the fault never struck",) == complaints([TRUTH[0]])
    assert ("the fault never struck",) == complaints(drill=KILLED)


def test_everything_that_is_wrong_is_told() -> None:
    """The judge does not stop at the first complaint."""
    assert 3 == len(complaints(TRUTH[:-1], [], 0))


def test_signal_of_a_host_drill_counts_from_when_it_was_sent() -> None:
    """The pen's log knows nothing of it; the machine's clock does."""
    assert AT_US == cause_of(KILLED, TRUTH, AT_US)
    assert () == complaints(drill=KILLED, struck_us=AT_US)
    assert AT_US == cause_of(OVER_DEPTH, TRUTH, 12)


def test_moments_of_both_sides_are_in_one_order() -> None:
    """What happened from the cause on, pen and host by their time, each state of the host once."""
    verdict = judge(OVER_DEPTH, TRUTH, FRAMES, 5, None)

    assert (
        Moment(3, "pen", "fault OVER_DEPTH, latched"),
        Moment(3, "pen", "motor off, braking"),
        Moment(36, "pen", "needles still"),
        Moment(61, "host", "FAULT: too deep"),
    ) == verdict.moments
    stopped = judge(OVER_DEPTH, TRUTH, [frame("STOPPING", 5, reason="stopped by key")], 5, None)
    assert Moment(5, "host", "STOPPING: stopped by key") in stopped.moments


def test_verdict_is_plain_data_and_plain_lines() -> None:
    """JSON holds the names of docs/cli.md, and the lines end in PASSED or FAILED."""
    good, bad = judge(OVER_DEPTH, TRUTH, FRAMES, 5, None), judge(OVER_DEPTH, [], [], 0, None)

    shape = json.loads(json.dumps(good.as_json()))
    assert {"passed", "still_ms", "budget_ms", "moments", "complaints"} == set(shape)
    assert all({"after_ms", "who", "text"} == set(moment) for moment in shape["moments"])
    assert "PASSED" in drill_lines(good, "over-depth")[-1]
    assert "FAILED" in drill_lines(bad, "over-depth")[-1]
    assert any("the fault never struck" in text for text in drill_lines(bad, "over-depth"))


@pytest.mark.parametrize("drill", DRILLS.values(), ids=list(DRILLS))
def test_drill_is_a_fault_of_the_pen_or_a_signal_to_the_host(drill: Drill) -> None:
    """Each drill has exactly one cause, which exists, a budget and a right end."""
    assert bool(drill.fault) != bool(drill.signal_number)
    if drill.fault:
        parse_fault(f"{drill.fault}@strokes=1")
    assert 0 < drill.budget_ms <= 251
    assert 0 not in drill.exit_codes
    assert drill.exit_codes


def test_signal_is_sent_to_the_process_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is struck."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    strike(replace(KILLED, signal_number=signal.SIGKILL), 4_242)

    assert [(4_242, signal.SIGKILL)] == sent
