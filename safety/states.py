"""The words that the machine is made of; it decides nothing.

Source: reference vocabulary of the safety figures ([SAF] 2), as far as this version uses it.
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto


class State(Enum):
    """Where the host stands with its pen."""

    OFFLINE = auto()
    IDENTIFYING = auto()
    IDLE = auto()
    PLANNED = auto()
    ARMED = auto()
    RUNNING = auto()
    PAUSED = auto()
    STOPPING = auto()
    UNKNOWN_OUTCOME = auto()
    FAULT = auto()
    ESTOP = auto()


class Event(Enum):
    """What can happen to the machine. STOP is the only one that takes no guard anywhere."""

    LINK_UP = auto()
    IDENTIFIED = auto()
    LINK_LOST = auto()
    PLAN = auto()
    ARM = auto()
    START = auto()
    EXECUTED = auto()
    NOT_EXECUTED = auto()
    PASS_DONE = auto()
    PAUSE = auto()
    RESUME = auto()
    DISARM = auto()
    STOP = auto()
    STILL_AFTER_PASS = auto()
    STILL_AFTER_PAUSE = auto()
    STILL_AFTER_STOP = auto()
    TRIP = auto()
    STOP_IGNORED = auto()
    RESET = auto()
    FINISH = auto()


class Severity(IntEnum):
    """How bad a cause is; the worst active one acts. Source: DESIGN 4."""

    NONE = 0
    WARN = 1
    PAUSE = 2
    STOP = 3
    FAULT_OPERATOR = 4
    FAULT_TECHNICIAN = 5
    ESTOP = 6


class PenState(IntEnum):
    """The state a pen reports, in the numbers of docs/protocol.md 4."""

    BOOT = 0
    SAFE = 1
    READY = 2
    RUN = 3
    STOPPING = 4
    FAULT = 5
    SERVICE = 6


class OrderKind(IntEnum):
    """What may be asked of a pen, in the numbers of docs/protocol.md 3."""

    POLL = 0
    OPEN = 1
    ARM = 2
    START = 3
    RENEW = 4
    STOP = 5
    RESET = 6


LATCHED = frozenset({State.FAULT, State.ESTOP})
"""States that only a reset leaves."""

MOVING = frozenset({State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME, State.STOPPING})
"""States in which needles may move, so that monitors of motion apply."""
