"""No sequence of scans, acknowledgements and pauses hides an alarm or keeps it silent for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.alarms import NO_ALARMS
from safety.alarms_signals import signals
from safety.causes import Cause, CauseCode

HIGH, MEDIUM, LOW = CauseCode.OVER_DEPTH, CauseCode.STALL, CauseCode.SUPPLY_LOW
INFORMATION = CauseCode.PEN_BUTTON
PAUSING = CauseCode.NO_CONTACT

STEPS = st.tuples(
    st.sampled_from((1, 50, 2_749, 2_750, 10_000, 60_000, 119_999, 120_000)),
    st.one_of(
        st.sets(st.sampled_from((HIGH, MEDIUM, LOW, INFORMATION, PAUSING)), max_size=4),
        st.just("acknowledge"),
        st.integers(-1, 200_000),
    ),
)
"""Time that passes, then a scan with causes, an acknowledgement, or a pause of so many ms."""


@pytest.mark.req("SR-044", "H17")
@given(st.lists(STEPS, max_size=40))
def test_no_sequence_suppresses_sight_or_silences_for_longer_than_120_s(
    steps: list[tuple[int, set[CauseCode] | str | int]],
) -> None:
    """Every condition has its line at once, and pauses without a burst between them are one."""
    alarms, now_ms, present = NO_ALARMS, 0, set[CauseCode]()
    silent_from_ms, silent_until_ms = 0, -1_000_000
    for wait_ms, step in steps:
        now_ms += wait_ms
        before = {alarm.code for alarm in alarms.alarms}
        if isinstance(step, set):
            present = step
            alarms = alarms.update([Cause(code) for code in step], now_ms)
        elif isinstance(step, int):
            alarms = alarms.pause_audio(now_ms, step)
        else:
            alarms = alarms.acknowledge(now_ms)
        shown = signals(alarms, now_ms)
        lines = {line.code for line in shown.lines}
        waiting = [a for a in alarms.alarms if a.priority and not a.is_acknowledged]
        is_new = isinstance(step, set) and any(a.code not in before for a in waiting)

        assert present <= lines
        assert lines == {alarm.code for alarm in alarms.alarms}
        assert len(lines) == len(shown.lines)
        assert (not waiting or shown.is_audio_paused) == (shown.sound is None)
        assert not (is_new and shown.is_audio_paused)
        if shown.is_audio_paused:
            if now_ms >= silent_until_ms + 2_750:
                silent_from_ms = now_ms
            silent_until_ms = shown.audio_paused_until_ms
            assert silent_until_ms - silent_from_ms <= 120_000
        else:
            silent_until_ms = min(silent_until_ms, now_ms)
