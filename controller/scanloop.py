"""The scan loop: facts in, one step of the safety core, journal, one exchange with the pen.

It decides nothing: what is allowed stands in `safety`, what is said on the wire in `drivers`. It is
the only caller of both while a session runs, and the only one that waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controller.clock import Clock
from controller.mailbox import Mailbox
from controller.translate import exchanged_of, pen_identity_of, telemetry_of
from drivers.block import Identity
from drivers.driver import Driver
from drivers.errors import DeviceError, LinkError, Preempted, UnsuitablePen
from drivers.exchange import Exchange
from drivers.link import OF_THIS_BOOT
from drivers.registers import Command, Result
from safety.facts import Calibration, Exchanged, Facts, Intent, PenIdentity, Telemetry
from safety.guards import is_still
from safety.memory import Decision, Entry, Memory
from safety.states import LATCHED, MOVING, OrderKind
from safety.step import SafetyCore

PERIOD_US = 50_000
"""One scan. Source: DESIGN 5, heartbeat of profile A."""

ANSWER_US = 25_000
"""How long an answer may take. Source: DESIGN 5, answer timeout of profile A."""

ATTEMPTS = 2
"""Tries in one period of an order that may be said again: 2 x 25 ms fit into 50 ms."""

STOP_ATTEMPTS = 3
"""STOPs in one scan, 15 ms apart: they fill it, and the next scan goes on with them."""

LINK_LOST_US = 1_000_000
"""A pen unheard for so long is gone; its lease ended long before. ASSUMED: five leases."""

RELEARN_US = 300_000
"""A pen that has just answered says who it is within this. ASSUMED: six boots of 50 ms."""

ASK_MS = ANSWER_US // 1_000
"""How long it is listened to before a STOP is looked for again. Source: an answer's time."""

DRIVER_LOST_US = 1_000_000
"""The guiding program must give a sign within this. Source: [ECO] 1.2, session lease."""

_REPEATABLE = frozenset({OrderKind.POLL, OrderKind.RENEW})


OnScan = Callable[[Memory, Facts, tuple[Intent, ...], int, Decision | None], None]
"""Takes what one scan began with and decided; None if the core broke down. It may not wait."""


class Journal(Protocol):
    """Where entries become durable without the scan waiting for it."""

    @property
    def durable_ticket(self) -> int:
        """The last ticket that is safe on disk."""

    @property
    def failed(self) -> str | None:
        """Why nothing is written any more, or None."""

    def submit(self, entry: Entry) -> int:
        """Hand over an entry and return its ticket."""


@dataclass(slots=True)
class Timing:
    """Lateness of the scans, for snapshot and record.

    Args:
        scans: How many there were.
        late_ms_max: The worst so far.
        late_ms: The last one.
    """

    scans: int = 0
    late_ms_max: int = 0
    late_ms: int = 0


