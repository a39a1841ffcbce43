"""The clinical profile: limits per area of the body, read from a data file; it grants nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from controller.errors import ConfigError
from controller.tomlfile import read_toml, refuse_unknown, shorten
from safety.errors import QuantityError
from safety.limits import DEPTH_UM_ABSOLUTE, PASSES_ABSOLUTE, Layer, Limit, Quantity
from safety.units import checked

_AREA_KEYS = frozenset({"label", "depth_um_start", "depth_um_max", "passes_max", "grade"})
_KEYS = frozenset({"format", "name", "version", "area"})


@dataclass(frozen=True, slots=True)
class AreaProfile:
    """What a profile says about one area.

    Args:
        area: Its name in plans.
        label: Its name for people.
        depth_um_start: Needle protrusion to begin with.
        depth_um_max: Deepest needle protrusion.
        passes_max: Most passes in one session.
        grade: How good the evidence is: A, B, C or P.
    """

    area: str
    label: str
    depth_um_start: int
    depth_um_max: int
    passes_max: int
    grade: str

    def limits(self) -> tuple[Limit, ...]:
        """Return this area's limits for the algebra of `safety.limits`."""
        why = f"{self.area} limit"
        return (
            Limit(Layer.AREA, Quantity.DEPTH_UM, 0, self.depth_um_max, why),
            Limit(Layer.AREA, Quantity.PASSES, 1, self.passes_max, why),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """All areas of one profile, by name."""

    name: str
    version: int
    areas: dict[str, AreaProfile]


def load_default() -> Profile:
    """Return the profile that comes with penpilot.

    Raises:
        ConfigError: If the installed file was damaged.
    """
    with as_file(files("controller.profiles") / "default.toml") as path:
        return load(path)


def load(path: Path) -> Profile:
    """Return the profile of a file.

    Raises:
        ConfigError: Naming field, value and rule.
    """
    document = read_toml(path, ConfigError)
    refuse_unknown(document, _KEYS, "", ConfigError)
    if type(document.get("format")) is not int or document["format"] != 1:
        raise ConfigError("format", shorten(document.get("format")), "must be 1")
    tables = document.get("area")
    if not isinstance(tables, dict) or not tables:
        raise ConfigError("area", shorten(tables), "must be at least one table [area.NAME]")
    try:
        areas = {name: _area(name, table) for name, table in tables.items()}
        version = checked("version", document.get("version"), 1, 1_000_000)
    except QuantityError as error:
        raise ConfigError(error.quantity, shorten(error.value), error.rule) from error
    return Profile(str(document.get("name")), version, areas)


def _area(name: str, table: Any) -> AreaProfile:
    """Return one area's profile."""
    if not isinstance(table, dict):
        raise ConfigError(f"area.{name}", shorten(table), "must be a table")
    where = f"area.{name}."
    refuse_unknown(table, _AREA_KEYS, where, ConfigError)
    deepest = checked(f"{where}depth_um_max", table.get("depth_um_max"), 1, DEPTH_UM_ABSOLUTE)
    return AreaProfile(
        area=name,
        label=str(table.get("label", name)),
        depth_um_start=checked(f"{where}depth_um_start", table.get("depth_um_start"), 1, deepest),
        depth_um_max=deepest,
        passes_max=checked(f"{where}passes_max", table.get("passes_max"), 1, PASSES_ABSOLUTE),
        grade=str(table.get("grade", "")),
    )
