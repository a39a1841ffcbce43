"""Native frames with real programs: identify, a whole treatment, and a STOP from elsewhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.programs import SimulatedPen, simulated_pen
from hil.truth import TrueEvent, read_truth, true_strokes

pytestmark = pytest.mark.slow


@pytest.fixture
def native_pen(tmp_path: Path, paired: list[str]) -> Iterator[SimulatedPen]:
    """A simulated pen on native frames that runs as a program, on a pty, and is paired."""
    with simulated_pen(tmp_path, options=["--transport", "native", *paired]) as pen:
        yield pen


def address(pen: SimulatedPen) -> str:
    """Return what a host writes to reach the pen."""
    return f"native+{pen.url}"


def test_pen_is_identified_over_native_frames(
    native_pen: SimulatedPen, penpilot: Callable[..., Any]
) -> None:
    """The same pen, asked in another framing, is named by its serial number."""
    done = penpilot("identify", "--port", address(native_pen), "--json")

    assert done.returncode == 0, done.stderr
    assert 42 == json.loads(done.stdout)["serial_number"]


@pytest.mark.req("SR-015")
def test_native_pen_is_no_pen_on_modbus(
    native_pen: SimulatedPen, penpilot: Callable[..., Any]
) -> None:
    """Asked in the wrong framing it is silent, and one line says so."""
    done = penpilot("identify", "--port", native_pen.url)

    assert done.returncode != 0
    assert "no answer" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.req("SR-014", "SR-007", "R04")
def test_treatment_is_delivered_and_recorded_over_native_frames(
    native_pen: SimulatedPen, short_plan: Path, penpilot: Callable[..., Any]
) -> None:
    """All passes are delivered, and the strokes on record are those of the pen's own counter."""
    done = penpilot("treat", str(short_plan), "--port", address(native_pen), "--yes", "--json")
    session = json.loads(penpilot("records", "list", "--json").stdout)[0]
    passes = [one for area in session["areas"] for one in area["passes"]]

    assert done.returncode == 0, done.stderr
    assert ["delivered", "delivered"] == [one["outcome"] for one in passes]
    assert true_strokes(read_truth(native_pen.truth)) == sum(p["strokes_total"] for p in passes)


@pytest.mark.req("SR-005", "SR-013")
def test_stop_from_elsewhere_reaches_the_pen_by_its_stop_byte(
    native_pen: SimulatedPen,
    long_plan: Path,
    start_penpilot: Callable[..., subprocess.Popen[str]],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """`penpilot stop` beside a running treatment: the first thing the pen knows is a stop byte."""
    start_penpilot("treat", str(long_plan), "--port", address(native_pen), "--yes", "--json")
    before = len(wait_for_truth(native_pen.truth, on_skin, "skin"))
    done = penpilot("stop", "--port", address(native_pen))
    events = wait_for_truth(
        native_pen.truth,
        lambda seen: "needles_still" in [e.event for e in seen[before:]],
        "needles still",
    )
    sources = [e.fields["source"] for e in events[before:] if e.event == "stop"]

    assert done.returncode == 0, done.stderr
    assert "byte" == sources[0]
