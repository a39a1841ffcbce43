"""The flight recorder: a trip leaves the last minute and what follows, and no scan waits for it."""

from __future__ import annotations

import io
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from controller.errors import ConfigError
from controller.tracing import recorder as recorder_module
from controller.tracing.files import FILES_MAX, name_of, new_dump, new_trace, next_number, parts
from controller.tracing.recorder import FOLLOW_US, TRIPS_MAX, WAITING_MAX, Recorder
from controller.tracing.sheet import Sheet
from controller.tracing.trips import TripWatch
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Damage, Event, Header
from drivers.trace.reader import read_trace
from safety.facts import Facts
from safety.memory import Decision, Memory
from safety.states import State
from tests.unit.traces import HEADER, TracedWorld, treatment

WAIT_S = 20.0
FACTS = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)
LOST = Facts(link_is_up=False, identity=None, telemetry=None, exchanged=None)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the thread look for events without a pause."""
    monkeypatch.setattr(recorder_module, "LOOK_S", 0.001)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """A recorder that writes its dumps into the test's folder, and must lose nothing."""
    made = Recorder(HEADER, lambda name: new_dump(tmp_path, name), pytest.fail)
    made.name("S1", 42, 1, 0)
    return made


def dump(folder: Path, number: int = 1) -> tuple[Header, list[Event]]:
    """Read a dump, which must be whole."""
    with (folder / name_of("S1", number)).open("rb") as file:
        header, items = read_trace(file, "dump")
        found = list(items)
    assert not [one for one in found if isinstance(one, Damage)]
    return header, [one for one in found if isinstance(one, Event)]


def wait_for(is_there: Callable[[], bool]) -> None:
    """Let the thread work until it is there."""
    until_s = time.monotonic() + WAIT_S
    while not is_there():
        assert time.monotonic() < until_s
        threading.Event().wait(0.001)


