"""Random walks of people, pens, lines and disks against what must hold after every scan.

The walks look for the three worst things: needles that move without permission, a pass that the
ledger forgets, and a STOP that comes late.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.facts import Calibration, Facts, Intent, IntentKind, PenIdentity, Role
from safety.ledger import Outcome
from safety.memory import Decision, Memory
from safety.states import LATCHED, Event, OrderKind, PenState, Severity, State

if TYPE_CHECKING:
    from tests.unit.conftest import Bench

REST = {"pen.speed_dhz": 0, "pen.depth_um": 0}
HAPPENINGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "next": {},
    "air": {"pen.has_contact": False},
    "skin": {"pen.has_contact": True},
    "a request is lost": {"lost_requests": 1},
    "an answer is lost": {"lost_answers": 1},
    "an answer is forged": {"forged_answers": 1},
    "silence": {"lost_answers": 6},
    "the disk is slow": {"durable_lag": 3},
    "the disk hangs": {"durable_lag": None},
    "the disk is full": {"record_failure": "no space"},
    "the disk is well": {"durable_lag": 0, "record_failure": ""},
    "late": {"late_ms": 41},
    "on time": {"late_ms": 0},
    "the driver goes": {"driver_is_present": False},
    "the driver comes": {"driver_is_present": True},
    "nobody wants the port": {"link_is_wanted": False},
    "the port is wanted": {"link_is_wanted": True},
    "unplug": {"link_is_up": False},
    "plug in": {"link_is_up": True},
    "cartridge out": {"pen.has_cartridge": False},
    "cartridge in": {"pen.has_cartridge": True},
    "button down": {"pen.is_button_down": True, "pen.state": PenState.SAFE, **REST},
    "button up": {"pen.is_button_down": False},
    "deaf to STOP": {"pen.obeys_stop": False},
    "obeys STOP": {"pen.obeys_stop": True},
    "deaf to START": {"pen.obeys_start": False},
    "obeys START": {"pen.obeys_start": True},
    "too deep": {"pen.extra_depth_um": 300},
    "not too deep": {"pen.extra_depth_um": 0},
    "pen fault": {"pen.state": PenState.FAULT, "pen.fault": 0x01, **REST},
    "grave pen fault": {"pen.state": PenState.FAULT, "pen.fault": 0x81, **REST},
    "restart": {
        "pen.state": PenState.SAFE,
        "pen.tick_ms": 0,
        "pen.last_order": (0, 0),
        "pen.epoch": 8,
        "epoch_changed": True,
        **REST,
    },
    "identified again": {"epoch_changed": False, "identity": PenIdentity(42, 8, 0x957A, 200)},
    "unnoticed restart": {"pen.state": PenState.SAFE, "pen.epoch": 9, **REST},
    "other cartridge": {"pen.limits_hash": 1},
    "the cartridge tells its number": {"identity": PenIdentity(42, 7, 0x957A, 200, "", 9)},
    "first cartridge": {"pen.limits_hash": 0x957A},
    "the pen forgets its strokes": {"pen.strokes": 0},
    "other pen": {"identity": PenIdentity(43, 1, 0x957A, 200)},
    "the session ends": {"session_is_open": False},
    "a session is opened": {"session_is_open": True},
    "the certificate runs out": {"calibration": None},
    "calibrated": {"calibration": Calibration(60, is_in_date=True)},
    "blind": {"pen.knows_depth": False},
    "not blind": {"pen.knows_depth": True},
    "started by another host": {"pen.state": PenState.RUN, "pen.speed_dhz": 1_000},
}
"""What may happen before a scan; ``next`` is a person who gets on with the treatment."""

HEALTHY = (
    *("plug in", "cartridge in", "button up", "obeys STOP", "not too deep", "on time"),
    *("not blind", "the disk is well", "a session is opened", "the port is wanted"),
)
ONWARD = {
    State.IDLE: IntentKind.PLAN,
    State.PLANNED: IntentKind.ARM,
    State.ARMED: IntentKind.START,
    State.PAUSED: IntentKind.RESUME,
}
INTENTS = st.builds(
    Intent,
    st.sampled_from(IntentKind),
    st.sampled_from(("key", "pedal")),
    st.sampled_from(tuple(Role)),
    st.sampled_from(("", "forehead", "cheek")),
)
MOVE = st.tuples(
    st.sampled_from(("next",) * len(HAPPENINGS) + tuple(HAPPENINGS)),
    st.one_of(st.just([]), st.just([]), st.lists(INTENTS, max_size=3)),
    st.integers(0, 10),
)
MOVES = st.builds(
    lambda lead, moves: [("next", [], 8)] * lead + moves,
    st.integers(0, 5),
    st.lists(MOVE, max_size=60),
)
"""A walk begins anywhere between a cold start (0) and running needles (4, 5)."""
MOVING = (State.ARMED, State.UNKNOWN_OUTCOME, State.RUNNING, State.STOPPING)
OUT = (PenState.READY, PenState.RUN)
UNASKED = (State.OFFLINE, State.CONNECTING, State.IDENTIFYING)
STOP_WISHES = (IntentKind.STOP, IntentKind.ESTOP)
LONG_CONTACT = 30
"""Strokes on skin at a stretch: 0.3 s, longer than any telemetry that still counts as fresh."""


def happen(bench: Bench, what: str) -> None:
    """Let one thing happen to pen, line, disk or program."""
    for name, value in HAPPENINGS[what].items():
        owner, _, attribute = name.rpartition(".")
        setattr(bench.pen if owner else bench, attribute, value)


@dataclass
class Witness:
    """Watches every scan of a bench from outside; knows what the pen truly did."""

    bench: Bench
    treated: tuple[str, int] | None = None
    stretch: int = 0
    touched: set[tuple[str, int]] = field(default_factory=set)
    counted: set[tuple[str, int]] = field(default_factory=set)
    starts: Counter[str] = field(default_factory=Counter)

    def scan(self, *intents: Intent) -> None:
        """Do one scan and judge it."""
        before, on_skin = self.bench.memory, self.bench.pen.strokes_on_skin
        facts = self.bench.facts()
        decision = self.bench.scan(*intents)
        self.judge_order(before, facts, intents, decision)
        self.judge_ledger(decision.memory)
        self.judge_reset(before, facts, decision)
        strokes = self.bench.pen.strokes_on_skin - on_skin
        self.stretch = self.stretch + strokes if strokes else 0
        if self.stretch >= LONG_CONTACT and self.treated is not None:
            self.touched.add(self.treated)

    def judge_order(
        self, before: Memory, facts: Facts, intents: tuple[Intent, ...], decision: Decision
    ) -> None:
        """STOP comes at once, and nothing moves that was not granted, written down and wanted."""
        memory, order, seen = decision.memory, decision.order, facts.telemetry
        wants_stop = any(intent.kind in STOP_WISHES for intent in intents)
        has_no_pen = memory.state in UNASKED and not wants_stop
        assert (order is None) == (has_no_pen or not facts.link_is_up)
        if order is None:
            return
        is_grave = any(cause.severity >= Severity.STOP for cause in memory.causes)
        is_out = before.state in MOVING or (seen is not None and seen.state in OUT)
        if wants_stop or (is_grave and is_out and before.state not in LATCHED and memory.current):
            assert order.kind is OrderKind.STOP
        if order.kind in (OrderKind.ARM, OrderKind.START, OrderKind.RENEW):
            assert memory.current is not None
            plan = memory.current.plan
            assert plan in memory.plan
            assert (plan.depth_um, plan.speed_dhz) == (order.depth_um, order.speed_dhz)
        else:
            assert (order.depth_um, order.speed_dhz) == (0, 0)
        self.starts["planned"] += sum(e.kind == "pass_planned" for e in decision.entries)
        if order.kind is OrderKind.START:
            self.judge_start(before, facts, memory)

    def judge_start(self, before: Memory, facts: Facts, memory: Memory) -> None:
        """START leaves once per wish, from ARMED, with its entry durable and the pen seen ready."""
        current, seen = memory.current, facts.telemetry
        assert current is not None
        assert seen is not None
        self.starts["sent"] += 1
        assert self.starts["sent"] <= self.starts["planned"]
        assert State.ARMED is before.state
        assert 0 < before.start_entry <= facts.durable
        assert (PenState.READY, True, True) == (seen.state, seen.is_settled, seen.has_cartridge)
        assert 0 <= self.bench.now_ms - 50 - seen.received_ms <= 150
        assert (facts.record_failure, facts.driver_is_present) == ("", True)
        assert facts.session_is_open
        assert before.asked is not None
        assert (Role.PRACTITIONER, current.plan.area) == (before.asked.role, before.asked.area)
        self.treated, self.stretch = (current.plan.area, current.number), 0

    def judge_ledger(self, memory: Memory) -> None:
        """No pass is forgotten or lost, and none is one too many."""
        outcomes = {(p.area, p.number): p.outcome for p in memory.ledger.passes}
        assert len(outcomes) == len(memory.ledger.passes)
        for plan in memory.plan:
            assert memory.ledger.counted(plan.area) <= plan.passes
        still = {key for key, outcome in outcomes.items() if outcome is not Outcome.NOT_DELIVERED}
        assert self.touched <= still
        assert self.counted <= still
        open_ones = (Outcome.PLANNED, Outcome.NOT_DELIVERED)
        self.counted |= {key for key, outcome in outcomes.items() if outcome not in open_ones}

    def judge_reset(self, before: Memory, facts: Facts, decision: Decision) -> None:
        """A latched state is left by RESET alone, at rest, by who may, and leads to the test."""
        after = decision.memory.state
        if before.state not in LATCHED or after in LATCHED:
            return
        seen = facts.telemetry
        resets = [f for f in decision.firings if f.before in LATCHED and f.after not in LATCHED]
        assert [(Event.RESET, State.SELFTEST)] == [(f.event, f.after) for f in resets]
        assert before.reset_role is not None
        is_grave = any(c.severity >= Severity.FAULT_TECHNICIAN for c in before.causes)
        assert before.reset_role is Role.TECHNICIAN or not is_grave
        assert before.reset_role in (Role.TECHNICIAN, Role.PRACTITIONER)
        assert seen is not None
        assert (PenState.SAFE, False, 0) == (seen.state, seen.is_driven, seen.speed_dhz)
        assert not facts.epoch_changed


def walk(bench: Bench, moves: list[tuple[str, list[Intent], int]]) -> Witness:
    """Take the walk and return who saw it."""
    witness = Witness(bench)
    for what, intents, scans in moves:
        happen(bench, what)
        kind = ONWARD.get(bench.state) if what == "next" else None
        current = bench.memory.current
        area = "" if current is None else current.plan.area
        wished = [Intent(kind, "key", area=area)] if kind is not None else []
        witness.scan(*wished, *intents)
        for _ in range(scans):
            witness.scan()
    return witness


@pytest.mark.req(
    "SR-005",
    "SR-007",
    "SR-008",
    "SR-011",
    "SR-014",
    "HZ-08",
    "HZ-13",
    "H05",
    "H07",
    "H10",
    "H14",
    "R01",
)
@settings(max_examples=300)
@given(moves=MOVES)
def test_nothing_moves_unasked_and_nothing_is_lost(
    new_bench: Callable[[], Bench], moves: list[tuple[str, list[Intent], int]]
) -> None:
    """Whatever happens in whatever order, every scan keeps the rules that the witness knows."""
    witness = walk(new_bench(), moves)

    assert witness.starts["sent"] <= witness.starts["planned"]


@pytest.mark.req("SR-005", "SR-006", "SR-038", "HZ-38", "H18")
@settings(max_examples=100)
@given(moves=MOVES)
def test_healed_world_comes_to_rest_or_to_a_named_fault(
    new_bench: Callable[[], Bench], moves: list[tuple[str, list[Intent], int]]
) -> None:
    """Within 5 s of STOP and with everything healed, the host is idle or latched with a cause."""
    bench = new_bench()
    witness = walk(bench, moves)
    # A lock and a closed port hold until their session and their wish have ended.
    for what in ("the session ends", "nobody wants the port"):
        happen(bench, what)
    witness.scan()
    for what in HEALTHY:
        happen(bench, what)

    witness.scan(Intent(IntentKind.STOP, "key"))
    for _ in range(100):
        witness.scan()

    assert bench.state in (State.IDLE, *LATCHED)
    assert bench.pen.state in (PenState.SAFE, PenState.FAULT)
    assert bench.state is State.IDLE or bench.codes
