"""Each rule of docs/protocol.md section 6, as the pen keeps it."""

from __future__ import annotations

import pytest

from drivers.registers import Command, Fault, Flag, PenState, Result
from simulator.codec import ORDER_CODEC
from simulator.pen import Pen
from simulator.session import TICK_MODULUS
from simulator.tame_host import TameHost, exchange_frame


@pytest.fixture
def host() -> TameHost:
    """Return a host with a pen that has just been switched on."""
    return TameHost(Pen())


def spoilt(host: TameHost, command: Command) -> bytes:
    """Return an order whose CRC-32 is wrong and whose CRC-16 is right."""
    order = bytearray(host.frame(command)[11:31])
    order[-1] ^= 1
    return exchange_frame(bytes(order), unit=1)


@pytest.mark.req("SR-019", "D08")
def test_order_with_a_wrong_crc32_is_refused(host: TameHost) -> None:
    """Rule 1: bad CRC-32."""
    host.open()
    answer = host.hear(host.pen.receive(spoilt(host, Command.ARM), host.pen.now_us))

    assert Result.BAD_CRC == answer["result"]


def test_request_with_a_wrong_crc32_does_not_count_as_seen(host: TameHost) -> None:
    """Rule 5: only a request with a right CRC-32 moves the sequence window or keeps the token."""
    host.open()
    for _ in range(3):
        host.wait(300)
        host.pen.receive(spoilt(host, Command.POLL), host.pen.now_us)
    host.wait(100)

    assert 0 == host.say(Command.POLL)["flags"] & Flag.TOKEN_LIVE


def test_order_of_another_version_is_refused(host: TameHost) -> None:
    """Rule 1: bad version, after the CRC-32 and before the command."""
    host.open()

    assert Result.BAD_VERSION == host.say(200, version=2)["result"]


def test_unknown_command_is_refused(host: TameHost) -> None:
    """Rule 1: unknown command."""
    host.open()

    assert Result.UNKNOWN_COMMAND == host.say(7)["result"]
    assert Result.UNKNOWN_COMMAND == host.say(255)["result"]


def test_poll_needs_no_token_and_is_no_order(host: TameHost) -> None:
    """Rule 2: a POLL is answered whatever its token, sequence and tick, and leaves no trace."""
    host.open()
    before = host.say(Command.POLL)
    after = host.say(Command.POLL, token=77, sequence=9, tick_echo_ms=123_456)

    assert (Result.NONE, 77, 9) == (after["result"], after["token_echo"], after["sequence_echo"])
    for name in ("state", "last_order_token", "last_order_sequence", "flags"):
        assert before[name] == after[name]


@pytest.mark.parametrize("command", [Command.OPEN, Command.ARM, Command.START, Command.RENEW])
def test_fault_allows_only_reset(host: TameHost, command: Command) -> None:
    """Rule 3: fault active, before token, sequence and tick are looked at."""
    host.start()
    host.pen.inject("over-depth")
    host.wait(20)

    assert Result.FAULT_ACTIVE == host.say(command, token=5)["result"]


@pytest.mark.req("SR-049", "HZ-26", "D08", "H08")
def test_order_without_a_live_token_is_refused(host: TameHost) -> None:
    """Rule 4: bad token, of another session or of none."""
    host.wait(100)
    host.say(Command.POLL)

    assert Result.BAD_TOKEN == host.say(Command.ARM)["result"]
    host.say(Command.OPEN)
    assert Result.BAD_TOKEN == host.say(Command.ARM, token=host.token ^ 1)["result"]


def test_token_zero_is_never_opened(host: TameHost) -> None:
    """A token is never 0, since 0 says that there is none."""
    host.wait(100)
    host.say(Command.POLL)

    assert Result.BAD_TOKEN == host.say(Command.OPEN, token=0)["result"]


@pytest.mark.req("SR-011", "SR-019", "D08")
@pytest.mark.parametrize("first", [100, 65_533, 65_535])
def test_sequence_window_is_one_to_four_ahead_also_across_the_wrap(first: int) -> None:
    """Rule 5: 1 to 4 ahead of the last one seen, modulo 65,536."""
    for ahead in range(-2, 8):
        host = TameHost(Pen())
        host.wait(100)
        host.say(Command.POLL)
        host.say(Command.OPEN, sequence=first)
        host.depth_um, host.speed_dhz = 500, 1_000
        result = host.say(Command.ARM, sequence=(first + ahead) % 65_536)["result"]

        assert (Result.DONE if 1 <= ahead <= 4 else Result.OLD_SEQUENCE) == result


def test_poll_moves_the_sequence_window_however_far_ahead(host: TameHost) -> None:
    """Rule 5: a POLL with the live token counts as seen, so that a host can catch up."""
    host.arm(500, 1_000)
    host.sequence += 50
    assert Result.OLD_SEQUENCE == host.say(Command.ARM, sequence=host.sequence - 50)["result"]
    host.say(Command.POLL)

    assert Result.DONE == host.say(Command.ARM)["result"]


