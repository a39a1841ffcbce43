"""Lets pen and host prove to each other that they hold the same key, or agree on one.

It speaks only in the blocks of pairing, which no pen takes for an order. Nothing here moves a
needle or voids a live token, and STOP never waits for any of it.

Source: docs/protocol.md 11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from drivers.block import Identity
from drivers.errors import Preempted, SilentDevice, UnprovenPen
from drivers.framing import Framing
from drivers.line import Line
from drivers.pairing import (
    NONCE_BYTES,
    PROOF_BYTES,
    Challenge,
    PairingAnswer,
    decode_answer,
    encode_request,
)
from drivers.port import is_readable
from drivers.registers import Capability, PairingResult, PairingStep

ATTEMPTS = 3
"""How often the whole of it is tried. ASSUMED: as the first POLL."""

ANSWER_US = 100_000
"""Longest wait for one answer. ASSUMED: as for the first POLL."""

NEVER_PAIRED = "says that it is not paired, but this computer holds its key"
CANNOT_BE_PAIRED = "cannot be paired, but this computer holds its key"
NOT_THE_SAME = (
    "does not hold the key that this computer has for it: "
    "it may be a cloned pen, or was paired with another computer since"
)
NOT_BELIEVED = "does not take this computer's proof"
BAD_AGREEMENT = "gave no public key that a key can be made of"


def refuse_downgrade(identity: Identity, port_name: str) -> None:
    """Refuse a pen that is known to be paired and says that it is not, or never can be.

    Raises:
        UnprovenPen: If it says so.
    """
    if not Capability.PAIRING & identity.capabilities:
        raise UnprovenPen(port_name, identity.serial_number, CANNOT_BE_PAIRED)
    if not Capability.PAIRED & identity.capabilities:
        raise UnprovenPen(port_name, identity.serial_number, NEVER_PAIRED)


def refuse_unprovable(
    identity: Identity, keys: Callable[[int], bytes | None], port_name: str
) -> None:
    """Refuse a pen that is paired here, on a driver whose pens have no proof to give.

    Raises:
        UnprovenPen: If this computer holds the key of its serial number.
    """
    if keys(identity.serial_number) is not None:
        raise UnprovenPen(port_name, identity.serial_number, CANNOT_BE_PAIRED)


class PairingTalk:
    """What is said about pairing between this host and one pen.

    Args:
        line: The line; no request may be in flight on it.
        framing: How blocks travel.
        serial_number: Of the identified pen.
        draw: Gives whole numbers, 1 to 2^32 - 1, that nobody can guess.
        wake_fd: Readable when a STOP is wanted: all that is said here then ends with `Preempted`.
    """

    def __init__(
        self,
        line: Line,
        framing: Framing,
        serial_number: int,
        draw: Callable[[], int],
        wake_fd: int | None = None,
    ) -> None:
        self._line = line
        self._framing = framing
        self._serial_number = serial_number
        self._draw = draw
        self._wake_fd = wake_fd
        self._number = draw() & 0xFFFF
        self._finder = framing.pairing_finder(Counter())

    def prove(self, key: bytes, epoch: int, timeout_us: int) -> bytes:
        """Let pen and host prove that both hold the key, and return their session key.

        Args:
            key: 32 bytes.
            epoch: Boot number of the pen.
            timeout_us: All of it ends within this, in microseconds.

        Raises:
            UnprovenPen: If the pen does not prove it, or does not believe us.
            SilentDevice: If it does not answer.
            LinkLost: If the port goes away.
        """
        until_us = self._line.clock_us() + timeout_us
        for _ in range(ATTEMPTS):
            nonce = b"".join(self._draw().to_bytes(4, "big") for _ in range(NONCE_BYTES // 4))
            hello = self._ask(PairingStep.HELLO, nonce, until_us)
            if hello is None:
                continue
            challenge = Challenge(self._serial_number, epoch, nonce, hello.data[:NONCE_BYTES])
            self._judge(hello, challenge, key)
            proven = self._ask(PairingStep.PROVE, challenge.host_proof(key), until_us)
            # Without an answer, or with another host's challenge in between, all begins anew.
            if proven is None or proven.result is PairingResult.NO_CHALLENGE:
                continue
            if proven.result is not PairingResult.DONE:
                raise self._unproven(NOT_BELIEVED)
            return challenge.session_key(key)
        raise SilentDevice(self._line.port.name, timeout_us // 1_000)

    def agree(self, private_key: bytes, timeout_us: int) -> bytes | None:
        """Agree with the pen on a new key, which it keeps once `prove` has shown ours to be right.

        Args:
            private_key: 32 random bytes, never used before.
            timeout_us: All of it ends within this, in microseconds.

        Returns:
            The new key, or None if nobody holds the pen's button, or not for long enough yet.

        Raises:
            UnprovenPen: If no key comes of what the pen says.
            SilentDevice: If it does not answer.
            LinkLost: If the port goes away.
        """
        from drivers.agreement import agreed_key, public_key  # noqa: PLC0415 slow to load

        until_us = self._line.clock_us() + timeout_us
        for _ in range(ATTEMPTS):
            answer = self._ask(PairingStep.AGREE, public_key(private_key), until_us)
            if answer is None:
                continue
            if answer.result is PairingResult.BUTTON_NOT_HELD:
                return None
            key = None
            if answer.result is PairingResult.DONE:
                key = agreed_key(private_key, answer.data, self._serial_number)
            if key is None:
                raise self._unproven(BAD_AGREEMENT)
            return key
        raise SilentDevice(self._line.port.name, timeout_us // 1_000)

    def _judge(self, hello: PairingAnswer, challenge: Challenge, key: bytes) -> None:
        """Refuse a pen whose answer to HELLO does not prove that it holds the key."""
        if hello.result is PairingResult.NO_KEY:
            raise self._unproven(NEVER_PAIRED)
        proof = hello.data[NONCE_BYTES : NONCE_BYTES + PROOF_BYTES]
        if hello.result is not PairingResult.DONE or not challenge.is_proven_by(proof, key):
            raise self._unproven(NOT_THE_SAME)

    def _unproven(self, why: str) -> UnprovenPen:
        return UnprovenPen(self._line.port.name, self._serial_number, why)

    def _ask(self, step: PairingStep, data: bytes, until_us: int) -> PairingAnswer | None:
        """Return the pen's answer to this very request, or None if it does not come in time."""
        line = self._line
        self._finder.feed(line.settle(self._wake_fd))
        self._heed()
        self._number = (self._number + 1) & 0xFFFF
        registers = encode_request(step, self._number, data, self._serial_number)
        line.port.write(self._framing.pairing_request(registers))
        until_us = min(line.clock_us() + ANSWER_US, until_us)
        while line.clock_us() < until_us:
            for reply in self._finder.feed(line.listen(until_us, self._wake_fd)):
                answer = decode_answer(reply.registers, self._serial_number)
                is_ours = answer is not None and answer.number == self._number
                if is_ours and answer is not None and answer.result is not PairingResult.BAD_CRC:
                    return answer
            self._heed()
        return None

    def _heed(self) -> None:
        if is_readable(self._wake_fd):
            raise Preempted(self._line.port.name)
