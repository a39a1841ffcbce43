"""pymodbus's own client before a plain Modbus device, with the same stimuli, over a real pty.

The device answers a read with registers that tell their own addresses, and counts how often it
executes a write, so that wrong pairings and double executions show.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import random
import select
import struct
import threading
import time
import tty
from collections import Counter
from dataclasses import dataclass

from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException

from tests.contract.scripted_pen import framed
from tests.hostile.stimuli import Scene, Stimulus

TIMEOUT_S = 0.06
READS, WRITES, COUNT = 4, 2, 20
BABBLE_S = 0.01


@dataclass
class Theirs:
    """What became of four reads and two writes.

    Args:
        right: Operations reported as done, and rightly.
        wrong: Reads with other registers than asked for, writes reported as done that were not, or
            whose echo said something else.
        none: Errors.
        twice: Writes that the device executed more than once.
    """

    right: int = 0
    wrong: int = 0
    none: int = 0
    twice: int = 0


class PlainDevice:
    """A device at one end of a pty, in a thread, behind a stimulus."""

    def __init__(self, stimulus: Stimulus, seed: int) -> None:
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)
        self.writes: Counter[int] = Counter()
        self._stimulus = stimulus
        self._scene = Scene(int(TIMEOUT_S * 1e6), random.Random(seed))
        self._due: list[tuple[float, int, str, bytes]] = []
        self._order = itertools.count()
        self._quit_r, self._quit_w = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """End the thread and give everything back."""
        os.write(self._quit_w, b"q")
        self._thread.join()
        for fd in (self._near, self._far, self._quit_r, self._quit_w):
            os.close(fd)

    def _run(self) -> None:
        babble_at = time.monotonic() + BABBLE_S
        while True:
            now = time.monotonic()
            if self._stimulus.babble and now >= babble_at:
                self._put("out", self._stimulus.babble, 0)
                babble_at += BABBLE_S
            while self._due and self._due[0][0] <= now:
                _, _, way, data = heapq.heappop(self._due)
                self._deliver(way, data)
            moments = [at for at, *_ in self._due[:1]]
            moments += [babble_at] if self._stimulus.babble else []
            wait_s = max(min(moments) - time.monotonic(), 0) if moments else None
            ready, _, _ = select.select([self._near, self._quit_r], [], [], wait_s)
            if self._quit_r in ready:
                return
            if self._near in ready:
                data = os.read(self._near, 256)  # pymodbus writes a request at once
                for delay_us, part in self._stimulus.request(self._scene, data):
                    self._put("in", part, delay_us)

    def _put(self, way: str, data: bytes, delay_us: int) -> None:
        heapq.heappush(self._due, (time.monotonic() + delay_us / 1e6, next(self._order), way, data))

    def _deliver(self, way: str, data: bytes) -> None:
        if way == "out":
            os.write(self._near, data)
            return
        answer = self._answer(data)
        if not answer:
            return
        self._scene.request = data
        self._scene.earlier.append(answer)
        for delay_us, part in self._stimulus.answer(self._scene, answer):
            self._put("out", part, delay_us)
        self._scene.number += 1

    def _answer(self, request: bytes) -> bytes:
        if len(request) != 8 or framed(request[:-2]) != request:
            return b""
        _, function, address, value = struct.unpack(">BBHH", request[:6])
        if function == 6:
            self.writes[address] += 1
            return request
        if value > 125:
            return framed(bytes([1, function | 0x80, 3]))
        registers = struct.pack(f">{value}H", *(address + n for n in range(value)))
        return framed(bytes([1, 3, len(registers)]) + registers)


def session(stimulus: Stimulus, seed: int, retries: int) -> Theirs:
    """Return what pymodbus makes of four reads and two writes under the stimulus."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    device, found = PlainDevice(stimulus, seed), Theirs()
    client = ModbusSerialClient(device.path, baudrate=115_200, timeout=TIMEOUT_S, retries=retries)
    client.connect()
    try:
        for number in range(READS + WRITES):
            address = 0x0400 + 0x40 * number
            if number % 3 == 2:
                _write(client, device, address, found)
            else:
                _read(client, address, found)
            time.sleep(0.01)
        time.sleep(TIMEOUT_S)
    finally:
        client.close()
        device.close()
    found.twice = sum(count > 1 for count in device.writes.values())
    return found


def _read(client: ModbusSerialClient, address: int, found: Theirs) -> None:
    try:
        answer = client.read_holding_registers(address, count=COUNT)
    except ModbusException:
        found.none += 1
        client.connect()
        return
    if answer.isError():
        found.none += 1
    elif answer.registers == [address + n for n in range(COUNT)]:
        found.right += 1
    else:
        found.wrong += 1


def _write(client: ModbusSerialClient, device: PlainDevice, address: int, found: Theirs) -> None:
    try:
        answer = client.write_register(address, 5)
    except ModbusException:
        found.none += 1
        client.connect()
        return
    if answer.isError():
        found.none += 1
    elif (answer.function_code, answer.address, answer.registers) == (6, address, [5]) and (
        device.writes[address]
    ):
        found.right += 1
    else:
        found.wrong += 1
