"""`penpilot reset` on a simulated pen: the way back from a fault that a practitioner may clear."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.programs import SimulatedPen, simulated_pen
from hil.truth import read_truth

pytestmark = pytest.mark.slow

Penpilot = Callable[..., Any]


def orders(pen: SimulatedPen) -> list[object]:
    """Return all orders that the pen noted, but for POLL."""
    found = [e.fields["command"] for e in read_truth(pen.truth) if e.event == "order"]
    return [command for command in found if command != "POLL"]


@pytest.mark.req("SR-006", "SR-038", "HZ-38")
def test_operator_fault_is_reset_and_the_pen_treats_again(
    tmp_path: Path, short_plan: Path, penpilot: Penpilot, paired: list[str]
) -> None:
    """A stall ends the session; after the reset the next session may begin, and nothing starts."""
    with simulated_pen(tmp_path, faults=["stall:300@run=200"], options=paired) as pen:
        first = penpilot("treat", str(short_plan), "--port", pen.url, "--yes")
        done = penpilot("reset", "--port", pen.url, "--by", "P. Rac", "--json")
        again = penpilot("reset", "--port", pen.url)
        said = orders(pen)
    listed = json.loads(penpilot("records", "list", "--json").stdout)

    assert 5 == first.returncode, first.stderr
    assert (0, "") == (done.returncode, done.stderr)
    told = json.loads(done.stdout)
    assert ("STALL", "NONE", "SAFE") == (told["before"], told["fault"], told["state"])
    assert (0, f"Pen {told['serial_number']} has no fault; it is SAFE.\n") == (
        again.returncode,
        again.stdout,
    )
    assert (1, "RESET") == (said.count("RESET"), said[-1])
    (row,) = (one for one in listed if one["plan"] == "Reset of a fault")
    assert ("completed", told["serial_number"]) == (row["status"], row["serial_number"])
    assert 0 == penpilot("records", "verify").returncode


@pytest.mark.req("SR-006", "SR-035", "HZ-03", "HZ-60")
def test_fault_for_a_technician_is_not_reset(
    tmp_path: Path, short_plan: Path, penpilot: Penpilot, paired: list[str]
) -> None:
    """The command refuses it by its name and asks nothing of the pen."""
    with simulated_pen(tmp_path, faults=["over-depth@run=200"], options=paired) as pen:
        penpilot("treat", str(short_plan), "--port", pen.url, "--yes")
        done = penpilot("reset", "--port", pen.url)
        said = orders(pen)

    assert (3, "") == (done.returncode, done.stdout)
    assert "OVER_DEPTH, which only a technician clears" in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert "RESET" not in said
