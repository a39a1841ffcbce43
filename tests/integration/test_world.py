"""Whole treatments over every byte of the wire, in virtual time: plans, faults, chance, speed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from controller.closing import SessionWatch
from controller.errors import ExitCode
from drivers.registers import Command
from hil.truth import TrueEvent, first_after, read_truth
from hil.world import VirtualJournal, World
from safety.facts import Intent, IntentKind
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.states import State
from simulator.faults import KINDS
from simulator.pen import Pen

PLAN = (
    AreaPlan("forehead", 500, 1_000, 2, 150, 10_000),
    AreaPlan("periorbital", 250, 1_000, 1, 120, 10_000),
    AreaPlan("cheek", 1_000, 1_200, 1, 150, 10_000),
)
LONG = (AreaPlan("cheek", 1_000, 1_000, 1, 3_000, 10_000),)
EXCHANGE = 0x17
"""Function of an exchange; reading the identity is none. Source: docs/protocol.md 1."""

BOOTED_US = 1_000_000
"""The host's clock when the pen is switched on; the truth log then has the host's times."""

STOP_BUDGET_US = 251_000
"""Source: DESIGN 5, lease + 1 + brake."""

Make = Callable[..., "Rig"]


class Rig(World):
    """A world whose pen keeps a log, and which is watched for the end of its session."""

    def __init__(self, plan: tuple[AreaPlan, ...], seed: int, path: Path, **options: Any) -> None:
        self._path = path
        self._lines: list[str] = []
        pen = Pen(seed=seed, truth=self._lines.append, monotonic_us=BOOTED_US)
        super().__init__(plan, pen, **options)
        self.watch = SessionWatch()
        self.sent: list[Command] = []
        really_write = self.port.write

        def write(data: bytes) -> None:
            if data[1] == EXCHANGE:
                self.sent.append(Command(data[12]))
            really_write(data)

        self.port.write = write  # type: ignore[method-assign]

    @property
    def truth(self) -> list[TrueEvent]:
        """The pen's log so far."""
        self._path.write_text("".join(line.rstrip("\n") + "\n" for line in self._lines))
        return read_truth(self._path)

    @property
    def codes(self) -> set[str]:
        """Causes that were written down so far."""
        return {str(e.body["code"]) for e in self.journal.entries if e.kind == "fault"}

    @property
    def outcomes(self) -> list[tuple[str, int, str]]:
        """All passes of the ledger."""
        return [(p.area, p.number, str(p.outcome)) for p in self.memory.ledger.passes]

    def run_to_the_end(self, *, pushing: bool = True, limit: int = 2_000) -> None:
        """Scan until the session is over, then say the last STOP and let the pen come to rest."""
        for _ in range(limit):
            if pushing:
                self.want(*self._push())
            self.loop.driver_seen_us = self.clock.now_us()
            if self.watch.is_over(*self.loop.scan()):
                self.loop._last_stop()
                self.pen.advance(self.clock.now_us() - BOOTED_US + 1_000_000)
                return
        pytest.fail(f"the session did not end: {self.memory.state.name}, {self.codes}")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make rigs, and take them down."""
    made: list[Rig] = []

    def make_one(plan: tuple[AreaPlan, ...] = PLAN, seed: int = 3, **options: Any) -> Rig:
        made.append(Rig(plan, seed, tmp_path / f"truth-{len(made)}.jsonl", **options))
        return made[-1]

    yield make_one
    for rig in made:
        rig.close()


@pytest.mark.req("SR-001", "SR-007", "SR-008", "HZ-33", "R04")
def test_whole_plan_is_delivered_and_the_pen_confirms_it(make: Make) -> None:
    """Every pass of every area is delivered once, with the strokes that the pen truly made."""
    rig = make()
    rig.run_to_the_end()

    assert rig.watch.ending is not None
    assert ("completed", ExitCode.DONE) == (rig.watch.ending.outcome, rig.watch.ending.exit_code)
    wanted = [("forehead", 1), ("forehead", 2), ("periorbital", 1), ("cheek", 1)]
    assert [(area, number, "delivered") for area, number in wanted] == rig.outcomes
    assert set() == rig.codes
    ended = [e.body for e in rig.journal.entries if e.kind == "pass_ended"]
    assert sum(int(body["strokes_total"]) for body in ended) == rig.pen.true_strokes
    assert sum(int(body["strokes_in_contact"]) for body in ended) >= 4 * 120
    for body in ended:
        (area,) = (one for one in PLAN if one.area == body["area"])
        assert -50 <= int(body["depth_um_measured_max"]) - area.depth_um <= 50
    assert (True, False) == (rig.pen.needles_still, rig.pen.bridge_is_on)


@pytest.mark.req("SR-007", "H05")
def test_passes_that_were_counted_before_are_not_delivered_again(make: Make) -> None:
    """A session that goes on delivers what is left, an uncertain pass counting as delivered."""
    before = (Pass("forehead", 1, Outcome.DELIVERED), Pass("cheek", 1, Outcome.UNCERTAIN))
    rig = make(ledger=Ledger(before))
    rig.run_to_the_end()

    done = [("forehead", 2, "delivered"), ("periorbital", 1, "delivered")]
    assert done == rig.outcomes[2:]
    assert 2 == [e.event for e in rig.truth].count("motor_on")


@pytest.mark.req("SR-012", "HZ-07", "D01")
@pytest.mark.parametrize("scans", [1, 7, 30])
def test_needles_are_still_within_251_ms_when_the_wire_is_cut(make: Make, scans: int) -> None:
    """By the pen's own log; the host says STOP, goes offline, and counts the pass."""
    rig = make(LONG)
    rig.scan_until(lambda m: m.state is State.RUNNING)
    rig.scan(scans)
    rig.port.fault.is_cut = True
    cut_us, count = rig.clock.now_us(), len(rig.sent)
    rig.run_to_the_end(pushing=False)

    still = first_after(rig.truth, "needles_still", cut_us)
    assert still is not None
    assert still.monotonic_us - cut_us <= STOP_BUDGET_US
    assert first_after(rig.truth, "motor_on", cut_us) is None
    assert Command.STOP in rig.sent[count:]
    assert (State.OFFLINE, [("cheek", 1, "uncertain")]) == (rig.memory.state, rig.outcomes)
    assert rig.watch.ending is not None
    assert ("interrupted", ExitCode.LINK) == (rig.watch.ending.outcome, rig.watch.ending.exit_code)


