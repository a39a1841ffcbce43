"""Two ways to show a session: a live screen for a terminal, plain lines for everything else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Self

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from controller.config import Home
from controller.treatment.guide import label, millimetres, urgency
from controller.treatment.parting import Place, next_steps, pen_now
from controller.treatment.screen import screen

SILENT = "interrupted: NO ANSWER FROM THE CONTROL PROCESS"
REFRESH_HZ = 12
"""Pictures a second; the scan makes 20, an eye needs fewer."""


class LineView:
    """Prints one line for every change."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self._ready = ready
        self._began = time.monotonic()
        self._last: tuple[Any, ...] = ()

    def __enter__(self) -> Self:
        """Print who treats what with which pen."""
        mark = "SIMULATED PEN" if self._ready["simulated"] else "pen"
        self._line(
            f"{self._ready['plan']}: {mark} {self._ready['serial_number']}, "
            f"session {self._ready['session']}"
        )
        for area in self._ready["areas"]:
            self._line(
                f"  {area['area']}: {millimetres(area['depth_um']['granted'])} mm, "
                f"{area['speed_dhz']['granted'] / 10:g} strokes/s, "
                f"passes {area['passes']['granted']}, limit {area['depth_limit']['source']} "
                f"{millimetres(area['depth_limit']['high'])} mm"
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def show(self, frame: dict[str, Any]) -> None:
        """Print what changed: state, passes, alarms."""
        current = frame["current"]
        where = f"{current['area']} pass {current['number']}/{current['passes']}" if current else ""
        alarms = tuple((one["code"], one["is_acknowledged"]) for one in frame["alarms"])
        sight = (frame["state"], where, alarms)
        if sight == self._last:
            return
        self._last = sight
        pen = frame["pen"]
        depth = f"{millimetres(pen['depth_um'])} mm measured" if pen and current else ""
        set_depth = f"{millimetres(current['depth_um'])} mm set" if current else ""
        strokes = f"{current['strokes_in_contact']} strokes" if current else ""
        parts = [part for part in (where, set_depth, depth, strokes) if part]
        self._line(f"{label(frame['state']):<10} {', '.join(parts)}".rstrip())
        for one in frame["alarms"]:
            self._line(f"{urgency(one)}: {one['text']}. {one['pen']} {one['next']}")

    def _line(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._began:7.2f} s  {text}")

    def end(
        self, closed: dict[str, Any] | None, code: int, home: Home, report: Path, place: Place
    ) -> None:
        """Print how it ended, what the pen is doing, what comes next, and where everything lies."""
        text = f"{closed['outcome']}: {closed['reason']}" if closed else SILENT
        self._line(f"Session {self._ready['session']} {text}")
        if closed and closed["link_failure"]:
            self._line(closed["link_failure"])
        self._line(f"Pen     {pen_now(closed)}")
        for step in next_steps(closed, place):
            self._line(f"Next    {step}")
        self._line(f"Record  {home.records_db}")
        self._line(f"Report  {report}")
        for trace in (closed or {}).get("traces", ()):
            self._line(f"Trace   {trace}")
        del code


class ScreenView(LineView):
    """Draws the whole picture anew; the lines come at the end only."""

    def __init__(self, ready: dict[str, Any]) -> None:
        super().__init__(ready)
        self._burst_ms: int | None = None
        self._state = ""
        self._console = Console(highlight=False)
        self._live = Live(Text("One moment."), console=self._console, refresh_per_second=REFRESH_HZ)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def show(self, frame: dict[str, Any]) -> None:
        """Draw a frame, and let the terminal ring once for every burst of the alarms' sound."""
        if frame["burst_ms"] not in (None, self._burst_ms):
            click.echo("\a", nl=False)
        self._burst_ms = frame["burst_ms"]
        picture = screen(frame, self._ready, time.monotonic() - self._began, self._console)
        # That nobody answers any more waits for no picture's turn.
        self._live.update(picture, refresh=frame["state"] != self._state)
        self._state = frame["state"]

    def _line(self, text: str) -> None:
        click.echo(text)
