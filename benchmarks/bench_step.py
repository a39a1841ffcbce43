"""What one scan of the safety core costs, beside a plain table and bare `transitions`.

Usage: python -m benchmarks.bench_step [--rounds 40] [--steps 500] [--json]

It feeds the core from a few lines of its own until the wanted state is reached, times scans there,
and checks that what was timed was right; a wrong answer ends it with exit code 1. It shares no
code with the tests.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from transitions import Machine

from safety.facts import Calibration, Exchanged, Facts, Intent, IntentKind, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import Decision, Memory, Order
from safety.monitors.rack import MONITORS
from safety.states import Event, OrderKind, PenState, State
from safety.step import SafetyCore
from safety.table import TABLE

MEDIAN_US_MAX = 40.0
"""A step with every monitor on may take this, in the median. Source: issue 3, figures."""

SCAN_MS, ANSWER_MS = 50, 10
WALK = 40
"""Steps from the same start; after more of them a hand that stands still would be reported."""

IDENTITY = PenIdentity(serial_number=42, epoch=7, limits_hash=1, depth_tolerance_um=200)
PLAN = (AreaPlan("forehead", 750, 1_000, 2, 4_000_000_000, 4_000_000_000),)


@dataclass
class Feed:
    """A pen that obeys at once, and the core that it feeds; virtual time."""

    core: SafetyCore = field(default_factory=SafetyCore)
    memory: Memory = field(default_factory=lambda: Memory(plan=PLAN))
    now_ms: int = 10_000
    pen: PenState = PenState.SAFE
    depth_um: int = 0
    speed_dhz: int = 0
    strokes: int = 1_000
    token: int = 0
    sequence: int = 0
    last_order: tuple[int, int] = (0, 0)
    telemetry: Telemetry | None = None
    exchanged: Exchanged | None = None
    decision: Decision | None = None

    def facts(self) -> Facts:
        """Return what is known now."""
        return Facts(
            link_is_up=True,
            identity=IDENTITY,
            telemetry=self.telemetry,
            exchanged=self.exchanged,
            durable=self.memory.entries,
            session_is_open=True,
            calibration=Calibration(uncertainty_um=60, is_in_date=True),
        )

    def scan(self, *intents: Intent) -> Decision:
        """Do one scan, and let the pen take its order and answer."""
        self.decision = self.core.step(self.memory, self.facts(), intents, self.now_ms)
        self.memory = self.decision.memory
        if self.decision.order is not None:
            self._obey(self.decision.order)
        self.now_ms += SCAN_MS
        return self.decision

    def _obey(self, order: Order) -> None:
        self.sequence += 1
        self.token += order.kind is OrderKind.OPEN
        order_id = (self.token, self.sequence)
        if order.kind is OrderKind.ARM:
            self.pen, self.depth_um = PenState.READY, order.depth_um
        elif order.kind is OrderKind.START:
            self.pen, self.speed_dhz = PenState.RUN, order.speed_dhz
        elif order.kind is OrderKind.STOP:
            self.pen, self.depth_um, self.speed_dhz = PenState.SAFE, 0, 0
        if order.kind is not OrderKind.POLL:
            self.last_order = order_id
        self.exchanged = Exchanged(order.kind, order_id, True, True, "")
        self.strokes += self.speed_dhz * SCAN_MS // 10_000
        self.telemetry = self._status()

    def _status(self) -> Telemetry:
        """Return a status whose last digits move, as those of real sensors do."""
        is_running = self.pen is PenState.RUN
        noise = self.sequence * 7 % 5 - 2
        return Telemetry(
            received_ms=self.now_ms + ANSWER_MS,
            tick_ms=self.now_ms,
            epoch=IDENTITY.epoch,
            state=self.pen,
            fault=0,
            is_driven=is_running,
            has_contact=is_running,
            has_cartridge=True,
            is_settled=self.pen is PenState.READY,
            is_button_down=False,
            lease_ended=False,
            depth_um=self.depth_um + noise if self.depth_um else 0,
            speed_dhz=self.speed_dhz + noise if is_running else 0,
            current_ma=150 + noise if is_running else 0,
            temperature_mdegc=24_000 + noise,
            supply_mv=3_900 + noise,
            strokes=self.strokes,
            limits_hash=IDENTITY.limits_hash,
            last_order=self.last_order,
        )

    def want(self, kind: IntentKind) -> None:
        """Do one scan with a person's wish, for the area on the screen."""
        self.scan(Intent(kind, "key", area=PLAN[0].area))

    def until(self, state: State) -> None:
        """Scan until a state is reached; give up after a hundred scans, and say why."""
        for _ in range(100):
            if self.memory.state is state:
                return
            self.scan()
        causes = [str(cause.code) for cause in self.memory.causes]
        sys.exit(
            f"{state.name} is not reached: {self.memory.state.name}, {causes}, {self.decision}"
        )


