"""Host x pen x wire x lease as one space: its first state, its steps, and what breaks it.

The wire never forgets: an order stays on it after delivery until a newer one needs the room, so
that loss is "never delivered", and delay, repetition and reordering need no steps of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from tests.model import pen as pens
from tests.model.host import askable, asked, forgetful, hear
from tests.model.rules import LEASE, TEXTS, Evil, Rules, Scope
from tests.model.state import (
    FAR,
    NONE,
    OWN_TOKEN,
    At,
    Host,
    Kind,
    Left,
    Mode,
    Order,
    Pen,
    State,
)

Orders = tuple[Order, ...]


def first_state(scope: Scope) -> State:
    """Return a host that has just identified a pen at rest."""
    host = forgetful()._replace(age=0, after=1)
    left = Left(scope.crashes, scope.reboots, scope.faults, scope.strangers)
    return State(host, Pen(At.SAFE, NONE, FAR, 0, 0, FAR), (), (), left, 0)


def steps(
    rules: Rules, scope: Scope, watched: frozenset[Evil]
) -> Callable[[State], Iterator[tuple[str, State]]]:
    """Return the function that gives all steps from a state; what is not watched is forgotten."""
    prune = _pruner(rules) if scope.is_pruned else _as_it_is

    def successors(state: State) -> Iterator[tuple[str, State]]:
        for text, after in _steps(state, rules, scope):
            tidy = plain(prune(after))
            if tidy.evil and tidy.evil not in watched:
                tidy = tidy._replace(evil=0)
            if tidy != state:
                yield text, tidy

    return successors


def _steps(state: State, rules: Rules, scope: Scope) -> Iterator[tuple[str, State]]:
    for kind in askable(state, rules):
        for after in asked(state, kind, scope.orders):
            yield f"host asks {kind.name}", after
    for order in state.orders:
        for after in pens.receive(state, order, rules, scope.statuses):
            yield _HEARD[order.kind], after
    for status in state.statuses:
        yield "host reads a status", hear(state, status, rules)
    yield from pens.by_itself(state, rules)
    if scope.has_time:
        yield "50 ms pass", pens.tick(state, rules)
    host, left = state.host, state.left
    if host.mode == Mode.DEAD:
        yield "host comes back, identifies the pen", state._replace(host=forgetful())
    elif left.crashes:
        dead = Host(Mode.DEAD, 0, FAR, FAR, 0, 0, 0, 0)
        fewer = left._replace(crashes=left.crashes - 1)
        yield "host dies", state._replace(host=dead, statuses=(), left=fewer)


_HEARD: dict[int, str] = {kind: f"pen hears {kind.name}" for kind in Kind}


def _as_it_is(state: State) -> State:
    return state


def _pruner(rules: Rules) -> Callable[[State], State]:
    """Leave out what can change nothing any more, so that equal states look equal.

    An order that no pen can ever obey is as good as lost, unless its answer is still waited for, or
    its number moves the newest one ahead.
    """

    @lru_cache(maxsize=1 << 18)
    def kept(orders: Orders, is_waiting: int, token: int, newest: int) -> Orders:
        tokens = {token}
        for order in orders:
            if order.kind == Kind.OPEN and pens.can_be_taken(order, rules):
                tokens.add(order.token)
        return tuple(
            o
            for o in orders
            if (is_waiting and (o.back == 0 or not rules.answer_is_own))
            or (o.token == token and o.back < newest)
            or _may_be_taken(o, tokens, rules)
        )

    def prune(state: State) -> State:
        host, pen, orders, statuses, left, evil = state
        fewer = kept(orders, host.is_waiting, pen.token, pen.newest)
        return state if fewer is orders else State(host, pen, fewer, statuses, left, evil)

    return prune


def _may_be_taken(order: Order, tokens: set[int], rules: Rules) -> bool:
    """Return whether there is a chance, given the tokens that are live or may become so."""
    if order.kind == Kind.STOP:
        return True
    if not pens.can_be_taken(order, rules):
        return False
    return order.kind in OWN_TOKEN or order.token in tokens or not rules.token_is_checked


def plain(state: State) -> State:
    """Forget which order was the last one, if it is none that the host could recognise."""
    host, pen, orders, statuses, left, evil = state
    ids = (host.asked, host.known)
    if pen.last != FAR and pen.last not in ids:
        pen = Pen(*pen[:5], FAR)
    for status in statuses:
        if status.last != FAR and status.last not in ids:
            named = {s if s.last in ids else s._replace(last=FAR) for s in statuses}
            statuses = tuple(sorted(named))
            break
    if pen is state.pen and statuses is state.statuses:
        return state
    return State(host, pen, orders, statuses, left, evil)


def sharer() -> Callable[[State], State]:
    """Return a function that keeps one of each host, pen and wire, however many states have it."""
    kept: dict[object, object] = {}

    def share(state: State) -> State:
        return State(*(kept.setdefault(part, part) for part in state))  # type: ignore[arg-type]

    return share


def breach(watched: frozenset[Evil]) -> Callable[[State], str | None]:
    """Return the function that names what a state breaks, of what is watched."""

    def broken(state: State) -> str | None:
        if state.evil:
            return TEXTS[Evil(state.evil)]
        return next((TEXTS[evil] for evil in _evils_of(state) if evil in watched), None)

    return broken


def _evils_of(state: State) -> Iterator[Evil]:
    """Yield what no state may be."""
    host, pen = state.host, state.pen
    if pen.at == At.RUN:
        if pen.lease == 0:
            yield Evil.MOTOR_WITHOUT_LEASE
        if pen.lease + pen.echo > LEASE:
            yield Evil.LEASE_TOO_LONG
        if host.mode == Mode.DEAD and host.age >= LEASE:
            yield Evil.MOTOR_AFTER_DEATH
        if pen.token == NONE:
            yield Evil.FOREIGN_TOKEN
    if host.mode == Mode.RUNNING and not host.taken:
        yield Evil.RUNNING_WITHOUT_START
