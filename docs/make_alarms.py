"""Writes docs/alarms.md from the catalogue of codes; it decides nothing and adds nothing.

``python docs/make_alarms.py`` writes the page, ``--check`` compares it and fails if stale. Run
docs/make_catalogue.py before: the page names the tests that it finds.
"""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).with_name("alarms.md")
sys.path.insert(0, str(PAGE.parents[1]))  # a plain script: it also runs where nothing is installed

from controller.catalogue import Entry, entries  # noqa: E402
from safety import alarms  # noqa: E402
from safety.alarms import PRIORITIES, Priority  # noqa: E402
from safety.alarms_signals import LOOKS, TONES, Look, Tone  # noqa: E402
from safety.causes import Harm, Onset  # noqa: E402

HEAD = """\
# Alarms and codes

Written by `docs/make_alarms.py`; a test fails if this page is stale. `penpilot explain CODE` says
the same at the pen.

A *condition* is a cause that the safety core measures. It begins an *alarm*, which is seen and
heard until it is over. The pattern is that of IEC 60601-1-8, whose text was not read (see
[sources.md](sources.md)); no conformity is claimed.

- An alarm shows in the very scan that finds its condition. A monitor may wait before it believes a
  measurement; how long stands in `safety/monitors/`.
- From severity {latching} on an alarm **latches**: it stays when its condition has gone, until a
  person acknowledges it. Below, it goes with its condition.
- Acknowledging silences the alarms that stand. Their lines stay while their conditions hold.
- The sound can be **paused** for at most {pause_s} s, and this is shown. A new alarm ends the
  pause. Two pauses are one if less than {audible_ms} ms of sound lie between them. Sight is never
  suppressed.
- A {high} alarm that nobody acknowledges for {high_s} s, and a {medium} one for {medium_s} s,
  **escalates**: louder, and on the pen's own buzzer where it has one.

## Priority

By the harm that comes if nobody acts, and how soon. `none` is information, not an alarm.

"""


def priorities() -> str:
    """Return the tables of priorities, lights and tones."""
    lines = [f"| harm | {' | '.join(one.name.lower() for one in Onset)} |", "|---" * 4 + "|"]
    for harm in Harm:
        cells = [PRIORITIES[harm, onset].name.lower() for onset in Onset]
        lines.append(f"| {harm.name.lower()} | {' | '.join(cells)} |")
    lines += ["", "| priority | sign | light | sound |", "|---|---|---|---|"]
    for priority in sorted(Priority, reverse=True):
        look, tone = LOOKS[priority], TONES.get(priority)
        cells = [priority.name.lower(), f"`{look.symbol}`", _light(look), _sound(tone)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _light(look: Look) -> str:
    if look.flash is None:
        return f"{look.colour}, steady"
    return f"{look.colour}, lit {look.flash.on_ms} of every {look.flash.period_ms} ms"


def _sound(tone: Tone | None) -> str:
    if tone is None:
        return "none"
    count = len(tone.pulse_starts_ms)
    return f"{count} of {tone.pulse_ms} ms, every {tone.period_ms / 1000:g} s"


def catalogue() -> str:
    """Return the sections of all codes, by kind."""
    kind, lines = "", []
    for entry in entries().values():
        if entry.kind != kind:
            kind = entry.kind
            lines += ["", f"## {kind.capitalize()}s"]
        text = f"{entry.text[0].upper()}{entry.text[1:].removesuffix('.')}."
        lines += ["", f"### {entry.code}", "", text, ""]
        lines += [f"- {label}: {value}" for label, value in _fields(entry) if value]
    return "\n".join(lines) + "\n"


def _fields(entry: Entry) -> list[tuple[str, str]]:
    return [
        ("the pen", entry.pen),
        ("next step", entry.next_step),
        ("may clear it", entry.clears),
        ("severity", entry.severity),
        ("alarm", entry.priority.lower()),
        ("hazards", ", ".join(map(str, entry.hazards))),
        ("shown by", ", ".join(f"`{test}`" for test in entry.tests)),
    ]


def page() -> str:
    """Return the whole page."""
    head = HEAD.format(
        latching=alarms.LATCHING_FROM.name,
        pause_s=alarms.AUDIO_PAUSE_MS_MAX // 1000,
        audible_ms=alarms.AUDIBLE_MS,
        high=Priority.HIGH.name.lower(),
        medium=Priority.MEDIUM.name.lower(),
        high_s=alarms.ESCALATION_MS[Priority.HIGH] // 1000,
        medium_s=alarms.ESCALATION_MS[Priority.MEDIUM] // 1000,
    )
    return head + priorities() + catalogue()


def main(arguments: list[str]) -> int:
    """Write the page, or compare it if asked to; return the exit code."""
    if arguments == ["--check"]:
        is_current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not is_current:
            sys.stderr.write(f"{PAGE.name} is stale: run python docs/make_alarms.py\n")
        return 0 if is_current else 1
    if arguments:
        sys.stderr.write("usage: make_alarms.py [--check]\n")
        return 2
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
