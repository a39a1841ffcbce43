"""Reads a TOML file from outside, hostile until shown otherwise; knows no plan and no profile."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.errors import InputError, Spelled, spelled

BYTES_MAX = 65_536
"""A plan of all areas of a body is under 8 KiB; larger files are not plans. ASSUMED."""

LINE_BYTES_MAX = 1_000
"""No line of a plan is longer; a dotted key of 60 KB takes `tomllib` half a minute. ASSUMED."""

SHOWN_MAX = 60
"""So many characters of a value stand in a message. ASSUMED: it is to stay one line."""


def read_toml(path: Path, error: type[InputError]) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Args:
        path: A regular file of at most `BYTES_MAX` bytes in UTF-8.
        error: What to raise, with the file as its field.

    Raises:
        InputError: Of the given kind, if the file is missing, not regular, too large, not UTF-8, or
            not TOML. Never more than `BYTES_MAX` + 1 bytes are read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise error("file", path, "must be a regular file")
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise error("file", path, f"must be a readable file ({reason})") from problem
    if len(data) > BYTES_MAX:
        raise error("file", path, f"must be at most {BYTES_MAX} bytes")
    if max(map(len, data.splitlines()), default=0) > LINE_BYTES_MAX:
        raise error("file", path, f"must have lines of at most {LINE_BYTES_MAX} bytes")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as problem:
        raise error("file", path, f"must be UTF-8 (byte {problem.start} is not)") from problem
    except RecursionError as problem:
        raise error("file", path, "must be TOML (nested too deeply)") from problem
    except ValueError as problem:  # not only TOMLDecodeError: int() refuses 4,301 digits by itself
        raise error("file", path, f"must be TOML ({problem})") from problem


def refuse_unknown(
    table: Mapping[str, Any], known: frozenset[str], where: str, error: type[InputError]
) -> None:
    """Refuse keys that nobody would read: a misspelt limit must not be lost in silence.

    Raises:
        InputError: Of the given kind, naming the first such key.
    """
    for key in table:
        if key not in known:
            names = ", ".join(sorted(known))
            shown = key if key.isprintable() else ascii(key)
            raise error(where + shown[:SHOWN_MAX], shorten(table[key]), f"must be one of: {names}")


def shorten(value: object) -> Spelled:
    """Return a value as one line of a message may show it, however large it is."""
    text = spelled(value)
    return text if len(text) <= SHOWN_MAX else Spelled(text[: SHOWN_MAX - 3] + "...")
