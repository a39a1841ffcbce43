"""Measures a line by asking POLL, and judges whether it can hold the lease; nothing ever moves.

Requests follow each other after pauses of different lengths: a bridge that collects bytes for
16 ms answers a steady question and answer in step, and shows its worst only out of step, which is
how the scan asks. Time and waiting are handed in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from drivers.driver import Driver
from drivers.exchange import ROUND_TRIP_EDGES_US, LinkMetrics
from drivers.registers import Command
from drivers.timing import TimingProfile

EXCHANGES = 1_000
"""Of a commissioning run: a line that loses 1 in 100 shows it. ASSUMED."""

EXCHANGES_MAX = 100_000
"""More take over half an hour and tell nothing new. ASSUMED."""

SHORT = 50
"""Of the look at a line that was never commissioned: half a second. ASSUMED."""

WAIT_US = 200_000
"""How long an answer is waited for here, so that a slow line is measured and not only counted as
lost. ASSUMED: one lease."""

PAUSE_US = 16_000
"""Pauses are shorter than this. Source: FTDI AN232B-04, latency timer of 16 ms."""

PAUSE_STEP_US = 9_889
"""From one pause to the next, modulo `PAUSE_US`: by the golden section, which spreads any number
of them evenly."""

LATE_SHARE = 100
"""One exchange in so many may be late or lost. Source: [SAF] 8.3, p99 of the round trip within
the answer timeout; four attempts then miss the lease once in 10^8."""

BINS_US = ROUND_TRIP_EDGES_US
"""Upper bounds of the histogram; the last holds what is longer as well."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Args:
        exchanges: Questions asked.
        unanswered: Of these, those that got no answer within 200 ms.
        p50_us: Median of the round trips; None before one.
        p99_us: 99th percentile of all questions (nearest rank); None if that one got no answer.
        max_us: Longest of the round trips; None before one.
        late: Questions that were not answered within the answer timeout.
        bins: Upper bound in microseconds, and how many round trips were within it and beyond the
            bound before.
        discards: What was heard and not believed, by cause.
        noise_bytes: Bytes that were part of no answer.
    """

    exchanges: int
    unanswered: int
    p50_us: int | None
    p99_us: int | None
    max_us: int | None
    late: int
    bins: tuple[tuple[int, int], ...]
    discards: dict[str, int]
    noise_bytes: int


def measure(
    link: Driver,
    count: int,
    *,
    answer_ms: int,
    wait_us: Callable[[int], None],
    on_progress: Callable[[int], None] = lambda _done: None,
    late_max: int | None = None,
) -> Figures:
    """Ask an identified pen by POLL, and return what the line made of it.

    Args:
        link: The identified pen.
        count: How often to ask, 1 or more.
        answer_ms: What counts as late.
        wait_us: Waits for so many microseconds.
        on_progress: Called after each answer with the number of questions asked so far.
        late_max: Of so many late answers and one more nothing follows that could change the verdict
            on a short look, so that it ends; None asks all questions.

    Raises:
        LinkLost: If the port goes away.
        ValueError: If the count is out of its range.
    """
    if not 1 <= count <= EXCHANGES_MAX:
        raise ValueError(f"count = {count!r}: must be from 1 to {EXCHANGES_MAX}")
    before = link.metrics()
    trips_us: list[int] = []
    asked = late = 0
    for number in range(count):
        wait_us(number * PAUSE_STEP_US % PAUSE_US)
        answer = link.exchange(Command.POLL, timeout_us=WAIT_US)
        trip_us = None
        if answer.status is not None and answer.received_us is not None:
            trip_us = answer.received_us - answer.sent_us
            trips_us.append(trip_us)
        asked = number + 1
        late += trip_us is None or trip_us > 1_000 * answer_ms
        on_progress(asked)
        if late_max is not None and late > late_max:
            break
    return _figures(sorted(trips_us), asked, 1_000 * answer_ms, before, link.metrics())


def late_allowed(exchanges: int) -> int:
    """Return how many of so many answers may be late or lost."""
    return max(1, exchanges // LATE_SHARE)


def faults_of(figures: Figures, profile: TimingProfile, lease_ms: int) -> tuple[str, ...]:
    """Return why a line cannot hold the lease of this pen; empty if it can.

    Args:
        figures: What was measured.
        profile: The times to be held.
        lease_ms: As the pen states it.

    Rule: SR-057.
    """
    return tuple(_faults(figures, profile, lease_ms))


def _faults(figures: Figures, profile: TimingProfile, lease_ms: int) -> list[str]:
    found = []
    if not (lease_ms >= profile.lease_ms_needed):
        needed = f"{profile.lease_ms_needed} ms"
        found.append(f"the pen's lease of {lease_ms} ms is shorter than the {needed} it must last")
    late_max = late_allowed(figures.exchanges)
    if not (figures.late <= late_max):
        found.append(
            f"{figures.late} of {figures.exchanges} answers took longer than "
            f"{profile.answer_ms} ms or never came, allowed are {late_max} ({_said(figures)})"
        )
    longest_us = figures.max_us or 0
    if not (longest_us <= 1_000 * profile.freshness_ms):
        limit = f"{profile.freshness_ms} ms, after which nothing may move"
        found.append(f"one answer took {longest_us / 1_000:.0f} ms, allowed are {limit}")
    return found


def _said(figures: Figures) -> str:
    p99 = "no answer" if figures.p99_us is None else f"{figures.p99_us / 1_000:.1f} ms"
    return f"99 of 100 within {p99}"


def _bins(trips_us: list[int]) -> tuple[tuple[int, int], ...]:
    """Count sorted round trips; one that is a little beyond the last bound belongs to the last."""
    ends = [bisect_right(trips_us, upper_us) for upper_us in BINS_US[:-1]]
    edges = pairwise((0, *ends, len(trips_us)))
    return tuple(zip(BINS_US, (end - begin for begin, end in edges), strict=True))


def _figures(
    trips_us: list[int], count: int, limit_us: int, before: LinkMetrics, after: LinkMetrics
) -> Figures:
    """Return the figures of sorted round trips; a question without an answer counts as longest."""
    rank = max(-(-count * 99 // 100) - 1, 0)
    causes = sorted(set(before.discards) | set(after.discards), key=lambda cause: cause.value)
    grown = {c.value: after.discards.get(c, 0) - before.discards.get(c, 0) for c in causes}
    return Figures(
        exchanges=count,
        unanswered=count - len(trips_us),
        p50_us=trips_us[(len(trips_us) - 1) // 2] if trips_us else None,
        p99_us=trips_us[rank] if rank < len(trips_us) else None,
        max_us=trips_us[-1] if trips_us else None,
        late=count - sum(trip <= limit_us for trip in trips_us),
        bins=_bins(trips_us),
        discards={cause: number for cause, number in grown.items() if number > 0},
        noise_bytes=after.noise_bytes - before.noise_bytes,
    )
