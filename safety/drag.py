"""The drag rule: how slow a needle may strike at a protrusion; knows no limit, layer or area.

A needle that stands in the skin while the hand moves on drags it along. The tip of a crank pen is
at ``d - S/2 (1 - cos theta)``, so it is in the skin for ``arccos(1 - 2 d/S) / pi`` of every turn.
That share is stored as data, since nothing here may use a float; a test computes it anew.
"""

from __future__ import annotations

from safety.units import checked

STROKE_UM = 3_000
"""Mechanical stroke S of the needle bar. Source: [DOM] 4.4, the longer of its two strokes."""

HAND_UM_PER_S = 50_000
"""A fast hand. Source: [DOM] 4.4 and 6.4, 50 mm/s unless measured."""

DRAG_UM_MAX = 268
"""Longest drag of one stroke in the skin. ASSUMED from [DOM] 3.3 c, which lets 50 Hz go to 0.5 mm
and not beyond: the drag of just that, 267.7 um, rounded up. [DOM] 4.4 sees tracks at 500 um."""

DRAG_DEPTH_UM = 500
"""Beyond this protrusion `DRAG_SPEED_DHZ_MIN` holds as well. Source: [DOM] 3.3 c."""

DRAG_SPEED_DHZ_MIN = 800
"""Slowest speed beyond `DRAG_DEPTH_UM`, in tenths of strokes per second. Source: [DOM] 3.3 c."""

SHARE_STEP_UM = 50
"""Protrusion from one entry of `SHARE_PPM` to the next."""

PPM = 1_000_000
"""Parts of the whole turn."""

# fmt: off
SHARE_PPM = (
          0,  82_418, 116_886, 143_567, 166_258, 186_430, 204_833, 221_914, 237_964, 253_184,
    267_721, 281_687, 295_168, 308_233, 320_940, 333_334, 345_455, 357_338, 369_011, 380_499,
    391_827, 403_014, 414_078, 425_037, 435_906, 446_700, 457_432, 468_116, 478_764, 489_388,
    500_000, 510_613, 521_237, 531_885, 542_569, 553_301, 564_095, 574_964, 585_923, 596_987,
    608_174, 619_502, 630_990, 642_663, 654_546, 666_667, 679_061, 691_768, 704_833, 718_314,
    732_280,
)
# fmt: on
"""Share of a turn in the skin, in millionths, rounded up, at 0, 50 ... 2,500 um of protrusion.

Source: [DOM] 4.4, ``arccos(1 - 2 d/S) / pi``.
"""


def speed_dhz_undragged(depth_um: int) -> int:
    """Return the slowest speed that does not drag the skin, in tenths of strokes per second.

    Args:
        depth_um: Needle protrusion, 0 to 65,535. Between two entries of the table the deeper one
            counts; beyond its end, where nothing is ever granted, the last one.

    Raises:
        QuantityError: If the protrusion is not an integer in its range.

    Rule: SR-001. Source: [DOM] 4.4, drag = hand speed x share of a turn / strokes per second.
    """
    checked("depth_um", depth_um, 0, 0xFFFF)
    entry = -(-depth_um // SHARE_STEP_UM)
    share_ppm = SHARE_PPM[min(entry, len(SHARE_PPM) - 1)]
    speed_dhz = -(-10 * HAND_UM_PER_S * share_ppm // (PPM * DRAG_UM_MAX))
    return max(speed_dhz, DRAG_SPEED_DHZ_MIN) if depth_um > DRAG_DEPTH_UM else speed_dhz
