"""Every cause that stops or refuses, with its severity and what to do next; it detects nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from safety.states import Severity


class CauseCode(StrEnum):
    """Name of a cause, stable across versions, used in records and in ``--json``."""

    PEN_FAULT_OPERATOR = "pen-fault-operator"
    PEN_FAULT_TECHNICIAN = "pen-fault-technician"
    OVER_DEPTH = "over-depth"
    DEPTH_UNKNOWN = "depth-unknown"
    OVERSPEED = "overspeed"
    TELEMETRY_STALE = "telemetry-stale"
    PEN_RESTARTED = "pen-restarted"
    LIMITS_CHANGED = "limits-changed"
    PEN_BUTTON = "pen-button"
    LEASE_ENDED = "lease-ended"
    PEN_STOPPED_ITSELF = "pen-stopped-itself"
    CARTRIDGE_OUT = "cartridge-out"
    MOTION_UNASKED = "motion-unasked"
    ORDER_REFUSED = "order-refused"
    SCAN_LATE = "scan-late"
    RECORD_FAILED = "record-failed"
    DRIVER_LOST = "driver-lost"
    NO_CONTACT = "no-contact"
    PASS_TOO_LONG = "pass-too-long"  # noqa: S105 a pass over skin, not a password
    STOP_IGNORED = "stop-ignored"
    REST_NOT_SEEN = "rest-not-seen"


@dataclass(frozen=True, slots=True)
class CauseKind:
    """What is always true of a cause.

    Args:
        severity: What it makes the machine do.
        text: What happened, in plain words.
        next_step: What the person at the pen does next.
    """

    severity: Severity
    text: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that is active now, with the numbers that made it so."""

    code: CauseCode
    detail: str = ""

    @property
    def kind(self) -> CauseKind:
        """What is always true of this cause."""
        return CATALOGUE[self.code]

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CATALOGUE[self.code].severity

    @property
    def sentence(self) -> str:
        """What happened, with its numbers, in one line."""
        text = CATALOGUE[self.code].text
        return f"{text} ({self.detail})" if self.detail else text


PEN_FAULTS: dict[int, str] = {
    0x01: "stall",
    0x02: "no speed feedback",
    0x03: "overspeed",
    0x04: "over-current",
    0x05: "over-temperature",
    0x06: "low supply",
    0x07: "cartridge removed or changed",
    0x81: "over-depth",
    0x82: "retract failed",
    0x83: "fluid ingress",
    0x84: "self-test",
    0x85: "memory",
    0x86: "bridge short",
}
"""What a pen's own fault codes mean. Source: docs/protocol.md 4."""

_TECHNICIAN = "Lay the pen aside; a technician must check it before it may be armed again."
_RESET = "Look at the pen, remove the cause, then reset and identify it again."
_RESUME = "Nothing goes on by itself: look, then arm again or end the session."
_CABLE = "Look at the cable and the port; the pen has stopped by its own lease."

CATALOGUE: dict[CauseCode, CauseKind] = {
    CauseCode.PEN_FAULT_OPERATOR: CauseKind(
        Severity.FAULT_OPERATOR, "the pen stopped with a fault", _RESET
    ),
    CauseCode.PEN_FAULT_TECHNICIAN: CauseKind(
        Severity.FAULT_TECHNICIAN,
        "the pen stopped with a fault that needs a technician",
        _TECHNICIAN,
    ),
    CauseCode.OVER_DEPTH: CauseKind(
        Severity.FAULT_TECHNICIAN, "the needles protrude deeper than set", _TECHNICIAN
    ),
    CauseCode.DEPTH_UNKNOWN: CauseKind(
        Severity.STOP, "the pen cannot measure its needle protrusion", _RESUME
    ),
    CauseCode.OVERSPEED: CauseKind(
        Severity.FAULT_OPERATOR, "the needles run faster than set", _RESET
    ),
    CauseCode.TELEMETRY_STALE: CauseKind(
        Severity.STOP, "no fresh measurement from the pen", _CABLE
    ),
    CauseCode.PEN_RESTARTED: CauseKind(
        Severity.FAULT_OPERATOR, "the pen restarted by itself", _RESET
    ),
    CauseCode.LIMITS_CHANGED: CauseKind(
        Severity.FAULT_OPERATOR, "the pen's limits are not those it was identified with", _RESET
    ),
    CauseCode.PEN_BUTTON: CauseKind(
        Severity.STOP, "the stop button on the pen was pressed", _RESUME
    ),
    CauseCode.LEASE_ENDED: CauseKind(
        Severity.STOP, "the pen's lease ended before it was renewed", _RESUME
    ),
    CauseCode.PEN_STOPPED_ITSELF: CauseKind(
        Severity.STOP, "the pen is not in the state it was ordered to", _RESUME
    ),
    CauseCode.CARTRIDGE_OUT: CauseKind(
        Severity.FAULT_OPERATOR, "the cartridge was removed", "Use a new cartridge, then reset."
    ),
    CauseCode.MOTION_UNASKED: CauseKind(
        Severity.FAULT_TECHNICIAN, "the pen drives its needles although nobody asked", _TECHNICIAN
    ),
    CauseCode.ORDER_REFUSED: CauseKind(Severity.STOP, "the pen refused an order", _RESUME),
    CauseCode.SCAN_LATE: CauseKind(
        Severity.STOP,
        "this computer was too slow to watch the pen",
        "Close other programs, arm again.",
    ),
    CauseCode.RECORD_FAILED: CauseKind(
        Severity.STOP,
        "the record can no longer be written",
        "Free disk space; nothing starts before.",
    ),
    CauseCode.DRIVER_LOST: CauseKind(
        Severity.STOP, "the program that guides this session no longer answers", _RESUME
    ),
    CauseCode.NO_CONTACT: CauseKind(
        Severity.PAUSE, "the needles ran without skin contact for too long", "Resume when ready."
    ),
    CauseCode.PASS_TOO_LONG: CauseKind(
        Severity.PAUSE, "the pass took longer than planned", "Check the area, then resume or end."
    ),
    CauseCode.REST_NOT_SEEN: CauseKind(
        Severity.FAULT_TECHNICIAN,
        "the pen was told to stop and does not say that its needles rest",
        "Look at the pen; switch it off by hand if it runs. A technician must check it.",
    ),
    CauseCode.STOP_IGNORED: CauseKind(
        Severity.ESTOP, "the pen does not obey STOP", "Switch the pen off by hand now."
    ),
}
"""Severity, text and next step of every cause. Source: [SAF] 4 and 5, DESIGN 4."""


def worst(causes: tuple[Cause, ...]) -> Severity:
    """Return the severity that acts: the worst of all active causes. Rule: SR-006."""
    return max((cause.severity for cause in causes), default=Severity.NONE)
