"""What is installed and what a wheel holds: five plain names, ours alone, and nothing more."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import click
import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGES = ("controller", "drivers", "hil", "safety", "simulator")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = PROJECT["entry-points"]["penpilot.commands"]
SHIPPED = {".css", ".html", ".js", ".json", ".md", ".py", ".sig", ".svg", ".toml", ".typed"}
"""Endings of files that a package may hold; anything else is a slip until it stands here."""


def tree_of(package: str) -> set[str]:
    """Return all files of a package in this checkout, less what Python itself leaves there."""
    paths = [path for path in (ROOT / package).rglob("*") if path.is_file()]
    return {str(p.relative_to(ROOT).as_posix()) for p in paths if "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel of this checkout, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path)


def test_packages_come_from_this_checkout_outside_of_it(tmp_path: Path) -> None:
    """The installed program imports all five from here, also where the current folder is not."""
    program = f"import {', '.join(PACKAGES)}\nprint(*({'.__file__, '.join(PACKAGES)}.__file__))"
    result = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, check=False
    )

    expected = " ".join(str(ROOT / package / "__init__.py") for package in PACKAGES)
    assert (expected, b"") == (result.stdout.decode().strip(), result.stderr)


def test_packages_are_claimed_by_no_other_distribution() -> None:
    """No other installed distribution brings a top-level package of one of our five names."""
    claims = importlib.metadata.packages_distributions()

    foreign = {name: set(claims.get(name, [])) - {"penpilot"} for name in PACKAGES}

    assert {} == {name: owners for name, owners in foreign.items() if owners}


def test_foreign_claim_is_seen_where_another_distribution_brings_our_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way in which claims are looked up does see a scanner called ``safety``."""
    record = tmp_path / "safety-9.9.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: safety\nVersion: 9.9\n")
    (record / "RECORD").write_text("safety/__init__.py,,\nsafety-9.9.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert "safety" in importlib.metadata.packages_distributions()["safety"]


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_the_package(package: str, wheel: zipfile.ZipFile) -> None:
    """A package is in the wheel as it is in the checkout, data files and ``py.typed`` included."""
    packed = {name for name in wheel.namelist() if name.startswith(f"{package}/")}

    assert tree_of(package) == packed
    assert f"{package}/py.typed" in packed


def test_wheel_holds_nothing_but_the_packages_and_their_metadata(wheel: zipfile.ZipFile) -> None:
    """No test, no script and no stray folder gets into the wheel."""
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {*PACKAGES, f"penpilot-{PROJECT['version']}.dist-info"} == tops


def test_wheel_holds_only_known_kinds_of_files(wheel: zipfile.ZipFile) -> None:
    """An editor's leftover or a database in a package is noticed before it is shipped."""
    packed = [name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")]

    assert [] == [name for name in packed if Path(name).suffix not in SHIPPED]


def test_wheel_names_licence_and_is_kept_from_upload(wheel: zipfile.ZipFile) -> None:
    """The wheel carries the licence, and the classifier that makes an index refuse it."""
    info = f"penpilot-{PROJECT['version']}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())

    assert "Apache-2.0" == metadata["License-Expression"]
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])
    assert f"{info}/licenses/LICENSE" in wheel.namelist()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_command_is_a_click_command_where_the_entry_point_says(name: str) -> None:
    """Every entry point of the group ``penpilot.commands`` leads to a command with a help line."""
    module, _, attribute = COMMANDS[name].partition(":")

    command = getattr(importlib.import_module(module), attribute)

    assert isinstance(command, click.Command)
    assert command.get_short_help_str()


def test_program_is_callable_where_the_entry_point_says() -> None:
    """The installed program ``penpilot`` starts a function that exists."""
    module, _, attribute = PROJECT["scripts"]["penpilot"].partition(":")

    assert callable(getattr(importlib.import_module(module), attribute))


def test_installed_commands_are_those_of_the_checkout() -> None:
    """The environment was installed from this pyproject.toml, so that no command is missing."""
    installed = importlib.metadata.distribution("penpilot").entry_points

    group = installed.select(group="penpilot.commands")
    assert COMMANDS == {entry.name: entry.value for entry in group}
