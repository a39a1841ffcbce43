"""`penpilot trace`: what it shows, compares, exports and replays, and how it refuses."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner

from controller.commands import trace as command
from controller.errors import ConfigError, ExitCode, RefusedError
from controller.tracing import host_side, pen_side
from drivers.block import Identity
from drivers.registers import Capability
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Event, header_line
from drivers.trace.frames import frames
from drivers.trace.replay import Replay
from drivers.trace.turns import first_difference
from hil.world import World
from simulator.pen import Pen
from tests.unit.traces import HEADER, PLAN, RECORDED, recorded, recorded_frames, text_of


def run(*arguments: object) -> tuple[int, str]:
    """Return exit code and output of `penpilot trace`."""
    result = CliRunner().invoke(command.trace, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_show_prints_every_frame_with_time_direction_and_meaning() -> None:
    """One line each, the damaged one named, and a sum below."""
    code, text = run("show", RECORDED)
    lines = text.splitlines()
    found = recorded_frames()

    assert (0, len(found) + 2) == (code, len(lines))
    assert lines[0].startswith("penlink on virtual, session recorded, from 2026-03-01T09:12:44")
    assert "    0.000000 > read registers 0x0000, 32" == lines[1]
    assert "    0.007622 < pen 42, protocol 1.0" in lines[2]
    assert lines[2].endswith("(7622 us)")
    assert 1 == sum("DAMAGED, no frame: 45 bytes | 01 17 28" in line for line in lines)
    assert 1 == sum(" ! trip FAULT: stall" in line for line in lines)
    frames_shown = len([one for one in found if one.kind != "note"])
    assert f"{frames_shown} frames, 1 damaged; 0 damaged lines" == lines[-1]


def test_show_prints_one_object_a_line_for_scripts() -> None:
    """Every frame has the same names, and the last object says how many there were."""
    code, text = run("show", RECORDED, "--json")
    *documents, end = [json.loads(line) for line in text.splitlines()]

    names = {"at_us", "data", "defect", "direction", "fields", "kind", "text"}
    assert {frozenset(names)} == {frozenset(one) for one in documents}
    assert [one.data.hex() for one in recorded_frames()] == [one["data"] for one in documents]
    expected = {"frames": len(documents) - 2, "damaged": 1, "defects": 0, "exit_code": 0}
    assert {"kind": "end"} | expected == end
    assert 0 == code


def test_show_goes_on_behind_damaged_lines(tmp_path: Path) -> None:
    """They are shown with their number, and counted."""
    path = tmp_path / "x.trace"
    path.write_bytes(text_of(recorded()[1][:2]) + b"hello\n" + b"9" * 9_000 + b"\n3 > 01")
    code, text = run("show", path)

    assert 0 == code
    for said in ("line 4: no TIME", "line 5: longer than 4096 bytes", "line 6: cut off"):
        assert said in text
    assert "2 frames, 0 damaged; 3 damaged lines" in text


def test_stop_and_damage_are_coloured_on_a_terminal() -> None:
    """Red is what a reader must not miss; without a terminal there is no colour."""
    stop = next(one for one in recorded_frames() if one.fields.get("command") == "stop")
    poll = next(one for one in recorded_frames() if one.fields.get("command") == "poll")

    assert "\x1b[31m" in command.sentence(stop, 0, None)
    assert "\x1b" not in command.sentence(poll, 0, None)
    assert "\x1b" not in run("show", RECORDED)[1]
    assert command.sentence(stop, 0, None) != click.unstyle(command.sentence(stop, 0, None))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello\n",
        b"\x00" * 1_000_000,
        os.urandom(4_096),
        b"x" * 100_000,
        header_line(HEADER)[:-20],
        header_line(HEADER).replace(b"trace 1", b"trace 7"),
    ],
    ids=["empty", "text", "zeros", "random", "endless", "cut", "later"],
)
@pytest.mark.parametrize("what", ["show", "diff", "export", "replay"])
@pytest.mark.req("SR-017")
def test_file_that_is_no_trace_ends_with_one_line(tmp_path: Path, what: str, text: bytes) -> None:
    """Exit code 2, the file named, and nothing left behind."""
    path, out = tmp_path / "x.trace", tmp_path / "out"
    path.write_bytes(text)
    more = {"diff": [RECORDED], "export": ["--pcap", out], "replay": ["--as", "pen"]}.get(what, [])
    code, output = run(what, path, *more)

    assert (ExitCode.INPUT, 1) == (code, output.count("\n"))
    assert f"penpilot: {path}: " in output
    assert not out.exists()


@pytest.mark.parametrize("name", ["missing", "."])
def test_missing_file_ends_with_one_line(tmp_path: Path, name: str) -> None:
    """So does a folder."""
    code, output = run("show", tmp_path / name)

    assert (ExitCode.INPUT, 1) == (code, output.count("\n"))
    assert "must be a file, a trace; there is none" in output


def test_diff_tells_like_from_unlike(tmp_path: Path) -> None:
    """0 for the same talk, 2 for another, with turn, field and both values."""
    events = recorded()[1]
    at = next(i for i, one in enumerate(events) if i > 3 and one.direction == TO_HOST)
    other = tmp_path / "other.trace"
    other.write_bytes(text_of([*events[:at], *events[at + 1 :]]))
    code, text = run("diff", RECORDED, other)
    _, as_json = run("diff", RECORDED, other, "--json")
    found = json.loads(as_json)

    assert (0, "No difference\n") == run("diff", RECORDED, RECORDED)
    assert ExitCode.INPUT == code == found["exit_code"]
    assert text.startswith("The first difference:\n")
    assert "answer 1: status / None" in text
    assert not found["identical"]
    assert {"field": "answer 1", "first": "status", "second": None} in found["difference"]["fields"]


def test_export_counts_its_packets_and_writes_over_nothing(tmp_path: Path) -> None:
    """A file that is there already stays as it is."""
    out = tmp_path / "x.pcapng"
    code, text = run("export", RECORDED, "--pcap", out, "--json")
    written = out.read_bytes()
    again, said = run("export", RECORDED, "--pcap", out)

    assert (0, len(recorded_frames())) == (code, json.loads(text)["packets"])
    assert ExitCode.INPUT == again
    assert "must be a new file (File exists)" in said
    assert written == out.read_bytes()


@pytest.mark.parametrize("start", ["yesterday", "2026-03-01T09:12:44", "9999-99-99T00:00:00Z"])
def test_export_refuses_a_start_that_is_no_moment(tmp_path: Path, start: str) -> None:
    """Nothing half is left behind."""
    path, out = tmp_path / "x.trace", tmp_path / "out"
    path.write_bytes(header_line(replace(HEADER, start=start)))
    code, text = run("export", path, "--pcap", out)

    assert ExitCode.INPUT == code
    assert f"start = {start!r}: must be a moment such as" in text
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments", [["--as", "host"], ["--as", "pen", "--port", "x"]], ids=["host", "pen"]
)
def test_replay_wants_a_port_for_the_host_alone(arguments: list[str]) -> None:
    """Otherwise nothing is opened."""
    code, text = run("replay", RECORDED, *arguments)

    assert ExitCode.INPUT == code
    assert "must be given with --as host, and with it alone" in text


@pytest.mark.parametrize("option", ["--speed", "--timeout"])
def test_replay_refuses_a_speed_or_a_time_that_is_no_number(option: str) -> None:
    """No bound holds NaN back: nothing would come, or nothing would be waited for."""
    code, text = run("replay", RECORDED, "--as", "pen", option, "nan")

    assert ExitCode.INPUT == code
    assert f"'{option}': nan is no number" in text


class WorldLink:
    """A link to a simulated pen in a world of its own, as `open_link` gives it."""

    def __init__(self, world: World, capabilities: Capability, wrap: Any) -> None:
        self.world, self.capabilities = world, capabilities
        self.calls: list[str] = []
        self.port = wrap(world.port)

    def identify(self, timeout_ms: int) -> Identity:
        """Say who is there."""
        del timeout_ms
        self.calls.append("identify")
        return replace(self.world.identity, capabilities=self.capabilities)

    def stop(self) -> None:
        """Note that STOP was said."""
        self.calls.append("stop")

    def close(self) -> None:
        """Note that the port was given back."""
        self.calls.append("close")


@contextmanager
def linked(monkeypatch: pytest.MonkeyPatch, capabilities: Capability) -> Iterator[list[WorldLink]]:
    """Let `replay_host` find a simulated pen, in virtual time, that claims to be what is said."""
    world, links = World(PLAN, Pen(seed=1)), []

    def opened(_address: str, wrap: Any) -> WorldLink:
        links.append(WorldLink(world, capabilities, wrap))
        return links[-1]

    monkeypatch.setattr(host_side, "open_link", opened)
    monkeypatch.setattr(host_side, "MonotonicClock", lambda: world.clock)
    try:
        yield links
    finally:
        world.close()


@pytest.mark.req("SR-015")
@pytest.mark.parametrize("capabilities", [Capability(0), ~Capability.SIMULATED & Capability(0x3F)])
def test_host_is_replayed_to_no_real_pen(
    monkeypatch: pytest.MonkeyPatch, capabilities: Capability
) -> None:
    """A pen that does not say that it is simulated hears nothing of a trace, not even a STOP."""
    header, events = recorded()
    refused = pytest.raises(RefusedError, match="is no simulated one")
    with linked(monkeypatch, capabilities) as links, refused:
        host_side.replay_host(header, events, "virtual", speed=0)

    assert ["identify", "close"] == links[0].calls


def test_replayed_host_says_every_byte_between_two_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said is what was recorded, and the answers are those of the pen at hand."""
    header, events = recorded()
    with linked(monkeypatch, Capability.SIMULATED) as links:
        came = host_side.replay_host(header, events, "virtual", speed=1)

    def said(some: list[Event]) -> list[bytes]:
        return [event.data for event in some if event.direction == TO_PEN]

    assert ["identify", "stop", "stop", "close"] == links[0].calls
    assert said(events) == said(came)
    assert any(event.direction == TO_HOST for event in came)


