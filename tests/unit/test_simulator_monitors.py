"""What the simulated pen watches for, and that it ends in FAULT with the motor off."""

from __future__ import annotations

import pytest

from drivers.registers import Command, Fault, Flag, PenState, Result
from simulator.nonvolatile import Memory
from simulator.pen import Pen
from simulator.plant import Plant
from simulator.tame_host import TameHost


@pytest.fixture
def host() -> TameHost:
    """Return a host with a pen that has just been switched on."""
    return TameHost(Pen())


def warm_up(host: TameHost, rise_k: float) -> None:
    """Let the motor be so much warmer than the room."""
    host.pen.plant._temperature_k = rise_k
    host.pen.plant.temperature_cdegc = 2_350 + round(100 * rise_k)


@pytest.mark.req("SR-019", "SR-020", "SR-046", "SR-047", "HZ-03", "D04", "D07")
@pytest.mark.parametrize("armed_only", [True, False])
def test_over_depth_opens_the_bridge_within_10_ms_and_latches(armed_only: bool) -> None:
    """Protocol 6 and D04: three samples of 1 ms, then FAULT for a technician."""
    memory = Memory()
    host = TameHost(Pen(memory=memory))
    if armed_only:
        host.arm(1_000, 1_000)
    else:
        host.start()
        host.renew_for(300)
    host.pen.inject("over-depth")
    host.wait(2)
    assert PenState.FAULT is not host.pen.state
    host.wait(1)
    assert PenState.FAULT is host.pen.state
    assert not host.pen.bridge_is_on
    assert host.ms_until(lambda pen: pen.needles_still) <= 50

    assert Fault.OVER_DEPTH == memory.fault
    host.pen.inject("restart")
    host.wait(500)
    status = host.say(Command.POLL)
    assert (PenState.FAULT, Fault.OVER_DEPTH) == (status["state"], status["fault"])


def test_two_deep_samples_are_no_over_depth(host: TameHost) -> None:
    """A disturbance of 2 ms is not believed."""
    host.start()
    host.renew_for(200)
    host.pen.inject("over-depth", 500)
    host.wait(2)
    host.pen.plant.depth.loosen_plate(-500)
    host.wait(10)

    assert PenState.RUN is host.pen.state


def test_depth_within_the_tolerance_runs_on(host: TameHost) -> None:
    """Up to set + 150 um is no over-depth; 100 um are not even noticed by the motor."""
    host.start()
    host.renew_for(200)
    host.pen.inject("over-depth", 100)
    status = host.renew_for(500)

    assert (PenState.RUN, 0) == (status["state"], status["flags"] & Flag.SETTLED)


def test_retract_that_fails_is_a_technicians_fault(host: TameHost) -> None:
    """A plate that slips by less than the tolerance may keep the needles out after STOP."""
    host.arm(500, 1_000)
    host.pen.inject("retract-fail")
    host.say(Command.STOP)
    host.wait(299)
    assert PenState.STOPPING is host.pen.state
    host.wait(1)

    status = host.say(Command.POLL)
    assert (PenState.FAULT, Fault.RETRACT_FAILED) == (status["state"], status["fault"])
    assert not host.pen.plant.depth.moving


def test_first_technicians_fault_is_kept(host: TameHost) -> None:
    """A loose plate is over-depth first and cannot be retracted next."""
    host.start()
    host.renew_for(200)
    host.pen.inject("over-depth")
    host.wait(1_000)

    assert Fault.OVER_DEPTH == host.say(Command.POLL)["fault"]


def test_technicians_fault_displaces_an_operators(host: TameHost) -> None:
    """A stall whose retract fails can no longer be reset by an operator."""
    host.start()
    host.renew_for(300)
    host.pen.inject("retract-fail")
    host.pen.inject("stall")
    host.renew_for(150)
    assert Fault.STALL == host.say(Command.POLL)["fault"]
    host.wait(400)

    assert Fault.RETRACT_FAILED == host.say(Command.POLL)["fault"]


