"""The words that the machine is made of; it decides nothing.

Source: vocabulary of the safety figures ([SAF] 2).
"""

from __future__ import annotations

from enum import Enum, IntEnum, auto


class State(Enum):
    """Where the host stands with its pen. Source: [SAF] 2."""

    OFFLINE = auto()
    CONNECTING = auto()
    IDENTIFYING = auto()
    SELFTEST = auto()
    LOCKED = auto()
    IDLE = auto()
    PLANNED = auto()
    ARMED = auto()
    RUNNING = auto()
    PAUSED = auto()
    STOPPING = auto()
    UNKNOWN_OUTCOME = auto()
    FAULT = auto()
    ESTOP = auto()
    SERVICE = auto()


class Event(Enum):
    """What can happen to the machine. Source: [SAF] 2, docs/adr/0011.

    The four of the stop family are accepted in every state, and take no guard anywhere.
    """

    # link
    CONNECT = auto()
    LINK_UP = auto()
    LINK_REFUSED = auto()
    LINK_LOST = auto()
    PEN_RESTARTED = auto()
    DISCONNECT = auto()
    # identity
    IDENTIFIED = auto()
    IDENTITY_REFUSED = auto()
    IDENTITY_CHANGED = auto()
    LIMITS_CHANGED = auto()
    # self-test
    SELFTEST_PASSED = auto()
    SELFTEST_FAILED = auto()
    SELFTEST_TIMEOUT = auto()
    # session and service
    UNLOCK = auto()
    LOCK = auto()
    SESSION_EXPIRED = auto()
    DRIVER_LOST = auto()
    SERVICE_ENTER = auto()
    SERVICE_LEAVE = auto()
    # plan, area, cartridge
    PLAN = auto()
    CHANGE_AREA = auto()
    FINISH = auto()
    PASS_DONE = auto()
    CARTRIDGE_IN = auto()
    CARTRIDGE_OUT = auto()
    CARTRIDGE_CHANGED = auto()
    # motion
    ARM = auto()
    DISARM = auto()
    START = auto()
    PAUSE = auto()
    RESUME = auto()
    # the stop family
    STOP_UI = auto()
    STOP_BUTTON = auto()
    STOP_PEDAL = auto()
    ESTOP = auto()
    # verdicts from measurements
    EXECUTED = auto()
    NOT_EXECUTED = auto()
    STILL_AFTER_PASS = auto()
    STILL_AFTER_PAUSE = auto()
    STILL_AFTER_STOP = auto()
    TRIP_STOP = auto()
    TRIP_FAULT = auto()
    # reset and acknowledgement
    RESET = auto()
    ACKNOWLEDGE = auto()


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

WATCHED = frozenset({State.ARMED, State.RUNNING, State.UNKNOWN_OUTCOME})
"""States in which the needles are, or are about to be, out."""

MOVING = WATCHED | {State.STOPPING}
"""States in which needles may move, so that monitors of motion apply."""

LINKED = frozenset(State) - {State.OFFLINE, State.CONNECTING}
"""States in which there is a line to a pen."""

STOPS = frozenset({Event.STOP_UI, Event.STOP_BUTTON, Event.STOP_PEDAL, Event.ESTOP})
"""The stop family: accepted in every state, without a guard. Rule: SR-005."""
