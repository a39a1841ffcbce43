"""`python -m tests.fuzz`: give damaged input without end to every parser of outside bytes.

Exit code 0: nothing was found. 1: something was, with the seed and input that show it. 2: it was
called wrongly.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from dataclasses import asdict

from tests.fuzz.run import PARSERS, SLOWER_MAX, Outcome, run, shares, slowness


def main(arguments: list[str] | None = None) -> int:
    """Run all parsers, or those asked for, and print what came of it."""
    asked = _parser().parse_args(arguments)
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    chosen = [one for one in PARSERS if not asked.parser or one.name in asked.parser]
    sys.stderr.write(f"seed {seed}\n")
    outcomes = []
    for parser, inputs in zip(chosen, shares(asked.inputs, chosen).values(), strict=True):
        outcome = run(parser, inputs, seed, time.perf_counter)
        sys.stderr.write(_line(outcome))
        outcomes.append(outcome)
    finds = [f"{outcome.name}: {outcome.find}" for outcome in outcomes if outcome.find]
    slow = {} if asked.no_times else {one.name: slowness(one, time.process_time) for one in chosen}
    for name, (ratio, piece) in slow.items():
        if ratio > SLOWER_MAX:
            finds.append(f"{name}: {ratio:.1f} times as long for 4 times {piece!r}, over and over")
    seconds = sum(outcome.seconds for outcome in outcomes)
    inputs = sum(outcome.inputs for outcome in outcomes)
    told = {
        "seed": seed,
        "inputs": inputs,
        "inputs_per_s": round(inputs / max(seconds, 1e-9)),
        "fed_mib": round(sum(outcome.fed_bytes for outcome in outcomes) / 2**20, 1),
        "kept_bytes_max": max(outcome.kept_bytes_max for outcome in outcomes),
        "times_as_long_for_4_times_as_much": round(
            max((r for r, _ in slow.values()), default=0), 1
        ),
        "finds": finds,
    }
    if asked.json:
        parsers = [asdict(outcome) for outcome in outcomes]
        sys.stdout.write(json.dumps(told | {"parsers": parsers}, sort_keys=True) + "\n")
    else:
        sys.stdout.write("".join(f"{name}: {value}\n" for name, value in told.items()))
    return 1 if finds else 0


def _line(outcome: Outcome) -> str:
    rate = outcome.inputs / max(outcome.seconds, 1e-9)
    verdict = f"FOUND {outcome.find}" if outcome.find else ""
    figures = f"{outcome.inputs:>8} inputs {rate:>8.0f}/s, kept {outcome.kept_bytes_max:>4} bytes"
    return f"{outcome.name:<26}{figures}  {verdict}".rstrip() + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="so many in all, at least")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    names = sorted(one.name for one in PARSERS)
    parser.add_argument("--parser", action="append", choices=names, help="only this; repeatable")
    parser.add_argument("--no-times", action="store_true", help="compare no times")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
