"""The pen's own contact sense: motor current above what it takes in air.

It knows only what the firmware measures, never the hand's truth. No-load current is a straight
line through two points that the factory measured on this very pen.
"""

from __future__ import annotations

from simulator.parameters import FirmwareParameters

_SHIFT = 5
"""The low-pass averages over about 2^5 ms: two strokes at the slowest speed."""

_SCALE = 64
"""The average is kept in 1/64 mA."""


class ContactSense:
    """A low-pass, two thresholds and two delays.

    Args:
        parameters: Thresholds and delays.
        slow_ma: No-load current at the lowest speed of the pen.
        fast_ma: No-load current at its highest speed.
    """

    __slots__ = ("_average", "_blank_ms", "_fast_ma", "_held_ms", "_p", "_slow_ma", "contact")

    def __init__(self, parameters: FirmwareParameters, slow_ma: int, fast_ma: int) -> None:
        self._p = parameters
        self._slow_ma = slow_ma
        self._fast_ma = fast_ma
        self.reset()

    def reset(self) -> None:
        """Forget everything: the motor is about to start, or has stopped."""
        self.contact = False
        self._blank_ms = self._p.contact_blank_ms
        self._average = 0
        self._held_ms = 0

    def no_load_ma(self, speed_dhz: int) -> int:
        """Return the expected current in air."""
        p = self._p
        span_dhz = p.speed_dhz_max - p.speed_dhz_min
        rise_ma = (self._fast_ma - self._slow_ma) * (speed_dhz - p.speed_dhz_min)
        return self._slow_ma + rise_ma // span_dhz

    def update(self, current_ma: int, speed_dhz: int) -> bool:
        """Take one sample of 1 ms while the motor is driven, and say whether `contact` changed.

        Spinning up is waited for.
        """
        if self._blank_ms > 0:
            self._blank_ms -= 1
            return False
        extra = _SCALE * (current_ma - self.no_load_ma(speed_dhz))
        self._average += (extra - self._average) >> _SHIFT
        if self.contact:
            differs = self._average < _SCALE * self._p.contact_off_ma
            patience_ms = self._p.contact_off_ms
        else:
            differs = self._average > _SCALE * self._p.contact_on_ma
            patience_ms = self._p.contact_on_ms
        self._held_ms = self._held_ms + 1 if differs else 0
        if self._held_ms < patience_ms:
            return False
        self.contact = not self.contact
        self._held_ms = 0
        return True
