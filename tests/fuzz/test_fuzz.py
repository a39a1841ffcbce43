"""A short run over every parser of outside bytes; and what the harness looks for, it finds.

`make evidence` gives a million inputs. The seed is new each time, and stands in every find.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import drivers.cobs
import drivers.plain.frames
import drivers.rtu
import simulator.frames
import simulator.native
from tests.fuzz.__main__ import main
from tests.fuzz.mutate import LENGTH_MAX, Mutator
from tests.fuzz.parser import KEPT_BYTES_MAX, Feed, Parser
from tests.fuzz.run import BLOCKS_MAX, PARSERS, SLOWER_MAX, run, shares, slowness

INPUTS = shares(3_000)
NAMES = {parser.name: parser for parser in PARSERS}
RIGHT = (b"right", b"also right, and longer")

EXAMINED: dict[str, tuple[Any, str]] = {
    "drivers.rtu identity": (drivers.rtu, "is_sealed"),
    "drivers.rtu status": (drivers.rtu, "is_sealed"),
    "drivers.link rtu": (drivers.rtu, "is_sealed"),
    "drivers.plain answers": (drivers.plain.frames, "is_sealed"),
    "drivers.native status": (drivers.cobs, "decode"),
    "drivers.link native": (drivers.cobs, "decode"),
    "simulator.frames": (simulator.frames, "crc16"),
    "simulator.native": (simulator.native, "unstuff"),
}
"""Where each parser of a stream looks at bytes more than once."""


@pytest.mark.req("SR-016", "HZ-71", "W03")
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_parser_is_total_and_bounded(parser: Parser) -> None:
    """Damaged input gives values, defects or the documented error, and little is kept of it."""
    outcome = run(parser, INPUTS[parser.name], random.SystemRandom().getrandbits(32), lambda: 0.0)

    assert "" == outcome.find
    assert INPUTS[parser.name] == outcome.inputs


def parser_of(feed: Feed) -> Parser:
    """Return a parser that a test has made up."""
    return Parser("made up", RIGHT, lambda _folder: feed)


def test_exception_is_found_and_can_be_brought_back() -> None:
    """The find names error, seed and input; the same seed finds the same."""

    def fails_at_a_zero(data: bytes) -> int:
        return 1 // (0 if b"\0" in data else 1) * 0

    outcome = run(parser_of(fails_at_a_zero), 10_000, 5, lambda: 0.0)

    assert outcome.inputs < 10_000
    assert outcome.find.startswith("ZeroDivisionError: ")
    assert f"seed 5, input {outcome.inputs - 1}: " in outcome.find
    assert outcome.find == run(parser_of(fails_at_a_zero), 10_000, 5, lambda: 0.0).find


def test_kept_bytes_beyond_the_bound_are_found() -> None:
    """A buffer that only grows is found as soon as it holds more than 1 KiB."""
    kept = bytearray()

    def keeps_all(data: bytes) -> int:
        kept.extend(data)
        return len(kept)

    outcome = run(parser_of(keeps_all), 10_000, 5, lambda: 0.0)

    assert "bytes kept, at most 1024" in outcome.find


def test_growing_memory_is_found() -> None:
    """Objects that stay alive, one for each input, are found though nobody owns up to them."""
    alive: list[bytes] = []

    def leaks(data: bytes) -> int:
        alive.append(data + b"!")
        return 0

    outcome = run(parser_of(leaks), 10 * BLOCKS_MAX, 5, lambda: 0.0)

    assert "objects more than after a tenth" in outcome.find


def test_forged_status_is_found() -> None:
    """A link whose CRC-32 were no obstacle would be found out by the first damaged status."""
    rtu, sealed = NAMES["drivers.link rtu"], NAMES["drivers.link any status"]
    gullible = Parser("gullible", sealed.corpus, rtu.make, sealed.seal)

    assert run(gullible, 20_000, 5, lambda: 0.0).find.startswith("Forged: Status(")


def test_superlinear_time_is_found() -> None:
    """A parser that looks at every byte from every byte takes too long, one that does not none."""

    def square(data: bytes) -> int:
        return sum(1 for start in range(0, len(data), 8) if data.find(b"\xff\xff", start) > 0) * 0

    def linear(data: bytes) -> int:
        return sum(byte == 0xFF for byte in data) * 0

    assert slowness(parser_of(square), time.process_time)[0] > SLOWER_MAX
    assert slowness(parser_of(linear), time.process_time)[0] < SLOWER_MAX


def test_inputs_are_the_same_for_one_seed_and_of_every_kind() -> None:
    """Same seed, same inputs; among them are right ones, damaged ones, empty ones and long ones."""
    makers = [Mutator(RIGHT, Random(3)) for _ in range(2)]
    first, second = ([make() for _ in range(3_000)] for make in makers)

    assert first == second
    assert {b"", *RIGHT} <= set(first)
    assert len(set(first)) > 1_500
    assert 4_000 < max(map(len, first)) <= LENGTH_MAX


@pytest.mark.req("SR-016", "W03")
@pytest.mark.parametrize("name", sorted(EXAMINED))
def test_work_grows_with_the_input_and_no_faster(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the bytes are twice the bytes looked at, whole or one by one, and 1 KiB is kept."""
    parser = NAMES[name]
    place, function = EXAMINED[name]
    real = getattr(place, function)
    examined = 0

    def counted(data: bytes, *rest: int) -> Any:
        nonlocal examined
        examined += len(data)
        return real(data, *rest)

    monkeypatch.setattr(place, function, counted)

    def work(stream: bytes, step: int) -> int:
        nonlocal examined
        examined, feed = 0, parser.make(tmp_path)
        for start in range(0, len(stream), step):
            assert feed(stream[start : start + step]) <= KEPT_BYTES_MAX
        return examined

    pieces = {piece for one in parser.corpus for piece in (one, one[:-1], one[:3])}
    some = False
    for piece in sorted(pieces):
        streams = [(piece * size)[:size] for size in (600, 1_200)]
        for step in (4_096, 1):
            once, twice = (work(stream, step) for stream in streams)
            some |= once > 0

            assert twice <= 2.2 * once + 2_048, (piece, step)
            assert twice <= 300 * len(streams[1]), (piece, step)
    assert some


@pytest.mark.parametrize("arguments", [[], ["--no-times"]])
def test_program_says_what_it_did_and_found(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed, counts and rates are in its document, and a find makes its exit code 1."""
    only = ["--inputs", "200", "--seed", "9", "--json", "--parser", "cobs", *arguments]

    assert 0 == main(only)
    told = json.loads(capsys.readouterr().out)
    assert (9, 200, []) == (told["seed"], told["inputs"], told["finds"])
    assert ["cobs"] == [one["name"] for one in told["parsers"]]

    def broken(_folder: Path) -> Callable[[bytes], int]:
        return lambda data: len(data) * 1_000

    monkeypatch.setattr("tests.fuzz.__main__.PARSERS", [Parser("cobs", RIGHT, broken)])
    assert 1 == main(only)
    assert "bytes kept" in json.loads(capsys.readouterr().out)["finds"][0]
