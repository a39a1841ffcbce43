"""The scan loop and a cartridge that was out: nothing goes on before the pen was asked anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.scanloop import RELEARN_US
from controller.translate import telemetry_of
from drivers.pen import PenLink
from drivers.registers import Command
from safety.facts import Intent, IntentKind, Role, Telemetry
from safety.states import State
from simulator.report import identity_fields
from tests.unit.scan_bench import Bench


def take_out(world: Bench) -> None:
    """Take the cartridge out while nothing moves, and let the host see it."""
    world.pen.inject("cartridge-out", 200)
    world.scan_until(lambda m: m.seen_cartridge is False, pushing=False)


def put_in_another(world: Bench) -> int:
    """Let the cartridge that comes back be one of another type; return its number."""
    parameters = world.pen.parameters
    other = replace(parameters.cartridge, needles=36, depth_um_max=1_000, uid=0xBEEF)
    world.pen._identities[True] = identity_fields(parameters, other)
    return other.uid


def watch_asking(
    world: Bench, monkeypatch: pytest.MonkeyPatch, first: Callable[[], object] = lambda: None
) -> list[int]:
    """Note how many orders had gone out each time the pen was asked who it is."""
    asked: list[int] = []
    really = PenLink.identify

    def identify(link: PenLink, *arguments: int) -> object:
        if not asked:
            first()
        asked.append(len(world.sent))
        return really(link, *arguments)

    monkeypatch.setattr(PenLink, "identify", identify)
    return asked


@pytest.mark.req("SR-037", "HZ-22")
@pytest.mark.parametrize("state", [State.PLANNED, State.PAUSED])
def test_cartridge_taken_out_voids_the_plan(world: Bench, state: State) -> None:
    """Whatever was planned was granted to the needles that were in."""
    world.to(state)
    take_out(world)

    assert State.IDLE is world.memory.state
    assert "the cartridge was removed" == world.memory.stop_reason
    assert world.memory.current is None


@pytest.mark.req("SR-037", "HZ-22")
def test_pen_is_asked_anew_when_a_cartridge_came_back(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which one it is: the pen says so itself, is tested, and only then armed."""
    world.to(State.IDLE)
    asked: list[State] = []
    really = PenLink.identify

    def identify(link: PenLink, *arguments: int) -> object:
        asked.append(world.memory.state)
        return really(link, *arguments)

    monkeypatch.setattr(PenLink, "identify", identify)
    take_out(world)
    world.scan_until(lambda m: m.state is State.IDENTIFYING, pushing=False)
    assert world.loop.memory.plan
    seen = [world.memory.state]
    while world.memory.state is not State.IDLE:
        world.scan()
        if world.memory.state is not seen[-1]:
            seen.append(world.memory.state)

    assert [State.IDENTIFYING, State.SELFTEST, State.LOCKED, State.IDLE] == seen
    world.want(IntentKind.PLAN)
    world.scan()
    assert (1, State.PLANNED) == (len(asked), world.memory.state)


@pytest.mark.req("SR-037", "SR-038", "HZ-38")
@pytest.mark.parametrize("state", [State.IDLE, State.PLANNED, State.PAUSED])
def test_cartridge_of_another_type_leads_to_an_empty_plan(world: Bench, state: State) -> None:
    """The pen's limits are others now: nothing is planned for them, and nothing is a fault."""
    world.to(state)
    before = world.pen.parameters.cartridge.uid
    take_out(world)
    after = put_in_another(world)
    world.scan_until(lambda m: m.state is State.IDENTIFYING, pushing=False)
    world.scan_until(lambda m: m.state is State.IDLE, pushing=False)

    told = [e.body for e in world.journal.entries if e.kind == "cartridge_changed"]
    assert ([{"before": before, "after": after}], set()) == (told, world.codes)
    world.want(IntentKind.PLAN)
    world.scan()
    assert (State.IDLE, ()) == (world.memory.state, world.memory.plan)


