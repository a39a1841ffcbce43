"""The pen's side of pairing: what it answers, which tokens it takes, and when all of it is void."""

from __future__ import annotations

import pytest

from drivers.registers import (
    AGREED_MS,
    CHALLENGE_MS,
    PAIRING_REQUEST,
    TOKENS_AHEAD,
    WRONG_TOKENS_MAX,
    PairingResult,
    PairingStep,
)
from simulator.codec import BlockCodec
from simulator.curve import BASE_POINT, hkdf, x25519
from simulator.nonvolatile import Memory
from simulator.pairing import Pairing
from tests.unit.pairing_bench import (
    EPOCH,
    GOLDEN,
    KEY,
    SERIAL_NUMBER,
    a_pen,
    block_of,
    drawn,
    golden,
)

HELLO, PROVE, AGREE = (block_of(golden("frame", name)) for name in ("hello", "prove", "agree"))
NONCE_P = golden("connect", "nonce_p")
TOKENS: list[int] = GOLDEN["connect"]["tokens"]
REQUEST = BlockCodec(PAIRING_REQUEST)


class Side:
    """The golden pen's side, and how often its memory was stored."""

    def __init__(self, *chance: bytes, key: bytes = KEY) -> None:
        self.memory = Memory(epoch=EPOCH, key=key.hex())
        self.stored = 0
        self.pairing = Pairing(SERIAL_NUMBER, self.memory, self._store, drawn(*chance))

    def _store(self) -> None:
        self.stored += 1

    def ask(self, block: bytes, now_ms: int = 0, *, may_agree: bool = False) -> PairingResult:
        """Return what becomes of a request."""
        return self.pairing.answer(block, now_ms, may_agree=may_agree)[0]

    def connect(self) -> None:
        """Take part in the golden connection."""
        assert [PairingResult.DONE] * 2 == [self.ask(HELLO), self.ask(PROVE)]


def request(step: int, data: bytes = b"", version: int = 1) -> bytes:
    """Return a request with a right CRC-32."""
    values = {"version": version, "step": step, "number": 9, "data": data.ljust(32, b"\0")}
    return REQUEST.pack(values, SERIAL_NUMBER)


@pytest.mark.parametrize(
    ("scalar", "point", "product"),
    [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ],
)
def test_curve_is_that_of_rfc_7748(scalar: str, point: str, product: str) -> None:
    """Both vectors of RFC 7748, section 5.2."""
    assert product == x25519(bytes.fromhex(scalar), bytes.fromhex(point)).hex()


def test_hkdf_is_that_of_rfc_5869() -> None:
    """The first 32 bytes of test case 1 of RFC 5869."""
    key = hkdf(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)))

    assert "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf" == key.hex()


def test_frames_are_answered_as_on_the_page() -> None:
    """The worked frames go in, and the worked answers come out, from frame to frame."""
    pen = a_pen(KEY, draw=drawn(NONCE_P, golden("agree", "private_p")))
    answers = [pen.receive(golden("frame", name), pen.now_us) for name in ("hello", "prove")]
    pen.plant.button_down = True
    pen.advance(pen.now_us + 2_002_000)
    answers.append(pen.receive(golden("frame", "agree"), pen.now_us))

    names = ("hello_answer", "prove_answer", "agree_answer")
    assert [golden("frame", name) for name in names] == answers


def test_wrong_proof_is_answered_as_on_the_page() -> None:
    """Another proof gets the worked refusal."""
    pen = a_pen(KEY, draw=drawn(NONCE_P))
    pen.receive(golden("frame", "hello"), pen.now_us)
    values = {"version": 1, "step": PairingStep.PROVE, "number": 2, "data": bytes(32)}
    result, answer = pen.firmware.pairing.answer(
        REQUEST.pack(values, SERIAL_NUMBER), 0, may_agree=False
    )

    assert PairingResult.WRONG_PROOF is result
    assert block_of(golden("frame", "wrong_proof_answer")) == answer


@pytest.mark.parametrize(
    ("block", "result"),
    [
        (HELLO[:-1] + b"\0", PairingResult.BAD_CRC),
        (request(1, version=2), PairingResult.BAD_VERSION),
        (request(0), PairingResult.UNKNOWN_STEP),
        (request(4), PairingResult.UNKNOWN_STEP),
        (PROVE, PairingResult.NO_CHALLENGE),
        (AGREE, PairingResult.BUTTON_NOT_HELD),
    ],
)
def test_request_that_is_not_for_now_is_refused(block: bytes, result: PairingResult) -> None:
    """Each kind of wrong request has its own answer, with no data in it."""
    said, answer = Side().pairing.answer(block, 0, may_agree=False)

    assert result is said
    assert (int(result), bytes(32)) == (answer[1], answer[4:36])


@pytest.mark.req("SR-055")
def test_unpaired_pen_has_no_challenge_and_takes_any_token() -> None:
    """It says that it holds no key; OPEN is free to all, as before pairing."""
    side = Side(key=b"")

    assert PairingResult.NO_KEY is side.ask(HELLO)
    assert side.pairing.admits(1)
    assert not side.pairing.is_paired


@pytest.mark.req("SR-055", "HZ-79")
def test_challenge_is_good_for_one_proof() -> None:
    """The same proof a second time meets no challenge, and a wrong one uses it up."""
    side = Side(NONCE_P, NONCE_P)
    side.connect()
    assert PairingResult.NO_CHALLENGE is side.ask(PROVE)
    side.ask(HELLO)

    assert PairingResult.WRONG_PROOF is side.ask(request(2, bytes(16)))
    assert PairingResult.NO_CHALLENGE is side.ask(PROVE)


