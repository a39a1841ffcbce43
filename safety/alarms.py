"""Alarms from causes: which stand, which a person has seen, how long they may be silent.

The pattern is that of IEC 60601-1-8: a *condition* (a cause that holds) begins an *occurrence* (an
`Alarm`), which gives *signals* (`safety.alarms_signals`). No clock: time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from safety.causes import CATALOGUE, Cause, CauseCode, CauseKind, Harm, Onset
from safety.states import Severity


class Priority(IntEnum):
    """How urgently a person must act. NONE is an information signal and no alarm."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


PRIORITIES: dict[tuple[Harm, Onset], Priority] = {
    (Harm.SERIOUS, Onset.IMMEDIATE): Priority.HIGH,
    (Harm.SERIOUS, Onset.PROMPT): Priority.HIGH,
    (Harm.SERIOUS, Onset.DELAYED): Priority.MEDIUM,
    (Harm.REVERSIBLE, Onset.IMMEDIATE): Priority.HIGH,
    (Harm.REVERSIBLE, Onset.PROMPT): Priority.MEDIUM,
    (Harm.REVERSIBLE, Onset.DELAYED): Priority.LOW,
    (Harm.MINOR, Onset.IMMEDIATE): Priority.MEDIUM,
    (Harm.MINOR, Onset.PROMPT): Priority.LOW,
    (Harm.MINOR, Onset.DELAYED): Priority.NONE,
}
"""Priority by the harm that comes if nobody acts, and how soon. Source: [DOM] 2.5."""

LATCHING_FROM = Severity.STOP
"""From this severity on an alarm outlives its condition. Source: [DOM] 2.5."""

AUDIO_PAUSE_MS_MAX = 120_000
"""The sound is paused for at most this long. Source: [SAF] 3.1 H17."""

AUDIBLE_MS = 2_750
"""Sound of this length must lie between two pauses. ASSUMED: one whole burst of any priority."""

ESCALATION_MS: dict[Priority, int] = {Priority.HIGH: 10_000, Priority.MEDIUM: 60_000}
"""An alarm that nobody acknowledges for this long escalates. Source: high [SAF] 4, row 32; medium
ASSUMED; the others never do."""


