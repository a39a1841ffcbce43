"""The deterministic world: the shipped scan loop, link and codec, and a simulated pen, one clock.

No thread, socket, sleep or real clock: time goes on only when the host waits. The same seed and
plan give the same bytes in both directions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from controller.mailbox import Mailbox
from controller.scanloop import ScanLoop, Timing
from controller.translate import pen_identity_of
from drivers.pen import PenLink
from drivers.port import Port, is_readable
from drivers.registers import BAUD_RATE, Command
from safety.facts import Calibration, Facts, Intent, IntentKind
from safety.ledger import AreaPlan, Ledger
from safety.memory import Decision, Entry, Memory, Unsettled
from safety.states import State
from simulator.pen import Pen

CALIBRATION = Calibration(uncertainty_um=60, is_in_date=True)
"""What the world's host knows of its pen. ASSUMED: [DOM] 6.1, uncertainty of a calibrated pen."""

CHARACTER_US = 10_000_000 // BAUD_RATE
"""One character on the wire, 10 bits. Source: [SAF] 8.1, 86.8 us at 115,200 baud, rounded down."""

TURN_ROUND_US = 1_000
"""From the last byte of a request to the first of its answer. Source: [SAF] 8.1."""


class VirtualClock:
    """Time that goes on when somebody waits."""

    def __init__(self) -> None:
        """Start at 1 s, so that nothing happens at 0 by accident."""
        self._now_us = 1_000_000

    def now_us(self) -> int:
        """Return the time in microseconds."""
        return self._now_us

    def wait_until(self, at_us: int, wake_fd: int | None = None) -> None:
        """Go on to that time at once; a wake that is already there costs no time."""
        if not is_readable(wake_fd):
            self._now_us = max(self._now_us, at_us)


@dataclass(slots=True)
class WireFault:
    """What the wire does to the next frames; counts what it did.

    Args:
        lose_requests: So many requests are lost.
        lose_answers: So many answers are lost.
        is_cut: Whether nothing passes at all.
    """

    lose_requests: int = 0
    lose_answers: int = 0
    is_cut: bool = False


class VirtualPort:
    """A port whose far end is a simulated pen; bytes take the time that a wire takes.

    Args:
        pen: The far end.
        clock: Shared with the host.
    """

    name = "virtual"
    gap_us = 0

    def __init__(self, pen: Pen, clock: VirtualClock) -> None:
        self.fault = WireFault()
        self.digest = hashlib.sha256()
        self._pen = pen
        self._clock = clock
        self._began_us = clock.now_us()
        self._coming: list[tuple[int, bytes]] = []

    def write(self, data: bytes) -> None:
        """Send bytes; the pen's answer comes when both have crossed the wire."""
        self.digest.update(b">" + data)
        if self.fault.is_cut:
            return
        if self.fault.lose_requests:
            self.fault.lose_requests -= 1
            return
        arrival_us = self._clock.now_us() + len(data) * CHARACTER_US
        answer = self._pen.receive(data, arrival_us - self._began_us)
        if answer and self.fault.lose_answers:
            self.fault.lose_answers -= 1
        elif answer:
            there_us = arrival_us + TURN_ROUND_US + len(answer) * CHARACTER_US
            self._coming.append((there_us, answer))

    def read(self, timeout_us: int, wake_fd: int | None = None) -> bytes:
        """Return what comes within that time, and let the time go by."""
        until_us = self._clock.now_us() + timeout_us
        if self._coming and self._coming[0][0] <= until_us:
            self._clock.wait_until(self._coming[0][0], wake_fd)
            return self.drain()
        self._clock.wait_until(until_us, wake_fd)
        return b""

    def drain(self) -> bytes:
        """Return what has come."""
        now_us = self._clock.now_us()
        here = [data for at_us, data in self._coming if at_us <= now_us]
        self._coming = [(at_us, data) for at_us, data in self._coming if at_us > now_us]
        data = b"".join(here)
        self.digest.update(b"<" + data)
        return data

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class VirtualJournal:
    """A journal in memory; entries become durable after a number of scans, or never.

    Args:
        delay: Durable when so many further questions were asked.
        failed: Why it takes nothing any more, or None.
    """

    delay: int = 0
    failed: str | None = None
    entries: list[Entry] = field(default_factory=list)
    _due: list[int] = field(default_factory=list)
    _asked: int = 0

    @property
    def durable_ticket(self) -> int:
        """The last ticket that is durable."""
        self._asked += 1
        return sum(due <= self._asked for due in self._due)

    def submit(self, entry: Entry) -> int:
        """Take an entry and return its ticket."""
        if self.failed is None:
            self.entries.append(entry)
            self._due.append(self._asked + self.delay)
        return len(self.entries) + (self.failed is not None)


