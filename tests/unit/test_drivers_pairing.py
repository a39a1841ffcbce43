"""Pairing as the host calculates it: proofs, tokens and blocks as docs/protocol.md 11 has them."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.agreement import agreed_key, public_key
from drivers.packing import block_crc32
from drivers.pairing import Challenge, PairingAnswer, TokenChain, decode_answer, encode_request
from drivers.registers import PAIRING_ANSWER, PairingResult, PairingStep
from tests.unit.pairing_bench import (
    EPOCH,
    GOLDEN,
    KEY,
    OTHER_KEY,
    SERIAL_NUMBER,
    block_of,
    golden,
)

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
CHALLENGE = Challenge(
    SERIAL_NUMBER, EPOCH, golden("connect", "nonce_h"), golden("connect", "nonce_p")
)


def registers_of(frame: bytes) -> tuple[int, ...]:
    """Return the 20 registers of a golden frame."""
    return struct.unpack(">20H", block_of(frame))


def test_golden_values_stand_on_the_page() -> None:
    """What the tests are checked against is what docs/protocol.md says, to the byte."""
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    frames = [" ".join(text.split()) for text in GOLDEN["frame"].values()]
    rest = [GOLDEN["agree"]["key"], *(f"{token:08X}" for token in GOLDEN["connect"]["tokens"])]
    rest += [GOLDEN["connect"][name] for name in ("proof_p", "proof_h", "session")]

    assert [] == [text for text in (*frames, *rest) if text not in page]


def test_proofs_and_tokens_are_those_of_the_page() -> None:
    """Both proofs, the session key and the first three tokens are as worked out by hand."""
    chain = TokenChain(CHALLENGE.session_key(KEY))

    assert golden("connect", "proof_p") == CHALLENGE.pen_proof(KEY)
    assert golden("connect", "proof_h") == CHALLENGE.host_proof(KEY)
    assert golden("connect", "session") == CHALLENGE.session_key(KEY)
    assert GOLDEN["connect"]["tokens"] == [chain(), chain(), chain()]


@pytest.mark.req("SR-055", "HZ-78")
@pytest.mark.parametrize(
    "other",
    [
        {"serial_number": 43},
        {"epoch": EPOCH + 1},
        {"nonce_host": bytes(16)},
        {"nonce_pen": bytes(16)},
    ],
)
def test_proof_of_another_pen_boot_or_challenge_is_none(other: dict[str, int | bytes]) -> None:
    """Whatever the proof speaks of must be the same, and so must the key."""
    proof = CHALLENGE.pen_proof(KEY)
    elsewhere = replace(CHALLENGE, **other)  # type: ignore[arg-type]

    assert CHALLENGE.is_proven_by(proof, KEY)
    assert not elsewhere.is_proven_by(proof, KEY)
    assert not CHALLENGE.is_proven_by(proof, OTHER_KEY)
    assert not CHALLENGE.is_proven_by(proof[:-1], KEY)


@pytest.mark.req("SR-055")
def test_proof_of_the_host_is_none_of_the_pen() -> None:
    """A reflected proof proves nothing, even where both nonces are the same."""
    same = replace(CHALLENGE, nonce_pen=CHALLENGE.nonce_host)

    assert not same.is_proven_by(same.host_proof(KEY), KEY)


@pytest.mark.parametrize(
    ("step", "number", "data", "name"),
    [
        (PairingStep.HELLO, 1, golden("connect", "nonce_h"), "hello"),
        (PairingStep.PROVE, 2, golden("connect", "proof_h"), "prove"),
        (PairingStep.AGREE, 3, public_key(golden("agree", "private_h")), "agree"),
    ],
)
def test_request_is_that_of_the_page(
    step: PairingStep, number: int, data: bytes, name: str
) -> None:
    """The registers are those of the worked frame."""
    assert registers_of(golden("frame", name)) == encode_request(step, number, data, SERIAL_NUMBER)


def test_request_that_does_not_fit_is_refused() -> None:
    """More than 32 bytes, or a number of more than 16 bits, is the caller's mistake."""
    for number, data in ((1, bytes(33)), (0x1_0000, b""), (-1, b"")):
        with pytest.raises(ValueError, match="must fit"):
            encode_request(PairingStep.HELLO, number, data, SERIAL_NUMBER)


def test_answer_is_read_as_on_the_page() -> None:
    """Result, number and data are those of the worked frames."""
    said = golden("connect", "nonce_p") + golden("connect", "proof_p")

    assert PairingAnswer(PairingResult.DONE, 1, said) == decode_answer(
        registers_of(golden("frame", "hello_answer")), SERIAL_NUMBER
    )
    assert PairingAnswer(PairingResult.WRONG_PROOF, 2, bytes(32)) == decode_answer(
        registers_of(golden("frame", "wrong_proof_answer")), SERIAL_NUMBER
    )


@pytest.mark.req("SR-016")
def test_answer_with_any_bit_changed_is_none() -> None:
    """No single bit of an answer can be wrong unseen, and another pen's answer is none."""
    right = registers_of(golden("frame", "hello_answer"))
    changed = [
        (*right[:place], right[place] ^ 1 << bit, *right[place + 1 :])
        for place in range(20)
        for bit in range(16)
    ]

    assert [] == [one for one in changed if decode_answer(one, SERIAL_NUMBER) is not None]
    assert decode_answer(right, SERIAL_NUMBER + 1) is None
    assert decode_answer(right[:-1], SERIAL_NUMBER) is None
    assert decode_answer((*right[:-1], 0x1_0000), SERIAL_NUMBER) is None


@pytest.mark.parametrize(("version", "result"), [(2, 1), (1, 0), (1, 10), (1, 255)])
def test_answer_that_nobody_knows_is_none(version: int, result: int) -> None:
    """Another version, or a result without a name, is not believed, its CRC-32 being right."""
    body = struct.pack(">BBH32x", version, result, 1)
    sealed = body + struct.pack(">I", block_crc32(PAIRING_ANSWER, body, SERIAL_NUMBER))

    assert decode_answer(struct.unpack(">20H", sealed), SERIAL_NUMBER) is None


def test_agreed_key_is_that_of_the_page() -> None:
    """From the host's private key and the pen's public one follows the worked key."""
    pen_public = block_of(golden("frame", "agree_answer"))[4:36]

    assert golden("agree", "key") == agreed_key(
        golden("agree", "private_h"), pen_public, SERIAL_NUMBER
    )


def test_agreed_key_is_another_for_another_pen() -> None:
    """The serial number is part of the key."""
    private, pen_public = golden("agree", "private_h"), public_key(golden("agree", "private_p"))

    assert agreed_key(private, pen_public, 42) != agreed_key(private, pen_public, 43)


@pytest.mark.req("SR-055")
@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_public_key_that_leads_to_no_secret_is_refused(point: bytes) -> None:
    """A point of small order would make a key that everybody knows."""
    assert agreed_key(golden("agree", "private_h"), point, SERIAL_NUMBER) is None


def test_token_is_never_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four bytes of 0 become the token 1, as 0 names no session."""
    monkeypatch.setattr("drivers.pairing.hmac.digest", lambda *_: bytes(32))

    assert 1 == TokenChain(bytes(32))()
