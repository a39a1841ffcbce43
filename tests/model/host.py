"""The host's end: what it may ask, and what an answer tells it. It never sees the pen's truth.

The one exception is a mark that the rules must not use: `Host.taken`, by which a wrong belief is
found out.
"""

from __future__ import annotations

from tests.model.rules import Evil, Rules
from tests.model.state import (
    BACK_MAX,
    DENIED,
    FAR,
    NONE,
    OWN_TOKEN,
    STALE,
    TOKENS_MAX,
    UNKNOWN,
    At,
    Host,
    Kind,
    Mode,
    Order,
    State,
    Status,
    further,
    orders_behind,
    orders_marked,
)

_MAY_ASK: dict[int, tuple[Kind, ...]] = {
    Mode.IDLE: (Kind.POLL, Kind.OPEN, Kind.STOP),
    Mode.OPENING: (Kind.POLL, Kind.STOP),
    Mode.OPENED: (Kind.POLL, Kind.ARM, Kind.STOP),
    Mode.ARMING: (Kind.POLL, Kind.STOP),
    Mode.ARMED: (Kind.POLL, Kind.START, Kind.STOP),
    Mode.STARTING: (Kind.POLL, Kind.STOP),
    Mode.RUNNING: (Kind.RENEW, Kind.STOP),
    Mode.STOPPING: (Kind.POLL, Kind.STOP),
    Mode.FAULTED: (Kind.POLL, Kind.RESET, Kind.STOP),
    Mode.DEAD: (),
}
"""Orders that add nothing may follow an unknown outcome, the others never. Source:
docs/protocol.md 7."""

_ONCE: dict[int, Mode] = {Kind.OPEN: Mode.OPENING, Kind.ARM: Mode.ARMING, Kind.START: Mode.STARTING}
_AGELESS = (Kind.POLL, Kind.STOP)
_ADDS_NOTHING = (Kind.POLL, Kind.RENEW, Kind.STOP)


_EXPECTS: dict[int, tuple[At, Mode]] = {
    Mode.OPENED: (At.SAFE, Mode.IDLE),
    Mode.ARMED: (At.READY, Mode.STOPPING),
    Mode.RUNNING: (At.RUN, Mode.STOPPING),
}
"""Where the pen should be, and what to do if it is not."""

_AFTER_STOP: dict[int, Mode] = {At.SAFE: Mode.IDLE, At.FAULT: Mode.FAULTED}


def askable(state: State, rules: Rules) -> list[Kind]:
    """Return what this host may ask now; a request in flight is given up by asking another."""
    host, orders = state.host, state.orders
    if any(o.back >= BACK_MAX for o in orders):
        return []
    kinds = list(_MAY_ASK[host.mode])
    if host.mode == Mode.STARTING and not rules.start_is_never_repeated:
        kinds.append(Kind.START)
    if host.age >= STALE:
        # What permits an order is fresh telemetry; a host that does not know the pen only looks.
        kinds = [k for k in kinds if k in _ADDS_NOTHING]
    tokens = [o.token for o in orders] + [state.pen.token % NONE]
    if max(tokens) >= TOKENS_MAX and state.pen.token != TOKENS_MAX + 1:
        kinds = [k for k in kinds if k != Kind.OPEN]
    return kinds


def asked(state: State, kind: Kind, room: int) -> list[State]:
    """Return the states after that request was written; a full wire has lost one of its orders."""
    host, pen, orders, _, left, evil = state
    tokens = 1 if kind == Kind.OPEN else 0
    if kind == Kind.START and host.mode == Mode.STARTING:
        evil = evil or (Evil.SETTLED_WRONG if host.taken else 0)
        orders = orders_marked(orders, host.asked, DENIED)
    orders = orders_behind(orders, tokens)
    after = host.after if kind in OWN_TOKEN else 0
    age = 0 if kind in _AGELESS else host.age
    order = Order(kind, 0, 0, age, after, host.boot, 0)
    pen_token = pen.token + tokens if pen.token < TOKENS_MAX else pen.token
    pen = pen._replace(newest=further(pen.newest), last=further(pen.last), token=pen_token)
    host = _after_asking(host, kind)
    kept = [orders]
    if len(orders) >= room:
        kept = [orders[:i] + orders[i + 1 :] for i in range(len(orders))]
    return [State(host, pen, (order, *rest), (), left, evil) for rest in kept]


