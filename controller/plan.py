"""Treatment plans: what a practitioner asks for, read from TOML; it grants nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.errors import PlanError
from controller.profile import Profile
from controller.tomlfile import read_toml, refuse_unknown, shorten
from controller.words import NAME_LENGTH_MAX, words_of
from safety.errors import QuantityError
from safety.units import checked

AREAS_MAX = 40
"""Most areas of one plan. ASSUMED: the longest profile knows 17."""

REASON_LENGTH_MAX = 120
"""Longest reason for leaving the recommended range; it stands in the record. ASSUMED."""

PATCH_MM2 = (50, 60_000)
"""Smallest and largest patch: a stamp beside the nose; an abdomen or a back. ASSUMED."""

RANGES = {"depth_um": (1, 2_500), "speed_dhz": (1, 1_500), "passes": (1, 10)}
"""What a number in a plan may be at all; limits come later and tighten. Source: safety.limits."""

_KEYS = frozenset({"format", "name", "indication", "patient", "area"})
_AREA_KEYS = frozenset({"area", "indication", "reason", "patch_mm2", *RANGES})


@dataclass(frozen=True, slots=True)
class AreaRequest:
    """What is asked for one area.

    Args:
        area: Its name, as the profile knows it.
        depth_um: Needle protrusion in micrometres.
        speed_dhz: Strokes per second, in tenths.
        passes: How often the patch is gone over.
        patch_mm2: Skin to be treated, in square millimetres.
        indication: What is treated, as the profile knows it; empty when the plan does not say, and
            then the tightest of all that may be treated there binds.
        reason: Why the recommended range may be left, or an empty text.
    """

    area: str
    depth_um: int
    speed_dhz: int
    passes: int
    patch_mm2: int
    indication: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of the patient; no name and no number.

    Args:
        modifiers: Names of all that apply, as the profile knows them, sorted.
    """

    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan; its hash names its meaning, not its spelling.

    Args:
        name: For people.
        areas: In the order in which they are treated; each area once.
        patient: None when the plan says nothing of the patient: nothing is then granted.
    """

    name: str
    areas: tuple[AreaRequest, ...]
    patient: Patient | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over what the plan means, as hexadecimal text."""
        parts = [self.name, *(repr(area) for area in self.areas), repr(self.patient)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_plan(path: Path, profile: Profile) -> Plan:
    """Return the plan of a file.

    Args:
        path: TOML as in ``examples/plans/face.toml``.
        profile: Whose areas, indications and modifiers may be named.

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
    usual = document.get("indication", "")
    areas = tuple(_area(i, table, usual, profile) for i, table in enumerate(tables, start=1))
    names = [area.area for area in areas]
    for i, name in enumerate(names, start=1):
        if name in names[: i - 1]:
            raise PlanError(f"area[{i}].area", name, "must stand in the plan only once")
    name = words_of("name", document.get("name"), NAME_LENGTH_MAX, PlanError)
    return Plan(name, areas, _patient(document, profile))


def one_of(names: Iterable[str], profile: Profile) -> str:
    """Return the rule that a name must be one of these, which the profile in force knows."""
    return f"must be one of: {', '.join(sorted(names))} ({in_force(profile)})"


def in_force(profile: Profile) -> str:
    """Return which profile decides what may be named."""
    return f"profile in force: {profile.jurisdiction}"


def _patient(document: Mapping[str, Any], profile: Profile) -> Patient | None:
    """Return what the plan says of the patient; ``modifiers = []`` must be said, not left out."""
    if "patient" not in document:
        return None
    table, known = document["patient"], sorted(profile.modifiers)
    if not isinstance(table, dict):
        raise PlanError("patient", shorten(table), "must be a table")
    refuse_unknown(table, frozenset({"modifiers"}), "patient.", PlanError)
    named = table.get("modifiers")
    if isinstance(named, list) and all(one in known and named.count(one) == 1 for one in named):
        return Patient(tuple(sorted(named)))
    rule = f"must be a list, each once, of: {', '.join(known)}; [] for none ({in_force(profile)})"
    raise PlanError("patient.modifiers", shorten(named), rule)


def _area(number: int, table: Any, usual: object, profile: Profile) -> AreaRequest:
    """Return one area of a plan, whose usual indication holds unless the area names its own."""
    where = f"area[{number}]."
    if not isinstance(table, dict):
        raise PlanError(where[:-1], shorten(table), "must be a table")
    refuse_unknown(table, _AREA_KEYS, where, PlanError)
    name = table.get("area")
    if not isinstance(name, str) or name not in profile.areas:
        raise PlanError(f"{where}area", shorten(name), one_of(profile.areas, profile))
    where = f"area[{number}] {name}."

    def number_of(key: str, low: int, high: int) -> int:
        try:
            return checked(key, table.get(key), low, high)
        except QuantityError as error:
            raise PlanError(where + key, shorten(error.value), error.rule) from error

    indication, allowed = table.get("indication", usual), profile.indications_of(name)
    is_said = "indication" in table or usual != ""
    if is_said and (not isinstance(indication, str) or indication not in allowed):
        raise PlanError(f"{where}indication", shorten(indication), one_of(allowed, profile))
    has_reason = "reason" in table
    field = f"{where}reason"
    reason = words_of(field, table["reason"], REASON_LENGTH_MAX, PlanError) if has_reason else ""
    return AreaRequest(
        area=name,
        depth_um=number_of("depth_um", *RANGES["depth_um"]),
        speed_dhz=number_of("speed_dhz", *RANGES["speed_dhz"]),
        passes=number_of("passes", *RANGES["passes"]),
        patch_mm2=number_of("patch_mm2", *PATCH_MM2),
        indication=indication,
        reason=reason,
    )
