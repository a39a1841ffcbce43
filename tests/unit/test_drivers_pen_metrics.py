"""What a link counts and measures: exchanges, round trips, damage."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from drivers.exchange import ROUND_TRIP_EDGES_US
from drivers.registers import Command
from tests.unit.pen_bench import Bench


@pytest.fixture
def bench() -> Bench:
    """Return a bench whose pen has been identified."""
    bench = Bench()
    bench.link.identify()
    return bench


def test_metrics_count_what_happened(bench: Bench) -> None:
    """Exchanges, repeats, losses and round trips, from the first POLL of the identification on."""
    bench.link.exchange(Command.POLL)
    bench.pen.is_mute = True
    bench.link.exchange(Command.POLL, attempts=2)
    bench.pen.is_mute = False
    bench.port.delay_us = 900
    bench.link.exchange(Command.POLL)
    metrics = bench.link.metrics()

    assert (4, 1, 0, 5) == (
        metrics.exchanges,
        metrics.unanswered,
        metrics.preempted,
        metrics.requests,
    )
    assert (200, 900, 900) == (
        metrics.round_trip_us_p50,
        metrics.round_trip_us_p99,
        metrics.round_trip_us_max,
    )


def test_round_trips_are_counted_by_bucket(bench: Bench) -> None:
    """Each falls under the first edge that it does not exceed, those beyond the last too."""
    edges_us = ROUND_TRIP_EDGES_US
    for delay_us in (1_000, 1_001, 12_500, 200_000, 200_001):
        bench.port.delay_us = delay_us
        bench.link.exchange(Command.POLL, timeout_us=300_000)
    counts = bench.link.metrics().round_trip_counts

    expected = {1_000: 2, 2_000: 1, 12_500: 1, 200_000: 1}
    assert (*(expected.get(edge_us, 0) for edge_us in edges_us), 1) == counts
    assert sorted(set(edges_us)) == list(edges_us)


def test_burst_of_stops_is_in_no_bucket(bench: Bench) -> None:
    """Its answer may belong to any of them, so that there is no round trip to count."""
    before = sum(bench.link.metrics().round_trip_counts)
    bench.port.delay_us = 40_000
    bench.link.stop()

    assert before == sum(bench.link.metrics().round_trip_counts)


def ended(ending: bytes | None, _: bytes, reply: bytes) -> bytes:
    """Return an answer that ends otherwise, or none."""
    return b"" if ending is None else reply[: len(reply) - len(ending)] + ending


def test_discarded_goes_up_with_every_answer_that_is_damaged(bench: Bench) -> None:
    """A damaged answer raises it by one; a good, a late and a missing one leave it."""
    seen = [0]
    for delay_us, ending in ((200, b""), (30_000, b""), (200, b""), (200, b"!"), (200, None)):
        bench.port.delay_us = delay_us
        bench.rewrite = partial(ended, ending)
        bench.link.exchange(Command.POLL)
        bench.clock.now_us += 10_000
        seen.append(bench.link.discarded)

    steps = [after - before for before, after in itertools.pairwise(seen)]
    assert [0, 0, 0, 1, 0] == steps


def test_metrics_without_a_round_trip_are_unknown() -> None:
    """Nothing measured is not zero."""
    metrics = Bench().link.metrics()

    assert (None, None, None) == (
        metrics.round_trip_us_p50,
        metrics.round_trip_us_p99,
        metrics.round_trip_us_max,
    )
