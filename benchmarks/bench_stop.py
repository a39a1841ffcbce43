"""How soon a STOP is in the pen's parser, on four kinds of line, beside pymodbus.

Usage: python -m benchmarks.bench_stop [--stops 300] [--json]

A STOP is wished at a random moment by one thread while another owns the line, as in penpilot's
control process. What is timed: from the wish to when the device has parsed the frame.
The device stamps it with the same monotonic clock, in a process of its own over a pty.

    idle      nobody asks anything
    polling   20 exchanges a second, answered at once
    late      20 a second, each answer 15 ms late, while the device goes on listening
    silent    20 a second, none answered; a STOP is answered

pymodbus is asked as its users ask it: one client, a task that polls, a task that writes the STOP.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import os
import random
import select
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException

from benchmarks.wire_device import STOP, STOP_ADDRESS, WORDS, Manner, Wire, device
from drivers.pen import PenLink
from drivers.port import SerialPort
from drivers.registers import Command

PERIOD_S = 0.05
SEED = 4
TURNS = 5
"""Rounds of one contender after a round of the other, each with a device of its own."""
LINES = {
    "idle": Manner(),
    "polling": Manner(),
    "late": Manner(lag_ms=15),
    "silent": Manner(answers_reads=False),
}
P99_US_MAX, P999_US_MAX = 1_000, 5_000
"""What penpilot promises. Source: DESIGN 5."""


@dataclass(frozen=True)
class Settings:
    """How pymodbus is set: its own values, or those that suit a STOP better."""

    timeout_s: float
    retries: int


def clock_us() -> int:
    """Return the monotonic clock in microseconds."""
    return time.monotonic_ns() // 1_000


def identified_link(path: str) -> PenLink:
    """Return a link to the device, which has said who it is where it answers at all."""
    link = PenLink(SerialPort(path), clock_us, itertools.count(1).__next__)
    link._core.adopt(42)  # noqa: SLF001 - a silent device cannot be identified
    return link


def ours(wire: Wire, stops: int, *, polls: bool) -> list[float]:
    """Return the microseconds from wish to parser of every STOP of penpilot."""
    link, chance = identified_link(wire.path), random.Random(SEED)
    wake_r, wake_w = os.pipe()
    wished_ns: list[int] = []
    is_over = threading.Event()

    def own() -> None:
        due = time.monotonic()
        while not is_over.is_set():
            due += PERIOD_S
            if polls:
                link.exchange(Command.POLL, wake_fd=wake_r)
            left_s = max(due - time.monotonic(), 0)
            if wait_for(wake_r, left_s):
                os.read(wake_r, 1)
                link.stop(attempts=3)

    owner = threading.Thread(target=own)
    owner.start()
    samples = []
    for _ in range(stops):
        time.sleep(PERIOD_S + chance.random() * PERIOD_S)
        drain(wire)
        wished_ns.append(time.monotonic_ns())
        os.write(wake_w, b"!")
        samples.append((first_stop(wire) - wished_ns[-1]) / 1e3)
    is_over.set()
    owner.join()
    link.close()
    os.close(wake_r)
    os.close(wake_w)
    return samples


def wait_for(fd: int, seconds: float) -> bool:
    """Return whether the descriptor became readable within that time."""
    return bool(select.select([fd], [], [], seconds)[0])


def drain(wire: Wire) -> None:
    """Forget stamps of earlier STOPs, which are repeated until they are answered."""
    while wire.stops.poll():
        wire.stops.recv()


def first_stop(wire: Wire) -> int:
    """Return when the device parsed the next STOP.

    Raises:
        TimeoutError: If none came within a minute; then nothing was measured.
    """
    if not wire.stops.poll(60):
        raise TimeoutError("no STOP reached the device")
    stamp: int = wire.stops.recv()
    return stamp


async def pymodbus(wire: Wire, stops: int, settings: Settings, *, polls: bool) -> list[float]:
    """Return the microseconds from wish to parser of every STOP of pymodbus's async client."""
    client = AsyncModbusSerialClient(
        wire.path, baudrate=115_200, timeout=settings.timeout_s, retries=settings.retries
    )
    await client.connect()
    chance = random.Random(SEED)

    async def poll() -> None:
        while True:
            begin = time.monotonic()
            try:
                await client.read_holding_registers(0x0400, count=WORDS)
            except ModbusException:
                await reconnected(client)
            await asyncio.sleep(max(PERIOD_S - (time.monotonic() - begin), 0))

    task = asyncio.create_task(poll()) if polls else None
    samples = []
    for _ in range(stops):
        await asyncio.sleep(PERIOD_S + chance.random() * PERIOD_S)
        drain(wire)
        wished_ns = time.monotonic_ns()
        try:
            await client.write_register(STOP_ADDRESS, STOP)
        except ModbusException:
            await reconnected(client)
        samples.append((await asyncio.to_thread(first_stop, wire) - wished_ns) / 1e3)
    if task is not None:
        task.cancel()
    client.close()
    return samples


async def reconnected(client: AsyncModbusSerialClient) -> None:
    """Connect anew if pymodbus has given up its port."""
    if not client.connected:
        await client.connect()


def contenders() -> dict[str, Callable[[Wire, bool, int], list[float]]]:
    """Return who is measured; pymodbus as it comes takes 12 s for a STOP to a silent device."""

    def with_pymodbus(settings: Settings) -> Callable[[Wire, bool, int], list[float]]:
        return lambda wire, polls, count: asyncio.run(pymodbus(wire, count, settings, polls=polls))

    return {
        "penpilot": lambda wire, polls, count: ours(wire, count, polls=polls),
        "pymodbus tuned": with_pymodbus(Settings(0.1, 0)),
        "pymodbus default": with_pymodbus(Settings(3, 3)),
    }


def measure(line: str, stops: int) -> dict[str, list[float]]:
    """Return the microseconds of every STOP on one kind of line, by contender, taken in turns."""
    samples: dict[str, list[float]] = {name: [] for name in contenders()}
    for turn in range(TURNS):
        for name, run in contenders().items():
            is_slow = line == "silent" and name == "pymodbus default"
            if is_slow and turn:
                continue
            count = 2 if is_slow else stops // TURNS
            with device(LINES[line]) as wire:
                samples[name] += run(wire, line != "idle", count)
    return samples


def quantile(ordered: list[float], share: float) -> float:
    """Return the smallest sample that such a share does not exceed."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stops", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    for line in LINES:
        for name, samples in measure(line, options.stops).items():
            ordered = sorted(samples)
            rows.append(
                {
                    "line": line,
                    "name": name,
                    "n": len(ordered),
                    "p50_us": round(quantile(ordered, 0.5)),
                    "p99_us": round(quantile(ordered, 0.99)),
                    "p999_us": round(quantile(ordered, 0.999)),
                    "max_us": round(ordered[-1]),
                }
            )
            if not options.json:
                print_row(rows[-1])
    if options.json:
        sys.stdout.write(json.dumps(rows) + "\n")
    return 0


def print_row(row: dict[str, object]) -> None:
    """Print one row."""
    sys.stdout.write(
        f"{row['line']!s:<9}{row['name']!s:<18}n {row['n']:>5}  p50 {row['p50_us']:>9} us"
        f"  p99 {row['p99_us']:>9}  p99.9 {row['p999_us']:>9}  max {row['max_us']:>9}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
