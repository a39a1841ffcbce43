"""A trace as a capture: Wireshark reads it without any setting, and finds no malformed frame."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.native import NativeFraming
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Event
from drivers.trace.frames import Frame, frames
from drivers.trace.pcap import export
from tests.unit.test_drivers_trace_frames import POLL, STATUS, sealed
from tests.unit.traces import HEADER, recorded_frames

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed: nothing to read a capture with"
)


def captured(path: Path, found: list[Frame], *, is_modbus: bool = True) -> Path:
    """Write frames as a capture."""
    path.write_bytes(b"".join(export(found, is_modbus=is_modbus, start_us=1_772_356_364_000_000)))
    return path


def fields(path: Path, *names: str, only: str = "") -> list[list[str]]:
    """Return what tshark, with no setting at all, reads in every packet."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    command += [part for name in names for part in ("-e", name)]
    done = subprocess.run(
        [*command, *(["-Y", only] if only else [])], capture_output=True, check=True, text=True
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


@needs_tshark
def test_recorded_treatment_opens_without_malformed_frames(tmp_path: Path) -> None:
    """Every intact frame is a Modbus message with its function, and nothing is malformed."""
    found = recorded_frames()
    path = captured(tmp_path / "x.pcapng", found)
    seen = Counter(one for (one,) in fields(path, "modbus.func_code"))
    intact = [one for one in found if not one.defect and one.kind != "note"]

    expected = Counter(str(one.data[1]) for one in intact)
    assert {"3": 2, "23": len(intact) - 2} == expected
    assert expected == Counter({code: n for code, n in seen.items() if code})
    assert len(found) == seen.total()
    assert [] == fields(
        path, "frame.number", only="_ws.malformed || _ws.expert.severity >= 0x600000"
    )


@needs_tshark
def test_malformed_message_would_be_seen(tmp_path: Path) -> None:
    """A capture whose message breaks off is found out, so that finding none says something."""
    cut = sealed("01 17 02 00 00 14 01")
    (frame,) = frames(HEADER, [Event(0, TO_PEN, POLL)])
    path = captured(tmp_path / "x.pcapng", [replace(frame, data=cut)])

    assert [["1"]] == fields(path, "frame.number", only="_ws.malformed")


@needs_tshark
def test_answers_are_joined_with_their_requests_and_times(tmp_path: Path) -> None:
    """Wireshark says of each answer which request it answers and how long it took."""
    found = recorded_frames()
    path = captured(tmp_path / "x.pcapng", found)
    rows = fields(path, "modbus.response_time", only="modbus.response_time")
    waits_us = [
        answer.until_us - asked.until_us
        for asked, answer in pairwise(found)
        if asked.direction == TO_PEN and answer.direction == TO_HOST and not answer.defect
    ]

    assert waits_us == [round(float(one) * 1e6) for (one,) in rows]


@needs_tshark
def test_time_unit_data_and_meaning_are_those_of_the_trace(tmp_path: Path) -> None:
    """The clock is UTC in microseconds, and the comment holds meaning and raw bytes."""
    found = list(frames(HEADER, [Event(123_456, TO_PEN, POLL), Event(131_000, TO_HOST, STATUS)]))
    path = captured(tmp_path / "x.pcapng", found)
    rows = fields(path, "frame.time_epoch", "mbtcp.unit_id", "frame.comment")

    assert ["1772356364.123456000", "1772356364.131000000"] == [row[0] for row in rows]
    assert ["1", "1"] == [row[1] for row in rows]
    assert "POLL, token 1234abcd" in rows[0][2]
    assert POLL.hex(" ") in rows[0][2]
    assert "SAFE, answers 1 of abcd" in rows[1][2]


@needs_tshark
def test_damage_and_notes_are_data_that_nobody_dissects(tmp_path: Path) -> None:
    """They stand among the packets with their bytes, and are no Modbus."""
    spoilt = STATUS[:9] + b"\x55" + STATUS[10:]
    events = [Event(0, TO_PEN, POLL), Event(9, TO_HOST, spoilt), Event(10, NOTE, b"trip FAULT")]
    path = captured(tmp_path / "x.pcapng", list(frames(HEADER, events)))
    rows = fields(path, "eth.type", "data.data", "frame.comment")

    assert ["0x0800", "0x88b5", "0x88b5"] == [row[0] for row in rows]
    assert [spoilt.hex(), b"trip FAULT".hex()] == [row[1] for row in rows[1:]]
    assert "DAMAGED: no frame" in rows[1][2]


@needs_tshark
def test_late_answer_bears_the_number_of_its_own_request(tmp_path: Path) -> None:
    """The transaction number joins by token and sequence, not by what came last."""
    second = sealed(
        "01 17 02 00 00 14 01 00 00 0A 14 0100 1234ABCD 0002 00000000 0000 0000 00000000"
    )
    events = [Event(0, TO_PEN, POLL), Event(25_000, TO_PEN, second), Event(26_000, TO_HOST, STATUS)]
    path = captured(tmp_path / "x.pcapng", list(frames(HEADER, events)))

    assert [["1"], ["2"], ["1"]] == fields(path, "mbtcp.trans_id")


@needs_tshark
@pytest.mark.parametrize(
    ("direction", "text"),
    [
        (TO_PEN, "01 06 01 00 00 05"),
        (TO_HOST, "01 06 01 00 00 05"),
        (TO_HOST, "01 97 02"),
        (TO_PEN, "01 10 00 10 00 01 02 00 07"),
        (TO_HOST, "01 10 00 10 00 01"),
        (TO_PEN, "07 01 00 00 00 08"),
        (TO_HOST, "07 01 01 5A"),
    ],
)
def test_every_function_that_pens_use_is_well_formed(
    tmp_path: Path, direction: str, text: str
) -> None:
    """Exceptions and plain Modbus are as good as exchanges."""
    path = captured(
        tmp_path / "x.pcapng", list(frames(HEADER, [Event(0, direction, sealed(text))]))
    )
    ((protocols, malformed),) = fields(path, "frame.protocols", "_ws.malformed")

    assert (True, "") == (protocols.endswith("mbtcp:modbus"), malformed)


@needs_tshark
def test_native_frames_are_data_with_their_meaning(tmp_path: Path) -> None:
    """What Wireshark has no dissector for says what it is in its comment."""
    events = [Event(0, TO_PEN, NativeFraming().identity_request())]
    found = list(frames(replace(HEADER, driver="native"), events))
    path = captured(tmp_path / "x.pcapng", found, is_modbus=False)
    ((kind, data, comment),) = fields(path, "eth.type", "data.data", "frame.comment")

    assert ("0x88b5", events[0].data.hex()) == (kind, data)
    assert "who are you?" in comment


def test_checksums_are_right() -> None:
    """The sum over an IPv4 header, its checksum included, is all ones."""
    blocks = list(export(recorded_frames(), is_modbus=True, start_us=0))
    for block in blocks[2:6]:
        header = block[28 + 14 : 28 + 34]
        total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, 20, 2))

        assert 0xFFFF == (total & 0xFFFF) + (total >> 16)
    assert len(recorded_frames()) + 2 == len(blocks)