def _after_asking(host: Host, kind: Kind) -> Host:
    mode, _, order, known, age, after, boot, taken = host
    order, known = further(order), further(known)
    if kind in _ONCE:
        mode, order, taken = _ONCE[kind], 0, 0
    elif kind == Kind.STOP:
        mode, order, known, taken = Mode.STOPPING, FAR, FAR, 0
    return Host(mode, 1, order, known, age, after, boot, taken)


def hear(state: State, status: Status, rules: Rules) -> State:
    """Return the state after the host has read that status. Rule: docs/protocol.md 7."""
    host = state.host
    if rules.answer_is_own and (status.back or not host.is_waiting):
        return state
    evil = state.evil
    if host.age != UNKNOWN and status.boot != host.boot:
        if rules.epoch_is_checked:
            return state._replace(host=forgetful(), statuses=())
        evil = evil or Evil.FOREIGN_EPOCH
    if status.back:
        evil = evil or Evil.FOREIGN_ANSWER
    tick = (status.age, status.after, status.boot)
    host = Host(host.mode, 0, host.asked, host.known, *tick, host.taken)
    statuses = () if rules.answer_is_own else state.statuses
    state = State(host, state.pen, state.orders, statuses, state.left, evil)
    return _believed(state, status, rules)


def forgetful() -> Host:
    """Return a host that has just begun, or begins anew since the pen has."""
    return Host(Mode.IDLE, 0, FAR, FAR, UNKNOWN, 0, 0, 0)


def _believed(state: State, status: Status, rules: Rules) -> State:
    """Settle what was unknown by the last order, and see whether the pen is where it should be."""
    host, at = state.host, status.at
    if host.mode == Mode.STARTING:
        return _start_settled(state, status, rules)
    if host.mode in (Mode.OPENING, Mode.ARMING):
        return _settled(state, status)
    if host.mode in _EXPECTS:
        expected, otherwise = _EXPECTS[host.mode]
        is_as_left = host.mode == Mode.RUNNING or status.last == host.known
        return state if at == expected and is_as_left else _in(state, otherwise)
    if host.mode == Mode.STOPPING and at in _AFTER_STOP:
        return _in(state, _AFTER_STOP[at])
    if host.mode == Mode.FAULTED and at != At.FAULT:
        return _in(state, Mode.IDLE)
    return state


def _settled(state: State, status: Status) -> State:
    """Settle an OPEN or ARM; where the last order is a third one, begin again from the start."""
    host, at = state.host, status.at
    is_taken = status.last == host.asked
    if host.mode == Mode.OPENING:
        return _in(state, Mode.OPENED if is_taken and at == At.SAFE else Mode.IDLE)
    if is_taken and at == At.READY:
        return _in(state, Mode.ARMED)
    if status.last == host.known and at == At.SAFE:
        return _denied(state, Mode.OPENED)
    return _in(state, Mode.STOPPING)


def _start_settled(state: State, status: Status, rules: Rules) -> State:
    """Executed if the last order says so; not executed only if nothing came after ARM."""
    host = state.host
    if not rules.start_is_settled_by_last_order or status.last == host.asked:
        return _in(state, Mode.RUNNING)
    if status.last == host.known:
        return _denied(state, Mode.ARMED)
    if rules.only_arm_as_last_order_denies_start:
        return _in(state, Mode.STOPPING)  # nobody knows: the pass counts as delivered
    return _denied(state, Mode.STOPPING)


def _denied(state: State, mode: Mode) -> State:
    """The host is sure that the pen did not take what was asked, and never will."""
    host = state.host
    evil = state.evil or (Evil.SETTLED_WRONG if host.taken else 0)
    orders = orders_marked(state.orders, host.asked, DENIED)
    host = host._replace(mode=mode, asked=FAR, taken=0)
    return state._replace(host=host, orders=orders, evil=evil)


def _in(state: State, mode: Mode) -> State:
    """Change the mode; forget what it does not need, so that equal states look equal."""
    host = state.host
    known = host.known
    if mode in (Mode.OPENED, Mode.ARMED) and host.asked != FAR:
        known = host.asked
    elif mode not in (Mode.OPENED, Mode.ARMED):
        known = FAR
    taken = host.taken if mode == Mode.RUNNING else 0
    return state._replace(host=host._replace(mode=mode, asked=FAR, known=known, taken=taken))