class World:
    """A host and a pen on one clock.

    Args:
        areas: Granted areas.
        pen: The pen; faults may be injected into it.
        ledger: Passes delivered before.
        unsettled: Passes of which nobody saw the end.
        journal: Where entries go.
        wrap: Puts something between port and link, such as a trace; given the clock as well.

    The world identifies the pen at once; `scan` and `scan_until` go on from there.
    """

    def __init__(
        self,
        areas: tuple[AreaPlan, ...],
        pen: Pen,
        *,
        ledger: Ledger | None = None,
        unsettled: tuple[Unsettled, ...] = (),
        journal: VirtualJournal | None = None,
        wrap: Callable[[Port, VirtualClock], Port] = lambda port, _clock: port,
    ) -> None:
        self.clock = VirtualClock()
        self.pen = pen
        self.port = VirtualPort(pen, self.clock)
        self.journal = journal or VirtualJournal()
        self.mailbox = Mailbox()
        self.decisions: list[Decision] = []
        tokens = iter(range(0x1000_0001, 0x2000_0000, 0x0001_0001))
        port = wrap(self.port, self.clock)
        link = PenLink(port, self.clock.now_us, lambda: next(tokens))
        pen.advance(1_000_000)  # it has booted before the host looks
        self.clock.wait_until(2_000_000)
        self.identity = link.identify()
        first = link.exchange(Command.POLL)
        epoch = -1 if first.status is None else first.status.epoch
        self.loop = ScanLoop(
            link=link,
            identity=pen_identity_of(self.identity, epoch),
            clock=self.clock,
            mailbox=self.mailbox,
            journal=self.journal,
            memory=Memory(plan=areas, ledger=ledger or Ledger(), unsettled=unsettled),
            calibration=CALIBRATION,
            publish=self._watch,
        )

    @property
    def memory(self) -> Memory:
        """The safety core's memory after the last scan."""
        return self.loop.memory

    @property
    def digest(self) -> str:
        """SHA-256 over every byte that crossed the wire, with its direction."""
        return self.port.digest.hexdigest()

    def close(self) -> None:
        """Give back what it holds of the real world: the mailbox's pair of sockets."""
        self.mailbox.close()

    def _watch(self, decision: Decision, facts: Facts, timing: Timing) -> None:
        del facts, timing
        self.decisions.append(decision)

    def want(self, *kinds: IntentKind) -> None:
        """Leave wishes for the next scan."""
        current = self.memory.current
        area = "" if current is None else current.plan.area
        for kind in kinds:
            self.mailbox.put(Intent(kind, area=area))

    def scan(self, count: int = 1) -> Decision:
        """Do some scans with the driver present; return the last decision."""
        for _ in range(count):
            self.loop.driver_seen_us = self.clock.now_us()
            decision, _ = self.loop.scan()
        return decision

    def scan_until(
        self, is_there: Callable[[Memory], bool], *, limit: int = 4_000, pushing: bool = True
    ) -> Memory:
        """Scan until it is there; push the session on as an unattended guide would.

        Raises:
            TimeoutError: After ``limit`` scans.
        """
        for _ in range(limit):
            if is_there(self.memory):
                return self.memory
            if pushing:
                self.want(*self._push())
            self.scan()
        raise TimeoutError(f"still {self.memory.state.name} after {limit} scans")

    def _push(self) -> Sequence[IntentKind]:
        memory = self.memory
        if memory.state is State.IDLE:
            return (IntentKind.PLAN,)
        if memory.state is State.PLANNED:
            is_left = memory.ledger.next_pass(memory.plan) is not None
            return (IntentKind.ARM if is_left else IntentKind.FINISH,)
        if memory.state is State.ARMED and not memory.start_entry:
            return (IntentKind.START,)
        return ()
