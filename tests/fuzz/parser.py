"""What the harness needs to know of a parser of outside bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Feed = Callable[[bytes], int]
"""Takes one input, and returns how many bytes the parser keeps of it for the next one.

The errors that the parser documents are caught here; whatever else comes out is a find."""

KEPT_BYTES_MAX = 1_024
"""No parser of a stream keeps more. Source: [SAF] 3.3 W03."""


@dataclass(frozen=True, slots=True)
class Parser:
    """One parser.

    Args:
        name: Its module and name.
        corpus: What it is made for; inputs are made out of these.
        make: Makes a fresh one, given a folder of its own.
        seal: Makes checksums right again, so that damage reaches what lies behind them.
        share: How many inputs of a thousand it gets, in proportion to the others.
        kept_bytes_max: How much it may keep.
    """

    name: str
    corpus: tuple[bytes, ...]
    make: Callable[[Path], Feed]
    seal: Callable[[bytes], bytes] | None = None
    share: int = 100
    kept_bytes_max: int = KEPT_BYTES_MAX


class Forged(AssertionError):
    """Something was believed that nobody has said."""
