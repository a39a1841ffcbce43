"""The lines of a trace: what is written can be read, and any file gives events or named defects."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from drivers.trace.format import (
    DATA_BYTES_MAX,
    LINE_BYTES_MAX,
    NOTE,
    NOTE_MAX,
    TO_HOST,
    TO_PEN,
    Damage,
    Event,
    LineDefect,
    TraceError,
    event_lines,
    header_line,
    note,
)
from drivers.trace.reader import read_trace
from tests.unit.traces import HEADER, RECORDED, read, text_of, treatment

EVENTS = [
    Event(5, TO_PEN, bytes.fromhex("0103")),
    Event(5, TO_HOST, b"\x00"),
    Event(9, NOTE, b"trip FAULT: over-depth"),
]


def test_written_trace_reads_the_same() -> None:
    """Header, bytes, directions, times and notes come back as they were."""
    header, items = read(text_of(EVENTS))

    assert (HEADER, EVENTS) == (header, items)


def test_lines_are_those_of_the_page() -> None:
    """A person can read and grep them."""
    lines = text_of(EVENTS).splitlines()

    assert lines[0].startswith(b'# penpilot-trace 1 {"version":"0.1.0","driver":"penlink"')
    assert [b"5 > 0103", b"5 < 00", b"9 ! trip FAULT: over-depth"] == lines[1:]


def test_long_write_goes_on_in_the_next_line() -> None:
    """No line exceeds its bound, and no byte is lost."""
    data = bytes(range(256)) * 9
    text = event_lines(Event(7, TO_PEN, data))
    _, items = read(header_line(HEADER) + text)

    assert 3 == len(items)
    assert data == b"".join(one.data for one in items if isinstance(one, Event))
    assert max(map(len, text.splitlines())) <= LINE_BYTES_MAX
    assert DATA_BYTES_MAX == len(items[0].data if isinstance(items[0], Event) else b"")


@pytest.mark.parametrize("text", ["one\ntwo", "caf\u00e9 \x1b[31m", "x" * 5_000])
def test_note_is_one_line_of_printable_text(text: str) -> None:
    """Whatever a system said of a port cannot break the file."""
    written = event_lines(Event(1, NOTE, note(text)))
    _, items = read(header_line(HEADER) + written)

    assert [Event(1, NOTE, note(text))] == items
    assert len(note(text)) <= NOTE_MAX


def test_cut_trace_reads_up_to_its_last_whole_line() -> None:
    """What a killed process leaves is an event less, and says so."""
    whole = text_of(EVENTS)
    for cut in range(len(header_line(HEADER)) + 1, len(whole)):
        _, items = read(whole[:cut])
        ended = whole[:cut].endswith(b"\n")

        lines = whole[:cut].count(b"\n") - 1
        assert EVENTS[:lines] == items[:lines]
        assert ended == (not any(isinstance(one, Damage) for one in items))


@pytest.mark.parametrize(
    ("line", "defect"),
    [
        (b"5 > 010\n", LineDefect.FORM),
        (b"5 > \n", LineDefect.FORM),
        (b"5  > 01\n", LineDefect.FORM),
        (b"-5 > 01\n", LineDefect.FORM),
        (b"5 ? 01\n", LineDefect.FORM),
        (b"5 > 01 \n", LineDefect.FORM),
        (b"\xff\xfe\x00\n", LineDefect.FORM),
        (b"12345678901234567 > 01\n", LineDefect.FORM),
        (b"5 ! \x07\n", LineDefect.FORM),
        (b"5 > " + b"00" * 3_000 + b"\n", LineDefect.LONG),
        (b"x" * 50_000 + b"\n", LineDefect.LONG),
        (b"3 > 01", LineDefect.CUT),
    ],
)
def test_line_that_is_no_event_is_named_and_passed_over(line: bytes, defect: LineDefect) -> None:
    """The events around it are read all the same."""
    after = b"" if defect is LineDefect.CUT else b"9 > 02\n"
    _, items = read(header_line(HEADER) + b"1 > 01\n" + line + after)

    expected: list[Any] = [Event(1, TO_PEN, b"\x01"), Damage(3, defect)]
    expected += [Event(9, TO_PEN, b"\x02")] if after else []
    assert expected == items


def test_time_that_goes_back_is_named_and_kept() -> None:
    """The event is there, and the reader knows that something is wrong with its time."""
    _, items = read(text_of([Event(9, TO_PEN, b"a"), Event(8, TO_PEN, b"b")]))

    assert [Event(9, TO_PEN, b"a"), Damage(3, LineDefect.BACK), Event(8, TO_PEN, b"b")] == items


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "must be a trace"),
        (b"\x00" * 100_000, "must be a trace"),
        (b"hello\n", "must be a trace"),
        (b"# penpilot-trace 2 {}\n", "format = 2: must be 1"),
        (b"# penpilot-trace 1 {\n", "JSON"),
        (b"# penpilot-trace 1 []\n", "JSON"),
        (b"# penpilot-trace 1 " + b"[" * 4_000 + b"\n", "JSON"),
        (b"# penpilot-trace 1 {}\n", "version = 'None': must be a text"),
        (header_line(HEADER).replace(b"2000000", b"true"), "start_us = 'True': must be a whole"),
        (header_line(HEADER).replace(b"2000000", b"-1"), "start_us = '-1': must be a whole number"),
        (header_line(HEADER)[:-1], "is cut"),
    ],
)
def test_file_that_is_no_trace_is_refused_in_one_line(text: bytes, said: str) -> None:
    """Field, value and rule stand in the only error there is."""
    with pytest.raises(TraceError) as refused:
        read(text)

    assert said in str(refused.value)
    assert str(refused.value).startswith("x.trace: ")
    assert "\n" not in str(refused.value)


def test_header_with_further_fields_is_read() -> None:
    """A later penpilot may say more."""
    text = header_line(HEADER).replace(b'{"version"', b'{"later":[1],"version"')

    assert HEADER == read(text)[0]


def test_header_that_would_not_be_read_is_not_written() -> None:
    """A port's name of thousands of characters is the writer's mistake."""
    with pytest.raises(ValueError, match="must be at most 4096"):
        header_line(replace(HEADER, port="x" * 5_000))


class BrokenFile(io.BytesIO):
    """A file on a disk that fails after the first line."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read once."""
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().readline(size)


def test_disk_that_fails_is_the_same_error() -> None:
    """There is one error to catch."""
    _, items = read_trace(BrokenFile(text_of(EVENTS)), "x.trace")
    with pytest.raises(TraceError, match=r"x\.trace: cannot be read \(Input/output error\)"):
        list(items)


def test_endless_line_takes_no_memory() -> None:
    """Of a line without an end only its beginning is held."""
    asked: list[int | None] = []

    class Endless(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(size)
            return (
                header_line(HEADER) if len(asked) == 1 else b"x" * (size or 0) * (len(asked) < 500)
            )

    _, items = read_trace(Endless(), "x.trace")

    assert [Damage(2, LineDefect.LONG)] == list(items)
    assert {LINE_BYTES_MAX + 1} == set(asked)


def test_recorded_trace_has_no_damaged_line_and_is_small() -> None:
    """What the other tests stand on is sound."""
    _, items = read(RECORDED.read_bytes())

    assert [] == [one for one in items if isinstance(one, Damage)]
    assert RECORDED.stat().st_size < 40_000


@pytest.mark.req("SR-018")
def test_same_world_gives_the_same_trace_byte_for_byte() -> None:
    """Virtual time and a seed decide every byte and every microsecond."""
    assert text_of(treatment(seed=5).events) == text_of(treatment(seed=5).events)