@pytest.mark.req("SR-046", "HZ-17", "HZ-20", "HZ-22", "D05", "D10")
@pytest.mark.parametrize(
    ("fault", "code", "off_ms"),
    [
        ("stall", Fault.STALL, range(100, 111)),
        ("no-feedback", Fault.NO_FEEDBACK, range(50, 71)),
        ("runaway", Fault.OVERSPEED, range(20, 41)),
        ("cartridge-out", Fault.CARTRIDGE, range(1, 21)),
    ],
)
def test_motor_that_misbehaves_is_switched_off(fault: str, code: Fault, off_ms: range) -> None:
    """D05 and D10: each monitor acts after its patience and within 10 ms more."""
    host = TameHost(Pen())
    host.start(1_000, 1_500)
    host.renew_for(1_000, every_ms=20)
    host.pen.inject(fault)
    began_us = host.pen.now_us
    while host.pen.bridge_is_on:
        host.wait(1)
        host.say(Command.RENEW)

    assert (host.pen.now_us - began_us) // 1_000 in off_ms
    status = host.say(Command.POLL)
    assert (PenState.FAULT, code) == (status["state"], status["fault"])


@pytest.mark.req("SR-046", "D05")
def test_current_beyond_what_the_driver_can_give_is_switched_off_first(host: TameHost) -> None:
    """A failed driver at a blocked rotor is over-current long before it is a stall."""
    host.start()
    host.renew_for(300)
    host.pen.inject("runaway")
    host.pen.inject("stall")

    assert 5 <= host.ms_until(lambda pen: not pen.bridge_is_on) <= 15
    assert Fault.OVER_CURRENT == host.say(Command.POLL)["fault"]


@pytest.mark.req("SR-046", "HZ-17", "D05")
def test_encoder_that_is_dead_from_the_start_is_found(host: TameHost) -> None:
    """No speed feedback for 50 ms with the drive on."""
    host.arm(1_000, 1_000)
    host.pen.inject("no-feedback")
    host.say(Command.START)

    assert 50 <= host.ms_until(lambda pen: not pen.bridge_is_on) <= 60
    assert Fault.NO_FEEDBACK == host.say(Command.POLL)["fault"]


@pytest.mark.req("SR-046", "HZ-20", "D11")
@pytest.mark.parametrize(
    ("bend", "fault"),
    [("temperature", Fault.OVER_TEMPERATURE), ("supply", Fault.LOW_SUPPLY)],
)
def test_climate_out_of_range_stops_within_100_ms(
    host: TameHost, monkeypatch: pytest.MonkeyPatch, bend: str, fault: Fault
) -> None:
    """D11: a motor that is too warm, or a cell that is empty, ends the run."""
    host.start()
    host.renew_for(200)
    warm_up(host, 33.0 if bend == "temperature" else 0.0)
    if bend == "supply":
        monkeypatch.setattr(Plant, "supply_mv", 3_200)
    assert host.ms_until(lambda pen: not pen.bridge_is_on) <= 100

    host.wait(100)
    assert fault == host.say(Command.POLL)["fault"]
    assert Result.FAULT_ACTIVE == host.say(Command.RESET)["result"]
    warm_up(host, 31.0)
    monkeypatch.undo()
    host.say(Command.POLL)
    assert Result.DONE == host.say(Command.RESET)["result"]


@pytest.mark.req("SR-046", "D10")
def test_stop_button_stops_without_the_host(host: TameHost) -> None:
    """D10: the pen's own button opens the bridge in the next millisecond and voids the token."""
    host.start()
    host.renew_for(200)
    host.pen.inject("stop-button", 300)

    assert 1 == host.ms_until(lambda pen: not pen.bridge_is_on)
    status = host.say(Command.POLL)
    assert Flag.BUTTON == status["flags"] & (Flag.BUTTON | Flag.TOKEN_LIVE)
