"""Limits as layers that only tighten; knows no file, no device and no area of a body.

A limit comes with its layer and its source. `grant` takes what was asked and all limits, and gives
back what is granted together with every reason, so that nobody is ever capped without being told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from safety.units import checked

DEPTH_UM_ABSOLUTE = 2_500
"""No pen goes deeper. Source: [DOM] 1.5, hardware maximum of the authorised pens, 2.5 mm."""

SPEED_DHZ_ABSOLUTE = (500, 1_500)
"""Strokes per second, lowest and highest, in tenths. Source: [DOM] 3.3 c, 50 to 150 Hz."""

PASSES_ABSOLUTE = 10
"""Most passes over one area. Source: [DOM] 3.3 c, protocols in the literature end at 10."""

DRAG_DEPTH_UM = 500
"""Beyond this protrusion a slow needle drags. Source: [DOM] 3.3 c."""

DRAG_SPEED_DHZ_MIN = 800
"""Slowest speed beyond `DRAG_DEPTH_UM`, in tenths of strokes per second. Source: [DOM] 3.3 c."""

VALUE_MAX = 0xFFFF
"""Every quantity here fits one register. Source: docs/protocol.md 3."""


class Layer(IntEnum):
    """Whose limit it is, from the outermost to the innermost."""

    ABSOLUTE = 0
    DEVICE = 1
    CARTRIDGE = 2
    INDICATION = 3
    AREA = 4
    PATIENT = 5
    PRACTITIONER = 6


class Quantity(StrEnum):
    """What is limited."""

    DEPTH_UM = "depth_um"
    SPEED_DHZ = "speed_dhz"
    PASSES = "passes"


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound of one layer, both ends included.

    Args:
        layer: Whose limit it is.
        quantity: What it limits.
        low: Smallest value allowed, in the quantity's unit.
        high: Largest value allowed, in the quantity's unit.
        source: Why, in words a practitioner understands.
    """

    layer: Layer
    quantity: Quantity
    low: int
    high: int
    source: str

    def __post_init__(self) -> None:
        """Check both bounds. Raises QuantityError for anything but integers from 0 to 65,535."""
        checked(f"{self.quantity} low", self.low, 0, VALUE_MAX)
        checked(f"{self.quantity} high", self.high, 0, VALUE_MAX)


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of a wish.

    Args:
        quantity: What was asked for.
        asked: The value asked for.
        granted: The value that may be used, or None when there is none.
        reasons: Every limit that the wish breaks, the tightest first.
        binding: The limit that decided, or None when the wish was granted as it stood.
        note: What happened beside the limits (a missing layer, a step), or an empty text.
    """

    quantity: Quantity
    asked: int
    granted: int | None
    reasons: tuple[Limit, ...]
    binding: Limit | None
    note: str

    @property
    def is_within_limits(self) -> bool:
        """Whether the wish broke no limit; it may still have been stepped down."""
        return self.granted is not None and not self.reasons

    def explain(self) -> str:
        """Return one sentence: asked, granted, and why."""
        given = "refused" if self.granted is None else f"granted {self.granted}"
        whys = [f"{limit.source} ({limit.low} to {limit.high})" for limit in self.reasons]
        whys += [self.note] if self.note else []
        text = f"{self.quantity}: asked {self.asked}, {given}"
        return f"{text}: {'; '.join(whys)}" if whys else text


def grant(
    quantity: Quantity,
    asked: int,
    limits: tuple[Limit, ...],
    *,
    step: int = 1,
    required: frozenset[Layer] = frozenset(),
) -> Grant:
    """Return what is granted of a wish under all limits.

    A wish above the highest value is brought down to it; a wish below the lowest is refused, since
    raising it would not be tightening. The result is a multiple of ``step``, rounded down, and is
    checked once more as it would go on the wire.

    Args:
        quantity: What is asked for; limits of other quantities are passed over.
        asked: The wish, in the quantity's unit, 0 to 65,535.
        limits: Limits of any layers, in any order.
        step: Resolution of the device, at least 1.
        required: Layers that must have spoken; one that has not is unknown, hence unsafe.

    Returns:
        The grant with every reason.

    Raises:
        QuantityError: If ``asked`` or ``step`` is not an integer in its range.

    Rule: SR-001, SR-003.
    """
    checked(str(quantity), asked, 0, VALUE_MAX)
    checked("step", step, 1, VALUE_MAX)
    mine = tuple(limit for limit in limits if limit.quantity is quantity)
    missing = sorted(required - {limit.layer for limit in mine})
    if missing or not mine:
        names = ", ".join(layer.name.lower() for layer in missing) or "any layer"
        return Grant(quantity, asked, None, (), None, f"no limit known from {names}")

    low, high = max(limit.low for limit in mine), min(limit.high for limit in mine)
    reasons = tuple(
        sorted(
            (limit for limit in mine if not (limit.low <= asked <= limit.high)),
            key=lambda limit: (limit.high, -limit.low, limit.layer),
        )
    )
    value = min(asked, high) // step * step
    if not (low <= value <= high):
        binding = min(mine, key=lambda limit: (-limit.low, limit.layer, limit.high))
        reasons = reasons or (binding,)
        return Grant(quantity, asked, None, reasons, binding, "no value is left between the limits")
    note = f"stepped down to a multiple of {step}" if value < min(asked, high) else ""
    return Grant(quantity, asked, value, reasons, reasons[0] if reasons else None, note)


def absolute_limits(depth_um: int) -> tuple[Limit, ...]:
    """Return the limits that nothing lifts, for a pass at the given protrusion.

    Args:
        depth_um: Granted protrusion in micrometres; it decides the slowest speed (drag rule).

    Rule: SR-001. Source: the constants of this module.
    """
    slowest, fastest = SPEED_DHZ_ABSOLUTE
    is_dragging = depth_um > DRAG_DEPTH_UM
    slowest = max(slowest, DRAG_SPEED_DHZ_MIN) if is_dragging else slowest
    why = f"slower needles drag beyond {DRAG_DEPTH_UM} um" if is_dragging else "speed of any pen"
    return (
        Limit(Layer.ABSOLUTE, Quantity.DEPTH_UM, 0, DEPTH_UM_ABSOLUTE, "protrusion of any pen"),
        Limit(Layer.ABSOLUTE, Quantity.SPEED_DHZ, slowest, fastest, why),
        Limit(Layer.ABSOLUTE, Quantity.PASSES, 1, PASSES_ABSOLUTE, "passes over any area"),
    )
