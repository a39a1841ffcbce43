"""The key on which host and pen agree when they are paired; draws no chance and sends nothing.

It is a module of its own because only pairing needs the library behind it, which takes its time to
load. A tap on the line learns nothing of the key; somebody who alters what is said between the two
while the technician holds the button could (docs/adr/0014).

Source: docs/protocol.md 11; RFC 7748 (X25519), RFC 5869 (HKDF).
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from drivers.pairing import KEY_BYTES

_SALT = b"PENLINK1 pairing"


def public_key(private_key: bytes) -> bytes:
    """Return the public key that belongs to 32 random bytes."""
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def agreed_key(private_key: bytes, pen_public_key: bytes, serial_number: int) -> bytes | None:
    """Return the key that host and pen share from now on, or None if the pen's public key is bad.

    Args:
        private_key: The host's 32 random bytes.
        pen_public_key: What the pen answered to AGREE, 32 bytes.
        serial_number: Of the pen.
    """
    mine = X25519PrivateKey.from_private_bytes(private_key)
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(pen_public_key))
    except ValueError:  # the secret would be zero, whatever our key is
        return None
    named = serial_number.to_bytes(4, "big") + mine.public_key().public_bytes_raw() + pen_public_key
    return HKDF(SHA256(), KEY_BYTES, _SALT, named).derive(shared)
