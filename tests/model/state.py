"""One state of host, pen and wire, made of small numbers, and what happens to a number.

Everything is relative, so that states which differ only in when they happen are one state: an
age counts ticks up to now, `back` counts requests up to the newest one, a token counts OPENs up to
the newest one, and a boot is the present one (0) or an earlier one (1).
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import NamedTuple

from tests.model.rules import LEASE

STALE = LEASE
"""An order so old is taken no more; ages stay here."""
UNKNOWN = STALE + 1
"""The age of a tick that the host does not have."""
FAR = 31
"""Requests back: long ago, never, or of somebody else."""
BACK_MAX = 24
"""The host stops asking when the wire holds a request so far back: the model's horizon."""
TOKENS_MAX = 5
STRANGER = 6
NONE = 7
"""Tokens: 0 is the host's newest, 1 to 5 are older ones of this or a dead host."""

OLD, SPENT, DENIED = 1, 2, 4
"""Marks of an order: sent before a stop that has happened; taken once; settled as not taken."""


class Kind(IntEnum):
    """Commands."""

    POLL = 0
    OPEN = 1
    ARM = 2
    START = 3
    RENEW = 4
    STOP = 5
    RESET = 6


OWN_TOKEN = frozenset({Kind.OPEN, Kind.RESET})
"""They need no live token. Source: docs/protocol.md 6, rule 4."""
_AGEING = frozenset({Kind.OPEN, Kind.ARM, Kind.START, Kind.RENEW, Kind.RESET})
"""The rest is taken, or not, however old it is."""


class Mode(IntEnum):
    """What the host believes and wants."""

    IDLE = 0
    OPENING = 1  # the outcome of OPEN is unknown
    OPENED = 2
    ARMING = 3  # the outcome of ARM is unknown
    ARMED = 4
    STARTING = 5  # the outcome of START is unknown
    RUNNING = 6
    STOPPING = 7
    FAULTED = 8
    DEAD = 9


class At(IntEnum):
    """States of the pen; BOOT and SERVICE take no order that matters here."""

    SAFE = 1
    READY = 2
    RUN = 3
    STOPPING = 4
    FAULT = 5


class Order(NamedTuple):
    """A request on the wire. It stays there after delivery, since it may come again."""

    kind: int
    token: int
    back: int
    age: int  # of the echoed tick
    after: int  # for OPEN and RESET: the echoed tick is ahead of the pen's line
    boot: int
    marks: int


class Status(NamedTuple):
    """An answer on the wire."""

    back: int  # of the request that it answers
    at: int
    last: int  # the last order taken
    age: int
    after: int
    boot: int


class Host(NamedTuple):
    """The host. A dead one's `age` is the time since its death."""

    mode: int
    is_waiting: int  # for the answer to the newest request; there is no second one
    asked: int  # the order whose outcome is unknown
    known: int  # the OPEN or ARM before it, which is known to have been taken
    age: int
    after: int
    boot: int
    taken: int  # truth, not belief: the pen took the START that was asked


class Pen(NamedTuple):
    """The pen."""

    at: int
    token: int
    newest: int
    lease: int  # ticks until the lease ends
    echo: int  # age of the tick that the lease came from
    last: int


class Left(NamedTuple):
    """How often what may still happen."""

    crashes: int
    reboots: int
    faults: int
    strangers: int


class State(NamedTuple):
    """All of it, and the first evil that was done."""

    host: Host
    pen: Pen
    orders: tuple[Order, ...]
    statuses: tuple[Status, ...]
    left: Left
    evil: int


def older(age: int) -> int:
    """Return an age one tick later."""
    return age if age >= STALE else age + 1


def further(back: int) -> int:
    """Return how far back a request is once another one has been sent."""
    return back if back >= FAR else back + 1


@cache
def orders_later(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Return the orders one tick later; the echo of an earlier boot does not age with this one."""
    return tuple(
        o if o.boot or o.kind not in _AGEING else o._replace(age=older(o.age)) for o in orders
    )


@cache
def statuses_later(statuses: tuple[Status, ...]) -> tuple[Status, ...]:
    """Return the statuses one tick later."""
    return tuple(sorted({s._replace(age=older(s.age)) for s in statuses}))


@cache
def orders_behind(orders: tuple[Order, ...], tokens: int) -> tuple[Order, ...]:
    """Return the orders once a request, and with it so many new tokens, has been sent."""
    return tuple(o._replace(back=o.back + 1, token=o.token + tokens) for o in orders)


@cache
def orders_old(orders: tuple[Order, ...], stop: int) -> tuple[Order, ...]:
    """Return the orders once the pen has stopped; those further back than the STOP are old."""
    return tuple(
        o if o.kind not in _AGEING or o.back <= stop else o._replace(marks=o.marks | OLD)
        for o in orders
    )


@cache
def orders_behind_line(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Return the orders once the pen has drawn a line: what they echo is from before it."""
    return tuple(o._replace(after=0) for o in orders)


@cache
def statuses_behind_line(statuses: tuple[Status, ...]) -> tuple[Status, ...]:
    """Return the statuses once the pen has drawn a line: they are from before it."""
    return tuple(sorted({s._replace(after=0) for s in statuses}))


@cache
def orders_marked(orders: tuple[Order, ...], back: int, mark: int) -> tuple[Order, ...]:
    """Return the orders with a mark on that one."""
    return tuple(o._replace(marks=o.marks | mark) if o.back == back else o for o in orders)
