"""Answers that come late: how many are taken for the answer to a later question.

Usage: python -m benchmarks.bench_late [--exchanges 40] [--json]

The device answers everything, but 1.2 timeouts late. Every answer tells which question it is of, so
that one that was paired wrongly shows. With penpilot, a late answer is counted as such and dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import time

from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient
from pymodbus.exceptions import ModbusException

from benchmarks.wire_device import Manner, Wire, device
from drivers.pen import PenLink
from drivers.port import SerialPort
from drivers.registers import Command
from drivers.rtu import Discard

TIMEOUT_MS, LAG_MS = 100, 120


def ours(wire: Wire, exchanges: int) -> dict[str, int]:
    """Return how often penpilot was right, wrong, and without an answer."""
    link = PenLink(
        SerialPort(wire.path), lambda: time.monotonic_ns() // 1_000, itertools.count(1).__next__
    )
    link._core.adopt(42)  # noqa: SLF001 - whoever is always late cannot be identified
    counts = {"right": 0, "wrong": 0, "none": 0}
    for _ in range(exchanges):
        exchange = link.exchange(Command.POLL, timeout_us=TIMEOUT_MS * 1_000)
        if exchange.status is None:
            counts["none"] += 1
        else:
            # The device puts the number of the question that it answers into the stroke counter.
            counts["right" if exchange.status.strokes == exchange.sequence else "wrong"] += 1
    counts["known as late"] = link.metrics().discards.get(Discard.LATE, 0)
    link.close()
    return counts


def judge(counts: dict[str, int], address: int, registers: list[int] | None) -> None:
    """Count one answer of a plain read, whose registers tell their own addresses."""
    if not registers:
        counts["none"] += 1
    else:
        counts["right" if registers[0] == address else "wrong"] += 1


def sync(wire: Wire, exchanges: int, retries: int) -> dict[str, int]:
    """Return the same of pymodbus's sync client."""
    client = ModbusSerialClient(
        wire.path, baudrate=115_200, timeout=TIMEOUT_MS / 1e3, retries=retries
    )
    client.connect()
    counts = {"right": 0, "wrong": 0, "none": 0}
    for number in range(exchanges):
        address = 0x0400 + 10 * number
        try:
            judge(counts, address, client.read_holding_registers(address, count=4).registers)
        except ModbusException:
            counts["none"] += 1
            client.connect()
    client.close()
    return counts


async def unsync(wire: Wire, exchanges: int, retries: int) -> dict[str, int]:
    """Return the same of pymodbus's async client."""
    client = AsyncModbusSerialClient(
        wire.path, baudrate=115_200, timeout=TIMEOUT_MS / 1e3, retries=retries
    )
    await client.connect()
    counts = {"right": 0, "wrong": 0, "none": 0}
    for number in range(exchanges):
        address = 0x0400 + 10 * number
        try:
            answer = await client.read_holding_registers(address, count=4)
            judge(counts, address, answer.registers)
        except ModbusException:
            counts["none"] += 1
            if not client.connected:
                await client.connect()
    client.close()
    return counts


CONTENDERS = {
    "penpilot": ours,
    "pymodbus async, retries 0": lambda wire, n: asyncio.run(unsync(wire, n, 0)),
    "pymodbus async, retries 3": lambda wire, n: asyncio.run(unsync(wire, n, 3)),
    "pymodbus sync, retries 0": lambda wire, n: sync(wire, n, 0),
    "pymodbus sync, retries 3": lambda wire, n: sync(wire, n, 3),
}


def main() -> int:
    """Measure and print; exit code 1 if penpilot was wrong even once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--exchanges", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    found = {}
    for name, run in CONTENDERS.items():
        with device(Manner(lag_ms=LAG_MS)) as wire:
            found[name] = run(wire, options.exchanges)
        if not options.json:
            text = "  ".join(f"{word} {count:>3}" for word, count in found[name].items())
            sys.stdout.write(f"{name:<28}{text}\n")
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found["penpilot"]["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
