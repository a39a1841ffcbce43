"""The profile in force: of the chosen jurisdiction, signed, and not older than one before.

It is verified anew each time that a session opens, inside the control process. Rule: SR-028.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from controller.config import Home, setting
from controller.errors import ConfigError
from controller.profile import Profile
from controller.profile_file import parse
from controller.profile_memory import accept, refuse_older
from controller.profile_signature import parse_keys, read_part, verify

JURISDICTION_VARIABLE = "PENPILOT_JURISDICTION"
"""Environment variable that chooses among the signed profiles; it can name no limit."""

JURISDICTION_DEFAULT = "us"
"""The strictest of the shipped profiles: nothing but what is cleared. Source: [DOM] 1.4."""

KEYS = "keys.toml"
"""File of the trusted public keys, beside the profiles."""


@dataclass(frozen=True, slots=True)
class SignedProfile:
    """A profile whose signature fits.

    Args:
        profile: What it says.
        key: Name of the key that signed it.
        sha256: Of the exact bytes, hexadecimal.
    """

    profile: Profile
    key: str
    sha256: str


def shipped() -> Traversable:
    """Return the folder of the profiles that come with penpilot."""
    return files("controller.profiles")


def trusted_keys() -> dict[str, bytes]:
    """Return the public keys that come with penpilot, by name. Raises ConfigError."""
    return parse_keys(read_part(shipped() / KEYS, "keys"))


def load_signed(file: Traversable, signature: Traversable) -> SignedProfile:
    """Return a profile that one of the trusted keys has signed.

    Args:
        file: The profile.
        signature: The signature on it.

    Raises:
        ConfigError: If a file is missing or too large, the signature does not fit every byte or is
            of an unknown key, or the profile is none.
    """
    data = read_part(file, "profile")
    key = verify(data, read_part(signature, "signature"), trusted_keys())
    return SignedProfile(parse(data), key, hashlib.sha256(data).hexdigest())


def jurisdiction(environ: Mapping[str, str]) -> str:
    """Return the jurisdiction that was chosen; an empty variable chooses none.

    Raises:
        ConfigError: If there is no profile of that name.
    """
    chosen = setting(environ, JURISDICTION_VARIABLE) or JURISDICTION_DEFAULT
    names = (file.name for file in shipped().iterdir() if file.name != KEYS)
    known = sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
    if chosen not in known:
        raise ConfigError(JURISDICTION_VARIABLE, chosen, f"must be one of: {', '.join(known)}")
    return chosen


def in_force(environ: Mapping[str, str], home: Home) -> SignedProfile:
    """Return the profile in force. Nothing is written.

    Args:
        environ: Environment variables, such as `os.environ`.
        home: The data folder, which knows the versions that were accepted.

    Raises:
        ConfigError: As `load_signed`; if the file is of another jurisdiction; if it is older than
            one accepted before, or what was accepted can no longer be read.
    """
    name = jurisdiction(environ)
    signed = load_signed(shipped() / f"{name}.toml", shipped() / f"{name}.toml.sig")
    if signed.profile.jurisdiction != name:
        raise ConfigError("jurisdiction", signed.profile.jurisdiction, f"must be {name}")
    refuse_older(home, name, signed.profile.version, signed.sha256)
    return signed


def accept_in_force(environ: Mapping[str, str], home: Home) -> SignedProfile:
    """Return the profile in force and remember its version: from here on no older one will do.

    Raises:
        ConfigError: As `in_force`.
        RecordError: If the version cannot be written down.
    """
    signed = in_force(environ, home)
    accept(home, signed.profile.jurisdiction, signed.profile.version, signed.sha256)
    return signed
