"""What is to be seen and heard of the alarms that stand; it draws nothing and plays nothing.

Sight is never suppressed; sound is, while it is paused, and for what a person has acknowledged.
Flashes and bursts begin with their alarm, so that it shows in the scan that found it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from safety.alarms import Alarm, Alarms, Priority
from safety.causes import Cause, CauseCode


class Colour(StrEnum):
    """Colour of an indicator."""

    RED = "red"
    YELLOW = "yellow"
    CYAN = "cyan"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Flash:
    """A light that goes on and off: on for ``on_ms`` of every ``period_ms``."""

    period_ms: int
    on_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """How a priority looks. Without a flash its light is steady."""

    colour: Colour
    symbol: str
    flash: Flash | None


@dataclass(frozen=True, slots=True)
class Tone:
    """How a priority sounds: pulses of one length, and the burst that they make, again and again.

    Args:
        pulse_starts_ms: When each pulse of a burst begins, from the burst's begin, in order.
        pulse_ms: Length of a pulse.
        period_ms: From the begin of a burst to that of the next.
    """

    pulse_starts_ms: tuple[int, ...]
    pulse_ms: int
    period_ms: int


LOOKS: dict[Priority, Look] = {
    Priority.HIGH: Look(Colour.RED, "!!!", Flash(period_ms=500, on_ms=250)),
    Priority.MEDIUM: Look(Colour.YELLOW, "!!", Flash(period_ms=1_600, on_ms=800)),
    Priority.LOW: Look(Colour.CYAN, "!", None),
    Priority.NONE: Look(Colour.WHITE, "i", None),
}
"""Red at 1.4 to 2.8 Hz, yellow at 0.4 to 0.8 Hz, cyan steady, lit for 20 to 60 %, and never by
colour alone. Source: [DOM] 2.5; white for an information signal ASSUMED."""

TONES: dict[Priority, Tone] = {
    Priority.HIGH: Tone((0, 250, 500, 750, 1_000, 1_600, 1_850, 2_100, 2_350, 2_600), 150, 5_000),
    Priority.MEDIUM: Tone((0, 400, 800), 200, 10_000),
    Priority.LOW: Tone((0,), 200, 30_000),
}
"""10 pulses (twice 5) of 75 to 200 ms every 2.5 to 15 s, 3 pulses of 125 to 250 ms, 1 pulse.
Source: [DOM] 2.5; gaps, and the periods of medium and low, ASSUMED."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of the list of alarms.

    Args:
        code: The cause.
        priority: How urgent it is.
        look: Colour, symbol and flash.
        text: What happened, with its numbers.
        pen: What the pen is doing now.
        next_step: What the person at the pen does next.
        alarm: The occurrence: since when, acknowledged, escalated, condition still there.
    """

    code: CauseCode
    priority: Priority
    look: Look
    text: str
    pen: str
    next_step: str
    alarm: Alarm

    def is_on(self, now_ms: int) -> bool:
        """Return whether its light is lit now; the line itself is always there."""
        flash = self.look.flash
        return flash is None or (now_ms - self.alarm.first_ms) % flash.period_ms < flash.on_ms


@dataclass(frozen=True, slots=True)
class Sound:
    """What is to be heard: the tone of the most urgent alarm that nobody has acknowledged.

    Args:
        priority: Whose tone it is.
        tone: Its pulses.
        began_ms: When its first burst begins.
        is_escalated: Whether it is to be louder, and repeated by the pen's buzzer if it has one.
    """

    priority: Priority
    tone: Tone
    began_ms: int
    is_escalated: bool

    def is_on(self, now_ms: int) -> bool:
        """Return whether a pulse sounds now."""
        phase_ms = (now_ms - self.began_ms) % self.tone.period_ms
        return any(0 <= phase_ms - at < self.tone.pulse_ms for at in self.tone.pulse_starts_ms)


@dataclass(frozen=True, slots=True)
class Signals:
    """All that is to be seen and heard.

    Args:
        lines: Every alarm that stands, the most urgent first, then the oldest.
        sound: What is to be heard, or None.
        is_audio_paused: Whether sound is being withheld; this must be shown.
        audio_paused_until_ms: When it comes back, if it is.
    """

    lines: tuple[Signal, ...] = ()
    sound: Sound | None = None
    is_audio_paused: bool = False
    audio_paused_until_ms: int = 0


SILENCE = Signals()
"""Nothing to be seen and nothing to be heard."""


def signals(alarms: Alarms, now_ms: int) -> Signals:
    """Return what is to be seen and heard of these alarms now. Rule: SR-044."""
    if not alarms.alarms:
        return SILENCE
    ordered = sorted(alarms.alarms, key=lambda alarm: (-alarm.priority, alarm.first_ms))
    lines = tuple(_line(alarm) for alarm in ordered)
    if alarms.is_audio_paused(now_ms):
        return Signals(lines, None, True, alarms.audio_paused_until_ms)
    return Signals(lines, _sound(alarms))


def _line(alarm: Alarm) -> Signal:
    kind = alarm.kind
    text = Cause(alarm.code, alarm.detail).sentence
    look = LOOKS[alarm.priority]
    return Signal(alarm.code, alarm.priority, look, text, kind.pen, kind.next_step, alarm)


def _sound(alarms: Alarms) -> Sound | None:
    """Return the sound of the most urgent alarms; a new one among them begins its burst anew."""
    calling = [alarm for alarm in alarms.alarms if alarm.is_calling]
    if not calling:
        return None
    top = max(alarm.priority for alarm in calling)
    newest_ms = max(alarm.first_ms for alarm in calling if alarm.priority is top)
    return Sound(
        priority=top,
        tone=TONES[top],
        began_ms=max(newest_ms, alarms.audio_paused_until_ms),
        is_escalated=any(alarm.escalated for alarm in calling),
    )
