"""Faults on demand: how they are written, when they strike, and that they do."""

from __future__ import annotations

import json

import pytest

from drivers.registers import Command, PenState
from simulator.faults import KINDS, FaultOrder, FaultSyntaxError, parse_fault
from simulator.pen import Pen
from simulator.tame_host import TameHost

IDENTITY_REQUEST = bytes.fromhex("01 03 00 00 00 20 44 12")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("over-depth@tick=900", FaultOrder("over-depth", 500, "tick", 900)),
        ("over-depth:250@strokes=40", FaultOrder("over-depth", 250, "strokes", 40)),
        ("mute:100@run=300", FaultOrder("mute", 100, "run", 300)),
        ("restart@run=0#3", FaultOrder("restart", 0, "run", 0, 3)),
    ],
)
def test_fault_is_read_as_written(text: str, order: FaultOrder) -> None:
    """NAME[:VALUE]@CONDITION=N, with the default value of its kind."""
    assert order == parse_fault(text)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "NAME"),
        ("stall", "NAME"),
        ("stall@tick", "NAME"),
        ("stall@tick=-1", "NAME"),
        ("stall@tick=1.5", "NAME"),
        ("stall:@tick=1", "NAME"),
        ("stall@tick=\u0661", "NAME"),
        ("stahl@tick=1", "no fault 'stahl'"),
        ("stall@tock=1", "no condition 'tock'"),
        ("stall@tick=1#2", "only @run"),
        ("stall@run=1#0", "count from 1"),
        ("stall@tick=99999999999", "numbers go to"),
    ],
)
def test_fault_that_cannot_be_understood_is_named(text: str, hint: str) -> None:
    """One line that says what is wrong."""
    with pytest.raises(FaultSyntaxError, match=hint) as caught:
        parse_fault(text)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_fault_strikes_at_its_tick_and_leaves_evidence(name: str) -> None:
    """Applied at the millisecond that was asked for, in the evidence and in the truth log."""
    lines: list[str] = []
    pen = Pen(faults=[parse_fault(f"{name}:400@tick=5000")], truth=lines.append)
    pen.advance(4_999_000)
    assert [] == pen.faults.evidence
    pen.advance(60_000_000)
    [evidence] = pen.faults.evidence
    [logged] = [entry for entry in map(json.loads, lines) if entry["event"] == "fault_injected"]

    assert (name, 400, 5_000) == (evidence.name, evidence.value, evidence.applied_at_tick)
    assert (name, 5_000) == (logged["fault"], logged["tick_ms"])
    assert (5_400 if KINDS[name].switch else None) == evidence.cleared_at_tick


def test_fault_strikes_at_its_stroke() -> None:
    """Strokes count from the program's start."""
    host = TameHost(Pen(faults=[parse_fault("stall@strokes=40")]))
    host.start()
    host.renew_for(2_000)

    assert 40 == host.pen.true_strokes


@pytest.mark.parametrize("which", [1, 2])
def test_fault_strikes_after_its_start(which: int) -> None:
    """@run counts from the K-th START that was taken."""
    host = TameHost(Pen(faults=[parse_fault(f"stuck-depth-sensor:1@run=300#{which}")]))
    for _ in range(2):
        host.start()
        host.renew_for(200)
        host.say(Command.STOP)
        host.wait(500)
    [evidence] = host.pen.faults.evidence

    assert host.pen.faults.starts_ms[which - 1] + 300 == evidence.applied_at_tick


def test_faults_strike_together() -> None:
    """Several may be given, and each has evidence of its own."""
    pen = Pen(faults=[parse_fault("deaf@tick=100"), parse_fault("mute@tick=100")])
    pen.advance(200_000)

    assert ["deaf", "mute"] == [evidence.name for evidence in pen.faults.evidence]


@pytest.mark.parametrize("name", ["cable-pull", "deaf", "mute"])
def test_pen_without_a_line_answers_nothing_and_comes_back(name: str) -> None:
    """For the given time, and then again as before."""
    pen = Pen()
    pen.advance(100_000)
    pen.inject(name, 200)

    assert b"" == pen.receive(IDENTITY_REQUEST, 150_000)
    assert b"" != pen.receive(IDENTITY_REQUEST, 400_000)


@pytest.mark.parametrize(
    ("name", "obeys"), [("mute", True), ("deaf", False), ("cable-pull", False)]
)
def test_mute_pen_obeys_and_a_deaf_one_does_not(name: str, obeys: bool) -> None:
    """What a host cannot tell apart is different in truth."""
    host = TameHost(Pen())
    host.start()
    host.pen.inject(name)
    host.pen.receive(host.frame(Command.STOP), host.pen.now_us)

    assert obeys is (host.pen.state is PenState.STOPPING)


@pytest.mark.req("SR-012")
@pytest.mark.parametrize("name", ["deaf", "cable-pull"])
def test_unplugged_pen_stops_by_itself(name: str) -> None:
    """The physics goes on until the lease ends, and not for longer than 251 ms."""
    host = TameHost(Pen())
    host.start(1_000, 1_500)
    host.renew_for(1_000)
    host.say(Command.RENEW)
    host.pen.inject(name)
    host.wait(199)
    assert host.pen.bridge_is_on
    host.wait(52)

    assert host.pen.needles_still


def test_stuck_depth_sensor_keeps_the_pen_from_starting() -> None:
    """A depth that nobody has measured is not settled."""
    host = TameHost(Pen(faults=[parse_fault("stuck-depth-sensor@tick=90")]))
    status = host.start()

    assert PenState.READY == status["state"]
    assert 900 < host.pen.true_depth_um


def test_unknown_fault_cannot_be_injected() -> None:
    """A misspelt name is an error and no silence."""
    with pytest.raises(KeyError):
        Pen().inject("gremlin")
