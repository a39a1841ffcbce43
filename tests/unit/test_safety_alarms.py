"""Alarms on a fake clock: priority, latch, acknowledgement, audio pause, escalation."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from itertools import product
from typing import Any

import pytest

from safety.alarms import (
    ESCALATION_MS,
    LATCHING_FROM,
    NO_ALARMS,
    PRIORITIES,
    Alarm,
    Alarms,
    Priority,
    priority_of,
)
from safety.alarms_signals import SILENCE, TONES, signals
from safety.causes import CATALOGUE, Cause, CauseCode, Harm, Onset
from safety.states import Severity

HIGH, MEDIUM, LOW = CauseCode.OVER_DEPTH, CauseCode.STALL, CauseCode.SUPPLY_LOW
INFORMATION = CauseCode.PEN_BUTTON
PAUSING = CauseCode.NO_CONTACT
T_MS = 1_000_000

pytestmark = pytest.mark.req("SR-044")


def alarms_of(*codes: CauseCode, now_ms: int = T_MS) -> Alarms:
    """Return the alarms after a scan that found these causes for the first time."""
    return NO_ALARMS.update([Cause(code) for code in codes], now_ms)


def codes_of(alarms: Alarms) -> list[CauseCode]:
    """Return the causes whose alarms stand, in their order."""
    return [alarm.code for alarm in alarms.alarms]


def test_priority_follows_from_harm_and_onset() -> None:
    """Each of the nine fields of the table is the one of IEC 60601-1-8."""
    none, low, medium, high = Priority
    expected = [medium, low, none, high, medium, low, high, high, medium]

    assert expected == [PRIORITIES[pair] for pair in product(Harm, Onset)]
    assert [0, 1, 2, 3] == [int(one) for one in (none, low, medium, high)]


@pytest.mark.parametrize(
    ("priority", "codes"),
    [
        (Priority.HIGH, "over-depth overspeed stop-ignored motion-unasked emergency-stop"),
        (Priority.MEDIUM, "stall over-temperature cartridge-out telemetry-stale"),
        (Priority.LOW, "supply-low no-contact"),
        (Priority.NONE, "pen-button"),
    ],
)
def test_priority_of_known_causes_is_the_one_decided(priority: Priority, codes: str) -> None:
    """What may still hurt is high, a motor that was stopped medium, a low battery low."""
    for code in codes.split():
        assert priority is priority_of(CATALOGUE[CauseCode(code)])


def test_condition_that_stays_away_does_not_set_in_again() -> None:
    """A latched alarm counts how often its condition came, not how often it was looked for."""
    alarms = alarms_of(HIGH)
    for ms in (50, 100, 150):
        alarms = alarms.update([], T_MS + ms)
    back = alarms.update([Cause(HIGH)], T_MS + 200)

    assert [1] == [alarm.count for alarm in alarms.alarms]
    assert [2] == [alarm.count for alarm in back.alarms]


@pytest.mark.parametrize("now_ms", [0, 2_749, 2_750])
def test_first_audio_pause_may_come_as_soon_as_the_clock_begins(now_ms: int) -> None:
    """There was no silence before it, whatever the time is."""
    paused = alarms_of(HIGH, now_ms=now_ms).pause_audio(now_ms, 1_000)

    assert (now_ms, now_ms + 1_000) == (paused.audio_paused_from_ms, paused.audio_paused_until_ms)


def test_update_without_causes_and_alarms_returns_the_same_object() -> None:
    """The usual scan costs nothing."""
    assert NO_ALARMS is NO_ALARMS.update([], T_MS)
    assert Alarms() == NO_ALARMS
    assert SILENCE is signals(NO_ALARMS, T_MS)


def test_alarm_stands_in_the_update_that_finds_its_condition() -> None:
    """Nothing waits for another scan, and the first numbers are kept."""
    first = NO_ALARMS.update([Cause(HIGH, "951 um"), Cause(HIGH, "990 um")], T_MS)
    later = first.update([Cause(HIGH, "999 um")], T_MS + 50)

    expected = Alarm(HIGH, Priority.HIGH, T_MS, T_MS, "951 um", is_condition_present=True)
    assert (expected,) == first.alarms
    assert (replace(expected, last_ms=T_MS + 50),) == later.alarms
    assert (1, False, None, False) == (
        expected.count,
        expected.is_acknowledged,
        expected.acknowledged_ms,
        expected.escalated,
    )


@pytest.mark.parametrize("code", CauseCode)
def test_alarm_latches_from_severity_stop_on(code: CauseCode) -> None:
    """A stop or worse is to be seen when its condition has gone; what is milder goes with it."""
    gone = alarms_of(code).update([], T_MS + 50)

    latches = Severity.STOP <= CATALOGUE[code].severity
    assert ([code] if latches else []) == codes_of(gone)
    assert all(not a.is_condition_present and a.last_ms == T_MS for a in gone.alarms)
    assert [] == codes_of(gone.acknowledge(T_MS + 60))
    assert Severity.STOP is LATCHING_FROM


def test_acknowledged_alarm_stays_until_its_condition_has_gone() -> None:
    """Seen is not over."""
    seen = alarms_of(HIGH, PAUSING).acknowledge(T_MS + 10)

    assert [(True, T_MS + 10)] * 2 == [(a.is_acknowledged, a.acknowledged_ms) for a in seen.alarms]
    still = seen.update([Cause(HIGH)], T_MS + 50)
    assert [HIGH] == codes_of(still)
    assert T_MS + 10 == still.acknowledge(T_MS + 70).alarms[0].acknowledged_ms
    assert () == still.update([], T_MS + 100).alarms


def test_condition_that_returns_before_it_was_acknowledged_is_the_same_alarm() -> None:
    """It counts one more time, keeps its place and its time, and does not end an audio pause."""
    alarms = alarms_of(HIGH, MEDIUM).pause_audio(T_MS, 60_000)
    gone = alarms.update([Cause(MEDIUM)], T_MS + 50)
    back = gone.update([Cause(MEDIUM), Cause(HIGH)], T_MS + 100)
    held = back.update([Cause(MEDIUM), Cause(HIGH)], T_MS + 150)

    assert [(HIGH, T_MS, T_MS), (MEDIUM, T_MS, T_MS + 50)] == [
        (a.code, a.first_ms, a.last_ms) for a in gone.alarms
    ]
    assert [(HIGH, 2, T_MS), (MEDIUM, 1, T_MS)] == [
        (a.code, a.count, a.first_ms) for a in held.alarms
    ]
    assert [True, True] == [a.is_condition_present for a in back.alarms]
    assert T_MS + 60_000 == held.audio_paused_until_ms


def test_condition_that_returns_after_its_alarm_was_over_is_a_new_alarm() -> None:
    """It sounds again, as if it came for the first time."""
    over = alarms_of(HIGH).acknowledge(T_MS + 10).update([], T_MS + 50)

    assert alarms_of(HIGH, now_ms=T_MS + 100) == over.update([Cause(HIGH)], T_MS + 100)


def test_alarms_stand_in_the_order_of_their_first_occurrence() -> None:
    """A new one comes last, whatever the order in which a scan finds them."""
    alarms = alarms_of(LOW).update([Cause(HIGH), Cause(LOW)], T_MS + 50)

    assert [LOW, HIGH] == codes_of(alarms)


@pytest.mark.req("HZ-32", "SR-044")
@pytest.mark.parametrize(("code", "after_ms"), [(HIGH, 10_000), (MEDIUM, 60_000)])
def test_alarm_escalates_when_nobody_acknowledges_it(code: CauseCode, after_ms: int) -> None:
    """High after 10 s and medium after 60 s, not 1 ms before, until somebody has seen it."""
    causes = [Cause(code)]
    early = alarms_of(code).update(causes, T_MS + after_ms - 1)
    late = early.update(causes, T_MS + after_ms)

    assert [False, True] == [early.alarms[0].escalated, late.alarms[0].escalated]
    sounds = [signals(one, T_MS + after_ms).sound for one in (early, late)]
    assert [False, True] == [sound.is_escalated for sound in sounds if sound]
    assert alarms_of(code).update([], T_MS + after_ms).alarms[0].escalated
    seen = late.acknowledge(T_MS + after_ms)
    assert seen.alarms[0].escalated is False
    assert not seen.update(causes, T_MS + after_ms + 50).alarms[0].escalated
    assert {Priority.HIGH: 10_000, Priority.MEDIUM: 60_000} == ESCALATION_MS


@pytest.mark.parametrize("code", [LOW, INFORMATION])
def test_alarm_of_low_priority_never_escalates(code: CauseCode) -> None:
    """What does not hurry does not press."""
    later = alarms_of(code).update([Cause(code)], T_MS + 3_600_000)

    assert not later.alarms[0].escalated


@pytest.mark.parametrize(
    ("asked_ms", "given_ms"),
    [(1, 1), (60_000, 60_000), (120_000, 120_000), (120_001, 120_000), (0, 0), (-5, 0)],
)
def test_audio_pause_is_bounded_to_120_s(asked_ms: int, given_ms: int) -> None:
    """What is asked beyond the bounds is the bound."""
    paused = alarms_of(HIGH).pause_audio(T_MS, asked_ms)

    assert T_MS + given_ms == paused.audio_paused_until_ms
    assert not paused.is_audio_paused(T_MS + given_ms)
    assert (given_ms > 0) == paused.is_audio_paused(T_MS + max(given_ms - 1, 0))


def test_audio_pause_is_not_prolonged_beyond_120_s_from_its_begin() -> None:
    """Whoever presses again has what is left, and 0 ends the pause."""
    first = alarms_of(HIGH).pause_audio(T_MS, 60_000)
    again = first.pause_audio(T_MS + 50_000, 120_000)

    assert T_MS + 120_000 == again.audio_paused_until_ms
    assert T_MS + 70_000 == first.pause_audio(T_MS + 50_000, 20_000).audio_paused_until_ms
    assert T_MS + 50_000 == again.pause_audio(T_MS + 50_000, 0).audio_paused_until_ms
    assert again == again.pause_audio(T_MS + 120_000, 60_000)


@pytest.mark.parametrize(("heard_ms", "begins_anew"), [(0, False), (2_749, False), (2_750, True)])
def test_audio_pause_begins_anew_after_a_whole_burst_of_sound(
    heard_ms: int, begins_anew: bool
) -> None:
    """A blip between two pauses does not make two of one silence."""
    over_ms = T_MS + 120_000
    alarms = alarms_of(HIGH).pause_audio(T_MS, 120_000)
    again = alarms.pause_audio(over_ms + heard_ms, 120_000)

    assert begins_anew == again.is_audio_paused(over_ms + heard_ms)
    from_ms = over_ms + heard_ms if begins_anew else T_MS
    assert from_ms + 120_000 == again.audio_paused_until_ms
    tone = TONES[Priority.HIGH]
    assert 2_750 == tone.pulse_starts_ms[-1] + tone.pulse_ms


@pytest.mark.parametrize("alarms", [NO_ALARMS, alarms_of(INFORMATION)])
def test_audio_pause_is_void_where_nothing_sounds(alarms: Alarms) -> None:
    """Nobody can silence an alarm before it comes."""
    assert alarms is alarms.pause_audio(T_MS, 60_000)
    seen = alarms_of(HIGH).acknowledge(T_MS)
    assert seen is seen.pause_audio(T_MS, 60_000)


@pytest.mark.parametrize("code", [HIGH, MEDIUM, LOW])
def test_new_alarm_ends_an_audio_pause(code: CauseCode) -> None:
    """Whatever its priority; information alone does not, and no pause begins by it."""
    old = CauseCode.RECORD_FAILED
    paused = alarms_of(old).pause_audio(T_MS, 60_000)
    told = paused.update([Cause(old), Cause(INFORMATION)], T_MS + 50)
    new = told.update([Cause(old), Cause(code)], T_MS + 100)

    assert told.is_audio_paused(T_MS + 50)
    assert T_MS + 100 == new.audio_paused_until_ms
    assert not new.is_audio_paused(T_MS + 100)
    sound = signals(new, T_MS + 100).sound
    assert sound is not None
    assert sound.is_on(T_MS + 100)
    assert 0 == alarms_of(code).audio_paused_until_ms


@pytest.mark.parametrize("value", [alarms_of(HIGH), alarms_of(HIGH).alarms[0]])
def test_alarms_cannot_be_changed(value: Any) -> None:
    """Whoever holds them holds what was decided."""
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)
    assert not hasattr(value, "__dict__")
