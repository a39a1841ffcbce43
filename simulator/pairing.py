"""The pen's side of pairing: its key, its challenge, and which token the next OPEN must bring.

Written from docs/protocol.md 11 alone. One instance lives for one boot: all but the key in
`Memory` is gone with it. It knows no state of the pen; who may agree on a key is told to it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple

from drivers.registers import (
    AGREED_MS,
    CHALLENGE_MS,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    PROTOCOL_VERSION,
    TOKENS_AHEAD,
    WRONG_TOKENS_MAX,
    PairingResult,
    PairingStep,
)
from simulator.codec import BlockCodec
from simulator.curve import BASE_POINT, hkdf, x25519
from simulator.nonvolatile import Memory

_REQUEST = BlockCodec(PAIRING_REQUEST)
_ANSWER = BlockCodec(PAIRING_ANSWER)
_NONCE_BYTES = 16
_PROOF_BYTES = 16
_SALT = b"PENLINK1 pairing"
_NO_SECRET = bytes(32)


class _Challenge(NamedTuple):
    """What the host must prove: with which key, over which bytes, since when."""

    key: bytes
    tail: bytes
    since_ms: int


class Pairing:
    """The pen's side of pairing, for one boot.

    Args:
        serial_number: Of the pen.
        memory: Holds key and boot number.
        store: Called when `memory` must be made to last.
        draw: Gives so many random bytes.
    """

    def __init__(
        self,
        serial_number: int,
        memory: Memory,
        store: Callable[[], None],
        draw: Callable[[int], bytes],
    ) -> None:
        self._serial_number = serial_number
        self._memory = memory
        self._store = store
        self._draw = draw
        self._challenge: _Challenge | None = None
        self._agreed: tuple[bytes, int] | None = None
        self._session = b""
        self._used = 0
        self._wrong = 0

    @property
    def is_paired(self) -> bool:
        """Whether the pen holds a key."""
        return bool(self._memory.key)

    def admits(self, token: int) -> bool:
        """Whether OPEN or RESET may bring this token; it is used up by the question."""
        if not self.is_paired:
            return True
        if self._session:
            for number in range(self._used + 1, self._used + 1 + TOKENS_AHEAD):
                if self._token(number) == token:
                    self._used = number
                    return True
            self._wrong += 1
            if self._wrong >= WRONG_TOKENS_MAX:
                self._session = b""
        return False

    def answer(
        self, request: bytes, now_ms: int, *, may_agree: bool
    ) -> tuple[PairingResult, bytes]:
        """Take a pairing request and return what became of it, and the block that says so.

        Args:
            request: The block, right or wrong.
            now_ms: Uptime of the pen.
            may_agree: Whether the button has been held for long enough, the pen being at rest.
        """
        fields = _REQUEST.unpack(request)
        result, data = PairingResult.BAD_CRC, b""
        if _REQUEST.is_intact(request, self._serial_number):
            result, data = self._take(fields, now_ms, may_agree=may_agree)
        values = {"version": PROTOCOL_VERSION, "result": result, "number": fields["number"]}
        return result, _ANSWER.pack({**values, "data": data}, self._serial_number)

    def _take(
        self, fields: dict[str, int | bytes], now_ms: int, *, may_agree: bool
    ) -> tuple[PairingResult, bytes]:
        data = bytes(fields["data"])
        if fields["version"] != PROTOCOL_VERSION:
            return PairingResult.BAD_VERSION, b""
        if fields["step"] == PairingStep.HELLO:
            return self._hello(data[:_NONCE_BYTES], now_ms)
        if fields["step"] == PairingStep.PROVE:
            return self._prove(data[:_PROOF_BYTES], now_ms), b""
        if fields["step"] == PairingStep.AGREE:
            return self._agree(data, now_ms) if may_agree else (PairingResult.BUTTON_NOT_HELD, b"")
        return PairingResult.UNKNOWN_STEP, b""

    def _hello(self, nonce_host: bytes, now_ms: int) -> tuple[PairingResult, bytes]:
        key = self._key(now_ms)
        if not key:
            return PairingResult.NO_KEY, b""
        nonce_pen = self._draw(_NONCE_BYTES)
        names = self._serial_number.to_bytes(4) + self._memory.epoch.to_bytes(2)
        self._challenge = _Challenge(key, names + nonce_host + nonce_pen, now_ms)
        proof = _mac(key, b"pen" + self._challenge.tail)[:_PROOF_BYTES]
        return PairingResult.DONE, nonce_pen + proof

    def _prove(self, proof: bytes, now_ms: int) -> PairingResult:
        challenge, self._challenge = self._challenge, None
        if challenge is None or now_ms - challenge.since_ms >= CHALLENGE_MS:
            return PairingResult.NO_CHALLENGE
        if challenge.key != self._key(now_ms):
            return PairingResult.NO_CHALLENGE
        self._agreed = None
        right = _mac(challenge.key, b"host" + challenge.tail)[:_PROOF_BYTES]
        if not hmac.compare_digest(proof, right):
            return PairingResult.WRONG_PROOF
        if challenge.key.hex() != self._memory.key:
            self._memory.key = challenge.key.hex()
            self._store()
        self._session = _mac(challenge.key, b"session" + challenge.tail)
        self._used = self._wrong = 0
        return PairingResult.DONE

    def _agree(self, host_public_key: bytes, now_ms: int) -> tuple[PairingResult, bytes]:
        self._agreed = self._challenge = None
        private_key = self._draw(32)
        mine = x25519(private_key, BASE_POINT)
        secret = x25519(private_key, host_public_key)
        if secret == _NO_SECRET:
            return PairingResult.BAD_PUBLIC_KEY, b""
        names = self._serial_number.to_bytes(4) + host_public_key + mine
        self._agreed = (hkdf(secret, _SALT, names), now_ms)
        return PairingResult.DONE, mine

    def _key(self, now_ms: int) -> bytes:
        """Return the key that counts now: one just agreed, else the one that is kept, else none."""
        if self._agreed is not None and now_ms - self._agreed[1] < AGREED_MS:
            return self._agreed[0]
        return bytes.fromhex(self._memory.key)

    def _token(self, number: int) -> int:
        mac = _mac(self._session, b"token" + number.to_bytes(4))
        return int.from_bytes(mac[:4]) or 1


def is_intact_request(data: bytes, serial_number: int) -> bool:
    """Whether a block is a pairing request whose CRC-32 is right."""
    return _REQUEST.is_intact(data, serial_number)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
