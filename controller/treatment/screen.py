"""What a treatment looks like in a terminal; it shows frames and wants nothing.

Needle protrusion stands in millimetres beside its area, states are words and signs, never colour
alone, and a value that is not fresh is a dash. What does not fit into the terminal is counted in
words: areas give way to alarms, and alarms to graver ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from controller.treatment.guide import (
    ENDED,
    NO_ANSWER,
    hint,
    label,
    millimetres,
    next_pass,
    urgency,
)

SIGNS = {
    "delivered": ("✓", "green"),
    "partial": ("◐", "yellow"),
    "uncertain": ("?", "yellow"),
    "planned": ("▶", "cyan"),
    "not_delivered": ("·", "dim"),
}
"""Sign and colour of a pass. The sign alone says it."""

LEGEND = "✓ delivered  ◐ partly  ? uncertain (counts)  ▶ now  ○ to come"
BAR_WIDTH = 22


KEYS = "Space, Esc, Ctrl-C: STOP   Enter: go on   P: pause   D: pass done"
ALARM_KEYS = "A: alarms seen   M: pause the sound for 2 minutes"

Rows = Callable[[RenderableType], int]
"""How many rows something takes in this terminal."""


def screen(
    frame: Mapping[str, Any], ready: Mapping[str, Any], elapsed_s: float, console: Console
) -> Group:
    """Return the whole picture of one scan, as high as the terminal and no higher.

    Args:
        frame: The newest scan, as `controller.snapshot` makes it.
        ready: What the control process said of itself.
        elapsed_s: Seconds since the session began.
        console: The terminal.
    """

    def rows(part: RenderableType) -> int:
        return len(console.render_lines(part, pad=False))

    head, pen, foot = _header(ready, elapsed_s), _pen(frame), _foot(frame, ready)
    room = console.height - rows(Group(head, pen, *foot))
    alarms = frame["alarms"]
    # The gravest alarm has its place before any area has.
    kept = rows(_panel(alarms[0])) + int(len(alarms) > 1) if alarms else 0
    areas = _fitting_areas(frame, ready, room - kept, rows)
    room -= sum(rows(part) for part in areas)
    return Group(head, *areas, pen, *_alarms(alarms, room, rows), *foot)


def _foot(frame: Mapping[str, Any], ready: Mapping[str, Any]) -> list[Text]:
    """Return what to do next, and the keys."""
    if frame["state"] == NO_ANSWER:
        return [Text(hint(frame, ready["areas"]), style="bold")]
    if frame.get("is_ended"):
        return [Text(ENDED + _silence(frame), style="bold")]
    told = [Text(hint(frame, ready["areas"]), style="bold"), Text(KEYS, style="dim")]
    if frame["alarms"]:
        told.append(Text(ALARM_KEYS + _silence(frame), style="bold"))
    return told


def _silence(frame: Mapping[str, Any]) -> str:
    return "   SOUND PAUSED" if frame["is_audio_paused"] else ""


def _header(ready: Mapping[str, Any], elapsed_s: float) -> Table:
    table = Table.grid(expand=True)
    table.add_column()
    table.add_column(justify="right")
    mark = Text(" SIMULATED PEN ", style="black on yellow") if ready["simulated"] else Text("")
    title = Text.assemble((ready["plan"], "bold"), f"   pen {ready['serial_number']}  ", mark)
    table.add_row(title, f"{int(elapsed_s) // 60:02d}:{elapsed_s % 60:04.1f}")
    return table


def _fitting_areas(
    frame: Mapping[str, Any], ready: Mapping[str, Any], room: int, rows: Rows
) -> list[Table]:
    """Return the table of as many areas as fit, that of the pass at hand among them."""
    areas = ready["areas"]
    current, upcoming = frame["current"], next_pass(frame, areas)
    name = current["area"] if current else upcoming[0] if upcoming else ""
    place = next((i for i, one in enumerate(areas) if one["area"] == name), 0)
    count = len(areas)
    while count > 0:
        first = min(max(0, place - count // 2), len(areas) - count)
        table = _areas(frame, areas[first : first + count], len(areas) - count)
        over = rows(table) - room
        if over <= 0:
            return [table]
        count -= over
    return []


def _areas(frame: Mapping[str, Any], areas: Sequence[Mapping[str, Any]], left_out: int) -> Table:
    legend = f"+{left_out} more areas   {LEGEND}" if left_out else LEGEND
    table = Table(expand=False, pad_edge=False, caption=legend, caption_justify="left")
    for name, justify in (
        ("area", "left"),
        ("set mm", "right"),
        ("measured max mm", "right"),
        ("strokes/s", "right"),
        ("passes", "left"),
        ("strokes of this pass", "left"),
    ):
        # However narrow the terminal, a protrusion is shown whole or not at all.
        table.add_column(name, justify=justify, min_width=len("2.50"))  # type: ignore[arg-type]
    current = frame["current"]
    for area in areas:
        is_now = current is not None and current["area"] == area["area"]
        table.add_row(
            Text(area["area"], style="bold" if is_now else ""),
            millimetres(area["depth_um"]["granted"]),
            millimetres(current["depth_um_max"]) if is_now else "",
            f"{area['speed_dhz']['granted'] / 10:.0f}",
            _passes(frame, area),
            _strokes(current) if is_now else Text(""),
        )
    return table


def _passes(frame: Mapping[str, Any], area: Mapping[str, Any]) -> Text:
    text = Text()
    seen = [p for p in frame["passes"] if p["area"] == area["area"]]
    for one in seen:
        sign, style = SIGNS[one["outcome"]]
        text.append(sign + " ", style=style)
    counted = sum(p["outcome"] != "not_delivered" for p in seen)
    text.append("○ " * max(0, (area["passes"]["granted"] or 0) - counted), style="dim")
    return text


def _strokes(current: Mapping[str, Any]) -> Table:
    done, total = current["strokes_in_contact"], current["strokes_per_pass"]
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=total, completed=min(done, total), width=BAR_WIDTH), f"{done}/{total}"
    )
    return row


def _pen(frame: Mapping[str, Any]) -> Text:
    """Return one line about the pen; dashes where it measured nothing, no value without a link."""
    pen = frame["pen"]
    # The last picture stays: figures from before the link was lost would be read as the pen's now.
    if pen is None or frame["state"] == "OFFLINE":
        age = frame["age_ms"]
        when = "nothing yet" if age is None else f"last heard {age} ms ago"
        style = "reverse red" if frame["state"] == NO_ANSWER else "yellow"
        return Text(f"{label(frame['state'])}   pen: no fresh data, {when}", style=style)
    contact = "● skin" if pen["has_contact"] else "○ air"
    speed = "-" if pen["speed_dhz"] is None else f"{pen['speed_dhz'] / 10:5.1f}"
    current = "-" if pen["current_ma"] is None else f"{pen['current_ma']:4d}"
    depth = millimetres(pen["depth_um"])
    return Text(
        f"{label(frame['state']):<10} needles {depth} mm   {speed} strokes/s   {contact}   "
        f"{current} mA"
    )


def _alarms(alarms: Sequence[Mapping[str, Any]], room: int, rows: Rows) -> list[RenderableType]:
    """Return a panel for every alarm that fits, the gravest first, and a line that counts the rest.

    An alarm is there whether its light is lit or not. The gravest is there in any case.
    """
    parts: list[RenderableType] = []
    for place, one in enumerate(alarms):
        panel, left = _panel(one), alarms[place + 1 :]
        needed = rows(panel) + bool(left)
        if parts and needed > room:
            return [*parts, _rest(alarms[place:])]
        room -= rows(panel)
        parts.append(panel)
    return parts


def _panel(alarm: Mapping[str, Any]) -> Panel:
    """Return what happened, what the pen does, what to do next.

    Symbol and word say what the colour says.
    """
    # As text: brackets in it, such as those of a path, are no markup.
    text = Text(f"{alarm['text']}. {alarm['pen']} {alarm['next']}")
    return Panel(text, title=_title(alarm), style=_style(alarm))


def _rest(alarms: Sequence[Mapping[str, Any]]) -> Text:
    """Return one line of the alarms that have no panel, in the colour of the gravest."""
    named = "; ".join(f"{urgency(one)} {one['text']}" for one in alarms)
    text = f"+{len(alarms)} more: {named}"
    return Text(text, style=_style(alarms[0]), no_wrap=True, overflow="ellipsis")


def _title(alarm: Mapping[str, Any]) -> str:
    """Return symbol and priority, and what else must be known at a glance."""
    marks = [
        word
        for word, is_so in (
            ("seen", alarm["is_acknowledged"]),
            ("gone", not alarm["is_present"]),
            ("NOBODY HAS ANSWERED", alarm["is_escalated"]),
        )
        if is_so
    ]
    return ", ".join([urgency(alarm), *marks])


def _style(alarm: Mapping[str, Any]) -> str:
    """Return the colour of an alarm, reversed while its light is lit and nobody has seen it."""
    is_calling = alarm["is_lit"] and not alarm["is_acknowledged"]
    return f"reverse {alarm['colour']}" if is_calling else alarm["colour"]
