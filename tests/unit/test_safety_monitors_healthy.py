"""All monitors on the simulated pen: silent while it is well, and in time when it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.registers import Command, Flag
from safety.facts import Facts, PenIdentity, Telemetry
from safety.ledger import AreaPlan
from safety.memory import CurrentPass, Memory
from safety.monitors.rack import find_causes, measure
from safety.monitors.view import View
from safety.states import PenState, State
from simulator.pen import Pen
from simulator.tame_host import TameHost

LATENCY_MS = 5


def heard(template: Telemetry, status: dict[str, int], received_ms: int) -> Telemetry:
    """Return a status of the simulated pen as telemetry."""
    plain = ("tick_ms", "epoch", "fault", "depth_um", "speed_dhz", "current_ma", "supply_mv")
    values: dict[str, Any] = {name: int(status[name]) for name in (*plain, "strokes")}
    return replace(
        template,
        **values,
        received_ms=received_ms,
        state=PenState(status["state"]),
        is_driven=bool(status["flags"] & Flag.MOTOR_ON),
        has_contact=bool(status["flags"] & Flag.CONTACT),
        has_cartridge=bool(status["flags"] & Flag.CARTRIDGE),
        is_settled=bool(status["flags"] & Flag.SETTLED),
        temperature_mdegc=10 * status["temperature_cdegc"],
        limits_hash=status["limits_hash"],
    )


class Ward:
    """One simulated pen with the monitors of one host."""

    def __init__(self, facts: Facts, seed: int, depth_um: int, speed_dhz: int) -> None:
        self.host = TameHost(Pen(seed=seed))
        self.facts = facts
        self.found: dict[str, int] = {}
        status = self.host.open()
        known = PenIdentity(42, status["epoch"], status["limits_hash"], 150)
        self.memory = Memory(state=State.PLANNED, identity=known)
        self.facts = replace(facts, identity=known)
        plan = AreaPlan("a", depth_um, speed_dhz, 2, 100_000, 1_000_000)
        self.current = CurrentPass(plan, 1)

    @property
    def now_ms(self) -> int:
        """The host's clock, which began with the pen's."""
        return self.host.pen.now_us // 1_000 + LATENCY_MS

    def look(self, command: Command, state: State) -> None:
        """Exchange once, and note when each cause was first found."""
        assert self.facts.telemetry is not None
        status = self.host.say(command)
        seen = heard(self.facts.telemetry, status, self.now_ms)
        self.facts = replace(self.facts, telemetry=seen)
        self.memory.state = state
        if seen.has_contact:
            self.current.contact_ms = self.now_ms
        view = View(self.memory, self.facts, self.now_ms)
        measure(view)
        for cause in find_causes(view):
            self.found.setdefault(str(cause.code), self.now_ms)

    def start(self) -> int:
        """Rest, arm, settle and start; return when."""
        for _ in range(10):
            self.host.wait(50)
            self.look(Command.POLL, State.PLANNED)
        plan, self.memory.current = self.current.plan, self.current
        self.host.depth_um, self.host.speed_dhz = plan.depth_um, plan.speed_dhz
        self.host.say(Command.OPEN)
        self.look(Command.ARM, State.ARMED)
        for _ in range(6):
            self.host.wait(50)
            self.look(Command.POLL, State.ARMED)
        self.look(Command.START, State.UNKNOWN_OUTCOME)
        self.current.begun_ms = self.current.contact_ms = self.now_ms
        return self.now_ms

    def run(self, seconds: int) -> None:
        """Renew the lease for so long."""
        for _ in range(seconds * 20):
            self.host.wait(50)
            self.look(Command.RENEW, State.RUNNING)


@pytest.mark.req("SR-039", "SR-041")
@pytest.mark.parametrize(
    ("seed", "depth_um", "speed_dhz"),
    [(1, 250, 500), (2, 500, 800), (3, 1_500, 1_100), (4, 2_500, 1_400), (5, 750, 1_500)],
)
def test_monitors_are_silent_on_a_healthy_pen(
    seed: int, depth_um: int, speed_dhz: int, facts: Facts
) -> None:
    """Rest, arming, spin-up, rows on skin and lifting: twelve seconds without a cause."""
    ward = Ward(facts, seed, depth_um, speed_dhz)
    ward.start()
    ward.run(12)

    assert ward.found == {}


@pytest.mark.req("SR-039", "SR-040", "HZ-04")
@pytest.mark.parametrize(
    ("fault", "value", "code", "within_ms"),
    [
        ("over-depth", 300, "pen-fault-technician", 100),
        ("over-depth", 125, "depth-tracking", 150),
        ("stall", None, "stall", 150),
        ("no-feedback", None, "pen-fault-operator", 100),
        ("cartridge-out", None, "cartridge-out", 100),
        ("stuck-depth-sensor", None, "depth-flat", 1_150),
    ],
)
def test_fault_of_a_running_pen_is_found_in_time(
    fault: str, value: int | None, code: str, within_ms: int, facts: Facts
) -> None:
    """Injected two seconds after START, while the pen answers."""
    ward = Ward(facts, 1, 750, 1_000)
    ward.start()
    ward.run(2)
    struck_ms = ward.now_ms
    ward.host.pen.inject(fault, value)
    ward.run(2)

    assert ward.found[code] - struck_ms <= within_ms


@pytest.mark.req("SR-040")
def test_needles_that_do_not_come_out_are_found(facts: Facts) -> None:
    """A jammed depth drive: armed, and after two seconds still not there."""
    ward = Ward(facts, 1, 750, 1_000)
    ward.host.pen.inject("retract-fail")
    ward.start()
    for _ in range(45):
        ward.host.wait(50)
        ward.look(Command.POLL, State.ARMED)

    assert {"depth-no-effect"} == set(ward.found)
