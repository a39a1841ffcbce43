"""The program ``penpilot simulate`` as other programs meet it: options, ports, signals, files."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from drivers.registers import Command, PenState
from simulator.cli import simulate
from simulator.pen import Pen
from simulator.tame_host import TameHost

ROOT = Path(__file__).parents[2]
IDENTITY_REQUEST = bytes.fromhex("01 03 00 00 00 20 44 12")
IDENTITY = bytes.fromhex(
    "01 03 40 50 45 4E 31 01 00 00 00 00 2A 01 00 00 01 00 3F 09 C4 00 32 01 F4 05 DC"
    "00 C8 00 96 00 0C 09 C4 C0 FF EE 01 95 7A 00 32 00 00 00 00 00 00 00 00 00 00 00 00"
    "00 00 00 00 00 00 00 00 97 39 97 A0 5D D6"
)
STOP_06 = bytes.fromhex("01 06 01 00 00 05 48 35")
STATUS_BYTES = 45
PATIENCE_S = 10.0


@contextmanager
def program(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run the pen of the page until the block ends; gives the process and its ready line."""
    command = [sys.executable, "-m", "simulator.cli", "--json", "--no-pairing", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


def ended(process: subprocess.Popen[str], with_signal: signal.Signals) -> int:
    """Signal the program and return its exit code."""
    process.send_signal(with_signal)
    return process.wait(PATIENCE_S)


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a terminal as a client that knows nothing of serial libraries."""
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        yield line
    finally:
        os.close(line)


def ask(line: int, request: bytes, count: int) -> bytes:
    """Write a request and return that many bytes of answer, or what came until patience ended.

    Raises:
        OSError: If the line has gone.
    """
    os.write(line, request)
    answer = b""
    while len(answer) < count and select.select([line], [], [], PATIENCE_S)[0]:
        heard = os.read(line, count - len(answer))
        if not heard:
            raise ConnectionResetError(line)
        answer += heard
    return answer


def say(line: int, host: TameHost, command: Command) -> dict[str, int]:
    """Send an order over the terminal."""
    return host.hear(ask(line, host.frame(command), STATUS_BYTES))


def run_needles(line: int) -> TameHost:
    """Open, arm and start over the terminal, and renew until the needles have spun up."""
    host = TameHost(Pen())
    while say(line, host, Command.POLL)["state"] == PenState.BOOT:
        pass
    say(line, host, Command.OPEN)
    host.depth_um, host.speed_dhz = 1_000, 1_000
    say(line, host, Command.ARM)
    while say(line, host, Command.START)["state"] != PenState.RUN:
        say(line, host, Command.POLL)
    status = {"strokes": 0}
    while status["strokes"] < 5:
        status = say(line, host, Command.RENEW)
        assert status["state"] == PenState.RUN, "this machine stood still for 200 ms"
    return host


def renew_for_ever(line: int, host: TameHost) -> None:
    """Renew without a pause."""
    while True:
        say(line, host, Command.RENEW)


def events(path: Path) -> list[dict[str, Any]]:
    """Read a truth log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def await_event(path: Path, name: str) -> dict[str, Any]:
    """Wait until the truth log has such an event."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for entry in events(path):
            if entry["event"] == name:
                return entry
        select.select([], [], [], 0.01)
    raise AssertionError(f"no {name} in {path.read_text(encoding='utf-8')}")


@pytest.mark.slow
def test_pty_serves_one_client_after_another_and_the_link_goes_at_the_end(tmp_path: Path) -> None:
    """Clients come and go, the line is raw, SIGTERM ends with 0 and takes the link away."""
    link = tmp_path / "pen"
    link.symlink_to("nowhere")
    with program("--pty-link", str(link), "--seed", "9") as (process, ready):
        assert {"event": "ready", "url": str(link), "serial_number": 42, "seed": 9} == {
            name: ready[name] for name in ("event", "url", "serial_number", "seed")
        }
        assert process.pid == ready["pid"]
        for _ in range(2):
            with opened(str(link)) as line:
                assert 0 == termios.tcgetattr(line)[3] & (termios.ECHO | termios.ICANON)
                assert IDENTITY == ask(line, IDENTITY_REQUEST, len(IDENTITY))
                assert STOP_06 == ask(line, b"\x03\x04\r\n" + STOP_06, len(STOP_06))

        assert 0 == ended(process, signal.SIGTERM)
    assert not link.is_symlink()


@pytest.mark.slow
@pytest.mark.parametrize(("transport", "driver"), [("rtu", ""), ("native", "native+")])
def test_ready_line_names_the_address_that_a_host_writes(transport: str, driver: str) -> None:
    """The port alone does not say in which frames the pen speaks."""
    with program("--transport", transport) as (_process, ready):
        assert driver + ready["url"] == ready["address"]


@pytest.mark.slow
def test_link_that_another_pen_has_taken_is_left_alone(tmp_path: Path) -> None:
    """Two pens at one link: the younger has it, and the elder does not take it away."""
    link = tmp_path / "pen"
    with (
        program("--pty-link", str(link)) as (elder, _),
        program("--pty-link", str(link), "--serial", "7") as (_, _ready),
    ):
        ended(elder, signal.SIGTERM)
        with opened(str(link)) as line:
            answer = ask(line, IDENTITY_REQUEST, len(IDENTITY))

        assert b"\x00\x00\x00\x07" == answer[9:13]


@pytest.mark.slow
def test_tcp_serves_one_client_at_a_time_and_survives_hang_ups() -> None:
    """A second client is hung up on; after the first has gone the next is served."""
    with program("--tcp", "127.0.0.1:0") as (process, ready):
        host, _, port = ready["url"].removeprefix("socket://").rpartition(":")
        address = (host, int(port))
        for _ in range(2):
            with socket.create_connection(address, PATIENCE_S) as first:
                assert IDENTITY == ask(first.fileno(), IDENTITY_REQUEST, len(IDENTITY))
                with socket.create_connection(address, PATIENCE_S) as second:
                    assert b"" == second.recv(1)
                assert IDENTITY == ask(first.fileno(), IDENTITY_REQUEST, len(IDENTITY))

        assert 0 == ended(process, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.req("SR-012")
def test_needles_stop_by_themselves_when_the_client_goes_away(tmp_path: Path) -> None:
    """In real time: still within 251 ms of the last tick that the host had heard of."""
    truth, memory = tmp_path / "truth", tmp_path / "memory"
    options = ("--pty-link", str(tmp_path / "pen"), "--truth", str(truth), "--memory", str(memory))
    with program(*options) as (process, ready):
        with opened(ready["url"]) as line:
            host = run_needles(line)
        still = await_event(truth, "needles_still")
        assert 0 == ended(process, signal.SIGTERM)
    seen = [entry["event"] for entry in events(truth)]

    assert 200 <= still["tick_ms"] - host.tick_ms <= 251
    assert seen.index("lease_end") < seen.index("motor_off") < seen.index("needles_still")
    assert "program_end" == seen[-1]
    assert still["strokes"] == json.loads(memory.read_text(encoding="utf-8"))["values"]["strokes"]

    with program(*options) as (_process, ready), opened(ready["url"]) as line:
        status = say(line, TameHost(Pen()), Command.POLL)
    assert (2, still["strokes"]) == (status["epoch"], status["strokes"])
    assert [1, 2] == [entry["epoch"] for entry in events(truth) if entry["event"] == "boot"]


@pytest.mark.slow
@pytest.mark.req("SR-012")
def test_pulled_cable_is_a_dead_port_and_a_pen_that_stops(tmp_path: Path) -> None:
    """The port vanishes, the physics goes on to its lease's end, and the cable comes back."""
    truth, link = tmp_path / "truth", tmp_path / "pen"
    options = ("--pty-link", str(link), "--truth", str(truth), "--fault", "cable-pull:600@run=300")
    with program(*options) as (process, _):
        with opened(str(link)) as line:
            host = run_needles(line)
            with pytest.raises(OSError):  # noqa: PT011 - which one it is depends on the moment
                renew_for_ever(line, host)
        still = await_event(truth, "needles_still")
        await_event(truth, "fault_cleared")
        assert process.stdout is not None
        assert str(link) == json.loads(process.stdout.readline())["url"]
        with opened(str(link)) as line:
            assert IDENTITY == ask(line, IDENTITY_REQUEST, len(IDENTITY))
    pulled = await_event(truth, "fault_injected")

    assert ("cable-pull", 600) == (pulled["fault"], pulled["value"])
    assert pulled["tick_ms"] < still["tick_ms"] <= pulled["tick_ms"] + 251


@pytest.mark.slow
def test_truth_log_maps_the_systems_clock_to_the_pens(tmp_path: Path) -> None:
    """The boot line's reading plus the tick is the monotonic clock, within the server's wait."""
    truth = tmp_path / "truth"
    with program("--truth", str(truth)) as (_process, ready), opened(ready["url"]) as line:
        host = TameHost(Pen())
        before_us = time.monotonic_ns() // 1_000
        say(line, host, Command.POLL)
        after_us = time.monotonic_ns() // 1_000
    pen_us = events(truth)[0]["monotonic_us"] + 1_000 * host.tick_ms

    assert before_us - 1_000 <= pen_us <= after_us


@pytest.mark.slow
@pytest.mark.req("SR-017")
def test_tcp_port_in_use_is_one_line_and_exit_code_4() -> None:
    """The system's refusal is told as it is, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "simulator.cli", "--tcp", address],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert 4 == done.returncode
    assert "" == done.stdout
    assert 1 == done.stderr.count("\n")
    assert "in use" in done.stderr


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--pty-link", "x", "--tcp", "127.0.0.1:0"], "exclude each other"),
        (["--tcp", "127.0.0.1"], "HOST:PORT"),
        (["--tcp", "127.0.0.1:65536"], "HOST:PORT"),
        (["--tcp", "127.0.0.1:-1"], "HOST:PORT"),
        (["--tcp", "0.0.0.0:5020"], "--listen-anywhere"),
        (["--tcp", "pen.example:5020"], "--listen-anywhere"),
        (["--pty-link", "missing/pen"], "no directory"),
        (["--fault", "gremlin@tick=1"], "no fault 'gremlin'"),
        (["--fault", "stall@noon=1"], "no condition 'noon'"),
        (["--fault", "stall"], "NAME[:VALUE]"),
        (["--seed", "-1"], "--seed"),
        (["--serial", "4294967296"], "--serial"),
        (["--serial", "forty"], "--serial"),
        (["--memory", "diary"], "no memory of a pen"),
        (["--pty-link", "diary"], "not a link"),
        (["--truth", "missing/log"], "--truth: missing/log: No such file or directory"),
    ],
)
def test_options_that_cannot_be_used_are_refused_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], hint: str
) -> None:
    """One clear line after the usage, and no file is touched."""
    monkeypatch.chdir(tmp_path)
    diary = tmp_path / "diary"
    diary.write_text("Dear diary", encoding="utf-8")
    done = CliRunner().invoke(simulate, options)

    assert 2 == done.exit_code
    assert hint in done.output.splitlines()[-1]
    assert "Dear diary" == diary.read_text(encoding="utf-8")
    assert [diary] == list(tmp_path.iterdir())


@pytest.mark.slow
def test_two_processes_with_other_hash_seeds_say_the_same() -> None:
    """The same seed gives the same bytes and the same truth log in another process."""
    script = (
        "from hashlib import sha256; from simulator.pen import Pen; "
        "from simulator.tame_host import TameHost; log = []; "
        "host = TameHost(Pen(seed=11, truth=log.append)); host.start(); "
        "said = [host.renew_for(50) for _ in range(60)]; host.pen.inject('over-depth'); "
        "host.wait(1000); print(sha256(repr((said, log)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert 1 == len(digests)
    assert 65 == len(digests.pop())
