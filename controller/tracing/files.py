"""Where traces lie, what they are called, and how many are kept; it knows nothing of lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from controller.config import PRIVATE_MODE, Home
from controller.errors import ConfigError

SUFFIX = ".trace"

FILES_MAX = 20
"""Dumps that are kept, the newest. Source: docs/traces.md; ASSUMED: some weeks of one room."""

FILE_MODE = 0o600
"""Files are their owner's alone."""


def folder_of(home: Home) -> Path:
    """Return the folder of this user's dumps, without making it."""
    return home.folder / "traces"


def next_number(folder: Path, session: str) -> int:
    """Return the number of the next dump of a session; a resumed one goes on counting."""
    name = re.compile(re.escape(session) + r"\.([0-9]{1,9})" + re.escape(SUFFIX))
    try:
        found = [name.fullmatch(path.name) for path in folder.iterdir()]
    except OSError:
        return 1
    return 1 + max((int(match[1]) for match in found if match is not None), default=0)


def name_of(session: str, number: int) -> str:
    """Return what a dump is called."""
    return f"{session}.{number}{SUFFIX}"


def new_dump(folder: Path, name: str) -> BinaryIO:
    """Open a new dump, and let the oldest ones go.

    Raises:
        OSError: If that cannot be.
    """
    folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    path = folder / name
    file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115 handed over
    others = [one for one in folder.glob(f"*{SUFFIX}") if one != path]
    others.sort(key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True)
    for one in others[FILES_MAX - 1 :]:
        one.unlink(missing_ok=True)
    return file


def new_trace(path: Path) -> BinaryIO:
    """Open a new file for a whole trace; nothing is written over.

    Raises:
        ConfigError: If that cannot be.
    """
    try:
        return open(path, "xb", buffering=0, opener=_private)
    except (OSError, ValueError) as error:
        rule = "must be a new file in a folder that this user can write to"
        said = getattr(error, "strerror", None) or str(error)
        raise ConfigError("--trace", path, f"{rule} ({said})") from error


def parts(path: Path | None) -> Iterator[Path | None]:
    """Yield a file for every connection with the pen: FILE, then FILE.2 and so on; or None."""
    yield path
    for part in count(2):
        yield None if path is None else path.with_name(f"{path.name}.{part}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
