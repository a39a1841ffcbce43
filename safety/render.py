"""The machine as text: pairs, tables, diagram, and one pair in plain words; it decides nothing.

Everything is read from `safety.table`; only the words for states and events are written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from safety.states import LATCHED, Event, State
from safety.table import ROWS, TABLE, Row

UNLISTED = "SR-004"
"""The requirement that refuses a pair without a row. Source: requirements."""

SHARED_FROM = 4
"""An event that this many states take is left out of the diagram. ASSUMED: fewer can be read."""

STATE_WORDS: dict[State, str] = {
    State.OFFLINE: "no port is open",
    State.CONNECTING: "the port is being opened",
    State.IDENTIFYING: "the line is up and the pen is asked who it is",
    State.SELFTEST: "the pen is known; its sensors are checked at rest, motor off",
    State.LOCKED: "the pen is good, and no treatment session is open",
    State.IDLE: "a session is open, and no plan is in force",
    State.PLANNED: "a plan is in force, and nothing is armed",
    State.ARMED: "the needles are out or going out, motor off",
    State.RUNNING: "the needles strike",
    State.PAUSED: "a pass was interrupted, the needles rest, and it can be resumed",
    State.STOPPING: "the pen was told to stop, and its rest has not been seen yet",
    State.UNKNOWN_OUTCOME: "START may have left, and nobody knows yet whether the pen took it",
    State.FAULT: "a fault is latched",
    State.ESTOP: "an emergency stop is latched",
    State.SERVICE: "a technician works on the pen, without a patient",
}
"""What each state means. Source: [SAF] 2."""

EVENT_WORDS: dict[Event, str] = {
    Event.CONNECT: "somebody wants the port opened",
    Event.LINK_UP: "the line answers",
    Event.LINK_REFUSED: "the port could not be opened",
    Event.LINK_LOST: "the pen is no longer heard, or its port has gone",
    Event.PEN_RESTARTED: "the pen restarted",
    Event.DISCONNECT: "the port is to be closed",
    Event.IDENTIFIED: "the pen has said who it is",
    Event.IDENTITY_REFUSED: "this is no pen that may be driven",
    Event.IDENTITY_CHANGED: "another pen answers",
    Event.LIMITS_CHANGED: "the pen's limits are not those it was identified with",
    Event.SELFTEST_PASSED: "the checks at rest are good",
    Event.SELFTEST_FAILED: "a check at rest is bad",
    Event.SELFTEST_TIMEOUT: "the checks at rest take too long",
    Event.UNLOCK: "a person opens a session",
    Event.LOCK: "a person closes the session",
    Event.SESSION_EXPIRED: "the session ended by itself",
    Event.DRIVER_LOST: "the program that guides the session no longer answers",
    Event.SERVICE_ENTER: "a technician begins to work on the pen",
    Event.SERVICE_LEAVE: "the technician has finished",
    Event.PLAN: "a plan is confirmed",
    Event.CHANGE_AREA: "another area of the plan is wanted next",
    Event.FINISH: "the plan is ended",
    Event.PASS_DONE: "the strokes of the pass are delivered, or a person ends it",
    Event.CARTRIDGE_IN: "a cartridge is in",
    Event.CARTRIDGE_OUT: "the cartridge is out",
    Event.CARTRIDGE_CHANGED: "a cartridge came back, and nobody knows which",
    Event.ARM: "the needles are to go out",
    Event.DISARM: "the needles are to go back",
    Event.START: "the needles are to strike",
    Event.PAUSE: "the pass is to be interrupted",
    Event.RESUME: "the interrupted pass is to be armed again",
    Event.STOP_UI: "stop, from screen, key or command",
    Event.STOP_BUTTON: "stop, from the button on the pen",
    Event.STOP_PEDAL: "stop, from the pedal",
    Event.ESTOP: "emergency stop",
    Event.EXECUTED: "the pen took START",
    Event.NOT_EXECUTED: "the pen did not take START",
    Event.STILL_AFTER_PASS: "the needles rest, after the end of a pass",
    Event.STILL_AFTER_PAUSE: "the needles rest, after an interruption",
    Event.STILL_AFTER_STOP: "the needles rest, after a stop",
    Event.TRIP_STOP: "a cause that stops is active",
    Event.TRIP_FAULT: "a cause that latches is active",
    Event.RESET: "a person resets the fault",
    Event.ACKNOWLEDGE: "a person has seen the alarms",
}
"""What each event means. Source: [SAF] 2."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One state with one event, and the row that takes it; None: the pair is refused."""

    state: State
    event: Event
    row: Row | None

    @property
    def guards(self) -> list[str]:
        """Names of the guards that must all hold, in their order."""
        return [] if self.row is None else [guard.__name__ for guard in self.row.guards]

    @property
    def next(self) -> str | None:
        """Name of the next state, or None where the pair is refused."""
        return None if self.row is None else self.row.next.name

    @property
    def rule(self) -> str | None:
        """The requirement that refuses the pair, or None where it is taken."""
        return UNLISTED if self.row is None else None


