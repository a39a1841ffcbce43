"""Who may give orders: token, sequence number and freshness, as docs/protocol.md 6 has them.

It knows no state of the pen and no command; it answers questions about one order at a time.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.registers import SEQUENCE_WINDOW, TOKEN_IDLE_MS

TICK_MODULUS = 1 << 32
SEQUENCE_MODULUS = 1 << 16
_AHEAD_MAX = SEQUENCE_MODULUS // 2 - 1
"""Half of the numbers are ahead of one, the other half behind it."""


class Order(NamedTuple):
    """The order block of an exchange. Source: docs/protocol.md 3."""

    version: int
    command: int
    token: int
    sequence: int
    tick_echo_ms: int
    depth_um: int
    speed_dhz: int


class Session:
    """The live token with the newest sequence number that came with it, and the barrier.

    Args:
        boot_ms: Now, when everything said before is of another boot.
    """

    __slots__ = ("_barrier_ms", "_seen_ms", "_sequence", "token")

    def __init__(self, boot_ms: int) -> None:
        self.token = 0
        self._sequence = 0
        self._seen_ms = 0
        self._barrier_ms = boot_ms

    def open(self, order: Order, now_ms: int) -> None:
        """Make that order's token the live one, and no older OPEN another."""
        self.token = order.token
        self._sequence = order.sequence
        self._seen_ms = self._barrier_ms = now_ms

    def void(self, now_ms: int) -> None:
        """Let no token be live, and none become so by what was said before."""
        self.token = 0
        self._barrier_ms = now_ms

    def is_behind_barrier(self, order: Order, now_ms: int) -> bool:
        """Whether the order echoes the barrier's tick or an older one."""
        return echo_age_ms(order, now_ms) >= (now_ms - self._barrier_ms) % TICK_MODULUS

    def see(self, order: Order, now_ms: int) -> bool:
        """Note a request with a right CRC-32, whatever it asks for.

        The newest number only ever moves ahead, so that an old frame that comes back neither
        opens the window for its successors nor keeps a token alive.

        Returns:
            Whether the request bears the live token and a number within the window.
        """
        if self.token == 0 or order.token != self.token:
            return False
        ahead = (order.sequence - self._sequence) % SEQUENCE_MODULUS
        if 1 <= ahead <= _AHEAD_MAX:
            self._sequence = order.sequence
            self._seen_ms = now_ms
        return 1 <= ahead <= SEQUENCE_WINDOW

    def is_idle(self, now_ms: int) -> bool:
        """Whether a live token has gone unused for too long."""
        return self.token != 0 and now_ms - self._seen_ms >= TOKEN_IDLE_MS

    def idle_ms(self) -> int:
        """Return when a live token would become idle."""
        return self._seen_ms + TOKEN_IDLE_MS


def echo_age_ms(order: Order, tick_ms: int) -> int:
    """Return how far the order's tick echo is behind the pen's tick; one ahead is very far."""
    return (tick_ms - order.tick_echo_ms) % TICK_MODULUS
