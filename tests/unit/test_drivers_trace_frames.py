"""Frames put together again and understood: Pen Link, native frames, plain Modbus, and damage."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pymodbus.framer.rtu import FramerRTU

from drivers.native import STOP_BYTES, NativeFraming, frame
from drivers.trace.format import NOTE, TO_HOST, TO_PEN, Damage, Event, LineDefect
from drivers.trace.frames import NO_FRAME, Frame, frames, is_answer_to
from drivers.trace.pieces import WAITING_BYTES_MAX
from tests.contract.golden import FRAMES
from tests.unit.traces import HEADER, recorded_frames

POLL = bytes.fromhex("011702000014010000 0A14010012 34ABCD 0001 00000000 0000 0000 5C0CCAC8 E47C")
STATUS = bytes.fromhex(
    "01172801010004ABCD000100001388000700000000000000000000 0000092E0F8C000003E8957AD34646109AC2"
)
IDENTITY = bytes.fromhex("0103000000204412")
PEN = replace(HEADER, serial_number=42)


def seen(*events: Event | Damage, driver: str = "penlink", serial: int | None = 42) -> list[Frame]:
    """Return the frames of some events."""
    return list(frames(replace(HEADER, driver=driver, serial_number=serial), events))


def sealed(text: str) -> bytes:
    """Return a Modbus RTU frame with its CRC-16."""
    body = bytes.fromhex(text)
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def test_recorded_treatment_is_understood_to_the_last_byte() -> None:
    """Every frame but the one that was spoilt has a meaning, and is counted by kind."""
    found = recorded_frames()

    kinds = Counter((one.direction, one.kind) for one in found if not one.defect)
    orders, statuses = kinds[TO_PEN, "order"], kinds[TO_HOST, "status"]
    assert (1, 1, 2) == (kinds[TO_PEN, "request"], kinds[TO_HOST, "identity"], kinds[NOTE, "note"])
    assert orders == statuses + 2
    assert [NO_FRAME] == [one.defect for one in found if one.defect]
    commands = {one.fields["command"] for one in found if one.kind == "order"}
    assert {"poll", "open", "arm", "start", "renew", "stop"} == commands


def test_golden_order_and_status_say_what_the_protocol_says() -> None:
    """Command, token, sequence and result stand in fields and in words."""
    order, status = seen(Event(10, TO_PEN, POLL), Event(20, TO_HOST, STATUS))

    assert ("order", "poll", 0x1234ABCD, 1) == (
        order.kind,
        order.fields["command"],
        order.fields["token"],
        order.fields["sequence"],
    )
    assert ("safe", "none", 5_000) == tuple(
        status.fields[n] for n in ("state", "result", "tick_ms")
    )
    assert "POLL, token 1234abcd, sequence 1" in order.text
    assert "SAFE, answers 1 of abcd" in status.text
    assert ("", "") == (order.defect, status.defect)
    assert is_answer_to(status, order)


ANSWERS = {"identity": "identity", "exception 02 to function 23": "exception"}
ANSWERS |= {name: "status" for name in FRAMES if name.startswith(("status", "refused"))}
REQUESTS = {"identity request": "request", "stop by function 06": "stop"}


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_every_golden_frame_of_the_protocol_is_understood(name: str) -> None:
    """None of the frames typed from the page is taken for damage."""
    direction = TO_HOST if name in ANSWERS else TO_PEN
    (found,) = seen(Event(0, direction, FRAMES[name]))

    assert (FRAMES[name], "") == (found.data, found.defect)
    assert ANSWERS.get(name, REQUESTS.get(name, "order")) == found.kind


def test_frame_in_pieces_is_one_frame_with_both_times() -> None:
    """A USB bridge gives bytes as it likes; a frame lasts from its first to its last."""
    events = [Event(100 + i, TO_HOST, STATUS[i : i + 1]) for i in range(len(STATUS))]
    (found,) = seen(*events)

    assert ("status", STATUS, 100, 100 + len(STATUS) - 1) == (
        found.kind,
        found.data,
        found.at_us,
        found.until_us,
    )


def test_frames_in_one_piece_are_two() -> None:
    """Answers that waited together come apart again."""
    assert ["status", "status"] == [one.kind for one in seen(Event(0, TO_HOST, STATUS * 2))]


def test_noise_before_a_frame_is_damage_and_the_frame_is_not() -> None:
    """Both stand in order, with all their bytes."""
    noise, status = seen(Event(0, TO_HOST, b"\xff\x01\x17\xfe" + STATUS))

    assert (NO_FRAME, b"\xff\x01\x17\xfe") == (noise.defect, noise.data)
    assert ("", STATUS) == (status.defect, status.data)


def test_cut_frame_does_not_swallow_the_next_one() -> None:
    """What is missing its end is damage once the line was silent."""
    cut, order, status = seen(
        Event(0, TO_HOST, STATUS[:20]), Event(60_000, TO_PEN, POLL), Event(70_000, TO_HOST, STATUS)
    )

    assert (NO_FRAME, STATUS[:20], 0) == (cut.defect, cut.data, cut.at_us)
    assert ("order", "status") == (order.kind, status.kind)


def test_frames_stand_in_the_order_in_which_they_began() -> None:
    """A request in the middle of a slow answer comes behind it."""
    found = seen(
        Event(0, TO_HOST, STATUS[:20]), Event(5, TO_PEN, POLL), Event(9, TO_HOST, STATUS[20:])
    )

    assert [(0, "status"), (5, "order")] == [(one.at_us, one.kind) for one in found]


def test_babble_comes_out_in_bounded_pieces() -> None:
    """A line that never makes sense is shown while it is read, and not kept."""
    events = [Event(i, TO_HOST, b"\xaa" * 100) for i in range(100)]
    found = seen(*events)

    assert 10_000 == sum(len(one.data) for one in found)
    assert max(len(one.data) for one in found) <= WAITING_BYTES_MAX + 200
    assert {NO_FRAME} == {one.defect for one in found}


def test_block_of_another_pen_is_a_frame_with_a_wrong_crc32() -> None:
    """Its fields are shown all the same, and why nobody believed it."""
    (found,) = seen(Event(0, TO_HOST, STATUS), serial=43)

    assert ("status", "CRC-32 wrong", "safe") == (found.kind, found.defect, found.fields["state"])


def test_crc32_of_a_pen_that_is_not_known_is_not_judged() -> None:
    """A flight recorder that begins in the middle says nothing wrong of its frames."""
    (found,) = seen(Event(0, TO_HOST, STATUS), serial=None)

    assert ("status", "") == (found.kind, found.defect)


def test_unknown_numbers_are_shown_as_such() -> None:
    """A state that the protocol does not know is no error of the reader's."""
    body = bytearray(STATUS[:-2])
    body[4] = 99
    (found,) = seen(Event(0, TO_HOST, sealed(body.hex())))

    assert ("unknown 99", "CRC-32 wrong") == (found.fields["state"], found.defect)


