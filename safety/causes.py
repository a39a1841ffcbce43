"""A cause that is active, what a pen's own faults mean, and which acts; it detects nothing."""

from __future__ import annotations

from dataclasses import dataclass

from safety.catalogue import CATALOGUE
from safety.cause_kinds import CauseCode, CauseKind, Harm, Onset
from safety.states import Severity

__all__ = [
    "CATALOGUE",
    "PEN_FAULTS",
    "Cause",
    "CauseCode",
    "CauseKind",
    "Harm",
    "Onset",
    "worst",
]


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


def worst(causes: tuple[Cause, ...]) -> Severity:
    """Return the severity that acts: the worst of all active causes. Rule: SR-006."""
    return max((cause.severity for cause in causes), default=Severity.NONE)
