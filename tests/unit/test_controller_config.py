"""Where the data lie, and what the errors of the controller tell the operator."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.config import Home, data_folder, home, setting
from controller.errors import (
    ConfigError,
    ControllerError,
    ExitCode,
    PlanError,
    RecordError,
    RefusedError,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = {"HOME": "/home/kim"}
NOBODY = 65_534


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder in which this test may not write, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name, "closed")
        folder.mkdir()
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", USER, "/home/kim/.local/share/penpilot"),
        ("linux", {**USER, "XDG_DATA_HOME": "/data"}, "/data/penpilot"),
        ("linux", {**USER, "XDG_DATA_HOME": "data"}, "/home/kim/.local/share/penpilot"),
        ("darwin", USER, "/home/kim/Library/Application Support/penpilot"),
        ("win32", {"LOCALAPPDATA": "/users/kim/local"}, "/users/kim/local/penpilot"),
        ("win32", {"USERPROFILE": "/users/kim"}, "/users/kim/AppData/Local/penpilot"),
    ],
)
def test_data_lie_in_the_usual_place_of_the_platform(
    platform: str, environ: dict[str, str], expected: str
) -> None:
    """Without PENPILOT_HOME the data lie where the platform keeps a user's data."""
    actual = data_folder(environ, platform)

    assert Path(expected) == actual


def test_data_folder_is_that_of_the_variable(tmp_path: Path) -> None:
    """PENPILOT_HOME moves all data, into a folder that need not exist yet."""
    folder = tmp_path / "deep" / "down"

    assert Home(folder) == home({**USER, "PENPILOT_HOME": str(folder)})
    assert not folder.exists()


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("value", ["records", "./records", "~/records", "/records\0"])
def test_relative_data_folder_is_refused_by_name_value_and_rule(value: str) -> None:
    """A PENPILOT_HOME that is no absolute path is refused, and the error says which and why."""
    with pytest.raises(ConfigError) as caught:
        data_folder({**USER, "PENPILOT_HOME": value})

    expected = f"PENPILOT_HOME = {value!r}: must be an absolute path"
    assert expected == str(caught.value)
    assert ExitCode.INPUT is caught.value.exit_code


@pytest.mark.parametrize(
    ("platform", "environ"),
    [
        ("linux", {**USER, "PENPILOT_HOME": ""}),
        ("linux", {**USER, "PENPILOT_HOME": "", "XDG_DATA_HOME": ""}),
        ("darwin", {**USER, "PENPILOT_HOME": ""}),
        ("win32", {"USERPROFILE": "/users/kim", "LOCALAPPDATA": "", "PENPILOT_HOME": ""}),
    ],
)
def test_empty_variable_counts_as_unset(platform: str, environ: dict[str, str]) -> None:
    """A variable that a script sets to nothing chooses nothing."""
    unset = {name: value for name, value in environ.items() if value}

    assert data_folder(unset, platform) == data_folder(environ, platform)
    assert setting(environ, "PENPILOT_HOME") is None


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("below", ["", "one", "one/two"])
def test_data_folder_is_refused_where_a_file_is_in_the_way(tmp_path: Path, below: str) -> None:
    """A folder cannot be made on, or anywhere below, a file."""
    file = tmp_path / "file"
    file.write_text("")
    value = str(file / below)

    with pytest.raises(ConfigError) as caught:
        data_folder({"PENPILOT_HOME": value})

    expected = f"PENPILOT_HOME = {value!r}: must be a folder, and {file} is not one"
    assert expected == str(caught.value)


@pytest.mark.parametrize(("platform", "variable"), [("linux", "HOME"), ("win32", "USERPROFILE")])
def test_unknown_home_is_refused_by_name(platform: str, variable: str) -> None:
    """Where nobody says whose data these are, the error names what is missing and the way out."""
    with pytest.raises(ConfigError, match=f"{variable} = missing: must be .* PENPILOT_HOME"):
        data_folder({}, platform)


def test_home_makes_private_folders_once_and_again(tmp_path: Path) -> None:
    """All folders are made for their owner alone; making them again changes nothing."""
    made = Home(tmp_path / "a" / "b").create().create()

    folders = [made.folder, made.logs, made.reports, made.run]
    assert [0o700] * 4 == [stat.S_IMODE(folder.stat().st_mode) for folder in folders]
    assert made.folder == made.records_db.parent == made.record_key.parent


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("below", ["", "deeper"])
def test_read_only_folder_is_one_clear_line(read_only_folder: Path, below: str) -> None:
    """A folder that cannot be written to stops the program, with one line."""
    folder = read_only_folder / below

    with pytest.raises(ConfigError) as caught:
        Home(folder).create()

    expected = f"PENPILOT_HOME = {str(folder)!r}: must be a folder that this user can write to"
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (PlanError("depth_um", 9_999, "must be at most 2500"), 2, "depth_um = 9999: must be at"),
        (RecordError("records.db", "is full"), 2, "records.db: is full"),
        (RefusedError("SR-009: no fresh telemetry"), 3, "SR-009: no fresh telemetry"),
    ],
)
def test_error_has_its_line_and_exit_code(error: ControllerError, code: int, line: str) -> None:
    """Every error is one line and an exit code, in another process as well."""
    moved = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert code == error.exit_code == moved.exit_code
    assert str(error).startswith(line)
    assert str(error) == str(moved)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x", "'x'"),
        (spelled("x"), "'x'"),
        (spelled(spelled("it's")), '"it\'s"'),
        ("", "''"),
        ("a\x1b[2J\u202eb", r"'a\x1b[2J\u202eb'"),
        (Path("/a b"), "'/a b'"),
        (None, "missing"),
        (True, "true"),
        (7, "7"),
        (["x"], "['x']"),
        (10**5_000, "a huge int"),
    ],
    ids=[
        "text",
        "spelled",
        "twice",
        "empty",
        "hostile",
        "path",
        "none",
        "flag",
        "7",
        "list",
        "huge",
    ],
)
def test_value_in_a_message_is_spelled_once(value: object, shown: str) -> None:
    """Text stands in one pair of quotes, escaped, whoever spelled it first; the rest in none."""
    assert f"field = {shown}: must be y" == str(ConfigError("field", value, "must be y"))


def test_exit_codes_are_the_documented_ones() -> None:
    """Scripts rely on these numbers."""
    expected = {"DONE": 0, "INPUT": 2, "REFUSED": 3, "LINK": 4, "DEVICE": 5, "STOPPED": 130}

    assert expected == {code.name: code.value for code in ExitCode}
