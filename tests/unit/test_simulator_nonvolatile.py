"""What the pen remembers without power."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.registers import Fault
from simulator.nonvolatile import Memory, NotAMemoryFileError, load_memory, save_memory


def test_memory_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """Strokes, epoch and technician fault."""
    memory = Memory(strokes=123_456, epoch=7, fault=Fault.OVER_DEPTH)
    save_memory(tmp_path / "pen", memory)

    assert memory == load_memory(tmp_path / "pen")
    assert ["pen"] == [entry.name for entry in tmp_path.iterdir()]


def test_missing_file_is_a_new_pen(tmp_path: Path) -> None:
    """Nothing has happened yet."""
    assert Memory() == load_memory(tmp_path / "pen")


@pytest.mark.parametrize("change", [{"fault": 0}, {"strokes": 1}, {"more": 1}, None])
def test_memory_that_was_tampered_with_is_a_fault(
    tmp_path: Path, change: dict[str, int] | None
) -> None:
    """A memory whose check fails is the fault *memory*, for a technician."""
    path = tmp_path / "pen"
    save_memory(path, Memory(strokes=5, epoch=1, fault=Fault.OVER_DEPTH))
    record = json.loads(path.read_text(encoding="utf-8"))
    record["values"] = None if change is None else record["values"] | change
    path.write_text(json.dumps(record), encoding="utf-8")

    assert Fault.MEMORY == load_memory(path).fault


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"kind": "diary"}', b"3"])
def test_other_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """A mistyped path must not cost anybody a file."""
    path = tmp_path / "diary"
    path.write_bytes(content)
    with pytest.raises(NotAMemoryFileError):
        load_memory(path)

    assert content == path.read_bytes()
