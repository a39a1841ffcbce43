"""Where this machine's data lie; it reads no file and knows nothing of what is kept there.

Light on purpose: `penpilot stop` comes through here on its way to the running controller.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE = "PENPILOT_HOME"
"""Environment variable that moves all data of one user to another folder."""

PRIVATE_MODE = 0o700
"""Folders are their owner's alone. Source: XDG Base Directory 0.8, last section."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one user's data, and what has its place in it.

    Args:
        folder: Absolute path; it need not exist yet.
    """

    folder: Path

    @property
    def records_db(self) -> Path:
        """The record of all sessions, one SQLite file."""
        return self.folder / "records.db"

    @property
    def record_key(self) -> Path:
        """The key of the record's chain; kept outside the database."""
        return self.folder / "record.key"

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.folder / "logs"

    @property
    def reports(self) -> Path:
        """Folder of the session reports."""
        return self.folder / "reports"

    @property
    def run(self) -> Path:
        """Folder in which running controllers can be found."""
        return self.folder / "run"

    def create(self) -> Home:
        """Make the folders that are missing, for their owner alone.

        Raises:
            ConfigError: If one of them cannot be made or written to.
        """
        for folder in (self.folder, self.logs, self.reports, self.run):
            _make_private(folder)
        return self


def home(environ: Mapping[str, str]) -> Home:
    """Return the places of this user's data, without making them.

    Raises:
        ConfigError: As `data_folder`.
    """
    return Home(data_folder(environ))


def setting(environ: Mapping[str, str], variable: str) -> str | None:
    """Return what an environment variable says, or None: one that is empty counts as unset.

    Source: XDG Base Directory 0.8, "either not set or empty"; so do git and pip.
    """
    return environ.get(variable) or None


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the folder of this user's data, without making it.

    Args:
        environ: Environment variables, such as `os.environ`.
        platform: As `sys.platform`.

    Raises:
        ConfigError: If `PENPILOT_HOME` is not an absolute path of a folder or of one that can be
            made, or if it is unset or empty and the platform names no place for a user's data.
    """
    value = setting(environ, HOME_VARIABLE)
    if value is None:
        return _usual_place(environ, platform)
    folder = Path(value)
    if "\0" in value or not folder.is_absolute():
        raise ConfigError(HOME_VARIABLE, value, "must be an absolute path")
    nearest = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
    if not os.path.isdir(nearest):  # noqa: PTH112 - Path.is_dir raises where a folder is closed to us
        raise ConfigError(HOME_VARIABLE, value, f"must be a folder, and {nearest} is not one")
    return folder


def _usual_place(environ: Mapping[str, str], platform: str) -> Path:
    """Return where this platform keeps a user's data.

    Source: XDG Base Directory 0.8 (a relative XDG_DATA_HOME is to be ignored); Apple's File System
    Programming Guide; Microsoft's KNOWNFOLDERID for LocalAppData.
    """
    if platform == "win32":
        local = (
            setting(environ, "LOCALAPPDATA") or _user_home(environ, "USERPROFILE") / "AppData/Local"
        )
        return Path(local) / "penpilot"
    user = _user_home(environ, "HOME")
    if platform == "darwin":
        return user / "Library/Application Support/penpilot"
    xdg = Path(setting(environ, "XDG_DATA_HOME") or "")
    return (xdg if xdg.is_absolute() else user / ".local/share") / "penpilot"


def _user_home(environ: Mapping[str, str], variable: str) -> Path:
    """Return the user's own folder, which must be known where `PENPILOT_HOME` is not set."""
    value = setting(environ, variable)
    if value is None or not Path(value).is_absolute():
        raise ConfigError(variable, value, f"must be an absolute path, or {HOME_VARIABLE} set")
    return Path(value)


def _make_private(folder: Path) -> None:
    """Make one folder, or see that it can be written to."""
    rule = "must be a folder that this user can write to"
    try:
        folder.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(HOME_VARIABLE, folder, f"{rule} ({error.strerror})") from error
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
        raise ConfigError(HOME_VARIABLE, folder, rule)
