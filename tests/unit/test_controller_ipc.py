"""The control process among other programs: STOP from anybody, all else from its driver alone."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.ipc import (
    _WISHES,
    BACKLOG_MAX,
    CLIENTS_MAX,
    LINE_MAX,
    ControlClient,
)
from safety.facts import Intent, IntentKind
from tests.unit.ipc_bench import CLOSED, TOKEN, WAIT_S, Bench

STOP = b'{"want":"stop"}\n'
WORDS = ["stop", "estop", *_WISHES]
NAMES = ["want", "driver", "area", "source"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A server that listens; its last words are said at the end if the test has not heard them."""
    with ExitStack() as stack:
        made = Bench(stack)
        made.server.start()
        yield made
        made.server.close(CLOSED, WAIT_S)
    assert not made.server._thread.is_alive()


def frames_of(client: ControlClient, until: str = "closed") -> list[dict[str, Any]]:
    """Return all frames up to the first of that type, or to the end of the connection."""
    frames: list[dict[str, Any]] = []
    while not client.is_closed and not any(f["type"] == until for f in frames):
        frames += client.receive(WAIT_S)
    return frames


def test_server_listens_on_this_machine_only(bench: Bench) -> None:
    """Nobody on the network can reach it."""
    host, port = bench.server.address

    assert "127.0.0.1" == host
    assert 0 < port <= 65_535


@pytest.mark.req("SR-033", "SR-016")
@pytest.mark.parametrize("area", [None, 7, True, ["cheek"], {"a": 1}])
def test_area_that_is_no_text_is_no_area(bench: Bench, area: object) -> None:
    """A wish for no named area: START and a change of area are then refused by the core."""
    driver = bench.driver()
    driver.send({"want": "start", "source": "key", "area": area})

    assert Intent(IntentKind.START, "key", area="") == bench.next_intent()


@pytest.mark.req("S02", "HZ-26")
@pytest.mark.parametrize(
    "shown",
    ["wrong", "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), None, True, 7, [TOKEN], {"t": TOKEN}],
)
def test_wish_is_passed_over_without_the_right_token(bench: Bench, shown: object) -> None:
    """Whoever shows another token wants nothing and beats for nobody; only its STOP counts."""
    client = bench.client()
    client.send({"driver": shown})
    client.send({"beat": 1})
    for want in _WISHES:
        client.send({"want": want})
        client.send({"driver": shown, "want": want})
    client.send({"want": "stop"})

    assert IntentKind.STOP is bench.next_intent().kind
    assert bench.intents.empty()
    assert bench.beats.empty()


def test_driver_wants_everything_and_beats_with_every_line(bench: Bench) -> None:
    """With the token every wish arrives, in order, under the source that it names."""
    driver = bench.driver()
    words = {"arm": IntentKind.ARM, "start": IntentKind.START, "pass-done": IntentKind.PASS_DONE}
    words |= {"pause": IntentKind.PAUSE, "resume": IntentKind.RESUME, "reset": IntentKind.RESET}
    words |= {"finish": IntentKind.FINISH, "change-area": IntentKind.CHANGE_AREA}
    words |= {"acknowledge": IntentKind.ACKNOWLEDGE, "pause-audio": IntentKind.PAUSE_AUDIO}
    assert words == _WISHES
    for word, kind in words.items():
        driver.send({"want": word, "source": "flow", "area": "cheek"})
        assert Intent(kind, "flow", area="cheek") == bench.next_intent()
        assert bench.beats.get(timeout=WAIT_S)
    driver.send({"beat": 1})
    assert bench.beats.get(timeout=WAIT_S)


@pytest.mark.parametrize("source", ["me", "", None, 7, ["key"], "KEY", "x" * 3_000])
def test_unknown_source_becomes_command(bench: Bench, source: object) -> None:
    """What goes into the record as a source is one of five words, never a stranger's text."""
    bench.client().send({"want": "stop", "source": source})

    assert Intent(IntentKind.STOP, "command") == bench.next_intent()


@pytest.mark.req("SR-016", "HZ-71")
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\xff\xfe",
        b"stop",
        b"null",
        b"7",
        b'"stop"',
        b"[]",
        b'["want","stop"]',
        b'{"want":["stop"]}',
        b'{"want":{"stop":1}}',
        b'{"want":null}',
        b'{"want":true}',
        b'{"want":"STOP"}',
        b'{"want":"plan"}',
        b'{"want":"arm"',
        b'{1:"stop"}',
        b'{"driver":' + b"9" * 5_000 + b"}",
        b'{"driver":"\\ud800"}',
        b'{"driver":"\\udc00"}',
        b'{"driver":"\xff"}',
        b'{"driver":1e999}',
        b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"want":"' + b"s" * 60_000 + b'"}',
    ],
    ids=range(23),
)
def test_garbage_is_passed_over_and_the_line_goes_on(bench: Bench, line: bytes) -> None:
    """Whatever a line holds, the server lives, wants nothing of it, and hears the next one."""
    raw = bench.raw()
    raw.sendall(line + b"\n" + STOP)

    assert Intent(IntentKind.STOP, "command") == bench.next_intent()
    assert bench.intents.empty()
    assert bench.beats.empty()


