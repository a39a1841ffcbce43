"""`penpilot records`: lists, shows and verifies the record; closes what was interrupted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from controller.commands.common import (
    echo_json,
    failing_clearly,
    json_option,
    log_to,
    this_home,
)
from controller.config import Home
from controller.errors import ConfigError, ExitCode, RecordError, RefusedError
from controller.records.describe import describe, one_line
from controller.records.kinds import SAMPLES, Kind, Status
from controller.records.sessions import Session, fold
from controller.running import find_running
from controller.words import NAME_LENGTH_MAX, NOTE_LENGTH_MAX, words_of


@click.group()
def records() -> None:
    """List, show and verify the record of all sessions."""


@contextmanager
def _store(home: Home) -> Iterator[Any]:
    """Open the record of this user.

    Raises:
        RecordError: If there is none yet, or it cannot be read.
    """
    from controller.records.store import RecordStore  # noqa: PLC0415 heavy, not for --help

    if not home.records_db.exists():
        raise RecordError(home.records_db, "there is no record yet; nothing was treated from here")
    with RecordStore(home.records_db, home.record_key) as store:
        yield store


@records.command(name="list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all sessions, oldest first."""
    with failing_clearly(as_json=as_json):
        home = this_home()
        if home.records_db.exists():
            with _store(home) as store:
                sessions = list(fold(store.entries(without=SAMPLES)).values())
        else:
            sessions = []
        alive = {running.session for running in find_running(home)}
    rows = [_row(session, is_alive=session.id in alive) for session in sessions]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("No session yet. Begin with: penpilot demo")
    for row, session in zip(rows, sessions, strict=True):
        note = {"running": "  RUNNING NOW", "interrupted": "  INTERRUPTED"}.get(row["status"], "")
        click.echo(f"{session.id}  {describe(session)}{note}")
        for waiting in row["waits_for_release"]:
            pen, fault = waiting["serial_number"], waiting["fault"]
            click.echo(one_line(f"  WAITS FOR RELEASE  pen {pen}: {fault}"))
    first = next((row["session"] for row in rows if row["waits_for_release"]), None)
    if first is not None:
        click.echo(
            "A pen that waits for release begins no session. When a technician has checked it: "
            f"penpilot records release {first} --by NAME --reason TEXT"
        )


def _row(session: Session, *, is_alive: bool) -> dict[str, Any]:
    """Return the shape of ``records list --json``; see docs/cli.md."""
    status = str(session.status)
    if session.status is Status.OPEN:
        status = "running" if is_alive else "interrupted"
    return {
        "session": session.id,
        "status": status,
        "reason": session.reason,
        "opened_at": session.opened_at,
        "last_at": session.last_at,
        "plan": session.plan_name,
        "simulated": session.simulated,
        "serial_number": session.pen.get("serial_number"),
        "waits_for_release": [
            {"serial_number": serial, "fault": fault} for serial, fault in session.grave
        ],
        "areas": [
            {
                "area": area.name,
                "planned": area.planned,
                "counted": area.counted,
                "passes": [
                    {
                        "number": one.number,
                        "outcome": str(one.outcome),
                        "strokes_in_contact": one.strokes_in_contact,
                        "strokes_total": one.strokes_total,
                        "depth_um": one.depth_um,
                        "depth_um_measured_max": one.depth_um_measured_max,
                        "reason": one.reason,
                    }
                    for one in area.passes
                ],
            }
            for area in session.areas
        ],
    }


@records.command()
@click.argument("session")
@json_option
def show(session: str, *, as_json: bool) -> None:
    """Show every entry of SESSION, and write its report anew."""
    with failing_clearly(as_json=as_json):
        home = this_home()
        found, entries = _find(home, session)
        from controller.reports.writing import report_of  # noqa: PLC0415 loads the templates

        log_to(home.create(), is_verbose=False)
        report = report_of(home, session)
        alive = {running.session for running in find_running(home)}
    row = _row(found, is_alive=session in alive)
    listed = [entry for entry in entries if entry.kind not in SAMPLES]
    if as_json:
        shown = [{"seq": e.seq, "at": e.at, "kind": e.kind, "body": e.body} for e in listed]
        echo_json({**row, "entries": shown, "report": str(report)})
        return
    click.echo(f"{session}  {describe(found)}")
    for entry in listed:
        words = "  ".join(f"{name}={value}" for name, value in entry.body.items())
        click.echo(one_line(f"{entry.seq:6d}  {entry.at}  {entry.kind:<14} {words}")[:400])
    click.echo(f"Samples {len(entries) - len(listed)}")
    click.echo(f"Report  {report}")


