"""Treatment plans: what a practitioner asks for, read from TOML; it grants nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.errors import PlanError
from controller.tomlfile import read_toml, refuse_unknown, shorten
from safety.errors import QuantityError
from safety.units import checked

AREAS_MAX = 40
"""Most areas of one plan. ASSUMED: the default profile knows 15."""

NAME_LENGTH_MAX = 80
"""Longest name of a plan; it stands in one line of a report. ASSUMED."""

PATCH_MM2 = (50, 60_000)
"""Smallest and largest patch: a stamp beside the nose; an abdomen or a back. ASSUMED."""

RANGES = {"depth_um": (1, 2_500), "speed_dhz": (1, 1_500), "passes": (1, 10)}
"""What a number in a plan may be at all; limits come later and tighten. Source: safety.limits."""

_KEYS = frozenset({"format", "name", "area"})
_AREA_KEYS = frozenset({"area", "depth_um", "speed_dhz", "passes", "patch_mm2"})


@dataclass(frozen=True, slots=True)
class AreaRequest:
    """What is asked for one area.

    Args:
        area: Its name, as the profile knows it.
        depth_um: Needle protrusion in micrometres.
        speed_dhz: Strokes per second, in tenths.
        passes: How often the patch is gone over.
        patch_mm2: Skin to be treated, in square millimetres.
    """

    area: str
    depth_um: int
    speed_dhz: int
    passes: int
    patch_mm2: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan; its hash names its meaning, not its spelling.

    Args:
        name: For people.
        areas: In the order in which they are treated; each area once.
    """

    name: str
    areas: tuple[AreaRequest, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over what the plan means, as hexadecimal text."""
        parts = [self.name, *(repr(area) for area in self.areas)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_plan(path: Path, known_areas: frozenset[str]) -> Plan:
    """Return the plan of a file.

    Args:
        path: TOML as in ``examples/plans/face.toml``.
        known_areas: Names that the profile knows.

    Raises:
        PlanError: Naming field, value and rule. Rule: SR-017.
    """
    document = read_toml(path, PlanError)
    refuse_unknown(document, _KEYS, "", PlanError)
    if type(document.get("format")) is not int or document["format"] != 1:
        raise PlanError("format", shorten(document.get("format")), "must be 1")
    tables = document.get("area")
    if not isinstance(tables, list) or not (1 <= len(tables) <= AREAS_MAX):
        raise PlanError("area", shorten(tables), f"must be 1 to {AREAS_MAX} tables [[area]]")
    areas = tuple(_area(i, table, known_areas) for i, table in enumerate(tables, start=1))
    names = [area.area for area in areas]
    for i, name in enumerate(names, start=1):
        if name in names[: i - 1]:
            raise PlanError(f"area[{i}].area", name, "must stand in the plan only once")
    return Plan(_name(document.get("name")), areas)


def _name(value: object) -> str:
    """Return the plan's name: one printable line."""
    if not isinstance(value, str) or not (1 <= len(value) <= NAME_LENGTH_MAX):
        raise PlanError(
            "name", shorten(value), f"must be text of 1 to {NAME_LENGTH_MAX} characters"
        )
    if not value.isprintable():
        raise PlanError("name", shorten(value), "must be one line of printable characters")
    return value


def _area(number: int, table: Any, known_areas: frozenset[str]) -> AreaRequest:
    """Return one area of a plan."""
    where = f"area[{number}]."
    if not isinstance(table, dict):
        raise PlanError(where[:-1], shorten(table), "must be a table")
    refuse_unknown(table, _AREA_KEYS, where, PlanError)
    name = table.get("area")
    if not isinstance(name, str) or name not in known_areas:
        known = ", ".join(sorted(known_areas))
        raise PlanError(f"{where}area", shorten(name), f"must be one of: {known}")
    where = f"area[{number}] {name}."

    def number_of(key: str, low: int, high: int) -> int:
        try:
            return checked(key, table.get(key), low, high)
        except QuantityError as error:
            shown = "missing" if error.value is None else shorten(error.value)
            raise PlanError(where + key, shown, error.rule) from error

    return AreaRequest(
        area=name,
        depth_um=number_of("depth_um", *RANGES["depth_um"]),
        speed_dhz=number_of("speed_dhz", *RANGES["speed_dhz"]),
        passes=number_of("passes", *RANGES["passes"]),
        patch_mm2=number_of("patch_mm2", *PATCH_MM2),
    )
