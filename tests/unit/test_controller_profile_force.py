"""The profile in force: chosen, signed, and never older than one before; and its commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from controller import profile_force
from controller.commands.profile import profile as command
from controller.config import Home
from controller.errors import ConfigError, ExitCode
from controller.profile_force import (
    JURISDICTION_VARIABLE,
    accept_in_force,
    in_force,
    jurisdiction,
    trusted_keys,
)
from controller.profile_memory import accept, accepted, refuse_older
from controller.profile_signature import sign

FOLDER = Path(__file__).parents[2] / "controller" / "profiles"
MINE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = 'format = 1\n[key.mine]\npublic_key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="\n'
A, B = "a" * 64, "b" * 64


@pytest.fixture
def home(penpilot_home: Path) -> Home:
    """A data folder."""
    return Home(penpilot_home).create()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of profiles that we may change and sign."""
    copy = tmp_path / "profiles"
    copy.mkdir()
    (copy / "keys.toml").write_text(KEYS)
    monkeypatch.setattr("controller.profile_force.shipped", lambda: copy)
    put(copy, version=3)
    return copy


def put(folder: Path, *, version: int, name: str = "us", more: str = "") -> None:
    """Put a signed profile of that version into the folder."""
    text = (FOLDER / "us.toml").read_text(encoding="utf-8")
    data = (text.replace("version = 1\n", f"version = {version}\n") + more).encode()
    (folder / f"{name}.toml").write_bytes(data)
    (folder / f"{name}.toml.sig").write_bytes(sign(data, MINE, trusted_keys()))


def refusal(home: Home, **environ: str) -> ConfigError:
    """Return what the profile in force is refused with, in looking and in opening alike."""
    with pytest.raises(ConfigError) as caught:
        in_force(environ, home)
    with pytest.raises(ConfigError) as again:
        accept_in_force(environ, home)
    assert str(caught.value) == str(again.value)
    assert str(caught.value).isprintable()
    assert ExitCode.INPUT == caught.value.exit_code
    return caught.value


def test_shipped_profiles_are_in_force_by_their_jurisdiction(home: Home) -> None:
    """Without a choice, or an empty one, it is the United States; looking writes nothing."""
    assert "us" == in_force({}, home).profile.jurisdiction
    assert "us" == in_force({JURISDICTION_VARIABLE: ""}, home).profile.jurisdiction
    assert "eu" == in_force({JURISDICTION_VARIABLE: "eu"}, home).profile.jurisdiction
    assert None is accepted(home, "us")


@pytest.mark.parametrize("chosen", [" ", "US", "keys", "../us", "us.toml", "xx", "\0"])
def test_jurisdiction_without_a_profile_is_refused(home: Home, chosen: str) -> None:
    """Only names of shipped profiles can be chosen, and the message lists them."""
    with pytest.raises(ConfigError, match=r"must be one of: eu, us"):
        jurisdiction({JURISDICTION_VARIABLE: chosen})
    assert JURISDICTION_VARIABLE == refusal(home, **{JURISDICTION_VARIABLE: chosen}).field


@pytest.mark.usefixtures("folder")
def test_accepted_profile_is_remembered(home: Home) -> None:
    """Opening a session writes version and hash down, durably and once."""
    signed = accept_in_force({}, home)

    assert (3, signed.sha256) == accepted(home, "us")
    assert signed == accept_in_force({}, home)
    (entry,) = (home.folder / "profiles").iterdir()
    assert f"penpilot-accepted-v1 us 3 {signed.sha256}\n" == entry.read_text()


@pytest.mark.req("SR-028", "HZ-44")
def test_older_version_is_refused_after_a_newer_one(home: Home, folder: Path) -> None:
    """It is signed and whole, and still refused; the newer one is taken again."""
    accept_in_force({}, home)
    put(folder, version=2)
    error = refusal(home)
    assert ("us version", 2) == (error.field, error.value)
    assert "must be at least 3" in error.rule

    put(folder, version=4)
    assert 4 == accept_in_force({}, home).profile.version
    put(folder, version=3)
    assert "must be at least 4" in refusal(home).rule


@pytest.mark.req("SR-028")
def test_other_file_of_the_same_version_is_refused(home: Home, folder: Path) -> None:
    """A version is one file: a change needs the next number."""
    accept_in_force({}, home)
    put(folder, version=3, more="# a comment\n")

    assert "must be above 3" in refusal(home).rule


@pytest.mark.req("HZ-44")
def test_profile_of_another_place_is_refused(home: Home, folder: Path) -> None:
    """A signed file under another name is not what was chosen."""
    put(folder, version=3, name="eu")

    error = refusal(home, **{JURISDICTION_VARIABLE: "eu"})
    assert ("jurisdiction", "us", "must be eu") == (error.field, error.value, error.rule)


