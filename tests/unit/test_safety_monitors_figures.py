"""The figures of the monitors, compared with a snapshot of them, to the last digit."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

FIGURES = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "monitor_figures.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", FIGURES)
def test_figures_are_unchanged_since_they_were_noted(module: str) -> None:
    """A time that is off by one is seen by no scan, which comes every 50 ms; it is seen here."""
    there = importlib.import_module(f"safety.monitors.{module}")
    found = {name: getattr(there, name) for name in FIGURES[module]}

    assert FIGURES[module] == {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items()
    }
