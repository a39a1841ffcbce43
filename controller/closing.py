"""How a session ended: its outcome for the record, its exit code for the shell; it ends nothing."""

from __future__ import annotations

from dataclasses import dataclass

from controller.errors import ExitCode
from safety.causes import CauseCode
from safety.facts import Facts
from safety.memory import Decision, Memory
from safety.outputs import has_come_to_rest
from safety.passes import is_planned
from safety.states import LATCHED, Event, State

_LINK_CAUSES = frozenset({CauseCode.TELEMETRY_STALE, CauseCode.LEASE_ENDED})

_PERSONS_CAUSES = frozenset({CauseCode.DRIVER_LOST, CauseCode.PEN_BUTTON})
_WAITING = frozenset({State.IDLE, State.PLANNED, State.PAUSED})


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
        self._was_stopped |= Event.STOP in events
        self._is_finished |= Event.FINISH in events
        if not facts.link_is_up:
            reason = memory.stop_reason or "the link was lost"
            # A pen that restarted is never believed again, so that its link is lost as well.
            code = ExitCode.DEVICE if memory.state in LATCHED else ExitCode.LINK
            self.ending = Ending("interrupted", reason, code)
        elif not facts.driver_is_present and memory.state in _WAITING:
            reason = "the program that guides this session has gone"
            self.ending = Ending("stopped", reason, ExitCode.STOPPED)
        elif memory.state is State.IDLE and (self.has_plan or self._was_stopped):
            self.ending = self._at_rest(memory)
        elif memory.state in LATCHED and not is_planned(memory):
            telemetry = facts.telemetry
            if telemetry is not None and has_come_to_rest(memory, facts, telemetry.received_ms):
                first = memory.causes[0].sentence if memory.causes else memory.stop_reason
                self.ending = Ending("faulted", first, ExitCode.DEVICE)
        return self.ending is not None

    def _at_rest(self, memory: Memory) -> Ending:
        """Return the ending of a session that came back to IDLE."""
        reason = memory.stop_reason
        if self._is_finished:
            left = memory.ledger.next_pass(memory.plan)
            if left is None:
                return Ending("completed", "all passes delivered", ExitCode.DONE)
            reason = f"finished before pass {left[1]} of {left[0].area}"
            return Ending("stopped", reason, ExitCode.STOPPED)
        if self._stop_codes & _LINK_CAUSES:
            return Ending("stopped", reason, ExitCode.LINK)
        if CauseCode.RECORD_FAILED in self._stop_codes:
            return Ending("stopped", reason, ExitCode.INPUT)
        is_by_person = reason.startswith("stopped by ") or not self._stop_codes
        is_by_person |= bool(self._stop_codes & _PERSONS_CAUSES)
        return Ending("stopped", reason, ExitCode.STOPPED if is_by_person else ExitCode.DEVICE)