@pytest.mark.req("SR-012", "HZ-05", "D01")
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_needles_are_still_within_251_ms_when_the_host_falls_silent(make: Make, seed: int) -> None:
    """A host that dies between two scans leaves a pen that stops by itself, whatever its seed."""
    rig = make(LONG, seed)
    rig.scan_until(lambda m: m.state is State.RUNNING)
    rig.scan(10 + seed)
    died_us = rig.clock.now_us()
    rig.pen.advance(died_us - BOOTED_US + 1_000_000)

    still = first_after(rig.truth, "needles_still", died_us)
    assert still is not None
    assert still.monotonic_us - died_us <= STOP_BUDGET_US
    assert first_after(rig.truth, "lease_end", died_us) is not None


FAULTS = {
    "over-depth": (State.FAULT, "pen-fault-technician", "faulted", 60, "partial"),
    "restart": (State.FAULT, "pen-restarted", "faulted", 200, "uncertain"),
    "cable-pull": (State.OFFLINE, "telemetry-stale", "interrupted", 251, "uncertain"),
    "deaf": (State.OFFLINE, "telemetry-stale", "interrupted", 251, "uncertain"),
    "mute": (State.OFFLINE, "telemetry-stale", "interrupted", 251, "uncertain"),
    "stall": (State.FAULT, "pen-fault-operator", "faulted", 251, "partial"),
    "no-feedback": (State.FAULT, "pen-fault-operator", "faulted", 251, "partial"),
    "runaway": (State.FAULT, "pen-fault-operator", "faulted", 251, "partial"),
    "cartridge-out": (State.FAULT, "pen-fault-operator", "faulted", 100, "partial"),
    "stuck-depth-sensor": (State.FAULT, "depth-flat", "faulted", 1_300, "partial"),
    "retract-fail": (State.FAULT, "pen-fault-technician", "faulted", 60_000, "delivered"),
    "stop-button": (State.IDLE, "pen-button", "stopped", 100, "partial"),
}
"""What becomes of a session by fault: last state, cause on record, outcome, ms to standstill, and
the outcome of the pass. A retraction that fails shows when the needles are to go back."""


