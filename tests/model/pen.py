"""The pen's end: what it takes, how it stops, and what it answers. It knows no host's wishes.

Every function returns a new state. A stop draws a line: whatever was said before it is old.
"""

from __future__ import annotations

from tests.model.rules import LEASE, WINDOW, Evil, Rules
from tests.model.state import (
    DENIED,
    FAR,
    NONE,
    OLD,
    OWN_TOKEN,
    SPENT,
    STALE,
    STRANGER,
    At,
    Host,
    Kind,
    Left,
    Mode,
    Order,
    Pen,
    State,
    Status,
    older,
    orders_behind_line,
    orders_later,
    orders_marked,
    orders_old,
    statuses_behind_line,
    statuses_later,
)

_TAKEN_IN: dict[int, tuple[At, ...]] = {
    Kind.OPEN: (At.SAFE,),
    Kind.ARM: (At.SAFE, At.READY),
    Kind.START: (At.READY,),
    Kind.RENEW: (At.RUN,),
    Kind.RESET: (At.FAULT,),
}
"""Source: docs/protocol.md 3."""

_EVERY = -1
"""A stop that is not the host's is later than every order on the wire."""


def receive(state: State, order: Order, rules: Rules, scope_statuses: int) -> list[State]:
    """Return what may follow when the pen hears that order: it obeys or not, and it answers."""
    if order.kind == Kind.STOP:
        state = _stop_taken(state, order.back, rules)
    else:
        state = _heard(state, order, rules)
    return _answered(state, order, rules, scope_statuses)


def halted(state: State, at: int, rules: Rules, stop: int = _EVERY) -> State:
    """Return the state once the pen has stopped: no token, no lease, and all before it is old."""
    host, pen, orders, statuses, left, evil = state
    pen = Pen(at, NONE, FAR, 0, 0, pen.last)
    state = State(host, pen, orders_old(orders, stop), statuses, left, evil)
    return _line_drawn(state) if rules.stop_draws_line else state


def _line_drawn(state: State) -> State:
    """From now on OPEN and RESET must echo a later tick than the present one."""
    host, pen, orders, statuses, left, evil = state
    host = Host(*host[:5], 0, *host[6:])
    return State(host, pen, orders_behind_line(orders), statuses_behind_line(statuses), left, evil)


def tick(state: State, rules: Rules) -> State:
    """Return the state 50 ms later. When the tick reaches the lease's end the pen stops."""
    host, pen, orders, statuses, left, evil = state
    if host.age < STALE:
        host = host._replace(age=older(host.age))
    if pen.at == At.RUN:
        pen = pen._replace(lease=max(pen.lease - 1, 0), echo=older(pen.echo))
    state = State(host, pen, orders_later(orders), statuses_later(statuses), left, evil)
    return _lease_ended(state, rules)


def by_itself(state: State, rules: Rules) -> list[tuple[str, State]]:
    """Return what the pen, and others who are at it, may do without a word from the host."""
    pen, left = state.pen, state.left
    moves: list[tuple[str, State]] = []
    if pen.at == At.STOPPING:
        moves.append(("the needles come to rest", state._replace(pen=pen._replace(at=At.SAFE))))
    if left.strangers:
        fewer = State(*state[:4], Left(*left[:3], left.strangers - 1), state.evil)
        stopped = halted(fewer, _at_after_stop(pen.at), rules)
        moves.append(("the stop button is pressed, or STOP comes by function 06", stopped))
        foreign = stopped.pen._replace(last=FAR)
        moves.append(("the pen takes another program's STOP", stopped._replace(pen=foreign)))
        if pen.at == At.SAFE:
            opened = fewer._replace(pen=Pen(At.SAFE, STRANGER, FAR, 0, 0, FAR))
            opened = _line_drawn(opened) if rules.open_draws_line else opened
            moves.append(("the pen takes another host's OPEN", opened))
    if left.faults and pen.at in (At.READY, At.RUN):
        fewer = state._replace(left=left._replace(faults=left.faults - 1))
        moves.append(("the pen finds a fault", halted(fewer, At.FAULT, rules)))
    if left.reboots:
        moves.append(("the pen restarts", _rebooted(state)))
    return moves


def can_be_taken(order: Order, rules: Rules) -> bool:
    """Return whether any pen could ever obey this order, by what stands in the order alone."""
    if order.kind == Kind.STOP:
        return True
    if order.kind == Kind.POLL:
        return False
    if not rules.open_names_epoch:
        return True  # the clock of a later boot may come by
    if order.boot or (order.kind in OWN_TOKEN and not order.after):
        return False
    return order.age < STALE or not rules.tick_is_checked


