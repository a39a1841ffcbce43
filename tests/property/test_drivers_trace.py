"""Readers of traces are total: any file, any bytes, in bounded pieces, with nothing lost."""

from __future__ import annotations

import contextlib
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.trace.format import (
    LINE_BYTES_MAX,
    NOTE,
    TO_HOST,
    TO_PEN,
    Damage,
    Event,
    TraceError,
    event_lines,
    header_line,
)
from drivers.trace.frames import frames
from drivers.trace.pcap import export
from drivers.trace.pieces import FRAMINGS, is_modbus
from drivers.trace.reader import read_trace
from drivers.trace.turns import first_difference, turns
from tests.unit.traces import HEADER, RECORDED, recorded

WHOLE = RECORDED.read_bytes()
DRIVERS = st.sampled_from([*FRAMINGS, "acme"])
SPOKEN = [event.data for event in recorded()[1] if event.direction != NOTE]
DATA = st.one_of(st.binary(min_size=1, max_size=80), st.sampled_from(SPOKEN))


@st.composite
def talks(draw: st.DrawFn) -> list[Event]:
    """Draw events in their order in time: real frames, cut ones, spoilt ones and noise."""
    at_us, events = 0, []
    for _ in range(draw(st.integers(0, 12))):
        at_us += draw(st.sampled_from([0, 1, 900, 30_000]))
        data = draw(DATA)
        begin = draw(st.integers(0, len(data) - 1))
        end = draw(st.integers(begin + 1, len(data)))
        direction = draw(st.sampled_from([TO_PEN, TO_HOST]))
        events.append(Event(at_us, direction, draw(st.sampled_from([data, data[begin:end]]))))
    return events


@given(st.binary(max_size=600))
def test_any_file_is_read_or_refused(text: bytes) -> None:
    """Nothing but the one error comes out, behind a header as well as without."""
    with contextlib.suppress(TraceError):
        header, items = read_trace(io.BytesIO(text), "x")
        list(frames(header, items))
    header, items = read_trace(io.BytesIO(header_line(HEADER) + text), "x")

    assert HEADER == header
    assert bool(text) == bool(list(frames(header, items)))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.integers(0, 40))
def test_spoilt_trace_is_read_to_its_end(at: int, value: int, count: int) -> None:
    """A changed or missing stretch costs the lines that it touches, never the others."""
    whole = WHOLE[:at] + bytes([value]) + WHOLE[at + count :]
    try:
        _, items = read_trace(io.BytesIO(whole), "x")
    except TraceError:
        assert at < len(WHOLE.splitlines(keepends=True)[0])
        return
    events = [one for one in items if isinstance(one, Event)]

    lines = set(WHOLE.splitlines(keepends=True))
    untouched = [line for line in whole.splitlines(keepends=True)[1:] if line in lines]
    assert set(untouched) <= {event_lines(event) for event in events}


@given(talks())
def test_events_read_as_they_were_written(events: list[Event]) -> None:
    """Times, directions and bytes survive the file."""
    text = header_line(HEADER) + b"".join(map(event_lines, events))
    _, items = read_trace(io.BytesIO(text), "x")

    assert events == list(items)
    assert all(len(line) <= LINE_BYTES_MAX for line in text.splitlines(keepends=True))


@settings(max_examples=200)
@given(talks(), DRIVERS)
def test_frames_hold_every_byte_once_and_in_order(events: list[Event], driver: str) -> None:
    """However bytes were cut and spoilt, what is shown is what went over the line."""
    header = HEADER.__class__("0", driver, "x", HEADER.start, 0, serial_number=42)
    found = list(frames(header, events))

    for direction in (TO_PEN, TO_HOST):
        sent = b"".join(one.data for one in events if one.direction == direction)
        assert sent == b"".join(one.data for one in found if one.direction == direction)
    assert [one.at_us for one in found] == sorted(one.at_us for one in found)
    assert all(one.at_us <= one.until_us for one in found)


@given(talks(), DRIVERS)
def test_any_talk_is_exported_and_compared(events: list[Event], driver: str) -> None:
    """Captures and differences take whatever frames there are."""
    header = HEADER.__class__("0", driver, "x", HEADER.start, 0)
    found = list(frames(header, events))
    blocks = list(export(found, is_modbus=is_modbus(driver), start_us=0))

    assert len(found) + 2 == len(blocks)
    assert all(int.from_bytes(block[4:8], "little") == len(block) for block in blocks)
    assert first_difference(found, found) is None
    assert sum(1 for one in found if one.kind not in ("note", "delimiter")) == sum(
        len(turn.heard) + (turn.said is not None) for turn in turns(found)
    )


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_damaged_lines_are_named_one_by_one(lines: list[bytes]) -> None:
    """Every line behind the header is an event or a defect, and none is both or neither."""
    body = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    _, items = read_trace(io.BytesIO(header_line(HEADER) + body), "x")
    found = [one for one in items if isinstance(one, Event | Damage)]

    assert len(lines) <= len(found) <= 2 * len(lines)
