"""One line about a session, for lists on a terminal; it decides nothing and prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.records.kinds import Outcome, Status

if TYPE_CHECKING:
    from controller.records.sessions import Area, Session


def describe(session: Session) -> str:
    """Return what a session was and what became of it, on one line.

    Such as ``2026-11-22 14:03 UTC  completed    Face: forehead 2 of 2; simulated pen 42``.
    """
    areas = ", ".join(describe_area(area) for area in session.areas) or "no pass planned"
    pen = (
        f"{'simulated pen' if session.simulated else 'pen'} {session.pen.get('serial_number', '?')}"
    )
    status = session.status.ljust(max(map(len, Status)))
    plan = session.plan_name or "unnamed plan"
    return one_line(f"{short_time(session.opened_at)}  {status}  {plan}: {areas}; {pen}")


def describe_area(area: Area) -> str:
    """Return how many passes of an area count, such as ``left cheek 2 of 3 (1 uncertain)``."""
    uncertain = area.with_outcome(Outcome.UNCERTAIN)
    doubt = f" ({uncertain} uncertain)" if uncertain else ""
    return f"{area.name} {area.counted} of {area.planned}{doubt}"


def short_time(at: str) -> str:
    """Return the time of an entry to the minute, such as ``2026-11-22 14:03 UTC``."""
    return f"{at[:16].replace('T', ' ')} UTC"


def one_line(text: str) -> str:
    """Return a text that cannot leave its line or command a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
