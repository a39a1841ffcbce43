"""Descriptions of plain Modbus pens: what they may say, and what every slip is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.plain.profile import COSTS, NEEDED, UNITS, Field
from drivers.plain.profile_file import is_device_profile, load_profile, parse_profile
from drivers.plain.supervised import DEPTH_UM_MAX, SPEED_DHZ_MAX, WATCHDOG_MS_MAX
from drivers.plain.survey import Span, spans_of
from drivers.plain.table import ProfileError
from drivers.registers import Fault
from safety.limits import DOSE_ABSOLUTE, DOSE_LIMIT

PENS = Path(__file__).parents[2] / "examples" / "pens"
SIMULATED = (PENS / "simulated.toml").read_text(encoding="utf-8")
GENERIC = (PENS / "motor-controller.toml").read_text(encoding="utf-8")


def changed(old: str, new: str, text: str = SIMULATED) -> bytes:
    """Return a description with one place changed, which must be there."""
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize("path", sorted(PENS.glob("*.toml")), ids=lambda path: path.stem)
def test_example_can_be_driven(path: Path) -> None:
    """Every description that ships lacks nothing that driving needs."""
    assert () == load_profile(path).lacking


@pytest.mark.req("SR-001", "SR-003", "SR-059")
@pytest.mark.parametrize(
    ("old", "new", "depth_um", "speed_dhz"),
    [
        ("depth_um_max = 2500", "depth_um_max = 5000", DEPTH_UM_MAX, SPEED_DHZ_MAX),
        ("depth_um_max = 2500", "depth_um_max = 480", 450, SPEED_DHZ_MAX),
        ("speed_dhz_max = 1500", "speed_dhz_max = 5000", DEPTH_UM_MAX, SPEED_DHZ_MAX),
        ("speed_dhz_max = 1500", "speed_dhz_max = 900", DEPTH_UM_MAX, 900),
    ],
)
def test_no_file_raises_the_supervised_limits(
    old: str, new: str, depth_um: int, speed_dhz: int
) -> None:
    """What the maker states only ever lowers them, and depth is a multiple of the step."""
    profile = parse_profile(changed(old, new))

    assert (depth_um, speed_dhz) == (profile.depth_um_max, profile.speed_dhz_max)


@pytest.mark.req("SR-059")
def test_longest_watchdog_is_bearable() -> None:
    """A still hand on 6 x 6 mm: 12 needles stay below the recommended dose, 36 within the cap."""
    strokes = SPEED_DHZ_MAX * WATCHDOG_MS_MAX // 10_000
    per_cm2 = 100 / 36

    assert strokes * 12 * per_cm2 < DOSE_LIMIT.soft_high(0)
    assert DOSE_ABSOLUTE == strokes * 36 * per_cm2


@pytest.mark.req("SR-015", "SR-059")
def test_pen_without_watchdog_loads_and_cannot_be_driven() -> None:
    """Nothing else is lacking, and the file is none the worse for reading."""
    head, _, tail = SIMULATED.partition("[watchdog]")
    text = head + tail[tail.index("[limits]") :]

    assert ("watchdog", "watchdog read-back") == parse_profile(text.encode()).lacking


@pytest.mark.req("SR-059")
def test_watchdog_that_cannot_be_read_back_is_not_enough() -> None:
    """Nobody would see that the pen has none."""
    text = changed(
        'timeout = { address = 0x0030, read = 3, numerator = 10, unit = "ms" }', "", GENERIC
    )

    assert ("watchdog read-back",) == parse_profile(text).lacking


def test_smallest_file_is_read_and_lacks_everything() -> None:
    """A name is enough to begin with; all that driving needs is then named as missing."""
    text = b'format = 1\nkind = "plain-modbus-pen"\nname = "x"\nmodel = 0\nlatency_ms = 5\n'

    profile = parse_profile(text)

    assert NEEDED == profile.lacking
    assert tuple(COSTS) == profile.missing


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "format = 2: must be 1"),
        ("format = 1", "format = true", "format = true: must be 1"),
        ("format = 1\n", "", "format = missing: must be 1"),
        ('kind = "plain-modbus-pen"', 'kind = "pen"', "kind = 'pen': must be one of"),
        ("model = 101", "model = 1.5", "model = 1.5: must be a whole number, 0 to 65535"),
        ("unit_id = 1", "unit_id = 248", "unit_id = 248: must be a whole number, 1 to 247"),
        ("latency_ms = 10", "latency_ms = 21", "latency_ms = 21: must be a whole number, 1 to 20"),
        ("model = 101", "model = 101\nbaud = 9600", "baud = 9600: must be 115200"),
        ("model = 101", "modle = 101", "model = missing"),
        ("model = 101", "model = 101\nspeed = 3", "speed = 3: must be one of: baud"),
        ("address = 15\n", "address = 65536\n", "identity[0].address = 65536"),
        ("value = 0x5050", "value = -1", "identity[0].value = -1"),
        ("[measured.depth_um]", "[measured.depth_mm]", "measured.depth_mm"),
        ("address = 2\nread = 4", "address = 2\nread = 1", "measured.depth_um.read = 1: must be 3"),
        ('signed = true\nunit = "um"', 'unit = "mm"', "measured.depth_um.unit = 'mm': must be one"),
        ("unknown = -32768", "unknown = 40000", "measured.depth_um.unknown = 40000"),
        ("signed = true", "signed = 1", "measured.depth_um.signed = 1: must be true or false"),
        ("denominator = 6", "denominator = 0", "measured.speed_dhz.denominator = 0"),
        ("denominator = 6", "denominator = 0.5", "measured.speed_dhz.denominator = 0.5"),
        ('word_order = "low first"', 'word_order = "little"', "measured.strokes.word_order"),
        ("words = 2", "words = 3", "measured.strokes.words = 3"),
        ("address = 9\nread = 4\nwords = 2", "address = 9\nread = 4", "measured.tick_ms.words = 1"),
        ("address = 7\n", "address = 65535\n", "measured.strokes.address = 65535: must leave room"),
        ("mask = 0x01", "mask = 0", "switch.motor_on.mask = 0"),
        ("mask = 0x01", "values = [true]", "switch.motor_on.values = true"),
        ("motor_on = {", "motor = {", "switch.motor"),
        ('1 = "stall"', '0 = "stall"', "fault.codes = '0': must have numbers of 1 to 65535"),
        ('1 = "stall"', '1 = "tired"', "fault.codes.1 = 'tired': must be one of: stall"),
        ("write = 6\nnumerator", "write = 5\nnumerator", "setpoint.depth_um.write = 5: must be 6"),
        (
            "write = 6\nnumerator",
            "words = 2\nwrite = 6\nnumerator",
            "must be 16 for a field of two",
        ),
        ("start = 1", "start = 0", "run.start = 0: must differ from stop"),
        ("address = 0x105", "address = 0x102", "reset.address = 258: must not be written as run"),
        ("timeout_ms = 500", "timeout_ms = 1001", "watchdog.timeout_ms = 1001: must be a whole"),
        ("timeout_ms = 500", "timeout_ms = 99", "watchdog.timeout_ms = 99: must be a whole number"),
        (
            "write = 6, unit",
            "write = 6, numerator = 7, unit",
            "watchdog.timeout_ms = 500: must come",
        ),
        ("counting = true\n", "", "watchdog.kick = missing"),
        (
            "depth_step_um = 50",
            "depth_step_um = 25",
            "limits.depth_step_um = 25: must come out even",
        ),
        ("speed_dhz_min = 500", "speed_dhz_min = 1600", "limits.speed_dhz_min = 1600: must be at"),
        ("needles = 12", "needles = 0", "cartridge.needles = 0: must be a whole number, 1 to 100"),
        ("needles = 12", "needles = ", "file = "),
    ],
)
def test_slip_is_told_with_field_value_and_rule(old: str, new: str, message: str) -> None:
    """Each slip is refused in one line that says where it is, what is there, and what must be."""
    with pytest.raises(ProfileError) as caught:
        parse_profile(changed(old, new))

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff", b"a = " + b"[" * 9_000, b"x = 1" * 300, b"#" * 70_000])
def test_bytes_that_are_no_file_of_ours_are_refused(data: bytes) -> None:
    """Neither a wrong coding, nor depth, nor length leads to anything but one clear error."""
    with pytest.raises(ProfileError, match="file"):
        parse_profile(data)


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are both told."""
    with pytest.raises(ProfileError, match="must be there, as a regular file"):
        load_profile(tmp_path / name)


