"""Motor current and supply: each bound, how long it takes, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safety.monitors.rack import find_causes
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


def details(tape: Tape) -> dict[str, str]:
    """Return the active causes with their numbers."""
    view = View(tape.memory, tape.facts, NOW_MS)
    return {str(cause.code): cause.detail for cause in find_causes(view)}


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("current_ma", "is_over"), [(999, False), (1_000, False), (1_001, True), (None, False)]
)
def test_over_current_is_reported_above_one_ampere_the_second_time(
    current_ma: int | None, is_over: bool, tape: Tape
) -> None:
    """One telemetry may be a glitch, and what is not known is not much."""
    once = tape.play(**(RUN | {"current_ma": current_ma}))
    twice = tape.play()

    assert "over-current" not in once
    assert is_over == ("over-current" in twice)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("current_ma", "speed_dhz", "is_stalled"),
    [
        (599, 0, False),
        (600, 0, True),
        (600, None, True),
        (600, 499, True),
        (600, 500, False),
        (1_001, 499, True),
    ],
)
def test_stall_is_much_current_at_less_than_half_speed_for_100_ms(
    current_ma: int, speed_dhz: int | None, is_stalled: bool, tape: Tape
) -> None:
    """A speed that is not known is no speed."""
    once = tape.play(**(RUN | {"current_ma": current_ma, "speed_dhz": speed_dhz}))
    twice = tape.play()

    assert "stall" not in once
    assert is_stalled == ("stall" in twice)


def test_nothing_stalls_without_a_set_speed(tape: Tape) -> None:
    """Without a pass there is nothing to be slower than."""
    tape.memory.current = None

    assert "stall" not in tape.play(3, **(RUN | {"current_ma": 900, "speed_dhz": 0}))


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("code", "bad", "good"),
    [
        ("over-current", {"current_ma": 1_001}, {"current_ma": 599}),
        ("over-current", {"current_ma": 1_001}, {"current_ma": 1_000}),
        ("stall", {"current_ma": 600, "speed_dhz": 0}, {"current_ma": 599}),
        ("stall", {"current_ma": 600, "speed_dhz": 0}, {"speed_dhz": 1_000}),
    ],
)
def test_load_causes_end_after_a_while_of_good_values(
    code: str, bad: dict[str, int], good: dict[str, int], tape: Tape
) -> None:
    """1 s, 21 telemetries."""
    tape.play(2, **(RUN | bad))

    after_20, after_21 = tape.play(20, **good), tape.play()

    assert code in after_20
    assert code not in after_21


def test_motor_that_is_off_is_neither_stalled_nor_overloaded(tape: Tape) -> None:
    """Both levels begin anew with the next run."""
    tape.play(**(RUN | {"current_ma": 1_001, "speed_dhz": 0}))
    before = (tape.watch.over_current_ms, tape.watch.stall_ms)
    tape.play(is_driven=False)

    assert (50, 50) == before
    assert (0, 0) == (tape.watch.over_current_ms, tape.watch.stall_ms)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize(
    ("current_ma", "is_unasked"),
    [(-900, False), (100, False), (101, True), (None, False)],
)
def test_current_into_a_motor_that_is_off_is_reported_after_100_ms(
    current_ma: int | None, is_unasked: bool, tape: Tape
) -> None:
    """Braking current is negative; anything else that is much comes through a broken bridge."""
    tape.play(current_ma=0, is_driven=False)
    once, twice = tape.play(current_ma=current_ma), tape.play()

    assert "current-unasked" not in once
    assert is_unasked == ("current-unasked" in twice)


def test_current_is_asked_for_while_the_motor_is_driven(tape: Tape) -> None:
    """The level of a motor that was off ends when it is driven, and falls while it is quiet."""
    tape.play(3, current_ma=101, is_driven=False)
    tape.play(current_ma=0)
    fallen = tape.watch.current_unasked_ms
    tape.play(**RUN)

    assert 338 == fallen
    assert 0 == tape.watch.current_unasked_ms


@pytest.mark.req("SR-039", "HZ-42")
@pytest.mark.parametrize(
    ("code", "bound_mv", "count"),
    [("supply-low", 3_400, 5), ("supply-too-low", 3_300, 5), ("supply-empty", 3_100, 2)],
)
def test_supply_under_load_is_reported_below_its_bound(
    code: str, bound_mv: int, count: int, tape: Tape
) -> None:
    """250 ms are five telemetries; an empty battery needs two."""
    good = tape.play(count + 1, **(RUN | {"supply_mv": bound_mv}))
    short = tape.play(count - 1, supply_mv=bound_mv - 1)
    long = tape.play()

    assert code not in good
    assert code not in short
    assert code in long


@pytest.mark.req("SR-041")
@pytest.mark.parametrize(
    ("code", "bound_mv"),
    [("supply-low", 3_400), ("supply-too-low", 3_300), ("supply-empty", 3_100)],
)
def test_supply_is_good_again_50_mv_above_its_bound_for_a_while(
    code: str, bound_mv: int, tape: Tape
) -> None:
    """Below that nothing changes, however long."""
    tape.play(8, **(RUN | {"supply_mv": bound_mv - 1}))

    almost = tape.play(40, supply_mv=bound_mv + 49)
    after_20, after_21 = tape.play(20, supply_mv=bound_mv + 50), tape.play()

    assert code in almost
    assert code in after_20
    assert code not in after_21


@pytest.mark.parametrize(
    ("bound_mv", "level"), [(3_400, "supply_low_ms"), (3_300, "supply_too_low_ms")]
)
def test_supply_levels_stay_zero_without_need(bound_mv: int, level: str, tape: Tape) -> None:
    """A good value lets a level fall to 0 and not below."""
    tape.play(**(RUN | {"supply_mv": bound_mv - 1}))
    tape.play(10, supply_mv=3_900)

    assert 0 == getattr(tape.watch, level)


@pytest.mark.req("SR-039")
@pytest.mark.parametrize("state", [State.PLANNED, State.ARMED, State.PAUSED])
@pytest.mark.parametrize(("supply_mv", "is_weak"), [(3_434, True), (3_435, False)])
def test_battery_is_checked_under_load_before_it_has_any(
    state: State, supply_mv: int, is_weak: bool, tape: Tape
) -> None:
    """0.9 A through 0.15 ohm take 135 mV: that much more than 3.3 V is needed at rest."""
    tape.memory.state = state

    after_4, after_5 = tape.play(4, supply_mv=supply_mv, current_ma=0), tape.play()

    assert "supply-weak" not in after_4
    assert is_weak == ("supply-weak" in after_5)
    assert "supply-too-low" not in after_5


def test_unknown_supply_is_not_low(tape: Tape) -> None:
    """What is not known is for another monitor."""
    assert not tape.play(8, **(RUN | {"supply_mv": None})) & {"supply-low", "supply-empty"}


def test_load_causes_carry_their_numbers(tape: Tape) -> None:
    """Whoever reads a cause sees what was measured."""
    tape.play(5, **(RUN | {"current_ma": 1_001, "speed_dhz": 0, "supply_mv": 3_000}))
    tape.watch.current_unasked_ms = 100
    running = details(tape)
    tape.memory.state = State.PLANNED
    resting = details(tape)
    tape.facts = replace(tape.facts, telemetry=None)
    unheard = details(tape)

    currents = [running[code] for code in ("over-current", "stall", "current-unasked")]
    supplies = [running[code] for code in ("supply-low", "supply-too-low", "supply-empty")]
    assert ["1001 mA"] * 3 == currents
    assert ["3000 mV"] * 3 == supplies
    assert "3000 mV, 135 mV less under load" == resting["supply-weak"]
    assert ("", "") == (unheard["supply-low"], unheard["current-unasked"])


@pytest.mark.req("SR-041")
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_empty_supply_that_recovers_is_good_again_however_short_it_was(
    count: int, tape: Tape
) -> None:
    """It is reported sooner than a low one, and must not be left behind when that one has gone."""
    tape.play(count, **(RUN | {"supply_mv": 3_099}))
    after_20, after_21 = tape.play(20, supply_mv=3_900), tape.play()

    assert "supply-empty" in after_20
    assert "supply-empty" not in after_21
