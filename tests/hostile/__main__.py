"""Every stimulus before penpilot's link and before pymodbus's client, beside each other.

    python -m tests.hostile [--seed 1] [--out docs/hostile-wire.md] [--check]

Writes docs/hostile-wire.md. Takes about two minutes of real time, almost all of it pymodbus's
time-outs. Exit code 1 if penpilot believed, executed or waited wrongly even once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pymodbus

from tests.hostile import ours, theirs
from tests.hostile.stimuli import STIMULI

HEAD = """# A hostile wire

Written by `python -m tests.hostile`; do not edit. What a line or a device may do to frames, and
what becomes of it: with penpilot's link (a session of {script} operations with a simulated pen, in
virtual time) and with the bare client of pymodbus {version} (four reads and two writes over a pty,
without and with its default of three retries).

- **right**: reported as done, and it was.
- **wrong**: believed, and not true: registers of another question, another device or another time;
  a write reported as done whose echo says something else. Nothing above it can tell.
- **none**: no answer was believed; the caller knows that it does not know.
- **twice**: orders or writes that the device executed more than once.

A link cannot make a bad line good: where no true answer arrives, *none* is the best there is. What
counts is that **wrong** and **twice** are 0. penpilot repeats nothing by itself but STOP, and what
must not follow an unknown outcome it does not say: *right* and *none* are then fewer than {script}.

| fault | what happens | penpilot: right / none / wrong / twice | pymodbus, no retries | 3 retries |
|---|---|---|---|---|
"""


def row(number: int, seed: int) -> tuple[str, bool]:
    """Return the row of one stimulus, and whether penpilot was without fault."""
    stimulus = STIMULI[number]
    mine = ours.session(stimulus, seed)
    bare = [theirs.session(stimulus, seed, retries) for retries in (0, 3)]
    wrong, twice = len(mine.wrong), len(mine.twice) + len(mine.stale)
    cells = [f"{mine.right} / {mine.none} / {wrong} / {twice}"]
    cells += [f"{t.right} / {t.none} / {_bold(t.wrong)} / {_bold(t.twice)}" for t in bare]
    text = f"| {stimulus.ids} | {stimulus.text} | {' | '.join(cells)} |\n"
    return text, not (wrong or twice or mine.late)


def _bold(count: int) -> str:
    return f"**{count}**" if count else "0"


def main() -> int:
    """Run all, write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/hostile-wire.md"))
    options = parser.parse_args()
    page = HEAD.format(script=len(ours.SCRIPT), version=pymodbus.__version__)
    is_well = True
    for number in range(len(STIMULI)):
        text, is_fine = row(number, options.seed)
        sys.stdout.write(text)
        sys.stdout.flush()
        page += text
        is_well &= is_fine
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