@pytest.mark.req("SR-020", "SR-036", "HZ-24", "HZ-39")
def test_restart_between_cartridge_and_question_latches(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked is another boot of the pen than the one that began the session."""

    def restart() -> None:
        world.pen.restart()
        world.pen.advance(world.pen.now_us + 100_000)
        world.clock.wait_until(world.clock.now_us() + 100_000)

    world.to(State.IDLE)
    take_out(world)
    watch_asking(world, monkeypatch, restart)
    world.scan_until(lambda m: m.state is State.FAULT, pushing=False, limit=40)

    assert {"pen-restarted"} == world.codes
    world.scan(20)
    assert State.FAULT is world.memory.state
    assert Command.ARM not in world.commands

    world.mailbox.put(Intent(IntentKind.RESET, role=Role.TECHNICIAN))
    world.scan_until(lambda m: m.state is State.IDLE, pushing=False, limit=40)
    assert world.memory.identity is not None
    assert world.pen.memory.epoch == world.memory.identity.epoch


@pytest.mark.req("SR-015", "SR-038", "HZ-38")
@pytest.mark.parametrize("lost", [2, 4, 6])
def test_pen_that_is_silent_when_it_is_asked_is_asked_again(
    world: Bench, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """One question without an answer ends no session; the line is given up after a second."""
    world.to(State.PLANNED)
    take_out(world)
    asked = watch_asking(
        world, monkeypatch, lambda: setattr(world.port.fault, "lose_answers", lost)
    )
    world.scan_until(lambda m: m.state is State.IDENTIFYING, pushing=False)
    world.scan_until(lambda m: m.state is State.IDLE, pushing=False, limit=60)

    assert (True, "") == (len(asked) > 1, world.loop.link_failure)
    assert set() == world.codes


@pytest.mark.req("SR-015", "HZ-25")
def test_pen_that_did_not_say_who_it_is_hears_nothing_but_stop(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first question to the one that is answered; the fault of its restart stays."""
    world.to(State.PLANNED)
    asked = watch_asking(world, monkeypatch, lambda: setattr(world.port.fault, "lose_answers", 7))
    world.pen.restart()
    world.scan_until(lambda _: len(asked) > 2, pushing=False, limit=60)
    world.scan(10)

    said = world.commands[asked[0] : asked[-1]]
    assert {Command.STOP} == set(said)
    assert len(said) >= len(asked) - 1
    assert (State.FAULT, "") == (world.memory.state, world.loop.link_failure)
    assert Command.POLL is world.commands[-1]


@pytest.mark.req("SR-005", "SR-006", "HZ-10")
def test_pen_is_not_asked_under_a_latch_before_it_rests(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its motor is driven there is no time for questions: STOP goes out, every scan."""

    def driven(*arguments: Any) -> Telemetry:
        return replace(telemetry_of(*arguments), is_driven=True)

    world.to(State.FAULT)
    asked = watch_asking(world, monkeypatch)
    monkeypatch.setattr("controller.scanloop.telemetry_of", driven)
    take_out(world)
    count = len(world.sent)
    world.scan_until(lambda m: m.seen_cartridge is True, pushing=False)
    world.scan(10)
    assert [] == asked
    assert {Command.STOP} == set(world.commands[count:])

    monkeypatch.setattr("controller.scanloop.telemetry_of", telemetry_of)
    world.scan(3)
    assert 1 == len(asked)


@pytest.mark.req("SR-005", "SR-013", "HZ-09", "H10")
def test_stop_goes_out_at_once_while_the_pen_is_asked_who_it_is(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pen that does not say it is told to stop before it is asked again, and nothing else."""
    world.to(State.PLANNED)
    take_out(world)

    def want_stop() -> None:
        world.port.fault.lose_answers = 1_000
        world.mailbox.put_stop(Intent(IntentKind.STOP, "key"))
        wanted_us.append(world.clock.now_us())

    wanted_us: list[int] = []
    asked = watch_asking(world, monkeypatch, want_stop)
    world.scan_until(lambda _: bool(asked), pushing=False)
    world.scan()

    sent_us, _ = world.sent[asked[0]]
    assert sent_us == wanted_us[0]
    assert asked[0] < asked[1]
    assert {Command.STOP} == set(world.commands[asked[0] :])


@pytest.mark.req("SR-005", "SR-013", "HZ-09", "H10")
def test_stop_does_not_wait_for_the_status_of_a_pen_that_said_who_it_is(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first status is waited for three times 100 ms; a STOP that is wanted then goes first."""
    world.to(State.PLANNED)
    take_out(world)
    asked = watch_asking(world, monkeypatch)
    wanted_us: list[int] = []

    def want_stop(command: Command) -> None:
        if asked and not wanted_us and command is Command.POLL:
            world.port.fault.lose_answers = 1_000
            world.mailbox.put_stop(Intent(IntentKind.STOP, "key"))
            wanted_us.append(world.clock.now_us())

    world.on_write = want_stop
    world.scan_until(lambda _: bool(wanted_us), pushing=False)
    world.scan()

    later = [(at_us, one) for at_us, one in world.sent if at_us >= wanted_us[0]][1:]
    assert (wanted_us[0], Command.STOP) == later[0]
    assert {Command.STOP} == {one for _, one in later}


@pytest.mark.req("SR-015", "HZ-25")
def test_pen_that_is_silent_keeps_no_scan_longer_than_before(
    world: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many short questions take no more time than one long one."""
    world.to(State.PLANNED)
    take_out(world)
    asked = watch_asking(world, monkeypatch, lambda: setattr(world.port.fault, "lose_answers", 99))
    before_us = world.clock.now_us()
    while not asked:
        before_us = world.clock.now_us()
        world.scan()

    assert len(asked) > 3
    assert world.clock.now_us() - before_us <= RELEARN_US + 100_000