def test_every_fault_of_the_pen_is_looked_at() -> None:
    """No kind of fault is missing from the table below."""
    assert set(KINDS) == set(FAULTS)


@pytest.mark.req("SR-006", "SR-020", "SR-022", "HZ-03", "HZ-10", "HZ-24", "W06")
@pytest.mark.parametrize("name", sorted(FAULTS))
def test_fault_of_the_pen_ends_at_rest_with_a_named_cause(make: Make, name: str) -> None:
    """Whatever goes wrong in mid-pass, the needles stop in time, and the record says why."""
    state, code, outcome, budget_ms, delivered = FAULTS[name]
    rig = make(LONG)
    rig.scan_until(lambda m: m.state is State.RUNNING)
    rig.scan(40)
    struck_us = rig.clock.now_us()
    rig.pen.advance(struck_us - BOOTED_US)
    rig.pen.inject(name)
    rig.run_to_the_end(pushing=False)

    assert rig.watch.ending is not None
    assert (state, outcome) == (rig.memory.state, rig.watch.ending.outcome)
    assert code in rig.codes, rig.codes
    assert rig.watch.ending.reason
    assert [("cheek", 1, delivered)] == rig.outcomes
    still = first_after(rig.truth, "needles_still", struck_us)
    assert still is not None
    assert (still.monotonic_us - struck_us) // 1_000 <= budget_ms
    assert first_after(rig.truth, "motor_on", struck_us) is None
    assert (True, False) == (rig.pen.needles_still, rig.pen.bridge_is_on)


@pytest.mark.req("SR-006")
def test_nothing_goes_on_by_itself_after_a_fault_has_gone(make: Make) -> None:
    """A cable that is pulled for 300 ms and a button that is let go leave a session at rest."""
    for name in ("cable-pull", "mute", "deaf", "stop-button"):
        rig = make(LONG)
        rig.scan_until(lambda m: m.state is State.RUNNING)
        rig.scan(20)
        rig.pen.inject(name, 300)
        rig.scan_until(lambda m: m.state is State.IDLE, pushing=False)
        count = [e.event for e in rig.truth].count("motor_on")
        rig.scan(100)
        assert (1, 1) == (count, [e.event for e in rig.truth].count("motor_on")), name
        assert State.IDLE is rig.memory.state, name


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("scan", range(7))
def test_stop_in_the_first_scans_lets_nothing_begin(make: Make, scan: int) -> None:
    """A STOP before the plan, with it, or right after it ends the session, and no motor runs."""
    rig = make()
    for number in range(60):
        if number == scan:
            rig.want(IntentKind.STOP)
        rig.want(*rig._push())
        rig.loop.driver_seen_us = rig.clock.now_us()
        if rig.watch.is_over(*rig.loop.scan()):
            break

    assert rig.watch.ending is not None
    assert ("stopped", ExitCode.STOPPED) == (rig.watch.ending.outcome, rig.watch.ending.exit_code)
    assert "motor_on" not in [e.event for e in rig.truth]


@pytest.mark.req("SR-034", "HZ-75", "R04")
def test_paused_pass_is_resumed_on_request_and_delivered_once(make: Make) -> None:
    """A pause is a STOP; going on takes a new token, and the strokes of both parts count."""
    rig = make(LONG)
    rig.scan_until(lambda m: m.state is State.RUNNING)
    rig.scan(60)
    rig.want(IntentKind.PAUSE)
    rig.scan_until(lambda m: m.state is State.PAUSED, pushing=False)
    rig.scan(40)
    assert (State.PAUSED, True) == (rig.memory.state, rig.pen.needles_still)
    rig.want(IntentKind.RESUME)
    rig.scan()
    rig.run_to_the_end()

    assert [("cheek", 1, "delivered")] == rig.outcomes
    assert 2 == rig.sent.count(Command.OPEN)
    last = [e.body for e in rig.journal.entries if e.kind == "pass_ended"][-1]
    assert int(last["strokes_total"]) == rig.pen.true_strokes


