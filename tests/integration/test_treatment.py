"""A whole treatment with real programs: command line, control process, pty, simulated pen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.programs import SimulatedPen, simulated_pen
from hil.truth import read_truth, true_strokes

pytestmark = pytest.mark.slow


def documents(text: str) -> list[dict[str, Any]]:
    """Return the JSON documents of an output, one a line."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.req("SR-014", "SR-007", "R04", "HZ-67", "SR-054")
def test_treatment_is_delivered_and_recorded_as_the_pen_counted_it(
    pen: SimulatedPen, short_plan: Path, penpilot: Callable[..., Any]
) -> None:
    """All passes are delivered, and the strokes on record are those of the pen's own counter."""
    done = penpilot("treat", str(short_plan), "--port", pen.url, "--yes", "--json")
    closed = documents(done.stdout)[-1]
    session = json.loads(penpilot("records", "list", "--json").stdout)[0]
    outcomes = [p["outcome"] for area in session["areas"] for p in area["passes"]]
    recorded = sum(p["strokes_total"] for area in session["areas"] for p in area["passes"])

    assert done.returncode == 0, done.stderr
    assert closed["outcome"] == "completed"
    assert outcomes == ["delivered", "delivered"]
    assert recorded == true_strokes(read_truth(pen.truth))
    assert Path(closed["report"]).read_text().count("SIMULATED") >= 1
    assert penpilot("records", "verify").returncode == 0


def test_treatment_runs_over_tcp_as_over_a_pty(
    tmp_path: Path, short_plan: Path, penpilot: Callable[..., Any], paired: list[str]
) -> None:
    """The same plan is delivered to a pen behind socket://."""
    with simulated_pen(tmp_path, options=[*paired, "--tcp", "127.0.0.1:0"]) as pen:
        done = penpilot("treat", str(short_plan), "--port", pen.url, "--yes", "--json")

    assert pen.url.startswith("socket://")
    assert done.returncode == 0, done.stderr


def test_treatment_needs_a_terminal_or_yes(
    pen: SimulatedPen, short_plan: Path, penpilot: Callable[..., Any]
) -> None:
    """Without a terminal to ask at, a treatment that was not told --yes does not begin."""
    done = penpilot("treat", str(short_plan), "--port", pen.url)

    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.req("SR-001", "SR-017", "HZ-01")
def test_treatment_is_refused_whole_when_one_depth_is_above_a_limit(
    pen: SimulatedPen, make_plan: Callable[..., Path], penpilot: Callable[..., Any]
) -> None:
    """One area above its limit refuses the plan with code 3; no needle was asked to move."""
    plan = make_plan(("forehead", 500, 1, 60), ("nose", 550, 1, 60))
    done = penpilot("treat", str(plan), "--port", pen.url, "--yes")
    orders = [e.fields["command"] for e in read_truth(pen.truth) if e.event == "order"]

    assert done.returncode == 3
    assert "nose" in done.stderr
    assert "550" in done.stderr
    assert "500" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert set(orders) <= {"POLL"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('area = "elbow"', "elbow"),
        ("depth_um = -1", "-1"),
        ("depth_um = 99999999999999999999999", "99999999999999999999999"),
        ("depth_um = nan", "nan"),
        ("depth_um = true", "true"),
        ('depth_um = "deep"', "deep"),
        ("", "missing"),
    ],
)
@pytest.mark.req("SR-002", "SR-017", "HZ-30")
def test_bad_plan_is_one_clear_line_and_the_pen_is_never_touched(
    line: str, named: str, pen: SimulatedPen, tmp_path: Path, penpilot: Callable[..., Any]
) -> None:
    """A bad plan ends with code 2 and one line that names the value; nobody looked at the pen."""
    fields = {"area": 'area = "cheek"', "depth_um": "depth_um = 750"}
    fields[line.split(" = ", maxsplit=1)[0] or "depth_um"] = line
    plan = tmp_path / "bad.toml"
    body = "\n".join([*fields.values(), "speed_dhz = 1000", "passes = 1", "patch_mm2 = 60"])
    plan.write_text(f'format = 1\nname = "Bad"\n[[area]]\n{body}\n')
    done = penpilot("treat", str(plan), "--port", pen.url, "--yes")

    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    # ``starved`` speaks of this machine, not of the host.
    assert {e.event for e in read_truth(pen.truth)} <= {"boot", "state", "starved"}
