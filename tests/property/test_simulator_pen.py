"""The pen's invariants under orders, pauses and faults that nobody planned."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.registers import TECHNICIAN_FAULT_FIRST, Command, PenState, Result
from simulator.faults import KINDS
from simulator.pen import Pen
from simulator.tame_host import TameHost

commands = st.sampled_from(sorted(Command))
orders = st.tuples(
    st.just("say"),
    commands,
    st.fixed_dictionaries(
        {},
        optional={
            "token": st.sampled_from([0, 1, 0x1234ABCD]),
            "sequence": st.integers(0, 65_535),
            "depth_um": st.sampled_from([0, 50, 500, 501, 2_500, 2_550, 65_535]),
            "speed_dhz": st.sampled_from([0, 499, 500, 1_000, 1_500, 1_501]),
            "tick_echo_ms": st.integers(0, 3_000),
        },
    ),
)
pauses = st.tuples(st.just("wait"), st.integers(0, 260), st.none())
blows = st.tuples(st.just("fault"), st.sampled_from(sorted(KINDS)), st.integers(1, 300))
scripts = st.lists(st.one_of(orders, orders, pauses, blows), max_size=12)


def play(host: TameHost, script: list[tuple[str, object, object]]) -> None:
    """Do what the script says."""
    for verb, what, how in script:
        if verb == "say":
            assert isinstance(what, int)
            assert isinstance(how, dict)
            answer = host.pen.receive(host.frame(what, **how), host.pen.now_us)
            if answer:
                host.hear(answer)
        elif verb == "wait":
            assert isinstance(what, int)
            for _ in range(what):
                host.wait(1)
                check(host.pen)
        else:
            assert isinstance(what, str)
            assert isinstance(how, int)
            host.pen.inject(what, how)
        check(host.pen)


def check(pen: Pen) -> None:
    """Check what must hold at every moment: D01, D02, D03, D06 and D07."""
    firmware = pen.firmware
    if pen.bridge_is_on:
        assert firmware.state is PenState.RUN
        assert firmware.uptime_ms < firmware.lease_end_ms <= firmware.uptime_ms + 200
        assert firmware.session.token != 0
    assert 0 <= pen.plant.depth.target_um <= firmware.depth_cap_um
    if firmware.state is not PenState.RUN and firmware.state is not PenState.READY:
        assert 0 == pen.plant.depth.target_um
    if firmware.fault >= TECHNICIAN_FAULT_FIRST:
        assert pen.memory.fault == firmware.fault
    assert (firmware.fault != 0) is (firmware.state is PenState.FAULT)


@pytest.mark.req("SR-012", "SR-019", "D01", "D02", "D03")
@settings(max_examples=80, deadline=None)
@given(scripts, st.sampled_from(["boot", "open", "arm", "start"]))
def test_pens_invariants_hold_whatever_is_said(
    script: list[tuple[str, object, object]], stage: str
) -> None:
    """The motor is driven only in RUN and under a lease, and no depth goes beyond its cap."""
    host = TameHost(Pen())
    if stage == "open":
        host.open()
    elif stage == "arm":
        host.arm(1_000, 1_000)
    elif stage == "start":
        host.start()
    play(host, script)


@pytest.mark.req("SR-012")
@settings(max_examples=40, deadline=None)
@given(scripts)
def test_needles_are_still_251_ms_after_the_last_word(
    script: list[tuple[str, object, object]],
) -> None:
    """However a session went, silence ends in a pen at rest with its bridge open."""
    host = TameHost(Pen())
    host.start()
    play(host, script)
    host.wait(251)

    assert not host.pen.bridge_is_on
    assert host.pen.needles_still


@pytest.mark.req("SR-011", "D08")
@settings(max_examples=40, deadline=None)
@given(scripts)
def test_orders_are_refused_without_a_trace(script: list[tuple[str, object, object]]) -> None:
    """A refused order changes neither state nor last order."""
    host = TameHost(Pen())
    host.arm(1_000, 1_000)
    for verb, what, how in script:
        if verb != "say" or what == Command.STOP:
            play(host, [(verb, what, how)])
            continue
        assert isinstance(what, int)
        assert isinstance(how, dict)
        firmware = host.pen.firmware
        before = (firmware.state, firmware.last_order, firmware.lease_end_ms)
        answer = host.pen.receive(host.frame(what, **how), host.pen.now_us)
        if answer and host.hear(answer)["result"] not in (Result.DONE, Result.NONE):
            assert before == (firmware.state, firmware.last_order, firmware.lease_end_ms)
