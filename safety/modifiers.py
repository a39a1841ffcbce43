"""What is known of a patient, as limits that tighten; knows no person and asks no question.

A modifier takes from what area and indication allow. All modifiers of a patient add up.
"""

from __future__ import annotations

from dataclasses import dataclass

from safety.limits import VALUE_MAX, Layer, Limit, Quantity
from safety.units import checked


@dataclass(frozen=True, slots=True)
class Modifier:
    """One trait of a patient that asks for less.

    Args:
        name: The trait, in words a practitioner understands.
        depth_um_less: Taken from the deepest protrusion, in micrometres, 0 to 65,535.
        passes_less: Taken from the passes, 0 to 65,535.
        source: Where the figures come from.
    """

    name: str
    depth_um_less: int
    passes_less: int = 0
    source: str = "ASSUMED"

    def __post_init__(self) -> None:
        """Check both figures; a modifier never gives. Raises QuantityError. Rule: SR-002."""
        checked("depth_um_less", self.depth_um_less, 0, VALUE_MAX)
        checked("passes_less", self.passes_less, 0, VALUE_MAX)


DARK_SKIN = Modifier("Fitzpatrick type IV to VI", 250, source="[DOM] 3.4 row 16")
PIGMENT_HISTORY = Modifier("pigment or melasma history", 250, source="[DOM] 3.4 row 16")

MODIFIERS = (DARK_SKIN, PIGMENT_HISTORY)
"""The modifiers that penpilot knows."""

_LESSENED = (Layer.INDICATION, Layer.AREA)


def patient_limits(
    limits: tuple[Limit, ...], modifiers: tuple[Modifier, ...] | None
) -> tuple[Limit, ...]:
    """Return the patient's limits on depth and passes.

    Each is the tightest limit of indication and area, less all that the modifiers take, and at
    least 0. The top of the recommended range is lowered by as much. A quantity of which neither
    layer has spoken gets no limit, so that ``required`` refuses it.

    Args:
        limits: Limits of any layers, in any order; only indication and area are looked at.
        modifiers: All that apply, possibly none; None when nobody knows the patient.

    Rule: SR-001.
    """
    if modifiers is None:
        return ()
    depth = tuple((one.depth_um_less, one) for one in modifiers)
    passes = tuple((one.passes_less, one) for one in modifiers)
    made = (
        _lessened(Quantity.DEPTH_UM, limits, depth),
        _lessened(Quantity.PASSES, limits, passes),
    )
    return tuple(limit for limit in made if limit is not None)


def _lessened(
    quantity: Quantity, limits: tuple[Limit, ...], takers: tuple[tuple[int, Modifier], ...]
) -> Limit | None:
    mine = [one for one in limits if one.quantity is quantity and one.layer in _LESSENED]
    if not mine:
        return None
    less = sum(taken for taken, _ in takers)
    high = max(0, min(one.high for one in mine) - less)
    softs = [one.confirm_above for one in mine if one.confirm_above is not None]
    soft = min(high, max(0, min(softs) - less)) if softs else None
    names = sorted(f"{one.name}, {taken} less, {one.source}" for taken, one in takers if taken)
    source = "; ".join(names) or "a patient without modifiers"
    return Limit(Layer.PATIENT, quantity, 0, high, source, soft)
