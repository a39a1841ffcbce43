"""The keys of paired pens, one private file for each in the data folder; it speaks with no pen.

Whoever can read such a file can drive the pen under its serial number, so a file that others can
read is refused. A file that is damaged is an error and never "no key": a pen would else be driven
as one that was never paired.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from controller.config import PRIVATE_MODE, Home
from controller.errors import ConfigError, RefusedError
from controller.records.keyfile import sync_folder
from drivers.block import Identity
from drivers.registers import Capability

KEY_BYTES = 32
"""Source: docs/protocol.md 11."""

_KIND = "penpilot pen key"
_FILE_MODE = 0o600
_SERIAL_NUMBER_MAX = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class PenKey:
    """The key of one pen.

    Args:
        serial_number: Of the pen.
        key: 32 bytes; shown nowhere.
        by: Who paired it.
        at: When, ISO 8601, UTC.
    """

    serial_number: int
    key: bytes = field(repr=False)
    by: str
    at: str

    @property
    def fingerprint(self) -> str:
        """What people may compare and the record keeps: the first 8 bytes of its SHA-256."""
        return sha256(self.key).hexdigest()[:16]


class KeyRing:
    """The key of the pen of one session, read once, so that no scan waits for a disk.

    A session drives one pen. Of another one, put in its place, nothing is known here; the session
    does not go on with it, since its serial number is another.

    Args:
        home: Where keys are kept.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._known: tuple[int, bytes | None] | None = None

    def __call__(self, serial_number: int) -> bytes | None:
        """Return the key of that pen, or None. Raises ConfigError as `load`."""
        if self._known is None:
            found = load(self._home, serial_number)
            self._known = (serial_number, None if found is None else found.key)
        known_number, key = self._known
        return key if serial_number == known_number else None


def path_of(home: Home, serial_number: int) -> Path:
    """Return where the key of a pen lies."""
    return _folder(home) / f"{serial_number}.json"


def load(home: Home, serial_number: int) -> PenKey | None:
    """Return the key of a pen, or None if it was never paired here.

    Raises:
        ConfigError: If the file can be read by others, cannot be read, or holds no key of this pen.
    """
    path = path_of(home, serial_number)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(str(path), "unread", f"must be readable ({error.strerror})") from error
    if os.name == "posix" and mode & ~_FILE_MODE:
        raise ConfigError(str(path), f"{mode:03o}", "must be its owner's alone: chmod 600")
    found = _parsed(data)
    if found is None or found.serial_number != serial_number:
        rule = (
            f"must hold the key of pen {serial_number}; a technician pairs it again: penpilot pair"
        )
        raise ConfigError(str(path), "damaged", rule)
    return found


def paired_pens(home: Home) -> list[PenKey]:
    """Return all keys, by serial number.

    Raises:
        ConfigError: As `load`, for the first that is wrong.
    """
    folder = _folder(home)
    try:
        numbers = sorted(int(path.stem) for path in folder.iterdir() if _is_of_a_pen(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(str(folder), "unread", f"must be readable ({error.strerror})") from error
    return [key for number in numbers if (key := load(home, number)) is not None]


def save(home: Home, key: PenKey) -> Path:
    """Keep a key in place of any older one of that pen, whole or not at all, and return where.

    It is on disk when this returns: the pen will know no older one.

    Raises:
        ConfigError: If it cannot be written.
    """
    path = path_of(home, key.serial_number)
    values = {"kind": _KIND, "serial_number": key.serial_number, "key": key.key.hex()}
    text = json.dumps({**values, "by": key.by, "at": key.at}) + "\n"
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
        descriptor = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            own.replace(path)
            sync_folder(path.parent)
        finally:
            own.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(str(path), "unwritten", f"must be writable ({error.strerror})") from error
    return path


def forget(home: Home, serial_number: int) -> bool:
    """Remove the key of a pen and return whether there was one; damaged ones go as well.

    Raises:
        ConfigError: If it cannot be removed.
    """
    path = path_of(home, serial_number)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(str(path), "kept", f"must be removable ({error.strerror})") from error
    return True


def refuse_foreign(pen: Identity) -> None:
    """Refuse a pen that obeys only another computer; it would take no order anyway.

    Raises:
        RefusedError: If it is paired and this computer has not proven to hold its key.

    Rule: SR-055.
    """
    if Capability.PAIRED & pen.capabilities and not pen.is_paired:
        raise RefusedError(
            f"pen {pen.serial_number} is paired with another computer, and takes no order but STOP "
            "from this one. A technician pairs it with this one: penpilot pair"
        )


def _folder(home: Home) -> Path:
    return home.folder / "pens"


def _is_of_a_pen(path: Path) -> bool:
    is_number = path.stem.isascii() and path.stem.isdigit() and int(path.stem) <= _SERIAL_NUMBER_MAX
    return path.suffix == ".json" and is_number


def _parsed(data: bytes) -> PenKey | None:
    """Return the key in a file's content, or None if it is none."""
    try:
        values: Any = json.loads(data)
        if values["kind"] != _KIND:
            return None
        key = PenKey(
            values["serial_number"], bytes.fromhex(values["key"]), values["by"], values["at"]
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_whole = type(key.serial_number) is int and len(key.key) == KEY_BYTES
    return key if is_whole and isinstance(key.by, str) and isinstance(key.at, str) else None
