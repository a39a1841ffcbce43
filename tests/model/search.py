"""One search, measured: which rules, which scope, how many states, and what came of it."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

from tests.model.explorer import Outcome, explore
from tests.model.product import breach, first_state, sharer, steps
from tests.model.rules import Evil, Rules, Scope
from tests.model.state import State

_KIB_PER_UNIT = 1 / 1024 if sys.platform == "darwin" else 1


@dataclass(frozen=True)
class Search:
    """What was found and what it cost.

    Attributes:
        outcome: States, depth and the trace of a violation.
        seconds: Of the clock on the wall.
        cpu_seconds: Of this process.
        memory_mib_max: Peak of this process since it began.
    """

    outcome: Outcome[State]
    seconds: float
    cpu_seconds: float
    memory_mib_max: int


def search(
    rules: Rules, scope: Scope, states_max: int, watched: frozenset[Evil] = frozenset(Evil)
) -> Search:
    """Explore these rules within that scope and watch for these evils; every one by default."""
    began, began_cpu = time.perf_counter(), time.process_time()
    outcome = explore(
        first_state(scope), steps(rules, scope, watched), breach(watched), states_max, sharer()
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB_PER_UNIT
    return Search(
        outcome=outcome,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - began_cpu,
        memory_mib_max=round(peak / 1024),
    )
