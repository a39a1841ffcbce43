"""The key and the anchor: private, whole, made once, and never made by somebody without the key."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from controller.errors import RecordError
from controller.records.anchor import NOTHING, Anchor, AnchorFile, anchor_path, encode, read_anchor
from controller.records.keyfile import create_once, make_key, read_key

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
ANCHOR = Anchor(1_234, b"\xab" * 32)


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The first use makes 32 random bytes for the owner alone; every later one finds the same."""
    path = tmp_path / "record.key"

    assert read_key(path) is None
    key = make_key(path)
    assert key == make_key(path) == read_key(path)
    assert 32 == len(key)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ["record.key"] == [path.name for path in tmp_path.iterdir()]
    assert key != make_key(tmp_path / "other.key")


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_key_of_wrong_length_is_refused(tmp_path: Path, content: bytes) -> None:
    """Half a key is none: nothing is signed with it and it is not replaced."""
    path = tmp_path / "record.key"
    create_once(path, content)

    with pytest.raises(RecordError, match="must hold 32 bytes"):
        make_key(path)
    assert content == path.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o700])
def test_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that is not its owner's alone proves nothing."""
    path = tmp_path / "record.key"
    make_key(path)
    path.chmod(mode)

    with pytest.raises(RecordError, match=f"chmod 600 \\(it is {mode:03o}\\)"):
        read_key(path)


@pytest.mark.parametrize("name", ["folder", "missing/record.key"])
def test_key_in_an_impossible_place_is_one_clear_line(tmp_path: Path, name: str) -> None:
    """A place where no key can lie is said in one line that names it."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / name

    with pytest.raises(RecordError) as caught:
        make_key(path)
    assert str(caught.value).startswith(f"{path}: cannot be ")
    assert "\n" not in str(caught.value)


def test_second_maker_takes_what_the_first_made(tmp_path: Path) -> None:
    """Of two makers, the second changes nothing and leaves nothing behind."""
    path = tmp_path / "once"
    create_once(path, b"first")
    create_once(path, b"second")

    assert b"first" == path.read_bytes()
    assert ["once"] == [path.name for path in tmp_path.iterdir()]


def test_second_maker_takes_it_even_if_both_began_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither saw the other's file, the first to finish wins all the same."""
    path = tmp_path / "record.key"
    key = make_key(path)
    monkeypatch.setattr(type(path), "exists", lambda _path: False)

    assert key == make_key(path)
    assert ["record.key"] == [each.name for each in tmp_path.iterdir()]


def test_anchor_is_read_as_it_was_written(tmp_path: Path) -> None:
    """An anchor says how far the record has come; each one takes the place of the last."""
    path = anchor_path(tmp_path / "record.key")
    AnchorFile.create(path, KEY)

    assert tmp_path / "record.anchor" == path
    assert NOTHING == read_anchor(path, KEY)
    file = AnchorFile(path, KEY)
    for anchor in (ANCHOR, Anchor(10**19, bytes(32)), Anchor(1, b"\xff" * 32)):
        file.move(anchor)

        assert anchor == read_anchor(path, KEY)
    file.close()
    AnchorFile.create(path, KEY)

    assert Anchor(1, b"\xff" * 32) == read_anchor(path, KEY)


@pytest.mark.req("SR-014", "R06")
def test_every_changed_byte_of_an_anchor_is_found(tmp_path: Path) -> None:
    """No single byte of an anchor can be changed, and none can be added or taken away."""
    path = tmp_path / "record.anchor"
    line = encode(ANCHOR, KEY)
    changed = [line[:i] + bytes([line[i] ^ 1]) + line[i + 1 :] for i in range(len(line))]
    for content in [*changed, line[:-1], line + b"\n", line + line, b"", b"\0" * len(line)]:
        path.write_bytes(content)

        assert read_anchor(path, KEY) is None
    path.write_bytes(line)

    assert ANCHOR == read_anchor(path, KEY)


@pytest.mark.req("SR-014")
def test_anchor_cannot_be_made_without_the_key(tmp_path: Path) -> None:
    """Whoever reads number and mac out of the database cannot make an anchor of them."""
    path = tmp_path / "record.anchor"
    path.write_bytes(encode(ANCHOR, OTHER_KEY))

    assert read_anchor(path, KEY) is None
    assert read_anchor(tmp_path / "missing", KEY) is None


def test_anchor_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    """A folder in the place of the anchor is said in one line."""
    with pytest.raises(RecordError, match="cannot be read"):
        read_anchor(tmp_path, KEY)
    with pytest.raises(RecordError, match="cannot be written"):
        AnchorFile(tmp_path, KEY)
