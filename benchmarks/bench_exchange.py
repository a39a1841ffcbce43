"""What one exchange with all its checks costs, beside pymodbus, minimalmodbus and a bare codec.

Usage: python benchmarks/bench_exchange.py [--rounds 30] [--exchanges 100] [--json]

All speak with a device of their own over a pty, in turns, a round of one after a round of the
other. Before each exchange the line has been quiet for 1.2 ms, which a scan at 20 Hz always finds;
that is not counted. Every answer is checked, and a wrong one ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import struct
import sys
import time
import tty
from collections.abc import Callable
from contextlib import ExitStack

import minimalmodbus
from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient

from benchmarks.wire_device import WORDS, Manner, crc16, device
from drivers.pen import PenLink
from drivers.port import SerialPort
from drivers.registers import Command

QUIET_S = 0.0012
ADDRESS = 0x0400
PLAIN = [ADDRESS + n for n in range(WORDS)]


def check(*, is_right: bool, who: str) -> None:
    """End the benchmark if an answer was wrong: its time would mean nothing."""
    if not is_right:
        sys.exit(f"{who} returned a wrong answer; nothing was measured")


def ours(path: str, stack: ExitStack) -> Callable[[], None]:
    """Return an exchange of penpilot: function 23 with every check of docs/protocol.md 7."""
    link = PenLink(
        SerialPort(path), lambda: time.monotonic_ns() // 1_000, itertools.count(1).__next__
    )
    stack.callback(link.close)
    link.identify()

    def one() -> None:
        exchange = link.exchange(Command.POLL, timeout_us=1_000_000)
        status = exchange.status
        right = status is not None and status.strokes == exchange.sequence
        check(is_right=right, who="penpilot")

    return one


def floor(path: str, stack: ExitStack) -> Callable[[], None]:
    """Return the least that can be done: build, write, read, compare CRC-16 and the echo."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    stack.callback(os.close, fd)
    numbers = itertools.count(1)
    head = struct.pack(">BBHHHHB", 1, 23, 0x0200, 20, 0x0100, 10, 20)

    def one() -> None:
        number = next(numbers) & 0xFFFF
        frame = head + struct.pack(">BBIHIHHI", 1, 0, 1, number, 0, 0, 0, 0)
        os.write(fd, frame + crc16(frame))
        answer = b""
        while len(answer) < 45:
            answer += os.read(fd, 256)
        values = struct.unpack(">20H", answer[3:43])
        right = crc16(answer[:-2]) == answer[-2:] and values[3] == number
        check(is_right=right, who="the bare codec")

    return one


def pymodbus_async(path: str, stack: ExitStack) -> Callable[[], None]:
    """Return a read of 20 registers by pymodbus's async client, default settings."""
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)

    async def connect() -> AsyncModbusSerialClient:
        client = AsyncModbusSerialClient(path, baudrate=115_200)
        await client.connect()
        return client

    client = loop.run_until_complete(connect())
    stack.callback(client.close)

    async def read() -> float:
        # The clock is read inside, so that the start of the loop is not charged to pymodbus.
        begin = time.perf_counter()
        answer = await client.read_holding_registers(ADDRESS, count=WORDS)
        taken = time.perf_counter() - begin
        check(is_right=answer.registers == PLAIN, who="pymodbus, async")
        return taken

    return lambda: loop.run_until_complete(read())  # type: ignore[return-value]


def pymodbus_sync(path: str, stack: ExitStack) -> Callable[[], None]:
    """Return a read of 20 registers by pymodbus's sync client, default settings."""
    client = ModbusSerialClient(path, baudrate=115_200)
    client.connect()
    stack.callback(client.close)

    def one() -> None:
        registers = client.read_holding_registers(ADDRESS, count=WORDS).registers
        check(is_right=registers == PLAIN, who="pymodbus, sync")

    return one


def minimal(path: str, stack: ExitStack) -> Callable[[], None]:
    """Return a read of 20 registers by minimalmodbus."""
    instrument = minimalmodbus.Instrument(path, 1)
    instrument.serial.baudrate = 115_200
    stack.callback(instrument.serial.close)

    def one() -> None:
        check(is_right=instrument.read_registers(ADDRESS, WORDS) == PLAIN, who="minimalmodbus")

    return one


CONTENDERS = {
    "bare codec (floor)": floor,
    "penpilot, all checks": ours,
    "pymodbus async": pymodbus_async,
    "pymodbus sync": pymodbus_sync,
    "minimalmodbus": minimal,
}


def measure(rounds: int, exchanges: int) -> dict[str, list[float]]:
    """Return the microseconds of every exchange, by contender."""
    samples: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with ExitStack() as stack:
        calls = {
            name: make(stack.enter_context(device(Manner())).path, stack)
            for name, make in CONTENDERS.items()
        }
        for number in range(rounds):
            for name, call in calls.items():
                for _ in range(exchanges):
                    quiet_until = time.perf_counter() + QUIET_S
                    while time.perf_counter() < quiet_until:
                        pass
                    begin = time.perf_counter()
                    taken = call()
                    spent = time.perf_counter() - begin if taken is None else taken
                    if number:  # the first round warms up
                        samples[name].append(spent * 1e6)
    return samples


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--exchanges", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    samples = measure(options.rounds, options.exchanges)
    rows = []
    base = statistics.median(samples["pymodbus async"])
    least = statistics.median(samples["bare codec (floor)"])
    for name, values in samples.items():
        ordered = sorted(values)
        p50, p99 = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
        rows.append(
            {
                "name": name,
                "n": len(values),
                "p50_us": round(p50, 1),
                "p99_us": round(p99, 1),
                "of_pymodbus_async": round(p50 / base, 2),
                "of_floor": round(p50 / least, 2),
            }
        )
    if options.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return 0
    sys.stdout.write(
        f"{'':<24}{'n':>7}{'p50 us':>9}{'p99 us':>9}{'of async':>10}{'of floor':>10}\n"
    )
    for row in rows:
        sys.stdout.write(
            f"{row['name']:<24}{row['n']:>7}{row['p50_us']:>9}{row['p99_us']:>9}"
            f"{row['of_pymodbus_async']:>10}{row['of_floor']:>10}\n"
        )
    sys.stdout.write("wanted: penpilot at most 0.5 of pymodbus async, at most 3 of the floor\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
