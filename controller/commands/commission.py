"""`penpilot commission`: measures the line to a pen at rest; it moves no needle."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from controller.commands.common import (
    echo_json,
    failing_clearly,
    json_option,
    port_option,
    this_home,
)
from controller.errors import ExitCode

if TYPE_CHECKING:
    from controller.commissioning import Commissioned

EXCHANGES_MAX = 100_000
"""Held against `drivers.commissioning` by a test; loading it would make --help slow."""

BAR = 40
"""Longest bar of the histogram, in characters."""


@click.command()
@port_option
@click.option(
    "--exchanges",
    type=click.IntRange(100, EXCHANGES_MAX),
    default=1_000,
    show_default=True,
    help="How often the pen is asked; 1,000 take about 15 s.",
)
@json_option
def commission(port: str, exchanges: int, *, as_json: bool) -> None:
    """Measure the line to a pen at rest, and say whether it can hold the lease.

    The pen is only asked how it is; nothing moves. The result is kept: `penpilot treat` refuses a
    line that failed until it passes. Exit code 3 if it failed.
    """
    with failing_clearly(as_json=as_json):
        found, path = _commission(port, exchanges, is_shown=not as_json)
    code = ExitCode.DONE if found.has_passed else ExitCode.REFUSED
    if as_json:
        echo_json({**document(found), "file": path, "exit_code": int(code)})
    else:
        click.echo("\n".join(lines(found)))
        click.echo(f"Kept in {path}")
    sys.exit(int(code))


def _commission(port: str, exchanges: int, *, is_shown: bool) -> tuple[Commissioned, str]:
    from datetime import UTC, datetime  # noqa: PLC0415 --help need not load all of this

    from controller.commissioning import commission as measure_line  # noqa: PLC0415 as above
    from controller.commissioning import keep  # noqa: PLC0415 as above
    from controller.priority import raise_priority  # noqa: PLC0415 as above

    raise_priority()  # the line is to be measured as a session would see it
    home = this_home().create()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with _progress(exchanges, is_shown=is_shown and sys.stderr.isatty()) as on_progress:
        found = measure_line(port, exchanges, at, on_progress)
    return found, str(keep(home, found))


@contextlib.contextmanager
def _progress(total: int, *, is_shown: bool) -> Iterator[Callable[[int], None]]:
    """Yield what is told how far it is; a bar on standard error if somebody looks at it."""
    if not is_shown:
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 as above
    from rich.progress import Progress  # noqa: PLC0415 as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Asking the pen; nothing moves", total=total)
        yield lambda done: bar.update(task, completed=done)


def document(found: Commissioned) -> dict[str, Any]:
    """Return the result as it is printed for scripts; see docs/cli.md."""
    figures = found.figures
    return {
        "port": found.port,
        "line": found.line,
        "at": found.at,
        "serial_number": found.serial_number,
        "simulated": found.simulated,
        "lease_ms": found.lease_ms,
        "profile": found.profile,
        "passed": found.has_passed,
        "faults": list(found.faults),
        "remedy": found.remedy,
        "exchanges": figures.exchanges,
        "unanswered": figures.unanswered,
        "late": figures.late,
        "p50_us": figures.p50_us,
        "p99_us": figures.p99_us,
        "max_us": figures.max_us,
        "histogram": [{"up_to_us": bound, "count": count} for bound, count in figures.bins],
        "discards": figures.discards,
        "noise_bytes": figures.noise_bytes,
    }


def lines(found: Commissioned) -> list[str]:
    """Return the result for people: the verdict, the figures, the histogram, what to do."""
    figures = found.figures
    mark = "  SIMULATED" if found.simulated else ""
    verdict = "can hold the lease" if found.has_passed else "CANNOT HOLD THE LEASE"
    holder = f"Pen {found.serial_number}{mark} on {found.port}"
    times = (figures.p50_us, figures.p99_us, figures.max_us)
    p50, p99, longest = (_ms(time_us) for time_us in times)
    late = f"{figures.exchanges} questions, {figures.late} answered late or never"
    told = [
        f"{holder}: the line {verdict} (profile {found.profile}, lease {found.lease_ms} ms).",
        f"  {late}; round trip p50 {p50}, p99 {p99}, longest {longest}",
    ]
    told += _histogram(figures.bins)
    told += [f"  {count} discarded: {cause}" for cause, count in figures.discards.items()]
    if figures.noise_bytes:
        told.append(f"  {figures.noise_bytes} bytes were part of no answer")
    told += [f"  Refused: {fault}." for fault in found.faults]
    return told + ([f"  {found.remedy}"] if found.remedy else [])


def _histogram(bins: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Yield a bar for every bin, from the first that holds anything to the last that does."""
    full = [number for number, (_, count) in enumerate(bins) if count]
    most = max((count for _, count in bins), default=0)
    for bound, count in bins[full[0] : full[-1] + 1] if full else ():
        bar = "█" * -(-count * BAR // most)
        yield f"  up to {bound / 1_000:5g} ms {count:7d}  {bar}".rstrip()


def _ms(time_us: int | None) -> str:
    return "no answer" if time_us is None else f"{time_us / 1_000:.1f} ms"
