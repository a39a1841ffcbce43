"""All monitors together: silent when all is well, complete, and in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety import monitors
from safety.causes import CauseCode
from safety.facts import Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory
from safety.monitors import MONITORS, WATCHED, is_too_fast, lateness_after, watch
from safety.states import PenState, State

NOW_MS = 10_010


def running_memory() -> Memory:
    """Return a memory with a pass of 750 um and 100 strokes/s under way."""
    current = CurrentPass(AreaPlan("a", 750, 1_000, 1, 200), 1, begun_ms=9_000, contact_ms=9_900)
    known = PenIdentity(42, 7, 0x957A, 200)
    return Memory(state=State.RUNNING, identity=known, current=current, entered_ms=9_000)


@pytest.fixture
def running(facts: Facts, telemetry: Telemetry) -> Facts:
    """Facts with a pen that runs as it was told."""
    seen = replace(telemetry, state=PenState.RUN, is_driven=True, depth_um=750, speed_dhz=1_000)
    return replace(facts, telemetry=seen)


def seeing(facts: Facts, **changes: Any) -> Facts:
    """Return the facts with other values in their telemetry."""
    assert facts.telemetry is not None
    return replace(facts, telemetry=replace(facts.telemetry, **changes))


def test_healthy_running_pen_gives_no_cause(running: Facts) -> None:
    """All monitors are silent while everything is as it should be."""
    assert () == watch(running_memory(), running, NOW_MS)


@pytest.mark.parametrize("state", list(State))
def test_monitor_is_silent_about_what_it_does_not_know(state: State) -> None:
    """Without telemetry, identity and pass only its absence is reported, where it matters."""
    nothing = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)
    expected = [CauseCode.TELEMETRY_STALE] if state in WATCHED else []

    causes = watch(Memory(state=state), nothing, NOW_MS)

    assert expected == [cause.code for cause in causes]


def test_causes_come_in_the_order_of_the_monitors(running: Facts) -> None:
    """The first cause of a scan is the telling one."""
    facts = seeing(replace(running, epoch_changed=True, driver_is_present=False), depth_um=951)

    causes = watch(running_memory(), facts, NOW_MS)

    expected = [CauseCode.PEN_RESTARTED, CauseCode.OVER_DEPTH, CauseCode.DRIVER_LOST]
    assert expected == [cause.code for cause in causes]
    assert "a: measured 0.951 mm, set 0.750 mm" in causes[1].sentence


def test_every_monitor_is_on_once() -> None:
    """No public monitor of the module was left out of the list."""
    named = {
        value
        for name, value in vars(monitors).items()
        if getattr(value, "__module__", "") == monitors.__name__ and not name.startswith("_")
    }

    assert len(MONITORS) == len(set(MONITORS))
    assert named == {*MONITORS, is_too_fast, lateness_after, watch}


def test_causes_carry_their_numbers(running: Facts) -> None:
    """Whoever reads a cause sees what was measured and what was allowed."""
    memory = replace(running_memory(), overspeed_count=2, lateness=60)
    facts = seeing(replace(running, late_ms=41), speed_dhz=1_200, received_ms=9_000, fault=0x0A)

    details = [cause.detail for cause in watch(memory, facts, 320_000)]

    assert details == [
        "pen fault 0x0A, unknown",
        "measured 1200 dHz, set 1000 dHz",
        "311000 ms old",
        "41 ms late, allowed are 40 ms",
        "310100 ms",
        "311000 ms",
    ]
