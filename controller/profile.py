"""The clinical profile: caps per area and indication; it reads no file and grants nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safety.limits import Layer, Limit, Quantity
from safety.modifiers import Modifier

GRADES = ("A", "B", "C", "P")
"""A regulator or label, B peer reviewed, C makers and clinics, P our own judgement."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How deep one area, or one indication, may go; needle protrusion in micrometres.

    Args:
        name: Its name in plans.
        label: Its name for people.
        depth_um_start: To begin with.
        depth_um_confirm_above: Top of the recommended range; beyond it a reason must be named.
        depth_um_max: Hard cap; nothing leads beyond it.
        grade: How good the evidence is, one of `GRADES`.
        source: Where the figures come from.
    """

    name: str
    label: str
    depth_um_start: int
    depth_um_confirm_above: int
    depth_um_max: int
    grade: str
    source: str

    def depth_limit(self, layer: Layer, what: str) -> Limit:
        """Return the cap for the algebra of `safety.limits`, in the given layer."""
        return Limit(
            layer, Quantity.DEPTH_UM, 0, self.depth_um_max, what, self.depth_um_confirm_above
        )


@dataclass(frozen=True, slots=True)
class AreaProfile:
    """One area of the body: its caps, and the most passes in one session."""

    caps: Caps
    passes_max: int

    def limits(self) -> tuple[Limit, ...]:
        """Return this area's limits on depth and passes."""
        why = f"{self.caps.name} limit"
        passes = Limit(Layer.AREA, Quantity.PASSES, 1, self.passes_max, why)
        return self.caps.depth_limit(Layer.AREA, why), passes


@dataclass(frozen=True, slots=True)
class IndicationProfile:
    """What is treated: its caps, where it applies, and the usual course.

    Args:
        caps: Depth, whatever the area.
        areas: Names of the areas where this indication may be treated.
        sessions: Usual number of sessions.
        interval_days: Days between two of them.
    """

    caps: Caps
    areas: tuple[str, ...]
    sessions: int
    interval_days: int

    def limit(self) -> Limit:
        """Return this indication's limit on depth."""
        return self.caps.depth_limit(Layer.INDICATION, f"{self.caps.name} indication")


@dataclass(frozen=True, slots=True)
class Profile:
    """All that one jurisdiction allows.

    Args:
        name: For people.
        jurisdiction: Where it applies, such as ``us``; also the name of its file.
        version: Never goes down on one machine.
        areas: By name.
        indications: By name.
        modifiers: What of a patient tightens limits, by name.
    """

    name: str
    jurisdiction: str
    version: int
    areas: Mapping[str, AreaProfile]
    indications: Mapping[str, IndicationProfile]
    modifiers: Mapping[str, Modifier]

    def indications_of(self, area: str) -> tuple[str, ...]:
        """Return the names of the indications that may be treated in an area, sorted."""
        return tuple(sorted(n for n, one in self.indications.items() if area in one.areas))

    def indication_limits(self, area: str, indication: str) -> tuple[Limit, ...]:
        """Return the limits of the indication in this area.

        Without an indication (an empty text) all that may be treated there speak, and the tightest
        binds. One that does not apply to the area says nothing: the layer is then unknown.
        """
        names = self.indications_of(area)
        return tuple(self.indications[n].limit() for n in names if indication in ("", n))