class ScanLoop:
    """One session's scans.

    Args:
        link: The identified pen.
        identity: The pen as safety knows it.
        clock: Time, and waiting.
        mailbox: What people want.
        journal: Where entries go.
        memory: What the core begins with: plan and ledger.
        calibration: What is known of the pen's depth; without it nothing arms.
        publish: Called after every scan with the decision and the facts it was made from.
        on_scan: Called with every decision before anything comes of it, for the scan log.
    """

    def __init__(
        self,
        *,
        link: Driver,
        identity: PenIdentity,
        clock: Clock,
        mailbox: Mailbox,
        journal: Journal,
        memory: Memory,
        calibration: Calibration | None,
        publish: Callable[[Decision, Facts, Timing], None],
        on_scan: OnScan | None = None,
    ) -> None:
        self._link = link
        self._identity = identity
        self._clock = clock
        self._mailbox = mailbox
        self._journal = journal
        self._calibration = calibration
        self._publish = publish
        self._on_scan = on_scan
        self._core = SafetyCore()
        self._telemetry: Telemetry | None = None
        self._exchanged: Exchanged | None = None
        self._has_restarted = False
        self._is_known = True
        self._link_failure = ""
        self._heard_us = clock.now_us()
        self._unsaved: deque[tuple[int, int]] = deque()
        self._durable = 0
        self._due_us = clock.now_us()
        self.memory = memory
        self.timing = Timing()
        self.driver_seen_us: int | None = None

    @property
    def link_failure(self) -> str:
        """Why the link is gone, or an empty text."""
        return self._link_failure

    def run(self, is_over: Callable[[Decision, Facts], bool]) -> Memory:
        """Scan until it is over, and return the last memory.

        Whatever goes wrong, the last thing that the pen hears is STOP. Rule: SR-005, SR-021.
        """
        # What was set up since this was made is no lateness of a scan.
        self._due_us = self._clock.now_us()
        try:
            while True:
                decision, facts = self.scan()
                if is_over(decision, facts):
                    return self.memory
        finally:
            self._last_stop()

    def scan(self) -> tuple[Decision, Facts]:
        """Do one scan, then wait for the next or for a STOP."""
        now_us = self._clock.now_us()
        self.timing.scans += 1
        self.timing.late_ms = max(0, now_us - self._due_us) // 1_000
        self.timing.late_ms_max = max(self.timing.late_ms_max, self.timing.late_ms)
        facts = self._facts(now_us)
        decision = self._decide(facts, self._mailbox.take(), now_us // 1_000)
        # The core has latched it; what the pen is from now on it says itself.
        self._has_restarted &= not self._is_known
        for entry in decision.entries:
            self._unsaved.append((self._journal.submit(entry), entry.number))
        is_calm = self._exchange(decision)
        self._publish(decision, facts, self.timing)
        # A pen that has just changed is looked at again without waiting.
        self._due_us = self._clock.now_us() if not is_calm else now_us + PERIOD_US
        self._clock.wait_until(self._due_us, self._mailbox.wake_fd)
        # Woken early by a STOP is not late; woken late is.
        self._due_us = min(self._due_us, self._clock.now_us())
        return decision, facts

    def _decide(self, facts: Facts, intents: tuple[Intent, ...], now_ms: int) -> Decision:
        """Let the core decide, and log what it knew even if it breaks down over it."""
        before, decision = self.memory, None
        try:
            decision = self._core.step(before, facts, intents, now_ms)
            self.memory = decision.memory
            return decision
        finally:
            if self._on_scan is not None:
                self._on_scan(before, facts, intents, now_ms, decision)

    def _facts(self, now_us: int) -> Facts:
        """Gather what is known now."""
        while self._unsaved and self._unsaved[0][0] <= self._journal.durable_ticket:
            self._durable = self._unsaved.popleft()[1]
        is_heard = now_us - self._heard_us <= LINK_LOST_US
        if not is_heard and not self._link_failure:
            self._link_failure = f"the pen was not heard for {LINK_LOST_US // 1_000} ms"
        seen_us = self.driver_seen_us
        return Facts(
            link_is_up=not self._link_failure,
            # A port that has gone is opened by no scan: that is another session.
            link_is_wanted=not self._link_failure,
            identity=self._identity if self._is_known else None,
            telemetry=self._telemetry,
            exchanged=self._exchanged,
            epoch_changed=self._has_restarted,
            durable=self._durable,
            record_failure=self._journal.failed or "",
            late_ms=self.timing.late_ms,
            driver_is_present=seen_us is not None and now_us - seen_us <= DRIVER_LOST_US,
            link_errors=self._link.discarded,
            session_is_open=True,
            calibration=self._calibration,
        )

    def _exchange(self, decision: Decision) -> bool:
        """Ask the pen what was decided; return whether it is as it was before."""
        order, before = decision.order, self._telemetry
        if self._link_failure:
            return True
        try:
            if not self._is_known and self._may_learn(decision.memory):
                self._learn_again()
            if order is None:
                return False
            # A pen that did not say who it is may be stopped, and nothing else.
            if order.kind is OrderKind.STOP or self._link.identity is None:
                self._take(self._link.stop(attempts=STOP_ATTEMPTS))
            else:
                self._take(
                    self._link.exchange(
                        Command(order.kind),
                        depth_um=order.depth_um,
                        speed_dhz=order.speed_dhz,
                        timeout_us=ANSWER_US,
                        attempts=ATTEMPTS if order.kind in _REPEATABLE else 1,
                        wake_fd=self._mailbox.wake_fd,
                    )
                )
        except LinkError as error:
            self._link_failure = str(error)
            return False
        after = self._telemetry
        if self._mailbox.has_stop or before is None or after is None:
            return False
        return (before.state, before.fault) == (after.state, after.fault)

    def _take(self, exchange: Exchange) -> None:
        """Take in what came of an exchange; a preempted one is followed by STOP at once."""
        if exchange.preempted:
            self._exchanged = exchanged_of(exchange)
            exchange = self._link.stop(attempts=STOP_ATTEMPTS)
        self._exchanged = exchanged_of(exchange)
        if exchange.epoch_changed:
            self._has_restarted, self._is_known = True, False
            self._link.stop(attempts=1, timeout_us=0)
        if exchange.status is not None and exchange.received_us is not None:
            was = self._telemetry
            self._telemetry = telemetry_of(exchange.status, exchange.received_us)
            # What a pen said of its cartridge holds no longer once another may be in.
            if was is not None and self._telemetry.has_cartridge and not was.has_cartridge:
                self._is_known = False
            # A paired pen is out of step with our tokens: both prove themselves anew.
            is_opening = exchange.command in OF_THIS_BOOT
            if is_opening and exchange.status.result is Result.BAD_TOKEN:
                self._is_known = False
            self._heard_us = exchange.received_us

    def _may_learn(self, memory: Memory) -> bool:
        """Return whether there is time to ask the pen who it is: nothing may be left to be stopped.

        Of a pen that restarted no status would be believed before.
        """
        if memory.state in MOVING:
            return False
        seen = self._telemetry
        is_at_rest = seen is not None and is_still(seen)
        return self._has_restarted or is_at_rest or memory.state not in LATCHED

    def _learn_again(self) -> None:
        """Ask the pen who it is; if it does not say so now, a later scan asks again.

        STOP goes first, every time: it needs no identity. One that is wanted ends the asking.

        Raises:
            LinkError: If the port itself has gone.
        """
        until_us = self._clock.now_us() + RELEARN_US
        while not self._mailbox.has_stop and self._clock.now_us() < until_us:
            self._link.stop(attempts=1, timeout_us=0)
            try:
                self._adopt(self._link.identify(ASK_MS, self._mailbox.wake_fd))
            except (UnsuitablePen, Preempted):
                return
            except DeviceError:
                # The late answer to that STOP, or to the last question, is no identity either.
                continue
            return

    def _adopt(self, pen: Identity) -> None:
        """Take in who the pen says it is."""
        epoch = self._link.epoch
        self._has_restarted |= epoch != self._identity.epoch
        self._identity = pen_identity_of(pen, -1 if epoch is None else epoch)
        self._is_known = True

    def _last_stop(self) -> None:
        """Say STOP once more, heard or not; if the port has gone, the lease does the rest."""
        try:
            self._link.stop()
        except LinkError as error:
            self._link_failure = self._link_failure or str(error)
