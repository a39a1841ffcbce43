"""The key of the chain, in a file of its own outside the database; it knows no entry.

The key is made on first use. Programs that start at once agree on one: each writes a whole key to
a name of its own, and the first that links it to the real name wins. So nobody reads half a key,
and a program that is killed leaves at most a file that nobody uses.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from controller.errors import RecordError
from controller.records.chain import KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_MODE = 0o600
"""Files are their owner's alone."""


def read_key(path: Path) -> bytes | None:
    """Return the key, or None if there is none yet.

    Raises:
        RecordError: If the file cannot be read, can be read by others, or holds no key.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(path, f"cannot be read ({error.strerror})") from error
    if os.name == "posix" and mode & ~PRIVATE_MODE:
        raise RecordError(path, f"must be its owner's alone: chmod 600 (it is {mode:03o})")
    if len(key) != KEY_BYTES:
        raise RecordError(path, f"must hold {KEY_BYTES} bytes; put the right key back")
    return key


def make_key(path: Path) -> bytes:
    """Return the key, and make it first if there is none.

    Raises:
        RecordError: If it cannot be made, and as `read_key`.
    """
    create_once(path, secrets.token_bytes(KEY_BYTES))
    key = read_key(path)
    if key is None:
        raise RecordError(path, "was removed while it was made")
    return key


def create_once(path: Path, content: bytes) -> None:
    """Make a private file with its whole content on disk, unless there is one of that name.

    Raises:
        RecordError: If it cannot be made.
    """
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        if path.exists():
            return
        descriptor = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(own, path)
        finally:
            own.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise RecordError(path, f"cannot be made ({error.strerror})") from error


def sync_folder(folder: Path) -> None:
    """Bring a new name to the disk; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
