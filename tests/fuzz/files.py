"""Every parser of bytes from a file or another program; one line each in `FILES`."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from controller.config import Home
from controller.errors import ControllerError, PlanError, RecordError
from controller.ipc import BACKLOG_MAX, LINE_MAX, ControlClient, ControlServer, _Client
from controller.plan import load_plan
from controller.profile_file import parse
from controller.profile_signature import parse_keys, verify
from controller.records.anchor import Anchor, encode, read_anchor
from controller.records.keyfile import read_key
from controller.running import find_running
from controller.scanlog.reader import read_log
from controller.tomlfile import read_toml
from drivers.native import frame
from drivers.plain.profile_file import parse_profile
from drivers.plain.table import ProfileError
from drivers.trace.format import Damage, TraceError
from drivers.trace.pieces import WAITING_BYTES_MAX, native, rtu
from drivers.trace.reader import read_trace
from safety.facts import Intent
from simulator.nonvolatile import NotAMemoryFileError, load_memory
from tests.contract.scripted_pen import FRAMES
from tests.fuzz.parser import Feed, Forged, Parser

ROOT = Path(__file__).parents[2]
PLAN = (ROOT / "examples" / "plans" / "face.toml").read_bytes()
PROFILES = ROOT / "controller" / "profiles"
PROFILE = (PROFILES / "us.toml").read_bytes()
SIGNATURE = (PROFILES / "us.toml.sig").read_bytes()
KEYS = (PROFILES / "keys.toml").read_bytes()
SCAN_LOG = (ROOT / "tests" / "data" / "treatment.scanlog.gz").read_bytes()
KEY = bytes(range(32))
ANCHOR = encode(Anchor(7, bytes(32)), KEY)
LOG_LINES_READ = 40
"""Of a scan log; the rest is no different, and one scan takes a millisecond to check."""

DEVICE_PROFILE = b"""format = 1
kind = "plain-modbus-pen"
name = "Pen"
model = 7
latency_ms = 20
[[identity]]
address = 0
read = 3
value = 4660
[measured.depth_um]
unit = "um"
address = 16
read = 4
signed = true
numerator = 10
[measured.tick_ms]
unit = "ms"
address = 18
read = 3
words = 2
[fault]
address = 20
read = 3
[fault.codes]
1 = "stall"
[limits]
depth_um_max = 2000
depth_step_um = 100
speed_dhz_min = 500
speed_dhz_max = 1200
depth_tolerance_um = 150
stop_ms_max = 80
"""
TRACE = (
    b'# penpilot-trace 1 {"version":"0","driver":"penlink","port":"p","start":"","start_us":0}\n'
    + b"".join(b"%d > %b\n" % (n, one.hex().encode()) for n, one in enumerate(FRAMES.values()))
    + b"99 ! trip FAULT: over-depth\n"
)
TALK = (
    b'{"want":"stop"}\n',
    b'{"driver":"secret"}\n{"want":"start","source":"key","area":"cheek"}\n',
    b'{"beat":1}\n',
    b'{"want":["stop"],"driver":{"a":[1,2,{}]},"source":null}\n',
)
ANNOUNCED = b'{"session":"S1","pid":1,"port":"p","resolved":"p","host":"127.0.0.1","tcp_port":4000}'
MEMORY = b'{"kind":"penpilot simulated pen memory","strokes":1,"epoch":2,"fault":0,"crc32":0}'


class Pipe:
    """A socket that has bytes to give, and swallows what it is given."""

    def __init__(self) -> None:
        self.data = b""

    def recv(self, count: int) -> bytes:
        """Return what there is."""
        data, self.data = self.data[:count], self.data[count:]
        return data

    def settimeout(self, _timeout_s: float) -> None:
        """Wait for nothing."""


def file(
    name: str, read: Callable[[Path], object], *errors: type[Exception]
) -> Callable[[Path], Feed]:
    """Feed a reader of files, which may refuse a file by these errors and no other."""

    def make(folder: Path) -> Feed:
        path = folder / name

        def feed(data: bytes) -> int:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            try:
                read(path)
            except errors as error:
                if not str(error) or len(str(error)) > 20_000:
                    raise Forged(f"a message of {len(str(error))} characters") from error
            return 0

        return feed

    return make


def text(read: Callable[[bytes], object], *errors: type[Exception]) -> Callable[[Path], Feed]:
    """Feed a function that may refuse bytes by these errors and no other."""

    def make(_folder: Path) -> Feed:
        def feed(data: bytes) -> int:
            try:
                read(data)
            except errors as error:
                if not str(error):
                    raise Forged("an error without a word") from error
            return 0

        return feed

    return make


def control_server(_folder: Path) -> Feed:
    """Feed the control process by one client; nobody drives who has not shown the token."""
    wishes: list[Intent] = []
    server = ControlServer("secret", wishes.append, lambda _alive: None)
    for end in (server._listener, server._wake_reader, server._wake_writer, server._selector):
        end.close()
    pipe: Any = Pipe()
    client = _Client(pipe)

    def feed(data: bytes) -> int:
        pipe.data = data or b"\n"
        while pipe.data:
            server._receive(client)
        if client.is_driver and b"secret" not in data and not was_driver[0]:
            raise Forged("a driver without the token")
        was_driver[0] = client.is_driver
        wishes.clear()
        return len(client.incoming)

    was_driver = [False]
    return feed


def control_client(_folder: Path) -> Feed:
    """Feed a program that guides or looks on, by a control process that is none."""
    pipe: Any = Pipe()
    client = ControlClient.__new__(ControlClient)
    client._sock, client._incoming, client.is_closed = pipe, bytearray(), False

    def feed(data: bytes) -> int:
        pipe.data = data or b"\n"
        while pipe.data:
            client.receive(0)
        client.is_closed = False
        return len(client._incoming)

    return feed


def pieces(framing: Any) -> Callable[[Path], Feed]:
    """Feed what tells frames apart in a trace: it always goes on."""

    def make(_folder: Path) -> Feed:
        def feed(data: bytes) -> int:
            rest = data[: 2 * WAITING_BYTES_MAX]
            while rest:
                size, _ = framing(rest, "<>"[len(data) % 2], is_last=True)
                if not 0 < size <= len(rest):
                    raise Forged(f"{size} of {len(rest)} bytes")
                rest = rest[size:]
            return 0

        return feed

    return make


def trace(data: bytes) -> None:
    """Read a whole trace."""
    _, events = read_trace(io.BytesIO(data), "trace")
    for event in events:
        if not isinstance(event, Damage) and event.at_us < 0:
            raise Forged(str(event))


def scan_log(path: Path) -> None:
    """Read the beginning of a scan log."""
    for _line in islice(read_log(path), LOG_LINES_READ):
        pass


def packed(data: bytes) -> bytes:
    """Return a scan log of these lines."""
    return gzip.compress(data, 1)


FILES = (
    Parser(
        "controller.tomlfile",
        (PLAN, b"a = 1\n", b"a.b.c = [[1], [{}]]\n"),
        file("a.toml", lambda path: read_toml(path, PlanError), PlanError),
        share=5,
    ),
    Parser(
        "controller.plan",
        (PLAN,),
        file("plan.toml", lambda path: load_plan(path, parse(PROFILE)), PlanError),
        share=2,
    ),
    Parser("controller.profile_file", (PROFILE,), text(parse, ControllerError), share=2),
    Parser("controller.profile_keys", (KEYS,), text(parse_keys, ControllerError), share=10),
    Parser(
        "controller.signature",
        (SIGNATURE,),
        text(lambda data: verify(PROFILE, data, parse_keys(KEYS)), ControllerError),
        share=5,
    ),
    Parser("drivers.plain profile", (DEVICE_PROFILE,), text(parse_profile, ProfileError), share=10),
    Parser("drivers.trace", (TRACE,), text(trace, TraceError), share=20),
    Parser("drivers.trace rtu", tuple(FRAMES.values()), pieces(rtu), share=20),
    Parser("drivers.trace native", tuple(map(frame, FRAMES.values())), pieces(native), share=20),
    Parser("controller.ipc server", TALK, control_server, share=50, kept_bytes_max=LINE_MAX),
    Parser("controller.ipc client", TALK, control_client, share=20, kept_bytes_max=BACKLOG_MAX),
    Parser(
        "controller.scanlog packed",
        (SCAN_LOG[:4_096],),
        file("log.gz", scan_log, RecordError),
        share=5,
    ),
    Parser(
        "controller.scanlog lines",
        (zlib.decompressobj(31).decompress(SCAN_LOG, 12_000),),
        file("log.gz", scan_log, RecordError),
        packed,
        share=5,
    ),
    Parser(
        "controller.records anchor",
        (ANCHOR,),
        file("anchor", lambda path: read_anchor(path, KEY), RecordError),
        share=10,
    ),
    Parser(
        "controller.records key",
        (KEY.hex().encode() + b"\n",),
        file("key", read_key, RecordError),
        share=10,
    ),
    Parser(
        "controller.running",
        (ANNOUNCED,),
        file("run/S1.json", lambda path: find_running(Home(path.parents[1]))),
        share=10,
    ),
    Parser(
        "simulator.nonvolatile",
        (MEMORY,),
        file("memory.json", load_memory, NotAMemoryFileError),
        share=10,
    ),
)
"""A new parser of files or of another program's words is added here, by one entry."""