@pytest.mark.parametrize(
    ("direction", "text", "kind", "words"),
    [
        (TO_PEN, "01 06 01 00 00 05", "stop", "STOP by function 06"),
        (TO_PEN, "01 06 00 10 00 05", "request", "write register 0x0010, 5"),
        (TO_PEN, "01 03 00 10 00 02", "request", "read registers 0x0010, 2"),
        (TO_HOST, "01 03 04 00 01 AB CD", "answer", "read registers: 0001 abcd"),
        (TO_PEN, "01 10 00 10 00 01 02 00 07", "request", "write registers 0x0010, 1: 0007"),
        (TO_HOST, "01 10 00 10 00 01", "answer", "write registers: 00100001"),
        (TO_HOST, "01 97 02", "exception", "exception 02 to function 23"),
        (TO_PEN, "01 2B 0E 01 00", "request", "function 43: 0e0100"),
        (TO_PEN, "01 01 00 00 00 08", "request", "read coils 0x0000, 8"),
        (TO_HOST, "01 01 01 5A", "answer", "read coils: 5a"),
    ],
)
def test_modbus_that_is_no_pen_link_is_read_as_modbus(
    direction: str, text: str, kind: str, words: str
) -> None:
    """Other functions and other registers are named, not guessed at."""
    (found,) = seen(Event(0, direction, sealed(text)))

    assert (kind, "") == (found.kind, found.defect)
    assert words in found.text


