"""Quantities on paper: one unit, a leading zero, and never less than was measured."""

from __future__ import annotations

import pytest

from controller.reports.wording import (
    clock,
    in_fours,
    minutes,
    mm_measured,
    mm_set,
    number,
    since,
    strokes_per_s,
)


@pytest.mark.parametrize(
    ("depth_um", "expected"),
    [
        (750, "0.75 mm"),
        (0, "0 mm"),
        (5, "0.005 mm"),
        (500, "0.5 mm"),
        (1_000, "1 mm"),
        (1_050, "1.05 mm"),
        (2_500, "2.5 mm"),
        (None, "not known"),
        (-1, "not known"),
    ],
)
def test_set_depth_has_a_leading_and_no_trailing_zero(depth_um: int | None, expected: str) -> None:
    """A dose that somebody entered reads as ISMP asks for."""
    assert expected == mm_set(depth_um)


@pytest.mark.req("SR-025", "HZ-68")
@pytest.mark.parametrize(
    ("depth_um", "expected"),
    [
        (750, "0.75 mm"),
        (751, "0.76 mm"),
        (748, "0.75 mm"),
        (500, "0.50 mm"),
        (0, "0.00 mm"),
        (-12, "-0.01 mm"),
        (-9, "0.00 mm"),
        (None, "not known"),
        (-32_768, "not known"),
    ],
)
def test_measured_depth_never_reads_as_less(depth_um: int | None, expected: str) -> None:
    """A measured depth is rounded up, and one that nobody measured is not known."""
    assert expected == mm_measured(depth_um)


def test_other_quantities_have_their_unit() -> None:
    """Speed, counts, times and hashes read as people compare them."""
    assert ["100 strokes/s", "80.5 strokes/s", "not known"] == [
        strokes_per_s(value) for value in (1_000, 805, None)
    ]
    assert ["12,000", "0", "not known"] == [number(value) for value in (12_000, 0, None)]
    assert ["4:07", "0:00", "75:00", "-0:05"] == [
        minutes(value) for value in (247_999, 999, 4_500_000, -5_000)
    ]
    assert "abcd ef01 23" == in_fours("abcdef0123")
    assert "14:03:05" == clock("2026-11-22T14:03:05.250Z")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-22T14:03:05.250Z", "0:00"),
        ("2026-11-22T15:03:06.250Z", "60:01"),
        ("2026-11-22T14:03:04.250Z", "-0:01"),
        ("2026-11-22T14:03:05", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_time_that_passed_is_shown_even_if_the_clock_was_set_back(at: str, expected: str) -> None:
    """A clock that was set back shows, and what is no time at all shows nothing."""
    assert expected == since("2026-11-22T14:03:05.250Z", at)
