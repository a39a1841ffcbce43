"""Damaged inputs without end, made out of right ones; the same seed makes the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

LENGTH_MAX = 16_384
"""Longest input, in bytes; most are far shorter."""

EDGES = (0x00, 0x01, 0x03, 0x06, 0x17, 0x28, 0x7F, 0x80, 0x97, 0xE5, 0xFE, 0xFF)
"""Bytes that mean something on the wire, and those beside a limit."""

LONG_IN = 64
"""One input in so many is a long one."""

SEALED_IN = 3
"""One input in so many has its checksums made right again."""


class Mutator:
    """Makes inputs.

    Args:
        corpus: Right inputs.
        random: Where chance comes from.
        seal: Makes checksums right again, where there are any.
    """

    def __init__(
        self,
        corpus: tuple[bytes, ...],
        random: Random,
        seal: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._corpus = corpus
        self._random = random
        self._seal = seal
        self._ways = (
            *(self._flip, self._set, self._cut, self._drop, self._insert, self._repeat),
            *(self._splice, self._swap, self._number, self._noise),
        )

    def __call__(self) -> bytes:
        """Return the next input."""
        random = self._random
        data = random.choice(self._corpus)
        for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 6))):
            data = random.choice(self._ways)(data)
        if self._seal is not None and random.randrange(SEALED_IN) == 0:
            data = self._seal(data)
        if random.randrange(LONG_IN) == 0:
            data = self._long(data)
        return data[:LENGTH_MAX]

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _flip(self, data: bytes) -> bytes:
        """Change one bit."""
        if not data:
            return data
        changed = bytearray(data)
        changed[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _set(self, data: bytes) -> bytes:
        """Put a byte that means something in the place of one."""
        if not data:
            return data
        changed = bytearray(data)
        changed[self._random.randrange(len(data))] = self._random.choice(EDGES)
        return bytes(changed)

    def _cut(self, data: bytes) -> bytes:
        """Lose the end, or the beginning."""
        place = self._place(data)
        return data[:place] if self._random.randrange(2) else data[place:]

    def _drop(self, data: bytes) -> bytes:
        """Lose a piece in the middle."""
        place = self._place(data)
        return data[:place] + data[place + self._random.choice((1, 1, 2, 3, 8)) :]

    def _insert(self, data: bytes) -> bytes:
        """Put in a few bytes of nobody."""
        place = self._place(data)
        return data[:place] + self._random.randbytes(self._random.randrange(1, 5)) + data[place:]

    def _repeat(self, data: bytes) -> bytes:
        """Say a piece again."""
        start, end = sorted((self._place(data), self._place(data)))
        return data[:end] + data[start:end] * self._random.randrange(1, 4) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        """Go on with another input."""
        other = self._random.choice(self._corpus)
        return data[: self._place(data)] + other[self._place(other) :]

    def _swap(self, data: bytes) -> bytes:
        """Let two pieces change places."""
        first, second = sorted((self._place(data), self._place(data)))
        return data[first:second] + data[:first] + data[second:]

    def _number(self, data: bytes) -> bytes:
        """Add or take one, or a power of two, in a register."""
        if len(data) < 2:
            return data
        place = self._random.randrange(len(data) - 1)
        step = self._random.choice((1, -1, 0x80, 0x8000))
        value = (int.from_bytes(data[place : place + 2], "big") + step) & 0xFFFF
        return data[:place] + value.to_bytes(2, "big") + data[place + 2 :]

    def _noise(self, data: bytes) -> bytes:
        """Put noise before, behind, or in the place of all."""
        noise = self._random.randbytes(self._random.choice((1, 3, 16, 64, 200)))
        return self._random.choice((noise, noise + data, data + noise))

    def _long(self, data: bytes) -> bytes:
        """Say it over and over again, or nothing but noise."""
        if self._random.randrange(4) == 0:
            return self._random.randbytes(self._random.choice((1_000, 4_000, 16_000)))
        return data * (1 + self._random.choice((1_000, 4_000, 16_000)) // (len(data) + 1))
