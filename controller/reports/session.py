"""The report of one session: one HTML page that needs nothing else, for screen and paper.

It shows what the record says and how far the record can be believed. It reads no record itself, and
the page makes no request: no script, font or picture comes from anywhere.
"""

from __future__ import annotations

import os
import re
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from controller.errors import RecordError
from controller.records.bodies import text, whole
from controller.records.entries import utc_text
from controller.records.keyfile import PRIVATE_MODE
from controller.records.kinds import Kind, Status
from controller.reports import wording
from controller.reports.areas import area_view, limit_um
from controller.reports.charts import Sample, depth_chart
from controller.reports.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from jinja2 import Template

    from controller.records.entries import Entry
    from controller.records.sessions import Session
    from controller.records.verify import Verdict

_STATUS_WORDS = {
    Status.OPEN: "Not closed: it still runs, or it was interrupted",
    Status.COMPLETED: "Completed",
    Status.STOPPED: "Stopped",
    Status.FAULTED: "Ended by a fault",
    Status.INTERRUPTED: "Interrupted",
}


def render(
    session: Session, entries: Sequence[Entry], verdict: Verdict, generated_at: datetime
) -> str:
    """Return the page of a session. The same arguments give the same page.

    Args:
        session: As `controller.records.sessions.fold` gives it.
        entries: Its entries by ascending number, samples included.
        verdict: Of the whole record, at the time of the report.
        generated_at: Time of the report, with a time zone.

    Raises:
        RecordError: If that time has no time zone.
    """
    samples = list(_samples(session, entries))
    return _template().render(
        session=session,
        status=_STATUS_WORDS[session.status],
        date=session.opened_at[:10],
        areas=[area_view(area, samples) for area in session.areas],
        chart=depth_chart(samples),
        samples_unknown=sum(each.measured is None for each in samples),
        events=timeline(entries, session.opened_at),
        pen=pen_facts(session.pen),
        software=text(session.opened, "software", wording.NOT_KNOWN),
        entries=len(entries),
        verdict=verdict,
        head=wording.in_fours(verdict.head),
        generated_at=utc_text(generated_at)[:19].replace("T", " "),
    )


def write_report(folder: Path, session_id: str, page: str) -> Path:
    """Write the page of a session into a folder, whole or not at all, and return its path.

    Args:
        folder: Where reports lie; it must exist. An older report of the session is replaced.
        session_id: Gives the file its name.
        page: As `render` gives it.

    Raises:
        RecordError: If it cannot be written.
    """
    name = re.sub(r"[^0-9A-Za-z-]", "_", session_id)
    path = folder / f"{name}.html"
    own = folder / f".{name}.{secrets.token_hex(8)}"
    try:
        try:
            descriptor = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(page.encode())
                file.flush()
                os.fsync(file.fileno())
            own.replace(path)
        finally:
            own.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(path, f"cannot be written ({error.strerror})") from error
    return path


def pen_facts(pen: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is on record of a pen, as pairs of name and value."""
    names = {
        "serial_number": "Serial number",
        "model": "Model",
        "firmware": "Firmware",
        "epoch": "Boot number",
        "limits_hash": "Hash of its limits",
        "cartridge_uid": "Cartridge",
        "needles": "Needles",
    }
    hexadecimal = {"limits_hash": 4, "cartridge_uid": 8}
    facts = []
    for field, name in names.items():
        value = pen.get(field, wording.NOT_KNOWN)
        if field in hexadecimal and isinstance(value, int):
            value = f"{value:0{hexadecimal[field]}X}"
        facts.append((name, str(value)))
    return facts


def _samples(session: Session, entries: Iterable[Entry]) -> Iterable[Sample]:
    """Return the samples of a session; one without time or area is none."""
    limits = {area.name: limit_um(area) for area in session.areas}
    for entry in entries:
        t_ms, area = whole(entry.body, "t_ms"), text(entry.body, "area")
        if entry.kind == Kind.SCAN and t_ms is not None and area:
            depth_um = whole(entry.body, "depth_um")
            yield Sample(
                t_ms=t_ms,
                area=area,
                contact=bool(entry.body.get("contact")),
                limit=limits.get(area),
                set=whole(entry.body, "depth_um_set"),
                measured=None if depth_um == wording.DEPTH_UNKNOWN_UM else depth_um,
            )


@cache
def _template() -> Template:
    """Return the page; every value that goes into it is escaped."""
    environment = Environment(
        loader=PackageLoader("controller.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("session.html")
