"""The passes of an area as a row of boxes, inline SVG; it counts nothing itself.

Each outcome has a mark of its own, drawn as a path so that no font can be missing, and the row has
its words for those who cannot see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from controller.records.kinds import Outcome

if TYPE_CHECKING:
    from controller.records.sessions import Area

BOX = 26
"""Side of a mark with its gap, in CSS pixels."""

DUE = "due"
"""A pass that was granted and has not been planned yet."""

_FRAME = Markup('<rect width="22" height="22" rx="4"/>')
_MARKS = {
    Outcome.DELIVERED.value: _FRAME + Markup('<path d="M5 11.5l4.5 4.5 8-10"/>'),
    Outcome.PARTIAL.value: _FRAME + Markup('<path class="half" d="M4 18L18 4V18z"/>'),
    Outcome.UNCERTAIN.value: _FRAME
    + Markup('<path d="M7.5 8.5a3.5 3.5 0 1 1 5 3.2q-1.5.8-1.5 2.6M11 17.2v.3"/>'),
    Outcome.NOT_DELIVERED.value: _FRAME + Markup('<path d="M6 6l10 10M16 6l-10 10"/>'),
    DUE: _FRAME,
}


def pass_marks(area: Area) -> Markup:
    """Draw one box for each pass of an area, and an empty one for each that is still due."""
    kinds = [each.outcome.value for each in area.passes]
    kinds += [DUE] * max(0, area.planned - area.counted)
    boxes = Markup("").join(
        Markup('<g class="{}" transform="translate({} 0)">{}</g>').format(
            kind, place * BOX, _MARKS[kind]
        )
        for place, kind in enumerate(kinds)
    )
    width = max(1, len(kinds)) * BOX
    return Markup(
        '<svg class="marks" viewBox="-1 -1 {0} 24" width="{0}" height="24" role="img"'
        ' aria-label="{1}">{2}</svg>'
    ).format(width, in_words(kinds), boxes)


def in_words(kinds: list[str]) -> str:
    """Return what a row of marks says, such as ``2 delivered, 1 due``."""
    counts = {kind: kinds.count(kind) for kind in _MARKS if kind in kinds}
    return ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in counts.items()) or "no pass"
