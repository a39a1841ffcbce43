"""Reads a profile from the bytes of its file; it verifies no signature and grants nothing.

The bytes come here after their signature was checked (`controller.profile_force`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from controller.errors import ConfigError
from controller.profile import GRADES, AreaProfile, Caps, IndicationProfile, Profile
from controller.tomlfile import refuse_unknown, shorten
from safety.errors import QuantityError
from safety.limits import DEPTH_UM_ABSOLUTE, PASSES_ABSOLUTE
from safety.modifiers import Modifier
from safety.units import checked

FORMAT = 2
"""Version of the shape of the file; version 1 knew areas only. Source: docs/profiles.md."""

VERSION_MAX = 1_000_000
"""Highest version of a profile. ASSUMED: one a day for 2,700 years."""

TEXT_MAX = 200
"""Longest label or source; it stands in one line of a message. ASSUMED."""

SESSIONS_MAX, INTERVAL_DAYS_MAX = 12, 366
"""Longest course. Source: [DOM] 3.3 c, 1 to 12 sessions; ASSUMED: a pause of at most a year."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS = frozenset({"format", "name", "jurisdiction", "version", "area", "indication", "modifier"})
_DEPTHS = ("depth_um_start", "depth_um_confirm_above", "depth_um_max")
_SPOKEN = frozenset({"label", "grade", "source"})
_AREA_KEYS = _SPOKEN | {*_DEPTHS, "passes_max"}
_INDICATION_KEYS = _SPOKEN | {*_DEPTHS, "areas", "sessions", "interval_days"}
_MODIFIER_KEYS = frozenset({"label", "source", "depth_um_less"})


def parse(data: bytes) -> Profile:
    """Return the profile that these bytes hold.

    Args:
        data: TOML as in ``controller/profiles/us.toml``.

    Raises:
        ConfigError: Naming field, value and rule. Rule: SR-017.
    """
    document = _document(data)
    refuse_unknown(document, _KEYS, "", ConfigError)
    if type(document.get("format")) is not int or document["format"] != FORMAT:
        raise ConfigError("format", shorten(document.get("format")), f"must be {FORMAT}")
    try:
        areas = {name: _area(*one) for name, one in _tables(document, "area", _AREA_KEYS)}
        indications = {
            name: _indication(*one, frozenset(areas))
            for name, one in _tables(document, "indication", _INDICATION_KEYS)
        }
        profile = Profile(
            name=_text("name", document.get("name")),
            jurisdiction=_name("jurisdiction", document.get("jurisdiction")),
            version=checked("version", document.get("version"), 1, VERSION_MAX),
            areas=areas,
            indications=indications,
            modifiers={
                n: _modifier(*one) for n, one in _tables(document, "modifier", _MODIFIER_KEYS)
            },
        )
    except QuantityError as error:
        raise ConfigError(error.quantity, shorten(error.value), error.rule) from error
    for name in areas:
        if not profile.indications_of(name):
            raise ConfigError(f"area.{name}", name, "must stand in the areas of an indication")
    return profile


def _document(data: bytes) -> dict[str, Any]:
    """Return the tables of a TOML text."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError("profile", f"byte {error.start}", "must be UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError("profile", shorten(str(error)), "must be TOML") from error


def _tables(
    document: Mapping[str, Any], kind: str, keys: frozenset[str]
) -> list[tuple[str, tuple[str, str, Mapping[str, Any]]]]:
    """Return name, and (name, where, table), of every table of a kind; at least one."""
    tables = document.get(kind)
    if not isinstance(tables, dict) or not tables:
        raise ConfigError(kind, shorten(tables), f"must be at least one table [{kind}.NAME]")
    found: list[tuple[str, tuple[str, str, Mapping[str, Any]]]] = []
    for name, table in tables.items():
        _name(kind, name)
        where = f"{kind}.{name}."
        if not isinstance(table, dict):
            raise ConfigError(where[:-1], shorten(table), "must be a table")
        refuse_unknown(table, keys, where, ConfigError)
        found.append((name, (name, where, table)))
    return found


def _caps(name: str, where: str, table: Mapping[str, Any]) -> Caps:
    """Return the three depths, in rising order, and what is said of them."""
    low, depths = 1, {}
    for key in _DEPTHS:
        low = depths[key] = checked(f"{where}{key}", table.get(key), low, DEPTH_UM_ABSOLUTE)
    grade = table.get("grade")
    if grade not in GRADES:
        raise ConfigError(f"{where}grade", shorten(grade), f"must be one of: {', '.join(GRADES)}")
    label, source = (_text(f"{where}{key}", table.get(key)) for key in ("label", "source"))
    return Caps(name, label, **depths, grade=grade, source=source)


def _area(name: str, where: str, table: Mapping[str, Any]) -> AreaProfile:
    passes = checked(f"{where}passes_max", table.get("passes_max"), 1, PASSES_ABSOLUTE)
    return AreaProfile(_caps(name, where, table), passes)


def _indication(
    name: str, where: str, table: Mapping[str, Any], known: frozenset[str]
) -> IndicationProfile:
    areas = table.get("areas")
    is_list = isinstance(areas, list) and all(isinstance(area, str) for area in areas)
    if not is_list or not areas or len(set(areas)) < len(areas) or not set(areas) <= known:
        rule = f"must be a list, each once, of: {', '.join(sorted(known))}"
        raise ConfigError(f"{where}areas", shorten(areas), rule)
    return IndicationProfile(
        caps=_caps(name, where, table),
        areas=tuple(areas),
        sessions=checked(f"{where}sessions", table.get("sessions"), 1, SESSIONS_MAX),
        interval_days=checked(
            f"{where}interval_days", table.get("interval_days"), 1, INTERVAL_DAYS_MAX
        ),
    )


def _modifier(name: str, where: str, table: Mapping[str, Any]) -> Modifier:
    del name  # its label tells people which one it is
    less = checked(f"{where}depth_um_less", table.get("depth_um_less"), 1, DEPTH_UM_ABSOLUTE)
    label, source = (_text(f"{where}{key}", table.get(key)) for key in ("label", "source"))
    return Modifier(label, less, source=source)


def _text(field: str, value: object) -> str:
    """Return one printable line."""
    if not isinstance(value, str) or not (1 <= len(value) <= TEXT_MAX) or not value.isprintable():
        rule = f"must be one line of 1 to {TEXT_MAX} printable characters"
        raise ConfigError(field, shorten(value), rule)
    return value


def _name(field: str, value: object) -> str:
    """Return a name as plans and files use it."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        rule = "must be 1 to 40 small letters, digits and _, a letter first"
        raise ConfigError(field, shorten(value), rule)
    return value
