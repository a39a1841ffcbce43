"""Runs a pen in real time at a port: read, live on, answer, wait a little.

One thread. The clock is handed in, and bytes are stamped when they are read. It knows neither
what bytes mean nor who asked for the pen.
"""

from __future__ import annotations

import select
from collections.abc import Callable

from simulator.pen import Pen
from simulator.ports import Port

_WAIT_MOVING_S = 0.001
_WAIT_RESTING_S = 0.005
"""How late the pen may notice its own time; a lease is watched while the motor runs."""

_STARVED_US = 20_000
"""A turn that took longer was held up by other programs of this machine. ASSUMED: four turns."""


def serve(
    pen: Pen,
    port: Port,
    now_us: Callable[[], int],
    should_stop: Callable[[], bool],
    announce: Callable[[str], None],
) -> None:
    """Serve until told to stop; the port is open from the first turn on, and closed after.

    Args:
        pen: The pen; its 0 us is the clock's.
        port: Where the host is.
        now_us: The clock.
        should_stop: Asked in every turn.
        announce: Told what a host can open, whenever the port has been opened.

    Raises:
        OSError: If the port cannot be opened.
    """
    looked_us = now_us()
    try:
        while not should_stop():
            _follow_cable(pen, port, announce)
            is_moving = pen.bridge_is_on or not pen.needles_still
            wait_s = _WAIT_MOVING_S if is_moving else _WAIT_RESTING_S
            is_ready, _, _ = select.select(port.watched(), [], [], wait_s)
            at_us = now_us()
            data = port.read() if is_ready else b""
            is_starved = at_us - looked_us > _STARVED_US
            if is_starved:
                pen.log("starved", lost_ms=(at_us - looked_us) // 1_000)
            # A real pen is not held up by other programs: what waited meanwhile has come before.
            answer = pen.receive(data, looked_us if is_starved else at_us)
            if answer:
                port.write(answer)
            pen.advance(at_us)
            if port.has_hung_up():
                pen.hang_up()
            looked_us = at_us
    finally:
        port.close()


def _follow_cable(pen: Pen, port: Port, announce: Callable[[str], None]) -> None:
    if pen.cable_in and not port.is_open:
        port.open()
        announce(port.url)
    elif port.is_open and not pen.cable_in:
        port.close()
