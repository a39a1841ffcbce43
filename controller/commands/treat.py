"""`penpilot treat`: treats a plan with the pen on a port, guided in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Self

import click

from controller.commands.common import (
    echo_json,
    failing_clearly,
    json_option,
    log_to,
    port_option,
    this_home,
    verbose_option,
)
from controller.config import Home
from controller.errors import ConfigError, ExitCode


@click.command()
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))
@port_option
@click.option("--yes", "is_unattended", is_flag=True, help="Ask nothing: arm and start by itself.")
@click.option("--resume", metavar="SESSION", help="Go on with an interrupted session.")
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write every byte of the line into a new file; see docs/traces.md.",
)
@verbose_option
@json_option
def treat(
    file: Path,
    port: str,
    resume: str | None,
    trace: Path | None,
    *,
    is_unattended: bool,
    is_verbose: bool,
    as_json: bool,
) -> None:
    """Treat PLAN with the pen on a port.

    Space, Esc and Ctrl-C stop the pen at once. A limit that stands against the plan refuses the
    whole of it before anything is written to the pen.
    """
    with failing_clearly(as_json=as_json):
        home = this_home().create()
        log_to(home, is_verbose=is_verbose)
        code = run(home, file, port, resume, trace, is_unattended=is_unattended, as_json=as_json)
    sys.exit(code)


def run(
    home: Home,
    file: Path,
    port: str,
    resume: str | None,
    trace: Path | None = None,
    *,
    is_unattended: bool,
    as_json: bool,
) -> int:
    """Conduct one session from its start to its report; return the exit code.

    Raises:
        ControllerError: If plan, record or pen do not allow it to begin.
    """
    from controller.keys import Keys  # noqa: PLC0415 --help need not load the session's parts
    from controller.opening import read_plan  # noqa: PLC0415 as above
    from controller.tracing.files import parts  # noqa: PLC0415 as above
    from controller.treatment.parting import Place  # noqa: PLC0415 as above
    from controller.treatment.reconnect import come_back, is_lost  # noqa: PLC0415 as above
    from controller.treatment.starter import start  # noqa: PLC0415 as above
    from drivers.choosing import steady_address  # noqa: PLC0415 as above

    keys = Keys()
    if not keys.is_terminal and not is_unattended:
        raise ConfigError("--yes", "missing", "must be given where there is no terminal")
    read_plan(file)
    # Where a screen is drawn for somebody at the keys, it stays until its alarms were seen.
    is_attended = keys.is_terminal and sys.stdout.isatty() and not as_json
    pen: int | None = None
    # By this name the same device is found when it was unplugged and came back as another number.
    steady = steady_address(port)
    traces = parts(trace)
    while True:
        session = start(
            *(home, file.absolute(), port, resume),
            is_attended=is_attended,
            pen=pen,
            trace=next(traces),
        )
        view = JsonView(session.ready) if as_json else _view(session.ready)
        with keys, view:
            closed = _conduct(session, keys, view, is_unattended=is_unattended)
        code = _end(session, closed)
        report = _report(home, session.ready["session"])
        view.end(closed, code, home, report, Place(session.ready["session"], str(file), port))
        pen, resume, port = session.ready["serial_number"], session.ready["session"], steady
        if is_unattended or not is_lost(closed):
            return code
        with keys:
            if not come_back(port, session.ready["serial_number"], keys, _teller(as_json=as_json)):
                return code


def _teller(*, as_json: bool) -> Any:
    """Return what tells the person how it stands with a pen that was lost."""
    if as_json:
        return lambda news: echo_json({"type": "reconnect", "state": news.state, "text": news.text})
    return lambda news: click.echo(news.text)


def _conduct(session: Any, keys: Any, view: Any, *, is_unattended: bool) -> dict[str, Any] | None:
    from controller.treatment.conductor import Conductor  # noqa: PLC0415 as in `run`
    from controller.treatment.guide import Guide  # noqa: PLC0415 as in `run`

    guide = Guide(session.ready["areas"], is_unattended=is_unattended)
    return Conductor(session, guide, keys, view.show).run()


def _end(session: Any, closed: dict[str, Any] | None) -> int:
    """Wait for the control process; one that went silent is ended, its pen has stopped long ago."""
    code = session.wait(5.0)
    if code is None:
        session.process.kill()
        session.wait(5.0)
    if closed is None:
        return int(ExitCode.DEVICE)
    return int(closed["exit_code"])


def _report(home: Home, session_id: str) -> Path:
    """Write the HTML report of the session."""
    from controller.reports.writing import report_of  # noqa: PLC0415 as in `run`

    return report_of(home, session_id)


class JsonView:
    """Prints one JSON object a line: ready, every change, closed."""

    def __init__(self, ready: dict[str, Any]) -> None:
        public = {name: value for name, value in ready.items() if name != "token"}
        echo_json(public)
        self._last: tuple[Any, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, frame: dict[str, Any]) -> None:
        """Print a frame if state, pass or causes changed."""
        sight = (frame["state"], frame["passes"], frame["causes"], frame["refusals"])
        if sight != self._last:
            self._last = sight
            echo_json(frame)

    def end(
        self, closed: dict[str, Any] | None, code: int, home: Home, report: Path, place: Any
    ) -> None:
        """Print how it ended, what comes next, and where everything lies."""
        from controller.treatment.parting import next_steps, pen_now  # noqa: PLC0415 as in `run`

        ending = closed or {"type": "closed", "outcome": "unknown", "reason": SILENT}
        told = {"pen_now": pen_now(closed), "next": next_steps(closed, place)}
        paths = {"record": str(home.records_db), "report": str(report)}
        echo_json({**ending, "exit_code": code, **told, **paths})


SILENT = "the control process went silent; the pen has stopped by its own lease or watchdog"


def _view(ready: dict[str, Any]) -> Any:
    from controller.treatment.views import LineView, ScreenView  # noqa: PLC0415 loads rich

    return ScreenView(ready) if sys.stdout.isatty() else LineView(ready)