@pytest.mark.req("SR-055", "HZ-79")
def test_proof_for_an_older_challenge_is_wrong() -> None:
    """A new HELLO takes the place of the older one."""
    side = Side(NONCE_P, bytes(16))
    side.ask(HELLO)
    side.ask(HELLO)

    assert PairingResult.WRONG_PROOF is side.ask(PROVE)


@pytest.mark.req("SR-055")
@pytest.mark.parametrize(
    ("age_ms", "result"),
    [(CHALLENGE_MS - 1, PairingResult.DONE), (CHALLENGE_MS, PairingResult.NO_CHALLENGE)],
)
def test_challenge_lives_for_1_s(age_ms: int, result: PairingResult) -> None:
    """The proof comes in time or not at all."""
    side = Side(NONCE_P)
    side.ask(HELLO, 5_000)

    assert result is side.ask(PROVE, 5_000 + age_ms)


@pytest.mark.req("SR-055", "HZ-79")
def test_no_token_is_taken_without_a_session() -> None:
    """Not before the first proof, and not a token that an earlier boot's session had."""
    side = Side()

    assert not any(side.pairing.admits(token) for token in (*TOKENS, 1, 0))


@pytest.mark.req("SR-055", "HZ-79")
def test_token_is_taken_once_and_ends_those_before_it() -> None:
    """The second one ends the first, and each is used up by being looked at."""
    side = Side(NONCE_P)
    side.connect()

    assert [True, False, False, True] == [
        side.pairing.admits(TOKENS[number]) for number in (1, 1, 0, 2)
    ]


@pytest.mark.req("SR-055")
def test_token_is_taken_16_ahead_and_no_farther() -> None:
    """Orders that were lost do not end a session, unless they were many."""
    near, far = Side(NONCE_P), Side(NONCE_P)
    near.connect()
    far.connect()

    assert near.pairing.admits(near.pairing._token(TOKENS_AHEAD))
    assert not far.pairing.admits(far.pairing._token(TOKENS_AHEAD + 1))


@pytest.mark.req("SR-055", "HZ-79")
def test_session_is_void_after_16_wrong_tokens() -> None:
    """Nobody may guess for long; one wrong token less, and the right one is still taken."""
    side, patient = Side(NONCE_P), Side(NONCE_P)
    side.connect()
    patient.connect()
    for number in range(WRONG_TOKENS_MAX):
        assert not side.pairing.admits(number + 1)
        assert number == WRONG_TOKENS_MAX - 1 or not patient.pairing.admits(number + 1)

    assert not side.pairing.admits(TOKENS[0])
    assert patient.pairing.admits(TOKENS[0])


def test_agreed_key_is_that_of_the_page_once_it_is_proven() -> None:
    """Until the host has proven it the memory holds none, and nothing is stored."""
    side = Side(golden("agree", "private_p"), NONCE_P, key=b"")
    side.ask(AGREE, may_agree=True)
    assert ("", 0) == (side.memory.key, side.stored)
    side.ask(HELLO)
    side.ask(request(2, _proof(golden("agree", "key"))))

    assert (golden("agree", "key").hex(), 1) == (side.memory.key, side.stored)


@pytest.mark.req("SR-055")
def test_wrong_proof_leaves_the_older_key() -> None:
    """Who agrees on a key and cannot prove it has gained nothing, and the pen's key stays."""
    side = Side(golden("agree", "private_p"), NONCE_P, NONCE_P)
    side.ask(AGREE, may_agree=True)
    side.ask(HELLO)

    assert PairingResult.WRONG_PROOF is side.ask(PROVE)
    assert (KEY.hex(), 0) == (side.memory.key, side.stored)
    side.connect()


def test_agreed_key_is_forgotten_after_10_s() -> None:
    """Then the older key counts once more, also for a challenge that was made in between."""
    side = Side(golden("agree", "private_p"), NONCE_P, NONCE_P)
    side.ask(AGREE, 0, may_agree=True)
    side.ask(HELLO, AGREED_MS - 1)

    late = request(2, _proof(golden("agree", "key")))
    assert PairingResult.NO_CHALLENGE is side.ask(late, AGREED_MS)
    assert KEY.hex() == side.memory.key
    side.ask(HELLO, AGREED_MS)
    assert PairingResult.DONE is side.ask(PROVE, AGREED_MS)


@pytest.mark.req("SR-055")
def test_public_key_that_leads_to_no_secret_is_refused() -> None:
    """A point of small order makes a key that everybody knows."""
    side = Side(golden("agree", "private_p"), key=b"")

    assert PairingResult.BAD_PUBLIC_KEY is side.ask(request(3, bytes(32)), may_agree=True)
    assert PairingResult.NO_KEY is side.ask(HELLO)


def test_public_key_of_a_private_one_is_the_base_point_times_it() -> None:
    """As the page works it out for the pen."""
    mine = x25519(golden("agree", "private_p"), BASE_POINT)

    assert block_of(golden("frame", "agree_answer"))[4:36] == mine


def _proof(key: bytes) -> bytes:
    """Return the host's proof under another key, by the host's own code."""
    from drivers.pairing import Challenge

    return Challenge(SERIAL_NUMBER, EPOCH, golden("connect", "nonce_h"), NONCE_P).host_proof(key)
