"""What `penpilot demo` does and shows, once it has been loaded; `hil.cli` holds its options."""

from __future__ import annotations

import json
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from controller.commands.common import failing_clearly, log_to, this_home
from controller.commands.treat import JsonView
from controller.config import Home
from controller.errors import ConfigError
from controller.keys import Keys
from controller.treatment.views import LineView, ScreenView
from hil.demo import DEFAULT_PLAN, DemoResult, run_demo, run_patiently
from hil.drills import DRILLS, Verdict
from hil.programs import ProgramFailed


def perform(
    drill: str | None, plan: Path | None, *, seed: int, is_verbose: bool, as_json: bool
) -> int:
    """Run the demo, show what came of it, and return the exit code."""
    with failing_clearly(as_json=as_json):
        if not hasattr(os, "openpty"):
            raise ConfigError("demo", sys.platform, "must run where there are pseudo-terminals")
        chosen = DRILLS[drill] if drill else None
        if not as_json:
            click.echo(_greeting(drill, chosen.text if chosen else ""))

        def once() -> DemoResult:
            home = Home(this_home().folder / "demo" / _fresh_name()).create()
            log_to(home, is_verbose=is_verbose)
            return run_demo(
                home,
                (plan or DEFAULT_PLAN).absolute(),
                chosen,
                seed=seed,
                make_view=_view_maker(as_json=as_json),
                keys=Keys(),
                say=lambda text: None if as_json else click.echo(text),
            )

        try:
            result = run_patiently(once, lambda text: click.echo(text, err=True))
        except ProgramFailed as error:
            raise ConfigError("simulate", "not started", str(error)) from error
    code = result.exit_code
    if result.verdict is not None:
        code = 0 if result.verdict.passed else 5
    _show(result, drill, code, as_json=as_json)
    return code


def _fresh_name() -> str:
    """Return a name for this demo's data folder: no two demos share a record."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _greeting(drill: str | None, text: str) -> str:
    lines = "A simulated pen, a real pseudo-terminal, real time. Space or Ctrl-C stops the pen."
    return f"{lines}\nDrill {drill}: half-way, {text}." if drill else lines


def _view_maker(*, as_json: bool) -> Any:
    if as_json:
        return JsonView
    return ScreenView if sys.stdout.isatty() else LineView


def _show(result: DemoResult, drill: str | None, code: int, *, as_json: bool) -> None:
    """Print how it ended, what a drill showed, and where everything lies."""
    if as_json:
        document = {
            "type": "demo",
            "session": result.session,
            "treatment_exit_code": result.exit_code,
            "exit_code": code,
            "drill": drill,
            "paired": {
                "serial_number": result.key.serial_number,
                "fingerprint": result.key.fingerprint,
            },
            "verdict": None if result.verdict is None else result.verdict.as_json(),
            "home": str(result.home.folder),
            "record": str(result.home.records_db),
            "report": str(result.report),
            "truth": str(result.truth),
        }
        click.echo(json.dumps(document, sort_keys=True))
        return
    closed = result.closed
    ending = (
        f"{closed['outcome']}: {closed['reason']}" if closed else "the control process was gone"
    )
    click.echo(f"\nTreatment {result.session}: {ending} (exit code {result.exit_code})")
    if result.verdict is not None:
        click.echo("\n" + "\n".join(drill_lines(result.verdict, drill or "")) + "\n")
    click.echo(f"Record  {result.home.records_db}")
    click.echo(f"Report  {result.report}")
    click.echo(f"Pen log {result.truth}")


def drill_lines(verdict: Verdict, drill: str) -> list[str]:
    """Return what a drill showed, line by line."""
    lines = [f"Drill {drill}, milliseconds after it struck:"]
    lines += [f"  {m.after_ms:+6d} ms  {m.who:<4}  {m.text}" for m in verdict.moments]
    still = "never seen" if verdict.still_ms is None else f"after {verdict.still_ms} ms"
    lines.append(f"  needles still {still}, allowed are {verdict.budget_ms} ms")
    lines += [f"  NOT AS IT MUST BE: {complaint}" for complaint in verdict.complaints]
    return [*lines, "  PASSED" if verdict.passed else "  FAILED"]
