"""The driver of plain Modbus pens: who it takes for its pen, what it orders, what it tells."""

from __future__ import annotations

import pytest

from drivers.driver import Setup
from drivers.errors import BadAddress, UnsuitablePen, WrongDevice
from drivers.plain.driver import PlainPen, open_plain
from drivers.plain.frames import sealed
from drivers.plain.profile_file import parse_profile
from drivers.registers import Capability, Command, Fault, Flag, PenState, Result
from hil.contract_port import ContractPort
from tests.unit.plain_bench import SIMULATED, STOP, WANTED, Bench, Far


@pytest.fixture
def bench() -> Bench:
    """Return a driver at a simulated plain pen."""
    return Bench()


@pytest.mark.req("SR-015")
def test_identity_is_read_and_tightened(bench: Bench) -> None:
    """Before anything is written: who it is, what it can do, and the supervised limits."""
    identity = bench.driver.identify()

    assert [] == bench.writes_since(0)
    assert (42, 101, 500, 50) == (
        identity.serial_number,
        identity.model,
        identity.depth_um_max,
        identity.depth_step_um,
    )
    assert (500, 1_000, 500) == (
        identity.speed_dhz_min,
        identity.speed_dhz_max,
        identity.lease_ms,
    )
    can = Capability.SIMULATED | Capability.LEASE | Capability.CONTACT_SENSE
    assert can | Capability.DEPTH_SENSE | Capability.DEPTH_DRIVE == identity.capabilities


@pytest.mark.req("SR-015", "SR-059")
def test_pen_without_watchdog_is_only_read() -> None:
    """It is told what is missing, nothing is ordered of it, and its values can still be had."""
    head, _, tail = SIMULATED.partition("[watchdog]")
    bench = Bench(head + tail[tail.index("[limits]") :])

    with pytest.raises(UnsuitablePen, match="lacks watchdog and watchdog read-back"):
        bench.driver.identify()
    with pytest.raises(RuntimeError):
        bench.ask(Command.OPEN)

    assert 3_990 == bench.driver.measure().number("supply_mv")
    assert [] == bench.writes_since(0)


@pytest.mark.req("SR-015")
def test_other_device_is_told_by_its_fixed_register() -> None:
    """A device that answers, but is another one, is written nothing."""
    bench = Bench(SIMULATED.replace("value = 0x5050", "value = 0x5051"))

    with pytest.raises(WrongDevice, match="register 15 = 20560 in place of 20561"):
        bench.driver.identify()

    assert [] == bench.writes_since(0)


def test_limits_hash_is_that_of_the_same_pen_and_of_no_other(bench: Bench) -> None:
    """Identified twice it is the same, in every status too; another limit makes it another one."""
    other = Bench(SIMULATED.replace("depth_tolerance_um = 150", "depth_tolerance_um = 140"))

    first, second = bench.driver.identify(), bench.driver.identify()

    assert first.limits_hash == second.limits_hash == bench.ask(Command.POLL).status.limits_hash
    assert first.limits_hash != other.driver.identify().limits_hash


def test_limits_that_change_in_the_pen_change_the_hash(bench: Bench) -> None:
    """The pen's own deepest protrusion is read with every status."""
    before = bench.driver.identify().limits_hash
    bench.far.change = lambda frame, answer: (
        sealed(answer[:29] + b"\x00\x14" + answer[31:-2]) if frame[1] == 4 else answer
    )

    assert before != bench.ask(Command.POLL).status.limits_hash


def test_session_runs_and_the_status_follows(bench: Bench) -> None:
    """SAFE, READY, settled, RUN, and after STOP at rest again, with the orders named."""
    started = bench.run()
    renewed = [bench.ask(Command.RENEW, **WANTED) for _ in range(4)]
    stopped = bench.driver.stop()
    rest = [bench.ask(Command.POLL).status for _ in range(3)][-1]

    assert (Result.DONE, PenState.RUN) == (started.status.result, started.status.state)
    assert started.status.took(started.token, started.sequence)
    assert [PenState.RUN] * 4 == [one.status.state for one in renewed]
    assert (True, 1) == (stopped.status.is_stopped, stopped.attempts)
    assert (PenState.SAFE, 0) == (rest.state, rest.speed_dhz)


