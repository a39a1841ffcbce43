"""`make mutants`: how many mutants of safety its tests kill, and which they leave alive.

    FILE       only mutants of these, such as safety/limits.py or safety/monitors
    --sample   only so many mutants, drawn over all modules with a fixed seed
    --recheck  try the argued survivors too; else they count as survivors untried. Mutants that
               matter during the import are then tried on all tests, not on the nearest alone

    --left     only mutants that no earlier run here killed (build/killers.json); the others count
               as killed. For those who write tests: the score is that of a whole run

Exit code 1 if fewer than 95 % are killed, if a survivor is not argued in survivors.toml, or if what
is argued there is no mutant any more or is killed. Survivors are written to build/survivors.toml.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.nursery import KILLED, ROOT, Ended, in_a_copy, run_pytest
from tests.mutants.operators import Mutant, Source, enum_members
from tests.mutants.runs import Run
from tests.mutants.survivors import Key, as_toml, read_argued, report

SEED = 3
"""Draws the sample. It is fixed, so that the same sources are always judged alike."""


def read(chosen: list[str]) -> tuple[list[Mutant], dict[str, Source]]:
    """Return the mutants of the chosen modules, of all modules if none is chosen."""
    texts = {p.as_posix(): p.read_text(encoding="utf-8") for p in Path("safety").rglob("*.py")}
    enums = enum_members(list(texts.values()))
    names = [n for n in texts if not chosen or any(n == c or n.startswith(c + "/") for c in chosen)]
    sources = {name: Source(name, texts[name], enums) for name in sorted(names)}
    return [mutant for source in sources.values() for mutant in source.mutants()], sources


def read_killers(out: Path) -> dict[Key, str]:
    """Return which test killed which mutant in earlier runs; it only says what to try first."""
    try:
        rows = json.loads(out.with_name("killers.json").read_text(encoding="utf-8"))
        return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}
    except (OSError, ValueError, IndexError):
        return {}


def write_killers(out: Path, known: dict[Key, str]) -> None:
    """Keep them for the next run, beside the list of survivors."""
    out.parent.mkdir(exist_ok=True)
    rows = [[*key, killer] for key, killer in sorted(known.items())]
    out.with_name("killers.json").write_text(json.dumps(rows), encoding="utf-8")


def draw(mutants: list[Mutant], numbers: list[int], count: int) -> list[int]:
    """Draw mutants so that every module gets its share, and none is left out before all had one."""
    chance = random.Random(SEED)
    shuffled = sorted(numbers, key=lambda _: chance.random())
    turns, seen = dict[int, int](), dict[str, int]()
    for number in shuffled:
        seen[mutants[number].file] = seen.get(mutants[number].file, 0) + 1
        turns[number] = seen[mutants[number].file]
    return sorted(sorted(shuffled, key=turns.__getitem__)[:count])


def main(arguments: list[str]) -> int:
    """Try mutants in a copy of the checkout, and judge."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--sample", type=int, default=0, metavar="N")
    parser.add_argument("--recheck", action="store_true")
    parser.add_argument("--left", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", default=str(ROOT / "build/survivors.toml"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.here:
        return in_a_copy("tests.mutants", [*arguments, "--out", options.out])

    mutants, sources = read([file.rstrip("/") for file in options.files])
    argued, begin = read_argued(), time.monotonic()
    numbers = [n for n, m in enumerate(mutants) if options.recheck or m.key not in argued.whys]
    known = read_killers(Path(options.out))
    if options.left:
        numbers = [n for n in numbers if mutants[n].key not in known]
    if options.sample:
        numbers = draw(mutants, numbers, options.sample)
    if not mutants:
        parser.error(f"no such module: {' '.join(options.files)}")
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            Path(folder),
            mutants,
            sources,
            numbers,
            is_sample=bool(options.sample),
            is_thorough=options.recheck,
            killers=known,
        )
        run_pytest(run, ["tests"])
    if options.left:
        earlier = {
            n: Ended(str(n), KILLED, known[m.key]) for n, m in enumerate(mutants) if m.key in known
        }
        run.results = earlier | run.results
    known |= {mutants[n].key: e.killer for n, e in run.results.items() if e.killer}
    write_killers(Path(options.out), known)
    if run.problem:
        sys.stdout.write(f"   {run.problem}\n")
        return 1
    text, bare, is_well = report(mutants, run.results, argued, is_sample=bool(options.sample))
    sys.stdout.write(f"{text}\n   {time.monotonic() - begin:.0f} s\n")
    if not options.sample:
        Path(options.out).parent.mkdir(exist_ok=True)
        Path(options.out).write_text(as_toml(bare), encoding="utf-8")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
