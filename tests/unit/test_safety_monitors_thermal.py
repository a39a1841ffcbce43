"""Warmth: two calculated nodes against a closed form, bounds, and a sensor that lies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safety.facts import Facts, Telemetry
from safety.memory import Memory
from safety.monitors.rack import find_causes, measure
from safety.monitors.thermal import moved
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


U = 1_000_000


def details(tape: Tape) -> dict[str, str]:
    """Return the active causes with their numbers."""
    view = View(tape.memory, tape.facts, NOW_MS)
    return {str(cause.code): cause.detail for cause in find_causes(view)}


def still(tape: Tape) -> set[str]:
    """Play one telemetry in no time, so that no node moves."""
    return tape.play(ms=0, tick_ms=(tape.watch.seen_tick_ms or 0) + 1)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("warmth_mdegc", "is_warm", "is_hot"),
    [
        (45_000, False, False),
        (45_001, True, False),
        (48_000, True, False),
        (48_001, True, True),
    ],
)
def test_body_is_warned_of_above_45_and_stopped_above_48(
    warmth_mdegc: int, is_warm: bool, is_hot: bool, tape: Tape
) -> None:
    """The first measurement is enough, since nothing gets warm at once."""
    found = tape.play(temperature_mdegc=warmth_mdegc)

    assert is_warm == ("temperature-high" in found)
    assert is_hot == ("over-temperature" in found)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("nose_udegc", "is_warm", "is_hot"),
    [
        (40 * U, False, False),
        (40 * U + 1, True, False),
        (43 * U, True, False),
        (43 * U + 1, True, True),
    ],
)
def test_nose_is_warned_of_above_40_and_stopped_above_43(
    nose_udegc: int, is_warm: bool, is_hot: bool, tape: Tape
) -> None:
    """Skin bears less than a hand."""
    tape.watch.nose_udegc = nose_udegc
    found = still(tape)

    assert is_warm == ("temperature-high" in found)
    assert is_hot == ("over-temperature" in found)


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(("warmth_mdegc", "is_still"), [(44_001, True), (44_000, False)])
@pytest.mark.parametrize(
    ("first_mdegc", "code"), [(46_000, "temperature-high"), (49_000, "over-temperature")]
)
def test_warm_pen_is_good_again_one_degree_below_the_warning(
    warmth_mdegc: int, is_still: bool, first_mdegc: int, code: str, tape: Tape
) -> None:
    """A hot one only when it would not even be warned of."""
    tape.play(temperature_mdegc=first_mdegc)

    assert is_still == (code in tape.play(temperature_mdegc=warmth_mdegc))


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(("nose_udegc", "is_still"), [(39 * U + 1, True), (39 * U, False)])
def test_warm_nose_is_good_again_one_degree_below_its_warning(
    nose_udegc: int, is_still: bool, tape: Tape
) -> None:
    """The same for skin."""
    tape.watch.nose_udegc = 44 * U
    still(tape)
    tape.watch.nose_udegc = nose_udegc

    assert is_still == ("over-temperature" in still(tape))


def test_pen_that_is_only_warm_is_not_hot(tape: Tape) -> None:
    """Hot again after cooling down takes the higher bound again."""
    tape.play(temperature_mdegc=49_000)
    tape.play(temperature_mdegc=43_000)

    assert "over-temperature" not in tape.play(temperature_mdegc=46_000)


@pytest.mark.req("SR-039")
def test_winding_follows_the_square_of_the_current(tape: Tape) -> None:
    """20 K/W on 5.4 ohm: 0.9 A come to 87.48 K above the housing, 63 % of it after 4.2 s."""
    tape.play(84, **(RUN | {"current_ma": 900}))
    after_one = tape.watch.winding_rise_udegc
    tape.play(2_000, current_ma=-900)

    assert 87.48 * 0.632 == pytest.approx(after_one / U, rel=0.01)
    assert 87.48 == pytest.approx(tape.watch.winding_rise_udegc / U, rel=0.001)


@pytest.mark.req("SR-039")
def test_housing_follows_copper_and_friction(tape: Tape) -> None:
    """48 K/W on 0.15 A and 0.3 W at 117 strokes/s: 20.2 K above the room, 63 % after 242 s."""
    run = RUN | {"current_ma": 150, "speed_dhz": 1_170, "temperature_mdegc": 24_000}
    tape.play(242, ms=1_000, **run)
    after_one = tape.watch.housing_udegc
    tape.play(200, ms=10_000)

    assert after_one is not None
    assert tape.watch.housing_udegc is not None
    assert 24 + 20.232 * 0.632 == pytest.approx(after_one / U, abs=0.05)
    assert 24 + 20.232 == pytest.approx(tape.watch.housing_udegc / U, abs=0.05)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("current_ma", "ms", "rise_udegc"),
    [(500, 50, 321_428), (-500, 50, 321_428), (500, 4_200, 27 * U)],
)
def test_winding_takes_the_square_of_the_current_times_its_resistance(
    current_ma: int, ms: int, rise_udegc: int, tape: Tape
) -> None:
    """0.5 A through 5.4 ohm are 1.35 W, which end 27 K above the housing."""
    tape.play(ms=ms, **(RUN | {"current_ma": current_ma}))

    assert rise_udegc == tape.watch.winding_rise_udegc


def test_nose_follows_the_housing_within_a_quarter_of_an_hour(tape: Tape) -> None:
    """63 % of the way after 900 s; it is measured, not calculated, where that is possible."""
    tape.play(temperature_mdegc=24_000)
    tape.play(180, ms=5_000, temperature_mdegc=40_000)

    assert 24 + 16 * 0.633 == pytest.approx(tape.watch.nose_udegc / U, abs=0.03)


def test_nose_follows_the_calculation_while_nothing_is_measured(tape: Tape) -> None:
    """A housing of 30 degrees by calculation draws the nose along."""
    tape.watch.housing_udegc = 30 * U
    tape.play(temperature_mdegc=None, current_ma=0)

    assert 24 * U + 6 * U * 50 // 900_000 == pytest.approx(tape.watch.nose_udegc, abs=100)


def test_long_silence_brings_every_node_to_its_goal(tape: Tape) -> None:
    """A step longer than a time constant goes no further than the goal."""
    tape.watch.winding_rise_udegc, tape.watch.housing_udegc = 40 * U, 60 * U
    tape.play(ms=10_000_000, current_ma=0, temperature_mdegc=31_000)
    watch = tape.watch

    assert (0, 24 * U, 31 * U) == (watch.winding_rise_udegc, watch.housing_udegc, watch.nose_udegc)


@pytest.mark.parametrize(
    ("elapsed_ms", "way"), [(0, 0), (1, 10), (99, 990), (100, 1_000), (101, 1_000)]
)
def test_node_goes_its_share_of_the_way(elapsed_ms: int, way: int) -> None:
    """Straight up to the time constant, and never beyond the goal."""
    assert way == moved(1_000, elapsed_ms, 100)


@pytest.mark.parametrize(
    ("first_mdegc", "ambient_udegc"),
    [(18_000, 18 * U), (25_000, 25 * U), (25_001, 25 * U), (40_000, 25 * U)],
)
def test_room_is_no_warmer_than_25_degrees(
    first_mdegc: int, ambient_udegc: int, facts: Facts, telemetry: Telemetry
) -> None:
    """A pen that is warm when first measured has just been used; all nodes begin with that."""
    seen = replace(telemetry, temperature_mdegc=first_mdegc)
    memory = Memory(state=State.PLANNED)
    measure(View(memory, replace(facts, telemetry=seen), NOW_MS))
    watch = memory.watch

    assert ambient_udegc == watch.ambient_udegc
    assert (first_mdegc * 1_000,) * 2 == (watch.housing_udegc, watch.nose_udegc)


def test_calculation_waits_for_the_first_measurement(facts: Facts, telemetry: Telemetry) -> None:
    """Without one there is nothing to begin with."""
    seen = replace(telemetry, temperature_mdegc=None)
    memory = Memory(state=State.PLANNED)
    measure(View(memory, replace(facts, telemetry=seen), NOW_MS))

    assert memory.watch.housing_udegc is None


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("rise_udegc", "housing_udegc", "is_hot"),
    [
        (61 * U, 24 * U, False),
        (61 * U + 1, 24 * U, True),
        (60 * U, 25 * U, False),
        (60 * U + 1, 25 * U, True),
        (61 * U + 1, 20 * U, True),
    ],
)
def test_winding_is_too_hot_above_85_degrees(
    rise_udegc: int, housing_udegc: int, is_hot: bool, tape: Tape
) -> None:
    """It stands on the housing, measured or calculated, whichever is the warmer one."""
    tape.watch.winding_rise_udegc, tape.watch.housing_udegc = rise_udegc, housing_udegc

    assert is_hot == ("winding-hot" in still(tape))


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("rise_udegc", "body_mdegc", "is_hot"),
    [
        (85 * U, 0, False),
        (85 * U + 1, 0, True),
        (85 * U, -1_000, False),
        (85 * U + 1, -1_000, True),
    ],
)
def test_housing_calculated_at_the_freezing_point_is_taken_for_what_it_is(
    rise_udegc: int, body_mdegc: int, is_hot: bool, tape: Tape
) -> None:
    """Zero is a warmth like any other, to the millionth of a degree."""
    tape.watch.winding_rise_udegc, tape.watch.housing_udegc = rise_udegc, 0
    tick_ms = (tape.watch.seen_tick_ms or 0) + 1
    found = tape.play(ms=0, tick_ms=tick_ms, temperature_mdegc=body_mdegc)

    assert is_hot == ("winding-hot" in found)


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(("rise_udegc", "is_hot"), [(51 * U, False), (51 * U + 1, True)])
def test_winding_is_good_again_at_75_degrees(rise_udegc: int, is_hot: bool, tape: Tape) -> None:
    """Ten degrees below its bound."""
    tape.watch.winding_rise_udegc = 70 * U
    still(tape)
    tape.watch.winding_rise_udegc = rise_udegc

    assert is_hot == ("winding-hot" in still(tape))


@pytest.mark.req("SR-040")
@pytest.mark.parametrize(("housing_udegc", "is_odd"), [(34 * U, False), (34 * U + 1, True)])
def test_sensor_that_stays_cold_is_not_believed(
    housing_udegc: int, is_odd: bool, tape: Tape
) -> None:
    """Ten degrees colder than calculated is not possible any more."""
    tape.watch.housing_udegc = housing_udegc

    assert is_odd == ("temperature-implausible" in still(tape))


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(("housing_udegc", "is_odd"), [(29 * U, False), (29 * U + 1, True)])
def test_cold_sensor_is_believed_again_within_five_degrees(
    housing_udegc: int, is_odd: bool, tape: Tape
) -> None:
    """Half of what raised the doubt."""
    tape.watch.housing_udegc = 40 * U
    still(tape)
    tape.watch.housing_udegc = housing_udegc

    assert is_odd == ("temperature-implausible" in still(tape))


def test_flat_sensor_is_found_within_five_minutes(tape: Tape) -> None:
    """At 0.16 A and 100 strokes/s the housing must have risen by 10 K."""
    run = RUN | {"current_ma": 160, "temperature_mdegc": 24_000}
    code = "temperature-implausible"
    found = next(second for second in range(1, 400) if code in tape.play(ms=1_000, **run))

    assert 180 < found < 300


def test_warmth_causes_carry_their_numbers(tape: Tape) -> None:
    """Body, nose, winding and calculation, each where it belongs."""
    watch = tape.watch
    tape.play(temperature_mdegc=49_000)
    watch.nose_udegc, watch.winding_rise_udegc, watch.housing_udegc = (
        30 * U,
        40 * U,
        59 * U + U // 2,
    )
    still(tape)
    found = details(tape)
    tape.facts = replace(tape.facts, telemetry=None)
    unheard = details(tape)

    outside = "body 49 degC, nose 30 degC"
    assert outside == found["temperature-high"] == found["over-temperature"]
    assert f"{outside}, winding 40 K above it" == found["winding-hot"]
    assert f"{outside}, calculated 59 degC" == found["temperature-implausible"]
    assert "body not known, nose 30 degC" == unheard["temperature-high"]


def test_doubt_needs_a_calculation(tape: Tape) -> None:
    """Without one there is nothing to doubt with."""
    tape.watch.is_cold_in_doubt, tape.watch.housing_udegc = True, None

    assert "temperature-implausible" not in details(tape)
