"""X25519 and HKDF, the pen's own: how two who never met agree on a key; draws no chance.

Written from RFC 7748 section 5 and RFC 5869 section 2. Its time depends on the key, which a real
pen must not allow; a simulated one has no secret worth the pains.
"""

from __future__ import annotations

import hmac

_P = 2**255 - 19
_A24 = 121_665
_LOW_255_BITS = (1 << 255) - 1
_CLAMPED = ((1 << 254) - 1) & ~7

BASE_POINT = (9).to_bytes(32, "little")
"""Of the curve: a private key times this is its public key. Source: RFC 7748, 4.1."""


def x25519(private_key: bytes, point: bytes) -> bytes:
    """Return the private key times the point, 32 bytes each; zero for a point that is none."""
    scalar = int.from_bytes(private_key, "little") & _CLAMPED | 1 << 254
    u = (int.from_bytes(point, "little") & _LOW_255_BITS) % _P
    x2, z2, x3, z3 = 1, 0, u, 1
    for place in reversed(range(255)):
        is_one = scalar >> place & 1
        if is_one:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % _P, c * b % _P, a * a % _P, b * b % _P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % _P, u * (da - cb) ** 2 % _P
        x2, z2 = aa * bb % _P, e * (aa + _A24 * e) % _P
        if is_one:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, _P - 2, _P) % _P).to_bytes(32, "little")


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes that follow from a secret; one round of HMAC-SHA-256 gives as many."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")
