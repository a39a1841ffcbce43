"""Tools that are not ours at the simulated pen, and our link over lines that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import minimalmodbus
import pytest
import serial
from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient
from serial import rfc2217

from controller.commands.identify import ask
from drivers.registers import BAUD_RATE, IDENTITY, ORDER, STATUS, Command
from hil.programs import simulated_pen

pytestmark = pytest.mark.slow

PATIENCE_S = 10.0
MAGIC = [0x5045, 0x4E31]
"""The first two registers of an identity. Source: docs/protocol.md 2."""

SERIAL_NUMBER = 42
STOP_ORDER = [0x0100 | Command.STOP] + [0] * 9
"""A STOP needs a well-formed frame and nothing else. Source: docs/protocol.md 6."""


def program(name: str, package: str) -> str:
    """Return the path of a program of the system, or skip and say what to install."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; on Debian: apt install {package}")
    return path


def test_pymodbus_reads_and_stops_the_pen(tmp_path: Path) -> None:
    """Its sync client reads an identity, exchanges by function 23, and stops by function 06."""
    with simulated_pen(tmp_path) as pen:
        client = ModbusSerialClient(pen.url, baudrate=BAUD_RATE, timeout=PATIENCE_S, retries=0)
        client.connect()
        identity = client.read_holding_registers(IDENTITY.address, count=IDENTITY.words)
        status = client.readwrite_registers(
            read_address=STATUS.address,
            read_count=STATUS.words,
            write_address=ORDER.address,
            values=STOP_ORDER,
        )
        echo = client.write_register(ORDER.address, Command.STOP)
        client.close()

    assert MAGIC == identity.registers[:2]
    assert STATUS.words == len(status.registers)
    assert (ORDER.address, [Command.STOP]) == (echo.address, echo.registers)


def test_pymodbus_async_reads_the_pen(tmp_path: Path) -> None:
    """Its async client reads what its sync client reads."""

    async def read(url: str) -> list[int]:
        client = AsyncModbusSerialClient(url, baudrate=BAUD_RATE, timeout=PATIENCE_S, retries=0)
        await client.connect()
        answer = await client.read_holding_registers(IDENTITY.address, count=IDENTITY.words)
        client.close()
        return answer.registers

    with simulated_pen(tmp_path) as pen:
        registers = asyncio.run(read(pen.url))

    assert [*MAGIC, 0x0100, 0, SERIAL_NUMBER] == registers[:5]


def test_pymodbus_is_refused_what_the_pen_does_not_know(tmp_path: Path) -> None:
    """Input registers are exception 01, registers that are not there exception 02."""
    with simulated_pen(tmp_path) as pen:
        client = ModbusSerialClient(pen.url, baudrate=BAUD_RATE, timeout=PATIENCE_S, retries=0)
        client.connect()
        function = client.read_input_registers(0, count=1)
        address = client.read_holding_registers(0x0700, count=1)
        client.close()

    assert (1, 2) == (function.exception_code, address.exception_code)


def test_minimalmodbus_reads_and_stops_the_pen(tmp_path: Path) -> None:
    """Another library, another author: the same identity, and a STOP that is echoed."""
    with simulated_pen(tmp_path) as pen:
        instrument = minimalmodbus.Instrument(pen.url, 1)
        instrument.serial.baudrate = BAUD_RATE
        instrument.serial.timeout = 1  # it waits so long after an exception, which is shorter
        registers = instrument.read_registers(IDENTITY.address, IDENTITY.words)
        instrument.write_register(ORDER.address, Command.STOP, functioncode=6)
        with pytest.raises(minimalmodbus.IllegalRequestError):
            instrument.read_registers(0, 1, functioncode=4)
        instrument.serial.close()

    assert MAGIC == registers[:2]


def test_mbpoll_reads_the_pen(tmp_path: Path) -> None:
    """The tool that a technician has at hand shows the identity."""
    mbpoll = program("mbpoll", "mbpoll")
    with simulated_pen(tmp_path) as pen:
        command = [mbpoll, "-m", "rtu", "-b", str(BAUD_RATE), "-P", "none", "-a", "1", "-0"]
        command += ["-r", "0", "-c", str(IDENTITY.words), "-t", "4:hex", "-1", "-o", "5", pen.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "0x5045" in done.stdout
    assert "0x4E31" in done.stdout


def test_pen_behind_a_relay_of_ptys_is_identified(tmp_path: Path) -> None:
    """With socat between two ptys, bytes come in other pieces; the pen is the same."""
    socat = program("socat", "socat")
    near = tmp_path / "near"
    with simulated_pen(tmp_path) as pen:
        command = [socat, f"PTY,link={near},raw,echo=0", f"{pen.url},raw,echo=0"]
        with subprocess.Popen(command) as relay:
            wait_for(near)
            found = ask(str(near))
            relay.terminate()

    assert SERIAL_NUMBER == found["serial_number"]


def test_pen_behind_a_socket_is_identified(tmp_path: Path) -> None:
    """The simulated pen listens on TCP itself."""
    with simulated_pen(tmp_path, options=("--tcp", "127.0.0.1:0")) as pen:
        found = ask(pen.url)

    assert SERIAL_NUMBER == found["serial_number"]


@pytest.mark.filterwarnings("ignore:set.* is deprecated:DeprecationWarning")
def test_pen_behind_a_terminal_server_is_identified(tmp_path: Path) -> None:
    """RFC 2217, by pyserial's own server: telnet escapes, and no file descriptor to wait at."""
    with simulated_pen(tmp_path) as pen, terminal_server(pen.url) as url:
        found = ask(url)

    assert SERIAL_NUMBER == found["serial_number"]


def wait_for(path: Path) -> None:
    """Return as soon as a program has made this link."""
    until = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < until, f"{path} was never made"
        time.sleep(0.005)


@contextmanager
def terminal_server(port: str) -> Iterator[str]:
    """Serve a serial port as RFC 2217 says while the block lasts; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    line = serial.serial_for_url(port, baudrate=BAUD_RATE, timeout=0.002)
    settings = serial.serial_for_url("loop://", timeout=0)  # a pty has no modem lines to be set
    is_over = threading.Event()

    def serve() -> None:
        listener.settimeout(PATIENCE_S)
        client, _ = listener.accept()
        client.settimeout(0.002)
        manager = rfc2217.PortManager(settings, ClientEnd(client))
        with client, contextlib.suppress(OSError):  # it hangs up when it has asked
            while not is_over.is_set():
                with contextlib.suppress(TimeoutError):
                    line.write(b"".join(manager.filter(client.recv(1_024))))
                client.sendall(b"".join(manager.escape(line.read(1_024))))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"rfc2217://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        is_over.set()
        thread.join()
        for opened in (listener, line, settings):
            opened.close()


class ClientEnd:
    """What pyserial's server writes its own telnet commands to."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def write(self, data: bytes) -> None:
        """Send to the client."""
        self._client.sendall(data)
