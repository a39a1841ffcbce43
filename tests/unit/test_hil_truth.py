"""Reading the pen's own log: whole lines only, one clock through restarts, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

from hil.truth import TrueEvent, first_after, read_truth, true_strokes
from simulator.pen import Pen


def line(event: str, tick_ms: int, epoch: int = 1, **fields: object) -> str:
    """Return one line of a log."""
    return json.dumps({"event": event, "tick_ms": tick_ms, "epoch": epoch, **fields}) + "\n"


BOOT = line("boot", 0, monotonic_us=5_000_000, serial_number=42)


def test_missing_log_is_an_empty_one(tmp_path: Path) -> None:
    """A pen that has written nothing yet has no events."""
    assert [] == read_truth(tmp_path / "none.jsonl")


def test_tick_becomes_a_moment_on_the_machines_clock(tmp_path: Path) -> None:
    """Boot tells where tick 0 lies; a restart begins anew with a clock of its own."""
    path = tmp_path / "truth.jsonl"
    again = line("boot", 0, 2, monotonic_us=9_000_000, serial_number=42)
    path.write_text(BOOT + line("motor_on", 1_500) + again + line("stop", 20, 2, source="order"))

    events = read_truth(path)
    assert [5_000_000, 6_500_000, 9_000_000, 9_020_000] == [e.monotonic_us for e in events]
    assert TrueEvent("stop", 20, 2, 9_020_000, {"source": "order"}) == events[-1]


def test_line_that_is_just_being_written_is_left_for_later(tmp_path: Path) -> None:
    """Half a line, even one that could be read, is no line."""
    path = tmp_path / "truth.jsonl"
    whole = line("motor_on", 7)
    path.write_text(BOOT + whole[:-9])
    assert ["boot"] == [e.event for e in read_truth(path)]

    path.write_text(BOOT + whole.rstrip("\n"))
    assert ["boot"] == [e.event for e in read_truth(path)]

    path.write_text(BOOT + whole)
    assert ["boot", "motor_on"] == [e.event for e in read_truth(path)]


def test_first_event_is_that_at_or_after_a_moment(tmp_path: Path) -> None:
    """Earlier ones of the same name do not count, and neither do others."""
    path = tmp_path / "truth.jsonl"
    path.write_text(BOOT + "".join(line("stop", tick, source="order") for tick in (1, 5, 9)))
    events = read_truth(path)

    found = first_after(events, "stop", 5_005_000)
    assert found is not None
    assert 5 == found.tick_ms
    assert first_after(events, "stop", 5_009_001) is None
    assert first_after(events, "lease_end", 0) is None


def test_strokes_are_those_at_the_last_standstill() -> None:
    """A log without a standstill has none."""
    stills = [TrueEvent("needles_still", 1, 1, 1, {"strokes": n}) for n in (12, 40)]

    assert (40, 0) == (true_strokes(stills), true_strokes([]))


def test_log_of_a_real_pen_can_be_read(tmp_path: Path) -> None:
    """What the simulated pen writes is what this reads, restart included."""
    path = tmp_path / "truth.jsonl"
    lines: list[str] = []
    pen = Pen(truth=lines.append, monotonic_us=77)
    pen.advance(500_000)
    pen.restart()
    pen.advance(900_000)
    path.write_text("".join(one if one.endswith("\n") else one + "\n" for one in lines))

    boots = [e for e in read_truth(path) if e.event == "boot"]
    assert [(1, 77), (2, 500_077)] == [(e.epoch, e.monotonic_us) for e in boots]
