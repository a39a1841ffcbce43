"""The link as a calculation: orders in, frames out, bytes in, answers out; no port and no clock.

The rules of docs/protocol.md 7 live here. At most one request is in flight; an answer counts only
if everything about it fits, and everything else is counted by cause and dropped. After `stop`
nothing older can be accepted, because its sequence number is no longer the one in flight.

::

    request ──> in flight ──feed──> Answer(status | exception | epoch_changed)
                    │
                    └──expire, or stop──> outcome unknown, until the next status settles it

An exception carries no sequence number and no serial number, so that a line may have made or kept
it. It ends the request, if no earlier one may still be answered; what became of an order only a
status tells.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from drivers.block import Defect, Order, Status, decode_status, encode_order
from drivers.damage import DamageRate
from drivers.exchange import REPEATABLE, Answer
from drivers.framing import DAMAGED, Discard, Framing, Reply
from drivers.registers import Command

TOKEN_MAX = 0xFFFF_FFFF
"""Tokens are 1 to this. Source: docs/protocol.md 3."""

OF_THIS_BOOT = frozenset({Command.OPEN, Command.RESET})
"""They name the pen's epoch where others have a depth. Source: docs/protocol.md 3 and 6."""

_REMEMBERED = 32
"""Requests whose late answers are recognised as such. ASSUMED: more than a STOP burst has."""

_CAUSES = {Defect.CRC32: Discard.CRC32, Defect.VERSION: Discard.VERSION}


@dataclass(slots=True)
class _Flight:
    """The request in flight. Repeated STOPs are one flight: each answers all of them."""

    command: Command
    token: int
    first_sequence: int
    sequence: int
    sent_us: int

    def is_answered_by(self, status: Status) -> bool:
        ahead = (status.sequence_echo - self.first_sequence) & 0xFFFF
        span = (self.sequence - self.first_sequence) & 0xFFFF
        return status.token_echo == self.token & 0xFFFF and ahead <= span


