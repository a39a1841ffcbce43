"""A line is measured by POLL alone, out of step with it, and judged by what the lease needs."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from controller.commands import commission as command
from drivers import commissioning
from drivers.commissioning import BINS_US, EXCHANGES_MAX, PAUSE_US, Figures, faults_of, measure
from drivers.exchange import Exchange
from drivers.framing import Discard
from drivers.registers import Command
from drivers.timing import PROFILE_A

MS = 1_000


class Line:
    """A link whose answers take as long as the test says; None: no answer.

    Args:
        trips_us: Round trip of each question.
    """

    def __init__(self, trips_us: list[int | None]) -> None:
        self._trips_us = iter(trips_us)
        self.asked: list[Command] = []
        self.pauses_us: list[int] = []
        self.discards = {Discard.LATE: 3}
        self.noise_bytes = 7

    def exchange(self, asked: Command, **options: Any) -> Exchange:
        """Answer one question."""
        self.asked.append(asked)
        assert options == {"timeout_us": commissioning.WAIT_US}
        trip_us = next(self._trips_us)
        status: Any = None if trip_us is None else object()
        self.discards[Discard.CRC16] = self.discards.get(Discard.CRC16, 0) + (trip_us is None)
        self.noise_bytes += trip_us is None
        return Exchange(asked, 1, 1, status, None, 100, trip_us and 100 + trip_us, 1, False, False)

    def metrics(self) -> Any:
        """Return what was counted, as a link that has been used before."""
        return SimpleNamespace(discards=dict(self.discards), noise_bytes=self.noise_bytes)


def figures(trips_us: list[int | None]) -> Figures:
    """Measure a line with these round trips."""
    line: Any = Line(trips_us)
    return measure(line, len(trips_us), answer_ms=25, wait_us=line.pauses_us.append)


def test_line_is_asked_by_poll_after_pauses_that_are_spread_evenly() -> None:
    """Nothing but POLL goes out, and any 16 pauses in a row fill every quarter of 16 ms."""
    line: Any = Line([MS] * 200)
    done: list[int] = []
    measure(line, 200, answer_ms=25, wait_us=line.pauses_us.append, on_progress=done.append)
    quarters = [pause_us * 4 // PAUSE_US for pause_us in line.pauses_us]

    assert {Command.POLL} == set(line.asked)
    assert list(range(1, 201)) == done
    assert all({0, 1, 2, 3} == set(quarters[i : i + 16]) for i in range(len(quarters) - 16))


def test_figures_are_those_of_the_round_trips() -> None:
    """Median, p99 and the longest are nearest ranks; bins hold every answer, once."""
    trips: list[int | None] = [*range(1, 100), None]
    found = figures([None if trip is None else trip * MS for trip in trips])

    assert (100, 1, 75) == (found.exchanges, found.unanswered, found.late)
    assert (50 * MS, 99 * MS, 99 * MS) == (found.p50_us, found.p99_us, found.max_us)
    assert [1, 1, 3, 5, 2, 3, 5, 5, 25, 49, 0] == [count for _, count in found.bins]
    assert BINS_US == tuple(bound for bound, _ in found.bins)
    assert {Discard.CRC16.value: 1} == found.discards
    assert 1 == found.noise_bytes


def test_question_without_an_answer_counts_as_the_longest() -> None:
    """Two lost in a hundred leave no 99th percentile, and none at all leaves no figure."""
    assert figures([MS] * 98 + [None, None]).p99_us is None
    assert (None, None, None) == (
        figures([None]).p50_us,
        figures([None]).p99_us,
        figures([None]).max_us,
    )


def test_answer_beyond_the_last_bound_is_in_the_last_bin() -> None:
    """A wait may be over a little late; nothing that was measured is left out."""
    assert (BINS_US[-1], 1) == figures([BINS_US[-1] + 1]).bins[-1]


@pytest.mark.parametrize(
    ("trips", "lease_ms", "said"),
    [
        ([25 * MS] * 1_000, 200, []),
        ([MS] * 990 + [25 * MS + 1] * 10, 200, []),
        ([MS] * 989 + [25 * MS + 1] * 11, 200, ["11 of 1000 answers took longer than 25 ms"]),
        ([MS] * 989 + [None] * 11, 200, ["11 of 1000 answers took longer than 25 ms"]),
        ([MS] * 49 + [26 * MS], 200, []),
        ([MS] * 48 + [26 * MS] * 2, 200, ["2 of 50 answers took longer than 25 ms"]),
        ([MS] * 999 + [150 * MS], 200, []),
        ([MS] * 999 + [150 * MS + 1], 200, ["one answer took 150 ms"]),
        ([MS] * 100, 180, []),
        ([MS] * 100, 179, ["the pen's lease of 179 ms is shorter than the 180 ms"]),
        ([31 * MS] * 50, 100, ["the pen's lease", "50 of 50 answers"]),
    ],
)
@pytest.mark.req("SR-057")
def test_line_is_judged_at_the_very_bounds(
    trips: list[int | None], lease_ms: int, said: list[str]
) -> None:
    """One answer in a hundred may be late, none later than what may still permit anything."""
    found = faults_of(figures(trips), PROFILE_A, lease_ms)

    assert len(said) == len(found)
    for begin, fault in zip(said, found, strict=True):
        assert fault.startswith(begin)


@pytest.mark.parametrize("count", [0, -1, EXCHANGES_MAX + 1])
def test_count_out_of_its_range_is_refused_before_anything_is_asked(count: int) -> None:
    """A run has at least one question and an end."""
    line: Any = Line([])
    with pytest.raises(ValueError, match="count = "):
        measure(line, count, answer_ms=25, wait_us=lambda _: None)

    assert [] == line.asked


def test_command_has_the_bounds_of_the_measurement() -> None:
    """What `--help` says is what is done, though it does not load the measurement."""
    assert commissioning.EXCHANGES_MAX == command.EXCHANGES_MAX
    exchanges = next(p for p in command.commission.params if p.name == "exchanges")

    assert commissioning.EXCHANGES == exchanges.default


def test_figures_survive_json() -> None:
    """What is kept is what was measured."""
    found = figures([MS, None])

    again = json.loads(json.dumps(asdict(found)))
    assert found == replace(found, **{**again, "bins": tuple(tuple(b) for b in again["bins"])})


@pytest.mark.req("SR-057")
@pytest.mark.parametrize("slow", [None, 26 * MS], ids=["lost", "late"])
def test_short_look_ends_once_its_verdict_is_certain(slow: int | None) -> None:
    """50 lost answers would hold up a session by 10 s, three times; two say as much."""
    line: Any = Line([MS, slow, MS, slow, slow])
    found = measure(line, 5, answer_ms=25, wait_us=line.pauses_us.append, late_max=1)

    assert (4, 2) == (found.exchanges, found.late)
    assert 4 == len(line.asked)
    assert "2 of 4 answers took longer" in faults_of(found, PROFILE_A, 200)[0]
