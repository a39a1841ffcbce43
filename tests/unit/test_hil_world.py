"""The parts of the deterministic world: its clock, its wire and its journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from controller.mailbox import Mailbox
from drivers.registers import IDENTITY, UNIT_ID
from drivers.rtu import read_request
from hil.world import CHARACTER_US, TURN_ROUND_US, VirtualClock, VirtualJournal, VirtualPort, World
from safety.facts import Intent, IntentKind
from safety.ledger import AreaPlan
from safety.memory import Entry
from safety.states import State
from simulator.pen import Pen

QUESTION = read_request(UNIT_ID, IDENTITY.address, IDENTITY.words)
ANSWER_BYTES = 5 + 2 * IDENTITY.words
PLAN = (AreaPlan("cheek", 500, 1_000, 1, 100, 10_000),)


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that goes on only when somebody waits."""
    return VirtualClock()


@pytest.fixture
def port(clock: VirtualClock) -> VirtualPort:
    """A port with a pen at its far end that has booted."""
    pen = Pen()
    made = VirtualPort(pen, clock)
    clock.wait_until(clock.now_us() + 500_000)
    return made


@pytest.fixture
def woken() -> Iterator[int]:
    """A descriptor that is readable."""
    box = Mailbox()
    with closing(box):
        box.put(Intent(IntentKind.STOP))
        yield box.wake_fd


def test_clock_goes_on_when_somebody_waits_and_never_back(clock: VirtualClock) -> None:
    """A past moment, and waiting for now, take no time."""
    assert 1_000_000 == clock.now_us()
    for at_us, now_us in ((1_000_500, 1_000_500), (3, 1_000_500), (1_000_500, 1_000_500)):
        clock.wait_until(at_us)
        assert now_us == clock.now_us()


def test_wait_that_is_woken_takes_no_time(clock: VirtualClock, woken: int) -> None:
    """A wake that is there already ends the wait at once."""
    clock.wait_until(9_000_000, woken)

    assert 1_000_000 == clock.now_us()


def test_answer_takes_the_time_that_a_wire_takes(port: VirtualPort, clock: VirtualClock) -> None:
    """Request, turn-round and answer at 115,200 baud, and not a microsecond less."""
    began_us = clock.now_us()
    port.write(QUESTION)
    wire_us = (len(QUESTION) + ANSWER_BYTES) * CHARACTER_US + TURN_ROUND_US

    assert b"" == port.read(wire_us - 1)
    assert began_us + wire_us - 1 == clock.now_us()
    assert ANSWER_BYTES == len(port.read(1))
    assert began_us + wire_us == clock.now_us()
    assert b"" == port.drain()


def test_read_ends_at_the_answer_or_at_its_time(port: VirtualPort, clock: VirtualClock) -> None:
    """Nothing more is waited for once the answer has come; without one, all of the time is."""
    port.write(QUESTION)
    assert port.read(10_000_000)
    assert clock.now_us() < 1_520_000
    before_us = clock.now_us()

    assert b"" == port.read(7_000)
    assert before_us + 7_000 == clock.now_us()


def test_read_that_is_woken_gives_nothing_and_loses_nothing(port: VirtualPort, woken: int) -> None:
    """The answer is there for whoever reads on."""
    port.write(QUESTION)

    assert b"" == port.read(1_000_000, woken)
    assert ANSWER_BYTES == len(port.read(1_000_000))


@pytest.mark.parametrize("name", ["lose_requests", "lose_answers"])
def test_wire_loses_as_many_frames_as_it_was_told(port: VirtualPort, name: str) -> None:
    """Two frames are lost, the third one gets through."""
    setattr(port.fault, name, 2)
    heard = []
    for _ in range(3):
        port.write(QUESTION)
        heard.append(bool(port.read(50_000)))

    assert [False, False, True] == heard
    assert 0 == getattr(port.fault, name)


def test_cut_wire_passes_nothing_until_it_is_mended(port: VirtualPort) -> None:
    """However often somebody asks."""
    port.fault.is_cut = True
    port.write(QUESTION)
    assert b"" == port.read(100_000)
    port.fault.is_cut = False
    port.write(QUESTION)

    assert port.read(100_000)


def test_digest_tells_one_byte_from_another_and_one_direction_from_the_other(
    clock: VirtualClock,
) -> None:
    """Two conversations with the same bytes have the same digest, all others another."""
    ports = [VirtualPort(Pen(), clock) for _ in range(4)]
    ports[1].write(QUESTION)
    ports[2].write(QUESTION)
    ports[3].write(QUESTION[:-1] + b"\x00")
    digests = [port.digest.hexdigest() for port in ports]

    assert digests[1] == digests[2]
    assert 3 == len(set(digests))


def test_journal_is_durable_at_once_or_some_questions_later() -> None:
    """The delay counts in questions; a failed journal takes nothing, and its ticket never comes."""
    entry = Entry(1, "state", {})
    prompt, slow = VirtualJournal(), VirtualJournal(delay=2)
    for journal in (prompt, slow):
        assert 1 == journal.submit(entry)

    assert 1 == prompt.durable_ticket
    assert [0, 1, 1] == [slow.durable_ticket for _ in range(3)]
    prompt.failed = "the disk is full"
    assert prompt.submit(entry) > prompt.durable_ticket
    assert 1 == len(prompt.entries)


def test_world_knows_its_pen_before_the_first_scan() -> None:
    """The pen is identified and at rest, the host has not begun."""
    world = World(PLAN, Pen(seed=3))
    with closing(world):
        assert (42, State.OFFLINE) == (world.identity.serial_number, world.memory.state)
        assert [] == world.decisions
        assert world.scan(2) is world.decisions[-1]
        assert 2 == len(world.decisions)


def test_scanning_for_ever_is_an_error_with_the_state() -> None:
    """A state that is never reached ends the test that waits for it."""
    world = World(PLAN, Pen(seed=3))
    with closing(world), pytest.raises(TimeoutError, match="still SELFTEST after 5 scans"):
        world.scan_until(lambda m: m.state is State.FAULT, limit=5, pushing=False)
