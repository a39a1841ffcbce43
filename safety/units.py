"""The constructor that lets a number in, and the one way to write a depth for people.

Quantities are plain integers with their unit in the name; what comes from outside passes `checked`.
"""

from __future__ import annotations

from safety.errors import QuantityError


def in_mm(depth_um: int) -> str:
    """Return a needle protrusion in millimetres for people, all digits, such as ``0.951 mm``.

    Integers only, so that no digit depends on a float.
    """
    sign, size = ("-" if depth_um < 0 else ""), abs(depth_um)
    return f"{sign}{size // 1_000}.{size % 1_000:03d} mm"


def checked(quantity: str, value: object, low: int, high: int) -> int:
    """Return the value if it is a true integer within its bounds, both included.

    Args:
        quantity: Name with its unit, for the message.
        value: Anything at all.
        low: Smallest value allowed.
        high: Largest value allowed.

    Returns:
        The same number, now known to be an ``int``.

    Raises:
        QuantityError: If the value is missing, a boolean, not an ``int`` (NaN, text and whole
            floats included), or outside the bounds.

    Rule: SR-002.
    """
    if value is None:
        raise QuantityError(quantity, value, "is missing")
    if type(value) is not int:
        raise QuantityError(quantity, value, "must be a whole number")
    if not (low <= value <= high):
        raise QuantityError(quantity, value, f"must be {low} to {high}")
    return value
