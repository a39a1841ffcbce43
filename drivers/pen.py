"""The pen as seen by its host: identify, exchange, stop; decides nothing about safety.

The shell around `drivers.link.LinkCore`: it owns the port, the order of bytes and the waiting.
One owner, one thread. Whoever else wants a STOP makes the owner's `wake_fd` readable: the exchange
in hand returns at once, and the owner calls `PenLink.stop`.

A STOP is written first and everything else comes later: no drain, no gap, no reading, no waiting.
On a full-duplex line (USB, RS-232, four-wire RS-485, pty, socket) it is on its way at once. On a
half-duplex line (two-wire RS-485) it collides with a reply that is just coming, and the repeat
15 ms later gets through; there the lease is what bounds the stop (docs/protocol.md 6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.authenticate import PairingTalk, refuse_downgrade
from drivers.driver import no_keys
from drivers.errors import BadAddress, DeviceError, Preempted, UnprovenPen, WrongDevice
from drivers.exchange import REPEATABLE, Exchange, LinkMeter
from drivers.framing import Framing
from drivers.identify import read_identity
from drivers.line import Line
from drivers.link import OF_THIS_BOOT, LinkCore
from drivers.pairing import TokenChain
from drivers.port import is_readable
from drivers.registers import UNIT_ID, Command
from drivers.rtu import RTU, UNIT_IDS, RtuFraming

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.block import Identity
    from drivers.driver import Setup
    from drivers.exchange import Answer, LinkMetrics
    from drivers.port import Port

ANSWER_TIMEOUT_US = 25_000
"""An exchange without an answer is over after this. Source: DESIGN 5, profile A."""

STOP_TIMEOUT_US = 15_000
"""A STOP without an answer is repeated after this. Source: one exchange of 11.3 ms at 115,200
baud (docs/protocol.md 9), and some for the bridge."""

STOP_ATTEMPTS = 17
"""17 x 15 ms = 255 ms: by then the lease has run out and the pen stands still by itself within
251 ms (DESIGN 5)."""

IDENTIFY_TIMEOUT_MS = 1_500
IDENTIFY_TIMEOUT_MS_MAX = 1_600
IDENTIFIED_US_MAX = 1_950_000
"""Finding out who is there ends within 2 s in all cases: the first of these, the first POLL, the
proofs, and the quiet before each request. ASSUMED: so long an operator waits without wondering."""

PROVE_TIMEOUT_MS_MAX = 250
"""The proofs take no longer. ASSUMED: two exchanges of 10 ms at 115,200 baud, tried three times,
over a slow bridge."""

_FIRST_POLL_US = 100_000
_FIRST_POLL_ATTEMPTS = 3


class PenLink:
    """A host's link to one pen.

    Args:
        port: An open port; it belongs to this link from now on.
        clock_us: The host's monotonic clock, in microseconds. It must go on while the port waits.
        token_source: Gives a fresh session token, 1 to 2^32 - 1, that nobody can guess.
        framing: How requests and replies travel; Modbus RTU to unit 1 unless given.
        keys: Returns the key of a paired pen by its serial number, or None.

    Raises:
        ValueError: If the token source gives no such number.
    """

    def __init__(
        self,
        port: Port,
        clock_us: Callable[[], int],
        token_source: Callable[[], int],
        framing: Framing = RTU,
        keys: Callable[[int], bytes | None] = no_keys,
    ) -> None:
        self.identity: Identity | None = None
        self._line = Line(port, clock_us, keeps_gap=framing.needs_gap)
        self._clock_us = clock_us
        self._token_source = self._next_token = token_source
        self._framing = framing
        self._keys = keys
        self._core = LinkCore(token_source(), framing)
        self._meter = LinkMeter()

    def identify(
        self, timeout_ms: int = IDENTIFY_TIMEOUT_MS, wake_fd: int | None = None
    ) -> Identity:
        """Find out who is there, and learn the pen's tick and epoch from a first POLL.

        Reads only, until a suitable pen has been found. Where its key is known, pen and host prove
        to each other that they hold it. Ends within 2 s, whatever the line does.

        Args:
            timeout_ms: For the identity, 1 to 1,600 ms.
            wake_fd: Readable when a STOP is wanted: all of this then ends at once, and the caller
                calls `stop`.

        Raises:
            Preempted: If the wake ended it; the pen counts as not identified.
            SilentDevice: If nothing is heard at all.
            WrongDevice: If what is heard is no valid identity, or no valid status follows it.
            UnsuitablePen: If it is a pen without lease or without depth sense.
            UnprovenPen: If its key is known, and it does not prove to hold it.
            LinkLost: If the port goes away.
            ValueError: If the time is out of its range.

        Rule: SR-015.
        """
        if not 1 <= timeout_ms <= IDENTIFY_TIMEOUT_MS_MAX:
            raise ValueError(
                f"timeout_ms = {timeout_ms!r}: must be from 1 to {IDENTIFY_TIMEOUT_MS_MAX}"
            )
        until_us = self._clock_us() + IDENTIFIED_US_MAX
        self.identity = None
        self._core.adopt(None)
        self._next_token = self._token_source
        identity = read_identity(self._line, self._framing, timeout_ms, wake_fd)
        key = self._keys(identity.serial_number)
        if key is not None:
            refuse_downgrade(identity, self._line.port.name)
        self._core.adopt(identity.serial_number)
        first = self.exchange(
            Command.POLL,
            timeout_us=_FIRST_POLL_US,
            attempts=_FIRST_POLL_ATTEMPTS,
            wake_fd=wake_fd,
        )
        if first.status is None:
            self._core.adopt(None)
            if first.preempted:
                raise Preempted(self._line.port.name)
            raise WrongDevice(
                self._line.port.name,
                f"the identity of pen {identity.serial_number}, but no valid status",
            )
        self.identity = identity
        if key is None:
            return identity
        return self.prove(key, (until_us - self._clock_us()) // 1_000, wake_fd)

    def prove(
        self, key: bytes, timeout_ms: int = PROVE_TIMEOUT_MS_MAX, wake_fd: int | None = None
    ) -> Identity:
        """Let the identified pen and this host prove to each other that they hold the key.

        From then on the tokens are those that follow from the key. Without the proof the pen counts
        as not identified.

        Args:
            key: 32 bytes.
            timeout_ms: Ends within this, or within 250 ms if that is shorter.
            wake_fd: As for `identify`.

        Raises:
            Preempted: If the wake ended it; the pen counts as not identified.
            UnprovenPen: If the pen does not prove it, or does not believe us.
            WrongDevice: If it restarted meanwhile.
            SilentDevice: If it does not answer.
            RuntimeError: If no pen has been identified.
            LinkLost: If the port goes away.

        Rule: SR-055.
        """
        identity, talk, epoch = self._talk(wake_fd)
        self.identity = None
        timeout_us = 1_000 * min(timeout_ms, PROVE_TIMEOUT_MS_MAX)
        try:
            self._next_token = TokenChain(talk.prove(key, epoch, timeout_us))
        except (DeviceError, Preempted) as error:
            # Of another boot every proof is wrong: that accuses no pen of being a clone.
            has_restarted = isinstance(error, UnprovenPen) and self._has_restarted(wake_fd)
            self._core.adopt(None)
            if has_restarted:
                found = f"pen {identity.serial_number}, which restarted while it was asked"
                raise WrongDevice(self._line.port.name, found, "one that stays on") from error
            raise
        self.identity = replace(identity, is_paired=True)
        return self.identity

    def agree(self, private_key: bytes) -> bytes | None:
        """Agree with the identified pen on a new key, which it keeps after `prove`.

        Args:
            private_key: 32 random bytes, never used before.

        Returns:
            The new key, or None if nobody holds the pen's button, or not for long enough yet.

        Raises:
            UnprovenPen: If no key comes of what the pen says.
            SilentDevice: If it does not answer.
            RuntimeError: If no pen has been identified.
            LinkLost: If the port goes away.
        """
        _, talk, _ = self._talk()
        return talk.agree(private_key, 1_000 * PROVE_TIMEOUT_MS_MAX)

    def _has_restarted(self, wake_fd: int | None) -> bool:
        return self.exchange(Command.POLL, wake_fd=wake_fd).epoch_changed

    def _talk(self, wake_fd: int | None = None) -> tuple[Identity, PairingTalk, int]:
        """Return who is there, and what speaks with it of pairing."""
        identity, epoch = self.identity, self._core.epoch
        if identity is None or epoch is None:
            raise RuntimeError("no pen has been identified: there is nobody to be paired with")
        talk = PairingTalk(
            self._line, self._framing, identity.serial_number, self._token_source, wake_fd
        )
        return identity, talk, epoch

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
        """Ask one thing and return how it ended. Every OPEN and RESET brings a fresh token.

        A pen takes OPEN and RESET only with the tick of a status that is newer than its last stop:
        ask by POLL in between, since the answer to a STOP bears the very tick of the stop.

        Args:
            command: What to ask. STOP goes the way of `stop`.
            depth_um: Needle protrusion, 0 to 65,535 um; OPEN and RESET say the epoch instead.
            speed_dhz: Strokes per second in tenths, 0 to 65,535.
            timeout_us: How long each attempt waits for its answer, in microseconds.
            attempts: How often to ask at most; more than 1 only for POLL, RENEW and STOP.
            wake_fd: Readable when a STOP is wanted: the exchange then returns at once with
                `Exchange.preempted`, and the caller calls `stop`.

        Raises:
            ValueError: If attempts, depth or speed are out of range, or the token source fails.
            RuntimeError: If no pen has been identified, or the outcome of an order is unknown and
                this one must not follow it.
            LinkLost: If the port goes away.

        Rule: SR-010, SR-011, SR-013.
        """
        if attempts < 1 or (attempts > 1 and command not in REPEATABLE):
            raise ValueError(f"attempts = {attempts}: must be 1 for {command.name}")
        if command is Command.STOP:
            return self.stop(timeout_us=timeout_us, attempts=attempts)
        sent_us = self._clock_us()
        for attempt in range(1, attempts + 1):
            self._core.feed(self._line.settle(wake_fd), self._clock_us())
            if is_readable(wake_fd):
                return self._done(command, None, sent_us, attempt - 1, preempted=True)
            if command in OF_THIS_BOOT:
                # A token that never goes out would leave a paired pen behind (docs/protocol.md 11).
                self._core.new_token(self._next_token())
            sent_us = self._clock_us()
            frame = self._core.request(
                command, depth_um=depth_um, speed_dhz=speed_dhz, now_us=sent_us
            )
            self._line.port.write(frame)
            answer = self._wait(sent_us + timeout_us, wake_fd)
            if answer is not None:
                return self._done(command, answer, sent_us, attempt)
            self._core.expire()
            if is_readable(wake_fd):
                return self._done(command, None, sent_us, attempt, preempted=True)
        return self._done(command, None, sent_us, attempts)

    def stop(self, *, timeout_us: int = STOP_TIMEOUT_US, attempts: int = STOP_ATTEMPTS) -> Exchange:
        """Stop the pen: write STOP at once, and again until a status says that it stands or brakes.

        Works in every state of the link, before identification too. Then no status can be
        believed, so that all attempts are used up: for a quick STOP to an unknown pen ask for one
        attempt and no time, identify, and stop again. (A device that is no pen but knows function
        23 is then written ten registers from 0x0100.)

        What was in flight is abandoned: its outcome is unknown, and its late answer is not taken
        for that of the STOP.

        Args:
            timeout_us: How long each STOP waits for its answer, in microseconds.
            attempts: How many STOPs are written at most, 1 or more.

        Returns:
            The exchange with the last status believed. `Status.is_stopped` says whether it
            confirms the stop.

        Raises:
            LinkLost: If the port goes away; the pen then stops by itself.

        Rule: SR-005, SR-013.
        """
        sent_us = self._clock_us()
        answer: Answer | None = None
        attempt = 0
        while attempt < max(attempts, 1):
            attempt += 1
            self._line.port.write(self._core.stop(self._clock_us()))
            deadline_us = self._clock_us() + timeout_us
            while (heard := self._wait(deadline_us, None)) is not None:
                answer = heard
                if heard.status is not None and heard.status.is_stopped:
                    return self._done(Command.STOP, answer, sent_us, attempt)
        self._core.expire()
        return self._done(Command.STOP, answer, sent_us, attempt)

    def metrics(self) -> LinkMetrics:
        """Return what the link has counted and measured so far."""
        return self._meter.metrics(
            self._core.discards, self._core.noise_bytes, is_noisy=self.is_noisy
        )

    @property
    def is_noisy(self) -> bool:
        """Whether frames are damaged so often that W07 asks for a pause; see `drivers.damage`."""
        return self._core.is_noisy(self._clock_us())

    @property
    def epoch(self) -> int | None:
        """Boot number of the identified pen, or None."""
        return self._core.epoch

    @property
    def discarded(self) -> int:
        """Damaged frames since the port was opened; never falls.

        Left out are bytes that are no frame, since one damaged frame leaves some behind, and intact
        answers that are merely late or not ours.
        """
        return self._core.damaged

    def close(self) -> None:
        """Give the port back. A pen that runs stops by itself when its lease ends."""
        self._line.port.close()

    def _wait(self, deadline_us: int, wake_fd: int | None) -> Answer | None:
        """Listen until there is an answer, the time is over, or the wake came."""
        while self._clock_us() < deadline_us:
            data = self._line.listen(deadline_us, wake_fd)
            answer = self._core.feed(data, self._clock_us())
            if answer is not None:
                return answer
            if is_readable(wake_fd):
                return None
        return None

    def _done(
        self,
        command: Command,
        answer: Answer | None,
        sent_us: int,
        attempts: int,
        *,
        preempted: bool = False,
    ) -> Exchange:
        exchange = Exchange(
            command=command,
            token=self._core.token if answer is None else answer.token,
            sequence=self._core.sequence if answer is None else answer.sequence,
            status=None if answer is None else answer.status,
            exception=None if answer is None else answer.exception,
            sent_us=sent_us if answer is None else answer.sent_us,
            received_us=None if answer is None else answer.received_us,
            attempts=attempts,
            preempted=preempted,
            epoch_changed=answer is not None and answer.epoch_changed,
        )
        self._meter.count(exchange)
        return exchange


def open_penlink(setup: Setup) -> PenLink:
    """Return a link to a Pen Link 1 pen on Modbus RTU; the driver ``penlink``.

    Raises:
        BadAddress: If the argument is no Modbus unit id, 1 to 247.
    """
    text = setup.argument or str(UNIT_ID)
    if not (text.isascii() and text.isdigit() and int(text[:4]) in UNIT_IDS):
        rule = f"unit id = {text!r}: must be a whole number from 1 to {UNIT_IDS[-1]}"
        raise BadAddress(setup.port.name, rule)
    return PenLink(
        setup.port, setup.clock_us, setup.token_source, RtuFraming(int(text)), setup.keys
    )
