"""The words of causes: their codes, and what is always true of one; it lists no cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from safety.states import Event, Severity


class Harm(Enum):
    """What comes of it if nobody acts. Source: [DOM] 2.5, after IEC 60601-1-8."""

    MINOR = auto()
    REVERSIBLE = auto()
    SERIOUS = auto()


class Onset(Enum):
    """How soon that harm may come. Source: [DOM] 2.5, after IEC 60601-1-8."""

    IMMEDIATE = auto()
    PROMPT = auto()
    DELAYED = auto()


class CauseCode(StrEnum):
    """Name of a cause, stable across versions, used in records and in ``--json``."""

    # depth
    OVER_DEPTH = "over-depth"
    DEPTH_UNKNOWN = "depth-unknown"
    DEPTH_TRACKING = "depth-tracking"
    DEPTH_NO_EFFECT = "depth-no-effect"
    DEPTH_FLAT = "depth-flat"
    # speed
    OVERSPEED = "overspeed"
    SPEED_DROOP = "speed-droop"
    SPEED_DRAGGING = "speed-dragging"
    SPEED_NO_FEEDBACK = "speed-no-feedback"
    SPEED_FLAT = "speed-flat"
    # load
    OVER_CURRENT = "over-current"
    STALL = "stall"
    CURRENT_UNASKED = "current-unasked"
    CURRENT_FLAT = "current-flat"
    TEMPERATURE_HIGH = "temperature-high"
    OVER_TEMPERATURE = "over-temperature"
    WINDING_HOT = "winding-hot"
    TEMPERATURE_IMPLAUSIBLE = "temperature-implausible"
    SUPPLY_LOW = "supply-low"
    SUPPLY_WEAK = "supply-weak"
    SUPPLY_TOO_LOW = "supply-too-low"
    SUPPLY_EMPTY = "supply-empty"
    # contact and cartridge
    NO_CONTACT = "no-contact"
    CONTACT_STUCK = "contact-stuck"
    CARTRIDGE_OUT = "cartridge-out"
    # dose
    DWELL = "dwell"
    DOSE_NEAR = "dose-near"
    DOSE_REACHED = "dose-reached"
    PASS_TOO_LONG = "pass-too-long"  # noqa: S105 a pass over skin, not a password
    # signals
    TELEMETRY_STALE = "telemetry-stale"
    SENSOR_UNKNOWN = "sensor-unknown"
    PEN_CLOCK = "pen-clock"
    # link and identity
    LINK_ERRORS = "link-errors"
    LINK_BAD = "link-bad"
    PEN_RESTARTED = "pen-restarted"
    IDENTITY_CHANGED = "identity-changed"
    LIMITS_CHANGED = "limits-changed"
    # what the pen makes of its orders
    PEN_FAULT_OPERATOR = "pen-fault-operator"
    PEN_FAULT_TECHNICIAN = "pen-fault-technician"
    PEN_BUTTON = "pen-button"
    LEASE_ENDED = "lease-ended"
    PEN_STOPPED_ITSELF = "pen-stopped-itself"
    MOTION_UNASKED = "motion-unasked"
    NO_EFFECT = "no-effect"
    ORDER_REFUSED = "order-refused"
    REST_NOT_SEEN = "rest-not-seen"
    STOP_IGNORED = "stop-ignored"
    SELFTEST_FAILED = "selftest-failed"
    SELFTEST_TIMEOUT = "selftest-timeout"
    # this computer and its people
    SCAN_LATE = "scan-late"
    RECORD_FAILED = "record-failed"
    DRIVER_LOST = "driver-lost"
    EMERGENCY_STOP = "emergency-stop"


@dataclass(frozen=True, slots=True)
class CauseKind:
    """What is always true of a cause.

    Args:
        severity: What it makes the machine do.
        text: What happened, in plain words.
        pen: What the pen is doing now, in one sentence.
        next_step: What the person at the pen does next.
        harm: What comes of it if nobody acts.
        onset: How soon.
        hazards: Rows of the hazard table that it answers. Source: [SAF] 4.
        own_event: Event that it fires where its severity alone would fire another.
    """

    severity: Severity
    text: str
    pen: str
    next_step: str
    harm: Harm
    onset: Onset
    hazards: tuple[int, ...]
    own_event: Event | None = None

    @property
    def event(self) -> Event | None:
        """The event that it fires; None for a warning."""
        return self.own_event or _EVENTS[self.severity]

    @property
    def clears(self) -> str:
        """Who may clear it; a cause that is not latched goes when its condition goes."""
        return _CLEARS[self.severity]


_EVENTS: dict[Severity, Event | None] = {
    Severity.NONE: None,
    Severity.WARN: None,
    Severity.PAUSE: Event.PAUSE,
    Severity.STOP: Event.TRIP_STOP,
    Severity.FAULT_OPERATOR: Event.TRIP_FAULT,
    Severity.FAULT_TECHNICIAN: Event.TRIP_FAULT,
    Severity.ESTOP: Event.ESTOP,
}

_CLEARS: dict[Severity, str] = {
    Severity.NONE: "nobody needs to",
    Severity.WARN: "nobody needs to",
    Severity.PAUSE: "nobody needs to",
    Severity.STOP: "nobody needs to",
    Severity.FAULT_OPERATOR: "practitioner",
    Severity.FAULT_TECHNICIAN: "technician",
    Severity.ESTOP: "technician",
}
"""As `safety.guards.role_may_reset` decides it; a test compares them."""
