"""Signatures on profiles: one changed byte, an unknown key or no signature at all is refused."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from controller.errors import ConfigError, ExitCode
from controller.profile_signature import (
    BYTES_MAX,
    new_private_key,
    parse_keys,
    read_part,
    read_private_key,
    sign,
    verify,
    write_signature,
)

FOLDER = Path(__file__).parents[2] / "controller" / "profiles"
ROOT = FOLDER.parents[1]
KEYS = parse_keys((FOLDER / "keys.toml").read_bytes())
MINE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MY_KEYS = {"mine": MINE.public_key().public_bytes_raw()}
PEM = (Encoding.PEM, PrivateFormat.PKCS8)


def parts(name: str) -> tuple[bytes, bytes]:
    """Return a shipped profile and its signature."""
    return (FOLDER / f"{name}.toml").read_bytes(), (FOLDER / f"{name}.toml.sig").read_bytes()


def refusal(data: bytes, signature: bytes, keys: dict[str, bytes]) -> ConfigError:
    """Return what these bytes are refused with: one printable line, exit code 2."""
    with pytest.raises(ConfigError) as caught:
        verify(data, signature, keys)
    assert str(caught.value).isprintable()
    assert ExitCode.INPUT == caught.value.exit_code
    return caught.value


@pytest.mark.parametrize("name", ["us", "eu"])
def test_shipped_profile_is_signed_by_a_trusted_key(name: str) -> None:
    """The signature fits, and its key is one of keys.toml."""
    assert verify(*parts(name), KEYS) in KEYS


@pytest.mark.req("SR-017", "SR-028", "HZ-27", "S03")
def test_every_changed_byte_of_profile_and_signature_is_refused() -> None:
    """One bit of every byte of both profiles, and every bit of both signatures: all refused."""
    chance, cases = Random(11), 0
    for name in ("us", "eu"):
        data, signature = parts(name)
        for at in range(len(data)):
            changed = bytearray(data)
            changed[at] ^= 1 << chance.randrange(8)
            assert "signature" == refusal(bytes(changed), signature, KEYS).field
            cases += 1
        for at in range(len(signature) * 8):
            changed = bytearray(signature)
            changed[at // 8] ^= 1 << at % 8
            assert refusal(data, bytes(changed), KEYS).field in {"signature", "signature key"}
            cases += 1

    assert cases >= 4_096


@pytest.mark.req("SR-028")
@pytest.mark.parametrize("length", [0, 1, 22, 110])
def test_cut_off_profile_or_signature_is_refused(length: int) -> None:
    """Nothing that is missing is taken for the whole."""
    data, signature = parts("us")

    assert "signature" == refusal(data[:length], signature, KEYS).field
    assert "signature" == refusal(data, signature[:length], KEYS).field


def test_more_than_one_line_is_no_signature() -> None:
    """What is put before, after or between is refused."""
    data, signature = parts("us")

    for more in (
        signature * 2,
        signature + b"\n",
        b" " + signature,
        signature.replace(b" ", b"  "),
    ):
        assert "signature" == refusal(data, more, KEYS).field


def test_signature_has_one_spelling_only() -> None:
    """The spare bits of the last letter are not free: fifteen other spellings are refused."""
    signature = sign(b"x", MINE, MY_KEYS)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    raw = base64.b64decode(signature.split()[2])
    twins = [
        signature[:-4] + letters[i : i + 1] + signature[-3:]
        for i in range(64)
        if base64.b64decode(signature.split()[2][:-3] + letters[i : i + 1] + b"==") == raw
    ]

    assert 16 == len(twins)
    assert "mine" == verify(b"x", signature, MY_KEYS)
    for twin in twins:
        if twin != signature:
            assert "signature" == refusal(b"x", twin, MY_KEYS).field


@pytest.mark.req("SR-028", "HZ-46")
def test_signature_of_an_unknown_key_is_refused_by_its_name() -> None:
    """A profile that somebody else has signed names who, and whom we trust."""
    error = refusal(b"x", sign(b"x", MINE, MY_KEYS), KEYS)

    assert ("signature key", "mine") == (error.field, error.value)
    assert "penpilot-1" in error.rule


@pytest.mark.req("SR-028", "HZ-46")
def test_signature_of_another_key_under_a_trusted_name_is_refused() -> None:
    """A name alone signs nothing."""
    forged = sign(b"x", MINE, {"penpilot-1": MY_KEYS["mine"]})

    assert "signature" == refusal(b"x", forged, KEYS).field


def test_signature_made_for_another_use_fits_no_profile() -> None:
    """The prefix is part of what is signed."""
    raw = base64.b64encode(MINE.sign(b"x"))

    assert "signature" == refusal(b"x", b"penpilot-signature-v1 mine " + raw + b"\n", MY_KEYS).field


def test_nothing_is_signed_that_nobody_could_verify() -> None:
    """A key that is not trusted signs nothing; the message holds its public key, to be added."""
    with pytest.raises(ConfigError) as caught:
        sign(b"x", MINE, KEYS)

    assert base64.b64encode(MY_KEYS["mine"]).decode() == caught.value.value
    assert "keys.toml" in caught.value.rule


def test_new_key_signs_and_is_its_owners_alone(tmp_path: Path) -> None:
    """What new-key makes, sign takes and verify believes; the file is never overwritten."""
    path = tmp_path / "key.pem"
    public_key = base64.b64decode(new_private_key(path))

    assert 0o600 == path.stat().st_mode & 0o777
    keys = {"new": public_key}
    assert "new" == verify(b"x", sign(b"x", read_private_key(path), keys), keys)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="must be a new file"):
        new_private_key(path)
    assert before == path.read_bytes()


def test_key_that_is_none_is_refused(tmp_path: Path) -> None:
    """Missing, open to others, not PEM, with a password, or of another kind: one line each."""
    path = tmp_path / "key.pem"
    assert refused_key(path)
    locked = MINE.private_bytes(*PEM, BestAvailableEncryption(b"secret"))
    other = generate_private_key(SECP256R1()).private_bytes(*PEM, NoEncryption())
    for content in (b"", b"\xff" * 100, locked, other):
        path.write_bytes(content)
        path.chmod(0o600)
        assert refused_key(path)
    path.write_bytes(MINE.private_bytes(*PEM, NoEncryption()))
    path.chmod(0o644)
    assert "chmod 600" in refused_key(path)


def refused_key(path: Path) -> str:
    """Return the line with which a private key is refused."""
    with pytest.raises(ConfigError) as caught:
        read_private_key(path)
    return str(caught.value)


def test_signature_is_put_in_its_place_whole(tmp_path: Path) -> None:
    """It replaces the old one, and nothing else stays behind; a missing folder is one line."""
    path = tmp_path / "x.sig"
    path.write_bytes(b"old")
    write_signature(path, b"new\n")

    assert ([path], b"new\n") == (list(tmp_path.iterdir()), path.read_bytes())
    with pytest.raises(ConfigError, match="must be writable"):
        write_signature(tmp_path / "none" / "x.sig", b"new\n")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "keys.format"),
        ("format = true", "keys.format"),
        ("format = 1", "key"),
        ("format = 1\nkey = []", "key"),
        ("format = 1\nother = 1", "other"),
        ("format = 1\n[key]\na = 1", "key.a"),
        ('format = 1\n[key."a b"]\npublic_key = ""', "key"),
        ("format = 1\n[key.a]", "key.a.public_key"),
        ("format = 1\n[key.a]\npublic_key = 1", "key.a.public_key"),
        ('format = 1\n[key.a]\npublic_key = "AAAA"', "key.a.public_key"),
        ('format = 1\n[key.a]\npublic_key = "é"', "key.a.public_key"),
        ("format = 1\n[key.a]\nprivate_key = 1", "key.a.private_key"),
        ("\x00", "keys"),
    ],
)
def test_damaged_list_of_keys_is_refused_by_field(text: str, field: str) -> None:
    """Half a list of keys is none."""
    with pytest.raises(ConfigError) as caught:
        parse_keys(text.encode())

    assert field == caught.value.field


def test_list_of_keys_that_is_not_utf_8_is_refused() -> None:
    """Bytes that are no text are no keys."""
    with pytest.raises(ConfigError, match="must be TOML in UTF-8"):
        parse_keys(b"\xff")


def test_part_that_is_missing_no_file_or_huge_is_refused(tmp_path: Path) -> None:
    """None of them is read further than it takes to see that, and none keeps us waiting."""
    fifo, huge = tmp_path / "fifo", tmp_path / "huge"
    os.mkfifo(fifo)
    huge.write_bytes(b"#" * (BYTES_MAX + 1))
    for path, says in (
        (tmp_path / "none", "must be there"),
        (tmp_path, "must be there"),
        (fifo, "must be there"),
        (Path("/dev/zero"), "must be there"),
        (huge, "must be at most"),
    ):
        with pytest.raises(ConfigError, match=says):
            read_part(path, "profile")
    huge.write_bytes(b"#" * BYTES_MAX)
    assert BYTES_MAX == len(read_part(huge, "profile"))


def test_no_private_key_lies_in_the_checkout() -> None:
    """No file of the packages, docs and examples holds one, in PEM or beside the public key."""
    pem = re.compile(rb"BEGIN [A-Z ]*PRIVATE " + rb"KEY|^private_key\s*=", re.MULTILINE)
    folders = ("controller", "docs", "drivers", "examples", "hil", "safety", "simulator")
    paths = [p for f in folders for p in (ROOT / f).rglob("*") if p.is_file()]

    assert [] == [path for path in paths if pem.search(path.read_bytes())]
    assert pem.search(MINE.private_bytes(*PEM, NoEncryption()))
