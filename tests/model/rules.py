"""What host and pen go by, as switches; each mutant throws one or a few of them.

It names the rules only; what they do stands in `pen` and `host`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

LEASE = 4
"""Ticks of a lease, 200 ms in ticks of 50 ms; so old, an order is stale. Source: protocol.md 6."""

WINDOW = 4
"""How far ahead a sequence number may be. Source: docs/protocol.md 6, rule 5."""


class Evil(IntEnum):
    """What must never happen, in the order in which one deed is named if it is several."""

    MOTION_AFTER_STOP = 1
    MOTION_AFTER_BOOT = 2
    STARTED_TWICE = 3
    SETTLED_WRONG = 4
    TAKEN_AFTER_STOP = 5
    TAKEN_AFTER_BOOT = 6
    RESET_TWICE = 7
    FOREIGN_TOKEN = 8
    FOREIGN_ANSWER = 9
    FOREIGN_EPOCH = 10
    MOTOR_WITHOUT_LEASE = 11
    LEASE_TOO_LONG = 12
    MOTOR_AFTER_DEATH = 13
    RUNNING_WITHOUT_START = 14


TEXTS = {
    Evil.MOTION_AFTER_STOP: "hazard 8: the motor started by a START that is older than a stop",
    Evil.MOTION_AFTER_BOOT: "D06: the motor started by a START from before the pen's restart",
    Evil.STARTED_TWICE: "H14: one START took effect twice",
    Evil.SETTLED_WRONG: "H14: an order that the host settled as not taken was taken",
    Evil.TAKEN_AFTER_STOP: "D08, W08: an order that is older than a stop was taken after it",
    Evil.TAKEN_AFTER_BOOT: "D06: an order from before the pen's restart was taken after it",
    Evil.RESET_TWICE: "H09: one RESET cleared two faults",
    Evil.FOREIGN_TOKEN: "H08: an order was taken without the live token",
    Evil.FOREIGN_ANSWER: "W01: the host believed an answer to another request",
    Evil.FOREIGN_EPOCH: "W06: the host believed a status of another boot of the pen",
    Evil.MOTOR_WITHOUT_LEASE: "D01: the motor is on though the lease has ended",
    Evil.LEASE_TOO_LONG: "D02: the lease ends later than the echoed tick + lease",
    Evil.MOTOR_AFTER_DEATH: "SR-012: the motor is on a whole lease after the host's death",
    Evil.RUNNING_WITHOUT_START: "W01: the host believes RUNNING though its START was not taken",
}


@dataclass(frozen=True)
class Rules:
    """The rules of docs/protocol.md 6 and 7; every default is the safe way."""

    tick_is_checked: bool = True  # 6, rule 6
    sequence_is_checked: bool = True  # 6, rule 5
    token_is_checked: bool = True  # 6, rule 4
    stop_voids_token: bool = True  # 3, STOP
    stop_ends_ready: bool = True  # 3, STOP
    lease_is_from_echo: bool = True  # 6, the lease
    lease_ends: bool = True  # 6, the lease
    epoch_is_checked: bool = True  # 7
    answer_is_own: bool = True  # 7
    start_is_settled_by_last_order: bool = True  # 7
    start_is_never_repeated: bool = True  # 7
    stop_draws_line: bool = True  # 6, the barrier: a stop, a fault, a RESET taken
    open_draws_line: bool = True  # 6, the barrier: an OPEN taken
    open_names_epoch: bool = True  # 6, rule 6
    only_arm_as_last_order_denies_start: bool = True  # 7


@dataclass(frozen=True)
class Scope:
    """How much of the world is explored: what the wire holds, and how often what may happen."""

    orders: int = 4
    statuses: int = 2
    crashes: int = 1
    reboots: int = 1
    faults: int = 1
    strangers: int = 1
    has_time: bool = True
    is_pruned: bool = True


@dataclass(frozen=True)
class Mutant:
    """A variant of the rules, what it is, and the harm that it must show."""

    rules: Rules
    text: str
    shows: Evil
    scope: Scope = field(default_factory=Scope)


SAFE = Rules()
SCOPES = {
    "all": Scope(),
    "session": Scope(orders=2, statuses=1, crashes=0, reboots=0, faults=0, strangers=0),
    "repetition": Scope(orders=4, statuses=2, crashes=0, reboots=0, faults=0, strangers=0),
    "crash": Scope(orders=3, statuses=1, crashes=2, reboots=0, faults=0, strangers=0),
    "restart": Scope(orders=3, statuses=1, crashes=0, reboots=2, faults=0, strangers=0),
    "fault": Scope(orders=3, statuses=1, crashes=0, reboots=0, faults=2, strangers=0),
    "strangers": Scope(orders=3, statuses=1, crashes=0, reboots=0, faults=0, strangers=2),
    "at-once": Scope(has_time=False),
}
"""What is explored. `all` has everything but is broad; the others go deeper where they look."""

_QUIET = Scope(orders=3, statuses=1, crashes=0, reboots=0, faults=0, strangers=0)
_AT_ONCE = replace(_QUIET, has_time=False)
_REBOOT = replace(_AT_ONCE, reboots=1)

MUTANTS = {
    "sequence-only": Mutant(
        replace(
            SAFE,
            tick_is_checked=False,
            stop_draws_line=False,
            stop_voids_token=False,
            stop_ends_ready=False,
        ),
        "sequence numbers alone: no tick is checked, and STOP leaves token, number and READY",
        Evil.MOTION_AFTER_STOP,
        _AT_ONCE,
    ),
    "token-outlives-stop": Mutant(
        replace(SAFE, tick_is_checked=False, stop_voids_token=False),
        "STOP leaves the token live, and no tick is checked",
        Evil.TAKEN_AFTER_STOP,
        _AT_ONCE,
    ),
    "lease-from-arrival": Mutant(
        replace(SAFE, lease_is_from_echo=False),
        "the lease is counted from arrival instead of from the echoed tick",
        Evil.LEASE_TOO_LONG,
        _QUIET,
    ),
    "lease-never-ends": Mutant(
        replace(SAFE, lease_ends=False),
        "the lease is never checked",
        Evil.MOTOR_WITHOUT_LEASE,
        replace(_QUIET, orders=1),
    ),
    "host-death-unnoticed": Mutant(
        replace(SAFE, lease_ends=False),
        "the lease is never checked, and the host dies",
        Evil.MOTOR_AFTER_DEATH,
        replace(_QUIET, orders=1, crashes=1),
    ),
    "any-sequence": Mutant(
        replace(SAFE, sequence_is_checked=False),
        "a sequence window of 32,768 to either side: an old number is as good as a new one",
        Evil.SETTLED_WRONG,
        _AT_ONCE,
    ),
    "blind-retry": Mutant(
        replace(SAFE, start_is_never_repeated=False),
        "a START without an answer counts as lost and is sent again",
        Evil.SETTLED_WRONG,
        _AT_ONCE,
    ),
    "any-answer-settles": Mutant(
        replace(SAFE, start_is_settled_by_last_order=False),
        "any accepted status settles an unknown START as executed",
        Evil.RUNNING_WITHOUT_START,
        _AT_ONCE,
    ),
    "foreign-answer": Mutant(
        replace(SAFE, answer_is_own=False),
        "the host takes any status for the answer to its request",
        Evil.SETTLED_WRONG,
        _AT_ONCE,
    ),
    "epoch-ignored": Mutant(
        replace(SAFE, epoch_is_checked=False),
        "the host believes a status of another boot",
        Evil.FOREIGN_EPOCH,
        _REBOOT,
    ),
    "open-before-stop": Mutant(
        replace(SAFE, stop_draws_line=False, open_draws_line=False),
        "an OPEN from before a stop is taken after it while its tick is fresh",
        Evil.MOTION_AFTER_STOP,
        replace(_AT_ONCE, orders=4),
    ),
    "open-before-boot": Mutant(
        replace(SAFE, open_names_epoch=False),
        "an OPEN of an earlier boot is taken when the pen's tick comes by again",
        Evil.MOTION_AFTER_BOOT,
        _REBOOT,
    ),
    "open-repeated": Mutant(
        replace(SAFE, open_draws_line=False),
        "a repeated OPEN sets the sequence number back",
        Evil.SETTLED_WRONG,
        _AT_ONCE,
    ),
    "any-last-order-denies": Mutant(
        replace(SAFE, only_arm_as_last_order_denies_start=False),
        "START counts as not taken whenever the last order is another one",
        Evil.SETTLED_WRONG,
        _AT_ONCE,
    ),
}
