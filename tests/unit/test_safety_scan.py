"""The work sheet of one scan: what is written on it, and what a refused event leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safety.causes import Cause, CauseCode
from safety.facts import PenIdentity
from safety.machine import Machine
from safety.memory import Memory
from safety.scan import Scan
from safety.states import Event, State

if TYPE_CHECKING:
    from safety.facts import Facts
    from safety.ledger import AreaPlan

NOW_MS = 10_010
KNOWN = PenIdentity(42, 7, 0x957A, 200, cartridge_uid=8)


def scan_of(memory: Memory, facts: Facts) -> Scan:
    """Return a scan in the making."""
    return Scan(Machine(), memory, facts, NOW_MS)


@pytest.mark.req("SR-004")
def test_halt_that_is_refused_changes_nothing(facts: Facts) -> None:
    """What follows a stop, and its reason, are those of the last stop that was taken."""
    memory = Memory(
        state=State.IDLE, after_stop=Event.STILL_AFTER_PAUSE, stop_reason="paused by key"
    )
    scan = scan_of(memory, facts)
    scan.finish_pass("ended by key")

    assert [(Event.PASS_DONE, True)] == [(f.event, f.is_refused) for f in scan.firings]
    assert memory == scan.memory
    assert [] == scan.entries


@pytest.mark.req("SR-006")
def test_cause_is_latched_and_written_down_once(facts: Facts) -> None:
    """Its first detail stays."""
    scan = scan_of(Memory(), facts)
    for source in ("key", "pedal"):
        scan.latch(Cause(CauseCode.EMERGENCY_STOP, source))

    assert (Cause(CauseCode.EMERGENCY_STOP, "key"),) == scan.memory.causes
    assert ["fault"] == [entry.kind for entry in scan.entries]


def test_memory_of_the_last_scan_is_not_changed(facts: Facts) -> None:
    """A scan works on its own copy."""
    memory = Memory()
    scan_of(memory, facts).fire(Event.CONNECT)

    assert Memory() == memory


@pytest.mark.req("SR-020", "SR-037")
@pytest.mark.parametrize(
    ("known", "changes", "is_taken", "is_planned", "is_written"),
    [
        (None, {}, True, True, False),
        (KNOWN, {}, True, True, False),
        (KNOWN, {"epoch": 8}, True, True, False),
        (KNOWN, {"limits_hash": 1}, True, False, False),
        (KNOWN, {"cartridge_uid": 9}, True, False, True),
        (KNOWN, {"serial_number": 43, "cartridge_uid": 9}, False, True, False),
    ],
    ids=str,
)
def test_pen_is_known_as_it_was_identified_when_its_test_begins(
    known: PenIdentity | None,
    changes: dict[str, int],
    is_taken: bool,
    is_planned: bool,
    is_written: bool,
    facts: Facts,
    plan: tuple[AreaPlan, ...],
) -> None:
    """Other limits or another cartridge void the plan; another pen is left to the monitors."""
    told = replace(KNOWN, **changes)
    memory = Memory(
        state=State.IDENTIFYING, identity=known, plan=plan, tested=2, is_cartridge_in_doubt=True
    )
    scan = scan_of(memory, replace(facts, identity=told))
    scan.fire(Event.IDENTIFIED)
    after = scan.memory

    assert (State.SELFTEST, 0) == (after.state, after.tested)
    assert (told if is_taken else known) == after.identity
    assert (plan if is_planned else ()) == after.plan
    assert is_taken is not after.is_cartridge_in_doubt
    written = [dict(entry.body) for entry in scan.entries if entry.kind == "cartridge_changed"]
    assert ([{"before": 8, "after": 9}] if is_written else []) == written


def test_test_after_service_keeps_the_pen_that_nobody_identified_anew(facts: Facts) -> None:
    """Without the pen's own word it is who it was, and a cartridge in doubt stays in doubt."""
    memory = Memory(state=State.SERVICE, identity=KNOWN, is_cartridge_in_doubt=True)
    scan = scan_of(memory, replace(facts, identity=None))
    scan.fire(Event.SERVICE_LEAVE)

    assert (State.SELFTEST, KNOWN, True) == (
        scan.memory.state,
        scan.memory.identity,
        scan.memory.is_cartridge_in_doubt,
    )
