"""What is seen and heard of alarms, measured on a fake clock: lights, bursts, order, words."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from safety.alarms import NO_ALARMS, Alarms, Priority, priority_of
from safety.alarms_signals import LOOKS, TONES, Colour, Flash, Signals, Sound, signals
from safety.causes import CATALOGUE, Cause, CauseCode

HIGH, MEDIUM, LOW = CauseCode.OVER_DEPTH, CauseCode.STALL, CauseCode.SUPPLY_LOW
INFORMATION = CauseCode.PEN_BUTTON
T_MS = 1_000_037
"""A moment that is a multiple of no period."""

pytestmark = pytest.mark.req("SR-044", "H17")


def alarms_of(*codes: CauseCode, now_ms: int = T_MS) -> Alarms:
    """Return the alarms after a scan that found these causes for the first time."""
    return NO_ALARMS.update([Cause(code) for code in codes], now_ms)


def sound_of(*codes: CauseCode) -> Sound:
    """Return the sound of these causes, just found."""
    sound = signals(alarms_of(*codes), T_MS).sound
    assert sound is not None
    return sound


def spans(states: list[bool]) -> list[tuple[int, int]]:
    """Return begin and length of every stretch of True in a list of one state per millisecond."""
    edges = [i for i, (a, b) in enumerate(zip([False, *states], states, strict=False)) if a != b]
    edges += [len(states)] * (len(edges) % 2)
    return [(on, off - on) for on, off in zip(edges[::2], edges[1::2], strict=True)]


def test_lines_come_by_priority_and_then_by_age_with_their_words() -> None:
    """The most urgent comes first, the lower ones remain, and all words are those of the cause."""
    old = alarms_of(LOW, INFORMATION, MEDIUM).update(
        [Cause(one) for one in (LOW, INFORMATION, MEDIUM)], T_MS + 10
    )
    new = [CauseCode.OVERSPEED, HIGH, LOW, INFORMATION, MEDIUM, CauseCode.CARTRIDGE_OUT]
    alarms = old.update([Cause(one, "951 um" if one is HIGH else "") for one in new], T_MS + 50)
    shown = signals(alarms, T_MS + 50)

    expected = [CauseCode.OVERSPEED, HIGH, MEDIUM, CauseCode.CARTRIDGE_OUT, LOW, INFORMATION]
    assert expected == [line.code for line in shown.lines]
    by_code = {alarm.code: alarm for alarm in alarms.alarms}
    for line in shown.lines:
        kind = CATALOGUE[line.code]
        text = f"{kind.text} (951 um)" if line.code is HIGH else kind.text
        assert (text, kind.pen, kind.next_step) == (line.text, line.pen, line.next_step)
        assert (priority_of(kind), LOOKS[line.priority]) == (line.priority, line.look)
        assert by_code[line.code] is line.alarm


def test_signs_and_colours_differ_by_priority() -> None:
    """No priority is told by its colour alone."""
    told = {one: (LOOKS[one].colour, LOOKS[one].symbol, LOOKS[one].flash) for one in Priority}

    assert {
        Priority.HIGH: (Colour.RED, "!!!", Flash(500, 250)),
        Priority.MEDIUM: (Colour.YELLOW, "!!", Flash(1_600, 800)),
        Priority.LOW: (Colour.CYAN, "!", None),
        Priority.NONE: (Colour.WHITE, "i", None),
    } == told
    assert ["red", "yellow", "cyan", "white"] == [str(colour) for colour in Colour]


@pytest.mark.parametrize(
    ("code", "slowest_hz", "fastest_hz"), [(HIGH, 1.4, 2.8), (MEDIUM, 0.4, 0.8)]
)
def test_light_flashes_in_its_band(code: CauseCode, slowest_hz: float, fastest_hz: float) -> None:
    """Measured on a fake clock over 80 s: frequency, a duty of 20 to 60 %, and lit at once."""
    line = signals(alarms_of(code), T_MS).lines[0]
    lit = [line.is_on(T_MS + ms) for ms in range(80_000)]
    flashes = spans(lit)

    assert lit[0]
    assert slowest_hz <= len(flashes) / 80 <= fastest_hz
    assert 0.2 <= sum(lit) / len(lit) <= 0.6
    flash = LOOKS[line.priority].flash
    assert flash is not None
    assert {flash.on_ms} == {length for _, length in flashes}


@pytest.mark.parametrize("code", [LOW, INFORMATION])
def test_light_of_low_priority_is_steady(code: CauseCode) -> None:
    """It does not go out."""
    line = signals(alarms_of(code), T_MS).lines[0]

    assert all(line.is_on(T_MS + ms) for ms in range(5_000))


@pytest.mark.parametrize(
    ("code", "count", "pulse_ms", "period_ms"),
    [
        (HIGH, 10, (75, 200), (2_500, 15_000)),
        (MEDIUM, 3, (125, 250), (2_500, 30_000)),
        (LOW, 1, (125, 250), (15_000, 60_000)),
    ],
)
def test_burst_has_its_pulses_and_its_period(
    code: CauseCode, count: int, pulse_ms: tuple[int, int], period_ms: tuple[int, int]
) -> None:
    """Measured on a fake clock: pulses of a burst, their length, and when the next burst begins."""
    sound = sound_of(code)
    pulses = spans([sound.is_on(T_MS + ms) for ms in range(60_000)])
    period = pulses[count][0]

    assert 0 == pulses[0][0]
    assert all(pulse_ms[0] <= length <= pulse_ms[1] for _, length in pulses)
    assert period_ms[0] <= period <= period_ms[1]
    assert 60_000 // period * count == len(pulses)
    assert [(at + period, length) for at, length in pulses[:count]] == pulses[count : 2 * count]
    assert period - pulses[count - 1][0] > 2 * max(b[0] - a[0] for a, b in _pairs(pulses[:count]))


def _pairs(values: list[tuple[int, int]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return neighbours; a single value is its own neighbour."""
    return list(zip(values, values[1:] or values, strict=False))