def priority_of(kind: CauseKind) -> Priority:
    """Return the priority of a cause, from its harm and its onset."""
    return PRIORITIES[kind.harm, kind.onset]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence: from the first sight of a condition until it is gone for good.

    Args:
        code: The cause.
        priority: How urgent it is.
        first_ms: When its condition was first found.
        last_ms: When its condition was last found.
        detail: The numbers of its first sight.
        is_condition_present: Whether the condition holds now.
        is_acknowledged: Whether a person has seen it; then it no longer sounds.
        acknowledged_ms: When, or None.
        escalated: Whether nobody has acknowledged it for too long.
        count: How often its condition has set in, from 1.
    """

    code: CauseCode
    priority: Priority
    first_ms: int
    last_ms: int
    detail: str
    is_condition_present: bool = True
    is_acknowledged: bool = False
    acknowledged_ms: int | None = None
    escalated: bool = False
    count: int = 1

    @property
    def kind(self) -> CauseKind:
        """What is always true of its cause."""
        return CATALOGUE[self.code]

    @property
    def is_latching(self) -> bool:
        """Whether it stays when its condition has gone, until it is acknowledged."""
        return self.kind.severity >= LATCHING_FROM

    @property
    def is_over(self) -> bool:
        """Whether its condition has gone and nobody has to acknowledge it any more."""
        return not self.is_condition_present and (self.is_acknowledged or not self.is_latching)

    @property
    def is_calling(self) -> bool:
        """Whether it asks to be heard: an alarm that nobody has acknowledged."""
        return self.priority > Priority.NONE and not self.is_acknowledged

    def seen(self, now_ms: int, *, is_present: bool) -> Alarm:
        """Return this alarm after one more look at its condition."""
        patience_ms = ESCALATION_MS.get(self.priority)
        is_ignored = patience_ms is not None and now_ms - self.first_ms >= patience_ms
        returns = is_present and not self.is_condition_present
        return replace(
            self,
            last_ms=now_ms if is_present else self.last_ms,
            is_condition_present=is_present,
            escalated=is_ignored and not self.is_acknowledged,
            count=self.count + returns,
        )

    def acknowledged(self, now_ms: int) -> Alarm:
        """Return this alarm as seen by a person; only the first time counts."""
        if self.is_acknowledged:
            return self
        return replace(self, is_acknowledged=True, acknowledged_ms=now_ms, escalated=False)


@dataclass(frozen=True, slots=True)
class Alarms:
    """All alarms that stand, and the pause of their sound.

    Args:
        alarms: In the order of their first occurrence, at most one per cause.
        audio_paused_from_ms: When the last silence began, or None before the first.
        audio_paused_until_ms: When its pause ends or ended.
    """

    alarms: tuple[Alarm, ...] = ()
    audio_paused_from_ms: int | None = None
    audio_paused_until_ms: int = 0

    def update(self, causes: Sequence[Cause], now_ms: int) -> Alarms:
        """Return the alarms after a scan. What is new stands at once and ends an audio pause.

        A condition that comes back while its alarm still waits for a person is the same alarm.

        Args:
            causes: All that hold in this scan, in any number of times each.
            now_ms: Time of this scan.

        Rule: SR-044.
        """
        if not causes and not self.alarms:
            return self
        found: dict[CauseCode, Cause] = {}
        for cause in causes:
            found.setdefault(cause.code, cause)
        seen = tuple(alarm.seen(now_ms, is_present=alarm.code in found) for alarm in self.alarms)
        for alarm in seen:
            found.pop(alarm.code, None)
        new = tuple(_begin(cause, now_ms) for cause in found.values())
        until_ms = self.audio_paused_until_ms
        if any(alarm.is_calling for alarm in new):
            until_ms = min(until_ms, now_ms)
        stand = tuple(alarm for alarm in seen if not alarm.is_over)
        return Alarms(stand + new, self.audio_paused_from_ms, until_ms)

    def acknowledge(self, now_ms: int) -> Alarms:
        """Return the alarms after a person has seen them all; those that were over go."""
        seen = tuple(alarm.acknowledged(now_ms) for alarm in self.alarms)
        return replace(self, alarms=tuple(alarm for alarm in seen if not alarm.is_over))

    def pause_audio(self, now_ms: int, pause_ms: int) -> Alarms:
        """Return the alarms with their sound paused from now; 0 ends a pause.

        Pauses that follow each other without `AUDIBLE_MS` of sound in between are one silence, and
        no silence outlasts `AUDIO_PAUSE_MS_MAX`. Nothing happens where nothing would sound.

        Args:
            now_ms: Time of this scan.
            pause_ms: How long, 0 to `AUDIO_PAUSE_MS_MAX`; taken as the nearer bound outside.
        """
        if not any(alarm.is_calling for alarm in self.alarms):
            return self
        from_ms = self.audio_paused_from_ms
        if from_ms is None or now_ms >= self.audio_paused_until_ms + AUDIBLE_MS:
            from_ms = now_ms
        wanted_ms = min(max(pause_ms, 0), AUDIO_PAUSE_MS_MAX)
        until_ms = min(now_ms + wanted_ms, from_ms + AUDIO_PAUSE_MS_MAX)
        return replace(self, audio_paused_from_ms=from_ms, audio_paused_until_ms=until_ms)

    def is_audio_paused(self, now_ms: int) -> bool:
        """Return whether the sound is paused."""
        return now_ms < self.audio_paused_until_ms


NO_ALARMS = Alarms()
"""Nothing has happened yet."""


def _begin(cause: Cause, now_ms: int) -> Alarm:
    return Alarm(cause.code, priority_of(cause.kind), now_ms, now_ms, cause.detail)
