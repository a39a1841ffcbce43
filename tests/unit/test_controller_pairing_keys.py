"""The keys of paired pens are kept privately and whole, and a bad file is never "no key"."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config import Home
from controller.errors import ConfigError, RefusedError
from controller.pairing_keys import (
    KeyRing,
    PenKey,
    forget,
    load,
    paired_pens,
    path_of,
    refuse_foreign,
    save,
)
from drivers.registers import Capability
from tests.unit.granting import PEN

KEY = PenKey(42, bytes(range(32)), "Tech Nician", "2026-11-22T14:03:05.000Z")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder that does not exist yet."""
    return Home(tmp_path / "home")


def test_key_comes_back_as_it_was_saved(home: Home) -> None:
    """With who and when; nothing else lies in the folder."""
    path = save(home, KEY)

    assert KEY == load(home, 42)
    assert load(home, 43) is None
    assert [path] == list(path.parent.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.req("SR-055")
def test_key_is_its_owners_alone(home: Home) -> None:
    """File 0600, folder 0700, whatever the umask says; a file that others can read is refused."""
    before = os.umask(0)
    try:
        path = save(home, KEY)
    finally:
        os.umask(before)
    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)
    path.chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        load(home, 42)


@pytest.mark.req("SR-055", "SR-017", "HZ-78")
@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "3",
        "{}",
        '{"kind": "diary"}',
        json.dumps(
            {"kind": "penpilot pen key", "serial_number": 42, "key": "00", "by": "", "at": ""}
        ),
        json.dumps(
            {"kind": "penpilot pen key", "serial_number": 43, "key": "00" * 32, "by": "", "at": ""}
        ),
        json.dumps(
            {"kind": "penpilot pen key", "serial_number": 42, "key": "00" * 32, "by": 1, "at": ""}
        ),
        json.dumps(
            {
                "kind": "penpilot pen key",
                "serial_number": True,
                "key": "00" * 32,
                "by": "",
                "at": "",
            }
        ),
        "[" * 100_000,
    ],
)
def test_damaged_key_is_one_clear_error(home: Home, content: str) -> None:
    """It names the file and what to do, and the pen is not taken for one that was never paired."""
    path = save(home, KEY)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(
        ConfigError, match="must hold the key of pen 42; a technician pairs it"
    ) as e:
        KeyRing(home)(42)

    assert path.name in str(e.value)
    assert "\n" not in str(e.value)


def test_key_that_cannot_be_read_is_an_error(home: Home) -> None:
    """A folder in its place, for one."""
    path_of(home, 42).mkdir(parents=True)

    with pytest.raises(ConfigError, match="must be readable"):
        load(home, 42)


def test_older_key_stays_whole_when_the_newer_one_cannot_be_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced as a whole or not at all, and nothing is left behind."""
    path = save(home, KEY)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        save(home, replace(KEY, key=bytes(32)))

    assert KEY == load(home, 42)
    assert [path] == list(path.parent.iterdir())


def test_key_is_on_disk_with_its_name_when_it_has_been_saved(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pen forgets its older key for this one: file and folder are both brought to the disk."""
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(stat.S_ISDIR(os.fstat(fd).st_mode)))

    save(home, KEY)

    assert [False, True] == synced


def test_folder_of_keys_that_cannot_be_read_is_an_error(home: Home) -> None:
    """A file in its place, for one."""
    home.create()
    path_of(home, 42).parent.write_text("")

    with pytest.raises(ConfigError, match="must be readable"):
        paired_pens(home)


def test_key_shows_in_no_text() -> None:
    """What is logged or raised by accident holds its fingerprint at most."""
    shown = f"{KEY} {KEY!r} {KEY.fingerprint}"

    assert KEY.key.hex() not in shown
    assert str(KEY.key) not in shown
    assert "630dcd2966c43366" == KEY.fingerprint


def test_pens_are_listed_by_number_and_forgotten_one_by_one(home: Home) -> None:
    """Whatever else lies in the folder is no pen."""
    assert [] == paired_pens(home)
    for number in (100, 42, 7):
        save(home, replace(KEY, serial_number=number))
    (path_of(home, 7).parent / "notes.txt").write_text("mine", encoding="utf-8")

    assert [7, 42, 100] == [one.serial_number for one in paired_pens(home)]
    assert [True, False] == [forget(home, 42), forget(home, 42)]
    assert [7, 100] == [one.serial_number for one in paired_pens(home)]


@pytest.mark.req("SR-055")
def test_ring_reads_once_and_knows_one_pen(home: Home) -> None:
    """What happens to the file during a session changes nothing, and a second pen has no key."""
    path = save(home, KEY)
    save(home, replace(KEY, serial_number=43))
    ring = KeyRing(home)
    assert KEY.key == ring(42)
    path.write_text("damaged", encoding="utf-8")

    assert (KEY.key, None) == (ring(42), ring(43))
    assert KeyRing(home)(44) is None


@pytest.mark.req("SR-055", "HZ-79")
def test_pen_of_another_computer_is_refused_in_words() -> None:
    """A paired pen without proof is refused; an unpaired one, and a proven one, are not."""
    paired = replace(PEN, capabilities=PEN.capabilities | Capability.PAIRED)
    refuse_foreign(paired)
    refuse_foreign(replace(PEN, is_paired=False))

    with pytest.raises(RefusedError, match="paired with another computer"):
        refuse_foreign(replace(paired, is_paired=False))
