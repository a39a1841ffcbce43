"""Writes what the demo looks like into README.md: it runs the demo, nobody types anything.

``python docs/make_capture.py`` treats the example plan in real time, once without and once with a
drill, and puts the pictures between the marks of README.md. Takes about a minute.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from rich.console import Console

from controller.config import Home
from controller.keys import Keys
from controller.logs import configure
from controller.treatment.screen import screen
from hil.demo import DEFAULT_PLAN, run_demo, run_patiently
from hil.drills import DRILLS
from hil.showing import drill_lines

README = Path(__file__).resolve().parent.parent / "README.md"
WIDTH = 100
DRILL = "over-depth"


class Album:
    """A view that keeps the frames, with the time at which each came."""

    def __init__(self, ready: dict[str, Any]) -> None:
        """Keep what the control process said of itself."""
        self.ready = ready
        self.frames: list[dict[str, Any]] = []
        ALBUMS.append(self)

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear."""

    def show(self, frame: dict[str, Any]) -> None:
        """Keep a frame."""
        self.frames.append(frame)

    def picture(self, frame: dict[str, Any]) -> str:
        """Return the screen of a frame as text."""
        console = Console(record=True, width=WIDTH, file=sys.stderr, highlight=False)
        elapsed_s = (frame["t_ms"] - self.frames[0]["t_ms"]) / 1000
        console.print(screen(frame, self.ready, elapsed_s))
        lines = console.export_text().splitlines()
        return "\n".join(line.rstrip() for line in lines).strip("\n")


ALBUMS: list[Album] = []


def run(folder: Path, drill: str | None) -> tuple[Album, Any]:
    """Run the demo and return its frames and its result."""
    chosen = DRILLS[drill] if drill else None
    result = run_patiently(
        lambda: run_demo(Home(folder), DEFAULT_PLAN, chosen, seed=1, make_view=Album, keys=Keys()),
        sys.stderr.write,
    )
    return ALBUMS[-1], result


def middle_of_second_area(album: Album) -> dict[str, Any]:
    """Return a frame of a running pass over the second area, with strokes to show."""
    second = album.ready["areas"][1]["area"]
    frames = [
        frame
        for frame in album.frames
        if frame["state"] == "RUNNING" and frame["current"]["area"] == second
    ]
    return frames[len(frames) // 3]


def replace(text: str, mark: str, content: str) -> str:
    """Return the text with everything between the two marks of that name replaced.

    Raises:
        ValueError: If the marks are not there.
    """
    pattern = re.compile(rf"(<!-- {mark}:begin -->\n).*?(<!-- {mark}:end -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has no marks {mark}:begin and {mark}:end")
    return pattern.sub(lambda m: f"{m[1]}```text\n{content}\n```\n{m[2]}", text)


def main() -> None:
    """Run both demos and write the README."""
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        album, result = run(Path(folder) / "plain", None)
        _, drilled = run(Path(folder) / "drill", DRILL)
    closed = result.closed or {}
    picture = album.picture(middle_of_second_area(album))
    ending = (
        f"Treatment {closed.get('outcome')}: {closed.get('reason')} (exit code {result.exit_code})"
    )
    text = README.read_text(encoding="utf-8")
    text = replace(text, "demo", f"$ penpilot demo\n{picture}\n...\n{ending}")
    lines = "\n".join(drill_lines(drilled.verdict, DRILL)).strip()
    text = replace(text, "drill", f"$ penpilot demo --drill {DRILL}\n...\n{lines}")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