def fed_to(state: State) -> Feed:
    """Return a feed whose core is in a state, and has been for some scans."""
    feed = Feed()
    feed.until(State.IDLE)
    if state is not State.IDLE:
        for _ in range(3):
            feed.scan()
        feed.want(IntentKind.PLAN)
        feed.until(State.PLANNED)
        feed.want(IntentKind.ARM)
        feed.until(State.ARMED)
        for _ in range(6):
            feed.scan()
    if state is State.RUNNING:
        feed.want(IntentKind.START)
        feed.until(State.RUNNING)
    for _ in range(5):
        feed.scan()
    return feed


def stepper(state: State) -> Callable[[int], list[int]]:
    """Return what times a number of steps in a state, in nanoseconds of one step each.

    Each step sees a status that is new to it, so that every monitor measures; the pen itself is
    not timed. A walk begins anew before a pass or an arming would be over.
    """
    wanted = OrderKind.RENEW if state is State.RUNNING else OrderKind.POLL
    start = fed_to(state)

    def time_steps(count: int) -> list[int]:
        taken: list[int] = []
        while len(taken) < count:
            feed = replace(start)
            for _ in range(min(WALK, count - len(taken))):
                facts, memory, now_ms = feed.facts(), feed.memory, feed.now_ms
                begin = time.perf_counter_ns()
                feed.core.step(memory, facts, (), now_ms)
                taken.append(time.perf_counter_ns() - begin)
                decision = feed.scan()
                order = decision.order
                is_right = order is not None and order.kind is wanted
                if not is_right or decision.memory.causes or decision.memory.state is not state:
                    sys.exit(f"wrong answer in {state.name}: {decision}")
        return taken

    return time_steps


def plain_table() -> Callable[[int], list[int]]:
    """Return what times the same change of state in a dictionary."""
    table = {(row.state, row.event): row.next for row in TABLE}

    def time_steps(count: int) -> list[int]:
        taken = []
        for _ in range(count):
            state = State.ARMED
            begin = time.perf_counter_ns()
            state = table[state, Event.START]
            taken.append(time.perf_counter_ns() - begin)
            if state is not State.UNKNOWN_OUTCOME:
                sys.exit(f"wrong answer of the table: {state}")
        return taken

    return time_steps


def bare_transitions() -> Callable[[int], list[int]]:
    """Return what times the same change of state in `transitions`, without guards."""

    class Model:
        state: State

    model = Model()
    rows = [{"trigger": r.event.name, "source": r.state, "dest": r.next} for r in TABLE]
    machine = Machine(
        model, states=State, initial=State.ARMED, transitions=rows, auto_transitions=False
    )

    def time_steps(count: int) -> list[int]:
        taken = []
        for _ in range(count):
            machine.set_state(State.ARMED)
            begin = time.perf_counter_ns()
            machine.events["START"].trigger(model)
            taken.append(time.perf_counter_ns() - begin)
            if model.state is not State.UNKNOWN_OUTCOME:
                sys.exit(f"wrong answer of transitions: {model.state}")
        return taken

    return time_steps


def measure(rounds: int, steps: int) -> dict[str, dict[str, float]]:
    """Time all contenders in turn, round by round, and sum up in microseconds."""
    contenders = {
        "plain dict table": plain_table(),
        "bare transitions": bare_transitions(),
        **{f"step, {s.name}": stepper(s) for s in (State.IDLE, State.ARMED, State.RUNNING)},
    }
    taken: dict[str, list[int]] = {name: [] for name in contenders}
    shares: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender(steps)  # warm
    for _ in range(rounds):
        for name, contender in contenders.items():
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            taken[name] += contender(steps)
            shares[name].append((time.process_time_ns() - cpu) / (time.perf_counter_ns() - wall))
    base = statistics.median(taken["bare transitions"])
    return {
        name: {
            "median_us": statistics.median(times) / 1_000,
            "p99_us": sorted(times)[len(times) * 99 // 100] / 1_000,
            "min_us": min(times) / 1_000,
            "cpu_share": statistics.median(shares[name]),
            "x_transitions": statistics.median(times) / base,
        }
        for name, times in taken.items()
    }


def main(arguments: list[str]) -> int:
    """Measure, print, and say whether the figure holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=500, help="in each round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = measure(options.rounds, options.steps)
    if options.json:
        about = {"python": platform.python_version(), "machine": platform.machine()}
        print(json.dumps({**about, "monitors": len(MONITORS), "results": found}, indent=1))
        return 0
    print(f"{options.rounds} rounds of {options.steps}, {len(MONITORS)} monitors; us of wall time")
    print(f"{'':<20}{'median':>9}{'p99':>9}{'min':>9}{'CPU/wall':>10}{'x transitions':>15}")
    for name, row in found.items():
        times = f"{row['median_us']:>9.2f}{row['p99_us']:>9.2f}{row['min_us']:>9.2f}"
        print(f"{name:<20}{times}{row['cpu_share']:>10.2f}{row['x_transitions']:>15.1f}")
    median_us = found["step, RUNNING"]["median_us"]
    verdict = "holds" if median_us <= MEDIAN_US_MAX else "DOES NOT HOLD"
    print(f"median of step in RUNNING {median_us:.1f} us, at most {MEDIAN_US_MAX:.0f}: {verdict}")
    print(f"simulated time could run {SCAN_MS * 1_000 / median_us:.0f} times faster than real time")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
