"""The simulated pen as a whole: golden answers, contact, determinism, quiet time."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.registers import Command, Fault, Flag, PenState, Result
from simulator.codec import seal
from simulator.nonvolatile import Memory
from simulator.parameters import (
    DepthDriveParameters,
    NoiseParameters,
    PenParameters,
    SupplyParameters,
)
from simulator.pen import Pen
from simulator.skin import Skin
from simulator.tame_host import TameHost

DATA = Path(__file__).parents[1] / "data" / "frames.toml"
GOLDEN = {
    entry["name"]: bytes.fromhex(entry["hex"])
    for entry in tomllib.loads(DATA.read_text(encoding="utf-8"))["frame"]
}
EXACT = PenParameters(
    depth=DepthDriveParameters(seat_spread_um=0.0, bias_spread_um=0.0, noise_um=0.0),
    noise=NoiseParameters(current_ma=0.0, speed_dhz=0.0),
    supply=SupplyParameters(open_circuit_v=3.98),
)


def golden_pen() -> Pen:
    """Return the pen of docs/protocol.md section 8, without tolerances and noise."""
    return Pen(EXACT, memory=Memory(strokes=1_000, epoch=6))


def test_identity_is_the_golden_one() -> None:
    """Byte for byte, on the wire."""
    assert GOLDEN["identity"] == golden_pen().receive(GOLDEN["identity request"], 60_000)


def test_first_poll_is_answered_by_the_golden_status() -> None:
    """Byte for byte: SAFE, tick 5,000, 23.50 degC, 3,980 mV, 1,000 strokes, epoch 7."""
    pen = golden_pen()

    assert GOLDEN["status of the poll"] == pen.receive(GOLDEN["poll"], 5_000_000)


def test_golden_open_is_taken_at_its_tick() -> None:
    """The recorded OPEN fits a pen at that tick."""
    pen = golden_pen()
    pen.receive(GOLDEN["open"], 5_010_000)

    assert (0xABCD, 2) == pen.firmware.last_order


def test_exception_and_stop_06_are_the_golden_ones() -> None:
    """Byte for byte."""
    pen = golden_pen()
    wrong = seal(bytes.fromhex("01 17 02 00 00 13 01 00 00 0A 14") + bytes(20))

    assert GOLDEN["exception 02 to function 23"] == pen.receive(wrong, 60_000)
    assert GOLDEN["stop by function 06"] == pen.receive(GOLDEN["stop by function 06"], 60_000)


def test_merged_requests_get_an_answer_each() -> None:
    """Two frames in one read are two answers in one write."""
    pen = golden_pen()
    answer = pen.receive(GOLDEN["identity request"] * 2, 60_000)

    assert GOLDEN["identity"] * 2 == answer


@pytest.mark.parametrize(
    ("depth_um", "speed_dhz"), [(250, 500), (250, 1_500), (1_000, 1_000), (2_500, 1_500)]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_contact_flag_follows_the_skin_within_150_ms(
    depth_um: int, speed_dhz: int, seed: int
) -> None:
    """What the pen senses lags the truth a little, and never disagrees for long."""
    host = TameHost(Pen(seed=seed))
    host.start(depth_um, speed_dhz)
    true_for_ms = sensed_ms = 0
    was_on_skin = False
    for _ in range(1_000):
        host.wait(5)
        status = host.say(Command.RENEW)
        true_for_ms = true_for_ms + 5 if host.pen.on_skin is was_on_skin else 0
        was_on_skin = host.pen.on_skin
        is_sensed = bool(status["flags"] & Flag.CONTACT)
        sensed_ms += 5 * is_sensed
        if true_for_ms > 150:
            assert was_on_skin is is_sensed

    assert 3_000 < sensed_ms < 5_000


@pytest.mark.req("SR-008")
def test_contact_flag_comes_from_the_current_and_not_from_the_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Skin that costs no current is not sensed, however long the hand is on it."""
    monkeypatch.setattr(Skin, "torque_nm", lambda *_: 0.0)
    host = TameHost(Pen())
    host.start(1_000, 1_000)
    status = host.renew_for(1_000)
    assert host.pen.on_skin
    assert not status["flags"] & Flag.CONTACT


def test_skin_strokes_are_those_in_contact_only() -> None:
    """Strokes in air before the hand sets down are no strokes in skin."""
    host = TameHost(Pen())
    host.start(1_000, 1_000)
    host.renew_for(1_500)
    pen = host.pen

    assert 0 < pen.true_skin_strokes < pen.true_strokes
    assert 15 <= pen.true_strokes - pen.true_skin_strokes <= 35


