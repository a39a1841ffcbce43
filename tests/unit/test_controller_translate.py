"""Between wire and safety nothing is lost, renamed or judged."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from controller.translate import exchanged_of, pen_identity_of, telemetry_of
from drivers.block import Identity, Status
from drivers.exchange import Exchange
from drivers.registers import Capability, Command, Fault, Flag, PenState, Result
from safety.facts import Exchanged, PenIdentity, Telemetry
from safety.states import OrderKind
from safety.states import PenState as SeenState

STATUS = Status(
    state=PenState.RUN,
    fault=Fault.NONE,
    flags=Flag(0),
    token_echo=0xABCD,
    sequence_echo=258,
    tick_ms=90_005,
    epoch=7,
    last_order_token=0xABCD,
    last_order_sequence=257,
    result=Result.DONE,
    depth_um=748,
    speed_dhz=1_000,
    current_ma=212,
    temperature_cdegc=2_410,
    supply_mv=3_870,
    strokes=1_006,
    limits_hash=0x957A,
)
EXCHANGE = Exchange(
    command=Command.START,
    token=0x1234ABCD,
    sequence=258,
    status=STATUS,
    exception=None,
    sent_us=1_000,
    received_us=12_345,
    attempts=1,
    preempted=False,
    epoch_changed=False,
)
FLAGS = {
    Flag.MOTOR_ON: "is_driven",
    Flag.CONTACT: "has_contact",
    Flag.CARTRIDGE: "has_cartridge",
    Flag.SETTLED: "is_settled",
    Flag.BUTTON: "is_button_down",
    Flag.LEASE_ENDED: "lease_ended",
}


def test_status_becomes_telemetry_field_by_field() -> None:
    """Every value arrives under its name; the temperature in thousandths of a degree."""
    wanted = Telemetry(
        received_ms=12_345,
        tick_ms=90_005,
        epoch=7,
        state=SeenState.RUN,
        fault=0,
        is_driven=False,
        has_contact=False,
        has_cartridge=False,
        is_settled=False,
        is_button_down=False,
        lease_ended=False,
        depth_um=748,
        speed_dhz=1_000,
        current_ma=212,
        temperature_mdegc=24_100,
        supply_mv=3_870,
        strokes=1_006,
        limits_hash=0x957A,
        last_order=(0xABCD, 257),
    )

    assert wanted == telemetry_of(STATUS, 12_345_999)


@pytest.mark.parametrize(("flag", "name"), FLAGS.items(), ids=str)
def test_flag_becomes_its_own_fact_and_no_other(flag: Flag, name: str) -> None:
    """One bit of the wire is one truth of safety."""
    seen = telemetry_of(replace(STATUS, flags=flag), 0)

    assert [name] == [one for one in FLAGS.values() if getattr(seen, one)]


def test_measurement_that_the_pen_lacks_stays_unknown() -> None:
    """What the pen could not measure is None, not 0."""
    blind = replace(STATUS, depth_um=None, speed_dhz=None, current_ma=None, supply_mv=None)
    seen = telemetry_of(replace(blind, temperature_cdegc=None), 0)

    assert (None, None, None) == (seen.depth_um, seen.speed_dhz, seen.current_ma)
    assert (None, None) == (seen.supply_mv, seen.temperature_mdegc)


@pytest.mark.parametrize("state", PenState)
@pytest.mark.parametrize("fault", Fault)
def test_state_and_fault_keep_their_numbers(state: PenState, fault: Fault) -> None:
    """Safety's own words for states have the numbers of the wire."""
    seen = telemetry_of(replace(STATUS, state=state, fault=fault), 0)

    assert (state.name, int(state), int(fault)) == (seen.state.name, int(seen.state), seen.fault)


def test_orders_have_the_numbers_of_the_wire() -> None:
    """Safety's orders are the commands of the register map, name by name."""
    assert {c.name: int(c) for c in Command} == {k.name: int(k) for k in OrderKind}


@pytest.mark.parametrize("result", Result)
def test_exchange_was_taken_only_where_the_pen_says_so(result: Result) -> None:
    """NONE and DONE are taken; everything else is a refusal in the pen's own word."""
    done = exchanged_of(replace(EXCHANGE, status=replace(STATUS, result=result)))
    was_taken = result in (Result.NONE, Result.DONE)
    word = "" if was_taken else result.name.lower().replace("_", " ")

    assert Exchanged(OrderKind.START, (0xABCD, 258), True, was_taken, word) == done


@pytest.mark.req("SR-011")
def test_exchange_without_an_answer_was_neither_answered_nor_taken() -> None:
    """What nobody knows is not a refusal."""
    lost = exchanged_of(replace(EXCHANGE, status=None, received_us=None))

    assert Exchanged(OrderKind.START, (0xABCD, 258), False, False, "") == lost


def test_exception_is_an_answer_to_a_renewal_and_a_refusal() -> None:
    """It may be said again, so that nothing is lost if the line made the exception."""
    refused = exchanged_of(replace(EXCHANGE, command=Command.RENEW, status=None, exception=2))

    assert Exchanged(OrderKind.RENEW, (0xABCD, 258), True, False, "exception 02") == refused


@pytest.mark.req("SR-011")
def test_exception_tells_nothing_of_an_order() -> None:
    """A line may have made it while START was executed: nobody knows."""
    unknown = exchanged_of(replace(EXCHANGE, status=None, exception=2))

    assert Exchanged(OrderKind.START, (0xABCD, 258), False, False, "") == unknown


def test_identity_is_what_safety_compares_a_pen_with() -> None:
    """Serial number, boot number, limits, tolerance and cartridge are carried over."""
    names = {f.name for f in fields(Identity)} - {"capabilities"}
    numbers = {name: i for i, name in enumerate(sorted(names))}
    identity = Identity(capabilities=Capability.LEASE, **numbers)

    wanted = PenIdentity(
        serial_number=numbers["serial_number"],
        epoch=77,
        limits_hash=numbers["limits_hash"],
        depth_tolerance_um=numbers["depth_tolerance_um"],
        cartridge_uid=numbers["cartridge_uid"],
    )
    assert wanted == pen_identity_of(identity, 77)
