"""A pen without proof gets less, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.grants import UNPAIRED_LIMITS
from safety.limits import Layer, Quantity
from tests.unit.granting import PEN, granted

UNPAIRED = replace(PEN, is_paired=False)


@pytest.mark.req("SR-056", "HZ-78")
def test_unpaired_pen_gets_500_um_and_100_strokes_at_most() -> None:
    """More is brought down, with the reason and what to do; a paired pen gets what it was asked."""
    less = granted(UNPAIRED, depth_um=800, speed_dhz=1_200)
    full = granted(PEN, depth_um=800, speed_dhz=1_200)

    assert (500, 1_000) == (less.depth.granted, less.speed.granted)
    assert (800, 1_200) == (full.depth.granted, full.speed.granted)
    assert not less.is_granted
    for sentence in less.refusals():
        assert "unpaired pen: pair it with a technician" in sentence


@pytest.mark.req("SR-056")
def test_unpaired_pen_is_granted_what_is_within_its_limits() -> None:
    """A shallow plan needs no pairing."""
    assert granted(UNPAIRED, depth_um=500, speed_dhz=1_000).is_granted


@pytest.mark.req("SR-056", "SR-001")
def test_pairing_raises_no_other_limit() -> None:
    """The tighter limit of pen, cartridge or area binds as before, paired or not."""
    shallow = replace(UNPAIRED, depth_um_max=300, speed_dhz_max=800)
    grant = granted(shallow, depth_um=500, speed_dhz=1_000)

    assert (300, 800) == (grant.depth.granted, grant.speed.granted)


def test_limits_of_unpaired_pens_are_the_devices() -> None:
    """They speak of what the pen is told, and lie below every pen's own."""
    bounds = {(one.layer, one.quantity, one.low, one.high) for one in UNPAIRED_LIMITS}

    assert {
        (Layer.DEVICE, Quantity.DEPTH_UM, 0, 500),
        (Layer.DEVICE, Quantity.SPEED_DHZ, 0, 1_000),
    } == bounds
