"""Breadth-first search over any finite or endless space; it knows nothing of pens.

Breadth first, hence the first path to a bad state is a shortest one. Of the way back only the
number of each state's predecessor is kept; what happened between two states is asked again.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
Step = tuple[str, S]


@dataclass(frozen=True)
class Outcome(Generic[S]):
    """What a search found.

    Attributes:
        states: Distinct states that were reached.
        expanded: Those of them whose successors were all generated.
        depth: Steps to the farthest of them.
        is_complete: Whether every reachable state was visited (a fixpoint).
        violation: What the last state of the trace breaks, or None.
        trace: The shortest way to it, from the first state.
    """

    states: int
    expanded: int
    depth: int
    is_complete: bool
    violation: str | None
    trace: tuple[Step[S], ...]

    @property
    def frontier(self) -> int:
        """States that were reached and not expanded."""
        return self.states - self.expanded


def explore(
    first: S,
    successors: Callable[[S], Iterable[Step[S]]],
    broken: Callable[[S], str | None],
    states_max: int,
    share: Callable[[S], S] = lambda state: state,
) -> Outcome[S]:
    """Visit states in the order of their distance, until one is broken or the number is reached.

    Args:
        first: Where it begins.
        successors: The steps from a state, with a text each.
        broken: What is wrong with a state, or None.
        states_max: How many distinct states are visited at most, 1 or more.
        share: Returns an equal state that shares its parts with others, to save memory.
    """
    was_enabled = gc.isenabled()
    gc.disable()  # states refer to nothing that refers back, and there are millions of them
    try:
        return _explore(first, successors, broken, states_max, share)
    finally:
        if was_enabled:
            gc.enable()


def _explore(
    first: S,
    successors: Callable[[S], Iterable[Step[S]]],
    broken: Callable[[S], str | None],
    states_max: int,
    share: Callable[[S], S],
) -> Outcome[S]:
    found: list[S] = [first]
    seen: set[S] = {first}
    parents = array("I", [0])
    head, depth, level_end = 0, 0, 1
    violation = broken(first)
    while violation is None and head < len(found) < states_max:
        if head == level_end:
            depth, level_end = depth + 1, len(found)
        for _, state in successors(found[head]):
            if state in seen:
                continue
            kept = share(state)
            seen.add(kept)
            found.append(kept)
            parents.append(head)
            violation = broken(state)
            if violation is not None or len(found) == states_max:
                break
        else:
            head += 1
            continue
        break
    return Outcome(
        states=len(found),
        expanded=head,
        depth=depth + (len(found) > level_end),
        is_complete=head == len(found),
        violation=violation,
        trace=_way_back(found, parents, successors) if violation is not None else (),
    )


def _way_back(
    found: Sequence[S], parents: Sequence[int], successors: Callable[[S], Iterable[Step[S]]]
) -> tuple[Step[S], ...]:
    """Return the way to the state found last, and what happened at each step."""
    way = [len(found) - 1]
    while way[-1]:
        way.append(parents[way[-1]])
    states = [found[i] for i in reversed(way)]
    steps: list[Step[S]] = [("the beginning", states[0])]
    for before, after in pairwise(states):
        steps.append(next(step for step in successors(before) if step[1] == after))
    return tuple(steps)
