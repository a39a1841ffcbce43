"""Measurements as such, contact and cartridge: stale, missing, flat, stuck."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety.facts import Facts, Telemetry
from safety.memory import Memory
from safety.monitors.rack import find_causes, measure
from safety.monitors.signals import missing
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


NEVER_FLAT = ("depth_um", "speed_dhz", "current_ma")


def details(tape: Tape) -> dict[str, str]:
    """Return the active causes with their numbers."""
    view = View(tape.memory, tape.facts, NOW_MS)
    return {str(cause.code): cause.detail for cause in find_causes(view)}


@pytest.mark.req("SR-009", "SR-040", "HZ-51", "H13")
@pytest.mark.parametrize("age_ms", [-1, 0, 149, 150, 151])
def test_telemetry_is_stale_when_old_or_from_the_future(age_ms: int, tape: Tape) -> None:
    """150 ms are allowed."""
    assert tape.facts.telemetry is not None
    view = View(tape.memory, tape.facts, tape.facts.telemetry.received_ms + age_ms)

    found = {str(cause.code): cause.detail for cause in find_causes(view)}

    assert (f"{age_ms} ms old" if age_ms in (-1, 151) else None) == found.get("telemetry-stale")


@pytest.mark.req("SR-009")
def test_no_telemetry_at_all_is_stale(tape: Tape) -> None:
    """None is the oldest there is."""
    tape.facts = replace(tape.facts, telemetry=None)

    assert details(tape)["telemetry-stale"] == "none"


@pytest.mark.req("SR-040")
@pytest.mark.parametrize(
    ("name", "value", "is_possible"),
    [
        ("speed_dhz", None, False),
        ("speed_dhz", -1, False),
        ("speed_dhz", 0, True),
        ("speed_dhz", 5_000, True),
        ("speed_dhz", 5_001, False),
        ("current_ma", None, False),
        ("current_ma", -5_001, False),
        ("current_ma", -5_000, True),
        ("current_ma", 5_000, True),
        ("current_ma", 5_001, False),
        ("temperature_mdegc", None, False),
        ("temperature_mdegc", 4_999, False),
        ("temperature_mdegc", 5_000, True),
        ("temperature_mdegc", 100_000, True),
        ("temperature_mdegc", 100_001, False),
        ("supply_mv", None, False),
        ("supply_mv", 999, False),
        ("supply_mv", 1_000, True),
        ("supply_mv", 13_000, True),
        ("supply_mv", 13_001, False),
    ],
)
def test_missing_and_impossible_values_are_reported_the_second_time(
    name: str, value: int | None, is_possible: bool, tape: Tape
) -> None:
    """Every sensor has a range that it cannot leave; one glitch is none."""
    once = tape.play(**(RUN | {name: value}))
    twice = tape.play()

    assert "sensor-unknown" not in once
    assert is_possible == ("sensor-unknown" not in twice)


@pytest.mark.req("SR-041")
def test_sensor_is_believed_again_after_a_while(tape: Tape) -> None:
    """1 s, 21 telemetries; meanwhile the cause says that it comes and goes."""
    tape.play(2, **(RUN | {"supply_mv": None}))
    bad = details(tape)["sensor-unknown"]
    after_20 = tape.play(20, supply_mv=3_900)
    good = details(tape)["sensor-unknown"]

    assert bad == "speed 1000, current 150, warmth 24000, supply None"
    assert "sensor-unknown" in after_20
    assert good == "now and then"
    assert "sensor-unknown" not in tape.play()


def test_nothing_is_missing_from_a_healthy_status(telemetry: Telemetry) -> None:
    """All four are known and possible."""
    assert "" == missing(telemetry)


@pytest.mark.req("SR-040", "HZ-04")
@pytest.mark.parametrize(
    ("code", "name", "value", "count", "detail"),
    [
        ("depth-flat", "depth_um", 751, 21, "751 um"),
        ("speed-flat", "speed_dhz", 998, 41, "998 dHz"),
        ("current-flat", "current_ma", 151, 21, "151 mA"),
    ],
)
def test_sensor_that_repeats_itself_is_reported(
    code: str, name: str, value: int, count: int, detail: str, tape: Tape
) -> None:
    """20 repetitions of depth and current, 40 of speed are allowed while the motor is driven."""
    run = RUN | {"current_ma": 150, name: value}
    tape.play(**(run | {name: value + 1}))
    at_bound, beyond = tape.play(count, **run), tape.play()

    assert code not in at_bound
    assert code in beyond
    assert detail == details(tape)[code]
    assert code not in tape.play(**{name: value + 1})


@pytest.mark.parametrize("name", NEVER_FLAT)
def test_sensor_that_shows_nothing_is_not_flat(name: str, tape: Tape) -> None:
    """What is not known has its own cause."""
    found = tape.play(60, **(RUN | {name: None}))

    assert f"{name.split('_', maxsplit=1)[0]}-flat" not in found


def test_sensors_may_repeat_themselves_while_the_motor_is_off(tape: Tape) -> None:
    """At rest there is nothing to see; the counts of a run end with it."""
    tape.play(11, **RUN)
    before = (
        tape.watch.flat_depth_count,
        tape.watch.flat_speed_count,
        tape.watch.flat_current_count,
    )
    tape.play(2, is_driven=False)
    after = (
        tape.watch.flat_depth_count,
        tape.watch.flat_speed_count,
        tape.watch.flat_current_count,
    )

    assert (10, 10, 11) == before
    assert (0, 0, 0) == after


@pytest.mark.req("SR-040")
@pytest.mark.parametrize(
    ("tick_ms", "is_off"),
    [(0, True), (1, False), (250, False), (251, True), (-50, True)],
)
def test_clock_that_stands_or_jumps_is_reported(tick_ms: int, is_off: bool, tape: Tape) -> None:
    """It may go apart from the host's by 200 ms, and must go on."""
    assert tape.facts.telemetry is not None
    found = tape.play(tick_ms=tape.facts.telemetry.tick_ms + tick_ms)

    assert is_off == ("pen-clock" in found)
    assert not is_off or details(tape)["pen-clock"] == f"tick {5_050 + tick_ms} ms"
    assert "pen-clock" not in tape.play()


