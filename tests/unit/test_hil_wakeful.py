"""Processors that are kept awake, and processes that end with their parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from controller.machine import is_virtual
from controller.running import is_alive
from hil.wakeful import wakeful

PARENT = """
import sys
from hil.wakeful import start_spinner
print(start_spinner().pid, flush=True)
sys.stdin.read()
"""
"""Starts a spinner and goes without a word to it."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("flags : fpu hypervisor lahf", True), ("flags : fpu lahf", False), ("", False)],
)
def test_virtual_machine_is_told_by_its_processors(
    tmp_path: Path, text: str, expected: bool
) -> None:
    """The flag stands among those of a processor."""
    (tmp_path / "cpuinfo").write_text(text)

    assert expected is is_virtual(tmp_path / "cpuinfo")


def test_machine_without_such_a_file_is_not_taken_for_virtual(tmp_path: Path) -> None:
    """On another system nothing is started."""
    assert not is_virtual(tmp_path / "none")


def test_nothing_is_started_where_it_is_not_wanted() -> None:
    """On a computer of its own nobody spins."""
    with wakeful(is_wanted=False) as count:
        assert 0 == count


@pytest.mark.slow
def test_spinner_ends_when_its_parent_has_gone() -> None:
    """Nobody is left spinning after a kill -9 of whoever wanted it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    parent.communicate()
    for _ in range(100_000):
        if not is_alive(pid):
            break

    assert not is_alive(pid)
