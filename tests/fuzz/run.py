"""Feeds parsers and watches them: no exception, nothing kept beyond bounds, no growing memory.

Time is read through an argument: a short run asks for none.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz.files import FILES
from tests.fuzz.mutate import Mutator
from tests.fuzz.parser import Feed, Parser
from tests.fuzz.wire import WIRE

PARSERS = (*WIRE, *FILES)

BLOCKS_MAX = 4_000
"""So many more objects may be alive at the end than after a tenth. ASSUMED: caches still fill."""

SIZES = (4_096, 16_384)
"""Lengths of the streams whose times are compared, in bytes."""

SLOWER_MAX = 10.0
"""Four times the bytes may take so many times as long; 4 is linear, 16 is the square. ASSUMED: a
busy machine errs by less."""

LEAST_S = 0.002
"""Shorter times are not compared. ASSUMED."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one parser.

    Args:
        name: Of the parser.
        inputs: How many it was given.
        fed_bytes: How much that was.
        kept_bytes_max: Most that it kept at any time.
        more_blocks: Objects alive at the end beyond those after a tenth.
        seconds: How long it took.
        find: What went wrong, and at which input; empty if nothing did.
    """

    name: str
    inputs: int
    fed_bytes: int
    kept_bytes_max: int
    more_blocks: int
    seconds: float
    find: str = ""


def shares(inputs: int, parsers: Iterable[Parser] = PARSERS) -> dict[str, int]:
    """Return how many inputs each parser gets; at least as many as asked for in all."""
    known = list(parsers)
    whole = sum(parser.share for parser in known)
    return {parser.name: -(-inputs * parser.share // whole) for parser in known}


def run(parser: Parser, inputs: int, seed: int, clock: Callable[[], float]) -> Outcome:
    """Feed a parser so many inputs, or until something is found."""
    mutator = Mutator(parser.corpus, Random(f"{seed} {parser.name}"), parser.seal)
    kept_max = fed = 0
    settled = _objects()
    with tempfile.TemporaryDirectory() as folder:
        feed = parser.make(Path(folder))
        begun, begin_s = 0, clock()
        for number in range(inputs):
            if number == inputs // 10:
                settled = _objects()
            data = mutator()
            find, kept = _fed(feed, data)
            fed, begun, kept_max = fed + len(data), number + 1, max(kept_max, kept)
            if kept > parser.kept_bytes_max:
                find = f"{kept} bytes kept, at most {parser.kept_bytes_max}"
            if find:
                find += f"; seed {seed}, input {number}: {data[:300].hex()}"
                break
        seconds = clock() - begin_s
        grown = _objects() - settled
    if not find and grown > BLOCKS_MAX and inputs >= 10 * BLOCKS_MAX:
        find = f"{grown} objects more than after a tenth of the inputs; seed {seed}"
    return Outcome(parser.name, begun, fed, kept_max, grown, seconds, find)


def _fed(feed: Feed, data: bytes) -> tuple[str, int]:
    try:
        return "", feed(data)
    except Exception as error:  # noqa: BLE001 whatever comes out of a total parser is a find
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})", 0


def _objects() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def slowness(parser: Parser, clock: Callable[[], float]) -> tuple[float, bytes]:
    """Return how many times as long four times the bytes take at worst, and of which stream.

    Streams repeat a right input, its beginning, or one byte of it, which is where a parser that
    begins anew at every byte grows slow.
    """
    pieces = {piece for one in parser.corpus[:6] for piece in (one, one[:3], one[:-1], one[:1])}
    worst = (0.0, b"")
    for piece in sorted(pieces - {b""}):
        short_s, long_s = (
            min(_time_of(parser, piece * (size // len(piece) + 1), clock) for _ in range(5))
            for size in SIZES
        )
        if long_s > LEAST_S:
            worst = max(worst, (long_s / max(short_s, 1e-6), piece[:60]))
    return worst


def _time_of(parser: Parser, data: bytes, clock: Callable[[], float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        feed = parser.make(Path(folder))
        begin_s = clock()
        feed(data)
        return clock() - begin_s