@pytest.mark.req("SR-013", "SR-016", "HZ-66", "HZ-71")
@pytest.mark.parametrize("size", [LINE_MAX + 1, 3 * LINE_MAX, 1_000_000])
def test_line_that_is_too_long_is_passed_over_however_it_comes(bench: Bench, size: int) -> None:
    """Little of it is kept, no end of it is taken for a line, and the STOP behind it is heard."""
    raw = bench.raw()
    for _ in range(size // LINE_MAX):
        raw.sendall(b"x" * LINE_MAX)
    raw.sendall(b"x" * (size % LINE_MAX) + b'{"want":"pause"}\n' + STOP)

    assert Intent(IntentKind.STOP, "command") == bench.next_intent()
    assert all(len(c.incoming) <= LINE_MAX for c in list(bench.server._clients.values()))
    assert bench.beats.empty()


def test_lines_that_come_in_pieces_are_put_together(bench: Bench) -> None:
    """A line is a line however many packets it takes, and one packet may hold many."""
    raw = bench.raw()
    for byte in b'{"driver":"' + TOKEN.encode() + b'"}\n{"want":"arm"}\n':
        raw.sendall(bytes((byte,)))
    raw.sendall(b'{"want":"pause"}\n{"want":"resume"}\n')

    kinds = [bench.next_intent().kind for _ in range(3)]
    assert [IntentKind.ARM, IntentKind.PAUSE, IntentKind.RESUME] == kinds


@pytest.mark.req("SR-013", "HZ-66")
def test_program_too_many_takes_the_place_of_the_oldest_that_does_not_drive(bench: Bench) -> None:
    """However many connections lie idle, the next one gets its STOP through; the driver stays."""
    driver = bench.driver()
    clients = [bench.client() for _ in range(CLIENTS_MAX - 1)]
    bench.admit(CLIENTS_MAX)

    late = bench.client()
    late.send({"want": "stop"})

    assert IntentKind.STOP is bench.next_intent().kind
    assert ([], True) == (clients[0].receive(WAIT_S), clients[0].is_closed)

    bench.server.publish({"type": "scan", "n": 1})
    assert all(frames_of(client, "scan") for client in (driver, *clients[1:], late))


def test_driver_that_leaves_is_told_at_once(bench: Bench) -> None:
    """The scan learns of a driver's end without waiting for a beat; of a viewer's it does not."""
    driver, viewer = bench.driver(), bench.client()
    viewer.send({"want": "stop"})
    bench.next_intent()
    viewer.close()
    driver.close()

    assert bench.beats.get(timeout=WAIT_S) is False
    assert bench.beats.empty()


def test_driver_that_shows_a_wrong_token_later_is_one_no_more(bench: Bench) -> None:
    """The last token shown counts."""
    driver = bench.driver()
    driver.send({"driver": "wrong"})
    driver.send({"want": "arm"})
    driver.send({"want": "stop"})

    assert IntentKind.STOP is bench.next_intent().kind


def test_reader_who_does_not_read_loses_frames_and_holds_nobody_up(bench: Bench) -> None:
    """Beside a stuck program another one gets every frame; what the stuck one gets is whole."""
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    stuck.settimeout(WAIT_S)
    bench.stack.enter_context(stuck).connect(bench.server.address)
    reader = bench.client()
    bench.admit(2)
    filling = "x" * 60_000
    count = 100
    for number in range(count):
        bench.server.publish({"type": "scan", "n": number, "filling": filling})
        (frame,) = frames_of(reader, "scan")
        assert number == frame["n"]
    (backlog,) = (len(c.outgoing) for c in bench.server._clients.values() if c.outgoing)
    assert backlog < BACKLOG_MAX + len(filling) + 100

    threading.Thread(target=bench.server.close, args=(CLOSED, WAIT_S)).start()
    data = b""
    while chunk := stuck.recv(1 << 20):
        data += chunk
    # The last line may be cut off: even at the end a stuck program is waited for only briefly.
    frames = [json.loads(line) for line in data.split(b"\n")[:-1]]
    numbers = [frame["n"] for frame in frames if frame != CLOSED]
    assert sorted(set(numbers)) == numbers
    assert 0 < len(numbers) < count


def test_last_frame_reaches_everybody(bench: Bench) -> None:
    """Driver, viewer, and one whose last words nobody has read: all hear how it ended."""
    clients = [bench.driver(), bench.client(), bench.client()]
    bench.admit(3)
    bench.server.publish({"type": "scan"})
    for client in clients:
        frames_of(client, "scan")
    clients[2].send({"beat": 1})
    bench.server.close(CLOSED, WAIT_S)

    assert [[CLOSED]] * 3 == [frames_of(client) for client in clients]
    assert ([], True) == (clients[0].receive(WAIT_S), clients[0].is_closed)


def accepted(bench: Bench) -> ControlClient:
    """Return a program that a server without a thread has let in."""
    client = bench.client()
    bench.server._accept()
    return client


@pytest.fixture
def still_bench() -> Iterator[Bench]:
    """A server whose thread was never started: the test takes its part."""
    with ExitStack() as stack:
        yield Bench(stack)


def test_newest_frame_is_sent_before_the_last_one(still_bench: Bench) -> None:
    """A frame that was published in the very moment of the end is not lost."""
    client = accepted(still_bench)
    still_bench.server.publish({"type": "scan", "n": 1})
    still_bench.server._final = json.dumps(CLOSED).encode() + b"\n"
    still_bench.server._run()

    assert [{"type": "scan", "n": 1}, CLOSED] == frames_of(client)


def test_those_who_read_hear_the_end_before_those_who_do_not(
    still_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stuck program, which is waited for, comes last."""
    server = still_bench.server
    for _ in range(3):
        accepted(still_bench)
    stuck, *others = server._clients.values()
    monkeypatch.setattr(server, "_fan_out", lambda: None)
    stuck.outgoing += b"x"
    told: list[Any] = []
    monkeypatch.setattr(server, "_send_last", told.append)
    server._final = b"{}\n"
    server._run()

    assert [*others, stuck] == told
    for client in told:
        client.sock.close()


def test_server_that_has_ended_is_published_to_without_harm(bench: Bench) -> None:
    """A frame after the end goes nowhere and raises nothing."""
    bench.server.close(CLOSED, WAIT_S)
    bench.server.publish({"type": "scan"})


@pytest.mark.req("SR-016")
@given(
    line=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(WORDS),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_line_raises_nothing_and_wants_nothing_but_stop(line: bytes) -> None:
    """Random bytes and random JSON want at most STOP, and that only where they say so."""
    with ExitStack() as stack:
        bench = Bench(stack)
        accepted(bench)
        (client,) = bench.server._clients.values()
        bench.server._take_line(client, line)
        bench.server._final = b"{}\n"
        bench.server._run()
    wanted = [bench.intents.get().kind for _ in range(bench.intents.qsize())]
    stops = {b"stop": IntentKind.STOP, b"estop": IntentKind.ESTOP}
    said = [[kind] for word, kind in stops.items() if b'"want": "%s"' % word in line]

    assert wanted in ([], *said)
    assert bench.beats.empty()


def test_client_knows_when_nobody_listens_any_more(bench: Bench) -> None:
    """Sending into a closed connection raises nothing; the client says that it is closed."""
    client = bench.client()
    bench.server.close(CLOSED, WAIT_S)
    assert [CLOSED] == frames_of(client)
    client.close()
    client.send({"beat": 1})

    assert client.is_closed


def test_client_waits_no_longer_than_it_was_told(bench: Bench) -> None:
    """Without a frame there is an empty list, and the connection stays."""
    client = bench.client()

    assert ([], False) == (client.receive(0), client.is_closed)
    assert client.fileno() > 0