def test_file_says_of_itself_that_it_describes_a_pen() -> None:
    """Only a line of its own says so: no text, no comment, and no other kind of file."""
    assert is_device_profile(SIMULATED.encode())
    assert is_device_profile(b'kind="plain-modbus-pen" # yes\r\n')
    assert not is_device_profile(b'# kind = "plain-modbus-pen"\n')
    assert not is_device_profile(b"name = 'kind = \"plain-modbus-pen\"'\n")


def test_neighbours_are_read_together_and_nothing_else_is() -> None:
    """Registers that nobody named are never read: a strict device refuses them."""
    assert (Span(3, 0x100, 5), Span(4, 0, 15)) == spans_of(parse_profile(SIMULATED.encode()))
    spans = spans_of(parse_profile(GENERIC.encode()))
    assert (Span(3, 0x10, 9), Span(3, 0x20, 3), Span(3, 0x30, 1)) == spans


def test_fault_that_nobody_explained_needs_a_technician() -> None:
    """A code of the maker that the file leaves out is never taken for harmless."""
    fault = parse_profile(GENERIC.encode()).fault

    assert fault is not None
    faults = [fault.fault_of(code) for code in (0, 1, 3)]
    assert [Fault.NONE, Fault.STALL, Fault.SELF_TEST] == faults


def test_measurement_is_rounded_up_and_order_must_come_out_even() -> None:
    """One third of a unit more is shown as one more; what would be rounded is not sent."""
    thirds = Field("speed_dhz", 0, denominator=3)
    tens = Field("depth_um", 0, numerator=10)

    assert (1, 2) == (thirds.value_of((3,)), thirds.value_of((4,)))
    assert ((25,), None) == (tens.registers_of(250), tens.registers_of(255))
    assert (None, None) == (tens.registers_of(-10), tens.registers_of(655_360))


def test_every_measurement_has_a_cost_when_it_is_missing() -> None:
    """Nothing can be left out of a file without somebody saying what that means."""
    assert set() == {name for name in UNITS if name not in COSTS}
