"""A tiny pen and a bench that plays it through the safety core in virtual time; fixtures only.

The pen here is a few rules of docs/protocol.md, written anew: it shares no code with `simulator`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from safety.facts import (
    Calibration,
    Exchanged,
    Facts,
    Intent,
    IntentKind,
    PenIdentity,
    Role,
    Telemetry,
)
from safety.ledger import AreaPlan
from safety.memory import Decision, Memory, Order
from safety.states import OrderKind, PenState, State
from safety.step import SafetyCore
from tests.unit import scan_bench
from tests.unit.tape import Tape, healthy_tape

CALIBRATION = Calibration(uncertainty_um=60, is_in_date=True)
SCAN_MS, ANSWER_MS, LEASE_MS, SETTLE_MS, BRAKE_MS = 50, 10, 200, 100, 40
IDENTITY = PenIdentity(serial_number=42, epoch=7, limits_hash=0x957A, depth_tolerance_um=200)
PLAN = (
    AreaPlan("forehead", 750, 1_000, 2, 200, 10_000),
    AreaPlan("cheek", 500, 800, 2, 200, 10_000),
)
TELEMETRY = Telemetry(
    received_ms=10_000,
    tick_ms=5_000,
    epoch=7,
    state=PenState.SAFE,
    fault=0,
    is_driven=False,
    has_contact=False,
    has_cartridge=True,
    is_settled=False,
    is_button_down=False,
    lease_ended=False,
    depth_um=0,
    speed_dhz=0,
    current_ma=0,
    temperature_mdegc=24_000,
    supply_mv=3_900,
    strokes=1_000,
    limits_hash=0x957A,
    last_order=(0, 0),
)


@dataclass
class FakePen:
    """A pen: takes orders, makes strokes, stops by its lease, and misbehaves when told to."""

    tick_ms: int = 5_000
    epoch: int = 7
    state: PenState = PenState.SAFE
    fault: int = 0
    has_contact: bool = True
    has_cartridge: bool = True
    is_button_down: bool = False
    lease_ended: bool = False
    obeys_stop: bool = True
    obeys_start: bool = True
    knows_depth: bool = True
    depth_um: int = 0
    extra_depth_um: int = 0
    speed_dhz: int = 0
    temperature_mdegc: int = 24_000
    strokes: int = 1_000
    strokes_on_skin: int = 0
    limits_hash: int = 0x957A
    last_order: tuple[int, int] = (0, 0)
    lease_end_ms: int = 0
    since_ms: int = 0
    parts: int = 0

    def advance(self, ms: int) -> None:
        """Let time pass."""
        for _ in range(ms):
            self.tick_ms += 1
            if self.state is PenState.RUN:
                self._run()
            elif self.state is PenState.STOPPING and self.tick_ms - self.since_ms >= BRAKE_MS:
                self.state, self.speed_dhz, self.depth_um = PenState.SAFE, 0, 0

    def _run(self) -> None:
        self.parts += self.speed_dhz
        if self.parts >= 10_000:
            self.parts -= 10_000
            self.strokes = (self.strokes + 1) % 2**32
            self.strokes_on_skin += self.has_contact
        if self.tick_ms >= self.lease_end_ms and self.obeys_stop:
            self.stop()
            self.lease_ended = True

    def stop(self) -> None:
        """Drive no longer, and brake."""
        if self.obeys_stop and self.state in (PenState.READY, PenState.RUN):
            self.state, self.since_ms = PenState.STOPPING, self.tick_ms

    def fail(self, fault: int) -> None:
        """Stop with a fault."""
        self.state, self.fault, self.speed_dhz, self.depth_um = PenState.FAULT, fault, 0, 0

    def take(self, order: Order, order_id: tuple[int, int], echo_ms: int) -> str:
        """Obey an order, or return why not."""
        kind = order.kind
        if kind is OrderKind.POLL:
            return ""
        if kind is OrderKind.STOP:
            self.stop()
        elif kind is OrderKind.RESET and self.state is PenState.FAULT:
            self.state, self.fault = PenState.SAFE, 0
        elif kind is OrderKind.OPEN and self.state is PenState.SAFE:
            self.lease_ended = False
        elif kind is OrderKind.ARM and self.state in (PenState.SAFE, PenState.READY):
            self.state, self.since_ms, self.depth_um = PenState.READY, self.tick_ms, order.depth_um
        elif kind is OrderKind.START and self.state is PenState.READY and self.obeys_start:
            self.state, self.speed_dhz = PenState.RUN, order.speed_dhz
            self.lease_end_ms = echo_ms + LEASE_MS
        elif kind is OrderKind.RENEW and self.state is PenState.RUN:
            self.lease_end_ms = echo_ms + LEASE_MS
        else:
            return "wrong state"
        self.last_order = order_id
        return ""

    def status(self, received_ms: int) -> Telemetry:
        """Return what it says of itself, with the last digits of real sensors."""
        wiggle = self.tick_ms * 7 % 11 % 5 - 2
        is_running = self.state is PenState.RUN
        load_ma = 90 + 60 * self.has_contact + 3 * wiggle if is_running else 0
        is_settled = self.state is PenState.READY and self.tick_ms - self.since_ms >= SETTLE_MS
        return replace(
            TELEMETRY,
            received_ms=received_ms,
            tick_ms=self.tick_ms,
            epoch=self.epoch,
            state=self.state,
            fault=self.fault,
            is_driven=self.state is PenState.RUN,
            has_contact=self.has_contact and is_running,
            has_cartridge=self.has_cartridge,
            is_settled=is_settled,
            is_button_down=self.is_button_down,
            lease_ended=self.lease_ended,
            depth_um=self.depth_um + self.extra_depth_um + wiggle if self.knows_depth else None,
            speed_dhz=self.speed_dhz + wiggle * is_running,
            current_ma=load_ma,
            temperature_mdegc=self.temperature_mdegc,
            strokes=self.strokes,
            limits_hash=self.limits_hash,
            last_order=self.last_order,
        )


@dataclass
class Bench:
    """The core and a pen on a bench: one call of `scan` is one exchange and 50 ms of virtual time.

    ``lost_requests``, ``lost_answers`` and ``forged_answers`` count exchanges yet to be spoilt; a
    forged answer is a Modbus exception that the pen never sent. ``durable_lag`` is how many scans
    an entry needs to become durable, None for never.
    """

    pen: FakePen = field(default_factory=FakePen)
    core: SafetyCore = field(default_factory=SafetyCore)
    memory: Memory = field(default_factory=lambda: Memory(plan=PLAN))
    now_ms: int = 10_000
    link_is_up: bool = True
    link_is_wanted: bool = True
    identity: PenIdentity | None = IDENTITY
    epoch_changed: bool = False
    record_failure: str = ""
    late_ms: int = 0
    driver_is_present: bool = True
    link_errors: int = 0
    session_is_open: bool = True
    calibration: Calibration | None = CALIBRATION
    lost_requests: int = 0
    lost_answers: int = 0
    forged_answers: int = 0
    durable_lag: int | None = 0
    telemetry: Telemetry | None = None
    exchanged: Exchanged | None = None
    token: int = 0
    sequence: int = 0
    written: list[int] = field(default_factory=list)
    log: list[tuple[Memory, Facts, tuple[Intent, ...], int, Decision]] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Where the machine stands."""
        return self.memory.state

    @property
    def orders(self) -> list[OrderKind]:
        """All orders so far."""
        return [d.order.kind for *_, d in self.log if d.order is not None]

    @property
    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """All journal entries so far: kind and body."""
        return [(e.kind, dict(e.body)) for *_, d in self.log for e in d.entries]

    @property
    def outcomes(self) -> list[tuple[str, int, str]]:
        """All passes of the ledger: area, number, outcome."""
        return [(p.area, p.number, str(p.outcome)) for p in self.memory.ledger.passes]

    @property
    def codes(self) -> list[str]:
        """Causes that are active or latched."""
        return [str(cause.code) for cause in self.memory.causes]

    def facts(self) -> Facts:
        """Return what is known now."""
        lag = self.durable_lag
        durable = 0 if lag is None or lag >= len(self.written) else self.written[-1 - lag]
        return Facts(
            link_is_up=self.link_is_up,
            identity=self.identity,
            telemetry=self.telemetry,
            exchanged=self.exchanged,
            epoch_changed=self.epoch_changed,
            durable=durable,
            record_failure=self.record_failure,
            late_ms=self.late_ms,
            driver_is_present=self.driver_is_present,
            link_is_wanted=self.link_is_wanted,
            link_errors=self.link_errors,
            session_is_open=self.session_is_open,
            calibration=self.calibration,
        )

    def scan(self, *intents: Intent) -> Decision:
        """Do one scan and its exchange."""
        facts = self.facts()
        decision = self.core.step(self.memory, facts, intents, self.now_ms)
        self.log.append((self.memory, facts, intents, self.now_ms, decision))
        self.memory = decision.memory
        self.written.append(decision.memory.entries)
        self._exchange(decision.order)
        return decision

    def _exchange(self, order: Order | None) -> None:
        """Carry an order to the pen and its answer back, as far as nothing is lost."""
        self.pen.advance(ANSWER_MS // 2)
        if order is not None:
            self.token += order.kind is OrderKind.OPEN
            self.sequence += 1
            order_id = (self.token, self.sequence)
            echo_ms = 0 if self.telemetry is None else self.telemetry.tick_ms
            is_heard = self._comes_through("lost_requests")
            refusal = self.pen.take(order, order_id, echo_ms) if is_heard else ""
            is_answered = is_heard and self._comes_through("lost_answers")
            is_genuine = is_answered and self._comes_through("forged_answers")
            refusal = refusal if is_genuine or not is_answered else "exception 02"
            was_taken = is_answered and not refusal
            self.exchanged = Exchanged(order.kind, order_id, is_answered, was_taken, refusal)
            if is_genuine:
                self.telemetry = self.pen.status(self.now_ms + ANSWER_MS)
        self.pen.advance(SCAN_MS - ANSWER_MS // 2)
        self.now_ms += SCAN_MS

    def _comes_through(self, spoiler: str) -> bool:
        """Return whether this exchange is not among those to be spoilt, and count it if it is."""
        left: int = getattr(self, spoiler)
        setattr(self, spoiler, max(0, left - 1))
        return left <= 0

    def want(self, kind: IntentKind, role: Role = Role.PRACTITIONER) -> Decision:
        """Do one scan with one intent, of a person who sees the area at hand."""
        current = self.memory.current
        return self.scan(Intent(kind, "key", role, "" if current is None else current.plan.area))

    def until(self, *states: State, scans: int = 200) -> None:
        """Scan until one of the states is reached."""
        for _ in range(scans):
            if self.state in states:
                return
            self.scan()
        pytest.fail(f"still {self.state.name} after {scans} scans, causes {self.codes}")

    def rest(self, scans: int) -> None:
        """Scan a number of times without an intent."""
        for _ in range(scans):
            self.scan()

    def to_planned(self) -> None:
        """Go from the beginning to PLANNED."""
        self.until(State.IDLE)
        self.rest(2)
        self.want(IntentKind.PLAN)

    def to_armed(self) -> None:
        """Arm, and wait until the needles have settled."""
        if self.state is State.OFFLINE:
            self.to_planned()
        self.want(IntentKind.ARM if self.state is State.PLANNED else IntentKind.RESUME)
        self.rest(6)

    def to_running(self) -> None:
        """Arm, start, and wait until the needles run."""
        self.to_armed()
        self.want(IntentKind.START)
        self.until(State.RUNNING)


@pytest.fixture
def bench() -> Bench:
    """A pen and a core that have just been switched on."""
    return Bench()


@pytest.fixture(scope="session")
def new_bench() -> type[Bench]:
    """What makes a fresh bench for every walk of a property test."""
    return Bench


@pytest.fixture
def telemetry() -> Telemetry:
    """A status of a pen at rest, received at 10,000 ms."""
    return TELEMETRY


@pytest.fixture
def identity() -> PenIdentity:
    """The pen that all tests here drive."""
    return IDENTITY


@pytest.fixture
def plan() -> tuple[AreaPlan, ...]:
    """Two areas with two passes each."""
    return PLAN


@pytest.fixture
def facts(telemetry: Telemetry, identity: PenIdentity) -> Facts:
    """Facts with a healthy pen at rest."""
    return Facts(
        link_is_up=True,
        identity=identity,
        telemetry=telemetry,
        exchanged=None,
        session_is_open=True,
        calibration=CALIBRATION,
    )


@pytest.fixture
def make_world() -> Iterator[scan_bench.Make]:
    """Make worlds, and take them down."""
    made: list[scan_bench.Bench] = []

    def make_one(**options: Any) -> scan_bench.Bench:
        made.append(scan_bench.Bench(**options))
        return made[-1]

    yield make_one
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: scan_bench.Make) -> scan_bench.Bench:
    """A host and a pen that have just met."""
    return make_world()


@pytest.fixture
def tape(facts: Facts, telemetry: Telemetry) -> Tape:
    """A tape in RUNNING that begins with a healthy pen at rest."""
    return healthy_tape(facts, telemetry)