@pytest.mark.req("SR-017", "SR-028")
@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("us.toml", None, "us"),
        ("us.toml.sig", None, "signature"),
        ("keys.toml", None, "keys"),
        ("us.toml", b"", "signature"),
        ("us.toml.sig", b"", "signature"),
        ("us.toml", b"\xff\xfe", "signature"),
        ("us.toml.sig", b"\xff\xfe", "signature"),
        ("us.toml", b"#" * 70_000, "profile"),
        ("us.toml.sig", b"#" * 70_000, "signature"),
        ("keys.toml", b"#" * 70_000, "keys"),
    ],
)
def test_damaged_or_missing_part_is_refused(
    home: Home, folder: Path, name: str, content: bytes | None, field: str
) -> None:
    """Without every part there is no profile in force, hence no session."""
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)

    error = refusal(home)
    # Without its file a jurisdiction is none of those that can be chosen.
    assert (JURISDICTION_VARIABLE if field == "us" else field) == error.field


@pytest.mark.parametrize("content", [b"\xff\xfe", b"format = 1\n", b"\x00"])
def test_signed_file_that_is_no_profile_is_refused(
    home: Home, folder: Path, content: bytes
) -> None:
    """A signature does not make a profile of anything."""
    (folder / "us.toml").write_bytes(content)
    (folder / "us.toml.sig").write_bytes(sign(content, MINE, trusted_keys()))

    assert refusal(home).field in {"profile", "format"}


@pytest.mark.req("SR-028")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("us-0000003", b""),
        ("us-0000003", b"penpilot-accepted-v1 us 3 " + A.encode()),
        ("us-0000003", b"penpilot-accepted-v1 us 2 " + A.encode() + b"\n"),
        ("us-0000003", b"penpilot-accepted-v1 eu 3 " + A.encode() + b"\n"),
        ("us-0000003", b"penpilot-accepted-v1 us 3 " + A.encode() + b"\n\n"),
        ("us-0000003", b"\xff" * 1_000),
        ("us-3", b"penpilot-accepted-v1 us 3 " + A.encode() + b"\n"),
        ("us-0000003.bak", b"penpilot-accepted-v1 us 3 " + A.encode() + b"\n"),
        ("us-000000\u0663", b"penpilot-accepted-v1 us 3 " + A.encode() + b"\n"),
        ("note", b""),
    ],
)
def test_damaged_memory_refuses_rather_than_forgets(home: Home, name: str, content: bytes) -> None:
    """What was accepted must be readable, or nothing is in force."""
    (home.folder / "profiles").mkdir()
    (home.folder / "profiles" / name).write_bytes(content)

    assert refusal(home).field.startswith("accepted profile")


def test_memory_that_is_no_folder_or_holds_one_refuses(home: Home) -> None:
    """A file in place of the folder, and a folder in place of an entry, are damage."""
    place = home.folder / "profiles"
    place.touch()
    assert "accepted profiles" == refusal(home).field
    place.unlink()
    (place / "us-0000001").mkdir(parents=True)
    assert refusal(home).field.startswith("accepted profile")


def test_memory_keeps_the_newest_of_each_jurisdiction(home: Home) -> None:
    """Versions are numbers and not texts, and one place knows nothing of another."""
    for version in (9, 10, 2):
        if version == 2:
            with pytest.raises(ConfigError, match="must be at least 10"):
                accept(home, "us", version, A)
        else:
            accept(home, "us", version, A)
    accept(home, "eu", 1, B)
    (home.folder / "profiles" / ".us-0000011.0123").touch()  # left by a program that was killed

    assert ((10, A), (1, B), None) == tuple(accepted(home, j) for j in ("us", "eu", "xx"))
    refuse_older(home, "us", 10, A)
    refuse_older(home, "us", 11, B)


def test_two_files_of_one_version_cannot_both_be_accepted(home: Home) -> None:
    """Of two that come at once the first stays, and the second is told."""
    accept(home, "us", 1, A)
    with pytest.raises(ConfigError, match="another file of this version"):
        accept(home, "us", 1, B)

    assert (1, A) == accepted(home, "us")


def run(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: object) -> tuple[int, Any]:
    """Return exit code and the one JSON document of the command."""
    code, out, err = run(*arguments, "--json")
    assert ("", 1) == (err, out.count("\n"))
    return code, json.loads(out)


NAMES = {"name", "jurisdiction", "version", "signed_by", "sha256"}
NAMES |= {"areas", "indications", "modifiers"}


