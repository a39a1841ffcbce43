"""What the reader of outside TOML refuses, how much it reads, and that one line says why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from controller.errors import ConfigError, InputError, PlanError
from controller.tomlfile import (
    BYTES_MAX,
    LINE_BYTES_MAX,
    SHOWN_MAX,
    read_toml,
    refuse_unknown,
    shorten,
)

pytestmark = pytest.mark.req("SR-017")


def refusal(path: Path) -> InputError:
    """Return what reading this file is refused with; its text must be fit for one line."""
    with pytest.raises(PlanError) as caught:
        read_toml(path, PlanError)
    assert str(caught.value).isprintable(), str(caught.value)
    assert ("file", path) == (caught.value.field, caught.value.value)
    return caught.value


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(b"\xff", "must be UTF-8 (byte 0 is not)", id="no-utf8"),
        pytest.param(b'a = "caf\xe9"', "must be UTF-8 (byte 8 is not)", id="latin-1"),
        pytest.param(b"a = 1\x00", "must be TOML (", id="nul"),
        pytest.param(b'a = "\x1b[31m"', "must be TOML (", id="escape"),
        pytest.param(b"a = ", "must be TOML (", id="cut-off"),
        pytest.param(b"a = 1\na = 2", "must be TOML (", id="twice"),
        pytest.param(b"\xef\xbb\xbfa = 1", "must be TOML (", id="bom"),
        pytest.param(b"a = 2026-02-30", "must be TOML (", id="no-date"),
        pytest.param(b"a = " + b"[\n" * 5_000, "must be TOML (nested too deeply)", id="deep"),
        pytest.param(b"a" + b".a" * 600 + b" = 1", "must have lines of at most", id="dotted"),
        pytest.param(b"a = " + b"9" * 5_000, "must have lines of at most", id="digits"),
        pytest.param(b"#" * (BYTES_MAX + 1), f"must be at most {BYTES_MAX} bytes", id="large"),
    ],
)
def test_file_is_refused_where_its_bytes_are_no_plain_toml(
    tmp_path: Path, data: bytes, rule: str
) -> None:
    """Bad UTF-8, control characters, deep nesting, long lines and large files have a rule each."""
    path = tmp_path / "plan.toml"
    path.write_bytes(data)

    assert refusal(path).rule.startswith(rule)


def test_number_that_python_refuses_to_read_is_a_refusal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An integer of 4,301 digits, which `tomllib` itself does not catch, is refused as all else."""
    monkeypatch.setattr("controller.tomlfile.LINE_BYTES_MAX", BYTES_MAX)
    path = tmp_path / "plan.toml"
    path.write_bytes(b"a = " + b"9" * 5_000)

    assert "must be TOML (Exceeds the limit" in refusal(path).rule


def test_file_is_read_where_it_is_just_as_large_as_allowed(tmp_path: Path) -> None:
    """The bounds themselves are allowed: 65,536 bytes, and lines of 1,000 bytes."""
    line = b"#" * LINE_BYTES_MAX + b"\n"
    data = b"a = 1\n" + line * (BYTES_MAX // len(line) + 1)
    path = tmp_path / "plan.toml"
    path.write_bytes(data[:BYTES_MAX])

    assert {"a": 1} == read_toml(path, PlanError)


def test_empty_file_is_a_document_without_tables(tmp_path: Path) -> None:
    """An empty file is TOML; what is missing in it is for the reader of the plan to say."""
    path = tmp_path / "plan.toml"
    path.write_bytes(b"")

    assert {} == read_toml(path, PlanError)


def test_place_that_is_no_regular_file_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, a pipe that nobody writes to, an endless device and a link to it are not opened."""
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to("/dev/zero")
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))

    for path in (tmp_path, fifo, link, Path("/dev/zero"), Path("/dev/null")):
        assert "must be a regular file" == refusal(path).rule


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.toml", "No such file or directory"),
        ("nul\0.toml", "embedded null byte"),
        ("x" * 300, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_file_that_cannot_be_opened_is_refused_with_the_systems_word(
    tmp_path: Path, name: str, reason: str
) -> None:
    """A missing, unspeakable or circular name is told in the system's own words."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert f"must be a readable file ({reason})" == refusal(tmp_path / name).rule


def test_reading_ends_after_one_byte_too_many_in_a_huge_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 MB no more than 65,537 bytes are read."""
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    told: list[int] = []

    def measured(data: bytes) -> int:
        told.append(len(data))
        return len(data)

    monkeypatch.setattr("controller.tomlfile.len", measured, raising=False)

    assert f"must be at most {BYTES_MAX} bytes" == refusal(path).rule
    assert [BYTES_MAX + 1] == told


@pytest.mark.parametrize("kind", [PlanError, ConfigError])
def test_error_is_of_the_kind_that_was_asked_for(tmp_path: Path, kind: type[InputError]) -> None:
    """A plan gives a PlanError and a profile a ConfigError for the same slip."""
    with pytest.raises(kind):
        read_toml(tmp_path, kind)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("depht_um", "area[1].depht_um"),
        ("", "area[1]."),
        ("two\nlines", r"area[1].'two\nlines'"),
        ("\x1b[2J", r"area[1].'\x1b[2J'"),
        ("right\u202eleft", r"area[1].'right\u202eleft'"),
        ("k" * 500, "area[1]." + "k" * SHOWN_MAX),
    ],
)
def test_unknown_key_is_named_in_one_printable_line(key: str, field: str) -> None:
    """A key is outside text as well: what would break or paint the line is written out."""
    with pytest.raises(PlanError) as caught:
        refuse_unknown({"area": 1, key: "x" * 500}, frozenset({"area"}), "area[1].", PlanError)

    assert (field, "must be one of: area") == (caught.value.field, caught.value.rule)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_known_keys_are_let_pass() -> None:
    """A table that holds nothing unknown is not refused, nor is an empty one."""
    refuse_unknown({"a": 1}, frozenset({"a", "b"}), "", PlanError)
    refuse_unknown({}, frozenset({"a"}), "", PlanError)


def nested(depth: int) -> dict[str, Any]:
    """Return tables within tables."""
    table: dict[str, Any] = {}
    for _ in range(depth):
        table = {"a": table}
    return table


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "missing"),
        (True, "true"),
        (1.0, "1.0"),
        (float("nan"), "nan"),
        (500, "500"),
        ("500", "'500'"),
        ("two\nlines", r"'two\nlines'"),
        (10**5_000, "a huge int"),
        (nested(100_000), "a huge dict"),
        ("x" * 500, "'" + "x" * 56 + "..."),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_value_is_shown_short_and_tells_its_type(value: object, shown: str) -> None:
    """However large or deep a value is, at most 60 characters stand for it; text is quoted."""
    assert shown == shorten(value)
    assert len(shorten(value)) <= SHOWN_MAX
