"""How a session ended, and whether its alarms still wait for a person; it ends nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from controller.errors import ExitCode
from safety.causes import CauseCode
from safety.facts import Facts
from safety.ledger import Outcome
from safety.memory import Decision, Memory
from safety.outputs import has_come_to_rest
from safety.passes import is_planned
from safety.states import LATCHED, STOPS, Event, State

_LINK_CAUSES = frozenset({CauseCode.TELEMETRY_STALE, CauseCode.LEASE_ENDED})

_PERSONS_CAUSES = frozenset({CauseCode.DRIVER_LOST, CauseCode.PEN_BUTTON})
_WAITING = frozenset({State.IDLE, State.PLANNED, State.PAUSED})

HOLD_MS_MAX = 600_000
"""Alarms that nobody acknowledges keep an ended session for so long and no longer. ASSUMED: the
longest that somebody who was called away leaves a pen alone; the port is then given back."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended.

    Args:
        outcome: ``completed``, ``stopped``, ``faulted`` or ``interrupted``.
        reason: In words.
        exit_code: For the shell.
    """

    outcome: str
    reason: str
    exit_code: ExitCode


class SessionWatch:
    """Looks at every scan for the end of a session, and remembers what it was stopped for."""

    def __init__(self) -> None:
        """Begin before the plan was accepted."""
        self.has_plan = False
        self._was_stopped = False
        self._stop_codes: set[CauseCode] = set()
        self._is_finished = False
        self.ending: Ending | None = None

    @property
    def codes(self) -> list[str]:
        """Every cause that was active at any time, by name."""
        return sorted(str(code) for code in self._stop_codes)

    def is_over(self, decision: Decision, facts: Facts) -> bool:
        """Return whether the session has ended, at rest or out of reach."""
        memory = decision.memory
        self._stop_codes |= {cause.code for cause in memory.causes}
        events = {f.event for f in decision.firings if not f.is_refused}
        self.has_plan |= Event.PLAN in events
        # Whoever said STOP before the plan was taken up meant the whole session.
        self._was_stopped |= bool(STOPS & events)
        self._is_finished |= Event.FINISH in events
        self.ending = self._out_of_reach(memory, facts) or self._by_itself(memory, facts)
        return self.ending is not None

    def _out_of_reach(self, memory: Memory, facts: Facts) -> Ending | None:
        """Return the ending of a session that nothing can go on with."""
        is_waiting = memory.state in _WAITING
        if not facts.link_is_up:
            reason = memory.stop_reason or "the link was lost"
            # A pen in a fault that is then lost is still a pen in a fault.
            code = ExitCode.DEVICE if memory.state in LATCHED else ExitCode.LINK
            return Ending("interrupted", reason, code)
        if not facts.driver_is_present and (is_waiting or memory.state is State.ESTOP):
            reason = "the program that guides this session has gone"
            return Ending("stopped", reason, ExitCode.STOPPED if is_waiting else ExitCode.DEVICE)
        if facts.record_failure and is_waiting and self.has_plan:
            return Ending("stopped", facts.record_failure, ExitCode.INPUT)
        return None

    def _by_itself(self, memory: Memory, facts: Facts) -> Ending | None:
        """Return the ending of a session whose needles rest, or will not say so."""
        if memory.state is State.IDLE and (self.has_plan or self._was_stopped):
            return self._at_rest(memory)
        if memory.state not in LATCHED:
            return None
        first = memory.causes[0].sentence if memory.causes else memory.stop_reason
        unseen = next((c for c in memory.causes if c.code is CauseCode.REST_NOT_SEEN), None)
        if unseen is not None:
            return Ending("faulted", unseen.sentence, ExitCode.DEVICE)
        seen = facts.telemetry
        if seen is None or is_planned(memory):
            return None
        is_at_rest = has_come_to_rest(memory, facts, seen.received_ms)
        return Ending("faulted", first, ExitCode.DEVICE) if is_at_rest else None

    def _at_rest(self, memory: Memory) -> Ending:
        """Return the ending of a session that came back to IDLE."""
        reason = memory.stop_reason
        if self._is_finished:
            left = memory.ledger.next_pass(memory.plan)
            if left is None:
                return Ending("completed", _what_was_done(memory), ExitCode.DONE)
            reason = f"finished before pass {left[1]} of {left[0].area}"
            return Ending("stopped", reason, ExitCode.STOPPED)
        if self._stop_codes & _LINK_CAUSES:
            return Ending("stopped", reason, ExitCode.LINK)
        if CauseCode.RECORD_FAILED in self._stop_codes:
            return Ending("stopped", reason, ExitCode.INPUT)
        is_by_person = reason.startswith("stopped by ") or not self._stop_codes
        is_by_person |= bool(self._stop_codes & _PERSONS_CAUSES)
        return Ending("stopped", reason, ExitCode.STOPPED if is_by_person else ExitCode.DEVICE)


class Hold:
    """Keeps a session that has ended until a person has seen its alarms.

    Nothing starts meanwhile. The scans go on, so that a pen that moves again is told to stop.

    Args:
        is_attended: Whether somebody sits at the keys; for nobody nothing is kept.
    """

    def __init__(self, *, is_attended: bool) -> None:
        self._is_attended = is_attended
        self._since_ms = 0
        self.ending: Ending | None = None
        self.is_holding = False

    def is_over(self, ending: Ending | None, decision: Decision, facts: Facts, now_ms: int) -> bool:
        """Return whether the session is over: at its ending, with nobody to be waited for.

        The first ending stays, whatever is done with cable and pen while the alarms are read; only
        a fault replaces it.

        Args:
            ending: What this scan makes of the session; None while its needles do not rest.
            decision: Of this scan. A wish to finish lets go, though the machine refuses it.
            facts: Of this scan.
            now_ms: Time of this scan.

        Rule: SR-044.
        """
        self.is_holding = False
        if ending is None:
            return False
        if self.ending is None:
            self._since_ms = now_ms
        if self.ending is None or ending.outcome == "faulted":
            self.ending = ending
        alarms = decision.memory.alarms.alarms
        is_called = any(alarm.is_latching and alarm.is_calling for alarm in alarms)
        wants_end = any(firing.event is Event.FINISH for firing in decision.firings)
        has_time = now_ms - self._since_ms <= HOLD_MS_MAX
        is_waited_for = self._is_attended and facts.driver_is_present
        self.is_holding = is_waited_for and is_called and has_time and not wants_end
        return not self.is_holding


def _what_was_done(memory: Memory) -> str:
    """Return what became of the passes of a plan of which none is left."""
    counts = Counter(one.outcome for one in memory.ledger.passes)
    del counts[Outcome.NOT_DELIVERED]
    if set(counts) == {Outcome.DELIVERED}:
        return "all passes delivered"
    return "no pass is left: " + ", ".join(f"{counts[o]} {o}" for o in Outcome if counts[o])