@pytest.mark.parametrize(("ms", "is_off"), [(201, False), (202, True)])
def test_clock_that_falls_behind_is_reported(ms: int, is_off: bool, tape: Tape) -> None:
    """The same bound holds the other way; the tick goes on by 1 ms."""
    assert tape.facts.telemetry is not None
    found = tape.play(ms=ms, tick_ms=tape.facts.telemetry.tick_ms + 1)

    assert is_off == ("pen-clock" in found)


def test_clock_may_wrap(tape: Tape) -> None:
    """After 49.7 days it begins at 0."""
    tape.watch.seen_tick_ms = 2**32 - 1

    assert "pen-clock" not in tape.play(tick_ms=49)


def test_clock_begins_anew_with_another_boot(tape: Tape) -> None:
    """A restart has its own cause."""
    tape.facts = replace(tape.facts, epoch_changed=True)

    assert "pen-clock" not in tape.play(tick_ms=1)


def test_clock_that_was_off_is_good_again_after_another_boot(tape: Tape) -> None:
    """What a pen's clock did before it restarted is told by the restart."""
    before = tape.play(tick_ms=1)
    tape.facts = replace(tape.facts, epoch_changed=True)
    after = tape.play(tick_ms=1)

    assert "pen-clock" in before
    assert "pen-clock" not in after


def test_first_telemetry_says_nothing_about_the_clock(facts: Facts) -> None:
    """There is nothing to compare it with, and no time has passed before it."""
    memory = Memory(state=State.RUNNING)
    view = View(memory, facts, NOW_MS)
    measure(view)

    assert not memory.watch.is_clock_off
    assert (5_000, NOW_MS, 1_000) == (
        memory.watch.seen_tick_ms,
        memory.watch.seen_ms,
        memory.watch.seen_strokes,
    )


def test_signal_causes_need_a_telemetry(tape: Tape) -> None:
    """Without one its absence is what is reported."""
    tape.watch.is_clock_off, tape.watch.unknown_ms = True, 100
    tape.facts = replace(tape.facts, telemetry=None)

    assert {"telemetry-stale"} == set(details(tape))


@pytest.mark.req("SR-008", "SR-042")
@pytest.mark.parametrize(("air_ms", "is_long"), [(9_999, False), (10_000, False), (10_001, True)])
def test_needles_in_the_air_are_reported_after_10_s(air_ms: int, is_long: bool, tape: Tape) -> None:
    """The time counts from the last contact, once START was confirmed."""
    view = View(tape.memory, tape.facts, NOW_MS + air_ms)
    found = {str(cause.code): cause.detail for cause in find_causes(view)}
    assert tape.memory.current is not None
    tape.memory.current.begun_ms = None

    assert (f"{air_ms} ms" if is_long else None) == found.get("no-contact")
    assert "no-contact" not in {str(cause.code) for cause in find_causes(view)}


@pytest.mark.req("SR-042")
@pytest.mark.parametrize("state", [State.LOCKED, State.PLANNED, State.PAUSED])
def test_contact_without_end_at_rest_is_reported_after_5_s(state: State, tape: Tape) -> None:
    """A pen that lies on skin is taken away before; it is good again after a while."""
    tape.memory.state = state
    at_bound, beyond = tape.play(99, has_contact=True), tape.play()
    after_20, after_21 = tape.play(20, has_contact=False), tape.play()

    assert "contact-stuck" not in at_bound
    assert "contact-stuck" in beyond
    assert "contact-stuck" in after_20
    assert "contact-stuck" not in after_21


@pytest.mark.parametrize(
    "changes", [{"state": PenState.READY}, {"is_driven": True}, {"has_contact": False}]
)
def test_contact_is_stuck_only_with_needles_in_and_motor_off(
    changes: dict[str, Any], tape: Tape
) -> None:
    """Everything else may truly be skin."""
    tape.play(110, **({"has_contact": True} | changes))

    assert 0 == tape.watch.contact_stuck_ms


@pytest.mark.req("SR-037")
@pytest.mark.parametrize("has_cartridge", [False, True])
@pytest.mark.parametrize("has_pass", [False, True])
def test_missing_cartridge_is_reported_while_a_pass_is_at_hand(
    has_cartridge: bool, has_pass: bool, tape: Tape
) -> None:
    """Without one nobody minds."""
    if not has_pass:
        tape.memory.current = None

    found = tape.play(has_cartridge=has_cartridge)

    assert (has_pass and not has_cartridge) == ("cartridge-out" in found)
