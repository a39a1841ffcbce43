"""Where scan logs lie, what they are called, and how many are kept; it knows nothing of lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from controller.config import PRIVATE_MODE, Home

SUFFIX = ".scanlog.gz"

FILES_MAX = 20
"""Logs that are kept, the one being written included. ASSUMED: some weeks of one room."""

PARTS_MAX = 1_000
"""Most logs of one session, one more with each time that it is resumed. ASSUMED."""

FILE_MODE = 0o600
"""Files are their owner's alone."""


def folder_of(home: Home) -> Path:
    """Return the folder of this user's scan logs, without making it."""
    return home.folder / "scans"


def new_file(folder: Path, session: str) -> BinaryIO:
    """Open a new file for a session, and let the oldest ones go.

    A session that is resumed gets a further file, such as ``NAME.2.scanlog.gz``: nothing is ever
    written over.

    Raises:
        OSError: If that cannot be.
    """
    folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    for part in range(1, PARTS_MAX + 1):
        path = folder / f"{session}{'' if part == 1 else f'.{part}'}{SUFFIX}"
        try:
            file = open(path, "xb", opener=_private)  # noqa: SIM115 handed over
        except FileExistsError:
            continue
        _let_go(folder, path)
        return file
    raise FileExistsError(f"{folder}: session {session} has {PARTS_MAX} scan logs")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _let_go(folder: Path, new: Path) -> None:
    """Remove all logs but the newest; the new one is among those that stay."""
    others = [path for path in folder.glob(f"*{SUFFIX}") if path != new]
    others.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    for path in others[FILES_MAX - 1 :]:
        path.unlink(missing_ok=True)
