"""Starting the control process: its own words when it does not begin, and a driver's token."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.config import Home
from controller.errors import ExitCode
from controller.ipc import ControlServer
from controller.treatment.starter import Session, StartFailed, start
from safety.facts import Intent, IntentKind

READY = {"type": "ready", "token": "t-1", "session": "s-1", "areas": []}
Begin = Callable[[str], Session]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder that does not exist yet."""
    return Home(tmp_path / "home")


@pytest.fixture
def begin(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Start a shell script as if it were the control process; what still runs is ended."""
    begun: list[Session] = []

    def begin_one(script: str) -> Session:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr("controller.treatment.starter.sys.executable", str(program))
        begun.append(start(home, tmp_path / "plan.toml", "/dev/pts/7", None))
        return begun[-1]

    yield begin_one
    for session in begun:
        session.client.close()
        for pipe in (session.process.stdin, session.process.stdout):
            if pipe is not None:
                pipe.close()
        session.process.wait(10)


def says(message: dict[str, Any]) -> str:
    """Return the line of a script that says this."""
    return f"echo '{json.dumps(message)}'"


@pytest.mark.parametrize("code", [2, 3, 4])
def test_session_that_does_not_begin_says_why(begin: Begin, code: int) -> None:
    """The control process's own words and exit code reach the command line."""
    failed = {"type": "failed", "exit_code": code, "message": "there is no pen"}
    with pytest.raises(StartFailed, match="there is no pen") as caught:
        begin(f"read line; {says(failed)}")

    assert ExitCode(code) is caught.value.exit_code


@pytest.mark.parametrize("script", ["exit 7", "exec <&-; exit 7", "read line; exit 7"])
def test_control_process_that_dies_points_to_its_own_errors(
    begin: Begin, home: Home, script: str
) -> None:
    """Whether it read its orders or not, its exit code and the file of its errors are named."""
    with pytest.raises(StartFailed) as caught:
        begin(f"echo something broke >&2; {script}")

    errors = home.logs / "control.stderr"
    assert f"the control process ended with 7; see {errors}" == str(caught.value)
    assert "something broke\n" == errors.read_text()
    assert ExitCode.DEVICE is caught.value.exit_code


def test_control_process_that_died_before_its_orders_came_is_told_of_as_well(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken pipe is the control process's death, not that of somebody who reads our output."""
    really_encode = msgspec.json.encode

    def encode_late(value: object) -> bytes:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        return really_encode(value)

    monkeypatch.setattr("controller.treatment.starter.msgspec.json.encode", encode_late)
    with pytest.raises(StartFailed, match="the control process ended with 7"):
        begin("exit 7")


def test_control_process_that_cannot_be_reached_is_a_clear_failure(begin: Begin) -> None:
    """One that says that it is ready and listens nowhere is told of in one line."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = list(closed.getsockname())
    with pytest.raises(StartFailed, match="cannot be reached"):
        begin(f"read line; {says(READY | {'address': address})}; exec cat")


@pytest.mark.req("SR-023", "HZ-73", "R09")
def test_session_is_told_its_orders_and_shows_its_token(
    begin: Begin, home: Home, tmp_path: Path
) -> None:
    """Orders go in on standard input, never as arguments, and the token makes it the driver."""
    intents: list[Intent] = []
    server = ControlServer("t-1", intents.append, lambda _is_there: None)
    server.start()
    ready = READY | {"address": list(server.address)}
    told = tmp_path / "told"
    session = begin(
        f'read line; echo "$line" >{told}; echo "$@" >>{told}; {says(ready)}; cat >/dev/null'
    )
    session.beat()
    session.want("arm", "key")
    session.want("stop")
    while len(intents) < 2:
        session.client.receive(0.01)
    server.close({"type": "closed"}, 10)

    orders, arguments = told.read_text().splitlines()
    wanted = {"home": str(home.folder), "plan": str(tmp_path / "plan.toml"), "port": "/dev/pts/7"}
    nothing = {"resume": None, "is_attended": False, "pen": None, "trace": None}
    assert wanted | nothing == json.loads(orders)
    assert "-m controller.control" == arguments
    assert [Intent(IntentKind.ARM, "key"), Intent(IntentKind.STOP, "flow")] == intents
    assert ready == session.ready


def test_control_process_lives_in_a_session_of_its_own(begin: Begin) -> None:
    """Ctrl-C in the terminal reaches the guiding program alone; waiting for it has an end."""
    server = ControlServer("t-1", lambda _intent: None, lambda _is_there: None)
    server.start()
    ready = READY | {"address": list(server.address)}
    session = begin(f"read line; {says(ready)}; read line; exit 5")

    assert os.getsid(session.process.pid) == session.process.pid != os.getsid(0)
    assert session.wait(0) is None
    if session.process.stdin is not None:
        session.process.stdin.close()
    assert 5 == session.wait(10)
    server.close({"type": "closed"}, 10)
