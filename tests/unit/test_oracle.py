"""The oracle of the state machine: its reader, and its table against the invariants.

Nothing of `safety` is imported here: the oracle is worth something only while it is independent.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.oracle import machine
from tests.oracle.machine import Decision, OracleError, after, decide, read_table, table

TEXT = machine.TABLE_PATH.read_text(encoding="utf-8")
TABLE = table()
ALL = TABLE.atoms
LATCHED = {name for name, state in TABLE.states.items() if state["latched"]}
STRIKING = {"UNKNOWN_OUTCOME", "RUNNING"}
UNRESTED = {"ARMED", "UNKNOWN_OUTCOME", "RUNNING", "STOPPING"}
GUARDED = sorted(pair for pair, rule in TABLE.rules.items() if rule.atoms)

BASIS = re.compile(
    r"hazard ([1-9]|[1-3]\d|4[0-2])|[HDWRS]\d\d|[A-Z]{2}\d\d|SR-\d{3}|DESIGN \d"
    r"|ADR (000[4568]|0011)|protocol \d|VOC"
)


def ways(*, without: frozenset[str] = frozenset()) -> set[tuple[str, str, str]]:
    """Return every taken (state, event, next) with all atoms given, but for some events."""
    return {
        (state, event, after(rule, state))
        for (state, event), rule in TABLE.rules.items()
        if event not in without
    }


def reached(start: set[str], steps: set[tuple[str, str, str]]) -> set[str]:
    """Return every state that these steps lead to, the start included."""
    seen = set(start)
    while new := {to for source, _, to in steps if source in seen} - seen:
        seen |= new
    return seen


def entries(to: str) -> set[tuple[str, str]]:
    """Return every (state, event) that enters a state from another."""
    return {(source, event) for source, event, target in ways() if target == to != source}


def edited(old: str, new: str) -> str:
    """Return the table's text with one place changed."""
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


# --- the reader -------------------------------------------------------------------------


def test_oracle_imports_nothing_of_ours() -> None:
    """What the oracle is compared with shares no code with it."""
    ours = {"controller", "drivers", "hil", "safety", "simulator"}
    oracle = Path(machine.__file__).parent
    judges = [path for path in oracle.glob("*.py") if not path.name.startswith("compare_")]
    for path in [*judges, Path(__file__)]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        named = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
        named |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}

        assert set() == {name for name in named if name.partition(".")[0] in ours}


def test_table_has_the_agreed_number_of_words() -> None:
    """15 states, 44 events, 21 atoms, each once: 660 pairs."""
    assert (15, 44, 21) == (len(TABLE.states), len(set(TABLE.events)), len(TABLE.atoms))
    assert 660 == len(set(TABLE.pairs()))


def test_every_pair_is_decided_once() -> None:
    """Each pair is taken by one rule if all atoms hold, or refused by default with a reason."""
    for state, event in TABLE.pairs():
        decision = decide(state, event, ALL)
        rule = TABLE.rules.get((state, event))

        assert decision.taken == (rule is not None)
        assert decision.taken or (decision == (state, False, ()) and TABLE.refused[event])


def test_every_rule_says_where_it_comes_from() -> None:
    """Each basis has the form of a hazard row, an invariant, a requirement or a decision."""
    assert [] == [
        (rule.name, basis)
        for rule in TABLE.rules.values()
        for basis in rule.basis
        if not BASIS.fullmatch(basis)
    ]


@pytest.mark.parametrize(
    ("state", "event", "atoms"),
    [("NOWHERE", "ARM", ()), ("IDLE", "SHOUT", ()), ("IDLE", "ARM", ("pen_is_polite",))],
)
def test_decide_is_refused_for_unknown_names(state: str, event: str, atoms: tuple[str]) -> None:
    """An unknown state, event or atom is an error, never a refusal that looks like a decision."""
    with pytest.raises(OracleError, match=r"NOWHERE|SHOUT|pen_is_polite"):
        decide(state, event, frozenset(atoms))


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('events = ["DISARM"]', 'events = ["DISARM", "PAUSE"]', "decided by"),
        ('events = ["DISARM"]', 'events = ["DISARM", "DISARM"]', "decided by"),
        ('events = ["DISARM"]', 'events = ["UNARM"]', "unknown event: UNARM"),
        ('next = "UNKNOWN_OUTCOME"', 'next = "STARTED"', "unknown state: STARTED"),
        ('atoms = ["area_is_known"]', 'atoms = ["area_is_nice"]', "unknown atom: area_is_nice"),
        ('states = ["@all"]', 'states = ["@most"]', "unknown group: most"),
        ('id = "disarm"', 'id = "disarm"\nguards = []', "unknown: guards"),
        ('basis = ["hazard 32", "H17"]', "basis = []", "no basis"),
        ('RESUME = "no paused pass;', 'ACKNOWLEDGE = "x"\nRESUME = "', "ACKNOWLEDGE"),
        ('DISARM = "nothing is armed; a moving pen is stopped or paused"', "", "DISARM"),
        ('PAUSE = "PAUSE"', 'PAUSES = "PAUSE"', "unknown event: PAUSES"),
    ],
)
def test_table_is_refused_when_it_contradicts_itself(old: str, new: str, finding: str) -> None:
    """Overlaps, unknown names and missing reasons are found when the table is read."""
    with pytest.raises(OracleError, match=finding):
        read_table(edited(old, new))


