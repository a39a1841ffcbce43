"""The simulated pen behind plain registers: what it says, refuses, and stops by itself."""

from __future__ import annotations

import pytest

from drivers.registers import PenState
from simulator.codec import seal
from simulator.plain import DEVICE_ID, PlainPen

MS = 1_000
SPEED, DEPTH, RUN, KICK, TIMEOUT, CLEAR = (0x101, 0x100, 0x102, 0x103, 0x104, 0x105)
OK = 0


class Host:
    """A host that knows Modbus and nothing else, one request every 5 ms."""

    def __init__(self) -> None:
        self.pen = PlainPen(seed=3)
        self.now_us = 200 * MS

    def say(self, body: str | bytes) -> bytes:
        """Send a frame without its CRC-16 and return the answer without its own."""
        self.now_us += 5 * MS
        data = bytes.fromhex(body) if isinstance(body, str) else body
        return self.pen.receive(seal(data), self.now_us)[:-2]

    def write(self, address: int, value: int) -> int:
        """Write one register; return the exception code, 0 if it was taken."""
        frame = bytes((1, 6)) + address.to_bytes(2) + value.to_bytes(2)
        answer = self.say(frame)
        assert answer == frame or answer[1] == 0x86
        return OK if answer == frame else answer[2]

    def read(self, function: int, address: int, count: int) -> list[int]:
        """Return registers."""
        answer = self.say(bytes((1, function)) + address.to_bytes(2) + count.to_bytes(2))
        assert bytes((1, function, 2 * count)) == answer[:3]
        return [int.from_bytes(answer[at : at + 2]) for at in range(3, 3 + 2 * count, 2)]

    def run(self) -> None:
        """Lead the pen to RUN at 400 um and 100 strokes/s, with a watchdog of 300 ms."""
        steps = [(TIMEOUT, 300), (SPEED, 6_000), (DEPTH, 40)]
        assert [OK] * 3 == [self.write(*step) for step in steps]
        self.now_us += 100 * MS
        assert [OK, OK] == [self.write(KICK, 1), self.write(RUN, 1)]


@pytest.fixture
def host() -> Host:
    """Return a host at a pen that has booted."""
    return Host()


def test_inputs_say_what_the_pen_is_and_measures(host: Host) -> None:
    """At rest: cartridge in, simulated, its serial number and limits, and what it is."""
    inputs = host.read(4, 0, 16)

    assert (0x24, 0, 0, 42, 250, 9_000, DEVICE_ID) == (inputs[0], inputs[1], *inputs[11:])
    assert 3_990 == inputs[6] * 10


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("01 01 0000 0001", 1),
        ("01 05 0000 FF00", 1),
        ("01 17 0200 0014 0100 000A 14" + "00" * 20, 1),
        ("01 03 0000 0001", 2),
        ("01 03 0100 0007", 2),
        ("01 03 0100 0000", 2),
        ("01 04 000F 0002", 2),
        ("01 06 0106 0001", 2),
        ("01 10 0100 0002 02 0000", 3),
        ("01 10 0105 0002 04 00A5 0000", 2),
        ("01 06 0103 0000", 3),
        ("01 06 0104 0031", 3),
        ("01 06 0102 0002", 3),
        ("01 06 0105 0001", 3),
        ("01 06 0100 0028", 4),
        ("01 06 0102 0001", 4),
    ],
)
def test_what_it_does_not_know_or_take_is_an_exception(host: Host, frame: str, code: int) -> None:
    """Other functions, addresses, counts and values are refused by number, and change nothing."""
    function = bytes.fromhex(frame)[1]

    assert bytes((1, function | 0x80, code)) == host.say(frame)
    assert [0, 0, 0, 0, 1_000, 0] == host.read(3, 0x100, 6)


def test_several_registers_are_written_by_function_16(host: Host) -> None:
    """Depth and speed in one frame: speed comes second, so that the depth is still refused."""
    assert bytes.fromhex("01 10 0101 0001") == host.say("01 10 0101 0001 02 1770")
    assert bytes.fromhex("01 10 0100 0001") == host.say("01 10 0100 0001 02 0028")
    assert PenState.READY is host.pen.state


@pytest.mark.req("SR-019")
@pytest.mark.parametrize(("depth", "speed"), [(255, 6_000), (40, 12_000), (41, 6_000)])
def test_its_own_limits_hold_behind_plain_registers(host: Host, depth: int, speed: int) -> None:
    """Deeper than 2.5 mm, faster than 150 strokes/s or off the step: the firmware refuses."""
    host.write(SPEED, speed)

    assert 4 == host.write(DEPTH, depth)
    assert PenState.SAFE is host.pen.state


@pytest.mark.req("SR-012", "SR-019")
def test_watchdog_stops_it_and_says_so(host: Host) -> None:
    """Without a kick it is off after 300 ms and still 50 ms later, needles in, setpoints gone."""
    host.run()
    began_us = host.now_us - 5 * MS

    host.pen.advance(began_us + 299 * MS)
    was_driven = host.pen.bridge_is_on
    host.pen.advance(began_us + 301 * MS)
    is_driven = host.pen.bridge_is_on
    host.now_us = began_us + 400 * MS

    assert (True, False) == (was_driven, is_driven)
    assert 0x10 == host.read(4, 0, 1)[0] & 0x11
    assert host.pen.needles_still
    assert [0, 0] == [host.read(3, DEPTH, 1)[0], host.read(3, RUN, 1)[0]]


def test_kicks_keep_it_running(host: Host) -> None:
    """Kicked every 100 ms it runs for two seconds, ten times its firmware's own lease."""
    host.run()
    for number in range(20):
        host.now_us += 95 * MS
        assert OK == host.write(KICK, number + 2)

    assert PenState.RUN is host.pen.state
    assert 4 == host.write(SPEED, 5_000)


def test_start_needs_a_watchdog_that_was_kicked(host: Host) -> None:
    """A start on a watchdog that has run out already is refused."""
    for step in ((SPEED, 6_000), (DEPTH, 40)):
        host.write(*step)
    host.now_us += 100 * MS

    assert 4 == host.write(RUN, 1)
    assert not host.pen.bridge_is_on


@pytest.mark.parametrize("frame", ["01 06 0102 0000", "00 06 0102 0000"], ids=["unit", "all"])
def test_stop_is_taken_while_it_runs(host: Host, frame: str) -> None:
    """Writing 0 to the run register stops it, by its own address and by everybody's."""
    host.run()

    host.say(frame)

    assert not host.pen.bridge_is_on


def test_other_units_and_broadcast_reads_are_not_answered(host: Host) -> None:
    """Silence is what a bus with several devices needs."""
    assert [b"", b""] == [host.say("02 04 0000 0001"), host.say("00 04 0000 0001")]


def test_restart_forgets_everything_but_its_own_memory(host: Host) -> None:
    """After a boot the watchdog is the maker's again, and the clock begins anew."""
    host.run()
    host.pen.restart()
    host.now_us += 100 * MS

    assert [0, 0, 0, 0, 1_000, 0] == host.read(3, 0x100, 6)
    assert host.read(4, 9, 2)[1] < 200
