"""Needle protrusion over time as inline SVG, from plain numbers; it loads nothing, decides nothing.

Nothing is told by colour alone: the lines differ in their dashes and the page has a key for them.
Colours come from the style sheet of the page, for light and dark.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from controller.reports.wording import minutes

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 46, 58
"""Size and margins of the picture, in its own units."""

POINTS_MAX = 600
"""About how many points a line has at most. ASSUMED: finer ones cannot be told apart."""

SILENCE_MS = 2_000
"""A longer silence parts two stretches, and is drawn no longer than this. ASSUMED: samples come
about every 250 ms, and only while the needles move."""

DEPTH_STEP_UM = 250
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200)
LABELS_MAX = 8
"""Lines of the grid: a depth that divides a millimetre, times that people read easily."""


class Sample(NamedTuple):
    """What was set and measured at one moment.

    Args:
        t_ms: On any clock; it may start anew within a session that was resumed.
        area: Area that was treated.
        contact: Whether there was skin contact.
        limit: Limit of needle protrusion in this area, in um; None if not known.
        set: Needle protrusion that was set, in um; None if not known.
        measured: Greatest one measured since the sample before, in um; None if not known.
    """

    t_ms: int
    area: str
    contact: bool
    limit: int | None
    set: int | None
    measured: int | None


def depth_chart(samples: Sequence[Sample]) -> Markup:
    """Draw the limit, the set and the measured depth, with areas above and skin contact below.

    The time is that of moving needles: pauses are left out but for a gap.

    Args:
        samples: In the order in which they were taken. Of many, the deepest ones are drawn. None
            at all gives no picture.
    """
    if not samples:
        return Markup("")
    stretches = _stretches(samples)
    scale = _Scale([each for stretch in stretches for each in stretch])
    parts = [_grid(scale)]
    for stretch in stretches:
        thin = _thinned(stretch, -(-len(samples) // POINTS_MAX))
        parts += [_band(stretch, scale), _contact(thin, scale)]
        parts += [_line(thin, name, scale) for name in ("limit", "set", "measured")]
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="Needle protrusion over time:'
        ' limit, set and measured, by area">{}</svg>'
    ).format(WIDTH, HEIGHT, Markup("").join(parts))


class _Scale:
    """Where a moment and a depth lie in the picture."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        depths = [depth for each in samples for depth in each[3:] if depth is not None]
        self.depth_um_top = -(-max([1, *depths]) // DEPTH_STEP_UM) * DEPTH_STEP_UM
        self.end_ms = max(1_000, samples[-1].t_ms)

    def x(self, t_ms: int) -> float:
        """Return how far to the right."""
        share = t_ms / self.end_ms
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, depth_um: int) -> float:
        """Return how far down; a retracted needle, below 0, lies on the axis."""
        share = max(depth_um, 0) / self.depth_um_top
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def _stretches(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Part samples at each change of area and each silence, on one clock that starts at 0."""
    stretches: list[list[Sample]] = []
    last, now_ms = samples[0], 0
    for each in samples:
        passed_ms = each.t_ms - last.t_ms
        is_joined = each.area == last.area and 0 <= passed_ms <= SILENCE_MS
        if not is_joined or not stretches:
            stretches.append([])
        now_ms += passed_ms if 0 <= passed_ms <= SILENCE_MS else SILENCE_MS
        stretches[-1].append(each._replace(t_ms=now_ms))
        last = each
    return stretches


def _thinned(stretch: list[Sample], size: int) -> list[Sample]:
    """Return one sample of every `size`: the deepest, so that no excess can be thinned away."""

    def rank(each: Sample) -> tuple[bool, int]:
        return each.measured is not None, each.measured or 0

    return [max(stretch[at : at + size], key=rank) for at in range(0, len(stretch), size)]


def _line(stretch: list[Sample], name: str, scale: _Scale) -> Markup:
    """Draw one line, broken where its value is not known."""
    path, joined = "", False
    for each in stretch:
        depth_um: int | None = getattr(each, name)
        if depth_um is not None:
            path += f"{'L' if joined else 'M'}{scale.x(each.t_ms)} {scale.y(depth_um)}"
            path += "" if joined else "h0"  # a dot, should nothing follow
        joined = depth_um is not None
    return Markup('<path class="{}" d="{}"/>').format(name, path)


def _band(stretch: list[Sample], scale: _Scale) -> Markup:
    """Draw where an area was treated, with its name where there is room for it."""
    left, right = scale.x(stretch[0].t_ms), scale.x(stretch[-1].t_ms)
    area = stretch[0].area
    name = Markup("")
    if right - left > 9 * len(area):
        name = Markup('<text x="{}" y="{}">{}</text>').format(left + 2, TOP - 8, area)
    return Markup(
        '<rect class="band" x="{}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>{}'
    ).format(left, TOP, max(right - left, 1), HEIGHT - TOP - BOTTOM, area, name)


def _contact(stretch: list[Sample], scale: _Scale) -> Markup:
    """Draw where there was skin contact, as a bar under the axis."""
    path = "".join(
        f"M{scale.x(before.t_ms)} {HEIGHT - BOTTOM + 8}H{scale.x(after.t_ms)}"
        for before, after in pairwise(stretch)
        if before.contact
    )
    return Markup('<path class="contact" d="{}"/>').format(path)


def _grid(scale: _Scale) -> Markup:
    """Draw the axes: depth in fractions of a millimetre, time in minutes and seconds."""
    words = Markup('<text x="2" y="12">{}</text><text class="end" x="{}" y="{}">{}</text>').format(
        "needle protrusion in mm", WIDTH - RIGHT, HEIGHT - 8, "minutes:seconds of moving needles"
    )
    return words + _depth_axis(scale) + _time_axis(scale)


def _depth_axis(scale: _Scale) -> Markup:
    """Draw the lines of the grid, at most `LABELS_MAX` and one."""
    line = Markup(
        '<path class="grid" d="M{} {}H{}"/><text class="end" x="{}" y="{}">{}.{:02d}</text>'
    )
    step_um = DEPTH_STEP_UM * -(-scale.depth_um_top // (DEPTH_STEP_UM * LABELS_MAX))
    return Markup("").join(
        line.format(
            LEFT, scale.y(um), WIDTH - RIGHT, LEFT - 8, scale.y(um) + 4, um // 1000, um % 1000 // 10
        )
        for um in range(0, scale.depth_um_top + 1, step_um)
    )


def _time_axis(scale: _Scale) -> Markup:
    """Draw the ticks, at most `LABELS_MAX` and one."""
    tick = Markup(
        '<path class="grid" d="M{0} {1}v5"/><text class="middle" x="{0}" y="{2}">{3}</text>'
    )
    least_ms = -(-scale.end_ms // LABELS_MAX)
    step_ms = next((s * 1000 for s in TIME_STEPS_S if s * 1000 >= least_ms), least_ms)
    return Markup("").join(
        tick.format(scale.x(t_ms), HEIGHT - BOTTOM, HEIGHT - BOTTOM + 30, minutes(t_ms))
        for t_ms in range(0, scale.end_ms + 1, step_ms)
    )
