"""Finding the control processes of this machine, among files of dead and damaged ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from controller.config import Home
from controller.running import (
    Running,
    announce,
    find_on_port,
    find_running,
    is_alive,
    resolve_port,
)

OURS = Running("20261122-1", os.getpid(), "/dev/pts/77", "/dev/pts/77", "127.0.0.1", 40_000)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder with all that belongs in it."""
    return Home(tmp_path / "home").create()


@pytest.fixture
def zombie() -> Iterator[int]:
    """The number of a process that has ended and has not been buried."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


def dead_pid() -> int:
    """Return the number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_process_is_found_by_what_it_announced(home: Home) -> None:
    """A file in the run folder, for its owner's eyes only, is all that it takes."""
    path = announce(home, OURS)

    assert (OURS,) == find_running(home)
    assert OURS.address == ("127.0.0.1", 40_000)
    assert 0o600 == path.stat().st_mode & 0o777
    assert [path] == list(home.run.iterdir())


def test_nobody_is_found_where_there_is_no_folder_yet(tmp_path: Path) -> None:
    """A machine on which nothing ever ran has no running sessions."""
    assert () == find_running(Home(tmp_path / "none"))


def test_announcement_of_a_dead_process_is_removed(home: Home, zombie: int) -> None:
    """A process that was killed leaves a file, which is cleared away by whoever looks next."""
    announce(home, OURS)
    announce(home, replace(OURS, session="dead", pid=dead_pid()))
    announce(home, replace(OURS, session="zombie", pid=zombie))

    assert (OURS,) == find_running(home)
    assert [f"{OURS.session}.json"] == [path.name for path in home.run.iterdir()]


def test_process_of_another_user_counts_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not be signalled is there."""

    def refuse(_pid: int, _number: int) -> None:
        raise PermissionError

    monkeypatch.setattr("controller.running.os.kill", refuse)

    assert is_alive(1)


def test_process_counts_as_alive_where_nothing_tells_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without /proc, as on macOS, a process that takes signals is alive."""

    def refuse(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)

    assert is_alive(os.getpid())


@pytest.mark.req("SR-013")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "[" * 100_000,
        '{"session": "x"}',
        json.dumps(asdict(OURS) | {"more": 1}),
        json.dumps(asdict(OURS) | {"pid": str(os.getpid())}),
        json.dumps(asdict(OURS) | {"pid": None}),
        json.dumps(asdict(OURS) | {"pid": True}),
        json.dumps(asdict(OURS) | {"pid": 0}),
        json.dumps(asdict(OURS) | {"pid": -1}),
        json.dumps(asdict(OURS) | {"pid": 2**70}),
        json.dumps(asdict(OURS) | {"tcp_port": 70_000}),
        json.dumps(asdict(OURS) | {"tcp_port": "40000"}),
        json.dumps(asdict(OURS) | {"port": 7}),
        json.dumps(asdict(OURS) | {"host": None}),
    ],
    ids=range(17),
)
def test_damaged_announcement_is_skipped(home: Home, text: str) -> None:
    """A file that says nothing usable keeps nobody from finding the others."""
    (home.run / "00.json").write_text(text)
    (home.run / "01.json").write_bytes(b"\xff\xfe")
    (home.run / "02.json").mkdir()
    announce(home, OURS)

    assert (OURS,) == find_running(home)
    assert OURS == find_on_port(home, OURS.port)


def test_announcement_half_written_is_not_seen(home: Home) -> None:
    """A file appears under its name only when it is whole; what a crash left is not read."""
    (home.run / "20261122-2.tmp").write_text(json.dumps(asdict(OURS)))

    assert () == find_running(home)


@pytest.mark.req("HZ-53")
def test_port_is_one_port_under_all_of_its_names(home: Home, tmp_path: Path) -> None:
    """A link, a link to the link, a way round and the real path find the same session."""
    real, link, again = tmp_path / "ttyREAL", tmp_path / "pen", tmp_path / "other"
    real.touch()
    link.symlink_to(real)
    again.symlink_to(link)
    ours = replace(OURS, port=str(link), resolved=resolve_port(str(link)))
    announce(home, ours)

    assert str(real) == ours.resolved
    for name in (real, link, again, tmp_path / "x" / ".." / "pen"):
        assert ours == find_on_port(home, str(name)), name
    assert find_on_port(home, str(tmp_path / "ttyOTHER")) is None


def test_port_is_found_by_its_given_name_after_the_device_has_gone(
    home: Home, tmp_path: Path
) -> None:
    """When the link was renumbered meanwhile, the name that the operator gave still counts."""
    link = tmp_path / "pen"
    link.symlink_to(tmp_path / "ttyA")
    ours = replace(OURS, port=str(link), resolved=resolve_port(str(link)))
    announce(home, ours)
    link.unlink()
    link.symlink_to(tmp_path / "ttyB")

    assert ours == find_on_port(home, str(link))


def test_url_is_a_name_of_its_own() -> None:
    """A URL is no path and is not taken for one."""
    assert "socket://localhost:5000" == resolve_port("socket://localhost:5000")
