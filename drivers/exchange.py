"""What became of a request, and what a link has counted; sends nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.registers import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.block import Status
    from drivers.framing import Discard

REPEATABLE = frozenset({Command.POLL, Command.RENEW, Command.STOP})
"""They add nothing to what was said, so they may follow an unknown outcome. Source:
docs/protocol.md 7."""

SAMPLES = 4_096
"""Round trips kept for the percentiles. ASSUMED: 200 s of scans."""

ROUND_TRIP_EDGES_US = (
    *(1_000, 2_000, 5_000, 10_000, 12_500, 15_000, 20_000, 25_000),
    *(50_000, 100_000, 200_000),
)
"""Upper edges of the buckets of the round-trip histogram, in microseconds. ASSUMED: close together
from the 11 ms of an exchange at 115,200 baud (docs/protocol.md 9) to the 25 ms after which its
answer comes too late; the last is the lease."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the request in flight ended.

    Args:
        command: What was asked.
        token: Of the request.
        sequence: Of the request.
        status: The believed status, or None.
        exception: The Modbus exception code, or None; it says nothing of what became of an order.
        epoch_changed: The pen has restarted since it was identified. No status of it is believed
            until it is identified again; the host must latch this.
        sent_us: When the request was made, in microseconds of the host's clock.
        received_us: When the answer was fed; the status is as old as this.
    """

    command: Command
    token: int
    sequence: int
    status: Status | None
    exception: int | None
    epoch_changed: bool
    sent_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the pen, its repeats, and the answer.

    Args:
        command: What was asked.
        token: Of the last request.
        sequence: Of the request that was answered, else of the last one.
        status: The believed status, or None.
        exception: The Modbus exception code, or None; it says nothing of what became of an order.
        sent_us: When the request was written, in microseconds of the host's clock; for STOP, the
            first of them.
        received_us: When the answer came; the status is as old as this.
        attempts: Requests written. 0: the wake came first, and nothing was sent.
        preempted: The wake ended it.
        epoch_changed: The pen has restarted since it was identified; the host must latch this.
    """

    command: Command
    token: int
    sequence: int
    status: Status | None
    exception: int | None
    sent_us: int
    received_us: int | None
    attempts: int
    preempted: bool
    epoch_changed: bool

    @property
    def outcome_unknown(self) -> bool:
        """Whether nobody knows what the pen made of it; the next status settles this.

        An exception tells it only of what may be said again: it names no request and no pen.

        Rule: SR-011.
        """
        was_told = self.status is not None or (
            self.exception is not None and self.command in REPEATABLE
        )
        return self.attempts > 0 and not was_told


@dataclass(frozen=True, slots=True)
class LinkMetrics:
    """What a link has counted since it was made.

    Args:
        exchanges: Exchanges ended, STOP included.
        unanswered: Of these, those whose outcome stayed unknown.
        preempted: Of these, those that a wake ended.
        requests: Frames written, repeats included.
        discards: What was heard and not believed, by cause.
        noise_bytes: Bytes that were part of no reply.
        round_trip_us_p50: Median of the last 4,096 round trips, in microseconds; None before one.
        round_trip_us_p99: 99th percentile of the same.
        round_trip_us_max: Longest of the same.
        round_trip_counts: All round trips so far, by bucket: those of at most 1,000 us, at most
            2,000 us, and so on through `ROUND_TRIP_EDGES_US`, and at last all longer ones.
        is_noisy: Whether damaged frames are too many just now; see `drivers.damage`.
    """

    exchanges: int
    unanswered: int
    preempted: int
    requests: int
    discards: dict[Discard, int]
    noise_bytes: int
    round_trip_us_p50: int | None
    round_trip_us_p99: int | None
    round_trip_us_max: int | None
    round_trip_counts: tuple[int, ...]
    is_noisy: bool


class LinkMeter:
    """Counts exchanges. Bounded: 4,096 round trips are kept, and a count for every bucket."""

    def __init__(self) -> None:
        self._exchanges = self._unanswered = self._preempted = self._requests = 0
        self._round_trips_us: deque[int] = deque(maxlen=SAMPLES)
        self._round_trip_counts = [0] * (len(ROUND_TRIP_EDGES_US) + 1)

    def count(self, exchange: Exchange) -> None:
        """Add one exchange."""
        self._exchanges += 1
        self._unanswered += exchange.outcome_unknown
        self._preempted += exchange.preempted
        self._requests += exchange.attempts
        is_single = exchange.command is not Command.STOP or exchange.attempts == 1
        if exchange.received_us is not None and is_single:
            # The answer to a burst of STOPs may belong to any of them.
            round_trip_us = exchange.received_us - exchange.sent_us
            self._round_trips_us.append(round_trip_us)
            self._round_trip_counts[bisect_left(ROUND_TRIP_EDGES_US, round_trip_us)] += 1

    def metrics(
        self, discards: Mapping[Discard, int], noise_bytes: int, *, is_noisy: bool = False
    ) -> LinkMetrics:
        """Return everything counted so far, with what the core has counted."""
        samples = sorted(self._round_trips_us)
        return LinkMetrics(
            exchanges=self._exchanges,
            unanswered=self._unanswered,
            preempted=self._preempted,
            requests=self._requests,
            discards=dict(discards),
            noise_bytes=noise_bytes,
            round_trip_us_p50=_percentile(samples, 50),
            round_trip_us_p99=_percentile(samples, 99),
            round_trip_us_max=_percentile(samples, 100),
            round_trip_counts=tuple(self._round_trip_counts),
            is_noisy=is_noisy,
        )


def _percentile(samples: list[int], percent: int) -> int | None:
    """Return the smallest sample that so many percent do not exceed (nearest rank)."""
    if not samples:
        return None
    return samples[max(-(-len(samples) * percent // 100) - 1, 0)]
