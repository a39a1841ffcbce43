"""The example of another maker's driver: installed by its entry point, and true to the contract."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "your-own-pen"

ASK = """
import os, tty
from drivers.registry import driver_names, open_pen
near, far = os.openpty()
tty.setraw(far)
pen = open_pen(f"acme+{os.ttyname(far)}", clock_us=lambda: 0, token_source=lambda: 1)
print(type(pen).__module__, "acme" in driver_names())
pen.close()
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a Python that has the example installed, as pip would leave it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / f"acme_pen-{project['version']}.dist-info"
    info.mkdir()
    version = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{version}")
    lines = [
        line
        for group, names in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "acme_pen").symlink_to(EXAMPLE / "acme_pen")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}


def run(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    """Run Python with the example installed and return what it prints; it must succeed."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == result.returncode, result.stdout + result.stderr
    return result.stdout


def test_address_of_the_other_maker_opens_its_driver(
    installed: dict[str, str], tmp_path: Path
) -> None:
    """``acme+PORT`` is all that penpilot is told; the entry point does the rest."""
    assert "acme_pen.driver True\n" == run(installed, tmp_path, "-c", ASK)


def test_example_passes_the_contract_of_all_drivers(installed: dict[str, str]) -> None:
    """Its own tests, run in its own folder as its maker would run them."""
    out = run(installed, EXAMPLE, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")

    assert " passed" in out
    assert "skipped" not in out


@pytest.mark.parametrize("name", ["lines.py", "driver.py", "fake.py"])
def test_page_shows_every_file_of_the_example(name: str) -> None:
    """docs/your-own-pen.md leads through each file by its name."""
    page = (ROOT / "docs" / "your-own-pen.md").read_text(encoding="utf-8")

    assert f"examples/your-own-pen/acme_pen/{name}" in page
