"""The anchor: how long the record was, kept outside of it; it knows no database.

A chain cannot see that its own tail is missing. So after every commit the number and the mac of the
last entry go into a file beside the key. A record that is shorter than its anchor was cut off or is
an older copy; one whose entry at the anchor has another mac was put back and continued.

The line has a fixed length and is overwritten in place by one write, without waiting for the disk.
A crash between commit and anchor leaves it *behind*, which is harmless: the newest entries are then
held by the chain alone. It is never ahead of what is durable. It carries a mac of its own, so that
whoever has no key cannot make one. Whoever keeps an old anchor and an old database can put both
back, and only the head on a printed report shows that.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from controller.errors import RecordError
from controller.records.chain import GENESIS
from controller.records.keyfile import create_once

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

PERSON = b"penpilot-anchor"
"""Sets this use of the key apart from every other. Source: RFC 7693, "Personalization"."""

_LINE = re.compile(rb"penpilot-anchor-v1 (\d{20}) ([0-9a-f]{64}) ([0-9a-f]{64})\n")


class Anchor(NamedTuple):
    """Up to where the record is known to have existed.

    Args:
        seq: Number of the last entry, which is the number of entries; 0 before the first.
        mac: Mac of the last entry, or `GENESIS`.
    """

    seq: int
    mac: bytes


NOTHING = Anchor(0, GENESIS)
"""The anchor of an empty record."""


def anchor_path(key_path: Path) -> Path:
    """Return where the anchor lies: beside the key."""
    return key_path.with_suffix(".anchor")


def encode(anchor: Anchor, key: bytes) -> bytes:
    """Return the line of an anchor; all lines are of one length.

    Its mac is keyed BLAKE2b: on so short a text a third of the time of an HMAC (measured).
    """
    text = f"penpilot-anchor-v1 {anchor.seq:020d} {anchor.mac.hex()} ".encode()
    mac = hashlib.blake2b(text, key=key, person=PERSON, digest_size=32)
    return text + mac.hexdigest().encode() + b"\n"


def read_anchor(path: Path, key: bytes) -> Anchor | None:
    """Return the anchor, or None if there is none that this key has made.

    Raises:
        RecordError: If the file is there and cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(path, f"cannot be read ({error.strerror})") from error
    found = _LINE.fullmatch(content)
    if found is None:
        return None
    anchor = Anchor(int(found[1]), bytes.fromhex(found[2].decode()))
    return anchor if hmac.compare_digest(encode(anchor, key), content) else None


class AnchorFile:
    """The open anchor of a record that is being written.

    Args:
        path: Where it lies; it must exist (`create`).
        key: The key of the chain.

    Raises:
        RecordError: If it cannot be opened.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key
        try:
            self._file: FileIO = path.open("r+b", buffering=0)
        except OSError as error:
            raise RecordError(path, f"cannot be written ({error.strerror})") from error

    @staticmethod
    def create(path: Path, key: bytes) -> None:
        """Make the anchor of an empty record, unless there is one.

        Raises:
            RecordError: If it cannot be made.
        """
        create_once(path, encode(NOTHING, key))

    def move(self, anchor: Anchor) -> None:
        """Say how far the record has come; does not wait for the disk.

        Raises:
            RecordError: If it cannot be written.
        """
        try:
            self._file.seek(0)
            self._file.write(encode(anchor, self._key))
        except OSError as error:
            raise RecordError(self._path, f"cannot be written ({error.strerror})") from error

    def close(self) -> None:
        """Bring the anchor to the disk and let go of it.

        Raises:
            RecordError: If it cannot be brought there.
        """
        try:
            with self._file:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise RecordError(self._path, f"cannot be written ({error.strerror})") from error
