"""A host and a pen prove themselves to each other over a line, in both transports, or do not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import get_args

import pytest

from drivers import authenticate
from drivers.driver import Pairable
from drivers.errors import SilentDevice, UnprovenPen
from drivers.framing import Framing
from drivers.pairing import encode_request
from drivers.pen import PenLink
from drivers.registers import Capability, Command, Fault, PairingStep, PenState, Result
from simulator.pen import Pen, Transport
from tests.unit.pairing_bench import KEY, OTHER_KEY, SERIAL_NUMBER, Bench, a_pen

ATTACKER = 0x7000_0001


@pytest.fixture(params=get_args(Transport))
def transport(request: pytest.FixtureRequest) -> Transport:
    """Each way of speaking."""
    chosen: Transport = request.param
    return chosen


MakeBench = Callable[..., Bench]


@pytest.fixture
def make(transport: Transport) -> MakeBench:
    """Make a pen with a line to it."""

    def make_one(key: bytes = KEY, *, can_be_paired: bool = True) -> Bench:
        pen = a_pen(key, can_be_paired=can_be_paired, transport=transport)
        return Bench(pen, transport)

    return make_one


def asked(link: PenLink, command: Command) -> Result | None:
    """Return what the pen makes of one order, said after a fresh look."""
    link.exchange(Command.POLL)
    status = link.exchange(command).status
    return None if status is None else status.result


@pytest.mark.req("SR-055")
def test_host_with_the_key_opens_and_treats(make: MakeBench) -> None:
    """Both are proven, and session after session is opened with tokens that only the two know."""
    bench = make()
    link = bench.host(KEY)

    assert link.identify().is_paired
    for _ in range(3):
        assert Result.DONE is asked(link, Command.OPEN)
        assert Result.DONE is asked(link, Command.STOP)
    assert isinstance(link, Pairable)


def test_unpaired_pen_is_identified_without_proof(make: MakeBench) -> None:
    """A pen that nobody paired says so, is opened as ever, and nothing of pairing is said to it."""
    bench = make(b"")
    link = bench.host()
    pen = link.identify()

    assert Capability.PAIRING & pen.capabilities
    assert not pen.is_paired
    assert not Capability.PAIRED & pen.capabilities
    assert Result.DONE is asked(link, Command.OPEN)


@pytest.mark.req("SR-055", "HZ-79")
@pytest.mark.parametrize("is_before", [True, False])
def test_host_without_the_key_only_looks_and_stops(make: MakeBench, is_before: bool) -> None:
    """It may identify, poll and stop; OPEN and RESET are refused, a proven host there or not."""
    bench = make()
    if is_before:
        bench.host(KEY).identify()
    link = bench.host(start=ATTACKER)
    pen = link.identify()

    assert Capability.PAIRED & pen.capabilities
    assert not pen.is_paired
    assert Result.NONE is asked(link, Command.POLL)
    assert Result.BAD_TOKEN is asked(link, Command.OPEN)
    assert Result.DONE is asked(link, Command.STOP)
    bench.pen.firmware.trip(Fault.STALL)
    bench.wait_ms(400)
    assert Result.BAD_TOKEN is asked(link, Command.RESET)


@pytest.mark.req("SR-055")
def test_reset_is_taken_from_the_proven_host(make: MakeBench) -> None:
    """RESET brings the next token of the session, as OPEN does."""
    bench = make()
    link = bench.host(KEY)
    link.identify()
    bench.pen.firmware.trip(Fault.STALL)
    bench.wait_ms(400)

    assert Result.DONE is asked(link, Command.RESET)
    assert Result.DONE is asked(link, Command.OPEN)


@pytest.mark.req("SR-055", "HZ-78")
def test_pen_with_another_key_is_refused_as_a_clone(make: MakeBench) -> None:
    """The host sends no proof to it, forgets who it said it was, and can still stop it."""
    bench = make(OTHER_KEY)
    link = bench.host(KEY)
    with pytest.raises(UnprovenPen, match="cloned pen"):
        link.identify()

    assert link.identity is None
    assert "" == bench.pen.firmware.pairing._session.hex()
    with pytest.raises(RuntimeError, match="identified"):
        link.exchange(Command.POLL)
    stopped = link.stop(attempts=1).status
    assert stopped is None
    assert bench.pen.state is PenState.SAFE


@pytest.mark.req("SR-055", "HZ-78")
@pytest.mark.parametrize(
    ("key", "can_be_paired", "why"),
    [(b"", True, authenticate.NEVER_PAIRED), (KEY, False, authenticate.CANNOT_BE_PAIRED)],
)
def test_downgrade_is_refused_before_anything_is_asked(
    make: MakeBench, key: bytes, can_be_paired: bool, why: str
) -> None:
    """A pen that is known to be paired and says otherwise is not even polled."""
    bench = make(key, can_be_paired=can_be_paired)
    link = bench.host(KEY)
    with pytest.raises(UnprovenPen) as caught:
        link.identify()

    assert why == caught.value.why
    assert "a technician pairs it again" in str(caught.value)
    assert (0, None) == (link.metrics().requests, link.identity)


@pytest.mark.req("SR-055", "HZ-78")
def test_pen_that_lies_about_its_key_is_refused(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says *paired* in its identity, and *no key* to HELLO."""
    bench = make(b"")
    identity = bench.pen._identity

    def lying() -> dict[str, int]:
        said = identity()
        return {**said, "capabilities": said["capabilities"] | Capability.PAIRED}

    monkeypatch.setattr(bench.pen, "_identity", lying)
    with pytest.raises(UnprovenPen, match="not paired"):
        bench.host(KEY).identify()


