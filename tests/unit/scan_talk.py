"""One scan of a bench with other facts, and what it took, refused and wrote; it judges nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from safety.facts import Role
from safety.states import Event

if TYPE_CHECKING:
    from safety.memory import Decision
    from tests.unit.conftest import Bench

PRACTITIONER, TECHNICIAN = Role.PRACTITIONER, Role.TECHNICIAN


def step(bench: Bench, **changes: Any) -> Decision:
    """Do one scan with other facts, which the bench then forgets; no order reaches the pen."""
    facts = replace(bench.facts(), **changes)
    decision = bench.core.step(bench.memory, facts, (), bench.now_ms)
    bench.memory = decision.memory
    bench.now_ms += 50
    return decision


def events(decision: Decision) -> list[Event]:
    """Return what was taken in this scan."""
    return [firing.event for firing in decision.firings if not firing.is_refused]


def rules(decision: Decision) -> list[str]:
    """Return the requirements that refused something in this scan."""
    return [refusal.rule for refusal in decision.refusals]


def written(bench: Bench, word: str) -> list[dict[str, Any]]:
    """Return the bodies of all entries of one kind."""
    return [body for kind, body in bench.entries if kind == word]
