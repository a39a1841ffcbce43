"""A practitioner's hand: sets the pen down when the needles run, moves in rows, lifts off.

It hears the motor and nothing else: no order, no screen, no status. All its times vary by a
seeded share, so that two runs of one seed are the same.
"""

from __future__ import annotations

from simulator.noise import NOISE_MASK, noise_table
from simulator.parameters import HandParameters

_NEVER_MS = 1 << 62
_NOISE_MAX = 3.5
"""Largest entry of a noise table, about."""


class Hand:
    """One hand.

    Args:
        parameters: Its habits.
        seed: Names its moods.
    """

    __slots__ = (
        "_draws",
        "_due_ms",
        "_hears_motor",
        "_mood",
        "_p",
        "_row_began_ms",
        "away",
        "on_skin",
        "row",
    )

    def __init__(self, parameters: HandParameters, seed: int) -> None:
        self._p = parameters
        self._mood = noise_table(seed, "hand")
        self._draws = 0
        self._hears_motor = False
        self._due_ms = _NEVER_MS
        self._row_began_ms = 0
        self.on_skin = False
        self.away = True
        self.row = 0

    @property
    def is_idle(self) -> bool:
        """Whether the hand waits for a motor to start."""
        return self.away and not self._hears_motor

    def along_row_um(self, now_ms: int) -> int:
        """Return the way along the present row, in um; 0 while off the skin."""
        if not self.on_skin:
            return 0
        return (now_ms - self._row_began_ms) * self._p.speed_um_per_ms

    def step(self, now_ms: int, *, hears_motor: bool) -> None:
        """Go on to that millisecond."""
        if hears_motor is not self._hears_motor:
            self._hears_motor = hears_motor
            self._due_ms = now_ms + self._about_ms(self._reaction_ms())
        if now_ms < self._due_ms:
            return
        if not self._hears_motor:
            self.on_skin = False
            self.away = True
            self._due_ms = _NEVER_MS
        elif self.on_skin:
            self.on_skin = False
            self.row += 1
            self._due_ms = now_ms + self._about_ms(self._p.turn_ms)
        else:
            self.on_skin = True
            self.away = False
            self._row_began_ms = now_ms
            self._due_ms = now_ms + self._about_ms(self._p.row_ms)

    def _reaction_ms(self) -> int:
        if not self._hears_motor:
            return self._p.lift_off_ms
        return self._p.row_ms if self.on_skin else self._p.set_down_ms

    def _about_ms(self, habit_ms: int) -> int:
        self._draws += 1
        mood = self._mood[self._draws & NOISE_MASK] / _NOISE_MAX
        return max(1, round(habit_ms * (1.0 + self._p.spread * mood)))