def test_pen_that_does_not_believe_us_is_refused(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pen is right and the host's proof arrives wrong: it is not driven."""
    bench = make()
    monkeypatch.setattr("drivers.pairing.Challenge.host_proof", lambda *_: bytes(16))
    with pytest.raises(UnprovenPen, match="this computer's proof"):
        bench.host(KEY).identify()


@pytest.mark.req("SR-055")
@pytest.mark.parametrize("lost", ["lose_requests", "lose_answers"])
@pytest.mark.parametrize("skipped", [0, 1])
def test_lost_frame_of_the_proofs_costs_a_try_and_no_more(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch, lost: str, skipped: int
) -> None:
    """Whether HELLO or PROVE, or the answer to it, is lost: the pen is proven in the end."""
    bench = make()
    pairing_request = type(bench.host()._framing).pairing_request
    asked_before: list[bytes] = []

    def losing(framing: Framing, request: tuple[int, ...]) -> bytes:
        if len(asked_before) == skipped:
            setattr(bench.port.fault, lost, 1)
        frame: bytes = pairing_request(framing, request)  # type: ignore[arg-type]
        asked_before.append(frame)
        return frame

    monkeypatch.setattr(type(bench.host()._framing), "pairing_request", losing)
    link = bench.host(KEY)

    assert link.identify().is_paired
    assert len(asked_before) in (3, 4)
    assert Result.DONE is asked(link, Command.OPEN)


@pytest.mark.req("SR-055", "SR-010")
def test_late_answer_to_an_earlier_hello_is_no_wrong_proof(make: MakeBench) -> None:
    """A proof for the challenge before is passed over, and the pen is not called a clone for it."""
    bench = make()
    late: list[bytes] = []
    pair, receive = bench.pen.firmware.pair, bench.pen.receive

    def slow(request: bytes) -> bytes:
        late.append(b"")
        return pair(request)

    def receive_late(data: bytes, at_us: int) -> bytes:
        count = len(late)
        answer = receive(data, at_us)
        if len(late) == count or len(late) > 2:
            return answer
        if len(late) == 1:
            late[0] = answer
            return b""
        return late[0] + answer

    bench.pen.firmware.pair = slow  # type: ignore[method-assign]
    bench.pen.receive = receive_late  # type: ignore[method-assign]

    assert bench.host(KEY).identify().is_paired
    assert 3 == len(late)


def test_pen_that_falls_silent_at_the_proofs_is_a_silent_device(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends within 2 s, and the pen counts as not identified."""
    bench = make()
    link = bench.host(KEY)
    monkeypatch.setattr(bench.pen.firmware, "pair", lambda _request: _stay_silent(bench.pen))
    began_us = bench.clock.now_us()
    with pytest.raises(SilentDevice):
        link.identify()

    assert link.identity is None
    assert bench.clock.now_us() - began_us < 2_000_000


@pytest.mark.req("SR-055", "SR-013")
def test_stop_works_in_the_middle_of_the_proofs(make: MakeBench) -> None:
    """A stranger's STOP stops the motor, between a HELLO and its PROVE as well."""
    bench = make()
    owner = bench.host(KEY)
    owner.identify()
    for command in (Command.OPEN, Command.ARM):
        owner.exchange(Command.POLL)
        owner.exchange(command, depth_um=500, speed_dhz=1_000)
    bench.wait_ms(200)
    owner.exchange(Command.POLL)
    owner.exchange(Command.START, depth_um=500, speed_dhz=1_000)
    assert bench.pen.state is PenState.RUN
    stranger = bench.host(start=ATTACKER)
    hello = encode_request(PairingStep.HELLO, 1, bytes(16), SERIAL_NUMBER)
    bench.port.write(stranger._framing.pairing_request(hello))
    assert bench.pen.state is PenState.RUN
    stranger.stop(attempts=1)

    assert bench.pen.state in (PenState.STOPPING, PenState.SAFE)
    assert not bench.pen.bridge_is_on


@pytest.mark.req("SR-055", "HZ-79")
def test_token_of_an_order_that_was_refused_is_used_up(make: MakeBench) -> None:
    """Who hears an OPEN that FAULT refuses cannot reset the pen by its token."""
    bench = make()
    link = bench.host(KEY)
    link.identify()
    bench.pen.firmware.trip(Fault.STALL)
    bench.wait_ms(400)
    assert Result.FAULT_ACTIVE is asked(link, Command.OPEN)
    stranger = bench.host(start=link._core.token)
    stranger._core.adopt(SERIAL_NUMBER)
    stranger._token_source = stranger._next_token = lambda: link._core.token

    assert Result.BAD_TOKEN is asked(stranger, Command.RESET)
    assert Result.DONE is asked(link, Command.RESET)


@pytest.mark.req("SR-055", "HZ-79")
def test_session_ends_with_a_restart_of_the_pen(make: MakeBench) -> None:
    """Until the host has proven itself once more, its next token is none."""
    bench = make()
    link = bench.host(KEY)
    link.identify()
    next_token = link._next_token
    bench.pen.restart()
    bench.wait_ms(100)
    stranger = bench.host(start=ATTACKER)
    stranger.identify()
    stranger._next_token = next_token  # even with what the old session would have said next

    assert Result.BAD_TOKEN is asked(stranger, Command.OPEN)
    assert link.identify().is_paired
    assert Result.DONE is asked(link, Command.OPEN)


@pytest.mark.req("SR-055", "HZ-79")
def test_new_host_ends_the_session_of_the_older_one(make: MakeBench) -> None:
    """Two programs with the same key: the last one that proved itself opens, the older does not."""
    bench = make()
    first, second = bench.host(KEY), bench.host(KEY, start=ATTACKER)
    first.identify()
    second.identify()

    assert Result.BAD_TOKEN is asked(first, Command.OPEN)
    assert Result.DONE is asked(second, Command.OPEN)


@pytest.mark.req("SR-055", "HZ-79")
def test_key_is_agreed_only_while_the_button_has_been_held(make: MakeBench) -> None:
    """Not without it, not after a short press, not while a token is live; then it is kept."""
    bench = make(b"")
    link = bench.host()
    link.identify()
    assert link.agree(bytes(32)) is None
    bench.pen.plant.button_down = True
    bench.wait_ms(1_800)
    assert link.agree(bytes(32)) is None
    bench.wait_ms(300)
    asked(link, Command.OPEN)
    assert link.agree(bytes(32)) is None
    asked(link, Command.STOP)
    key = link.agree(OTHER_KEY)
    assert key is not None
    assert not bench.pen.memory.key

    assert link.prove(key).is_paired
    assert key.hex() == bench.pen.memory.key
    assert bench.host(key, start=ATTACKER).identify().is_paired


def test_pairing_needs_an_identified_pen(make: MakeBench) -> None:
    """Before that there is nobody to agree with, or to prove anything to."""
    link = make().host()
    for ask in (link.agree, link.prove):
        with pytest.raises(RuntimeError, match="identified"):
            ask(KEY)


@pytest.mark.parametrize("answer", [None, bytes(32)])
def test_agreement_that_comes_to_nothing_is_refused(
    make: MakeBench, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    """A pen that refuses our public key, or gives a bad one, is not paired."""
    bench = make(b"")
    link = bench.host()
    link.identify()
    bench.pen.plant.button_down = True
    bench.wait_ms(2_100)
    if answer is None:
        monkeypatch.setattr("drivers.agreement.public_key", lambda _key: bytes(32))
    else:
        monkeypatch.setattr("simulator.pairing.x25519", _twisted(answer))
    with pytest.raises(UnprovenPen, match="public key"):
        link.agree(KEY)

    assert not bench.pen.memory.key


def test_error_survives_the_way_between_processes() -> None:
    """It is pickled with all its fields, and says what to do."""
    error = UnprovenPen("a", 42, authenticate.NOT_THE_SAME)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 our own bytes

    assert (str(error), 42) == (str(again), again.serial_number)


def _stay_silent(pen: Pen) -> bytes:
    pen.is_mute = True
    return bytes(40)


def _twisted(public: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return a curve on which every public key is this one, and every secret is fine."""
    from simulator.curve import BASE_POINT

    return lambda _key, point: public if point == BASE_POINT else bytes(31) + b"\x01"
