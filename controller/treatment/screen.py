"""What a treatment looks like in a terminal; it shows frames and wants nothing.

Needle protrusion stands in millimetres beside its area, states are words and signs, never colour
alone, and a value that is not fresh is a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from controller.treatment.guide import hint, label, millimetres

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


def screen(frame: Mapping[str, Any], ready: Mapping[str, Any], elapsed_s: float) -> Group:
    """Return the whole picture of one scan.

    Args:
        frame: The newest scan, as `controller.snapshot` makes it.
        ready: What the control process said of itself.
        elapsed_s: Seconds since the session began.
    """
    return Group(
        _header(ready, elapsed_s),
        _areas(frame, ready),
        _pen(frame),
        *_alarms(frame),
        Text(hint(frame, ready["areas"]), style="bold"),
        Text("Space, Esc, Ctrl-C: STOP   Enter: go on   P: pause   D: pass done", style="dim"),
        *_sound(frame),
    )


def _header(ready: Mapping[str, Any], elapsed_s: float) -> Table:
    table = Table.grid(expand=True)
    table.add_column()
    table.add_column(justify="right")
    mark = Text(" SIMULATED PEN ", style="black on yellow") if ready["simulated"] else Text("")
    title = Text.assemble((ready["plan"], "bold"), f"   pen {ready['serial_number']}  ", mark)
    table.add_row(title, f"{int(elapsed_s) // 60:02d}:{elapsed_s % 60:04.1f}")
    return table


def _areas(frame: Mapping[str, Any], ready: Mapping[str, Any]) -> Table:
    table = Table(expand=False, pad_edge=False, caption=LEGEND, caption_justify="left")
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
    for area in ready["areas"]:
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
    """Return one line about the pen; dashes where nothing fresh is known."""
    pen = frame["pen"]
    if pen is None:
        age = frame["age_ms"]
        when = "nothing yet" if age is None else f"last heard {age} ms ago"
        return Text(f"{label(frame['state'])}   pen: no fresh data, {when}", style="yellow")
    contact = "● skin" if pen["has_contact"] else "○ air"
    speed = "-" if pen["speed_dhz"] is None else f"{pen['speed_dhz'] / 10:5.1f}"
    current = "-" if pen["current_ma"] is None else f"{pen['current_ma']:4d}"
    depth = millimetres(pen["depth_um"])
    return Text(
        f"{label(frame['state']):<10} needles {depth} mm   {speed} strokes/s   {contact}   "
        f"{current} mA"
    )


def _alarms(frame: Mapping[str, Any]) -> list[Panel]:
    """Return a panel for every alarm: what happened, what the pen does, what to do next.

    It is there whether its light is lit or not; symbol and word say what the colour says.
    """
    return [
        # As text: brackets in it, such as those of a path, are no markup.
        Panel(
            Text(f"{one['text']}. {one['pen']} {one['next']}"), title=_title(one), style=_style(one)
        )
        for one in frame["alarms"]
    ]


def _sound(frame: Mapping[str, Any]) -> list[Text]:
    """Return the keys for alarms while there are any, and whether their sound is paused."""
    if not frame["alarms"]:
        return []
    paused = "   SOUND PAUSED" if frame["is_audio_paused"] else ""
    return [Text(f"A: alarms seen   M: pause the sound for 2 minutes{paused}", style="bold")]


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
    return ", ".join([f"{alarm['symbol']} {alarm['priority']}", *marks])


def _style(alarm: Mapping[str, Any]) -> str:
    """Return the colour of an alarm, reversed while its light is lit and nobody has seen it."""
    is_calling = alarm["is_lit"] and not alarm["is_acknowledged"]
    return f"reverse {alarm['colour']}" if is_calling else alarm["colour"]
