"""`python -m tests.model`: explore the wire's rules, or a mutant of them.

Exit code 0: no violation. 1: a violation, with the shortest way to it. 2: it was called wrongly.
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.model.rules import MUTANTS, SAFE, SCOPES, Evil
from tests.model.search import Search, search
from tests.model.trace import drawn


def main(arguments: list[str] | None = None) -> int:
    """Run one search and print what came of it."""
    asked = _parser().parse_args(arguments)
    if asked.states < 1:
        _parser().error("--states must be 1 or more")
    rules, scope, watched = SAFE, SCOPES["all"], frozenset(Evil)
    if asked.mutant:
        mutant = MUTANTS[asked.mutant]
        rules, scope, watched = mutant.rules, mutant.scope, frozenset({mutant.shows})
    if asked.scope:
        scope = SCOPES[asked.scope]
    if asked.evil:
        watched = frozenset({Evil[asked.evil]})
    done = search(rules, scope, asked.states, watched)
    sys.stdout.write((_as_json(done) if asked.json else _as_text(done)) + "\n")
    return 0 if done.outcome.violation is None else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--states", type=int, default=300_000, help="visit so many at most")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="explore this variant")
    parser.add_argument("--scope", choices=sorted(SCOPES), help="default: all, or the mutant's")
    parser.add_argument("--evil", choices=[e.name for e in Evil], help="watch for this alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _figures(done: Search) -> dict[str, object]:
    outcome = done.outcome
    return {
        "states": outcome.states,
        "depth": outcome.depth,
        "frontier": outcome.frontier,
        "is_complete": outcome.is_complete,
        "seconds": round(done.seconds, 2),
        "cpu_seconds": round(done.cpu_seconds, 2),
        "states_per_s": round(outcome.states / max(done.seconds, 1e-9)),
        "states_per_cpu_s": round(outcome.states / max(done.cpu_seconds, 1e-9)),
        "memory_mib_max": done.memory_mib_max,
        "violation": outcome.violation,
        "steps": max(len(outcome.trace) - 1, 0),
    }


def _as_json(done: Search) -> str:
    told = _figures(done) | {"trace": [text for text, _ in done.outcome.trace]}
    return json.dumps(told, sort_keys=True)


def _as_text(done: Search) -> str:
    lines = [f"{name}: {value}" for name, value in _figures(done).items()]
    if done.outcome.trace:
        lines.append(drawn(done.outcome.trace))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
