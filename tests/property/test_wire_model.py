"""The wire's rules, explored: no violation as far as the search goes, and every mutant found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from tests.model.__main__ import main
from tests.model.explorer import Outcome, explore
from tests.model.product import first_state, steps
from tests.model.rules import LEASE, MUTANTS, SAFE, SCOPES, TEXTS, Evil, Rules, Scope
from tests.model.search import search
from tests.model.state import At, Host, Mode, Pen, State
from tests.model.trace import drawn

pytestmark = pytest.mark.xdist_group("model")
"""One process searches each mutant once and keeps what it found."""

STATES = {"all": 300_000} | dict.fromkeys(sorted(SCOPES.keys() - {"all"}), 5_000)
EVERY = frozenset(Evil)
AT_ONCE = Scope(orders=3, statuses=1, crashes=0, reboots=0, faults=0, strangers=0, has_time=False)


@cache
def mutant_outcome(name: str) -> Outcome[State]:
    """Search for the harm that the mutant must show."""
    mutant = MUTANTS[name]
    return search(mutant.rules, mutant.scope, 400_000, frozenset({mutant.shows})).outcome


def first_way(is_so: Callable[[State], bool], scope: Scope) -> list[str]:
    """Return what happens on a shortest way to such a state, under the safe rules."""

    def reached(state: State) -> str | None:
        return "reached" if is_so(state) else None

    outcome = explore(first_state(scope), steps(SAFE, scope, EVERY), reached, 100_000)
    assert outcome.violation == "reached"
    return [text for text, _ in outcome.trace]


@pytest.mark.req("SR-005", "SR-011", "SR-012")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", STATES)
def test_wire_model_breaks_no_rule_in_any_state_visited(name: str) -> None:
    """So many states of that scope, or all of them if they are fewer, are without violation."""
    outcome = search(SAFE, SCOPES[name], STATES[name]).outcome

    assert outcome.violation is None, drawn(outcome.trace)
    assert outcome.states == STATES[name] or outcome.is_complete


def test_wire_model_is_searched_over_300_000_states() -> None:
    """The broad scope alone is searched as far as the issue asks."""
    assert STATES["all"] >= 300_000


@pytest.mark.req("SR-005", "SR-011", "SR-012")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_wire_mutant_is_found_by_a_trace_that_replays(name: str) -> None:
    """Each mutant's harm is found, each step of its trace is one, and the safe rules lack it."""
    mutant = MUTANTS[name]
    outcome = mutant_outcome(name)
    sound = search(SAFE, mutant.scope, min(outcome.states, 2_000)).outcome

    assert outcome.violation == TEXTS[mutant.shows]
    successors = steps(mutant.rules, mutant.scope, frozenset({mutant.shows}))
    assert outcome.trace[0] == ("the beginning", first_state(mutant.scope))
    for (_, before), step in pairwise(outcome.trace):
        assert step in list(successors(before))
    assert outcome.depth == len(outcome.trace) - 1
    assert sound.violation is None


@pytest.mark.req("SR-005")
def test_sequence_only_restarts_the_motor_after_stop_within_12_steps() -> None:
    """The known flaw: a START parked in a buffer is taken after the STOP that followed it."""
    outcome = mutant_outcome("sequence-only")
    told = [text for text, _ in outcome.trace]

    assert len(told) - 1 <= 12
    assert told[-1] == "pen hears START"
    assert told.index("host asks START") < told.index("host asks STOP")
    assert told.index("pen hears STOP") < len(told) - 1
    assert outcome.trace[-1][1].pen.at == At.RUN


def test_wire_model_runs_two_passes_under_the_safe_rules() -> None:
    """The rules are not safe by forbidding everything: a pass runs on, stops, and another runs."""
    first, start = ("OPEN", "ARM", "START"), first_state(replace(AT_ONCE, has_time=True))
    running = play(start, [*exchanges(*first), "50 ms pass", "50 ms pass", *exchanges("RENEW")])
    renewed = play(running, exchanges("RENEW"))
    again = play(
        renewed,
        [*exchanges("STOP"), "the needles come to rest", *exchanges("POLL"), *exchanges(*first)],
    )

    assert (At.RUN, LEASE - 2, LEASE) == (running.pen.at, running.pen.lease, renewed.pen.lease)
    assert (Mode.RUNNING, At.RUN) == (again.host.mode, again.pen.at)


def play(state: State, told: list[str]) -> State:
    """Let that happen, one after the other, under the safe rules."""
    successors = steps(SAFE, replace(AT_ONCE, has_time=True), EVERY)
    for text in told:
        state = next(after for happened, after in successors(state) if happened == text)
    return state


def exchanges(*names: str) -> list[str]:
    """Return the steps of exchanges in which nothing goes wrong."""
    told = (("host asks " + n, "pen hears " + n, "host reads a status") for n in names)
    return [text for texts in told for text in texts]


