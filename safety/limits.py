"""Limits as layers that only tighten; knows no file, no device and no area of a body.

A limit comes with its layer and its source. `grant` takes what was asked and all limits, and gives
back what is granted together with every reason, so that nobody is ever capped without being told.
Within a limit lies the recommended range; whoever goes beyond it names a reason, and no reason
leads beyond the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from safety.drag import speed_dhz_undragged
from safety.units import checked

DEPTH_UM_ABSOLUTE = 2_500
"""No pen goes deeper. Source: [DOM] 1.5, hardware maximum of the authorised pens, 2.5 mm."""

SPEED_DHZ_ABSOLUTE = (500, 1_500)
"""Strokes per second, lowest and highest, in tenths. Source: [DOM] 3.3 c, 50 to 150 Hz."""

PASSES_ABSOLUTE = 10
"""Most passes over one area. Source: [DOM] 3.3 c, protocols in the literature end at 10."""

DOSE_ABSOLUTE = 10_000
"""Most punctures per square centimetre, over all passes. Source: [DOM] 4.4."""

DOSE_CONFIRM_ABOVE = 5_000
"""Above this dose a reason is named. Source: [DOM] 4.4, some 4 passes of 12 needles."""

VALUE_MAX = 0xFFFF
"""Depth, speed and passes each fit one register. Source: docs/protocol.md 3."""

DOSE_MAX = 1_000_000
"""A dose above this is a slip. ASSUMED: a hundred times `DOSE_ABSOLUTE`."""


class Layer(IntEnum):
    """Whose limit it is, from the outermost to the innermost."""

    ABSOLUTE = 0
    DEVICE = 1
    CARTRIDGE = 2
    INDICATION = 3
    AREA = 4
    PATIENT = 5
    PRACTITIONER = 6


COMMANDED = frozenset({Layer.DEVICE, Layer.CARTRIDGE})
"""Layers that speak of what the pen is told; all others speak of what truly reaches the skin."""


class Quantity(StrEnum):
    """What is limited."""

    DEPTH_UM = "depth_um"
    SPEED_DHZ = "speed_dhz"
    PASSES = "passes"
    DOSE = "punctures_per_cm2"

    @property
    def largest(self) -> int:
        """The largest number that is a value of this quantity at all, allowed or not."""
        return DOSE_MAX if self is Quantity.DOSE else VALUE_MAX


class Tier(StrEnum):
    """How far a grant goes."""

    RECOMMENDED = "recommended"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound of one layer, both ends included, never left for any reason.

    Args:
        layer: Whose limit it is.
        quantity: What it limits.
        low: Smallest value allowed, in the quantity's unit.
        high: Largest value allowed, in the quantity's unit.
        source: Why, in words a practitioner understands.
        confirm_above: Top of the recommended range, from low to high; None when all of it is.
    """

    layer: Layer
    quantity: Quantity
    low: int
    high: int
    source: str
    confirm_above: int | None = None

    def __post_init__(self) -> None:
        """Check all bounds. Raises QuantityError for anything but integers in range and order."""
        checked(f"{self.quantity} low", self.low, 0, self.quantity.largest)
        checked(f"{self.quantity} high", self.high, 0, self.quantity.largest)
        if self.confirm_above is not None:
            checked(f"{self.quantity} confirm_above", self.confirm_above, self.low, self.high)

    def hard_high(self, guard_band: int) -> int:
        """Return the largest value ever allowed, when the true value may lie that much higher."""
        return self.high if self.layer in COMMANDED else max(0, self.high - guard_band)

    def soft_high(self, guard_band: int) -> int:
        """Return the largest value allowed without a reason; never above `hard_high`."""
        high = self.hard_high(guard_band)
        return high if self.confirm_above is None else min(self.confirm_above, high)

    def describe(self, guard_band: int) -> str:
        """Return source, bounds and layer for people."""
        bounds = f"{self.low} to {self.high}"
        if self.hard_high(guard_band) < self.high:
            bounds += f" less {guard_band} of guard band"
        if self.confirm_above is not None:
            bounds += f", recommended up to {self.confirm_above}"
        is_absolute = self.layer is Layer.ABSOLUTE
        owner = "any treatment" if is_absolute else f"the {self.layer.name.lower()}"
        return f"{self.source} ({bounds}) of {owner}"


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of a wish.

    Args:
        quantity: What was asked for.
        asked: The value asked for.
        granted: The value that may be used, or None when there is none.
        reasons: Every limit that the wish breaks, confirmed or not, the tightest first.
        binding: The limit that decided, or None when none had to.
        note: What happened beside the limits (a missing layer, a step), or an empty text.
        reason: Why the recommended range is left, in the practitioner's words, or an empty text.
        guard_band: How much deeper than commanded the pen may truly go.
    """

    quantity: Quantity
    asked: int
    granted: int | None
    reasons: tuple[Limit, ...]
    binding: Limit | None
    note: str
    reason: str = ""
    guard_band: int = 0

    @property
    def is_within_limits(self) -> bool:
        """Whether the wish broke no limit but those that its named reason confirmed.

        It may still have been stepped down.
        """
        return self.granted is not None and self.binding is None

    @property
    def tier(self) -> Tier:
        """How far the granted value goes; a limit that it goes beyond softly is in ``reasons``."""
        if self.granted is None:
            return Tier.REFUSED
        is_beyond = any(self.granted > one.soft_high(self.guard_band) for one in self.reasons)
        return Tier.CONFIRMED if is_beyond else Tier.RECOMMENDED

    def explain(self) -> str:
        """Return one sentence: asked, granted, every reason, how far that is, what more takes."""
        given = "refused" if self.granted is None else f"granted {self.granted}"
        clauses = [one.describe(self.guard_band) for one in self.reasons]
        if self.binding is not None and self.binding not in self.reasons:
            clauses.append(self.binding.describe(self.guard_band))
        if self.note:
            clauses.append(self.note)
        if self.tier is Tier.RECOMMENDED:
            clauses.append("within the recommended range")
        if self.tier is Tier.CONFIRMED:
            clauses.append(f"beyond the recommended range because: {self.reason.strip()}")
        clauses += self._what_more_takes()
        return f"{self.quantity}: asked {self.asked}, {given}: {'; '.join(clauses)}"

    def _what_more_takes(self) -> list[str]:
        hard = min([self.asked, *(one.hard_high(self.guard_band) for one in self.reasons)])
        soft = min([hard, *(one.soft_high(self.guard_band) for one in self.reasons)])
        clauses = []
        if self.granted is None and self.binding is None:
            clauses.append("ask again when it is known")
        if self.binding is not None and self.asked < self.binding.low:
            clauses.append(f"at least {self.binding.low} must be asked")
        if soft < hard and not self.reason.strip():
            clauses.append(f"more than {soft} takes a named reason")
        if hard < self.asked:
            clauses.append(f"nothing allows more than {hard}")
        return clauses


def grant(
    quantity: Quantity,
    asked: int,
    limits: tuple[Limit, ...],
    *,
    step: int = 1,
    required: frozenset[Layer] = frozenset(),
    guard_band: int = 0,
    reason: str = "",
) -> Grant:
    """Return what is granted of a wish under all limits.

    A wish above the highest value is brought down to it; a wish below the lowest is refused, since
    raising it would not be tightening. The result is a multiple of ``step``, rounded down, and is
    checked once more as it would go on the wire.

    Args:
        quantity: What is asked for; limits of other quantities are passed over.
        asked: The wish, in the quantity's unit, 0 to 65,535 (a dose to 1,000,000).
        limits: Limits of any layers, in any order.
        step: Resolution of the device, at least 1.
        required: Layers that must have spoken; one that has not is unknown, hence unsafe.
        guard_band: Uncertainty that is taken from the limits that speak of the skin, at least 0.
        reason: Why the recommended range may be left; blank when it may not.

    Raises:
        QuantityError: If ``asked``, ``step`` or ``guard_band`` is not an integer in its range.

    Rule: SR-001, SR-003.
    """
    checked(str(quantity), asked, 0, quantity.largest)
    checked("step", step, 1, quantity.largest)
    checked("guard_band", guard_band, 0, quantity.largest)
    highest = Limit.hard_high if reason.strip() else Limit.soft_high
    mine = sorted(
        (limit for limit in limits if limit.quantity is quantity),
        # Its text tells apart what is equally tight, so that the order of limits never matters.
        key=lambda limit: (highest(limit, guard_band), -limit.low, limit.layer, repr(limit)),
    )
    broken = tuple(one for one in mine if not (one.low <= asked <= one.soft_high(guard_band)))

    def made(value: int | None, binding: Limit | None, note: str) -> Grant:
        return Grant(quantity, asked, value, broken, binding, note, reason, guard_band)

    missing = sorted(required - {limit.layer for limit in mine})
    if missing or not mine:
        names = ", ".join(layer.name.lower() for layer in missing) or "any layer"
        return made(None, None, f"no limit known from {names}")
    top = highest(mine[0], guard_band)
    value = min(asked, top) // step * step
    lowest = max(mine, key=lambda limit: limit.low)  # of several the tightest, as they are sorted
    if not (lowest.low <= value <= top):
        return made(None, lowest, "no value is left between the limits")
    note = f"stepped down to a multiple of {step}" if value < min(asked, top) else ""
    return made(value, mine[0] if asked > top else None, note)


DOSE_LIMIT = Limit(
    Layer.ABSOLUTE, Quantity.DOSE, 0, DOSE_ABSOLUTE, "dose of any patch", DOSE_CONFIRM_ABOVE
)
"""The dose that nothing lifts; it stands alone, as a dose follows from a whole plan of passes."""


def absolute_limits(depth_um: int) -> tuple[Limit, ...]:
    """Return the limits on depth, speed and passes that nothing lifts, at the given protrusion.

    Args:
        depth_um: Granted protrusion in micrometres; it decides the slowest speed (drag rule).

    Raises:
        QuantityError: If the protrusion is not an integer from 0 to 65,535.

    Rule: SR-001. Source: the constants of this module, `safety.drag`.
    """
    slowest, fastest = SPEED_DHZ_ABSOLUTE
    undragged = speed_dhz_undragged(depth_um)
    is_dragging = undragged > slowest
    why = f"slower needles drag at {depth_um} um" if is_dragging else "speed of any pen"
    return (
        Limit(Layer.ABSOLUTE, Quantity.DEPTH_UM, 0, DEPTH_UM_ABSOLUTE, "protrusion of any pen"),
        Limit(Layer.ABSOLUTE, Quantity.SPEED_DHZ, max(slowest, undragged), fastest, why),
        Limit(Layer.ABSOLUTE, Quantity.PASSES, 1, PASSES_ABSOLUTE, "passes over any area"),
    )


def strokes_allowed(punctures_per_cm2: int, patch_mm2: int, needles: int) -> int:
    """Return after how many strokes in contact a patch has got a dose, rounded down.

    Args:
        punctures_per_cm2: The dose, 0 to 1,000,000.
        patch_mm2: The patch, 1 to 65,535 square millimetres.
        needles: Of the cartridge, 1 to 65,535.

    Raises:
        QuantityError: If one of them is not an integer in its range.

    Source: [DOM] 4.4, punctures = strokes x needles; a square centimetre has 100 mm2.
    """
    checked("punctures_per_cm2", punctures_per_cm2, 0, DOSE_MAX)
    checked("patch_mm2", patch_mm2, 1, VALUE_MAX)
    checked("needles", needles, 1, VALUE_MAX)
    return punctures_per_cm2 * patch_mm2 // (100 * needles)
