"""Seeded chance for the physics: tables that are a pure function of (seed, name).

A table is read by the millisecond, so that skipping quiet time does not shift what follows. It is
built from SHA-256 and not from a generator of the standard library, whose sequence may change
with its version, and uses no mathematics library, whose last digit may change with the platform.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

NOISE_SIZE = 4096
"""Entries of a table, a power of two. A table repeats every 4.1 s; nothing here listens so long."""

NOISE_MASK = NOISE_SIZE - 1

_BYTES_PER_SAMPLE = 4
_MEAN = 510.0
_SIGMA = 147.8
"""Of the sum of four even bytes: 4 x 127.5, and the root of 4 x (256^2 - 1) / 12."""


@lru_cache(maxsize=64)
def noise_table(seed: int, name: str) -> tuple[float, ...]:
    """Return `NOISE_SIZE` samples of about normal chance, mean 0, deviation 1, within +-3.5."""
    digests = b"".join(
        sha256(f"{seed}/{name}/{block}".encode()).digest()
        for block in range(NOISE_SIZE * _BYTES_PER_SAMPLE // 32)
    )
    return tuple(
        (sum(digests[start : start + _BYTES_PER_SAMPLE]) - _MEAN) / _SIGMA
        for start in range(0, len(digests), _BYTES_PER_SAMPLE)
    )


def even_share(seed: int, name: str) -> float:
    """Return one number, evenly spread over -1 to 1."""
    word = int.from_bytes(sha256(f"{seed}/{name}".encode()).digest()[:4])
    return 2.0 * word / 0xFFFFFFFF - 1.0
