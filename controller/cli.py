"""The `penpilot` command: finds its commands through entry points and loads only the one that runs.

Before anything else it looks that the five packages are ours: their names are plain, and another
distribution may bring one of the same name (see docs/adr/0002).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

GROUP = "penpilot.commands"
PACKAGES = ("controller", "drivers", "hil", "safety", "simulator")
_SUMMARIES = {
    "commission": "Measure the line to a pen at rest; nothing moves.",
    "demo": "Treat an example plan on a simulated pen; --drill adds a fault.",
    "doctor": "Look at this machine and say what is wrong.",
    "firmware": "Write Pen Link as C for the pen's firmware.",
    "identify": "Ask a pen who it is.",
    "pair": "Pair a pen with this computer, the pen in hand.",
    "plan": "Check a treatment plan against every limit.",
    "explain": "Say what a code means, and what to do.",
    "ports": "List serial ports without opening any.",
    "profile": "Show, check or sign the limits per area and indication.",
    "records": "List, show and verify the record.",
    "reset": "Reset an operator's fault of a pen at rest.",
    "safety": "Show the state machine, and explain any pair of it.",
    "simulate": "Run the simulated pen on a pty or on TCP.",
    "stop": "Stop the pen on a port, at once.",
    "trace": "Show, compare, export and replay what went over the line.",
    "treat": "Treat a plan with the pen on a port.",
}
"""Short help of our own commands, so that ``--help`` need not load them."""


_WANTS_JSON = "penpilot.wants_json"


def _wants_json(words: Sequence[str]) -> bool:
    """Return whether JSON is asked for, which is to be known even of words that are wrong."""
    return "--json" in takewhile(lambda word: word != "--", words)


def _ending_clearly(*, as_json: bool) -> AbstractContextManager[None]:
    from controller.commands.common import ending_clearly  # noqa: PLC0415 packages are looked at first

    return ending_clearly(as_json=as_json)


def foreign_packages() -> list[str]:
    """Return those of our packages that would be imported from somebody else's folder."""
    ours = Path(__file__).resolve().parent.parent
    foreign = []
    for name in PACKAGES:
        spec = find_spec(name)
        found = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if found is None or found.parent.parent != ours:
            foreign.append(f"{name} ({found or 'missing'})")
    return foreign


class Commands(click.Group):
    """A group whose commands are entry points, loaded when they run."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=GROUP)}

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the words of the command line as far as they are for the group."""
        wants_json = _wants_json(args)
        with _ending_clearly(as_json=wants_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_WANTS_JSON] = wants_json
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; however it ends, it ends with a documented code."""
        with _ending_clearly(as_json=ctx.meta[_WANTS_JSON]):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(self._points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command of that name."""
        del ctx
        point = self._points().get(cmd_name)
        loaded: Any = None if point is None else point.load()
        return loaded if isinstance(loaded, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; only those of others are loaded for their help."""
        rows = []
        for name in self.list_commands(ctx):
            summary = _SUMMARIES.get(name)
            if summary is None:
                command = self.get_command(ctx, name)
                summary = "" if command is None else command.get_short_help_str(70)
            rows.append((name, summary))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="penpilot", prog_name="penpilot")
def penpilot() -> None:
    """Host-side companion of a pen-style microneedling device.

    Engineering software, not a cleared medical device: not for treating people.

    Exit codes: 0 done, 2 wrong input or configuration, 3 refused by safety, 4 link, 5 device fault,
    130 stopped by the user.
    """


def main() -> None:
    """Run the command line."""
    foreign = foreign_packages()
    if foreign:
        click.echo(
            f"penpilot: another distribution shadows {', '.join(foreign)}. Nothing was opened. "
            "Install penpilot in an environment of its own.",
            err=True,
        )
        sys.exit(2)
    penpilot()


if __name__ == "__main__":
    main()
