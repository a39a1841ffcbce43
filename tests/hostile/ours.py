"""penpilot's link before a simulated pen, with a stimulus between them, in virtual time."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

from drivers.exchange import Exchange
from drivers.pen import PenLink
from drivers.registers import Command, Result
from simulator.pen import Pen
from simulator.session import Order
from tests.contract.scripted_pen import FakeClock
from tests.hostile.stimuli import STIMULI, Scene, Stimulus

TIMEOUT_US = 25_000
WIRE_US = 500
BABBLE_US = 10_000
SCRIPT = (
    *(Command.POLL, Command.OPEN, Command.POLL, Command.ARM, Command.POLL, Command.POLL),
    *(Command.START, Command.RENEW, Command.RENEW, Command.POLL, Command.STOP, Command.POLL),
)
DEADLINE_US = {Command.STOP: 17 * 15_000 + 5_000}
"""A STOP is repeated 17 times; any other operation ends within its timeout and four quiets."""
OTHER_DEADLINE_US = TIMEOUT_US + 5 * 1_100


@dataclass
class Outcome:
    """What became of a session.

    Args:
        right: Operations that were believed, and rightly.
        wrong: What was believed that the pen never said in answer to it.
        none: Operations without an answer.
        twice: Orders that the pen executed more than once.
        stale: Orders that the pen executed after a STOP that was wished later.
        late: Operations that took longer than they may.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    none: int = 0
    twice: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)


class HostilePort:
    """A port to a simulated pen behind a stimulus; time goes on when somebody waits."""

    name = "hostile"
    gap_us = 0

    def __init__(self, clock: FakeClock, pen: Pen, seed: int) -> None:
        self.stimulus = STIMULI[0]
        self.said: set[bytes] = set()
        self.executed: list[Order] = []
        self._scene = Scene(TIMEOUT_US, random.Random(seed))
        self._clock, self._pen, self._began_us = clock, pen, clock.now_us
        self._coming: list[tuple[int, int, bytes]] = []
        self._going: list[tuple[int, int, bytes, Stimulus]] = []
        self._order = itertools.count()
        self._babble_us = clock.now_us
        execute = pen.firmware.execute

        def noted(order: Order, *, intact: bool) -> Result:
            result = execute(order, intact=intact)
            if result is Result.DONE:
                self.executed.append(order)
            return result

        pen.firmware.execute = noted  # type: ignore[method-assign]

    def write(self, data: bytes) -> None:
        """Let the request go, as the stimulus wants it."""
        for delay_us, part in self.stimulus.request(self._scene, data):
            at_us = self._clock.now_us + WIRE_US + delay_us
            self._going.append((at_us, next(self._order), part, self.stimulus))
        self._live()

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return what comes within that time."""
        del wake_fd
        until_us = self._clock.now_us + timeout_us
        while self._clock.now_us < until_us:
            if data := self.drain():
                return data
            events = [e[0] for e in (*self._coming, *self._going)]
            if self.stimulus.babble:
                events.append(self._babble_us + BABBLE_US)
            self._clock.now_us = min([until_us, *(e for e in events if e > self._clock.now_us)])
        return self.drain()

    def drain(self) -> bytes:
        """Return what has come."""
        self._live()
        now_us = self._clock.now_us
        here = sorted(e for e in self._coming if e[0] <= now_us)
        self._coming = [e for e in self._coming if e[0] > now_us]
        data = b"".join(part for _, _, part in here)
        while self.stimulus.babble and self._babble_us + BABBLE_US <= now_us:
            self._babble_us += BABBLE_US
            data += self.stimulus.babble
        return data

    def close(self) -> None:
        """Nothing is held."""

    def _live(self) -> None:
        """Let the pen hear what has reached it by now, and answer."""
        now_us = self._clock.now_us
        due = sorted(e for e in self._going if e[0] <= now_us)
        self._going = [e for e in self._going if e[0] > now_us]
        for at_us, _, part, stimulus in due:
            answer = self._pen.receive(part, at_us - self._began_us)
            if not answer:
                continue
            scene = self._scene
            scene.request = part
            scene.earlier.append(answer)
            self.said.add(answer)
            for delay_us, piece in stimulus.answer(scene, answer):
                self._coming.append((at_us + WIRE_US + delay_us, next(self._order), piece))
            scene.number += 1
        self._pen.advance(now_us - self._began_us)


def session(stimulus: Stimulus, seed: int, begin: int = 0, end: int | None = None) -> Outcome:
    """Run one session; the stimulus acts on the operations from ``begin`` to before ``end``."""
    clock, pen = FakeClock(), Pen(seed=seed)
    port = HostilePort(clock, pen, seed)
    clock.now_us += 1_000_000
    port.drain()  # the pen has booted
    link = PenLink(port, clock, itertools.count(0x1234_0001).__next__)
    link.identify()
    outcome = Outcome()
    for number, command in enumerate(SCRIPT):
        is_on = begin <= number < (len(SCRIPT) if end is None else end)
        port.stimulus = stimulus if is_on else STIMULI[0]
        began_us = clock.now_us
        exchange = said(link, command)
        if exchange is not None:
            judge(outcome, port, number, exchange)
        taken_us = clock.now_us - began_us
        if taken_us > DEADLINE_US.get(command, OTHER_DEADLINE_US):
            outcome.late.append(f"{number} {command.name}: {taken_us} us")
        clock.now_us += 50_000 if command is Command.ARM else 10_000
        port.drain()
    count_orders(outcome, port)
    return outcome


def said(link: PenLink, command: Command) -> Exchange | None:
    """Say one thing; None if the link does not let it be said, as after an unknown outcome."""
    try:
        if command is Command.STOP:
            return link.stop()
        return link.exchange(command, depth_um=500, speed_dhz=1_000, timeout_us=TIMEOUT_US)
    except RuntimeError:
        return None


def judge(outcome: Outcome, port: HostilePort, number: int, exchange: Exchange) -> None:
    """Compare what was believed with what the pen itself had said to just this request."""
    if exchange.status is None:
        outcome.none += 1
        return
    status = exchange.status
    expected = (exchange.token & 0xFFFF, exchange.sequence)
    echo = bytes(expected[0].to_bytes(2, "big") + expected[1].to_bytes(2, "big"))
    tick = status.tick_ms.to_bytes(4, "big")
    # An answer of 45 bytes: 3 of head, then state, flags, both echoes, tick.
    if any(answer[7:11] == echo and answer[11:15] == tick for answer in port.said):
        outcome.right += 1
    else:
        outcome.wrong.append(f"{number} {exchange.command.name}: {status}")


def count_orders(outcome: Outcome, port: HostilePort) -> None:
    """Look for orders that were executed twice, or after a STOP that was said later."""
    seen = set[tuple[int, int]]()
    newest_stop = -1
    for order in port.executed:
        key = (order.token, order.sequence)
        if order.command == Command.STOP:
            newest_stop = max(newest_stop, order.sequence)
            continue
        if key in seen:
            outcome.twice.append(f"{Command(order.command).name} {order.sequence}")
        seen.add(key)
        if order.sequence < newest_stop:
            outcome.stale.append(f"{Command(order.command).name} {order.sequence}")