def chance_run(rig: Rig, journal: VirtualJournal, chance: Random) -> None:
    """Let chance lose frames, cut the wire, strike faults, come late and want things."""
    wishes = [k for k in IntentKind if k not in (IntentKind.STOP, IntentKind.RESET)]
    for _ in range(chance.randint(60, 260)):
        roll = chance.random()
        if roll < 0.03:
            rig.port.fault.lose_requests = chance.randint(1, 4)
        elif roll < 0.06:
            rig.port.fault.lose_answers = chance.randint(1, 4)
        elif roll < 0.065:
            rig.port.fault.is_cut = not rig.port.fault.is_cut
        elif roll < 0.075:
            rig.pen.inject(chance.choice(sorted(KINDS)), chance.choice([0, 50, 500]))
        elif roll < 0.08:
            rig.clock.wait_until(rig.clock.now_us() + chance.choice([10_000, 45_000, 300_000]))
        elif roll < 0.12:
            rig.want(chance.choice(wishes))
        says_stop = chance.random() < 0.01
        if says_stop:
            rig.mailbox.put(Intent(IntentKind.STOP, "key"))
        rig.want(*rig._push())
        is_there = chance.random() < 0.995
        rig.loop.driver_seen_us = rig.clock.now_us() if is_there else None
        count = len(rig.sent)
        rig.loop.scan()
        said = rig.sent[count:]
        assert not says_stop or not said or said[0] is Command.STOP
        assert all(rig.memory.ledger.counted(a.area) <= a.passes for a in PLAN)
        if Command.START in said:
            planned = [i for i, e in enumerate(journal.entries) if e.kind == "pass_planned"]
            assert planned[-1] < sum(due <= journal._asked for due in journal._due)
            assert 1 == said.count(Command.START)


@pytest.mark.req("SR-005", "SR-007", "SR-011", "SR-014", "H05", "H10", "H14", "R01")
@pytest.mark.parametrize("seed", range(24))
def test_chance_never_breaks_what_must_hold(make: Make, seed: int) -> None:
    """STOP goes first, START follows its entry, passes stay in the grant, needles end at rest."""
    chance = Random(seed)
    journal = VirtualJournal(delay=chance.choice([0, 0, 1, 3, 10]))
    rig = make(seed=seed, journal=journal)
    chance_run(rig, journal, chance)
    rig.loop._last_stop()
    rig.pen.advance(rig.clock.now_us() - BOOTED_US + 1_000_000)

    starts = rig.sent.count(Command.START)
    assert starts <= [e.kind for e in journal.entries].count("pass_planned")
    assert (True, False) == (rig.pen.needles_still, rig.pen.bridge_is_on)
    assert [e.number for e in journal.entries] == list(range(1, len(journal.entries) + 1))


def digest_of(make: Make, seed: int) -> str:
    """Return the digest over all bytes of a whole treatment."""
    rig = make(seed=seed)
    rig.run_to_the_end()
    return rig.digest


PROGRAM = """
from hil.world import *
plan = {plan!r}
world = World(plan, Pen(seed=5))
world.scan_until(lambda m: m.state is State.IDLE and bool(m.ledger.passes))
print(world.digest)
world.close()
"""


@pytest.mark.req("SR-018", "HZ-70")
def test_same_seed_gives_the_same_bytes_and_another_seed_others(make: Make) -> None:
    """A treatment is a function of its seed, byte by byte in both directions."""
    assert digest_of(make, 5) == digest_of(make, 5)
    assert digest_of(make, 5) != digest_of(make, 6)


@pytest.mark.slow
@pytest.mark.req("SR-018")
def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    """Neither hash seeds nor addresses nor the time of day get into the bytes."""
    program = PROGRAM.format(plan=PLAN)
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=True,
            text=True,
        )
        for seed in ("1", "2")
    ]

    first, second = (run.stdout.strip() for run in runs)
    assert first == second
    assert 64 == len(first)


def test_simulation_tells_how_fast_it_is(make: Make) -> None:
    """A whole treatment is simulated, and its speed printed; machines differ, so none is wanted."""
    rig = make()
    began_s, began_us = time.perf_counter(), rig.clock.now_us()
    rig.run_to_the_end()
    wall_s, virtual_s = time.perf_counter() - began_s, (rig.clock.now_us() - began_us) / 1e6
    print(f"{virtual_s:.1f} s in {wall_s:.2f} s: {virtual_s / wall_s:.0f} x real time")  # noqa: T201

    assert virtual_s > 5