@pytest.mark.parametrize("mode", Mode)
def test_wire_model_reaches_every_mode_of_the_host(mode: Mode) -> None:
    """No state of the host is left out of the search."""
    scope = replace(AT_ONCE, orders=1, crashes=1, faults=1)

    assert first_way(lambda state: state.host.mode == mode, scope)[0] == "the beginning"


@pytest.mark.parametrize("at", At)
def test_wire_model_reaches_every_state_of_the_pen(at: At) -> None:
    """No state of the pen is left out of the search."""
    scope = replace(AT_ONCE, orders=1, faults=1)

    assert first_way(lambda state: state.pen.at == at, scope)[0] == "the beginning"


@pytest.mark.parametrize("name", ["safe", "sequence-only", "open-before-stop", "open-before-boot"])
def test_pruning_hides_no_state_of_host_and_pen(name: str) -> None:
    """With and without leaving out dead orders, the same hosts meet the same pens at each depth."""
    rules = MUTANTS[name].rules if name in MUTANTS else SAFE
    scope = Scope(orders=3, statuses=1, crashes=1, reboots=1, faults=0, strangers=1)

    pruned = list(_met(rules, scope, 6))

    assert pruned == list(_met(rules, replace(scope, is_pruned=False), 6))


def _met(rules: Rules, scope: Scope, depth: int) -> Iterator[set[tuple[Host, Pen]]]:
    successors = steps(rules, scope, EVERY)
    seen = level = {first_state(scope)}
    for _ in range(depth):
        level = {after for state in level for _, after in successors(state)} - seen
        seen = seen | level
        yield {(state.host, state.pen) for state in seen}


def jugs(state: tuple[int, int]) -> Iterable[tuple[str, tuple[int, int]]]:
    """Two jugs of 5 and 3 litres: fill, empty, pour."""
    a, b = state
    pour, back = min(a, 3 - b), min(b, 5 - a)
    yield "fill a", (5, b)
    yield "fill b", (a, 3)
    yield "empty a", (0, b)
    yield "empty b", (a, 0)
    yield "a to b", (a - pour, b + pour)
    yield "b to a", (a + back, b - back)


def is_four(state: tuple[int, int]) -> str | None:
    """Return whether four litres have been measured."""
    return "four" if state[0] == 4 else None


def test_explorer_finds_the_known_shortest_path() -> None:
    """Four litres out of jugs of five and three take six steps, and no way is shorter."""
    outcome = explore((0, 0), jugs, is_four, 1_000)
    told = [text for text, _ in outcome.trace[1:]]

    assert told == ["fill a", "a to b", "empty b", "a to b", "fill a", "a to b"]
    assert outcome.trace[-1] == ("a to b", (4, 3))


def test_explorer_visits_every_state_once_and_says_so() -> None:
    """The jugs have 16 reachable states; the search ends by itself."""
    outcome = explore((0, 0), jugs, lambda _: None, 1_000)

    assert (16, 0, True, None) == (
        outcome.states,
        outcome.frontier,
        outcome.is_complete,
        outcome.violation,
    )


@pytest.mark.parametrize("depth", [0, 1, 2, 7, 12])
def test_explorer_finds_a_violation_at_its_own_depth(depth: int) -> None:
    """A canary at depth n of a binary tree is found at depth n, and not in the levels above it."""

    def children(node: int) -> list[tuple[str, int]]:
        return [("left", 2 * node), ("right", 2 * node + 1)]

    canary = 2**depth + depth % 2
    outcome = explore(1, children, lambda n: "canary" if n == canary else None, 10_000)
    short = explore(1, children, lambda n: "canary" if n == canary else None, max(canary - 1, 1))

    assert (depth, "canary", canary) == (outcome.depth, outcome.violation, outcome.states)
    assert len(outcome.trace) == depth + 1
    assert short.violation is None or depth == 0


def test_explorer_stops_at_the_number_of_states_asked_for() -> None:
    """An endless space is visited as far as asked, and is not called complete."""
    outcome = explore(0, lambda n: [("next", n + 1)], lambda _: None, 500)

    assert (500, 499, False) == (outcome.states, outcome.depth, outcome.is_complete)


@pytest.mark.parametrize("evil", Evil)
def test_every_evil_has_a_text(evil: Evil) -> None:
    """Whatever is found can be named."""
    assert ":" in TEXTS[evil]


def test_program_exits_with_0_1_or_2(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is 0, a violation with its trace 1, a wrong call 2."""
    assert 0 == main(["--states", "500", "--json"])
    assert 500 == json.loads(capsys.readouterr().out)["states"]
    assert 1 == main(["--mutant", "blind-retry"])
    assert "SETTLED" not in (told := capsys.readouterr().out)
    assert TEXTS[Evil.SETTLED_WRONG] in told
    assert "host asks START" in told
    with pytest.raises(SystemExit) as ended:
        main(["--mutant", "no-such-mutant"])

    assert 2 == ended.value.code
