"""The whole table, state by event by guard atom, through the real machine against the oracle.

The oracle (tests/oracle, tests/data/oracle.toml) was written from the hazards by somebody who had
not seen the table. Here every atom is made true or false by facts and memory, not by a stand-in
for a guard, so that machine, table and guards are judged together.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import pytest

from safety.causes import Cause, CauseCode
from safety.facts import Calibration, Facts, PenIdentity, Role, Telemetry
from safety.guards import Scene
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.machine import Machine
from safety.memory import CurrentPass, Memory
from safety.states import Event, PenState, State
from safety.table import ROWS
from tests.oracle import machine as oracle

TABLE = oracle.table()
MACHINE = Machine()
NOW_MS = 100_000
ROWS_MIN = 168_960
"""As many rows as the plan of the exhaustive part names. Source: [SAF] 6.6, 660 pairs x 2^8."""

PLAN = AreaPlan("cheek", 750, 1_000, 2, 200, 400)
IDENTITY = PenIdentity(serial_number=42, epoch=7, limits_hash=0x957A, depth_tolerance_um=200)
GOOD = TABLE.atoms - {"pen_is_ready", "no_session_is_open", "role_may_service"}
"""All atoms of a healthy treatment that is about to be armed."""

IMPOSSIBLE = (
    {"pen_is_at_rest", "pen_is_ready"},
    {"session_is_open", "no_session_is_open"},
    {"role_may_treat", "role_may_service"},
)
"""Pairs of atoms of which no world can hold both."""


def is_possible(atoms: frozenset[str]) -> bool:
    """Return whether there is a world in which exactly these atoms hold."""
    if any(pair <= atoms for pair in IMPOSSIBLE):
        return False
    if not ({"session_is_open", "no_session_is_open"} & atoms):
        return False
    if "area_is_known" in atoms and "plan_is_given" not in atoms:
        return False
    may_reset = "role_may_reset" in atoms
    if "role_may_service" in atoms:
        return may_reset
    if "role_may_treat" in atoms:
        # What a practitioner may not reset is a fault that is still known, hence wrong.
        return may_reset or "nothing_is_wrong" not in atoms
    return not may_reset


def causes_of(atoms: frozenset[str]) -> tuple[Cause, ...]:
    """Return the causes that memory holds."""
    if "nothing_is_wrong" in atoms:
        return ()
    may_reset = "role_may_reset" in atoms
    return (Cause(CauseCode.OVERSPEED if may_reset else CauseCode.OVER_DEPTH),)


def role_of(atoms: frozenset[str]) -> Role:
    """Return who asks."""
    if "role_may_treat" in atoms:
        return Role.PRACTITIONER
    return Role.TECHNICIAN if "role_may_service" in atoms else Role.QA


def telemetry_of(atoms: frozenset[str]) -> Telemetry:
    """Return the last status."""
    state = PenState.STOPPING
    if "pen_is_ready" in atoms:
        state = PenState.READY
    elif "pen_is_at_rest" in atoms:
        state = PenState.SAFE
    return Telemetry(
        received_ms=NOW_MS - (150 if "telemetry_is_fresh" in atoms else 151),
        tick_ms=5_000,
        epoch=7,
        state=state,
        fault=0,
        is_driven=state is PenState.STOPPING,
        has_contact=False,
        has_cartridge="cartridge_is_in" in atoms,
        is_settled=state is PenState.READY,
        is_button_down=False,
        lease_ended=False,
        depth_um=750 if state is PenState.READY else 0,
        speed_dhz=0,
        current_ma=0,
        temperature_mdegc=24_000,
        supply_mv=3_900,
        strokes=1_000,
        limits_hash=0x957A,
        last_order=(0, 0),
    )


@cache
def scene_of(atoms: frozenset[str]) -> Scene:
    """Return a scene in which exactly these atoms hold, as far as guards can see."""
    named = "cheek" if "area_is_confirmed" in atoms else "chin"
    areas: tuple[AreaPlan, ...] = ()
    if "plan_is_given" in atoms:
        areas = (replace(PLAN, area=named if "area_is_known" in atoms else "nose"),)
    others = 200 if "pass_is_left" in atoms else 201
    memory = Memory(
        plan=areas,
        ledger=Ledger((Pass("cheek", 1, Outcome.DELIVERED, others),)),
        current=CurrentPass(PLAN, 2),
        causes=causes_of(atoms),
        tested=3 if "selftest_is_good" in atoms else 2,
        start_entry=5,
        armed_ms=NOW_MS - (30_000 if "arm_is_young" in atoms else 30_001),
    )
    facts = Facts(
        link_is_up=True,
        identity=IDENTITY if "pen_is_suitable" in atoms else None,
        telemetry=telemetry_of(atoms),
        exchanged=None,
        epoch_changed="causes_are_gone" not in atoms,
        durable=5 if "entry_is_durable" in atoms else 4,
        record_failure="" if "record_is_writable" in atoms else "the disk is full",
        session_is_open="session_is_open" in atoms,
        calibration=Calibration(60, is_in_date="calibration_is_valid" in atoms),
    )
    return Scene(memory, facts, NOW_MS, role_of(atoms), area=named)


def atoms_that_matter(state: State, event: Event) -> list[str]:
    """Return the atoms that either side names for a pair."""
    rule, row = TABLE.rules.get((state.name, event.name)), ROWS.get((state, event))
    named = set() if rule is None else set(rule.atoms)
    named |= set() if row is None else {guard.__name__ for guard in row.guards}
    return sorted(named)


def every_combination(state: State, event: Event) -> Iterator[frozenset[str]]:
    """Yield all combinations of the atoms that matter, the others as in a healthy treatment."""
    matter = atoms_that_matter(state, event)
    base = GOOD - set(matter)
    if "no_session_is_open" in matter:
        base -= {"session_is_open"}
    if "pen_is_ready" in matter:
        base -= {"pen_is_at_rest"}
    if "role_may_service" in matter:
        base -= {"role_may_treat"}
    if "role_may_reset" in matter:
        # Only a fault that is still known can be beyond a practitioner.
        base -= {"nothing_is_wrong"}
    for choice in product((True, False), repeat=len(matter)):
        held = frozenset(a for a, is_held in zip(matter, choice, strict=True) if is_held)
        if "no_session_is_open" in matter and "no_session_is_open" not in held:
            held |= {"session_is_open"}
        if "session_is_open" in matter and "session_is_open" not in held:
            held |= {"no_session_is_open"}
        is_nobody = not {"role_may_treat", "role_may_service"} & (base | held)
        rest = base - {"role_may_reset"} if is_nobody else base
        # An area is known by the plan in which it stands.
        rest -= set() if "plan_is_given" in rest | held else {"area_is_known"}
        yield rest | held


def judge(state: State, event: Event, atoms: frozenset[str]) -> str:
    """Return in what oracle and machine differ, or an empty text."""
    wanted = TABLE.decide(state.name, event.name, atoms)
    scene = scene_of(atoms)
    found = MACHINE.fire(state, event, scene)
    row = ROWS.get((state, event))
    failing = [] if row is None else [g.__name__ for g in row.guards if g(scene) is not None]
    same = (wanted.next, wanted.taken) == (found.after.name, not found.is_refused)
    if same and sorted(failing) == list(wanted.missing):
        return ""
    held = ", ".join(sorted(atoms))
    return f"{state.name} + {event.name} [{held}]: oracle {wanted}, machine {found}"


def drawn_worlds(count: int) -> list[frozenset[str]]:
    """Return so many different worlds, drawn with a printed seed."""
    seed = 20_261_122
    sys.stdout.write(f"seed {seed}\n")
    chance, atoms = random.Random(seed), sorted(TABLE.atoms)
    worlds: dict[frozenset[str], None] = {}
    while len(worlds) < count:
        drawn = frozenset(atom for atom in atoms if chance.random() < 0.7)
        if is_possible(drawn):
            worlds[drawn] = None
    return list(worlds)


@pytest.mark.req("SR-004", "SR-005", "SR-006", "SR-009", "HZ-38", "H10")
def test_every_row_of_the_table_agrees_with_the_oracle() -> None:
    """Next state, refusal and the very conditions that are missing are the same on both sides."""
    worlds = drawn_worlds(2**8)
    differences, rows = [], 0
    for state, event in product(State, Event):
        found = {one for one in every_combination(state, event) if is_possible(one)}
        # The atoms that do not matter may hold or not; they must make no difference.
        found.update(worlds)
        rows += len(found)
        differences += filter(None, (judge(state, event, one) for one in found))

    assert [] == differences[:5]
    assert rows >= ROWS_MIN


@pytest.mark.req("SR-004")
def test_every_row_can_be_taken_and_every_guard_can_refuse_it() -> None:
    """The comparison above reaches both answers of every guard of every row."""
    for (state, event), row in ROWS.items():
        failed: set[str] = set()
        was_taken = False
        for one in filter(is_possible, every_combination(state, event)):
            refused = {guard.__name__ for guard in row.guards if guard(scene_of(one)) is not None}
            was_taken |= not refused
            failed |= refused

        assert was_taken, f"{state.name} + {event.name} was never taken"
        assert {guard.__name__ for guard in row.guards} == failed


@pytest.mark.req("SR-004")
def test_both_sides_speak_of_the_same_words() -> None:
    """States, events and atoms are those of the vocabulary, fifteen and forty-four of them."""
    guards = {guard.__name__ for row in ROWS.values() for guard in row.guards}

    assert [state.name for state in State] == sorted(TABLE.states, key=lambda s: State[s].value)
    assert {event.name for event in Event} == set(TABLE.events)
    assert (15, 44) == (len(State), len(Event))
    assert guards == set(TABLE.atoms)
