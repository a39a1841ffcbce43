"""Plain Modbus pens: parsing is total, and numbers come back as they went, whatever they are."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.framing import Discard
from drivers.plain.frames import AnswerFinder, read_request, sealed, write_request
from drivers.plain.profile import Field
from drivers.plain.profile_file import parse_profile
from drivers.plain.supervised import DEPTH_UM_MAX, SPEED_DHZ_MAX
from drivers.plain.table import ProfileError
from drivers.plain.ticks import MODULUS, HostTicks, PenTicks

REQUESTS = st.sampled_from(
    [
        read_request(1, 3, 0x100, 2),
        read_request(1, 4, 0, 20),
        write_request(1, 6, 0x100, (40,)),
        write_request(1, 16, 0x100, (1, 2)),
    ]
)
RIGHT = [
    b"\x01\x03\x04\x12\x34\x56\x78",
    b"\x01\x04\x28" + bytes(range(40)),
    b"\x01\x06\x01\x00\x00\x28",
    b"\x01\x10\x01\x00\x00\x02",
]


@pytest.mark.req("SR-016")
@given(REQUESTS, st.lists(st.binary(max_size=600), max_size=5))
def test_any_bytes_are_an_answer_or_none(request: object, parts: list[bytes]) -> None:
    """Whatever comes, in whatever pieces: no error, and never more than half a kilobyte is kept."""
    finder = AnswerFinder(request, Counter())  # type: ignore[arg-type]
    for part in parts:
        finder.feed(part)

        assert len(finder._buffer) <= 512


@pytest.mark.req("SR-010", "SR-016")
@given(st.integers(0, 3), st.integers(0, 40), st.data())
def test_right_answer_is_found_in_pieces_and_no_bit_of_it_may_be_wrong(
    which: int, cut: int, data: st.DataObject
) -> None:
    """Cut anywhere it is whole again; with one bit flipped it is no answer."""
    asked = [
        read_request(1, 3, 0x100, 2),
        read_request(1, 4, 0, 20),
        write_request(1, 6, 0x100, (40,)),
        write_request(1, 16, 0x100, (1, 2)),
    ][which]
    frame = sealed(RIGHT[which])
    place = data.draw(st.integers(0, 8 * len(frame) - 1))
    flipped = bytearray(frame)
    flipped[place // 8] ^= 1 << place % 8
    good, bad = AnswerFinder(asked, Counter()), AnswerFinder(asked, Counter())

    first = good.feed(frame[:cut]) if cut else None
    answers = [one for one in (first, good.feed(frame[cut:])) if one is not None]

    assert 1 == len(answers)
    assert None is bad.feed(bytes(flipped))


@given(st.binary(min_size=1, max_size=8))
def test_write_is_never_answered_by_another_echo(body: bytes) -> None:
    """An intact frame that differs in address or value is counted, not believed."""
    asked = write_request(1, 6, 0x100, (40,))
    discards: Counter[Discard] = Counter()
    finder = AnswerFinder(asked, discards)
    echo = b"\x01\x06" + (body * 4)[:4]

    answer = finder.feed(sealed(echo))

    assert (answer is not None) == (sealed(echo) == asked.echo)
    assert finder.has_stranger == (answer is None)


FIELDS = st.builds(
    Field,
    st.just("depth_um"),
    st.just(0),
    words=st.integers(1, 2),
    is_low_word_first=st.booleans(),
    is_signed=st.booleans(),
    numerator=st.integers(1, 1_000),
    denominator=st.integers(1, 1_000),
)


@pytest.mark.req("SR-003")
@given(FIELDS, st.integers(-100_000, 100_000))
def test_value_that_can_be_said_reads_back_as_itself(field: Field, value: int) -> None:
    """Either it comes back exactly, or it is not sent."""
    registers = field.registers_of(value)

    assert registers is None or (field.words, value) == (len(registers), field.value_of(registers))


@given(FIELDS, st.data())
def test_measurement_is_never_shown_lower_than_it_is(field: Field, data: st.DataObject) -> None:
    """Rounding is upwards, by less than one unit."""
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=field.words, max_size=field.words))
    value = field.value_of(tuple(words))
    ordered = words[::-1] if field.is_low_word_first else words
    raw = int.from_bytes(b"".join(one.to_bytes(2) for one in ordered), signed=field.is_signed)

    assert value is not None
    assert 0 <= value * field.denominator - raw * field.numerator < field.denominator


@pytest.mark.req("SR-001", "SR-059")
@given(
    st.integers(-5, 6_000), st.integers(-5, 6_000), st.integers(-5, 6_000), st.integers(-5, 6_000)
)
def test_no_limits_of_a_file_raise_the_supervised_ones(
    depth_um: int, step_um: int, slow_dhz: int, fast_dhz: int
) -> None:
    """A file is refused, or grants at most 500 um in steps and 100 strokes/s."""
    text = f"""format = 1\nkind = "plain-modbus-pen"\nname = "x"\nmodel = 0\nlatency_ms = 5
    [limits]\ndepth_um_max = {depth_um}\ndepth_step_um = {step_um}\nspeed_dhz_min = {slow_dhz}
    speed_dhz_max = {fast_dhz}\ndepth_tolerance_um = 0\nstop_ms_max = 50\n"""
    try:
        profile = parse_profile(text.encode())
    except ProfileError:
        return

    assert 0 <= profile.depth_um_max <= min(DEPTH_UM_MAX, depth_um)
    assert 0 == profile.depth_um_max % step_um
    assert 0 <= profile.speed_dhz_max <= min(SPEED_DHZ_MAX, fast_dhz)


@given(st.text(max_size=300))
def test_any_text_is_one_clear_error(text: str) -> None:
    """No chance text is a whole profile, and none leads to another error than ours."""
    with pytest.raises(ProfileError, match="must"):
        parse_profile(text.encode("utf-8", "surrogatepass"))


@given(st.integers(0, MODULUS - 1), st.lists(st.tuples(st.integers(5, 500), st.integers(0, 30))))
def test_clock_of_a_living_pen_is_believed_across_its_wrap(
    start: int, steps: list[tuple[int, int]]
) -> None:
    """However long the pauses, an answer that took up to 30 ms is taken, and ticks go on."""
    ticks, now_ms, last_ms = PenTicks(35), 1_000, -40
    for wait_ms, late_ms in steps:
        now_ms += wait_ms
        left_ms = max(now_ms - late_ms, last_ms + 1)
        last_ms = left_ms

        assert (start + left_ms) % MODULUS == ticks.take((start + left_ms) % MODULUS, now_ms)


@given(st.lists(st.integers(0, 100), min_size=1))
def test_ticks_of_the_host_always_rise(waits: list[int]) -> None:
    """Two answers in the same millisecond still follow each other."""
    ticks, now_ms, seen = HostTicks(), 1_000, []
    for wait_ms in waits:
        now_ms += wait_ms
        seen.append(ticks.take(None, now_ms))

    assert sorted(set(seen)) == seen  # type: ignore[type-var]
