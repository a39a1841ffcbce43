"""The demo's watcher strikes once, half-way, while the needles run; and programs are ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hil.demo import DEFAULT_PLAN, Watcher, half_strokes
from hil.drills import DRILLS
from hil.programs import ProgramFailed, simulated_pen
from hil.truth import read_truth


class View:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def show(self, frame: dict[str, Any]) -> None:
        """Take a frame."""
        self.frames.append(frame)


def frame(strokes: int | None, state: str = "RUNNING") -> dict[str, Any]:
    """Return the frame of a pen that has made so many strokes."""
    return {"state": state, "pen": None if strokes is None else {"strokes": strokes}}


@pytest.fixture
def struck(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Signals that would have been sent."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def test_watcher_strikes_once_half_way_while_the_needles_run(
    struck: list[tuple[int, int]],
) -> None:
    """Not before, not at rest, not on old data, and never a second time; every frame is kept."""
    view = View()
    watcher = Watcher(view, DRILLS["host-killed"], 4_242, 100)
    early = [frame(99), frame(150, "STOPPING"), frame(None), frame(150, "ARMED")]
    for one in early:
        watcher.show(one)
    assert ([], None) == (struck, watcher.struck_us)

    for one in (frame(100), frame(101), frame(200)):
        watcher.show(one)
    assert [(4_242, signal.SIGKILL)] == struck
    assert watcher.struck_us is not None
    assert 7 == len(watcher.frames) == len(view.frames)


@pytest.mark.parametrize("name", [None, "over-depth", "cable-pull"])
def test_watcher_strikes_nobody_where_the_pen_is_what_fails(
    struck: list[tuple[int, int]], name: str | None
) -> None:
    """A drill of the pen has its fault in the pen."""
    watcher = Watcher(View(), DRILLS[name] if name else None, 4_242, 100)
    watcher.show(frame(500))

    assert ([], None) == (struck, watcher.struck_us)


def test_frozen_host_is_let_go_on_later(
    struck: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP is followed by SIGCONT to the same process after two seconds."""
    later: list[tuple[Any, ...]] = []

    class Timer:
        def __init__(self, *arguments: Any) -> None:
            later.append(arguments)

        def start(self) -> None:
            later.append(("started",))

    monkeypatch.setattr("hil.demo.threading.Timer", Timer)
    Watcher(View(), DRILLS["host-frozen"], 4_242, 100).show(frame(100))

    assert [(4_242, signal.SIGSTOP)] == struck
    assert [(2.0, os.kill, (4_242, signal.SIGCONT)), ("started",)] == later


def test_half_of_a_treatment_is_half_of_its_strokes() -> None:
    """Strokes of all passes of all areas; an area without a grant has none."""
    areas = [
        {"strokes_per_pass": 100, "passes": {"granted": 2}},
        {"strokes_per_pass": 51, "passes": {"granted": 1}},
        {"strokes_per_pass": 900, "passes": {"granted": None}},
    ]

    assert (125, 0) == (half_strokes(areas), half_strokes([]))


def test_default_plan_of_the_demo_exists() -> None:
    """The example that the demo treats lies where the demo looks."""
    assert DEFAULT_PLAN.is_file()


@pytest.mark.slow
def test_simulated_pen_runs_while_the_block_lasts_and_no_longer(tmp_path: Path) -> None:
    """Its port exists and its log says that it booted; afterwards the process is gone, port too."""
    with simulated_pen(tmp_path, seed=1) as pen:
        os.kill(pen.pid, 0)
        assert os.path.exists(pen.url)  # noqa: PTH110 a port is no path of ours
    assert "boot" == read_truth(pen.truth)[0].event
    with pytest.raises(ProcessLookupError):
        os.kill(pen.pid, 0)


@pytest.mark.slow
def test_simulated_pen_that_does_not_start_says_why(tmp_path: Path) -> None:
    """Its own words are in the error, and nothing is left running."""
    with (
        pytest.raises(ProgramFailed, match="no fault 'earthquake'"),
        simulated_pen(tmp_path, faults=["earthquake@tick=1"]),
    ):
        pytest.fail("it started")