def pair_of(state: State, event: Event) -> Pair:
    """Return what the table says of one pair."""
    return Pair(state, event, ROWS.get((state, event)))


def pairs() -> Iterator[Pair]:
    """Yield every pair, refused ones included, by state and then by event."""
    for state in State:
        for event in Event:
            yield pair_of(state, event)


def shared_events() -> tuple[Event, ...]:
    """Return the events that many states take, in their order."""
    counts = Counter(row.event for row in TABLE)
    return tuple(event for event in Event if counts[event] >= SHARED_FROM)


def diagram() -> str:
    """Return the diagram as Mermaid text: one arrow for all events from one state to another."""
    shared = shared_events()
    labels: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        if row.event not in shared:
            label = row.event.name + (" [guarded]" if row.guards else "")
            labels.setdefault((row.state, row.next), []).append(label)
    lines = [f"    {a.name} --> {b.name}: {', '.join(found)}" for (a, b), found in labels.items()]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {State.OFFLINE.name}", *lines]) + "\n"


def state_table(state: State) -> str:
    """Return the table of one state in Markdown: every event, where it leads, under what guards."""
    lines = ["| event | next state | guards |", "|---|---|---|"]
    for event in Event:
        pair = pair_of(state, event)
        guards = ", ".join(in_words(name) for name in pair.guards)
        lines.append(f"| {event.name} | {pair.next or 'refused'} | {guards} |".replace("  |", " |"))
    return "\n".join(lines) + "\n"


def in_words(name: str) -> str:
    """Return the name of a guard in words."""
    return name.replace("_", " ")


def meanings(row: Row) -> list[tuple[str, str]]:
    """Return every guard of a row with what it means: the first line of its docstring."""
    return [(guard.__name__, _first_line(guard.__doc__)) for guard in row.guards]


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def sentences(pair: Pair) -> list[str]:
    """Return in plain words what a pair does, or why it is refused and where it would be taken."""
    state, event = pair.state, pair.event
    told = [
        f"{state.name}: {STATE_WORDS[state]}.",
        f"{event.name}: {EVENT_WORDS[event]}.",
    ]
    if pair.row is None:
        takers = [row.state.name for row in TABLE if row.event is event]
        told.append(f"Refused under {UNLISTED}: {event.name} is not possible in {state.name}.")
        told.append(f"Nothing changes. It is possible in {', '.join(takers)}.")
    elif pair.row.next is state:
        told.append(f"Taken{_under(pair.row)}: {state.name} stays.")
    else:
        after = pair.row.next
        told.append(f"Taken{_under(pair.row)}: leads to {after.name} ({STATE_WORDS[after]}).")
    if state in LATCHED and event is not Event.RESET:
        told.append(f"{state.name} is latched: only RESET leads out of it to rest.")
    return told


def _under(row: Row) -> str:
    """Return under which condition a row is taken, to stand behind the word that says so."""
    count = len(row.guards)
    many = f" if all {count} guards hold" if count else " without a condition"
    return " if its guard holds" if count == 1 else many