def test_plain_pen_has_no_blocks() -> None:
    """Under the driver `modbus` the same bytes are registers and nothing else."""
    order, status = seen(Event(0, TO_PEN, POLL), Event(1, TO_HOST, STATUS), driver="modbus")

    assert ("request", "answer") == (order.kind, status.kind)
    assert "write 0x0100: 0100 1234 abcd" in order.text
    assert str(status.fields["registers"]).startswith("0101 0004 abcd")


def test_native_frames_and_stop_bytes_are_understood() -> None:
    """Question, STOP with its stop bytes, and a status come apart in one write and many reads."""
    registers = [int.from_bytes(POLL[i : i + 2], "big") for i in range(11, 31, 2)]
    asked = NativeFraming().identity_request()
    stop = NativeFraming().stop_request(registers)
    status = frame(b"R" + STATUS[3:-2])
    found = seen(
        Event(0, TO_PEN, asked + stop),
        *(Event(1 + i, TO_HOST, status[i : i + 1]) for i in range(len(status))),
        driver="native",
    )

    assert ["request", "stop", "order", "status"] == [one.kind for one in found]
    assert {""} == {one.defect for one in found}
    assert (STOP_BYTES, "poll", "safe") == (
        found[1].data,
        found[2].fields["command"],
        found[3].fields["state"],
    )


DATA = Path(__file__).parents[1] / "data"
NATIVE = tomllib.loads((DATA / "native_frames.toml").read_text(encoding="utf-8"))["frame"]
PAIRING = tomllib.loads((DATA / "pairing.toml").read_text(encoding="utf-8"))["frame"]


@pytest.mark.parametrize("golden", NATIVE, ids=lambda golden: golden["name"])
def test_every_golden_native_frame_is_understood(golden: dict[str, str]) -> None:
    """The bytes come out whole, and the last thing in them is what its name says."""
    data = bytes.fromhex(golden["hex"])
    direction = TO_HOST if golden["kind"] in ("identity", "status") else TO_PEN
    found = seen(Event(0, direction, data), driver="native")

    assert data == b"".join(one.data for one in found)
    assert {""} == {one.defect for one in found}
    expected = "request" if golden["kind"] == "identity-request" else golden["kind"]
    assert expected == found[-1].kind


@pytest.mark.parametrize("step", ["hello", "prove", "agree"])
def test_golden_pairing_is_understood(step: str) -> None:
    """Request and answer have their own kind, though they are as long as an exchange's."""
    request, answer = (bytes.fromhex(PAIRING[name]) for name in (step, f"{step}_answer"))
    asked, answered = seen(Event(0, TO_PEN, request), Event(9, TO_HOST, answer))

    assert ("pairing request", step, "") == (asked.kind, asked.fields["step"], asked.defect)
    assert ("pairing answer", "done", "") == (
        answered.kind,
        answered.fields["result"],
        answered.defect,
    )


def test_stop_byte_in_a_native_frame_voids_what_came_before() -> None:
    """The beginning is damage, the stop byte is a STOP."""
    status = frame(b"R" + STATUS[3:-2])
    found = seen(Event(0, TO_PEN, status[:9] + b"\xe5" + status), driver="native")

    assert [NO_FRAME, "", ""] == [one.defect for one in found]
    assert "stop" == found[1].kind


def test_damaged_native_frame_is_shown_as_such() -> None:
    """A changed byte makes it no frame, or one whose CRC-32 is wrong."""
    status = bytearray(frame(b"R" + STATUS[3:-2]))
    status[9] ^= 0x40
    found = seen(Event(0, TO_HOST, bytes(status)), driver="native")

    assert all(one.defect for one in found)


def test_line_of_an_unknown_driver_is_shown_byte_by_byte() -> None:
    """Nothing is known of it, so nothing is called damaged."""
    (found,) = seen(Event(0, TO_PEN, b"hello"), driver="acme")

    assert ("bytes", "", b"hello") == (found.kind, found.defect, found.data)


def test_notes_and_damaged_lines_stand_where_they_were() -> None:
    """They are part of what happened."""
    found = seen(Event(0, TO_PEN, POLL), Event(5, NOTE, b"trip x"), Damage(4, LineDefect.FORM))

    assert [("order", 0), ("note", 5), ("line", 5)] == sorted(
        ((one.kind, one.at_us) for one in found), key=lambda one: one[1]
    )
    assert "line 4: no TIME DIRECTION BYTES" in [one.text for one in found]
