"""Which versions of profiles this machine has accepted, so that none ever goes back; knows no key.

One small file per version, made once and never changed, in the data folder::

    profiles/us-0000003      penpilot-accepted-v1 us 3 SHA-256

Two sessions that open at once cannot undo each other's entry, and a killed one leaves no half file.
Whoever deletes the folder makes the machine forget; the record of sessions still knows
(`controller.opening`).
"""

from __future__ import annotations

import re
from pathlib import Path

from controller.config import PRIVATE_MODE, Home
from controller.errors import ConfigError
from controller.records.keyfile import create_once

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}-[0-9]{7}")
_LINE_BYTES_MAX = 200
_RULE = "must be as penpilot wrote it: put it back from a copy"


def accepted(home: Home, jurisdiction: str) -> tuple[int, str] | None:
    """Return version and SHA-256 of the newest profile that was accepted, or None before the first.

    Raises:
        ConfigError: If anything in the folder is damaged; nothing is forgotten in silence.
    """
    folder = _folder(home)
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        lines = [(path, _line_of(path)) for path in files]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError("accepted profiles", folder, f"must be readable ({error})") from error
    found = [_read(path, line) for path, line in lines]
    mine = [(version, sha256) for name, version, sha256 in found if name == jurisdiction]
    return max(mine, default=None)


def refuse_older(home: Home, jurisdiction: str, version: int, sha256: str) -> None:
    """Refuse a profile that is older than one accepted before, or another one of its version.

    Raises:
        ConfigError: As said, and as `accepted`.
    """
    newest = accepted(home, jurisdiction)
    if newest is None:
        return
    if not (version >= newest[0]):
        rule = f"must be at least {newest[0]}, which was accepted on this machine"
        raise ConfigError(f"{jurisdiction} version", version, rule)
    if version == newest[0] and sha256 != newest[1]:
        rule = f"must be above {version}: another file of this version was accepted"
        raise ConfigError(f"{jurisdiction} version", version, rule)


def accept(home: Home, jurisdiction: str, version: int, sha256: str) -> None:
    """Remember a profile, durably, unless it is remembered already.

    Raises:
        ConfigError: If the folder cannot be made, or as `refuse_older`.
        RecordError: If the entry cannot be written.
    """
    folder = _folder(home)
    try:
        folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    except OSError as error:
        rule = f"must be a folder that can be made ({error.strerror})"
        raise ConfigError("accepted profiles", folder, rule) from error
    line = f"penpilot-accepted-v1 {jurisdiction} {version} {sha256}\n"
    create_once(folder / f"{jurisdiction}-{version:07d}", line.encode())
    refuse_older(home, jurisdiction, version, sha256)


def _folder(home: Home) -> Path:
    return home.folder / "profiles"


def _line_of(path: Path) -> bytes:
    if not path.is_file():
        raise ConfigError("accepted profile", path, _RULE)
    with path.open("rb") as file:
        return file.read(_LINE_BYTES_MAX)


def _read(path: Path, line: bytes) -> tuple[str, int, str]:
    """Return jurisdiction, version and SHA-256 of one entry, whose name and line must agree."""
    name, _, number = path.name.partition("-")
    is_named = bool(_NAME.fullmatch(path.name))
    begin = f"penpilot-accepted-v1 {name} {int(number)} " if is_named else ""
    found = re.fullmatch(re.escape(begin).encode() + rb"([0-9a-f]{64})\n", line)
    if not is_named or found is None:
        raise ConfigError("accepted profile", path, _RULE)
    return name, int(number), found[1].decode()
