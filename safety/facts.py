"""What one scan knows: measured facts and people's intents; it judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from safety.states import OrderKind, PenState


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One accepted status of the pen. None stands for a measurement that the pen could not take.

    Args:
        received_ms: Host's monotonic clock when it came.
        tick_ms: The pen's clock.
        epoch: Boot number of the pen.
        state: State that the pen reports.
        fault: Fault code, 0 for none; from 0x80 on a technician must clear it.
        is_driven: Whether the motor's bridge is on.
        has_contact: Whether the pen senses skin.
        has_cartridge: Whether a cartridge is in.
        is_settled: Whether the protrusion has settled at its set value.
        is_button_down: Whether the stop button is pressed.
        lease_ended: Whether the last stop was the lease's end.
        depth_um: Measured needle protrusion, signed.
        speed_dhz: Measured strokes per second, in tenths.
        current_ma: Motor current, signed.
        temperature_mdegc: Motor housing, thousandths of a degree Celsius.
        supply_mv: Supply under load.
        strokes: Strokes since the pen was made, modulo 2^32.
        limits_hash: Hash over the limits in force.
        last_order: Low half of the token and sequence number of the last order taken.
    """

    received_ms: int
    tick_ms: int
    epoch: int
    state: PenState
    fault: int
    is_driven: bool
    has_contact: bool
    has_cartridge: bool
    is_settled: bool
    is_button_down: bool
    lease_ended: bool
    depth_um: int | None
    speed_dhz: int | None
    current_ma: int | None
    temperature_mdegc: int | None
    supply_mv: int | None
    strokes: int
    limits_hash: int
    last_order: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The last exchange: which order went out and what came of it.

    Args:
        kind: The order.
        order_id: Low half of its token, its sequence number.
        was_answered: Whether an accepted status came back; False means that nobody knows.
        was_taken: Whether the pen says that it took the order (always True for POLL).
        refusal: The pen's own word for a refusal, or an empty text.
    """

    kind: OrderKind
    order_id: tuple[int, int]
    was_answered: bool
    was_taken: bool
    refusal: str


@dataclass(frozen=True, slots=True)
class PenIdentity:
    """What was learnt of the pen when it was identified.

    Args:
        serial_number: Of the pen.
        epoch: Boot number at that moment.
        limits_hash: Hash over its limits at that moment.
        depth_tolerance_um: Beyond set value plus this, a measured protrusion is over-depth.
        unfit: Why this pen may not be driven (no lease, no depth sense), or an empty text.
        cartridge_uid: Of the cartridge in it; 0 for none.
    """

    serial_number: int
    epoch: int
    limits_hash: int
    depth_tolerance_um: int
    unfit: str = ""
    cartridge_uid: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of the pen's depth: without one nothing arms.

    Args:
        uncertainty_um: Expanded uncertainty of the needle protrusion, k = 2.
        is_in_date: Whether its certificate has not run out.
    """

    uncertainty_um: int
    is_in_date: bool


class IntentKind(Enum):
    """What a person, or the flow on their behalf, wants."""

    STOP = auto()
    ESTOP = auto()
    PLAN = auto()
    CHANGE_AREA = auto()
    ARM = auto()
    START = auto()
    PASS_DONE = auto()
    PAUSE = auto()
    RESUME = auto()
    FINISH = auto()
    LOCK = auto()
    RESET = auto()
    ACKNOWLEDGE = auto()
    PAUSE_AUDIO = auto()
    SERVICE_ENTER = auto()
    SERVICE_LEAVE = auto()
    DISCONNECT = auto()


class Role(Enum):
    """Who wants it. Source: DESIGN, three people; [SAF] 9, roles."""

    PRACTITIONER = auto()
    TECHNICIAN = auto()
    QA = auto()
    ADMINISTRATOR = auto()


@dataclass(frozen=True, slots=True)
class Intent:
    """One wish, as an edge: it is looked at in one scan and then gone.

    Args:
        kind: What is wanted.
        source: Where it came from, for the record: ``key``, ``command``, ``flow``, ``signal``,
            ``pedal``.
        role: Who wants it.
        area: The area that the person sees on the screen; START and CHANGE_AREA need it.
    """

    kind: IntentKind
    source: str = "flow"
    role: Role = Role.PRACTITIONER
    area: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one scan knows.

    Args:
        link_is_up: Whether the port is open and was answered lately.
        identity: The pen, once it has been identified.
        telemetry: The last accepted status, however old; its age is judged, not assumed.
        exchanged: What came of the last order, or None before the first.
        epoch_changed: Whether the pen came back with another boot number.
        durable: Number of the last journal entry that is safe on disk.
        record_failure: Why the journal no longer takes entries, or an empty text.
        late_ms: How late this scan came.
        driver_is_present: Whether the program that drives this session still answers.
        link_is_wanted: Whether somebody wants the port opened.
        link_failure: Why the port could not be opened, or an empty text.
        link_errors: Discarded frames since the port was opened; never falls.
        session_is_open: Whether a treatment session is open, its record and its person there.
        calibration: What is known of the pen's depth, or None.
    """

    link_is_up: bool
    identity: PenIdentity | None
    telemetry: Telemetry | None
    exchanged: Exchanged | None
    epoch_changed: bool = False
    durable: int = 0
    record_failure: str = ""
    late_ms: int = 0
    driver_is_present: bool = True
    link_is_wanted: bool = True
    link_failure: str = ""
    link_errors: int = 0
    session_is_open: bool = False
    calibration: Calibration | None = None
