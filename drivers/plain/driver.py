"""A plain Modbus pen as a driver: supervised by its host, and driven only with a device watchdog.

It identifies by reading alone, asks one thing at a time, compares every echo byte for byte, writes
nothing twice but STOP and the kick of the watchdog, and after any doubt is silent for longer than
the pen may take to answer. docs/plain-pens.md says what supervision cannot see.

STOP goes out first, whatever the line is doing, and again until the pen reads back as stopped; the
needles are retracted with it. RENEW kicks the watchdog.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.authenticate import refuse_unprovable
from drivers.block import Identity, Status
from drivers.driver import Setup, no_keys
from drivers.errors import BadAddress, UnsuitablePen, WrongDevice
from drivers.exchange import REPEATABLE, Exchange, LinkMeter, LinkMetrics
from drivers.framing import Discard
from drivers.link import TOKEN_MAX
from drivers.pen import (
    ANSWER_TIMEOUT_US,
    IDENTIFY_TIMEOUT_MS,
    STOP_ATTEMPTS,
    STOP_TIMEOUT_US,
)
from drivers.plain.bus import Bus
from drivers.plain.conduct import ORDERS, Asked, Conduct, Moment
from drivers.plain.frames import write_request
from drivers.plain.identity import identity_of
from drivers.plain.lost import SupervisedPort
from drivers.plain.profile import PlainProfile
from drivers.plain.profile_file import load_profile
from drivers.plain.reader import Reader
from drivers.plain.survey import Readings
from drivers.plain.table import ProfileError
from drivers.plain.ticks import HostTicks, PenTicks
from drivers.port import Port, is_readable
from drivers.registers import Command, Result

_DAMAGED = (Discard.UNIT, Discard.FUNCTION, Discard.LENGTH, Discard.VALUE)
"""What is counted against the line, as for other pens: neither noise nor what is merely late."""


class PlainPen:
    """A host's link to one plain Modbus pen. One owner, one thread.

    Args:
        port: An open port; it belongs to this driver from now on.
        profile: What the registers mean.
        clock_us: The host's monotonic clock, in microseconds.
        token_source: Gives a fresh session token, 1 to 2^32 - 1, that nobody can guess.
        keys: Returns the key of a paired pen by its serial number, or None.

    Raises:
        ValueError: If the token source gives no such number.
    """

    def __init__(
        self,
        port: Port,
        profile: PlainProfile,
        clock_us: Callable[[], int],
        token_source: Callable[[], int],
        keys: Callable[[int], bytes | None] = no_keys,
    ) -> None:
        self.identity: Identity | None = None
        self._keys = keys
        self._bus = Bus(SupervisedPort(port, profile), clock_us, 1_000 * profile.latency_ms)
        self._profile = profile
        self._reader = Reader(self._bus, profile)
        self._clock_us = clock_us
        self._token_source = token_source
        self._token = self._fresh_token()
        self._sequence = 0
        # Nothing tells this boot from the last, so that none is ever taken for another one.
        self._epoch = self._token & 0xFFFF
        self._has_restarted = False
        self._conduct: Conduct | None = None
        self._ticks = self._new_ticks()
        self._meter = LinkMeter()

    @property
    def epoch(self) -> int | None:
        """Number that stands for the pen's present boot, or None; drawn, since the pen has none."""
        return None if self.identity is None else self._epoch

    @property
    def discarded(self) -> int:
        """Damaged and unasked frames since the port was opened; never falls."""
        return sum(self._bus.discards[cause] for cause in _DAMAGED)

    def identify(
        self, timeout_ms: int = IDENTIFY_TIMEOUT_MS, wake_fd: int | None = None
    ) -> Identity:
        """Find out who is there, by reading alone. Ends within 2 s, whatever the line does.

        Args:
            timeout_ms: For all of it, 1 to 1,600 ms.
            wake_fd: Readable when a STOP is wanted: all of this then ends at once.

        Raises:
            Preempted: If the wake ended it; the pen counts as not identified.
            SilentDevice: If nothing is heard at all.
            WrongDevice: If what is heard is not the device of the profile.
            UnsuitablePen: If the profile lacks what driving needs, such as a device watchdog.
            UnprovenPen: If a key is known for its serial number, which it cannot prove to hold.
            LinkLost: If the port goes away.
            ValueError: If the time is out of its range.

        Rule: SR-015, SR-055.
        """
        self.identity = self._conduct = None
        heard = self._reader.find(timeout_ms, wake_fd)
        profile, name = self._profile, self._bus.port.name
        if profile.lacking or profile.watchdog is None:
            raise UnsuitablePen(name, profile.lacking)
        identity = identity_of(profile, heard)
        if identity is None:
            raise WrongDevice(name, "a pen whose own limits allow nothing", profile.name)
        refuse_unprovable(identity, self._keys, name)
        if self._has_restarted:
            self._epoch = (self._epoch + 1) & 0xFFFF
            self._has_restarted = False
        self._ticks = self._new_ticks()
        self._conduct = Conduct(profile, profile.watchdog, identity)
        if self._believed(self._asked(Command.POLL), Result.NONE, heard) is None:
            raise WrongDevice(name, "a pen without clock or stroke counter", profile.name)
        self.identity = identity
        return identity

    def measure(self, timeout_ms: int = IDENTIFY_TIMEOUT_MS) -> Readings:
        """Return what the pen says, by reading alone; for pens too that are never driven.

        Args:
            timeout_ms: For all of it, 1 to 1,600 ms.

        Raises:
            SilentDevice: If nothing is heard at all.
            WrongDevice: If what is heard is not the device of the profile.
            LinkLost: If the port goes away.
        """
        self.identity = self._conduct = None
        return self._reader.find(timeout_ms)

    def exchange(
        self,
        command: Command,
        *,
        depth_um: int = 0,
        speed_dhz: int = 0,
        timeout_us: int = ANSWER_TIMEOUT_US,
        attempts: int = 1,
        wake_fd: int | None = None,
    ) -> Exchange:
        """Ask one thing, read the pen's status, and return how it ended; see `PenLink.exchange`.

        An attempt ends after its time, and at most as much again of waiting for a quiet line.

        Raises:
            ValueError: If attempts are out of range, or the token source fails.
            RuntimeError: If no pen has been identified, or the outcome of an order is unknown and
                this one must not follow it.
            LinkLost: If the port goes away.

        Rule: SR-010, SR-011, SR-013.
        """
        if attempts < 1 or (attempts > 1 and command not in REPEATABLE):
            raise ValueError(f"attempts = {attempts}: must be 1 for {command.name}")
        if command is Command.STOP:
            return self.stop(timeout_us=timeout_us, attempts=attempts)
        conduct = self._conduct
        if conduct is None or self.identity is None:
            raise RuntimeError("no pen has been identified: nothing but STOP may be sent")
        if conduct.is_unsettled and command in ORDERS:
            raise RuntimeError("the outcome of the last order is unknown: POLL settles it")
        if command is Command.OPEN:
            self._token = self._fresh_token()
        attempt = 0
        is_over = False
        while not is_over:
            attempt += 1
            asked = self._asked(command, depth_um, speed_dhz)
            exchange = self._attempt(conduct, asked, attempt, timeout_us, wake_fd)
            is_over = exchange.status is not None or exchange.exception is not None
            is_over |= exchange.preempted or exchange.epoch_changed or attempt == attempts
        self._meter.count(exchange)
        return exchange

    def stop(self, *, timeout_us: int = STOP_TIMEOUT_US, attempts: int = STOP_ATTEMPTS) -> Exchange:
        """Stop the pen: write STOP at once, and again until it reads back as stopped.

        Works in every state of the link, before identification too; then nothing can be read back,
        so that all attempts are used up, and a device that is no such pen is written one register.

        Args:
            timeout_us: How long each STOP waits for its answers, in microseconds.
            attempts: How many STOPs are written at most, 1 or more.

        Raises:
            LinkLost: If the port goes away; the pen's watchdog then stops it.

        Rule: SR-005, SR-013.
        """
        began_us = self._clock_us()
        attempt = 0
        is_over = False
        while not is_over:
            attempt += 1
            asked = self._asked(Command.STOP)
            was_heard = self._say_stop(timeout_us)
            if self._conduct is not None:
                self._conduct.will_stop()
            status = None
            # A STOP that was not even echoed is said again before anything is asked.
            if timeout_us > 0 and (was_heard or attempt >= attempts):
                status = self._look_stopped(asked, timeout_us)
            exchange = self._ended(asked, attempts=attempt, sent_us=began_us, status=status)
            is_over = attempt >= attempts or (status is not None and status.is_stopped)
        self._meter.count(exchange)
        return exchange

    def metrics(self) -> LinkMetrics:
        """Return what the link has counted and measured so far."""
        return self._meter.metrics(self._bus.discards, self._bus.noise_bytes)

    def close(self) -> None:
        """Give the port back. A pen that runs is stopped by its watchdog."""
        self._bus.port.close()

    def _say_stop(self, timeout_us: int) -> bool:
        """Write STOP at once; return whether its echo came, which proves nothing yet."""
        run = self._profile.run
        if run is None:
            return False
        stop = write_request(
            self._profile.unit_id, run.field.write or 0, run.field.address, (run.stop,)
        )
        return self._bus.insist(stop, self._clock_us() + timeout_us)

    def _look_stopped(self, asked: Asked, timeout_us: int) -> Status | None:
        """Retract the needles and return the pen's status, both on a line without late answers."""
        depth = self._profile.setpoints.get("depth_um")
        if self._conduct is None or depth is None:
            return None
        until_us = self._clock_us() + timeout_us + self._bus.patience_us
        unit_id, registers = self._profile.unit_id, depth.registers_of(0) or ()
        retract = write_request(unit_id, depth.write or 0, depth.address, registers)
        self._bus.ask(retract, until_us)
        heard = self._reader.read_all(until_us + timeout_us, None)
        return None if heard is None else self._believed(asked, Result.DONE, heard)

    def _attempt(
        self,
        conduct: Conduct,
        asked: Asked,
        attempt: int,
        timeout_us: int,
        wake_fd: int | None,
    ) -> Exchange:
        """Say what is to be said and read the status, once."""
        if not self._bus.clear(self._clock_us() + timeout_us, wake_fd):
            return self._ended(asked, attempts=attempt - 1, preempted=is_readable(wake_fd))
        began_us = self._clock_us()
        until_us = began_us + timeout_us
        result = conduct.judge(asked, began_us // 1_000)
        exception: int | None = None
        heard: Readings | None = None
        if result is Result.DONE and asked.command in ORDERS:
            conduct.will_change(asked)
        for request in conduct.writes_for(asked) if result is Result.DONE else ():
            answer = self._bus.ask(request, until_us, wake_fd).answer
            exception = None if answer is None else answer.exception
            if answer is None or exception is not None:
                break
        else:
            heard = self._reader.read_all(until_us, wake_fd)
        return self._ended(
            asked,
            attempts=attempt,
            sent_us=began_us,
            status=None if heard is None else self._believed(asked, result, heard),
            exception=exception,
            preempted=heard is None and exception is None and is_readable(wake_fd),
        )

    def _believed(self, asked: Asked, result: Result, heard: Readings) -> Status | None:
        """Return the status of these readings, or None if they are old or of another boot."""
        conduct, now_ms = self._conduct, self._clock_us() // 1_000
        identity = identity_of(self._profile, heard)
        tick_ms = self._ticks.take(heard.number("tick_ms"), now_ms)
        if heard.number("strokes") is None:
            tick_ms = Discard.VALUE
        if self._has_restarted or tick_ms is Discard.EPOCH:
            self._has_restarted, tick_ms = True, Discard.EPOCH
        if conduct is None or isinstance(tick_ms, Discard):
            self._bus.distrust(tick_ms if isinstance(tick_ms, Discard) else Discard.EPOCH)
            return None
        limits_hash = 0 if identity is None else identity.limits_hash
        where = Moment(tick_ms, self._epoch, limits_hash, now_ms)
        return conduct.take_in(asked, result, heard, where)

    def _asked(self, command: Command, depth_um: int = 0, speed_dhz: int = 0) -> Asked:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return Asked(command, self._token, self._sequence, depth_um, speed_dhz)

    def _ended(
        self,
        asked: Asked,
        *,
        attempts: int,
        sent_us: int | None = None,
        status: Status | None = None,
        exception: int | None = None,
        preempted: bool = False,
    ) -> Exchange:
        now_us = self._clock_us()
        is_answered = status is not None or exception is not None
        return Exchange(
            command=asked.command,
            token=asked.token,
            sequence=asked.sequence,
            status=status,
            exception=exception,
            sent_us=now_us if sent_us is None else sent_us,
            received_us=now_us if is_answered else None,
            attempts=attempts,
            preempted=preempted,
            epoch_changed=status is None and self._has_restarted,
        )

    def _fresh_token(self) -> int:
        token = self._token_source()
        if type(token) is not int or not 1 <= token <= TOKEN_MAX:
            raise ValueError(f"token = {token!r}: must be a whole number from 1 to {TOKEN_MAX}")
        return token

    def _new_ticks(self) -> PenTicks | HostTicks:
        if "tick_ms" not in self._profile.measured:
            return HostTicks()
        return PenTicks(self._profile.latency_ms + ANSWER_TIMEOUT_US // 1_000)


def open_plain(setup: Setup) -> PlainPen:
    """Return a link to a plain Modbus pen; the driver ``modbus``, its argument a device profile.

    Raises:
        BadAddress: If the argument is no such file, or the file no such profile.
    """
    if not setup.argument:
        raise BadAddress(setup.port.name, "the device profile is missing")
    try:
        profile = load_profile(Path(setup.argument))
    except ProfileError as error:
        raise BadAddress(setup.port.name, f"{setup.argument}: {error}") from error
    return PlainPen(setup.port, profile, setup.clock_us, setup.token_source, setup.keys)
