"""A session that has ended stays until its alarms were seen, and no longer than it may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.closing import HOLD_MS_MAX, Ending, Hold
from controller.errors import ExitCode
from safety.alarms import NO_ALARMS, Alarms
from safety.causes import CATALOGUE, Cause, CauseCode
from safety.facts import Facts
from safety.memory import Decision, Firing, Memory, Refusal
from safety.states import Event, Severity, State

FAULTED = Ending("faulted", "too deep", ExitCode.DEVICE)
STOPPED = Ending("stopped", "no fresh measurement", ExitCode.LINK)
GONE = Ending("interrupted", "the link was lost", ExitCode.LINK)
ALARMS = NO_ALARMS.update((Cause(CauseCode.OVER_DEPTH),), 0)
REFUSED = (Refusal("SR-004", "not possible", "See the state first."),)
FINISH = Firing(State.FAULT, Event.FINISH, State.FAULT, REFUSED)


def scan(alarms: Alarms = ALARMS, *firings: Firing) -> Decision:
    """Return the decision of a scan in FAULT."""
    return Decision(Memory(state=State.FAULT, alarms=alarms), None, (), firings)


@pytest.mark.req("SR-044", "H17")
def test_session_stays_until_its_alarms_were_acknowledged(facts: Facts) -> None:
    """A fault ends the session for the pen; the screen goes once a person has seen why."""
    hold = Hold(is_attended=True)

    for now_ms in (0, 50, 60_000):
        assert not hold.is_over(FAULTED, scan(), facts, now_ms)
        assert hold.is_holding
    assert hold.is_over(FAULTED, scan(ALARMS.acknowledge(60_000)), facts, 60_050)
    assert (FAULTED, False) == (hold.ending, hold.is_holding)


@pytest.mark.parametrize("ending", [FAULTED, STOPPED, GONE])
def test_session_that_nobody_attends_ends_at_once(facts: Facts, ending: Ending) -> None:
    """A pipe, a demo and a test wait for no key."""
    hold = Hold(is_attended=False)

    assert hold.is_over(ending, scan(), facts, 0)
    assert ending == hold.ending


@pytest.mark.req("SR-044")
@pytest.mark.parametrize("code", CATALOGUE)
def test_session_waits_for_what_latches_and_asks_to_be_heard(facts: Facts, code: CauseCode) -> None:
    """From a stop upwards; a warning that went, a pause and the pen's own button keep nobody."""
    hold = Hold(is_attended=True)
    alarms = NO_ALARMS.update((Cause(code),), 0)
    is_over = hold.is_over(STOPPED, scan(alarms), facts, 0)

    is_grave = CATALOGUE[code].severity >= Severity.STOP and code is not CauseCode.PEN_BUTTON
    assert is_grave == (not is_over)


def test_session_without_alarms_ends_at_once(facts: Facts) -> None:
    """Whoever pressed STOP, or finished, is not asked for anything."""
    assert Hold(is_attended=True).is_over(STOPPED, scan(NO_ALARMS), facts, 0)


def test_session_that_goes_on_is_not_over(facts: Facts) -> None:
    """Without an ending there is nothing to hold, whatever is wanted."""
    for is_attended in (False, True):
        hold = Hold(is_attended=is_attended)
        assert not hold.is_over(None, scan(NO_ALARMS, FINISH), facts, 0)
        assert (None, False) == (hold.ending, hold.is_holding)


@pytest.mark.req("SR-044")
def test_wish_to_finish_lets_go_though_the_machine_refuses_it(facts: Facts) -> None:
    """Q and Ctrl-C close a session whose alarms stay unseen."""
    hold = Hold(is_attended=True)
    assert not hold.is_over(FAULTED, scan(), facts, 0)

    assert hold.is_over(FAULTED, scan(ALARMS, FINISH), facts, 50)


def test_session_whose_guide_has_gone_is_not_held(facts: Facts) -> None:
    """A terminal that was closed sees no alarms."""
    hold = Hold(is_attended=True)
    assert not hold.is_over(FAULTED, scan(), facts, 0)

    assert hold.is_over(FAULTED, scan(), replace(facts, driver_is_present=False), 50)
    assert FAULTED == hold.ending


@pytest.mark.parametrize("began_ms", [0, 7_000])
def test_session_is_held_no_longer_than_it_may(facts: Facts, began_ms: int) -> None:
    """The port is given back at last."""
    hold = Hold(is_attended=True)
    assert not hold.is_over(FAULTED, scan(), facts, began_ms)

    assert not hold.is_over(FAULTED, scan(), facts, began_ms + HOLD_MS_MAX)
    assert hold.is_over(FAULTED, scan(), facts, began_ms + HOLD_MS_MAX + 1)


@pytest.mark.req("SR-005")
def test_session_is_not_over_while_the_needles_move_again(facts: Facts) -> None:
    """An acknowledgement does not end a session that has to say STOP once more."""
    hold = Hold(is_attended=True)
    assert not hold.is_over(STOPPED, scan(), facts, 0)

    assert not hold.is_over(None, scan(NO_ALARMS), facts, 50)
    assert not hold.is_holding
    assert hold.is_over(STOPPED, scan(NO_ALARMS), facts, 100)


@pytest.mark.parametrize(
    ("first", "later", "kept"),
    [(STOPPED, GONE, STOPPED), (FAULTED, GONE, FAULTED), (STOPPED, FAULTED, FAULTED)],
)
def test_first_ending_stays_but_for_a_fault(
    facts: Facts, first: Ending, later: Ending, kept: Ending
) -> None:
    """A cable that is pulled while the alarms are read interrupts nothing; a fault is told."""
    hold = Hold(is_attended=True)
    for now_ms, ending in enumerate((first, later)):
        assert not hold.is_over(ending, scan(), facts, now_ms)

    assert kept == hold.ending
