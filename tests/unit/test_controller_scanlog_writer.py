"""Writing the scan log: the scan never waits for it, and its end says why."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from controller.config import Home
from controller.scanlog import writer
from controller.scanlog.files import FILES_MAX, folder_of, new_file
from controller.scanlog.lines import Begin, End, Scan
from controller.scanlog.reader import read_log
from controller.scanlog.writer import CLOSED, ScanLog
from controller.scanloop import ScanLoop
from hil.world import World
from safety.errors import InvariantBroken
from safety.facts import Facts
from safety.memory import Decision, Memory, Order
from safety.states import OrderKind
from simulator.pen import Pen
from tests.unit.scan_logs import PLAN

MEMORY = Memory()
FACTS = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)
DECISION = Decision(MEMORY, Order(OrderKind.POLL), (), ())
WAIT_S = 20.0


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the thread look for scans without a pause."""
    monkeypatch.setattr(writer, "FLUSH_S", 0.001)


def scans(log: ScanLog, count: int, first: int = 0) -> None:
    """Leave some scans."""
    for now_ms in range(first, first + count):
        log.on_scan(MEMORY, FACTS, (), now_ms, DECISION)


def wait_for(is_there: Callable[[], bool]) -> None:
    """Let the thread work until it is there."""
    until_s = time.monotonic() + WAIT_S
    while not is_there():
        assert time.monotonic() < until_s
        threading.Event().wait(0.001)


def opened(file: Any) -> Callable[[], BinaryIO]:
    """Return an opener of a file that is open already."""
    return lambda: file