@pytest.mark.req("SR-011")
def test_replayed_request_does_not_move_the_window_back(host: TameHost) -> None:
    """An old frame that comes back is not the last one seen."""
    host.arm(500, 1_000)
    old = host.frame(Command.POLL)
    host.pen.receive(old, host.pen.now_us)
    for _ in range(3):
        host.say(Command.POLL)
    host.pen.receive(old, host.pen.now_us)

    assert Result.OLD_SEQUENCE == host.say(Command.ARM, sequence=host.sequence - 2)["result"]
    assert Result.DONE == host.say(Command.ARM)["result"]


@pytest.mark.req("SR-019", "HZ-52", "D08")
@pytest.mark.parametrize("age_ms", [-1, 0, 199, 200, 201, 5_000])
def test_tick_echo_is_less_than_a_lease_behind_and_not_ahead(host: TameHost, age_ms: int) -> None:
    """Rule 6: stale tick."""
    host.arm(500, 1_000)
    echo_ms = (host.pen.tick_ms - age_ms) % TICK_MODULUS
    result = host.say(Command.ARM, tick_echo_ms=echo_ms)["result"]

    assert (Result.DONE if 0 <= age_ms <= 199 else Result.STALE_TICK) == result


@pytest.mark.req("SR-012", "SR-019")
def test_tick_may_wrap_between_order_and_echo() -> None:
    """Freshness and lease go on across 2^32 ms."""
    host = TameHost(Pen(first_tick_ms=TICK_MODULUS - 400))
    host.start()
    status = host.renew_for(500)

    assert (PenState.RUN, Result.DONE) == (status["state"], status["result"])
    assert status["tick_ms"] < 1_000
    host.wait(201)
    assert host.say(Command.POLL)["flags"] & Flag.LEASE_ENDED


@pytest.mark.req("HZ-74", "D08")
@pytest.mark.parametrize(
    ("state", "taken"),
    [
        (PenState.BOOT, set()),
        (PenState.SAFE, {Command.OPEN, Command.ARM}),
        (PenState.READY, {Command.ARM, Command.START}),
        (PenState.RUN, {Command.RENEW}),
    ],
)
@pytest.mark.parametrize(
    "command", [Command.OPEN, Command.ARM, Command.START, Command.RENEW, Command.RESET]
)
def test_each_command_is_taken_in_its_states_only(
    state: PenState, taken: set[Command], command: Command
) -> None:
    """Rule 7: wrong state, as the table of section 3 has it."""
    host = TameHost(Pen())
    if state is PenState.RUN:
        host.start()
    elif state is PenState.READY:
        host.arm(1_000, 1_000)
    elif state is PenState.SAFE:
        host.open()
        host.depth_um, host.speed_dhz = 1_000, 1_000
    else:
        host.pen.firmware.session.token = host.token
    host.wait(1)
    host.say(Command.POLL)
    assert state is host.pen.state
    result = host.say(command)["result"]

    assert (Result.DONE if command in taken else Result.WRONG_STATE) == result


@pytest.mark.req("HZ-65")
def test_arm_needs_a_cartridge(host: TameHost) -> None:
    """Rule 7: no cartridge."""
    host.open()
    host.pen.inject("cartridge-out")
    host.depth_um, host.speed_dhz = 500, 1_000

    assert Result.NO_CARTRIDGE == host.say(Command.ARM)["result"]


@pytest.mark.req("HZ-18")
def test_held_stop_button_lets_nothing_start(host: TameHost) -> None:
    """The pen's own button counts as a wrong state for ARM."""
    host.open()
    host.pen.inject("stop-button")
    host.wait(2)
    host.say(Command.POLL)
    host.say(Command.OPEN)
    host.depth_um, host.speed_dhz = 500, 1_000
    status = host.say(Command.ARM)

    assert (Result.WRONG_STATE, Flag.BUTTON) == (status["result"], status["flags"] & Flag.BUTTON)


@pytest.mark.req("SR-019", "HZ-02", "D03")
@pytest.mark.parametrize(
    ("depth_um", "speed_dhz", "result"),
    [
        (0, 500, Result.DONE),
        (2_500, 1_500, Result.DONE),
        (2_550, 1_000, Result.OVER_LIMIT),
        (65_500, 1_000, Result.OVER_LIMIT),
        (1_001, 1_000, Result.OVER_LIMIT),
        (1_000, 499, Result.OVER_LIMIT),
        (1_000, 1_501, Result.OVER_LIMIT),
        (1_000, 0, Result.OVER_LIMIT),
    ],
)
def test_arm_keeps_the_pens_own_limits(
    host: TameHost, depth_um: int, speed_dhz: int, result: Result
) -> None:
    """Rule 8: depth in steps and up to the maximum, speed in the pen's range."""
    host.open()
    host.depth_um, host.speed_dhz = depth_um, speed_dhz

    assert result == host.say(Command.ARM)["result"]