def _heard(state: State, order: Order, rules: Rules) -> State:
    """Apply the rules of docs/protocol.md 6; which of them refuses makes no difference here."""
    kind, token, back, age, after, boot, _ = order
    pen = state.pen
    ahead = pen.newest - back
    if token == pen.token and ahead >= 1:
        pen = Pen(pen.at, token, back, pen.lease, pen.echo, pen.last)
        state = State(state.host, pen, *state[2:])
    if kind == Kind.POLL or pen.at not in _TAKEN_IN[kind]:
        return state
    if rules.tick_is_checked and age >= STALE and not boot:
        return state
    if kind in OWN_TOKEN:
        is_refused = rules.open_names_epoch if boot else not after
    else:
        is_foreign = rules.token_is_checked and token != pen.token
        is_refused = is_foreign or (rules.sequence_is_checked and not 1 <= ahead <= WINDOW)
    return state if is_refused else _obeyed(state, order, rules)


def _obeyed(state: State, order: Order, rules: Rules) -> State:
    host, pen, orders, statuses, left, evil = state
    kind, back = order.kind, order.back
    evil = evil or _evil_of(order, pen)
    lease = echo = 0
    if kind == Kind.OPEN:
        pen = Pen(At.SAFE, order.token, back, 0, 0, back)
    elif kind == Kind.ARM:
        pen = pen._replace(at=At.READY, last=back)
    elif kind == Kind.RESET:
        pen = Pen(At.SAFE, NONE, FAR, 0, 0, back)
    else:
        # The clock of a later boot comes by an old echo; at the worst it has just got there.
        echo = 0 if order.boot else order.age
        lease = max(LEASE - echo, 0) if rules.lease_is_from_echo else LEASE
        pen = pen._replace(at=At.RUN, lease=lease, echo=echo, last=back)
        if kind == Kind.START and host.mode == Mode.STARTING and host.asked == back:
            host = host._replace(taken=1)
    if kind != Kind.RENEW:
        orders = orders_marked(orders, back, SPENT)
    state = State(host, pen, orders, statuses, left, evil)
    draws_line = rules.open_draws_line if kind == Kind.OPEN else rules.stop_draws_line
    if kind in OWN_TOKEN:
        return _line_drawn(state) if draws_line else state
    return _lease_ended(state, rules)


def _evil_of(order: Order, pen: Pen) -> int:
    """Return what is wrong with obeying that order, or 0; the worst first."""
    kind, marks = order.kind, order.marks
    is_start = kind == Kind.START
    wrongs = (
        (is_start and marks & OLD, Evil.MOTION_AFTER_STOP),
        (is_start and order.boot, Evil.MOTION_AFTER_BOOT),
        (is_start and marks & SPENT, Evil.STARTED_TWICE),
        (marks & DENIED, Evil.SETTLED_WRONG),
        (marks & OLD, Evil.TAKEN_AFTER_STOP),
        (order.boot, Evil.TAKEN_AFTER_BOOT),
        (kind == Kind.RESET and marks & SPENT, Evil.RESET_TWICE),
        (kind not in OWN_TOKEN and order.token != pen.token, Evil.FOREIGN_TOKEN),
    )
    return next((evil for is_wrong, evil in wrongs if is_wrong), 0)


def _at_after_stop(at: int) -> int:
    """Needles that may be out must be retracted first."""
    return At.STOPPING if at in (At.READY, At.RUN) else at


def _stop_taken(state: State, back: int, rules: Rules) -> State:
    """STOP needs nothing; it carries no number that a pen may trust."""
    before = state.pen
    state = halted(state, _at_after_stop(before.at), rules, back)
    host, pen, orders, statuses, left, evil = state
    pen = Pen(*pen[:5], back)
    if not rules.stop_voids_token:
        pen = pen._replace(token=before.token, newest=before.newest)
    if not rules.stop_ends_ready and before.at in (At.READY, At.RUN):
        pen = pen._replace(at=At.READY)
    return State(host, pen, orders, statuses, left, evil)


def _lease_ended(state: State, rules: Rules) -> State:
    if state.pen.at == At.RUN and state.pen.lease == 0 and rules.lease_ends:
        return halted(state, At.STOPPING, rules)
    return state


def _rebooted(state: State) -> State:
    """All that was said is of an earlier boot; nothing of it dies on the wire by that."""
    host, _, orders, statuses, left, evil = state
    return State(
        Host(*host[:6], 1, host.taken),
        Pen(At.SAFE, NONE, FAR, 0, 0, FAR),
        tuple(o._replace(boot=1, after=0) for o in orders),
        tuple(s._replace(boot=1, after=0) for s in statuses),
        Left(left.crashes, left.reboots - 1, left.faults, left.strangers),
        evil,
    )


def _answered(state: State, order: Order, rules: Rules, room: int) -> list[State]:
    """Put the answer on the wire; if that is full, one of them is lost."""
    if rules.answer_is_own and (order.back or not state.host.is_waiting):
        return [state]
    pen = state.pen
    answer = Status(order.back, pen.at, pen.last, 0, 1, 0)
    if answer in state.statuses:
        return [state]
    held = tuple(sorted((*state.statuses, answer)))
    if len(held) <= room:
        return [State(*state[:3], held, *state[4:])]
    some = [held[:i] + held[i + 1 :] for i in range(len(held))]
    return [State(*state[:3], kept, *state[4:]) for kept in some]
