"""A recorded pen that answers again: to the shipped link, and byte by byte."""

from __future__ import annotations

import pytest

from drivers.errors import WrongDevice
from drivers.pen import PenLink
from drivers.registers import Command
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Event
from drivers.trace.frames import frames
from drivers.trace.replay import Replay, ReplayPort, tokens_of
from hil.world import VirtualClock
from tests.unit.traces import HEADER, TracedWorld, recorded, recorded_frames


def test_link_with_the_recorded_tokens_believes_the_recorded_pen() -> None:
    """The session's beginning happens again, through the shipped link, with the same answers."""
    world = TracedWorld(seed=3)
    world.close()
    tokens = iter(tokens_of(frames(HEADER, world.events)))
    clock = VirtualClock()
    port = ReplayPort(world.events, clock.now_us, clock.wait_until)
    link = PenLink(port, clock.now_us, lambda: next(tokens))
    identity = link.identify()
    polled = link.exchange(Command.POLL)

    assert world.identity == identity
    assert polled.status is not None
    assert tick_of(world.events[-1]) == polled.status.tick_ms
    assert polled.received_us is not None
    assert world.events[-1].at_us - world.events[-2].at_us == polled.received_us - polled.sent_us


def tick_of(event: Event) -> int:
    """Return the tick in a status frame."""
    return int.from_bytes(event.data[11:15], "big")


def test_link_with_another_token_believes_nothing_of_a_replay() -> None:
    """A recorded answer cannot be passed off as one to another session."""
    clock = VirtualClock()
    port = ReplayPort(recorded()[1], clock.now_us, clock.wait_until)
    link = PenLink(port, clock.now_us, lambda: 0x5555_5555)
    with pytest.raises(WrongDevice, match="no valid status"):
        link.identify()


def test_pen_says_what_it_said_after_the_time_it_took() -> None:
    """Each answer waits for as many bytes as the host had said, and for the recorded time."""
    events = [
        Event(5, TO_HOST, b"hello"),
        Event(10, TO_PEN, b"abc"),
        Event(15, NOTE, b"trip x"),
        Event(30, TO_HOST, b"1"),
        Event(40, TO_HOST, b"2"),
        Event(50, TO_PEN, b"de"),
        Event(60, TO_PEN, b"f"),
        Event(61, TO_HOST, b"3"),
    ]
    replay = Replay(events)

    assert [(0, b"hello")] == replay.begin()
    assert [] == replay.hear(2)
    assert [(20, b"1"), (30, b"2")] == replay.hear(1)
    assert not replay.is_over
    assert [(1, b"3")] == replay.hear(3)
    assert replay.is_over
    assert [] == replay.hear(100)


def test_replay_gives_back_every_byte_of_the_pen() -> None:
    """Served to a host that says what the recorded one said, nothing is lost or added."""
    events = recorded()[1]
    replay, said = Replay(events), b""
    said += b"".join(data for _, data in replay.begin())
    for event in events:
        if event.direction == TO_PEN:
            said += b"".join(data for _, data in replay.hear(len(event.data)))

    assert b"".join(event.data for event in events if event.direction == TO_HOST) == said
    assert replay.is_over


def test_tokens_come_in_the_order_of_their_first_use() -> None:
    """The first names the host before its first session, each OPEN brings another."""
    assert [0x1000_0001, 0x1001_0002] == tokens_of(recorded_frames())
