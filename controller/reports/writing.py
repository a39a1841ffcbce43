"""Fetches a session from the record, has its report rendered, and puts it into its folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from controller.config import Home
from controller.errors import RecordError
from controller.logs import get_logger
from controller.records.sessions import fold
from controller.records.store import RecordStore
from controller.reports.session import render, write_report


def report_of(home: Home, session_id: str) -> Path:
    """Write the HTML report of a session and return its path.

    Raises:
        RecordError: If the record cannot be read or holds no such session.
    """
    with RecordStore(home.records_db, home.record_key) as store:
        entries = tuple(store.entries(session_id))
        found = fold(entries).get(session_id)
        if found is None:
            raise RecordError(session_id, "no such session; see: penpilot records list")
        text = render(found, entries, store.verify(), datetime.now(UTC))
    path = write_report(home.reports, session_id, text)
    get_logger().info("report.written", session=session_id)
    return path
