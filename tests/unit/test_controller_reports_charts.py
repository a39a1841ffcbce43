"""Pictures of a report: what was measured is drawn, what is not known is not, nothing is hidden."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from controller.records.kinds import Outcome
from controller.records.sessions import Area, Pass
from controller.reports.charts import (
    HEIGHT,
    LEFT,
    POINTS_MAX,
    RIGHT,
    TOP,
    WIDTH,
    Sample,
    depth_chart,
)
from controller.reports.marks import pass_marks

STEP_MS = 250


def samples(*depths_um: int | None, area: str = "cheek", start_ms: int = 0) -> list[Sample]:
    """Return one sample every 250 ms, all in contact, 750 um set, 1,000 um allowed."""
    return [
        Sample(start_ms + n * STEP_MS, area, True, 1_000, 750, depth_um)
        for n, depth_um in enumerate(depths_um)
    ]


def paths(svg: str, name: str) -> list[list[list[tuple[float, float]]]]:
    """Return the lines of that name, each as its unbroken parts, each as its points."""
    found = re.findall(rf'<path class="{name}" d="([^"]*)"', svg)
    parts = [[part for part in d.split("M") if part] for d in found]
    return [[_points(part) for part in line] for line in parts]


def _points(part: str) -> list[tuple[float, float]]:
    pairs = [pair.split() for pair in part.replace("h0", "").split("L")]
    return [(float(x), float(y)) for x, y in pairs]


def test_no_samples_make_no_picture() -> None:
    """Where nothing was sampled nothing is drawn."""
    assert "" == depth_chart([])


def test_deeper_is_higher_and_later_is_further_right() -> None:
    """The measured line follows the samples, on the same scale as set and limit."""
    svg = depth_chart(samples(0, 250, 500, 1_000))
    ((measured,),) = paths(svg, "measured")
    ((limit,),) = paths(svg, "limit")

    ys = [y for _, y in measured]
    xs = [x for x, _ in measured]
    assert sorted(ys, reverse=True) == ys
    assert sorted(xs) == xs
    assert limit[-1] == measured[-1]
    assert pytest.approx(ys[0] - ys[1], abs=0.2) == ys[1] - ys[2]


@pytest.mark.parametrize(
    "depths_um", [(9_999_999, -9_999), (10**18, 0), (0, 0), (None, None), (1,)]
)
def test_every_point_lies_in_the_picture(depths_um: tuple[int | None, ...]) -> None:
    """However wild the values, nothing is drawn outside and the labels stay few."""
    svg = depth_chart(samples(*depths_um) + samples(10, area="chin", start_ms=10**15))
    points = [
        p for name in ("measured", "set", "limit") for x in paths(svg, name) for y in x for p in y
    ]

    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT for x, y in points)
    assert 25 > svg.count("<text")


@pytest.mark.req("SR-025")
def test_unknown_depth_breaks_the_line() -> None:
    """Where the depth was not known there is a gap, and no line from the value before."""
    ((first, second),) = paths(depth_chart(samples(500, 600, None, 700, 710)), "measured")

    assert (2, 2) == (len(first), len(second))


def test_line_is_broken_by_silence_and_by_a_clock_that_starts_anew() -> None:
    """A pause and a resumed session part the line, and take no more room than a short gap."""
    first, second, third = (samples(500, 600, start_ms=at) for at in (10_000, 3_600_000, 0))
    lines = paths(depth_chart(first + second + third), "measured")
    gaps = [after[0][0][0] - before[0][-1][0] for before, after in pairwise(lines)]

    assert [1, 1, 1] == [len(line) for line in lines]
    assert pytest.approx(gaps[0], abs=0.2) == gaps[1]
    assert 0 < gaps[0] < (WIDTH - LEFT - RIGHT) / 2


def test_thinning_keeps_the_deepest_sample() -> None:
    """Of a long session few points are drawn; a single excess among thousands is one of them."""
    depths: list[int | None] = [750] * 20_000
    depths[12_345] = 1_777
    svg = depth_chart(samples(*depths))
    ((line,),) = paths(svg, "measured")
    ((alone,),) = paths(depth_chart(samples(1_777, 0)), "measured")

    assert len(line) <= POINTS_MAX
    assert alone[0][1] == min(y for _, y in line)
    assert len(svg) < 100_000


def test_areas_are_named_and_escaped() -> None:
    """Each stretch has its area, and a hostile name stays a name."""
    svg = depth_chart(samples(*[500] * 40) + samples(*[500] * 40, area="<b>", start_ms=20_000))

    assert 1 == svg.count(">cheek</text>")
    assert "<title>cheek</title>" in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_contact_is_drawn_where_it_was() -> None:
    """The bar below the axis covers the samples with skin contact and no others."""
    touching = [each._replace(contact=n in (1, 2)) for n, each in enumerate(samples(*[500] * 5))]
    (bar,) = re.findall(r'<path class="contact" d="([^"]*)"', depth_chart(touching))

    assert 2 == bar.count("M")


def test_passes_have_marks_and_words() -> None:
    """Every outcome has a mark of its own, what is still due an empty box; words say the same."""
    passes = tuple(Pass("cheek", n, outcome) for n, outcome in enumerate(Outcome, 1))
    svg = pass_marks(Area("cheek", {"passes": 5}, passes))
    marks = dict(re.findall(r'<g class="(\w+)"[^>]*>(.*?)</g>', svg))

    assert {*Outcome, "due"} == set(marks)
    assert 5 == len(set(marks.values()))
    assert 'aria-label="1 delivered, 1 partial, 1 uncertain, 1 not delivered, 2 due"' in svg
    assert 'aria-label="no pass"' in pass_marks(Area("cheek", {}, ()))
