"""Pairing as a calculation: proofs, tokens and the two blocks; no port, clock or chance.

Whatever is random is handed in, so that the same inputs give the same bytes. Proofs are compared in
constant time. The pen's own side stands in `simulator.pairing` and shares no code with this one.

Source: docs/protocol.md 11; RFC 2104 (HMAC).
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.packing import as_bytes, block_crc32
from drivers.registers import (
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    PROTOCOL_VERSION,
    PairingResult,
    PairingStep,
)

KEY_BYTES = 32
"""Of a pen's key. Source: docs/protocol.md 11, [SAF] 9."""

NONCE_BYTES = 16
PROOF_BYTES = 16
DATA_BYTES = 32
"""Source of the three: docs/protocol.md 11, [SAF] 9."""

_BODY = struct.Struct(f">BBH{DATA_BYTES}s")
_CRC_BYTES = 4


@dataclass(frozen=True, slots=True)
class Challenge:
    """What both proofs speak of: this pen, this boot of it, and a number from either side.

    Args:
        serial_number: Of the pen.
        epoch: Boot number of the pen.
        nonce_host: 16 bytes that the host has drawn for this alone.
        nonce_pen: 16 bytes from the pen.
    """

    serial_number: int
    epoch: int
    nonce_host: bytes
    nonce_pen: bytes

    def pen_proof(self, key: bytes) -> bytes:
        """Return what a pen that holds the key answers, 16 bytes."""
        return self._mac(key, b"pen")[:PROOF_BYTES]

    def host_proof(self, key: bytes) -> bytes:
        """Return what a host that holds the key sends, 16 bytes."""
        return self._mac(key, b"host")[:PROOF_BYTES]

    def is_proven_by(self, proof: bytes, key: bytes) -> bool:
        """Return whether the pen's proof is right; takes the same time for every wrong one."""
        return hmac.compare_digest(proof, self.pen_proof(key))

    def session_key(self, key: bytes) -> bytes:
        """Return the secret from which the session's tokens follow, 32 bytes."""
        return self._mac(key, b"session")

    def _mac(self, key: bytes, label: bytes) -> bytes:
        numbers = struct.pack(">IH", self.serial_number, self.epoch)
        return hmac.digest(key, label + numbers + self.nonce_host + self.nonce_pen, "sha256")


class TokenChain:
    """The tokens of one session, each given out once; nobody without the key knows the next.

    Args:
        session_key: As of `Challenge.session_key`.
    """

    def __init__(self, session_key: bytes) -> None:
        self._session_key = session_key
        self._count = 0

    def __call__(self) -> int:
        """Return the next token, 1 to 2^32 - 1."""
        self._count += 1
        message = b"token" + struct.pack(">I", self._count)
        mac = hmac.digest(self._session_key, message, "sha256")
        return int.from_bytes(mac[:4], "big") or 1


@dataclass(frozen=True, slots=True)
class PairingAnswer:
    """What the pen said to a pairing request.

    Args:
        result: What became of it.
        number: Of the request that it answers.
        data: 32 bytes; what they are depends on the step.
    """

    result: PairingResult
    number: int
    data: bytes


def encode_request(
    step: PairingStep, number: int, data: bytes, serial_number: int
) -> tuple[int, ...]:
    """Return the 20 registers of a pairing request.

    Args:
        step: What is asked.
        number: 0 to 65,535, new for every request.
        data: At most 32 bytes; zeros follow.
        serial_number: Of the pen.

    Raises:
        ValueError: If the number or the data do not fit.
    """
    if len(data) > DATA_BYTES or not 0 <= number <= 0xFFFF:
        raise ValueError(f"number = {number!r} with {len(data)} bytes: must fit the registers")
    body = _BODY.pack(PROTOCOL_VERSION, step, number, data)
    sealed = body + struct.pack(">I", block_crc32(PAIRING_REQUEST, body, serial_number))
    return struct.unpack(f">{PAIRING_REQUEST.words}H", sealed)


def decode_answer(registers: Sequence[int], serial_number: int) -> PairingAnswer | None:
    """Return the pen's answer in 20 registers, or None if they are none that can be believed."""
    sealed = as_bytes(registers)
    if sealed is None or len(registers) != PAIRING_ANSWER.words:
        return None
    body, crc32 = sealed[:-_CRC_BYTES], int.from_bytes(sealed[-_CRC_BYTES:], "big")
    if block_crc32(PAIRING_ANSWER, body, serial_number) != crc32:
        return None
    version, result, number, data = _BODY.unpack(body)
    if version != PROTOCOL_VERSION or result not in set(PairingResult):
        return None
    return PairingAnswer(PairingResult(result), number, data)
