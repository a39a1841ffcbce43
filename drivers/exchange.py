"""What became of a request, and what a link has counted; sends nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.registers import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.block import Status
    from drivers.rtu import Discard

SAMPLES = 4_096
"""Round trips kept for the percentiles. ASSUMED: 200 s of scans."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the request in flight ended.

    Args:
        command: What was asked.
        token: Of the request.
        sequence: Of the request.
        status: The believed status, or None.
        exception: The Modbus exception code, or None; the pen then changed nothing.
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
        exception: The Modbus exception code, or None; the pen then changed nothing.
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

        Rule: SR-011.
        """
        return self.attempts > 0 and self.status is None and self.exception is None


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


class LinkMeter:
    """Counts exchanges. Bounded: 4,096 round trips are kept."""

    def __init__(self) -> None:
        self._exchanges = self._unanswered = self._preempted = self._requests = 0
        self._round_trips_us: deque[int] = deque(maxlen=SAMPLES)

    def count(self, exchange: Exchange) -> None:
        """Add one exchange."""
        self._exchanges += 1
        self._unanswered += exchange.outcome_unknown
        self._preempted += exchange.preempted
        self._requests += exchange.attempts
        is_single = exchange.command is not Command.STOP or exchange.attempts == 1
        if exchange.received_us is not None and is_single:
            # The answer to a burst of STOPs may belong to any of them.
            self._round_trips_us.append(exchange.received_us - exchange.sent_us)

    def metrics(self, discards: Mapping[Discard, int], noise_bytes: int) -> LinkMetrics:
        """Return everything counted so far, with the discards of the core."""
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
        )


def _percentile(samples: list[int], percent: int) -> int | None:
    """Return the smallest sample that so many percent do not exceed (nearest rank)."""
    if not samples:
        return None
    return samples[max(-(-len(samples) * percent // 100) - 1, 0)]