@pytest.mark.req("SR-019", "HZ-02", "HZ-74", "D08")
@pytest.mark.parametrize("changed", [{"depth_um": 950}, {"speed_dhz": 1_010}])
def test_start_and_renew_must_repeat_the_setpoint(host: TameHost, changed: dict[str, int]) -> None:
    """Rule 8: setpoint changed; a refused RENEW lets the lease run out."""
    host.arm(1_000, 1_000)
    assert Result.SETPOINT_CHANGED == host.say(Command.START, **changed)["result"]
    assert Result.DONE == host.say(Command.START)["result"]
    for _ in range(5):
        host.wait(40)
        status = host.say(Command.RENEW, **changed)

    assert (PenState.STOPPING, Result.BAD_TOKEN) == (status["state"], status["result"])


def test_start_waits_until_the_depth_has_settled(host: TameHost) -> None:
    """Rule 8: within 50 um for 20 ms, and again after a new depth."""
    host.open()
    host.depth_um, host.speed_dhz = 1_000, 1_000
    host.say(Command.ARM)
    results = []
    for _ in range(12):
        host.wait(5)
        host.say(Command.POLL)
        results.append(host.say(Command.START)["result"])

    assert Result.NOT_SETTLED == results[7], "25 ms of travel and 15 ms at the depth"
    assert Result.DONE in results[8:11]


def test_arm_again_must_settle_again(host: TameHost) -> None:
    """A new ARM forgets that the old depth had settled."""
    host.arm(1_000, 1_000)
    host.depth_um = 950
    host.say(Command.ARM)

    assert Result.NOT_SETTLED == host.say(Command.START)["result"]


@pytest.mark.req("SR-047", "D12")
def test_status_speaks_of_the_pen_after_the_order(host: TameHost) -> None:
    """The write of function 23 takes effect before its read, and names the order that it took."""
    host.arm(1_000, 1_000)
    status = host.say(Command.START)

    assert (PenState.RUN, Result.DONE) == (status["state"], status["result"])
    assert status["flags"] & Flag.MOTOR_ON
    assert (host.token & 0xFFFF, host.sequence) == (
        status["last_order_token"],
        status["last_order_sequence"],
    )


def test_reset_clears_an_operators_fault_whose_cause_has_gone(host: TameHost) -> None:
    """RESET waits for the cause, and then leads to SAFE and no further."""
    host.start()
    host.pen.inject("cartridge-out", 200)
    host.wait(100)
    host.say(Command.POLL)
    status = host.say(Command.RESET)
    assert (Fault.CARTRIDGE, Result.FAULT_ACTIVE) == (status["fault"], status["result"])
    host.wait(150)
    host.say(Command.POLL)
    status = host.say(Command.RESET)

    assert (PenState.SAFE, Fault.NONE) == (status["state"], status["fault"])


@pytest.mark.req("SR-019")
def test_reset_never_clears_a_technicians_fault(host: TameHost) -> None:
    """From 0x80 on a technician must."""
    host.start()
    host.pen.inject("over-depth")
    host.wait(100)
    host.say(Command.POLL)

    assert Result.FAULT_ACTIVE == host.say(Command.RESET)["result"]


def test_intact_is_asked_of_the_pens_own_serial_number() -> None:
    """An order for another pen has a wrong CRC-32 here."""
    host = TameHost(Pen())
    host.wait(100)
    order = ORDER_CODEC.pack(
        dict.fromkeys(("token", "sequence", "tick_echo_ms", "depth_um", "speed_dhz"), 1)
        | {"version": 1, "command": int(Command.OPEN)},
        serial_number=43,
    )
    status = host.hear(host.pen.receive(exchange_frame(order, unit=1), host.pen.now_us))

    assert Result.BAD_CRC == status["result"]


@pytest.mark.req("SR-006", "SR-019")
@pytest.mark.parametrize("silence_ms", [0, 2_000])
def test_reset_is_taken_after_a_stop_or_a_long_silence_has_voided_the_token(
    silence_ms: int,
) -> None:
    """A host that met a fault with STOP, or was silent, can still reset an operator's fault."""
    host = TameHost(Pen())
    host.start()
    host.renew_for(300)
    host.pen.inject("stall", 400)
    host.renew_for(400)
    assert PenState.FAULT is host.pen.state
    host.say(Command.STOP)
    host.wait(silence_ms + 200)
    host.say(Command.POLL)
    status = host.say(Command.RESET)

    assert (Result.DONE, PenState.SAFE) == (status["result"], status["state"])
    assert Result.BAD_TOKEN == host.say(Command.ARM)["result"]


@pytest.mark.req("SR-006", "HZ-76")
def test_reset_with_an_old_echo_is_not_taken() -> None:
    """A RESET that was parked on the line resets nothing."""
    host = TameHost(Pen())
    host.start()
    host.renew_for(300)
    host.pen.inject("stall", 400)
    host.renew_for(400)
    host.say(Command.POLL)
    parked = host.frame(Command.RESET)
    host.wait(201)
    status = host.hear(host.pen.receive(parked, host.pen.now_us))

    assert (Result.STALE_TICK, PenState.FAULT) == (status["result"], status["state"])