@pytest.mark.parametrize(("state", "event"), GUARDED)
def test_guarded_pair_is_refused_when_any_atom_is_missing(state: str, event: str) -> None:
    """Each required atom is needed by itself, no other atom matters, and a refusal stays put."""
    rule = TABLE.rules[state, event]

    assert Decision(rule.next, taken=True, missing=()) == decide(state, event, rule.atoms)
    assert Decision(state, taken=False, missing=tuple(sorted(rule.atoms))) == decide(
        state, event, ALL - rule.atoms
    )
    for atom in rule.atoms:
        assert Decision(state, taken=False, missing=(atom,)) == decide(state, event, ALL - {atom})


# --- the table against the invariants ---------------------------------------------------


@pytest.mark.parametrize("state", TABLE.states)
def test_stop_family_is_total(state: str) -> None:
    """Every stop is accepted in every state without any atom, and none leads to moving needles."""
    for event in TABLE.stop_family:
        decision = decide(state, event, frozenset())

        assert decision.taken
        assert decision.next not in STRIKING | {"ARMED"}


@pytest.mark.parametrize("state", TABLE.states)
def test_caution_is_never_refused(state: str) -> None:
    """A message of caution needs no atom, and leads nowhere that allows more."""
    for event in (
        *("LINK_LOST", "PEN_RESTARTED", "IDENTITY_CHANGED", "LIMITS_CHANGED", "CARTRIDGE_OUT"),
        *("CARTRIDGE_CHANGED", "SESSION_EXPIRED", "DRIVER_LOST", "TRIP_STOP", "TRIP_FAULT"),
    ):
        decision = decide(state, event, frozenset())

        assert decision.taken
        assert decision.next == state or decision.next not in UNRESTED - {"STOPPING"}


@pytest.mark.parametrize("state", sorted(UNRESTED - {"STOPPING"}))
def test_caution_changes_every_live_state(state: str) -> None:
    """Needles that are out or moving do not stay so after any message of caution or stop."""
    # Without a line nobody can say more than OFFLINE; the lease stops them.
    assert "OFFLINE" == decide(state, "LINK_LOST", ALL).next
    for event in (
        *("PEN_RESTARTED", "IDENTITY_CHANGED", "LIMITS_CHANGED", "CARTRIDGE_OUT"),
        *("CARTRIDGE_CHANGED", "SESSION_EXPIRED", "DRIVER_LOST", "TRIP_STOP", "TRIP_FAULT"),
        *("PAUSE", *TABLE.stop_family),
    ):
        assert decide(state, event, ALL).next in {"STOPPING", "FAULT", "ESTOP"}


def test_acknowledge_changes_no_state() -> None:
    """An alarm may be acknowledged everywhere, and nothing follows from it."""
    for state in TABLE.states:
        assert Decision(state, taken=True, missing=()) == decide(state, "ACKNOWLEDGE", frozenset())


def test_latched_states_are_left_by_reset_only() -> None:
    """FAULT leads to ESTOP by a worse cause; everything else stays but for RESET, to SELFTEST."""
    assert {
        ("FAULT", "ESTOP", "ESTOP"),
        ("FAULT", "RESET", "SELFTEST"),
        ("ESTOP", "RESET", "SELFTEST"),
    } == {step for step in ways() if step[0] in LATCHED and step[0] != step[2]}
    assert LATCHED == reached(LATCHED, ways(without=frozenset({"RESET"})))


def test_reset_asks_for_the_pen_the_rest_the_causes_and_the_person() -> None:
    """H09, H13: the same five atoms in both latched states; a session is none of them."""
    for state in LATCHED:
        assert {
            *("pen_is_suitable", "telemetry_is_fresh", "pen_is_at_rest"),
            *("causes_are_gone", "role_may_reset"),
        } == TABLE.rules[state, "RESET"].atoms


def test_emergency_stop_latches_wherever_a_port_is_asked_for() -> None:
    """ESTOP leads to ESTOP but in OFFLINE, where no order can reach a pen and nothing changes."""
    for state in TABLE.states:
        expected = "OFFLINE" if state == "OFFLINE" else "ESTOP"

        assert expected == decide(state, "ESTOP", frozenset()).next


def test_motion_is_entered_by_its_own_events_only() -> None:
    """Running needs ARM or RESUME, then START, then the pen's word."""
    assert {("ARMED", "START")} == entries("UNKNOWN_OUTCOME")
    assert {("UNKNOWN_OUTCOME", "EXECUTED")} == entries("RUNNING")
    assert {
        *(("PLANNED", "ARM"), ("PAUSED", "RESUME"), ("UNKNOWN_OUTCOME", "NOT_EXECUTED")),
    } == entries("ARMED")


