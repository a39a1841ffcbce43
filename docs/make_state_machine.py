"""Writes docs/state-machine.md from `safety.table`; it decides nothing and adds nothing.

``python docs/make_state_machine.py`` writes the page, ``--check`` compares it and fails if stale.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).with_name("state-machine.md")
sys.path.insert(0, str(PAGE.parents[1]))  # a plain script: it also runs where nothing is installed

from safety.render import STATE_WORDS, diagram, shared_events, state_table  # noqa: E402
from safety.states import LATCHED, Event, State  # noqa: E402
from safety.table import ROWS  # noqa: E402

HEAD = """\
# The state machine

Written by `docs/make_state_machine.py` from `safety/table.py`; a test fails if this page is stale.
`penpilot safety explain STATE EVENT` says in words what one pair does.

{states} states and {events} events give {pairs} pairs, and every one is decided: {taken} are taken,
{refused} are refused, with a reason, and change nothing. A guard is a condition that must hold; all
guards of a row must. The states {latched} are latched: only a reset leaves them.

## Diagram

{left_out}

```mermaid
"""

LEFT_OUT = "Left out, because many states take them (they stand in the tables): "


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
        left_out=textwrap.fill(LEFT_OUT + ", ".join(e.name for e in shared_events()) + ".", 100),
    )
    tables = [
        f"\n## {state.name}\n\nHere {STATE_WORDS[state]}.\n\n{state_table(state)}"
        for state in State
    ]
    return f"{head}{diagram()}```\n{''.join(tables)}"


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
