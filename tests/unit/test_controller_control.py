"""The control process around its scan loop: a plan's turn, and when a session is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from controller.clock import MonotonicClock
from controller.closing import Hold, SessionWatch
from controller.control import Spec, _Session
from controller.mailbox import Mailbox
from safety.alarms import NO_ALARMS
from safety.causes import Cause, CauseCode
from safety.facts import Facts, Intent, IntentKind
from safety.memory import Decision, Firing, Memory
from safety.states import Event, State

ALARMS = NO_ALARMS.update((Cause(CauseCode.TELEMETRY_STALE),), 0)


@dataclass
class Parts:
    """What `_Session._is_over` looks at, and nothing that needs a pen."""

    _hold: Hold
    _mailbox: Mailbox
    _watch: SessionWatch = field(default_factory=SessionWatch)
    _clock: MonotonicClock = field(default_factory=MonotonicClock)

    def is_over(self, facts: Facts, memory: Memory, *events: Event) -> bool:
        """Show one scan to the session."""
        parts: Any = self
        firings = tuple(Firing(State.PLANNED, event, memory.state) for event in events)
        return _Session._is_over(parts, Decision(memory, None, (), firings), facts)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """What people want."""
    with closing(Mailbox()) as made:
        yield made


def test_plan_has_its_turn_in_the_first_idle(facts: Facts, mailbox: Mailbox) -> None:
    """The pen is identified and tested by then; the plan is wanted until it was taken up."""
    parts = Parts(Hold(is_attended=True), mailbox)

    assert not parts.is_over(facts, Memory(state=State.IDLE))
    assert (Intent(IntentKind.PLAN),) == mailbox.take()
    assert not parts.is_over(facts, Memory(state=State.PLANNED), Event.PLAN)
    assert () == mailbox.take()


@pytest.mark.req("SR-005", "SR-044")
def test_session_whose_alarms_are_read_takes_up_no_plan(facts: Facts, mailbox: Mailbox) -> None:
    """Stopped before its plan was taken up, it is held in IDLE, and nothing begins there."""
    parts = Parts(Hold(is_attended=True), mailbox)
    stopped = Memory(state=State.IDLE, alarms=ALARMS, stop_reason="no fresh measurement")

    assert not parts.is_over(facts, stopped, Event.STOP_UI)
    assert not parts.is_over(facts, stopped)
    assert () == mailbox.take()
    assert parts._hold.is_holding


@pytest.mark.parametrize("is_attended", [False, True])
def test_session_is_held_for_somebody_at_the_keys_only(
    facts: Facts, mailbox: Mailbox, *, is_attended: bool
) -> None:
    """Who starts the control process says whether somebody is there; else nobody is waited for."""
    parts = Parts(Hold(is_attended=is_attended), mailbox)
    stopped = Memory(state=State.IDLE, alarms=ALARMS)

    assert is_attended == (not parts.is_over(facts, stopped, Event.PLAN))
    told = msgspec.json.decode(b'{"home": "/h", "plan": "p", "port": "/dev/x"}', type=Spec)
    assert told.is_attended is False