@pytest.mark.req("SR-001", "SR-003", "SR-059")
@pytest.mark.parametrize(
    ("depth_um", "speed_dhz"), [(550, 1_000), (2_500, 1_000), (400, 1_050), (425, 1_000), (0, 800)]
)
def test_order_beyond_the_supervised_limits_is_never_written(
    bench: Bench, depth_um: int, speed_dhz: int
) -> None:
    """The pen itself would take these; the driver answers for it, and writes nothing."""
    bench.driver.identify()
    bench.ask(Command.OPEN)
    said = len(bench.port.written)

    refused = bench.ask(Command.ARM, depth_um=depth_um, speed_dhz=speed_dhz)

    assert Result.OVER_LIMIT is refused.status.result
    assert [] == bench.writes_since(said)


def test_pen_that_others_start_is_seen_running(bench: Bench) -> None:
    """What the pen says counts: a motor that nobody here started is RUN."""
    bench.run(until=Command.POLL)
    for frame in ("010601030001", "010601020001"):
        bench.far.pen.receive(sealed(bytes.fromhex(frame)), bench.port.now_us)

    status = bench.ask(Command.POLL).status

    assert (PenState.RUN, True) == (status.state, status.has(Flag.MOTOR_ON))
    assert Result.WRONG_STATE is bench.ask(Command.RENEW, **WANTED).status.result


@pytest.mark.req("SR-003")
def test_setpoint_that_the_pen_does_not_keep_is_not_armed(bench: Bench) -> None:
    """A pen that echoes one depth and keeps another is not READY, and START is refused."""
    bench.driver.identify()
    bench.ask(Command.OPEN)
    bench.far.change = lambda frame, answer: (
        sealed(answer[:3] + b"\x00\x32" + answer[5:-2]) if frame[1] == 3 else answer
    )

    armed = bench.ask(Command.ARM, **WANTED)

    assert Result.WRONG_STATE is armed.status.result
    assert PenState.READY is not armed.status.state


def test_fault_of_the_pen_is_told_in_our_words(bench: Bench) -> None:
    """A cartridge that is taken out while it runs makes FAULT with its code, and no motor."""
    bench.run()
    bench.far.pen.plant.seat_cartridge(is_in=False)

    status = bench.ask(Command.RENEW, **WANTED).status

    assert (PenState.FAULT, Fault.CARTRIDGE) == (status.state, status.fault)
    assert not status.has(Flag.MOTOR_ON | Flag.CARTRIDGE)


def test_reset_clears_a_fault_whose_cause_has_gone(bench: Bench) -> None:
    """RESET writes the maker's number, and the fault is read as gone."""
    bench.run()
    bench.far.pen.plant.seat_cartridge(is_in=False)
    for _ in range(3):
        bench.ask(Command.POLL)
    bench.far.pen.plant.seat_cartridge(is_in=True)

    reset = bench.ask(Command.RESET)

    assert (Result.DONE, Fault.NONE) == (reset.status.result, reset.status.fault)
    assert reset.status.took(reset.token, reset.sequence)


@pytest.mark.req("SR-005", "SR-013")
def test_stop_retracts_after_the_motor_is_off(bench: Bench) -> None:
    """The motor is stopped first; the depth follows, and nothing else is written."""
    bench.run()
    said = len(bench.port.written)

    bench.driver.stop()

    assert [STOP, sealed(bytes.fromhex("010601000000"))] == bench.writes_since(said)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("argument", "message"),
    [("", "the device profile is missing"), ("none.toml", "must be there, as a regular file")],
)
def test_address_without_a_description_is_refused(argument: str, message: str) -> None:
    """Nothing is written to a port whose device nobody has described."""
    port = ContractPort(Far())

    with pytest.raises(BadAddress, match=message):
        open_plain(Setup(port, argument, port.clock_us, lambda: 1))

    assert [] == port.written


@pytest.mark.parametrize("token", [0, 2**32, True, "1"])
def test_token_source_must_give_a_token(token: object) -> None:
    """A number that names no session is refused before anything is said."""
    profile = parse_profile(SIMULATED.encode())
    port = ContractPort(Far())

    with pytest.raises(ValueError, match="token"):
        PlainPen(port, profile, port.clock_us, lambda: token)  # type: ignore[arg-type,return-value]
