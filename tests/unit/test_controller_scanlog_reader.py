"""Reading a scan log: cut off, it reads up to its last line; damaged, it says where and why."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.errors import RecordError
from controller.scanlog import reader
from controller.scanlog.lines import FORMAT, LINE_BYTES_MAX, Begin, End
from controller.scanlog.reader import CHUNK_BYTES, Logged, read_log
from safety.memory import Memory
from tests.unit.scan_logs import chained, changed, treatment, written

BEGIN = Begin(FORMAT, "0.1.0", "S1", Memory())


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """A whole log of some twenty scans."""
    world = treatment()
    world.close()
    return chained(world.bodies)


def refusal(path: Path) -> str:
    """Return what is said of a file that cannot be read."""
    with pytest.raises(RecordError) as caught:
        list(read_log(path))
    return str(caught.value)


def test_whole_log_reads_as_it_was_written(tmp_path: Path, lines: list[bytes]) -> None:
    """First line, scans and end come in their order, each with the digest that is due."""
    read = list(read_log(written(tmp_path / "a.gz", lines)))

    assert isinstance(read[0].body, Begin)
    assert isinstance(read[-1].body, End)
    assert list(range(1, len(lines) + 1)) == [one.line for one in read]
    assert all(one.digest == one.digest_due for one in read)


def test_cut_off_log_reads_up_to_its_last_whole_line(tmp_path: Path, lines: list[bytes]) -> None:
    """Wherever a stream ends, what is read is a beginning of what was written."""
    whole = list(read_log(written(tmp_path / "whole.gz", lines)))
    packed = (tmp_path / "whole.gz").read_bytes()
    counts = set()
    for size in range(0, len(packed), 97):
        (tmp_path / "cut.gz").write_bytes(packed[:size])
        read: list[Logged] = []
        with contextlib.suppress(RecordError):
            read.extend(read_log(tmp_path / "cut.gz"))
        assert read or "holds no whole line" in refusal(tmp_path / "cut.gz")
        assert read == whole[: len(read)]
        counts.add(len(read))

    assert len(counts) > 3


def test_end_inside_a_line_leaves_that_line_out(tmp_path: Path, lines: list[bytes]) -> None:
    """A line counts once its end of line is there."""
    path = written(tmp_path / "a.gz", [*lines[:5], lines[5][:-1]])

    assert 5 == len(list(read_log(path)))


@pytest.mark.req("SR-017")
def test_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    """A missing file, a folder, a device, an empty file and plain text each get their sentence."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no gzip at all\n")
    told = {name: refusal(tmp_path / name) for name in ("none", ".", "fifo", "empty", "text")}

    assert all("must be a file" in told[name] for name in ("none", ".", "fifo"))
    assert "holds no whole line" in told["empty"]
    assert "must be whole gzip data" in told["text"]
    assert all("\n" not in text for text in told.values())


@pytest.mark.req("SR-017")
def test_damage_in_the_middle_of_the_stream_is_refused(tmp_path: Path, lines: list[bytes]) -> None:
    """A flipped byte of the packed data is found, at the latest by its checksum."""
    path = written(tmp_path / "a.gz", lines)
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)

    with pytest.raises(RecordError, match=r"gzip|line"):
        list(read_log(path))


@pytest.mark.req("SR-017")
def test_bytes_behind_the_stream_are_refused(tmp_path: Path, lines: list[bytes]) -> None:
    """Nobody can hide a second log behind the first one, near or far."""
    for more in (b"x", gzip.compress(lines[0]), bytes(2 * CHUNK_BYTES)):
        path = written(tmp_path / "a.gz", lines)
        path.write_bytes(path.read_bytes() + more)

        assert "something follows it" in refusal(path)


@pytest.mark.req("SR-017")
def test_huge_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """A small file that unpacks to a line without end is given up at the longest line."""
    path = written(tmp_path / "a.gz", [b" " * (8 * LINE_BYTES_MAX)])
    text = refusal(path)
    with path.open("rb") as file:
        longest = max(map(len, reader._unpacked(path, file, lambda _count: None)))

    assert f"line 1: length = more than {LINE_BYTES_MAX} bytes: must be less" in text
    assert CHUNK_BYTES >= longest


Change = Callable[[Any], None]
HOSTILE: dict[str, tuple[int, Change, str]] = {
    "text for a number": (5, lambda d: d["body"]["facts"].update(durable="1"), "$.facts.durable"),
    "true for a number": (5, lambda d: d["body"]["facts"].update(durable=True), "$.facts.durable"),
    "half a number": (5, lambda d: d["body"]["facts"].update(durable=1.5), "$.facts.durable"),
    "null": (5, lambda d: d["body"].update(facts=None), "$.facts"),
    "no such wish": (5, lambda d: d["body"].update(intents=[{"kind": 99}]), "$.intents[0].kind"),
    "a field left out": (5, lambda d: d["body"]["facts"].pop("telemetry"), "`telemetry`"),
    "a field too many": (5, lambda d: d["body"]["facts"].update(more=1), "without any other field"),
    "time goes back": (5, lambda d: d["body"].update(now_ms=1), "now_ms = 1: must be at least"),
    "no such kind": (5, lambda d: d.update(kind="skip"), "skip"),
    "two beginnings": (2, lambda d: d.update(kind="begin"), "kind = 'begin': must be"),
    "no beginning": (1, lambda d: d.update(kind="scan"), "kind = 'scan': must be"),
    "another format": (1, lambda d: d["body"].update(format=2), "format = 2: must be 1"),
    "no format": (1, lambda d: d["body"].pop("format"), "`format`"),
    "other state": (1, lambda d: d["body"]["memory"].update(state=99), "$.memory.state"),
    "line is a list": (5, lambda d: d.clear(), "`kind`"),
}
"""What is done to which line, and what the error must name beside the line."""


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_line_is_refused_with_line_field_and_rule(
    tmp_path: Path, lines: list[bytes], name: str
) -> None:
    """Nothing reaches the core that its types do not allow."""
    number, change, named = HOSTILE[name]
    lines = list(lines)
    lines[number - 1] = changed(lines[number - 1], change)
    text = refusal(written(tmp_path / "a.gz", lines))

    assert f"a.gz, line {number}: " in text
    assert named in text
    assert "\n" not in text


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    "line",
    [b"\n", b"{\n", b"[]\n", b"null\n", b"\xff\n", b"[" * 100_000 + b"\n", b'{"kind":"\xff"}\n'],
)
def test_line_that_is_no_line_is_refused(tmp_path: Path, lines: list[bytes], line: bytes) -> None:
    """Whatever bytes stand in a line, the error is ours and names the line."""
    text = refusal(written(tmp_path / "a.gz", [*lines[:3], line, *lines[3:]]))

    assert "a.gz, line 4: " in text


def test_nothing_follows_the_mark_of_the_end(tmp_path: Path, lines: list[bytes]) -> None:
    """A scan behind the end was put there."""
    text = refusal(written(tmp_path / "a.gz", [*lines, lines[5]]))

    assert f"line {len(lines) + 1}: kind = 'scan': must be begin, then scans, then end" in text
