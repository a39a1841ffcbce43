"""Ports that lead nowhere, to the wrong device, or are taken: one line, code 4, within 2 s."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.commands.identify import ask
from drivers.errors import LinkError, PortBusy, PortMissing, SilentDevice, WrongDevice
from hil.programs import SimulatedPen
from hil.truth import TrueEvent, read_truth

pytestmark = pytest.mark.slow

LIMIT_S = 2.0


@pytest.fixture
def dummy() -> Iterator[Callable[[Callable[[bytes], bytes]], str]]:
    """A pty whose far end answers as the test tells it to."""
    ends: list[int] = []
    over = threading.Event()

    def make(answer: Callable[[bytes], bytes]) -> str:
        master, slave = os.openpty()
        tty.setraw(slave)
        ends.extend((master, slave))
        os.set_blocking(master, False)

        def work() -> None:
            while not over.wait(0.002):
                try:
                    os.write(master, answer(os.read(master, 4096)))
                except (BlockingIOError, OSError):
                    continue

        threading.Thread(target=work, daemon=True).start()
        return os.ttyname(slave)

    yield make
    over.set()
    time.sleep(0.01)  # the far end's thread sees that it is over
    for end in ends:
        os.close(end)


def timed(port: str) -> tuple[LinkError, float]:
    """Return the error of asking a port who it is, and the seconds that it took."""
    began = time.monotonic()
    with pytest.raises(LinkError) as caught:
        ask(port)
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: b"", SilentDevice),
        (lambda data: data, WrongDevice),
        (lambda _: b"Busy Busy Busy Busy " * 4, WrongDevice),
        (lambda _: b"\x01\x83\x02\xc0\xf1", WrongDevice),
        (lambda _: bytes(200), WrongDevice),
    ],
    ids=["silent", "echo", "babble", "modbus exception", "zeros"],
)
@pytest.mark.req("SR-015", "SR-017", "HZ-25")
def test_wrong_device_is_a_clear_error_in_time(
    answer: Callable[[bytes], bytes],
    error: type[LinkError],
    dummy: Callable[[Callable[[bytes], bytes]], str],
) -> None:
    """Whatever is on the port instead of a pen is named within 2 s."""
    found, took_s = timed(dummy(answer))

    assert isinstance(found, error)
    assert took_s <= LIMIT_S
    assert len(str(found).splitlines()) == 1


def test_missing_port_is_a_clear_error_in_time() -> None:
    """A port that does not exist is named at once."""
    found, took_s = timed("/dev/no-such-port")

    assert isinstance(found, PortMissing)
    assert took_s <= LIMIT_S


@pytest.mark.req("SR-049", "HZ-26", "H08")
def test_port_held_by_a_session_names_the_session(
    pen: SimulatedPen,
    long_plan: Path,
    start_penpilot: Callable[..., Any],
    penpilot: Callable[..., Any],
    wait_for_truth: Callable[..., list[TrueEvent]],
    on_skin: Callable[[list[TrueEvent]], bool],
) -> None:
    """A second session on the same port is refused with code 4; the first runs on undisturbed."""
    first = start_penpilot("treat", str(long_plan), "--port", pen.url, "--yes", "--json")
    wait_for_truth(pen.truth, on_skin, "needles on skin")
    second = penpilot("treat", str(long_plan), "--port", pen.url, "--yes")
    found, took_s = timed(pen.url)
    is_running = first.poll() is None
    events = read_truth(pen.truth)
    penpilot("stop", "--port", pen.url)
    first.communicate(timeout=20)

    assert second.returncode == 4
    assert "session" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert isinstance(found, PortBusy)
    assert took_s <= LIMIT_S
    assert is_running
    assert not any(e.event == "needles_still" for e in events)


@pytest.mark.parametrize("command", ["identify", "treat", "stop"])
def test_command_on_a_silent_port_ends_with_code_4(
    command: str,
    dummy: Callable[[Callable[[bytes], bytes]], str],
    short_plan: Path,
    penpilot: Callable[..., Any],
) -> None:
    """Every command that needs a pen says in one line that nobody answers."""
    port = dummy(lambda _: b"")
    arguments = [command, "--port", port]
    if command == "treat":
        arguments = ["treat", str(short_plan), "--port", port, "--yes"]
    done = penpilot(*arguments)

    assert done.returncode == 4
    assert port in done.stderr
    assert len(done.stderr.splitlines()) == 1