@pytest.mark.parametrize("speed", [0, 100])
def test_replayed_orders_are_stale_at_another_tick(
    monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    """OPEN, ARM and START of an earlier session are refused, so that the pen stays at rest."""
    header, events = recorded()
    with linked(monkeypatch, Capability.SIMULATED) as links:
        came = host_side.replay_host(header, events, "virtual", speed=speed)

    statuses = [one.fields for one in frames_of(came) if one.kind == "status"]
    assert not links[0].world.pen.bridge_is_on
    assert "stale-tick" in {fields["result"] for fields in statuses}
    assert {"safe"} == {fields["state"] for fields in statuses} - {"stopping"}


def test_session_is_lived_through_again_at_the_same_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated pen as fresh as the recorded one answers alike, up to the first lost answer."""
    header, events = recorded()
    with linked(monkeypatch, Capability.SIMULATED):
        came = host_side.replay_host(header, events, "virtual", speed=1)
    found = first_difference(frames_of(events), frames_of(came))

    assert found is not None
    assert found.first is not None
    assert found.second is not None
    assert found.first.text.endswith("-> no answer")
    assert found.second.text.startswith("STOP, ")
    assert "run" in {one.fields["state"] for one in frames_of(came) if one.kind == "status"}


def frames_of(events: list[Event]) -> list[Any]:
    """Return the frames of events."""
    return list(frames(replace(HEADER, serial_number=42), events))


def test_port_that_fails_in_the_middle_is_still_told_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever goes wrong, STOP comes last."""
    header, events = recorded()

    class Interrupted(Exception):
        """Somebody pressed Ctrl-C."""

    def interrupt(_count: int) -> None:
        raise Interrupted

    with linked(monkeypatch, Capability.SIMULATED) as links, pytest.raises(Interrupted):
        host_side.replay_host(header, events, "virtual", speed=0, on_bytes=interrupt)

    assert ["stop", "stop", "close"] == links[0].calls[1:]


def test_trace_of_another_driver_is_not_replayed() -> None:
    """Native frames make no sense to a Modbus pen, and nothing is opened for them."""
    header, events = recorded()
    with pytest.raises(ConfigError, match="must name the trace's driver, 'native'"):
        host_side.replay_host(replace(header, driver="native"), events, "/dev/null", speed=0)


def test_recorded_pen_answers_at_a_pseudo_terminal() -> None:
    """A host that says the recorded bytes hears the recorded ones, and then the port goes."""
    header, events = recorded()
    events = [one for one in events[:9] if one.direction != NOTE]
    urls: list[str] = []
    ready = threading.Event()
    heard: list[bytes] = []

    def host() -> None:
        assert ready.wait(10)
        fd = os.open(urls[0], os.O_RDWR | os.O_NOCTTY)
        for event in events:
            if event.direction == TO_PEN:
                os.write(fd, event.data)
            else:
                data = b""
                while len(data) < len(event.data):
                    data += os.read(fd, len(event.data) - len(data))
                heard.append(data)
        os.close(fd)

    def announce(url: str) -> None:
        urls.append(url)
        ready.set()

    thread = threading.Thread(target=host, daemon=True)
    thread.start()
    served = pen_side.serve_pen(Replay(events), speed=0, timeout_s=10, announce=announce)
    thread.join(10)

    assert served.is_over
    assert [one.data for one in events if one.direction == TO_HOST] == heard
    assert [(e.direction, e.data) for e in events] == [(e.direction, e.data) for e in served.events]
    assert header.driver == "penlink"


def test_recorded_pen_that_nobody_asks_ends_by_itself() -> None:
    """Exit code 4, one line, no traceback."""
    code, text = run("replay", RECORDED, "--as", "pen", "--timeout", "0.1", "--json")
    ready, end = [json.loads(line) for line in text.splitlines()]

    assert (ExitCode.LINK, ExitCode.LINK) == (code, end["exit_code"])
    assert ready["url"].startswith("/dev/")
    assert not end["is_over"]


def test_replayed_trace_can_be_kept_and_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The new trace holds what was heard now; against itself it shows no difference."""
    with linked(monkeypatch, Capability.SIMULATED):
        kept = tmp_path / "kept.trace"
        first, _ = run(
            *("replay", RECORDED, "--as", "host", "--port", "x", "--speed", 0, "--record", kept)
        )
        compared, text = run("replay", RECORDED, "--as", "host", "--port", "x", "--diff")

    assert (0, 0) == (first, run("show", kept)[0])
    assert ExitCode.INPUT == compared
    assert "stale-tick" in text
    assert cast("str", HEADER.driver) in kept.read_text().splitlines()[0]