def test_high_burst_is_twice_five_pulses() -> None:
    """Pulses and gaps are the ones decided."""
    pulses = spans([sound_of(HIGH).is_on(T_MS + ms) for ms in range(10_000)])

    starts = [0, 250, 500, 750, 1_000, 1_600, 1_850, 2_100, 2_350, 2_600]
    assert [(at, 150) for at in [*starts, *(5_000 + at for at in starts)]] == pulses
    medium = spans([sound_of(MEDIUM).is_on(T_MS + ms) for ms in range(10_001)])
    assert [(0, 200), (400, 200), (800, 200), (10_000, 1)] == medium
    low = spans([sound_of(LOW).is_on(T_MS + ms) for ms in range(30_001)])
    assert [(0, 200), (30_000, 1)] == low


def test_sound_is_that_of_the_most_urgent_alarm_nobody_has_acknowledged() -> None:
    """A lower alarm sounds when the higher was seen, and information never does."""
    both = alarms_of(MEDIUM, HIGH)
    seen = both.acknowledge(T_MS)
    new = seen.update([Cause(HIGH), Cause(MEDIUM), Cause(LOW), Cause(INFORMATION)], T_MS + 50)

    expected = Sound(Priority.HIGH, TONES[Priority.HIGH], T_MS, is_escalated=False)
    assert expected == signals(both, T_MS).sound
    assert signals(seen, T_MS).sound is None
    assert [HIGH, MEDIUM] == [line.code for line in signals(seen, T_MS).lines]
    low = Sound(Priority.LOW, TONES[Priority.LOW], T_MS + 50, is_escalated=False)
    assert low == signals(new, T_MS + 50).sound
    assert signals(alarms_of(INFORMATION), T_MS).sound is None


def test_new_alarm_of_the_same_priority_begins_a_burst() -> None:
    """It is heard as soon as it is seen, and a lower one does not disturb the burst."""
    alarms = alarms_of(HIGH).update([Cause(HIGH), Cause(CauseCode.OVERSPEED)], T_MS + 700)
    more = alarms.update([Cause(HIGH), Cause(CauseCode.OVERSPEED), Cause(LOW)], T_MS + 900)

    began = [signals(one, T_MS).sound for one in (alarms, more)]
    assert [T_MS + 700] * 2 == [sound.began_ms for sound in began if sound]


def test_escalation_of_a_lower_alarm_makes_the_sound_louder() -> None:
    """Whoever does not hear the one may hear both."""
    low_high = alarms_of(MEDIUM).update([Cause(MEDIUM)], T_MS + 59_999)
    alarms = low_high.update([Cause(MEDIUM), Cause(HIGH)], T_MS + 60_000)

    sound = signals(alarms, T_MS + 60_000).sound
    assert sound == Sound(Priority.HIGH, TONES[Priority.HIGH], T_MS + 60_000, is_escalated=True)


def test_audio_pause_is_shown_and_takes_nothing_from_sight() -> None:
    """Lines and lights are those of the same alarms with their sound on; then a burst begins."""
    loud = alarms_of(HIGH, LOW)
    quiet = loud.pause_audio(T_MS, 60_000)
    until_ms = T_MS + 60_000

    expected = Signals(signals(loud, T_MS).lines, None, True, until_ms)
    assert expected == signals(quiet, T_MS) == signals(quiet, until_ms - 1)
    assert (False, 0) == (
        signals(loud, T_MS).is_audio_paused,
        signals(loud, T_MS).audio_paused_until_ms,
    )
    after = signals(quiet, until_ms)
    assert (False, 0) == (after.is_audio_paused, after.audio_paused_until_ms)
    assert Sound(Priority.HIGH, TONES[Priority.HIGH], until_ms, False) == after.sound


def test_signals_cannot_be_changed() -> None:
    """Whoever shows them shows what was decided."""
    shown = signals(alarms_of(HIGH), T_MS)
    line, sound = shown.lines[0], sound_of(HIGH)
    values: tuple[Any, ...] = (shown, line, line.look, line.look.flash, sound, sound.tone)
    for value in values:
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)
        assert not hasattr(value, "__dict__")
