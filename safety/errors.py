"""What safety raises; it raises little, because a refusal is a value and not an exception.

::

    SafetyError
    ├── QuantityError     a number from outside is not what it must be (caller's fault)
    └── InvariantBroken   the core contradicts itself (our fault: stop the pen, then crash loudly)
"""

from __future__ import annotations

_BITS_SHOWN = 1_000
"""An integer of more bits is not written out in a message. ASSUMED: 300 digits tell enough."""


class SafetyError(Exception):
    """Base of all errors of this package."""


class QuantityError(SafetyError, ValueError):
    """A quantity is missing, not an integer, or out of its bounds.

    Args:
        quantity: Name of the quantity with its unit, such as ``depth_um``.
        value: What was given.
        rule: The bound or type that it broke, in words.
    """

    def __init__(self, quantity: str, value: object, rule: str) -> None:
        # Python refuses to write out an integer of thousands of digits.
        is_huge = isinstance(value, int) and abs(value) >> _BITS_SHOWN
        super().__init__(f"{quantity} = {'a huge number' if is_huge else repr(value)}: {rule}")
        self.quantity = quantity
        self.value = value
        self.rule = rule


class InvariantBroken(SafetyError):
    """Something that must always hold did not. Nothing may run on after this."""
