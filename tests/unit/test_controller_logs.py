"""The log: JSON lines in one file, known events only, and never a reason to end a session."""

from __future__ import annotations

import ast
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from controller.logs import EVENTS, LOG_NAME, configure, finish, get_logger

ROOT = Path(__file__).parents[2]
PACKAGES = ("controller", "drivers", "hil", "safety", "simulator")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "msg", "log"}


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Give the next test structlog as it was, and the file back."""
    yield
    finish()
    structlog.reset_defaults()


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return what the log file holds."""
    return [json.loads(line) for line in (folder / LOG_NAME).read_text().splitlines()]


def test_event_is_one_json_line_with_level_and_time(tmp_path: Path) -> None:
    """Names and values stand in the line as they were given, in UTC."""
    configure(tmp_path / "logs")
    get_logger().warning("session.begun", session="s-1", serial_number=42, reason="two\nlines")

    (line,) = lines_of(tmp_path / "logs")
    assert line.pop("timestamp").endswith("Z")
    wanted = {"event": "session.begun", "level": "warning", "session": "s-1", "serial_number": 42}
    assert wanted | {"reason": "two\nlines"} == line


def test_log_file_is_its_owners_alone_and_is_added_to(tmp_path: Path) -> None:
    """A second program adds its lines behind those of the first."""
    for number in range(2):
        configure(tmp_path / "logs")
        get_logger().info("session.ended", scans=number)
        structlog.get_config()["logger_factory"]._file.close()

    assert [0, 1] == [line["scans"] for line in lines_of(tmp_path / "logs")]
    assert 0o600 == (tmp_path / "logs" / LOG_NAME).stat().st_mode & 0o777
    assert 0o700 == (tmp_path / "logs").stat().st_mode & 0o777


def test_event_that_nobody_listed_is_marked_not_lost(tmp_path: Path) -> None:
    """A name outside the list is still written, and shows that it is not on it."""
    configure(tmp_path)
    get_logger().info("something.new")

    (line,) = lines_of(tmp_path)
    assert ("something.new", True) == (line["event"], line["unlisted"])


def test_error_is_logged_with_its_traceback(tmp_path: Path) -> None:
    """What ended a session can be read later."""
    configure(tmp_path)
    try:
        int("why")
    except ValueError:
        get_logger().error("session.crashed", exc_info=True)

    (line,) = lines_of(tmp_path)
    assert "literal for int() with base 10: 'why'" in line["exception"]


def test_nothing_is_written_where_no_folder_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a folder all events are dropped, and nothing appears in the terminal."""
    configure(None)
    get_logger().info("session.begun")

    assert ("", "") == capsys.readouterr()
    assert [] == list(tmp_path.iterdir())


@pytest.mark.req("SR-014")
def test_full_disk_loses_a_line_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that cannot be written raises nothing into the scan that tells of itself."""
    really_open = os.open
    monkeypatch.setattr("controller.logs.os.open", lambda *_: really_open("/dev/full", os.O_WRONLY))
    configure(tmp_path)
    for _ in range(3):
        get_logger().info("machine.moved", before="ARMED", after="RUNNING")


def events_in(source: str) -> set[str]:
    """Return the names of the events that a source logs; ``?`` where a name is not written out."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        is_logged = "log" in ast.unparse(node.func.value).lower() and node.func.attr in LEVELS
        if is_logged and node.args:
            first = node.args[0]
            found.add(str(first.value) if isinstance(first, ast.Constant) else "?")
    return found


@pytest.mark.req("SR-023", "R09")
def test_events_in_the_code_are_exactly_those_of_the_list() -> None:
    """No event is logged that the list does not know, and none is listed that nobody logs."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = {name for path in paths for name in events_in(path.read_text(encoding="utf-8"))}

    assert set(EVENTS) == found


def test_event_is_found_wherever_it_is_logged() -> None:
    """The search above sees a call on a fresh logger, on a kept one, and a name that is made up."""
    source = 'get_logger().info("a")\nself._log.error("b", x=1)\nlogger.info(f"{c}")\nlist.pop("d")'

    assert {"a", "b", "?"} == events_in(source)


def test_terminal_gets_a_readable_form_and_the_file_the_same_events(tmp_path: Path) -> None:
    """With a terminal every event goes both ways, in JSON only to the file."""
    terminal = io.StringIO()
    configure(tmp_path, terminal)
    get_logger().info("guide.wanted", want="arm", state="PLANNED")

    (line,) = lines_of(tmp_path)
    assert ("guide.wanted", "arm") == (line["event"], line["want"])
    assert "guide.wanted" in terminal.getvalue()
    assert "{" not in terminal.getvalue()


@pytest.mark.req("SR-021", "HZ-62")
def test_whoever_logs_in_the_background_never_waits_for_the_file(tmp_path: Path) -> None:
    """A file that takes nothing, as on a disk that hangs, holds nobody up."""
    os.mkfifo(tmp_path / LOG_NAME)
    reader = os.open(tmp_path / LOG_NAME, os.O_RDONLY | os.O_NONBLOCK)
    configure(tmp_path, in_background=True)
    for number in range(5_000):
        get_logger().info("session.ended", scans=number, reason="x" * 100)

    assert os.read(reader, 4_096)
    os.close(reader)


def test_lines_that_wait_are_written_at_the_end(tmp_path: Path) -> None:
    """Nothing is lost by ending in order."""
    configure(tmp_path, in_background=True)
    for number in range(100):
        get_logger().info("session.ended", scans=number)
    finish()

    assert list(range(100)) == [line["scans"] for line in lines_of(tmp_path)]
