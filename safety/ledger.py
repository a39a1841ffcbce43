"""The ledger of passes per area: what was granted, what was begun, what counts as delivered.

Immutable: every change is a new ledger. It writes nothing down; the step turns its changes into
journal entries, which are durable before the needles move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from safety.errors import InvariantBroken
from safety.limits import DEPTH_UM_ABSOLUTE, absolute_limits
from safety.units import checked

STROKES_MAX = 2**32 - 1
"""The pen's stroke counter holds no more. Source: docs/protocol.md 4."""


@dataclass(frozen=True, slots=True)
class AreaPlan:
    """What was granted for one area.

    Args:
        area: Name of the area, such as ``forehead``.
        depth_um: Granted needle protrusion in micrometres, a multiple of the pen's step.
        speed_dhz: Granted strokes per second, in tenths.
        passes: Granted number of passes.
        strokes_per_pass: Strokes in contact after which a pass is done, at least 1.
        strokes_max: Strokes in contact, over all passes, that reach the area's dose cap.
    """

    area: str
    depth_um: int
    speed_dhz: int
    passes: int
    strokes_per_pass: int
    strokes_max: int

    def __post_init__(self) -> None:
        """Check every value against what nothing lifts. Raises QuantityError. Rule: SR-002."""
        checked("depth_um", self.depth_um, 1, DEPTH_UM_ABSOLUTE)
        checked("strokes_per_pass", self.strokes_per_pass, 1, STROKES_MAX)
        checked("strokes_max", self.strokes_max, 1, STROKES_MAX)
        for limit in absolute_limits(self.depth_um):
            checked(limit.quantity, getattr(self, limit.quantity), limit.low, limit.high)


class Outcome(StrEnum):
    """What became of a pass. All but NOT_DELIVERED count against the area's passes."""

    PLANNED = "planned"
    DELIVERED = "delivered"
    PARTIAL = "partial"
    UNCERTAIN = "uncertain"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one area; ``number`` counts from 1 within its area.

    ``strokes`` were made in contact; they count against the dose of the area.
    """

    area: str
    number: int
    outcome: Outcome
    strokes: int = 0


_BEGINNABLE = (None, Outcome.NOT_DELIVERED, Outcome.PARTIAL)
"""What a pass may be before it is begun; a partial one is taken up where it was paused."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All passes of a session, in the order in which they were begun."""

    passes: tuple[Pass, ...] = ()

    def counted(self, area: str) -> int:
        """Return how many passes of the area count as delivered, one in flight included.

        Rule: SR-007.
        """
        return sum(p.area == area and p.outcome is not Outcome.NOT_DELIVERED for p in self.passes)

    def strokes_of(self, area: str, *, besides: int = 0) -> int:
        """Return the strokes in contact that count against the area's dose.

        Args:
            area: Name of the area.
            besides: Number of a pass that is left out, such as the one at hand; 0 for none.
        """
        return sum(p.strokes for p in self.passes if p.area == area and p.number != besides)

    def has_dose_left(self, area_plan: AreaPlan, number: int) -> bool:
        """Return whether this pass, if delivered whole, stays within the dose of its area."""
        others = self.strokes_of(area_plan.area, besides=number)
        return others + area_plan.strokes_per_pass <= area_plan.strokes_max

    def next_pass(self, plan: tuple[AreaPlan, ...], first: str = "") -> tuple[AreaPlan, int] | None:
        """Return the next area with a pass left, and that pass's number, or None.

        Args:
            plan: Granted areas in the order in which they are treated.
            first: Name of an area that is looked at before the others, or an empty text.
        """
        for area_plan in sorted(plan, key=lambda one: one.area != first):
            number = self.free_number(area_plan.area)
            is_left = max(number, self.counted(area_plan.area) + 1) <= area_plan.passes
            if is_left and self.has_dose_left(area_plan, number):
                return area_plan, number
        return None

    def free_number(self, area: str) -> int:
        """Return the smallest number that no pass of the area counts under.

        A pass that was acquitted later leaves a gap; as many numbers as passes may count.
        """
        taken = {
            p.number
            for p in self.passes
            if p.area == area and p.outcome is not Outcome.NOT_DELIVERED
        }
        return next(number for number in range(1, len(taken) + 2) if number not in taken)

    def stands_as(self, area: str, number: int) -> Outcome | None:
        """Return what became of this pass so far, or None if it was never begun."""
        for one in self.passes:
            if one.number == number and one.area == area:
                return one.outcome
        return None

    def begin(self, area_plan: AreaPlan, number: int) -> Ledger:
        """Return the ledger with this pass in flight; a paused pass is taken up again.

        Raises:
            InvariantBroken: If the pass counts and is not a paused one, or would exceed what was
                granted.
        """
        area = area_plan.area
        kept = tuple(p for p in self.passes if (p.area, p.number) != (area, number))
        begun = Ledger((*kept, Pass(area, number, Outcome.PLANNED)))
        is_granted = 1 <= number <= area_plan.passes and begun.counted(area) <= area_plan.passes
        if not is_granted or self.stands_as(area, number) not in _BEGINNABLE:
            raise InvariantBroken(f"pass {number} of {area_plan.passes} over {area}")
        return begun

    def end(self, area: str, number: int, outcome: Outcome, strokes: int) -> Ledger:
        """Return the ledger with the outcome and the strokes in contact of this pass set."""
        return Ledger(
            tuple(
                replace(p, outcome=outcome, strokes=strokes)
                if (p.area, p.number) == (area, number)
                else p
                for p in self.passes
            )
        )
