"""The mailbox: STOP is never lost, late or behind anything, whoever interrupts whom."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import controller.mailbox
from controller.mailbox import INTENTS_MAX, Mailbox
from drivers.port import is_readable
from safety.facts import Intent, IntentKind
from safety.step import STOP_WISHES

STOP = Intent(IntentKind.STOP, "command")
WISHES = [Intent(kind) for kind in IntentKind if kind not in STOP_WISHES]
SOURCE = Path(controller.mailbox.__file__).name


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Return an empty mailbox."""
    made = Mailbox()
    yield made
    made.close()


def test_wishes_are_taken_once_and_in_their_order(box: Mailbox) -> None:
    """What was put is taken in the same order, and the box is empty afterwards."""
    for wish in WISHES:
        box.put(wish)

    assert tuple(WISHES) == box.take()
    assert () == box.take()


@pytest.mark.req("SR-005", "SR-013", "HZ-09")
def test_stop_is_taken_before_everything_that_came_earlier(box: Mailbox) -> None:
    """A STOP overtakes whatever waits."""
    for wish in [*WISHES, STOP, *WISHES]:
        box.put(wish)

    assert (STOP, *WISHES, *WISHES) == box.take()


@pytest.mark.req("SR-013", "HZ-66")
def test_stop_is_not_pushed_out_by_a_flood(box: Mailbox) -> None:
    """Ten thousand other wishes push each other out, and never the STOP."""
    box.put(STOP)
    for number in range(10_000):
        box.put(Intent(IntentKind.PAUSE, str(number)))

    taken = box.take()
    assert STOP == taken[0]
    assert [str(n) for n in range(10_000 - INTENTS_MAX, 10_000)] == [i.source for i in taken[1:]]


def test_flood_of_stops_neither_blocks_nor_piles_up(box: Mailbox) -> None:
    """Ten thousand STOPs are one, and the box is quiet after it was taken."""
    for _ in range(10_000):
        box.put_stop(STOP)

    assert (STOP,) == box.take()
    assert ((), False, False) == (box.take(), box.has_stop, is_readable(box.wake_fd))


@pytest.mark.req("SR-013", "H10")
def test_emergency_stop_is_not_pushed_out_by_a_stop(box: Mailbox) -> None:
    """The graver wish stays and comes first, however often somebody says STOP after it."""
    emergency = Intent(IntentKind.ESTOP, "key")
    box.put(emergency)
    for _ in range(100):
        box.put(STOP)

    assert box.has_stop
    assert (emergency, STOP) == box.take()
    assert () == box.take()


@pytest.mark.req("SR-013")
def test_only_a_stop_wakes_the_scan_until_it_is_taken(box: Mailbox) -> None:
    """Other wishes wait for the next scan; a STOP stays readable until it is taken."""
    for wish in WISHES:
        box.put(wish)
    assert (False, False) == (is_readable(box.wake_fd), box.has_stop)

    box.put(STOP)
    assert (True, True) == (is_readable(box.wake_fd), box.has_stop)
    assert (True, True) == (is_readable(box.wake_fd), box.has_stop)

    box.take()
    assert (False, False) == (is_readable(box.wake_fd), box.has_stop)


def interrupt(call: Callable[[], Any], at: int, other: Callable[[], Any]) -> tuple[Any, bool]:
    """Run a call of the mailbox and do something else before its at-th step.

    Returns:
        What the call gave, and whether it had so many steps.
    """
    steps = 0

    def trace(frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal steps
        if Path(frame.f_code.co_filename).name != SOURCE:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == at:
                other()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = call()
    finally:
        sys.settrace(before)
    return result, steps >= at


def interruptions(make: Callable[[Mailbox], Callable[[], Any]]) -> Iterator[tuple[Mailbox, Any]]:
    """Yield a mailbox and a result for every step of a call at which a STOP came in between."""
    for at in range(1, 1_000):
        box = Mailbox()
        result, had_step = interrupt(make(box), at, partial(box.put_stop, STOP))
        if had_step:
            yield box, result
        box.close()
        if not had_step:
            return
    pytest.fail("the call never ended")


@pytest.mark.req("SR-013")
@pytest.mark.parametrize("is_there_one", [False, True])
def test_stop_between_any_two_steps_of_a_take_is_not_lost(*, is_there_one: bool) -> None:
    """A STOP that comes while the box is emptied is in this take or wakes the scan for the next."""
    earlier, later = Intent(IntentKind.STOP, "signal"), Intent(IntentKind.ARM)

    def make(box: Mailbox) -> Callable[[], Any]:
        box.put(later)
        if is_there_one:
            box.put(earlier)
        return box.take

    count = 0
    for box, taken in interruptions(make):
        count += 1
        if STOP not in taken:
            assert (True, True) == (box.has_stop, is_readable(box.wake_fd))
        assert STOP in (*taken, *box.take())
        assert later in taken
    assert count > 20


@pytest.mark.req("SR-013")
@pytest.mark.parametrize("intent", [STOP, WISHES[0]], ids=["put-stop", "put"])
def test_stop_may_interrupt_whoever_is_just_putting(intent: Intent) -> None:
    """A signal handler may say STOP in the middle of any put, the lock held or not."""
    count = 0
    for box, _ in interruptions(lambda box: lambda: box.put(intent)):
        count += 1
        assert is_readable(box.wake_fd)
        taken = box.take()
        assert STOP == taken[0]
        assert intent in taken
    assert count > 10