def test_trip_leaves_what_was_before_it_and_what_follows(
    tmp_path: Path, recorder: Recorder
) -> None:
    """The dump begins with the oldest that is kept, holds the trip, and ends after two seconds."""
    for at_us in range(0, 10 * FOLLOW_US, FOLLOW_US // 10):
        recorder.take(at_us, TO_PEN, at_us.to_bytes(8, "big"))
        if at_us == 5 * FOLLOW_US:
            recorder.trip("FAULT: stall", at_us)

    assert recorder.close(WAIT_S)
    header, events = dump(tmp_path)
    assert ("S1", 42) == (header.session, header.serial_number)
    assert [b"session S1 pen 42", b"trip FAULT: stall", b"end"] == [
        event.data for event in events if event.direction == NOTE
    ]
    times = [event.at_us for event in events if event.direction == TO_PEN]
    assert list(range(0, 6 * FOLLOW_US + 1, FOLLOW_US // 10)) == times
    assert [name_of("S1", 1)] == recorder.dumps


def test_dump_is_on_disk_before_the_session_ends(tmp_path: Path, recorder: Recorder) -> None:
    """A host that is killed after the trip has lost nothing that led to it."""
    recorder.take(5, TO_PEN, b"x")
    recorder.trip("FAULT: stall", 6)
    path = tmp_path / name_of("S1", 1)
    wait_for(lambda: path.exists() and b"trip FAULT: stall\n" in path.read_bytes())

    assert [b"x"] == [e.data for e in dump(tmp_path)[1] if e.direction == TO_PEN]
    assert recorder.close(WAIT_S)


def test_trip_that_follows_at_once_stands_in_the_same_dump(
    tmp_path: Path, recorder: Recorder
) -> None:
    """A lost link after a fault is one story; a later trip is another."""
    recorder.trip("FAULT: stall", 10)
    recorder.trip("the link was lost", 20)
    recorder.trip("ESTOP: x", 20 + 2 * FOLLOW_US)

    assert recorder.close(WAIT_S)
    assert [name_of("S1", 1), name_of("S1", 2)] == recorder.dumps
    assert b"trip the link was lost" in [event.data for event in dump(tmp_path)[1]]
    assert b"trip ESTOP: x" in [event.data for event in dump(tmp_path, 2)[1]]


def test_session_that_trips_all_the_time_fills_no_disk(tmp_path: Path, recorder: Recorder) -> None:
    """Further trips are noted and written nowhere."""
    for number in range(50):
        recorder.trip("FAULT: x", 3 * FOLLOW_US * (number + 1))

    assert recorder.close(WAIT_S)
    assert TRIPS_MAX == len(recorder.dumps) == len(list(tmp_path.iterdir()))


class HangingDisk(io.BytesIO):
    """A disk that takes nothing until it is let go."""

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
        self.kept = self.kept or self.getvalue()
        super().close()


@pytest.fixture
def disk() -> Iterator[HangingDisk]:
    """A disk that hangs, let go in the end."""
    disk = HangingDisk()
    yield disk
    disk.goes_on.set()


@pytest.mark.req("SR-005")
def test_disk_that_hangs_delays_nobody_and_the_gap_is_told(disk: HangingDisk) -> None:
    """Bytes are taken at once whatever the disk does; those without room are counted in place."""
    losses: list[str] = []
    recorder = Recorder(HEADER, lambda _name: disk, losses.append)
    recorder.take(1, TO_PEN, b"a")
    recorder.trip("FAULT: x", 2)
    assert disk.hangs.wait(WAIT_S)
    began_s = time.monotonic()
    for _ in range(WAITING_MAX + 100):
        recorder.take(3, TO_HOST, b"b")
    took_s = time.monotonic() - began_s
    recorder.trip("ESTOP: y", 4)

    assert took_s < 5
    assert not recorder.close(0.01)
    disk.goes_on.set()
    recorder._thread.join(WAIT_S)
    _, items = read_trace(io.BytesIO(disk.kept), "x")
    notes = [one.data for one in items if isinstance(one, Event) and one.direction == NOTE]
    assert [b"trip FAULT: x", b"lost 101", b"end"] == notes
    assert any("101 events" in loss for loss in losses)


def test_disk_that_is_full_is_told_and_the_next_trip_tries_again(tmp_path: Path) -> None:
    """One dump is missing and named nowhere, the next one is there."""
    losses: list[str] = []
    tries: list[str] = []

    def opened(name: str) -> BinaryIO:
        tries.append(name)
        if len(tries) == 1:
            raise OSError(28, "No space left on device")
        return new_dump(tmp_path, name)

    recorder = Recorder(HEADER, opened, losses.append)
    recorder.name("S1", 42, 1, 0)
    recorder.trip("FAULT: x", 10)
    recorder.trip("ESTOP: y", 10 + 3 * FOLLOW_US)

    assert not recorder.close(WAIT_S)
    assert [name_of("S1", 2)] == recorder.dumps
    assert 1 == len(losses)
    assert "No space left" in losses[0]


def test_whole_trace_holds_every_event_and_its_end(tmp_path: Path) -> None:
    """What `--trace` writes is what went over the line, in order."""
    path = tmp_path / "x.trace"
    recorder = Recorder(HEADER, lambda _name: pytest.fail("no trip"), pytest.fail, new_trace(path))
    sent = [Event(n, TO_PEN if n % 2 else TO_HOST, n.to_bytes(4, "big")) for n in range(5_000)]
    for event in sent:
        recorder.take(*event)

    assert recorder.close(WAIT_S)
    with path.open("rb") as file:
        _, items = read_trace(file, path)
        assert [*sent, Event(4_999, NOTE, b"end")] == list(items)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_sheet_ends_at_its_size_and_says_so() -> None:
    """A file that must not grow further is whole up to a note of what is missing."""
    disk = HangingDisk()
    disk.goes_on.set()
    sheet = Sheet(disk, HEADER, 1_000)
    sheet.add(Event(n, TO_PEN, b"x" * 20) for n in range(1_000))
    _, items = read_trace(io.BytesIO(disk.kept), "x")
    found = list(items)

    assert "it reached its 1000 bytes" == sheet.failure
    assert len(disk.kept) < 1_200
    assert isinstance(found[-1], Event)
    assert b"lost all that follows: the file has 1000 bytes" == found[-1].data


def test_sheet_without_an_event_ends_when_it_began() -> None:
    """A port that could not be opened leaves a trace whose time goes not back."""
    disk = HangingDisk()
    disk.goes_on.set()
    Sheet(disk, replace(HEADER, start_us=7_000), 1_000).close()
    _, items = read_trace(io.BytesIO(disk.kept), "x")

    assert [Event(7_000, NOTE, b"end")] == list(items)


def test_sheet_on_a_disk_that_fails_says_why_and_takes_no_more() -> None:
    """Nothing is raised into the thread."""

    class Failing(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(5, f"Input/output error at {len(data)} bytes")

    sheet = Sheet(Failing(), HEADER, 1_000_000)
    sheet.add(Event(n, TO_PEN, b"x") for n in range(1_000))
    sheet.close()

    assert "Input/output error" in sheet.failure


def test_short_writes_of_the_system_lose_nothing() -> None:
    """A write that takes a part is gone on with."""

    class Short(HangingDisk):
        def write(self, data: Any) -> int:
            return super().write(bytes(data)[:7])

    disk = Short()
    disk.goes_on.set()
    sheet = Sheet(disk, HEADER, 1_000_000)
    sheet.add(Event(n, TO_PEN, b"abc") for n in range(200))
    sheet.close()
    _, items = read_trace(io.BytesIO(disk.kept), "x")

    assert 201 == len(list(items))


def test_folder_keeps_the_newest_dumps_alone(tmp_path: Path) -> None:
    """Old ones go, what others put there stays, and nothing is readable for anybody else."""
    (tmp_path / "notes.txt").write_text("mine")
    for number in range(1, FILES_MAX + 6):
        new_dump(tmp_path / "traces", name_of("S1", number)).close()
    found = sorted((tmp_path / "traces").iterdir())

    assert FILES_MAX == len(found)
    assert name_of("S1", FILES_MAX + 5) in [path.name for path in found]
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in found}
    assert FILES_MAX + 6 == next_number(tmp_path / "traces", "S1")
    assert 1 == next_number(tmp_path / "traces", "S")
    assert 1 == next_number(tmp_path / "missing", "S1")


@pytest.mark.parametrize("name", ["", "missing/x.trace", "x\0y"])
def test_trace_that_cannot_be_made_is_refused_at_once(tmp_path: Path, name: str) -> None:
    """A folder that is not there, or a file that is, begins no session."""
    with pytest.raises(ConfigError, match="--trace"):
        new_trace(tmp_path / name)


def test_trace_is_never_written_over(tmp_path: Path) -> None:
    """The second session asks for another name."""
    new_trace(tmp_path / "x").close()
    with pytest.raises(ConfigError, match="must be a new file"):
        new_trace(tmp_path / "x")
    numbered = parts(tmp_path / "x")

    named = [next(numbered) for _ in range(3)]
    assert [tmp_path / "x", tmp_path / "x.2", tmp_path / "x.3"] == named
    assert None is next(parts(None))


def decided(state: State) -> Decision:
    """Return a decision after which the machine is in that state."""
    return Decision(Memory(state=state), None, (), ())


@pytest.mark.parametrize("state", list(State))
def test_trip_is_a_latched_state_that_begins(state: State) -> None:
    """FAULT and ESTOP trip once, with their name first; no other state does."""
    watch = TripWatch()
    first = watch.trip(Memory(state=State.RUNNING), FACTS, decided(state))
    second = watch.trip(Memory(state=state), FACTS, decided(state))

    assert (state.name if state in (State.FAULT, State.ESTOP) else "") == first.partition(":")[0]
    assert "" == second


def test_lost_link_and_broken_core_are_trips() -> None:
    """Each is told once, a broken core every time."""
    watch = TripWatch()
    idle = decided(State.IDLE)
    found = [watch.trip(Memory(), facts, idle) for facts in (FACTS, LOST, LOST)]

    assert ["", "the link was lost", ""] == found
    assert "the safety core broke down" == watch.trip(Memory(), FACTS, None)


@pytest.mark.req("SR-005")
def test_treatment_with_a_fault_leaves_a_dump_that_holds_its_stop(
    tmp_path: Path, recorder: Recorder
) -> None:
    """Fed by the shipped scan loop, the recorder has the order that ended it and its answer."""
    world: TracedWorld = treatment()
    for event in world.events:
        if event.direction == NOTE and event.data.startswith(b"trip "):
            recorder.trip(event.data[5:].decode(), event.at_us)
        else:
            recorder.take(*event)

    assert recorder.close(WAIT_S)
    _, events = dump(tmp_path)
    lines = [event for event in events if event.direction != NOTE]
    assert [event for event in world.events if event.direction != NOTE] == lines
