"""A small matrix in which nothing is wrong, and the parts of the script that judges it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Rows = dict[str, list[dict[str, Any]]]


def part(name: str) -> Any:
    """Import a part of the script that lies in requirements/, which is no package."""
    sys.path.insert(0, str(ROOT / "requirements"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "requirements"))


trace_rows = part("trace_rows")

LINKED = {"group": "a", "text": "Fact.", "source": "s"}
HAZARD = LINKED | {"severity": 3, "stpa": "P", "cause": "c", "detection": "d", "reaction": "r"}
SMALL: Rows = {
    "requirement": [
        LINKED | {"id": "SR-001", "invariants": ["H01"]},
        LINKED | {"id": "SR-002", "invariants": [], "source": "DESIGN 1"},
    ],
    "hazard": [
        HAZARD | {"id": "HZ-01", "limit_ms": 0, "requirements": ["SR-001"], "invariants": ["H01"]},
        HAZARD
        | {"id": "HZ-02", "requirements": [], "invariants": ["S01"], "waits_for": "later/part"},
    ],
    "invariant": [
        LINKED | {"id": "H01"},
        LINKED | {"id": "S01", "waits_for": "later/part"},
    ],
    "cell": [
        LINKED | {"id": f"{action}-{letter}", "hazards": ["HZ-01"]}
        for action in trace_rows.ACTIONS
        for letter in trace_rows.STPA
    ],
}
"""Two requirements, a hazard that is shown, one that waits, and all cells."""

SHOWN = '@pytest.mark.req("SR-001", "SR-002", "HZ-01", "H01")\ndef test_a(): ...\n'
"""A test that shows all of it that does not wait."""
