"""One area as a report shows it: what was asked for, granted, set and done; it renders nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.records.bodies import text, whole
from controller.records.kinds import Outcome
from controller.reports import wording
from controller.reports.marks import pass_marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup

    from controller.records.sessions import Area
    from controller.reports.charts import Sample


class AreaView(NamedTuple):
    """What the page shows of an area, as texts, counts and one picture."""

    name: str
    marks: Markup
    asked: str
    granted: str
    binding: str
    set: str
    measured_max: str
    speed: str
    planned: int
    counted: int
    delivered: int
    partial: int
    uncertain: int
    strokes: str
    strokes_in_contact: str


def area_view(area: Area, samples: Iterable[Sample]) -> AreaView:
    """Return what there is to show of an area.

    Args:
        area: With its plan and its passes.
        samples: Of the whole session; they know the depth of a pass whose end is not on record.
    """
    measured = [each.depth_um_measured_max for each in area.passes]
    measured += [each.measured for each in samples if each.area == area.name]
    deepest = max((depth for depth in measured if depth is not None), default=None)
    limit = whole(area.plan, "depth_um_limit")
    binding = text(area.plan, "binding", wording.NOT_KNOWN)
    return AreaView(
        name=area.name,
        marks=pass_marks(area),
        asked=wording.mm_set(whole(area.plan, "depth_um_asked")),
        granted=wording.mm_set(whole(area.plan, "depth_um")),
        binding=binding if limit is None else f"{binding}: {wording.mm_set(limit)}",
        set=_each([wording.mm_set(each.depth_um) for each in area.passes]),
        measured_max=wording.mm_measured(deepest),
        speed=_each([wording.strokes_per_s(each.speed_dhz) for each in area.passes]),
        planned=area.planned,
        counted=area.counted,
        delivered=area.with_outcome(Outcome.DELIVERED),
        partial=area.with_outcome(Outcome.PARTIAL),
        uncertain=area.with_outcome(Outcome.UNCERTAIN),
        strokes=_sum([each.strokes_total for each in area.passes]),
        strokes_in_contact=_sum([each.strokes_in_contact for each in area.passes]),
    )


def limit_um(area: Area) -> int | None:
    """Return the limit of an area's needle protrusion; if none is on record, what was granted."""
    limit = whole(area.plan, "depth_um_limit")
    return whole(area.plan, "depth_um") if limit is None else limit


def _each(values: list[str]) -> str:
    """Return the different values in their order."""
    return ", ".join(dict.fromkeys(values)) or "none"


def _sum(values: list[int | None]) -> str:
    """Return a sum that does not hide what is missing from it."""
    known = [value for value in values if value is not None]
    least = "at least " if len(known) < len(values) else ""
    return wording.NOT_KNOWN if values and not known else f"{least}{wording.number(sum(known))}"
