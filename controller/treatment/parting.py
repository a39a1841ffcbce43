"""The last words of a session: what the pen is doing now, what comes next. Pure; prints nothing.

Whoever reads them stands at a pen whose program has ended, so they name commands whole.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safety.catalogue_words import MAY_BE_OUT, RESUME
from safety.causes import CATALOGUE, CauseCode, CauseKind
from safety.states import Severity

ON_ITS_LEASE = (
    "out of reach: it stops by its own lease or watchdog. Switch it off by hand if it runs."
)
NOT_AT_REST = "told to stop, and not seen at rest. Look at it; switch it off by hand if it runs."
AT_REST = "seen at rest, its motor off."
OUT = "seen at rest, its motor off; its needles may still be out."

_RESTLESS = frozenset({CauseCode.REST_NOT_SEEN, CauseCode.STOP_IGNORED})
_ANY_RESET = "penpilot reset --port URL"


@dataclass(frozen=True, slots=True)
class Place:
    """What a command needs to be told to go on where a session ended.

    Args:
        session: Its id.
        plan: Path of the plan, as it was given.
        port: Port or URL of the pen, as it was given.
    """

    session: str
    plan: str
    port: str

    @property
    def resume(self) -> str:
        """The command that goes on with the session."""
        plan, port = shlex.quote(self.plan), shlex.quote(self.port)
        return f"penpilot treat {plan} --port {port} --resume {self.session}"

    @property
    def reset(self) -> str:
        """The command that clears an operator's fault."""
        return f"penpilot reset --port {shlex.quote(self.port)}"


def pen_now(closed: Mapping[str, Any] | None) -> str:
    """Return what the pen is doing, as far as the session knew at its end.

    Args:
        closed: The closing frame, or None if the control process went silent.
    """
    if closed is None or closed["outcome"] == "interrupted":
        return ON_ITS_LEASE
    if _RESTLESS & set(closed["causes"]):
        return NOT_AT_REST
    return OUT if any(kind.pen == MAY_BE_OUT for kind in _kinds(closed)) else AT_REST


def next_steps(closed: Mapping[str, Any] | None, place: Place) -> list[str]:
    """Return what is to be done now, in its order; nothing after a session that was completed.

    Args:
        closed: The closing frame, or None if the control process went silent.
        place: Where it ended.
    """
    if closed is None or closed["outcome"] == "interrupted":
        return [
            *([] if closed is None else _remedy(closed, place)),
            "Look at pen and cable. A pass that was under way counts as delivered.",
            f"Go on: {place.resume}",
            f"Or set it aside: penpilot records close {place.session} --reason TEXT",
        ]
    if closed["outcome"] == "completed":
        return []
    return [*_remedy(closed, place), f"Go on with what is left: {place.resume}"]


def _remedy(closed: Mapping[str, Any], place: Place) -> list[str]:
    """Return what the gravest causes ask for, and who may release the pen."""
    kinds = _kinds(closed)
    severity = max((kind.severity for kind in kinds), default=Severity.NONE)
    if severity < Severity.STOP:
        return []
    worst = dict.fromkeys(kind.next_step for kind in kinds if kind.severity is severity)
    # Nothing can be armed again in a session that has ended.
    steps = [step.replace(_ANY_RESET, place.reset) for step in worst if step != RESUME]
    if severity >= Severity.FAULT_TECHNICIAN:
        release = f"penpilot records release {place.session} --by NAME --reason TEXT"
        steps.append(f"Until a technician releases the pen it treats nobody: {release}")
    elif severity >= Severity.FAULT_OPERATOR and place.reset not in " ".join(steps):
        steps.append(f"Reset the pen: {place.reset}")
    return steps


def _kinds(closed: Mapping[str, Any]) -> list[CauseKind]:
    """Return the causes of a session, those that this program knows."""
    return [CATALOGUE[CauseCode(code)] for code in closed["causes"] if code in set(CauseCode)]
