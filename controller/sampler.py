"""Picks measurements of a running pen for the record, now and then; never loses the deepest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAMPLE_MS = 250
"""How often a measurement goes into the record. ASSUMED: enough for a chart."""


class Sampler:
    """Remembers the greatest depth since the last sample of the same pass."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._sampled_ms: int | None = None
        self._deepest_um: int | None = None

    def take(self, frame: Mapping[str, Any], now_ms: int) -> dict[str, Any] | None:
        """Return the body of a ``scan`` entry if one is due, what is not known left out.

        Args:
            frame: As `controller.snapshot` makes it.
            now_ms: Host's monotonic clock.
        """
        pen, current = frame["pen"] or {}, frame["current"] or {}
        if frame["state"] != "RUNNING":
            # What was measured before a pass, over another area perhaps, is none of its depths.
            self._deepest_um = self._sampled_ms = None
            return None
        depth_um = pen.get("depth_um")
        if depth_um is not None:
            known = self._deepest_um
            self._deepest_um = depth_um if known is None else max(depth_um, known)
        if self._sampled_ms is not None and now_ms - self._sampled_ms < SAMPLE_MS:
            return None
        body = {
            "t_ms": now_ms,
            "area": current.get("area"),
            "depth_um_set": current.get("depth_um"),
            "depth_um": self._deepest_um,
            "speed_dhz": pen.get("speed_dhz"),
            "contact": pen.get("has_contact"),
        }
        self._sampled_ms, self._deepest_um = now_ms, None
        return {name: value for name, value in body.items() if value is not None}
