"""The rows of requirements/*.toml and what is wrong with them; it knows nothing of tests.

Every file holds tables of one kind: requirements, hazards, invariants, or cells of the analysis of
control actions (STPA). The rules that the rows and their links keep stand here, each one a function
from rows to findings.
"""
# ruff: noqa: INP001  a script and its parts, not a package

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]

FORMS = {
    "requirement": re.compile(r"SR-\d{3}"),
    "hazard": re.compile(r"HZ-\d{2}"),
    "invariant": re.compile(r"[HDWRS]\d{2}"),
    "cell": re.compile(r"[A-Z_]+-[NPTD]"),
}
"""What an id looks like, by kind of row."""

TEXTS = {"id", "group", "text", "source"}
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "requirement": (TEXTS | {"invariants"}, {"waits_for"}),
    "hazard": (
        TEXTS
        | {"severity", "stpa", "cause", "detection", "reaction", "requirements", "invariants"},
        {"limit_ms", "waits_for"},
    ),
    "invariant": (TEXTS, {"waits_for"}),
    "cell": (TEXTS | {"hazards"}, {"empty"}),
}
"""Fields that a row must have, and those that it may have, by kind of row."""

LINKS = {"requirements": "requirement", "invariants": "invariant", "hazards": "hazard"}
"""What the ids in a field are ids of."""

ACTIONS = ("ARM", "START", "PAUSE", "RESUME", "STOP", "SET_DEPTH", "SET_SPEED", "RESET", "SERVICE")
"""The control actions. Source: [SAF] 4."""

STPA = {"N": "not provided", "P": "provided wrongly", "T": "wrong time or order", "D": "duration"}
"""In which way a control action can be unsafe. Source: [SAF] 4."""


def rows_of(folder: Path) -> Rows:
    """Return all rows of a folder by kind, in the order of their files.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is no TOML, or holds something else than rows.
    """
    rows: Rows = {kind: [] for kind in FORMS}
    for path in sorted(folder.glob("*.toml")):
        for kind, found in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise ValueError(f"{path.name}: {kind}: wanted rows, [[{kind}]]")
            rows.setdefault(kind, []).extend(found)
    return rows


def ids_of(rows: Rows, kind: str) -> set[str]:
    """Return the ids of one kind of rows."""
    return {row["id"] for row in rows[kind]}


def is_whole(value: object) -> bool:
    """Return whether a value is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def wrong_value(field: str, value: Any) -> str:
    """Return what is wrong with the value of a field, or nothing."""
    if field in LINKS:
        is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return (
            "" if is_list and len(set(value)) == len(value) else "wanted a list of ids, each once"
        )
    if field == "severity":
        return "" if is_whole(value) and 1 <= value <= 5 else "wanted 1 (minor) to 5 (for good)"
    if field == "limit_ms":
        return "" if is_whole(value) and value >= 0 else "wanted whole milliseconds"
    if not isinstance(value, str) or not value.strip():
        return "wanted words"
    if field == "stpa" and value not in STPA:
        return f"wanted one of {', '.join(STPA)}"
    return "" if field != "text" or value.endswith(".") else "wanted whole sentences"


def misshapen(kind: str, row: Row) -> Iterator[str]:
    """Yield what is wrong with the shape of one row."""
    name = str(row.get("id", f"{kind} without id"))
    must, may = FIELDS[kind]
    if missing := sorted(must - set(row)):
        yield f"{name}: {', '.join(missing)} is missing"
    if foreign := sorted(set(row) - must - may):
        yield f"{name}: no {kind} has {', '.join(foreign)}"
    if not FORMS[kind].fullmatch(name):
        yield f"{name}: wanted an id like {FORMS[kind].pattern}"
    for field, value in row.items():
        if wrong := wrong_value(field, value):
            yield f"{name}: {field} {value!r}: {wrong}"


def malformed(rows: Rows) -> list[str]:
    """Return rows of an unknown kind, rows of a wrong shape, and ids that are given twice."""
    found = [f"[[{kind}]]: no such kind of row" for kind in rows if kind not in FORMS]
    for kind in FORMS:
        found += [finding for row in rows[kind] for finding in misshapen(kind, row)]
    counts = Counter(row.get("id") for kind in FORMS for row in rows[kind])
    return found + [f"{name}: given {n} times" for name, n in counts.items() if n > 1]


def dangling(rows: Rows) -> list[str]:
    """Return links that lead to nothing."""
    return [
        f"{row['id']}: {field} names {name}, which is no {target}"
        for kind in FORMS
        for row in rows[kind]
        for field, target in LINKS.items()
        for name in row.get(field, ())
        if name not in ids_of(rows, target)
    ]


def linked(rows: Rows, kind: str, field: str) -> set[str]:
    """Return all ids that rows of a kind link to by a field."""
    return {name for row in rows[kind] for name in row[field]}


def orphans(rows: Rows) -> list[str]:
    """Return rows that nothing leads to, or that lead nowhere.

    A hazard leads to a requirement. A requirement comes from a hazard or from a decision (DESIGN).
    An invariant belongs to a requirement, or, while it waits, at least to a hazard. An invariant
    of a hazard is reached through one of the hazard's requirements, unless the hazard waits.
    """
    found: list[str] = []
    by_id = {row["id"]: row for row in rows["requirement"]}
    wanted = linked(rows, "hazard", "requirements")
    homeless = [r for r in rows["requirement"] if r["id"] not in wanted]
    found += [
        f"{row['id']}: no hazard and no decision leads to this requirement"
        for row in homeless
        if "DESIGN" not in row["source"]
    ]
    belonging = linked(rows, "requirement", "invariants")
    for row in rows["invariant"]:
        waits = "waits_for" in row and row["id"] in linked(rows, "hazard", "invariants")
        if row["id"] not in belonging and not waits:
            found.append(f"{row['id']}: no requirement links to this invariant")
    for row in rows["hazard"]:
        if "waits_for" in row:
            continue
        if not row["requirements"]:
            found.append(f"{row['id']}: leads to no requirement")
        reached = {i for r in row["requirements"] for i in by_id.get(r, {}).get("invariants", ())}
        if lost := sorted(set(row["invariants"]) - reached):
            found.append(f"{row['id']}: none of its requirements has {', '.join(lost)}")
    return found


def gaps(rows: Rows) -> list[str]:
    """Return cells that are missing, foreign, or neither mapped to a hazard nor argued empty."""
    wanted = {f"{action}-{letter}" for action in ACTIONS for letter in STPA}
    found = [f"{name}: the cell is missing" for name in sorted(wanted - ids_of(rows, "cell"))]
    found += [f"{name}: no such cell" for name in sorted(ids_of(rows, "cell") - wanted)]
    for row in rows["cell"]:
        if bool(row["hazards"]) == ("empty" in row):
            found.append(f"{row['id']}: wanted hazards, or else an argument why it is empty")
    return found


def overdue(rows: Rows, root: Path) -> list[str]:
    """Return rows that wait for a part that is there, or for no part of this repository."""
    found = []
    for kind in FORMS:
        for row in rows[kind]:
            if "waits_for" not in row:
                continue
            path = PurePosixPath(row["waits_for"])
            if path.is_absolute() or ".." in path.parts or not path.parts:
                found.append(f"{row['id']}: {path} is no path in this repository")
            elif (root / path).exists():
                found.append(f"{row['id']}: waits for {path}, which is there: show it by a test")
    return found


def faults_of(rows: Rows, root: Path) -> list[str]:
    """Return what is wrong with well-formed rows: their links, cells and waits."""
    return [*dangling(rows), *orphans(rows), *gaps(rows), *overdue(rows, root)]
