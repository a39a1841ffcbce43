"""Whoever has no key, and has heard everything, opens no session of a paired pen.

The attacker shares the line: it hears every byte in both directions and says whatever it likes,
with right checksums, between the frames of the honest host. It does not hold the pen in its hand,
and it does not keep back what others say (docs/adr/0014 names what follows from that).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.authenticate import PairingTalk
from drivers.block import Order, encode_order
from drivers.errors import DeviceError
from drivers.pairing import TokenChain, encode_request
from drivers.registers import PAIRING_ANSWER, Command, Fault, PairingStep, PenState
from drivers.rtu import RTU
from simulator.codec import BlockCodec
from tests.unit.pairing_bench import KEY, SERIAL_NUMBER, Bench, a_pen, block_of

PAIRING_FRAMES = (45, 53)
"""Lengths of RTU frames that may hold a pairing block: the answer, the request."""

FAULTY = PenState.FAULT


@dataclass
class Line:
    """The pen, its honest host, and what the attacker has heard so far."""

    bench: Bench = field(default_factory=lambda: Bench(a_pen(KEY)))
    heard: list[bytes] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        receive = self.bench.pen.receive

        def overheard(data: bytes, at_us: int) -> bytes:
            answer = receive(data, at_us)
            self.heard += [data, answer]
            return answer

        self.bench.pen.receive = overheard  # type: ignore[method-assign]
        self.honest = self.bench.host(KEY)

    def say(self, frame: bytes) -> None:
        """Let the attacker say something; the line is free, and nobody else is late for it."""
        self.bench.wait_ms(5)
        self.bench.pen.receive(frame, self.bench.pen.now_us)

    def pieces(self) -> list[bytes]:
        """Return every 16 bytes that may be a nonce or a proof, from all that was heard."""
        blocks = [block_of(one) for one in self.heard if len(one) in PAIRING_FRAMES]
        return [data for block in blocks for data in (block[4:20], block[20:36])]

    def honest_says(self, command: Command) -> None:
        """Let the honest host look, and say one thing; it remembers nothing of earlier trouble."""
        link = self.honest
        try:
            if link.identity is None or link.epoch != self.bench.pen.epoch:
                link.identify()
            link.exchange(Command.POLL)
            link.exchange(command)
        except (DeviceError, RuntimeError):
            link.identity = None
        if command is Command.OPEN:
            self.tokens.append(link._core.token)


def order(line: Line, command: Command, token: int) -> bytes:
    """Return an order that is as fresh as one can be."""
    pen = line.bench.pen
    epoch = pen.epoch
    line.bench.wait_ms(5)
    registers = encode_order(Order(command, token or 1, 7, pen.tick_ms, epoch), SERIAL_NUMBER)
    return RTU.exchange_request(registers)


def pairing(step: PairingStep, data: bytes) -> bytes:
    """Return a pairing request with a right CRC-32."""
    return RTU.pairing_request(encode_request(step, 9, data, SERIAL_NUMBER))


ATTACKS = (
    *("replay", "hello", "prove", "prove", "agree", "hello and prove"),
    *("open", "open", "open guessed", "reset"),
)
EVENTS = ("identify", "open", "stop", "restart", "wait", "fault", *(f"x {one}" for one in ATTACKS))
STEPS = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 2**32 - 1)), max_size=40)


def attack(line: Line, kind: str, number: int) -> None:
    """Carry out one attack; the number chooses among what was heard."""
    heard, pieces = line.heard or [b""], line.pieces() or [bytes(16)]
    seen = line.tokens or [0]
    piece, other = pieces[number % len(pieces)], pieces[number // 7 % len(pieces)]
    if kind == "replay":
        line.say(heard[number % len(heard)])
    elif kind == "hello":
        line.say(pairing(PairingStep.HELLO, piece))
    elif kind == "prove":
        line.say(pairing(PairingStep.PROVE, piece))
    elif kind == "hello and prove":
        line.say(pairing(PairingStep.HELLO, piece))
        # The newest thing heard is the pen's own proof: it is reflected, or an older one is tried.
        line.say(pairing(PairingStep.PROVE, line.pieces()[-1] if number % 2 else other))
    elif kind == "agree":
        line.say(pairing(PairingStep.AGREE, piece + other))
    elif kind == "open guessed":
        line.say(order(line, Command.OPEN, number))
    else:
        command = Command.RESET if kind == "reset" else Command.OPEN
        line.say(order(line, command, seen[number % len(seen)]))


def happen(line: Line, kind: str, number: int) -> None:
    """Let the honest host, the pen or time do something."""
    pen = line.bench.pen
    if kind == "identify":
        line.honest.identity = None
        line.honest_says(Command.POLL)
    elif kind in ("open", "stop"):
        line.honest_says(Command[kind.upper()])
    elif kind == "restart":
        pen.restart()
        line.bench.wait_ms(100)
    elif kind == "fault":
        pen.firmware.trip(Fault.STALL)
        line.bench.wait_ms(400)
    else:
        line.bench.wait_ms(number % 12_000)


@pytest.mark.req("SR-055", "HZ-79", "SR-019")
@given(steps=STEPS)
def test_attacker_without_the_key_opens_resets_and_pairs_nothing(
    steps: list[tuple[str, int]],
) -> None:
    """Replays, reflections and guesses open no session, reset no fault and change no key."""
    line = Line()
    pen = line.bench.pen
    line.honest_says(Command.OPEN)
    assert pen.firmware.session.token == line.tokens[0]
    line.honest_says(Command.STOP)
    for kind, number in steps:
        before = (pen.firmware.session.token, pen.state)
        if not kind.startswith("x "):
            happen(line, kind, number)
            continue
        attack(line, kind.removeprefix("x "), number)

        assert pen.firmware.session.token in (0, before[0])
        assert pen.state is FAULTY or before[1] is not FAULTY
    assert KEY.hex() == pen.memory.key


@pytest.mark.req("SR-055", "HZ-78")
@given(steps=STEPS, key=st.one_of(st.none(), st.binary(min_size=32, max_size=32)))
def test_clone_that_replays_the_true_pen_is_never_proven(
    steps: list[tuple[str, int]], key: bytes | None
) -> None:
    """A pen without the key that answers by what the true pen once said convinces nobody."""
    line = Line()
    for kind, number in steps:
        happen(line, kind if not kind.startswith("x ") else "identify", number)
    said = [one for one in line.heard if len(one) == PAIRING_FRAMES[0]]
    clone = Bench(a_pen(key or bytes(32)))
    answers = iter(said)

    def from_memory(request: bytes) -> bytes:
        """Answer with an older block, its number and CRC-32 made right for this request."""
        block = block_of(next(answers, said[0])) if said else bytes(40)
        return _answer(int.from_bytes(request[2:4]), block[4:36])

    clone.pen.firmware.pair = from_memory  # type: ignore[method-assign]
    link = clone.host(KEY, start=0x6000_0001)
    with pytest.raises(DeviceError):
        link.identify()

    assert link.identity is None


def _answer(number: int, data: bytes) -> bytes:
    values = {"version": 1, "result": 1, "number": number, "data": data}
    return BlockCodec(PAIRING_ANSWER).pack(values, SERIAL_NUMBER)


def test_attacker_with_the_key_would_succeed() -> None:
    """The same means, with the key, open a session: the tests above fail where they must."""
    line = Line()
    talk = PairingTalk(line.honest._line, RTU, SERIAL_NUMBER, lambda: 5)
    line.honest_says(Command.OPEN)
    line.honest_says(Command.STOP)
    line.bench.wait_ms(5)
    session = talk.prove(KEY, line.bench.pen.epoch, 200_000)
    line.say(order(line, Command.OPEN, TokenChain(session)()))

    assert line.bench.pen.firmware.session.token