def _find(home: Home, session: str) -> tuple[Session, list[Any]]:
    """Return a session and its entries. Raises RecordError if there is no such session."""
    with _store(home) as store:
        entries = list(store.entries(session))
    found = fold(entries).get(session)
    if found is None:
        raise RecordError(session, "no such session; see: penpilot records list")
    return found, entries


def groups(head: str) -> str:
    """Return the first half of a head hash in groups of four, as reports print it."""
    return " ".join(head[i : i + 4] for i in range(0, 32, 4))


@records.command()
@json_option
def verify(*, as_json: bool) -> None:
    """Check that nothing in the record was edited, deleted, inserted, swapped or cut off.

    Exit code 0 if the chain is whole, 2 if it is not.
    """
    with failing_clearly(as_json=as_json), _store(this_home()) as store:
        verdict = store.verify()
    code = ExitCode.DONE if verdict.ok else ExitCode.INPUT
    if as_json:
        document = {"ok": verdict.ok, "count": verdict.count, "head": verdict.head}
        damage = None if verdict.damage is None else str(verdict.damage)
        found = {"bad_seq": verdict.bad_seq, "damage": damage, "detail": verdict.detail}
        echo_json({**document, **found, "exit_code": int(code)})
    else:
        click.echo(f"{verdict.detail} Head {groups(verdict.head)}")
    sys.exit(int(code))


@records.command()
@click.argument("session")
@click.option("--by", required=True, metavar="NAME", help="Technician who has checked the pen.")
@click.option("--reason", required=True, metavar="TEXT", help="What was found and done.")
@json_option
def release(session: str, by: str, reason: str, *, as_json: bool) -> None:
    """Release the pen of SESSION after a technician has looked into its fault."""
    with failing_clearly(as_json=as_json):
        home = this_home()
        name = words_of("--by", by, NAME_LENGTH_MAX, ConfigError).strip()
        found_text = words_of("--reason", reason, NOTE_LENGTH_MAX, ConfigError).strip()
        found, _ = _find(home, session)
        if not found.grave:
            raise RefusedError(f"session {session} holds no fault that waits for a technician")
        body = {
            "by": name,
            "reason": found_text,
            "faults": "; ".join(fault for _, fault in found.grave)[:500],
        }
        with _store(home) as store:
            store.append(session, str(Kind.RELEASED), body, datetime.now(UTC))
    if as_json:
        echo_json({"session": session, "released": True, "by": name, "reason": found_text})
    else:
        click.echo(f"The pen of session {session} is released by {name}: {found_text}")


@records.command()
@click.argument("session")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is not resumed.")
@json_option
def close(session: str, reason: str, *, as_json: bool) -> None:
    """Set an interrupted SESSION aside; its passes stay counted."""
    with failing_clearly(as_json=as_json):
        home = this_home()
        said = words_of("--reason", reason, NOTE_LENGTH_MAX, ConfigError).strip()
        if session in {running.session for running in find_running(home)}:
            raise RefusedError(f"session {session} runs at this moment; stop it first")
        found, _ = _find(home, session)
        if found.status not in (Status.OPEN, Status.INTERRUPTED):
            raise RefusedError(f"session {session} is {found.status} already")
        body = {"outcome": str(Status.STOPPED), "reason": said}
        with _store(home) as store:
            store.append(session, str(Kind.SESSION_CLOSED), body, datetime.now(UTC))
    if as_json:
        echo_json({"session": session, "closed": True, "reason": body["reason"]})
    else:
        click.echo(f"Session {session} is closed: {body['reason']}")
