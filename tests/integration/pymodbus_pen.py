"""A Modbus device that is not ours: pymodbus's own server, at a port, until it is ended.

Usage: ``python pymodbus_pen.py PORT``. Its registers are those of examples/pens/simulated.toml, at
rest, with a clock that goes on; it keeps what is written and moves nothing. One line is printed
once it serves.
"""

from __future__ import annotations

import asyncio
import sys
import time

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

INPUTS = [0x24, 0, 0xFFF4, 0, 3, 235, 398, 1_000, 2, 1, 0x86A0, 0, 77, 250, 9_000, 0x5050]
"""Cartridge in, simulated; -12 um, 3 mA, 23.5 degC, 3.98 V, 132,072 strokes."""


READ_INPUT, TICK = 4, 9


async def let_time_go_on(  # pymodbus gives them in this order
    function: int,
    start: int,
    _address: int,
    _count: int,
    registers: list[int],
    _values: list[int] | list[bool] | None,
) -> None:
    """Set the pen's clock whenever its input registers are read."""
    if function == READ_INPUT:
        tick_ms = time.monotonic_ns() // 1_000_000 & 0xFFFFFFFF
        registers[TICK - start], registers[TICK + 1 - start] = tick_ms >> 16, tick_ms & 0xFFFF


async def serve(port: str) -> None:
    """Serve until the process is ended."""
    unused = [SimData(0x7000, values=False, datatype=DataType.BITS)]
    holding = [SimData(0x100, values=[0, 0, 0, 0, 1_000, 0], datatype=DataType.REGISTERS)]
    inputs = [SimData(0, values=INPUTS, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(unused, unused, holding, inputs), action=let_time_go_on)
    server = ModbusSerialServer(device, port=port, baudrate=115_200)
    await server.serve_forever(background=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
