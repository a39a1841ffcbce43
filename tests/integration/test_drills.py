"""`penpilot demo` and its drills, as a newcomer runs them, on a plan of a few seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.drills import DRILLS
from safety.states import State

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(DRILLS))
@pytest.mark.req("SR-012", "SR-020", "SR-006", "HZ-03", "HZ-07", "HZ-24")
def test_drill_passes(
    name: str, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """Every drill strikes, needles are still within its budget, and the host ends as it must."""
    plan = make_plan(("cheek", 750, 1, 300))
    done = penpilot("demo", "--drill", name, "--plan", str(plan), "--json")
    result = json.loads(done.stdout.splitlines()[-1])

    assert result["verdict"]["complaints"] == []
    assert done.returncode == 0, done.stdout
    assert result["verdict"]["still_ms"] <= result["verdict"]["budget_ms"]
    assert Path(result["report"]).exists()


def test_demo_delivers_its_plan_and_again(short_plan: Path, penpilot: Callable[..., Any]) -> None:
    """Without a drill it completes and says where record and report lie; so does the next."""
    first, second = (penpilot("demo", "--plan", str(short_plan), *how) for how in ((), ["--json"]))

    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stdout
    assert "completed" in first.stdout
    paths = [line.split(maxsplit=1)[1] for line in first.stdout.splitlines()[-3:-1]]
    assert all(Path(path).exists() for path in paths)
    assert json.loads(second.stdout.splitlines()[-1])["home"] not in first.stdout


def test_drills_name_real_states() -> None:
    """A drill expects the host in a state that exists."""
    names = {state.name for state in State} | {""}

    assert {drill.host_state for drill in DRILLS.values()} <= names
