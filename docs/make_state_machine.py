"""Writes docs/state-machine.md from `safety.table`; it decides nothing and adds nothing.

``python docs/make_state_machine.py`` writes the page, ``--check`` compares it and fails if stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).with_name("state-machine.md")
sys.path.insert(0, str(PAGE.parents[1]))  # a plain script: it also runs where nothing is installed

from safety.states import LATCHED, Event, State  # noqa: E402
from safety.table import ROWS, TABLE, Row  # noqa: E402

EVERYWHERE = (Event.STOP, Event.TRIP, Event.LINK_LOST)
"""Events with a row in every state; the diagram leaves them out, so that the rest can be seen."""

HEAD = """\
# The state machine

Written by `docs/make_state_machine.py` from `safety/table.py`; a test fails if this page is stale.

{states} states and {events} events give {pairs} pairs, and every one is decided: {taken} are taken,
{refused} are refused, with a reason, and change nothing. A guard is a condition that must hold; all
guards of a row must. The states {latched} are latched: only a reset leaves them, and it leads to
IDLE.

## Diagram

Left out, because every state takes them: STOP, TRIP and LINK_LOST. They stand in the tables.

```mermaid
stateDiagram-v2
    [*] --> {first}
"""


def words(row: Row) -> str:
    """Return the guards of a row in words."""
    return ", ".join(guard.__name__.replace("_", " ") for guard in row.guards)


def arrows() -> list[str]:
    """Return the lines of the diagram: one per pair of states, with all events between them."""
    labels: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        if row.event not in EVERYWHERE:
            label = row.event.name + (" [guarded]" if row.guards else "")
            labels.setdefault((row.state, row.next), []).append(label)
    return [f"    {a.name} --> {b.name}: {', '.join(found)}" for (a, b), found in labels.items()]


def table_of(state: State) -> list[str]:
    """Return the table of one state: every event, where it leads, and under which guards."""
    lines = ["", f"## {state.name}", "", "| event | next state | guards |", "|---|---|---|"]
    for event in Event:
        row = ROWS.get((state, event))
        leads = "refused" if row is None else row.next.name
        guards = "" if row is None else words(row)
        lines.append(f"| {event.name} | {leads} | {guards} |".replace("  |", " |"))
    return lines


def page() -> str:
    """Return the whole page."""
    pairs = len(State) * len(Event)
    head = HEAD.format(
        states=len(State),
        events=len(Event),
        pairs=pairs,
        taken=len(ROWS),
        refused=pairs - len(ROWS),
        latched=" and ".join(state.name for state in State if state in LATCHED),
        first=State.OFFLINE.name,
    )
    lines = [*arrows(), "```"]
    for state in State:
        lines += table_of(state)
    return head + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it if asked to; return the exit code."""
    if arguments == ["--check"]:
        is_current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not is_current:
            sys.stderr.write(f"{PAGE.name} is stale: run python docs/make_state_machine.py\n")
        return 0 if is_current else 1
    if arguments:
        sys.stderr.write("usage: make_state_machine.py [--check]\n")
        return 2
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
