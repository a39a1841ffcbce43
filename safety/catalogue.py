"""The catalogue of causes: severity, plain words, harm and onset of each, as data; no logic.

Source of the severities: [SAF] 4 and 5, DESIGN 4. Harm and onset are those that are left while the
host acts on the severity, so that over-depth is high, a motor that was stopped medium, and a low
battery low ([DOM] 2.5).
"""

from __future__ import annotations

from safety.catalogue_measured import MEASURED
from safety.catalogue_told import TOLD
from safety.cause_kinds import CauseCode, CauseKind

CATALOGUE: dict[CauseCode, CauseKind] = MEASURED | TOLD
"""Every cause, in the order of their themes. Source: [SAF] 4 and 5, DESIGN 4."""
