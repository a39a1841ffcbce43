"""How much room the disk has for records; it frees none."""

from __future__ import annotations

import shutil
from pathlib import Path

from controller.errors import RefusedError

FREE_BYTES_MIN = 200_000_000
"""Less free space than this and no session begins. Source: [SAF] 3.4 R07."""


def free_bytes(folder: Path) -> int:
    """Return the free bytes where a folder lies; it, or one above it, must exist.

    Raises:
        RefusedError: If the system does not tell.
    """
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RefusedError(f"the free space of {folder} is not known: {error}") from error
    raise RefusedError(f"the free space of {folder} is not known")


def refuse_full_disk(folder: Path) -> None:
    """Refuse to begin what might not be written down to its end. Rule: SR-014.

    Raises:
        RefusedError: If there is less room than `FREE_BYTES_MIN`.
    """
    free = free_bytes(folder)
    if not (free >= FREE_BYTES_MIN):
        raise RefusedError(
            f"{free // 1_000_000} MB are free at {folder}, a session needs "
            f"{FREE_BYTES_MIN // 1_000_000} MB; free some disk space first"
        )
