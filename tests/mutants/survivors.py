"""Survivors: those that are argued in survivors.toml, and the score that they leave."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

from tests.mutants.nursery import KILLED, TIMED_OUT, Ended
from tests.mutants.operators import Mutant

SCORE = 95.0
"""Least share of mutants killed, in percent; argued survivors are survivors. Source: [SAF] 7.1."""

WHY_LENGTH = 20
"""Fewest characters of an argument. ASSUMED: no sentence that says something is shorter."""

Key = tuple[str, str, str, str]


class Argued:
    """What stands in survivors.toml: why a mutant that no test kills may live."""

    def __init__(self, text: str) -> None:
        """Read the entries."""
        entries = tomllib.loads(text).get("survivor", [])
        self.whys: dict[Key, str] = {
            (e["file"], e["function"], e["before"], e["after"]): e["why"] for e in entries
        }
        self._twice = len(entries) - len(self.whys)

    def problems(self, mutants: list[Mutant], results: dict[int, Ended]) -> list[str]:
        """Return what is wrong with the entries for the files of these mutants."""
        files = {mutant.file for mutant in mutants}
        known = {mutant.key for mutant in mutants}
        lives = {mutants[number].key for number, ended in results.items() if not is_dead(ended)}
        dead = {mutants[number].key for number, ended in results.items() if is_dead(ended)}
        found = ["an entry stands twice"] * self._twice
        for key, why in self.whys.items():
            if len(why.strip()) < WHY_LENGTH:
                found.append(f"no argument: {key}")
            if key[0] in files and key not in known:
                found.append(f"no mutant any more: {key}")
            if key in dead - lives:
                found.append(f"killed after all: {key}")
        return found


def is_dead(ended: Ended) -> bool:
    """Say whether a test failed, or the mutant came to no end."""
    return ended.verdict in {KILLED, TIMED_OUT}


def report(
    mutants: list[Mutant], results: dict[int, Ended], argued: Argued, *, is_sample: bool
) -> tuple[str, list[Mutant], bool]:
    """Return what to say, the survivors that nobody argued, and whether all is well."""
    untried = [n for n, m in enumerate(mutants) if n not in results and m.key in argued.whys]
    left = sorted(number for number, ended in results.items() if not is_dead(ended))
    bare = [number for number in left if mutants[number].key not in argued.whys]
    count = len(results) + (0 if is_sample else len(untried))
    score = 100 * (len(results) - len(left)) / count if count else 100.0
    lines = [f"   survived ({results[n].verdict}): {mutants[n]}" for n in bare]
    problems = argued.problems(mutants, results)
    lines += [f"   survivors.toml: {problem}" for problem in problems]
    for file in sorted({m.file for m in mutants}) if not is_sample else ():
        of_file = [n for n, m in enumerate(mutants) if m.file == file]
        killed = sum(n in results and is_dead(results[n]) for n in of_file)
        lines.append(f"   {file:<32}{killed:>5} of {len(of_file):>5} killed")
    verdicts = Counter(ended.verdict for ended in results.values())
    parts = ", ".join(f"{times} {verdict}" for verdict, times in sorted(verdicts.items()))
    parts += f", {len(untried)} argued and not tried" if untried and not is_sample else ""
    lines.append(f"   {count} mutants: {parts}")
    lines.append(f"   score {score:.1f} %, wanted {SCORE:.0f} %; {len(bare)} survivors not argued")
    is_well = not bare and not problems and (is_sample or score >= SCORE)
    return "\n".join(lines), [mutants[number] for number in bare], is_well


def as_toml(survivors: list[Mutant]) -> str:
    """Write survivors as survivors.toml wants them, all but the argument."""
    quoted = "[[survivor]]\nfile = '{}'\nfunction = '{}'\n"
    quoted += "before = '''{}'''\nafter = '''{}'''\nwhy = ''\n"
    return "\n".join(quoted.format(*mutant.key) for mutant in survivors)


def read_argued() -> Argued:
    """Read the file beside this module."""
    return Argued(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))
