"""Signed files: whose signature is on a profile; it knows no limit and no jurisdiction.

The signature lies beside the file, with ``.sig`` added to its name, and covers its exact bytes::

    penpilot-signature-v1 KEYNAME BASE64-OF-64-BYTES

Ed25519 (RFC 8032) by the `cryptography` package. The bytes are verified before anything reads them.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources.abc import Traversable
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from controller.errors import ConfigError
from controller.tomlfile import refuse_unknown, shorten

PREFIX = b"penpilot-profile-v1\0"
"""Stands before the signed bytes, so that no signature made for another use fits a profile."""

BYTES_MAX = 65_536
"""The profile of a whole body has 8 KiB; larger files are none. ASSUMED."""

PUBLIC_BYTES = 32
"""Length of a public key. Source: RFC 8032, 5.1.5."""

PRIVATE_MODE = 0o600
"""A private key is its owner's alone."""

_NAME = r"[a-z0-9][a-z0-9.-]{0,39}"
_LINE = re.compile(rb"penpilot-signature-v1 (%s) ([A-Za-z0-9+/]{86}==)\n" % _NAME.encode())


def read_part(file: Traversable, what: str) -> bytes:
    """Return the bytes of one file of a profile.

    Args:
        file: A regular file of at most `BYTES_MAX` bytes; never more than one more is read.
        what: What it is, for the message.

    Raises:
        ConfigError: If it is missing, not regular, cannot be read, or is too large.
    """
    try:
        if not file.is_file():
            raise ConfigError(what, file, "must be there, as a regular file")
        with file.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(what, file, f"must be a readable file ({reason})") from error
    if len(data) > BYTES_MAX:
        raise ConfigError(what, file, f"must be at most {BYTES_MAX} bytes")
    return data


def parse_keys(data: bytes) -> dict[str, bytes]:
    """Return the public keys that are trusted, by name.

    Args:
        data: TOML with ``format = 1`` and tables ``[key.NAME]``, each with a ``public_key``.

    Raises:
        ConfigError: Naming field, value and rule.
    """
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError("keys", shorten(str(error)), "must be TOML in UTF-8") from error
    refuse_unknown(document, frozenset({"format", "key"}), "", ConfigError)
    tables = document.get("key")
    if type(document.get("format")) is not int or document["format"] != 1:
        raise ConfigError("keys.format", shorten(document.get("format")), "must be 1")
    if not isinstance(tables, dict) or not tables:
        raise ConfigError("key", shorten(tables), "must be at least one table [key.NAME]")
    return {name: _public_key(name, table) for name, table in tables.items()}


def _public_key(name: str, table: object) -> bytes:
    """Return the 32 bytes of one public key."""
    if not re.fullmatch(_NAME, name):
        rule = "must be 1 to 40 small letters, digits, dots and hyphens"
        raise ConfigError("key", shorten(name), rule)
    if not isinstance(table, dict):
        raise ConfigError(f"key.{name}", shorten(table), "must be a table")
    refuse_unknown(table, frozenset({"public_key"}), f"key.{name}.", ConfigError)
    text = table.get("public_key")
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != PUBLIC_BYTES:
        rule = f"must be {PUBLIC_BYTES} bytes in base64"
        raise ConfigError(f"key.{name}.public_key", shorten(text), rule)
    return key


def verify(data: bytes, signature: bytes, keys: Mapping[str, bytes]) -> str:
    """Return the name of the key that has signed these bytes.

    Args:
        data: What was signed.
        signature: The line as it stands in the ``.sig`` file.
        keys: Public keys that are trusted, by name.

    Raises:
        ConfigError: If the line is no signature, its key is not trusted, or it does not fit.
    """
    found = _LINE.fullmatch(signature)
    # Base64 of 64 bytes has four spare bits: only the one spelling that we write is accepted.
    raw = base64.b64decode(found[2]) if found else b""
    if found is None or base64.b64encode(raw) != found[2]:
        rule = "must be one line: penpilot-signature-v1 KEYNAME BASE64"
        raise ConfigError("signature", shorten(signature), rule)
    name = found[1].decode()
    if name not in keys:
        trusted = ", ".join(sorted(keys))
        raise ConfigError("signature key", name, f"must be one of keys.toml: {trusted}")
    try:
        Ed25519PublicKey.from_public_bytes(keys[name]).verify(raw, PREFIX + data)
    except InvalidSignature as error:
        rule = f"must fit every byte of the file under key {name}: it was changed, or never signed"
        raise ConfigError("signature", shorten(found[2].decode()), rule) from error
    return name


def sign(data: bytes, private: Ed25519PrivateKey, keys: Mapping[str, bytes]) -> bytes:
    """Return the line of the ``.sig`` file for these bytes.

    Raises:
        ConfigError: If the key is none of the trusted ones, which nobody could verify.
    """
    public = private.public_key().public_bytes_raw()
    names = sorted(name for name, key in keys.items() if key == public)
    if not names:
        shown = base64.b64encode(public).decode()
        rule = 'must stand in keys.toml first: [key.NAME] and public_key = "..."'
        raise ConfigError("public key", shown, rule)
    raw = base64.b64encode(private.sign(PREFIX + data))
    return b"penpilot-signature-v1 " + names[0].encode() + b" " + raw + b"\n"


def write_signature(path: Path, line: bytes) -> None:
    """Put a signature in its place, whole or not at all.

    Raises:
        ConfigError: If it cannot be written.
    """
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        own.write_bytes(line)
        own.replace(path)
    except OSError as error:
        raise ConfigError("signature", path, f"must be writable ({error.strerror})") from error
    finally:
        with suppress(OSError):
            own.unlink()


def new_private_key(path: Path) -> str:
    """Make a private key in a new file that only its owner can read; return its public key.

    Raises:
        ConfigError: If the file is there already, or cannot be made.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    except OSError as error:
        raise ConfigError("key", path, f"must be a new file ({error.strerror})") from error
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Return a private key.

    Raises:
        ConfigError: If the file cannot be read, can be read by others, or holds no Ed25519 key
            without a password.
    """
    pem = read_part(path, "key")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & ~PRIVATE_MODE:
        raise ConfigError("key", path, "must be its owner's alone: chmod 600")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        rule = "must hold an Ed25519 key, PEM, without a password"
        raise ConfigError("key", path, rule) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("key", path, "must hold an Ed25519 key")
    return key