class HangingDisk(io.BytesIO):
    """A disk that takes nothing until it is let go, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = threading.Event()
        self.goes_on = threading.Event()
        self.kept = b""

    def write(self, data: Any) -> int:
        """Wait first."""
        self.hangs.set()
        assert self.goes_on.wait(WAIT_S)
        return super().write(data)

    def close(self) -> None:
        """Keep what was written."""
        self.kept = self.getvalue()
        super().close()


@pytest.fixture
def disk() -> Iterator[HangingDisk]:
    """A disk that hangs, let go in the end."""
    disk = HangingDisk()
    yield disk
    disk.goes_on.set()


def test_closed_log_holds_every_scan_and_says_so(tmp_path: Path) -> None:
    """First the memory, then scan by scan, then that it was closed."""
    log = ScanLog("S1", lambda: new_file(tmp_path, "S1"), pytest.fail)
    scans(log, 100)

    assert log.close(WAIT_S)
    read = [one.body for one in read_log(tmp_path / "S1.scanlog.gz")]
    begin, *middle, end = read
    assert isinstance(begin, Begin)
    assert ("S1", MEMORY) == (begin.session, begin.memory)
    assert list(range(100)) == [one.now_ms for one in middle if isinstance(one, Scan)]
    assert End(CLOSED, 0) == end


def test_log_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    """What was handed over is in the file soon after, as a killed process would leave it."""
    log = ScanLog("S1", lambda: new_file(tmp_path, "S1"), pytest.fail)
    path = tmp_path / "S1.scanlog.gz"
    for count in (10, 20):
        scans(log, 10, count - 10)
        wait_for(lambda: path.exists() and path.stat().st_size > 0)
        wait_for(lambda due=count: len(list(read_log(path))) == 1 + due)  # type: ignore[misc]

    assert log.close(WAIT_S)


@pytest.mark.req("SR-005")
def test_disk_that_hangs_delays_no_scan_and_ends_the_log(disk: HangingDisk) -> None:
    """Scans beyond the bound are counted, told once, and the log ends with a mark, not a gap."""
    told: list[str] = []
    log = ScanLog("S1", lambda: disk, told.append, waiting_max=10)
    scans(log, 1)
    assert disk.hangs.wait(WAIT_S)
    scans(log, 50, 1)

    reason = "the disk did not take 10 scans in time"
    assert ([reason], 41) == (told, log.lost)
    disk.goes_on.set()
    assert not log.close(WAIT_S)
    assert [reason] == told


def test_log_that_could_not_wait_reads_up_to_its_mark(tmp_path: Path, disk: HangingDisk) -> None:
    """Everything before the loss is there; nothing after it, though the disk went on."""
    log = ScanLog("S1", lambda: disk, lambda _reason: None, waiting_max=10)
    scans(log, 1)
    assert disk.hangs.wait(WAIT_S)
    scans(log, 50, 1)
    disk.goes_on.set()
    log.close(WAIT_S)
    (tmp_path / "a.gz").write_bytes(disk.kept)
    read = [one.body for one in read_log(tmp_path / "a.gz")]

    assert list(range(10)) == [one.now_ms for one in read if isinstance(one, Scan)]
    assert End("the disk did not take 10 scans in time", 41) == read[-1]


def test_close_waits_no_longer_than_it_may(disk: HangingDisk) -> None:
    """A session ends although its disk does not take the last scans."""
    told: list[str] = []
    log = ScanLog("S1", lambda: disk, told.append)
    scans(log, 5)

    assert not log.close(0.01)
    assert ["the disk did not take the rest within 0.01 s"] == told


class FullDisk(io.RawIOBase):
    """A disk that takes a number of bytes and no more."""

    def __init__(self, room: int) -> None:
        self.room = room

    def writable(self) -> bool:
        """It is meant to be written."""
        return True

    def write(self, data: Any) -> int:
        """Take what there is room for."""
        taken = min(self.room, len(data))
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 100, 1_000])
def test_disk_that_is_full_ends_the_log_and_not_the_session(room: int) -> None:
    """Every further scan is counted, and the reason is told once."""
    told: list[str] = []
    disk = io.BufferedWriter(FullDisk(room), 64)
    log = ScanLog("S1", opened(disk), told.append)
    scans(log, 20)
    wait_for(lambda: bool(log.reason))
    lost = log.lost
    scans(log, 20, 20)

    assert lost + 20 == log.lost
    assert not log.close(WAIT_S)
    assert ["[Errno 28] No space left on device"] == told


def test_folder_that_cannot_be_made_ends_the_log_and_not_the_session(tmp_path: Path) -> None:
    """A file in its place is as good as a disk that fails."""
    (tmp_path / "scans").touch()
    told: list[str] = []
    log = ScanLog("S1", lambda: new_file(tmp_path / "scans", "S1"), told.append)
    scans(log, 3)

    assert not log.close(WAIT_S)
    assert 3 == log.lost
    assert "scans" in told[0]


def test_session_without_a_scan_leaves_no_file(tmp_path: Path) -> None:
    """There is nothing to replay."""
    log = ScanLog("S1", lambda: new_file(tmp_path, "S1"), pytest.fail)

    assert log.close(WAIT_S)
    assert [] == list(tmp_path.iterdir())


def test_scan_after_the_end_is_counted_and_told(tmp_path: Path) -> None:
    """Nobody believes a closed log to go on."""
    told: list[str] = []
    log = ScanLog("S1", lambda: new_file(tmp_path, "S1"), told.append)
    scans(log, 1)
    log.close(WAIT_S)
    scans(log, 2)

    assert ([CLOSED], 2) == (told, log.lost)


def test_logs_are_their_owners_alone(tmp_path: Path) -> None:
    """Folder and file give nothing to anybody else."""
    folder = folder_of(Home(tmp_path))
    new_file(folder, "S1").close()
    modes = [stat.S_IMODE(place.stat().st_mode) for place in (folder, *folder.iterdir())]

    assert [0o700, 0o600] == modes


def test_resumed_session_gets_a_further_file(tmp_path: Path) -> None:
    """No log is ever written over."""
    for text in (b"one", b"two", b"three"):
        with new_file(tmp_path, "S1") as file:
            file.write(text)
    names = ("S1.scanlog.gz", "S1.2.scanlog.gz", "S1.3.scanlog.gz")

    assert [b"one", b"two", b"three"] == [(tmp_path / name).read_bytes() for name in names]


def test_newest_logs_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    """The oldest go when a new one comes; other files in the folder are not ours."""
    (tmp_path / "notes.gz").touch()
    for number in range(FILES_MAX + 5):
        path = tmp_path / f"S{number}.scanlog.gz"
        path.touch()
        os.utime(path, (number, number))
    new_file(tmp_path, "new").close()
    names = {path.name.split(".")[0] for path in tmp_path.iterdir()}

    assert {"notes", "new"} | {f"S{n}" for n in range(6, FILES_MAX + 5)} == names


@pytest.mark.req("SR-018")
def test_scan_over_which_the_core_broke_down_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it knew is kept when it is needed most, and the error goes on its way."""
    world = World(PLAN, Pen(seed=3))
    seen: list[tuple[Any, ...]] = []
    world.loop._on_scan = lambda *scan: seen.append(scan)

    def broken(*_arguments: object) -> Decision:
        raise InvariantBroken("on purpose")

    world.scan(3)
    monkeypatch.setattr(world.loop._core, "step", broken)
    with pytest.raises(InvariantBroken):
        world.scan()
    world.close()

    assert 4 == len(seen)
    assert all(before is last[4].memory for last, (before, *_) in pairwise(seen))
    assert None is seen[-1][4]


@pytest.mark.req("SR-008")
def test_scan_is_logged_before_anything_comes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash over the wire or the record finds the decision already handed over."""
    world = World(PLAN, Pen(seed=3))
    seen: list[str] = []
    world.loop._on_scan = lambda *_scan: seen.append("log")
    really = ScanLoop._exchange

    def exchange(loop: ScanLoop, decision: Decision) -> bool:
        seen.append("exchange")
        return really(loop, decision)

    monkeypatch.setattr(ScanLoop, "_exchange", exchange)
    world.scan(2)
    world.close()

    assert ["log", "exchange"] * 2 == seen


def test_scan_that_cannot_be_encoded_ends_the_log_and_not_the_session() -> None:
    """A text that no file can hold, as the name of a folder may be, is told like a failing disk."""
    told: list[str] = []
    log = ScanLog("S1", opened(io.BytesIO()), told.append)
    facts = Facts(True, None, None, None, record_failure="\udcff")
    log.on_scan(MEMORY, facts, (), 0, DECISION)

    assert not log.close(WAIT_S)
    assert 1 == len(told)
    assert "surrogates" in told[0]