@pytest.mark.parametrize("event", ["UNLOCK", "START", "EXECUTED", "SELFTEST_PASSED"])
def test_no_needle_moves_without(event: str) -> None:
    """Leave any of these out, and no path from OFFLINE leads to RUNNING but over RESET."""
    steps = ways(without=frozenset({event, "RESET"}))

    assert "RUNNING" not in reached({"OFFLINE"}, steps)


def test_needles_go_out_only_under_a_plan_in_a_session() -> None:
    """A state proves no plan and no session: the atoms bar ARM and RESUME by themselves."""
    for state, event in (("PLANNED", "ARM"), ("PAUSED", "RESUME")):
        for atom in ("plan_is_given", "pass_is_left", "session_is_open", "role_may_treat"):
            assert Decision(state, taken=False, missing=(atom,)) == decide(
                state, event, ALL - {atom}
            )


def test_arm_and_resume_ask_for_the_same() -> None:
    """Resuming is no easier than arming, and neither may be asked for where the other belongs."""
    assert TABLE.rules["PLANNED", "ARM"].atoms == TABLE.rules["PAUSED", "RESUME"].atoms
    assert not decide("PAUSED", "ARM", ALL).taken
    assert not decide("PLANNED", "RESUME", ALL).taken


def test_service_leads_to_a_session_over_the_self_test_only() -> None:
    """Nobody comes from service to a session past the self-test, unless a person resets a latch."""
    steps = {s for s in ways(without=frozenset({"RESET"})) if s[1] != "SELFTEST_PASSED"}

    assert {("LOCKED", "SERVICE_ENTER")} == entries("SERVICE")
    assert set() == reached({"SERVICE"}, steps) & {"LOCKED", "IDLE", "PLANNED", "ARMED", "RUNNING"}


def test_every_state_is_reached_and_leads_back() -> None:
    """No state is dead: each is reached from OFFLINE, and leads back to OFFLINE and to IDLE."""
    assert set(TABLE.states) == reached({"OFFLINE"}, ways())
    for state in TABLE.states:
        assert {"OFFLINE", "IDLE"} <= reached({state}, ways())


@pytest.mark.parametrize("state", sorted(UNRESTED))
def test_port_and_session_are_not_given_up_before_rest(state: str) -> None:
    """Needles out or moving: no disconnect, lock, plan, area or service."""
    for event in ("DISCONNECT", "LOCK", "PLAN", "CHANGE_AREA", "FINISH", "SERVICE_ENTER", "UNLOCK"):
        assert Decision(state, taken=False, missing=()) == decide(state, event, ALL)


def test_stopping_ends_in_rest_seen_or_in_a_latch() -> None:
    """Only fresh proof of rest leads from STOPPING to a resting state, or the loss of the line."""
    for source, event, to in ways():
        if source == "STOPPING" and to not in LATCHED | {"STOPPING", "OFFLINE"}:
            assert {"telemetry_is_fresh", "pen_is_at_rest"} <= TABLE.rules[source, event].atoms


def test_whatever_permits_motion_needs_fresh_telemetry() -> None:
    """H13: what leads towards moving needles asks for a status that is fresh."""
    for source, event, to in ways():
        if to in STRIKING | {"ARMED"} and source != to:
            assert "telemetry_is_fresh" in TABLE.rules[source, event].atoms


def test_treating_and_servicing_exclude_each_other() -> None:
    """S04: no rule takes both roles, and the two opposites are never asked for together."""
    for rule in TABLE.rules.values():
        assert not {"role_may_treat", "role_may_service"} <= rule.atoms
        assert not {"session_is_open", "no_session_is_open"} <= rule.atoms


# --- orders -----------------------------------------------------------------------------


def test_orders_stand_where_they_belong() -> None:
    """START and RENEW have one state each, RESET the latched ones, STOP all with a line."""
    where = {
        order: {name for name, state in TABLE.states.items() if order in state["orders"]}
        for order in ("none", "POLL", "OPEN", "ARM", "START", "RENEW", "STOP", "RESET")
    }

    assert {"UNKNOWN_OUTCOME"} == where["START"]
    assert {"RUNNING"} == where["RENEW"]
    assert {"ARMED"} == where["OPEN"] == where["ARM"]
    assert LATCHED == where["RESET"] == {"FAULT", "ESTOP"}
    assert set(TABLE.states) - {"OFFLINE", "CONNECTING"} == where["STOP"]
    assert {"OFFLINE", "CONNECTING", "IDENTIFYING"} | LATCHED == where["none"]


def test_start_alone_waits_for_a_record() -> None:
    """R01: pass_planned is durable before START; STOP never waits."""
    durable = {name: s["durable"] for name, s in TABLE.states.items() if "durable" in s}

    assert {"UNKNOWN_OUTCOME": {"START": "pass_planned"}} == durable
    assert "entry_is_durable" in TABLE.rules["ARMED", "START"].atoms


def test_needles_may_move_where_rest_is_not_proven() -> None:
    """RUNNING alone permits motion; rest is certain only where nothing can have moved."""
    assert {"RUNNING"} == {n for n, s in TABLE.states.items() if s["needles"] == "strike"}
    assert {*STRIKING, "STOPPING", *LATCHED} == {
        name for name, state in TABLE.states.items() if state["needles_may_move"]
    }
