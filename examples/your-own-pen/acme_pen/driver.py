"""Speaks with an Acme pen; this is all that penpilot needs to drive one.

Each answer bears token and number of its request, so that it cannot be taken for another one's,
and a pen that hears nothing for 200 ms stops by itself. Without both a pen must not be driven.
"""

from __future__ import annotations

from collections import Counter

from acme_pen.lines import opened, sealed
from drivers.authenticate import refuse_unprovable
from drivers.block import Identity, Status
from drivers.driver import Setup
from drivers.errors import Preempted, SilentDevice, WrongDevice
from drivers.exchange import Exchange, LinkMeter, LinkMetrics
from drivers.framing import Discard
from drivers.port import is_readable
from drivers.registers import Capability, Command, Fault, Flag, PenState, Result

ORDERS = frozenset({Command.OPEN, Command.ARM, Command.START, Command.RESET})
"""They change something, so they are never repeated while nobody knows what became of them."""

LINE_BYTES_MAX = 200
_CAN = Capability.LEASE | Capability.DEPTH_SENSE | Capability.DEPTH_DRIVE | Capability.CONTACT_SENSE


class AcmePen:
    """A host's link to one Acme pen; see `drivers.driver.Driver`."""

    def __init__(self, setup: Setup) -> None:
        self.identity: Identity | None = None
        self.epoch: int | None = None
        self._port, self._clock_us = setup.port, setup.clock_us
        self._token_source, self._keys = setup.token_source, setup.keys
        self._token, self._number = setup.token_source(), 0
        self._tick_ms = -1
        self._is_unsettled = False
        self._heard = b""
        self._discards: Counter[Discard] = Counter()
        self._meter = LinkMeter()

    @property
    def discarded(self) -> int:
        """Damaged lines so far."""
        return self._discards[Discard.CRC32]

    def identify(self, timeout_ms: int = 1_500, wake_fd: int | None = None) -> Identity:
        """Ask who is there, which changes nothing in any device, then for a first status."""
        self.identity, self.epoch, self._tick_ms = None, None, -1
        until_us, was_heard = self._clock_us() + 1_000 * timeout_ms, False
        while self._clock_us() < until_us:
            self._number += 1
            self._port.write(sealed("REQUEST", f"{self._token:08x}", self._number, "WHO"))
            words = self._listen(min(self._clock_us() + 300_000, until_us), self._number, wake_fd)
            was_heard = was_heard or bool(self._discards) or bool(self._heard)
            said = _numbers(words, "ACME", 7)
            if said is not None:
                serial, deepest, step, slowest, fastest, needles, limits = said
                identity = Identity(
                    *(0, serial, 1, 0, 900, _CAN, deepest, step, slowest, fastest, 200, 150),
                    *(needles, deepest, 0, limits, 100),
                )
                refuse_unprovable(identity, self._keys, self._port.name)
                self.identity = identity
                first = self.exchange(Command.POLL, timeout_us=100_000, attempts=3, wake_fd=wake_fd)
                if first.status is not None:
                    return identity
                self.identity, was_heard = None, True
            if is_readable(wake_fd):
                raise Preempted(self._port.name)
        if was_heard:
            raise WrongDevice(self._port.name, "something else", "an Acme pen")
        raise SilentDevice(self._port.name, timeout_ms)

    def exchange(
        self,
        command: Command,
        *,
        depth_um: int = 0,
        speed_dhz: int = 0,
        timeout_us: int = 25_000,
        attempts: int = 1,
        wake_fd: int | None = None,
    ) -> Exchange:
        """Ask one thing and return how it ended."""
        if attempts < 1 or (attempts > 1 and command in ORDERS):
            raise ValueError(f"attempts = {attempts}: must be 1 for {command.name}")
        if command is Command.STOP:
            return self.stop(timeout_us=timeout_us, attempts=attempts)
        if self.identity is None or (self._is_unsettled and command in ORDERS):
            raise RuntimeError("no pen was identified, or nobody knows what became of an order")
        if command is Command.OPEN:
            self._token = self._token_source()
        for attempt in range(attempts):
            if is_readable(wake_fd):
                return self._ended(command, None, attempt, self._clock_us(), preempted=True)
            sent_us = self._clock_us()
            self._say(command, depth_um, speed_dhz)
            self._is_unsettled |= command in ORDERS
            status = self._status(sent_us + timeout_us, self._number, wake_fd)
            if status is not None or is_readable(wake_fd):
                break
        preempted = status is None and is_readable(wake_fd)
        return self._ended(command, status, attempt + 1, sent_us, preempted=preempted)

    def stop(self, *, timeout_us: int = 15_000, attempts: int = 17) -> Exchange:
        """Write STOP at once, and again until the pen says that it stands."""
        began_us, first, status, said = self._clock_us(), self._number + 1, None, 0
        while said < max(attempts, 1) and (status is None or not status.is_stopped):
            self._say(Command.STOP, 0, 0)
            said += 1
            status = self._status(self._clock_us() + timeout_us, first, None)
        return self._ended(Command.STOP, status, said, began_us)

    def metrics(self) -> LinkMetrics:
        """Return what was counted."""
        return self._meter.metrics(self._discards, 0)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _say(self, command: Command, depth_um: int, speed_dhz: int) -> None:
        self._number += 1
        words = (f"{self._token:08x}", self._number, command.name, depth_um, speed_dhz)
        self._port.write(sealed("REQUEST", *words))

    def _status(self, until_us: int, first: int, wake_fd: int | None) -> Status | None:
        """Return the status that answers a request of that number or a later one."""
        said = _numbers(self._listen(until_us, first, wake_fd), "STATUS", 15)
        if said is None or self.identity is None:
            return None
        state, fault, flags, tick_ms, epoch, token, number, result, *rest = said
        if tick_ms <= self._tick_ms or self.epoch not in (None, epoch):
            self._discards[Discard.TICK] += 1
            return None
        self._tick_ms, self.epoch, self._is_unsettled = tick_ms, epoch, False
        return Status(
            *(PenState(state), Fault(fault), Flag(flags), self._token & 0xFFFF, self._number),
            *(tick_ms, epoch, token, number, Result(result), *rest),
        )

    def _listen(self, until_us: int, first: int, wake_fd: int | None) -> list[str] | None:
        """Return the words of the answer to the newest requests, from that number on."""
        while (now_us := self._clock_us()) < until_us and not is_readable(wake_fd):
            self._heard += self._port.read(until_us - now_us, wake_fd)
            *lines, rest = self._heard.split(b"\n")
            self._heard = rest[-LINE_BYTES_MAX:]
            for line in lines:
                words = opened(line)
                if words is None:
                    self._discards[Discard.CRC32] += 1
                elif words[:2] == ["ANSWER", f"{self._token:08x}"] and _number(words[2:3]) >= first:
                    return words[3:]
                else:
                    self._discards[Discard.SEQUENCE] += 1
        return None

    def _ended(
        self,
        command: Command,
        status: Status | None,
        attempts: int,
        sent_us: int,
        *,
        preempted: bool = False,
    ) -> Exchange:
        heard_us = None if status is None else self._clock_us()
        ids = (self._token, self._number)
        exchange = Exchange(
            command, *ids, status, None, sent_us, heard_us, attempts, preempted, epoch_changed=False
        )
        self._meter.count(exchange)
        return exchange


def _number(words: list[str]) -> int:
    return int(words[0]) if words and words[0].isdigit() else -1


def _numbers(words: list[str] | None, kind: str, count: int) -> list[int] | None:
    """Return the numbers of an answer of that kind, or None if it is none."""
    if words is None or words[:1] != [kind] or len(words) != count + 1:
        return None
    try:
        return [int(word) for word in words[1:]]
    except ValueError:
        return None


def open_acme(setup: Setup) -> AcmePen:
    """Return a link to an Acme pen; the driver ``acme``."""
    return AcmePen(setup)