class LinkCore:
    """One host's side of one link.

    Args:
        token: The first token, 1 to 2^32 - 1.
        framing: How requests and replies travel.
    """

    def __init__(self, token: int, framing: Framing) -> None:
        self.discards: Counter[Discard] = Counter()
        self.serial_number: int | None = None
        self.epoch: int | None = None
        self.tick_ms: int | None = None
        self.sequence = 0
        self.new_token(token)
        self._framing = framing
        self._finder = framing.status_finder(self.discards)
        self._damage = DamageRate()
        self._discarded = 0
        self._flight: _Flight | None = None
        self._asked: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._older_unanswered = False
        self._is_unsettled = False

    @property
    def is_waiting(self) -> bool:
        """Whether a request is in flight."""
        return self._flight is not None

    @property
    def noise_bytes(self) -> int:
        """Bytes heard so far that were part of no reply to this host."""
        return self._finder.thrown_bytes

    @property
    def damaged(self) -> int:
        """Damaged frames heard so far; never falls."""
        return sum(self.discards[cause] for cause in DAMAGED)

    def is_noisy(self, now_us: int) -> bool:
        """Return whether frames are damaged too often to go on; see `drivers.damage`.

        Args:
            now_us: The host's clock, in microseconds.
        """
        return self._damage.is_high(now_us)

    def adopt(self, serial_number: int | None) -> None:
        """Speak with this pen from now on; its epoch and tick are learnt from its first status.

        Args:
            serial_number: Of the identified pen; None forgets the pen.
        """
        self.expire()
        self.serial_number = serial_number
        self.epoch = self.tick_ms = None

    def new_token(self, token: int) -> None:
        """Use this token from the next request on.

        Raises:
            ValueError: If it is not 1 to 2^32 - 1.
        """
        if type(token) is not int or not 1 <= token <= TOKEN_MAX:
            raise ValueError(f"token = {token!r}: must be a whole number from 1 to {TOKEN_MAX}")
        self.token = token

    def request(
        self, command: Command, *, depth_um: int = 0, speed_dhz: int = 0, now_us: int
    ) -> bytes:
        """Return the frame of a new request, which is then in flight.

        Args:
            command: What to ask; for STOP use `stop`, which needs no free link.
            depth_um: Needle protrusion, 0 to 65,535 um; OPEN and RESET say the epoch instead.
            speed_dhz: Strokes per second in tenths, 0 to 65,535.
            now_us: The host's clock, in microseconds.

        Raises:
            RuntimeError: If a request is in flight, if no pen has been adopted, if the outcome of
                an order is unknown and this is another one that must not follow it, or if this is
                OPEN or RESET and no status has told the pen's epoch yet.
            ValueError: If depth or speed do not fit their registers.

        Rule: SR-011, SR-015.
        """
        if self._flight is not None:
            raise RuntimeError("a request is in flight: wait for it, or let it expire")
        if self.serial_number is None:
            raise RuntimeError("no pen has been identified: nothing but STOP may be sent")
        if self._is_unsettled and command not in REPEATABLE:
            raise RuntimeError("the outcome of the last order is unknown: POLL settles it")
        if command in OF_THIS_BOOT:
            if self.epoch is None:
                raise RuntimeError("the pen's epoch is unknown: POLL tells it")
            depth_um = self.epoch
        frame = self._frame(command, depth_um, speed_dhz)
        self._flight = _Flight(command, self.token, self.sequence, self.sequence, now_us)
        return frame

    def stop(self, now_us: int) -> bytes:
        """Abandon what is in flight and return a STOP frame; allowed at any time.

        The outcome of the abandoned request is unknown. A STOP that is repeated before its answer
        came extends the same flight, so that a slow pen's answer to the first one still counts.

        Rule: SR-005, SR-013.
        """
        stopping = self._flight
        if stopping is not None and stopping.command is not Command.STOP:
            stopping = None
        self.expire()
        frame = self._frame(Command.STOP, 0, 0)
        self._flight = stopping or _Flight(
            Command.STOP, self.token, self.sequence, self.sequence, now_us
        )
        self._flight.sequence = self.sequence
        return frame

    def expire(self) -> None:
        """Give up waiting for the request in flight: its outcome is unknown from now on."""
        if self._flight is not None:
            self._is_unsettled |= self._flight.command not in REPEATABLE
            self._older_unanswered = True
            self._flight = None

    def feed(self, data: bytes, now_us: int) -> Answer | None:
        """Take whatever the port gave, at any time, and return the answer if one is in it.

        Args:
            data: Any bytes, in the order in which they came.
            now_us: The host's clock when they came, in microseconds.

        Rule: SR-010, SR-016.
        """
        answer: Answer | None = None
        if not data:
            return answer
        for reply in self._finder.feed(data):
            judged = self._judge(reply, now_us)
            answer = answer or judged
        if (discarded := self.discards.total()) != self._discarded:
            self._discarded = discarded
            self._damage.note(self.damaged, now_us)
        return answer

    def _frame(self, command: Command, depth_um: int, speed_dhz: int) -> bytes:
        order = Order(
            command=command,
            token=self.token,
            sequence=(self.sequence + 1) & 0xFFFF,
            tick_echo_ms=self.tick_ms or 0,
            depth_um=depth_um,
            speed_dhz=speed_dhz,
        )
        # A pen takes STOP whatever its CRC-32, hence from a host that does not know the pen yet.
        registers = encode_order(order, self.serial_number or 0)
        self.sequence = order.sequence
        self._asked.append((order.token & 0xFFFF, order.sequence))
        if command is Command.STOP:
            return self._framing.stop_request(registers)
        return self._framing.exchange_request(registers)

    def _judge(self, reply: Reply, now_us: int) -> Answer | None:
        if reply.exception is not None:
            return self._judge_exception(reply.exception, now_us)
        if self.serial_number is None:
            self.discards[Discard.CRC32] += 1
            return None
        status = decode_status(reply.registers, self.serial_number)
        if isinstance(status, Defect):
            self.discards[_CAUSES.get(status, Discard.VALUE)] += 1
            return None
        cause = self._distrust(status)
        if cause is not None:
            self.discards[cause] += 1
            return self._ended(now_us, epoch_changed=True) if cause is Discard.EPOCH else None
        self.epoch, self.tick_ms = status.epoch, status.tick_ms
        self._is_unsettled = False
        return self._ended(now_us, status=status)

    def _judge_exception(self, exception: int, now_us: int) -> Answer | None:
        if self._flight is None or self._older_unanswered:
            self.discards[Discard.EXCEPTION] += 1
            return None
        return self._ended(now_us, exception=exception)

    def _distrust(self, status: Status) -> Discard | None:
        """Return why an intact status of this pen is not believed, or None."""
        flight = self._flight
        if flight is None or not flight.is_answered_by(status):
            if (status.token_echo, status.sequence_echo) in self._asked:
                return Discard.LATE
            return Discard.SEQUENCE if status.token_echo == self.token & 0xFFFF else Discard.TOKEN
        if self.epoch is not None and status.epoch != self.epoch:
            return Discard.EPOCH
        if self.tick_ms is not None and not _is_ahead(status.tick_ms, self.tick_ms):
            return Discard.TICK
        return None

    def _ended(
        self,
        now_us: int,
        *,
        status: Status | None = None,
        exception: int | None = None,
        epoch_changed: bool = False,
    ) -> Answer | None:
        flight, self._flight = self._flight, None
        if flight is None:
            return None
        if status is None:
            self._is_unsettled |= flight.command not in REPEATABLE
        sequence = flight.sequence if status is None else status.sequence_echo
        # A line keeps its order: once the newest request is answered, no older answer can follow.
        self._older_unanswered = self._older_unanswered and sequence != flight.sequence
        return Answer(
            command=flight.command,
            token=flight.token,
            sequence=sequence,
            status=status,
            exception=exception,
            epoch_changed=epoch_changed,
            sent_us=flight.sent_us,
            received_us=now_us,
        )


def _is_ahead(tick_ms: int, last_ms: int) -> bool:
    """Return whether a tick is later than another, modulo 2^32."""
    return 0 < (tick_ms - last_ms) & 0xFFFF_FFFF < 1 << 31