def test_motor_warms_up_and_the_supply_sags() -> None:
    """Twenty seconds of running are worth tenths of a kelvin and some tens of millivolts."""
    host = TameHost(Pen())
    idle = host.open()
    host.depth_um, host.speed_dhz = 1_000, 1_170
    host.say(Command.ARM)
    host.wait(100)
    host.say(Command.POLL)
    host.say(Command.START)
    status = host.renew_for(20_000, every_ms=50)

    assert 20 < status["temperature_cdegc"] - idle["temperature_cdegc"] < 500
    assert 10 <= idle["supply_mv"] - status["supply_mv"] <= 40


def session(pen: Pen) -> bytes:
    """Return everything that a pen says in a treatment with a fault."""
    host = TameHost(pen)
    said = bytearray()
    for frame in (Command.POLL, Command.OPEN):
        host.wait(70)
        answer = pen.receive(host.frame(frame), pen.now_us)
        host.hear(answer)
        said += answer
    host.depth_um, host.speed_dhz = 750, 1_200
    for command, wait_ms in [(Command.ARM, 1), (Command.POLL, 120), (Command.START, 1)]:
        host.wait(wait_ms)
        answer = pen.receive(host.frame(command), pen.now_us)
        host.hear(answer)
        said += answer
    for _ in range(60):
        host.wait(50)
        answer = pen.receive(host.frame(Command.RENEW), pen.now_us)
        host.hear(answer)
        said += answer
    pen.inject("over-depth")
    host.wait(1_500)
    return bytes(said + pen.receive(host.frame(Command.POLL), pen.now_us))


def test_same_seed_gives_the_same_bytes_and_the_same_truth() -> None:
    """Two pens of one seed cannot be told apart; one of another seed can."""
    logs: list[list[str]] = [[], [], []]
    said = [
        session(Pen(seed=seed, truth=log.append)) for seed, log in zip([5, 5, 6], logs, strict=True)
    ]

    assert said[0] == said[1]
    assert logs[0] == logs[1]
    assert said[0] != said[2]
    assert logs[0] != logs[2]


@pytest.mark.parametrize("seed", [1, 2])
def test_jumping_over_quiet_time_is_the_same_as_living_through_it(seed: int) -> None:
    """A pen that is asked once a minute says what one says that was advanced by milliseconds."""
    answers = []
    for step_us in (60_000_000, 1_000):
        host = TameHost(Pen(seed=seed))
        pen = host.pen
        host.start(1_000, 1_000)
        host.renew_for(2_000)
        goal_us = pen.now_us + 20_000_000
        while pen.now_us < goal_us:
            pen.advance(min(pen.now_us + step_us, goal_us))
        heard = host.say(Command.POLL)
        host.start(500, 900)
        answers.append((heard, host.renew_for(500)))

    assert answers[0] == answers[1]


def test_jump_misses_no_deadline() -> None:
    """Token, injected faults and their ends come at their millisecond, however far one jumps."""
    lines: list[str] = []
    host = TameHost(Pen(truth=lines.append))
    host.open()
    host.wait(60_000)
    host.pen.inject("stop-button", 300)
    host.wait(60_000)

    assert any('"token_idle","tick_ms":1100' in line for line in lines)
    assert any('"stop","tick_ms":60101' in line for line in lines)
    assert any('"fault_cleared","tick_ms":60400' in line for line in lines)


def test_time_that_has_gone_by_changes_nothing() -> None:
    """The pen does not live backwards."""
    pen = Pen()
    pen.advance(500_000)
    pen.advance(400_000)

    assert 500 == pen.tick_ms
    assert 500_000 == pen.now_us


def test_pen_of_another_unit_id_answers_that_one_only() -> None:
    """The unit id is a parameter of the pen."""
    pen = Pen(replace(PenParameters(), unit_id=7))
    request = seal(b"\x07" + GOLDEN["identity request"][1:-2])

    assert b"" == pen.receive(GOLDEN["identity request"], 60_000)
    assert b"\x07\x03\x40" == pen.receive(request, 60_000)[:3]


@pytest.mark.req("SR-047", "D07")
def test_memory_fault_from_the_factory_comes_up_in_fault() -> None:
    """A latched technician fault is shown as soon as the pen has booted."""
    host = TameHost(Pen(memory=Memory(fault=Fault.MEMORY)))
    host.wait(100)
    status = host.say(Command.POLL)

    assert (PenState.FAULT, Fault.MEMORY) == (status["state"], status["fault"])
    assert Result.FAULT_ACTIVE == host.say(Command.OPEN)["result"]
