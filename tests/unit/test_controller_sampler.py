"""What of a running pen goes into the record."""

from __future__ import annotations

from typing import Any

import pytest

from controller.sampler import SAMPLE_MS, Sampler


def frame(
    depth_um: int | None, *, state: str = "RUNNING", area: str = "forehead"
) -> dict[str, Any]:
    """Return a frame of that depth; None for a pen of which nothing fresh is known."""
    pen = {"depth_um": depth_um, "speed_dhz": 1_000, "has_contact": True}
    return {
        "state": state,
        "pen": None if depth_um is None else pen,
        "current": {"area": area, "depth_um": 500},
    }


def test_sample_is_taken_at_once_and_then_at_its_interval() -> None:
    """The first scan of a pass is kept, and one every quarter of a second."""
    sampler = Sampler()
    taken = [ms for ms in range(0, 1_001, 50) if sampler.take(frame(500), ms) is not None]

    assert taken == [0, 250, 500, 750, 1_000]


def test_sample_holds_the_greatest_depth_since_the_one_before() -> None:
    """A short excess between two samples is not lost, and not kept for longer."""
    sampler = Sampler()
    sampler.take(frame(500), 0)
    sampler.take(frame(650), 50)
    second = sampler.take(frame(510), SAMPLE_MS)
    third = sampler.take(frame(505), 2 * SAMPLE_MS)

    assert second is not None
    assert third is not None
    assert (650, 505) == (second["depth_um"], third["depth_um"])


@pytest.mark.req("SR-025")
def test_depth_of_one_pass_is_never_told_of_the_next() -> None:
    """What was measured over one area does not appear over another one with a smaller limit."""
    sampler = Sampler()
    sampler.take(frame(500), 0)
    sampler.take(frame(505), 50)
    sampler.take(frame(10, state="STOPPING"), 100)
    first = sampler.take(frame(250, area="periorbital"), 150)

    assert first is not None
    assert ("periorbital", 250) == (first["area"], first["depth_um"])


@pytest.mark.req("SR-025")
def test_what_is_not_known_is_left_out() -> None:
    """A sample without fresh telemetry says only what was set."""
    sample = Sampler().take(frame(None), 0)

    assert sample == {"t_ms": 0, "area": "forehead", "depth_um_set": 500}