@pytest.mark.usefixtures("folder")
def test_show_tells_the_profile_in_force_and_what_was_accepted(home: Home) -> None:
    """Names are those of docs/cli.md; before the first session nothing was accepted."""
    code, told = run_json("show")
    assert (0, NAMES | {"version_accepted"}, None) == (code, set(told), told["version_accepted"])
    assert ("mine", 3, 11) == (told["signed_by"], told["version"], len(told["areas"]))

    accept_in_force({}, home)
    assert 3 == run_json("show")[1]["version_accepted"]
    text = run("show")[1]
    assert "Accepted here: version 3" in text
    assert "to be approved by a clinician" in text


def test_check_tells_who_signed_what(tmp_path: Path) -> None:
    """A shipped file is good wherever it lies; without its signature it is not."""
    for name in ("eu.toml", "eu.toml.sig"):
        shutil.copy(FOLDER / name, tmp_path)
    code, told = run_json("check", tmp_path / "eu.toml")
    assert (0, NAMES, "penpilot-1") == (code, set(told), told["signed_by"])
    (cheek,) = (one for one in told["areas"] if one["name"] == "cheek")
    assert (1_000, 1_500, 4) == tuple(
        cheek[key] for key in ("depth_um_confirm_above", "depth_um_max", "passes_max")
    )
    assert "cheek" in run("check", tmp_path / "eu.toml")[1]

    (tmp_path / "eu.toml.sig").unlink()
    code, out, err = run("check", tmp_path / "eu.toml")
    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert "signature" in err
    assert ExitCode.INPUT == run_json("check", tmp_path / "none")[0]


def test_profile_is_changed_signed_and_checked(tmp_path: Path, folder: Path) -> None:
    """Who has a trusted key can sign a changed file; a broken one is not even signed."""
    key = tmp_path / "key.pem"
    key.write_bytes(MINE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    file = folder / "us.toml"
    file.write_bytes(file.read_bytes().replace(b"version = 3", b"version = 4"))
    assert ExitCode.INPUT == run_json("check", file)[0]

    code, told = run_json("sign", file, "--key", key)
    wanted = {"file": str(file), "signature": f"{file}.sig", "version": 4, "key": "mine"}
    assert (0, wanted) == (code, told)
    assert (0, 4) == (run("check", file)[0], run_json("check", file)[1]["version"])
    assert "Signed version 4" in run("sign", file, "--key", key)[1]

    before = (folder / "us.toml.sig").read_bytes()
    file.write_bytes(b"format = 2\n")
    assert ExitCode.INPUT == run("sign", file, "--key", key)[0]
    assert before == (folder / "us.toml.sig").read_bytes()


def test_new_key_prints_its_public_key_and_no_more(tmp_path: Path) -> None:
    """The private key goes to its file alone; a second one does not replace it."""
    code, told = run_json("new-key", tmp_path / "a.pem")
    assert (0, {"file", "public_key"}) == (code, set(told))
    assert 44 == len(told["public_key"])
    assert (ExitCode.INPUT, "") == run("new-key", tmp_path / "a.pem")[:2]

    text = run("new-key", tmp_path / "b.pem")[1]
    secret = (tmp_path / "b.pem").read_text().splitlines()[1]
    assert 'public_key = "' in text
    assert secret not in text


@pytest.mark.req("SR-028", "HZ-45")
def test_bytes_that_were_verified_are_the_bytes_that_are_used(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is swapped right after it was verified is not read again."""
    really = profile_force.verify

    def verify_then_swap(data: bytes, signature: bytes, keys: dict[str, bytes]) -> str:
        name = really(data, signature, keys)
        (folder / "us.toml").write_bytes(
            data.replace(b"depth_um_max = 500", b"depth_um_max = 2500")
        )
        return name

    before = in_force({}, home)
    monkeypatch.setattr(profile_force, "verify", verify_then_swap)
    after = in_force({}, home)

    assert before.profile == after.profile
    assert before.sha256 == after.sha256


@pytest.mark.req("SR-028", "HZ-40")
def test_profile_that_changes_later_leaves_what_is_open_alone(home: Home, folder: Path) -> None:
    """A session keeps the profile that it was opened with; the next one looks anew."""
    opened = accept_in_force({}, home)
    caps = dict(opened.profile.areas)
    put(folder, version=4, more="\n# changed\n")

    assert caps == opened.profile.areas
    assert (3, 4) == (opened.profile.version, in_force({}, home).profile.version)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("words", [["check", ""], ["sign", "", "--key", "k"]])
def test_empty_name_of_a_file_is_refused_in_one_line(words: list[str]) -> None:
    """An empty argument is no file, and no reason to break down."""
    result = CliRunner().invoke(command, words)

    assert (ExitCode.INPUT, 1) == (result.exit_code, len(result.stderr.splitlines()))
    assert isinstance(result.exception, SystemExit)
