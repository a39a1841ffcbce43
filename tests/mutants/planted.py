"""`make planted`: defects of meaning, each put into a copy in memory; named tests must catch it.

Source: [SAF] 6.5, those that concern safety. They stand in planted.toml.
"""

from __future__ import annotations

import ast
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.nursery import Importer, Job, Nursery, in_a_copy, run_pytest
from tests.mutants.survivors import is_dead

if TYPE_CHECKING:
    from types import CodeType


@dataclass(frozen=True)
class Planted:
    """One defect.

    Args:
        name: What it is, in the words of [SAF] 6.5.
        file: Where it is planted.
        before: A piece of that file's text; it stands there exactly once.
        after: What takes its place.
        tests: Paths of the tests that must catch it.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """Name under which the file is imported."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def text(self) -> str:
        """Return the text of the file with the defect in it.

        Raises:
            ValueError: If it can no longer be planted, because the file has changed.
        """
        text = Path(self.file).read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: stands {text.count(self.before)} times in {self.file}")
        new = text.replace(self.before, self.after)
        if ast.dump(ast.parse(new)) == ast.dump(ast.parse(text)):
            raise ValueError(f"{self.name}: changes nothing in {self.file}")
        return new

    def code(self) -> CodeType:
        """Return the code of the module with the defect in it."""
        return compile(self.text(), self.file, "exec")


def read() -> list[Planted]:
    """Read planted.toml."""
    text = Path(__file__).with_name("planted.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["planted"]
    return [Planted(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


class Field(Nursery):
    """Runs the named tests, first without any defect and then with each of them."""

    def __init__(self, folder: Path, planted: list[Planted]) -> None:
        super().__init__(folder, print)
        self.planted = planted
        self.caught, self.void = dict[str, str](), dict[str, str]()

    def batches(self) -> Iterator[Iterable[Job]]:
        """Yield each test without a defect, then one job for each defect that can be judged."""
        tests = sorted({path for planted in self.planted for path in planted.tests})
        yield [Job(f"unchanged-{n}", lambda: None, (path,)) for n, path in enumerate(tests)]
        failing = {tests[int(e.name.split("-")[1])]: e for e in self.pool.ended if is_dead(e)}
        self.pool.ended.clear()
        self.void = {
            planted.name: f"{path} fails without it"
            for planted in self.planted
            for path in planted.tests
            if path in failing
        }
        yield [
            Job(str(number), Importer(p.module, p.file, p.code()).install, p.tests)
            for number, p in enumerate(self.planted)
            if p.name not in self.void
        ]
        self.caught = {
            self.planted[int(ended.name)].name: ended.killer or ended.verdict
            for ended in self.pool.ended
            if is_dead(ended)
        }


def main(arguments: list[str]) -> int:
    """Plant every defect in a copy of the checkout; exit code 1 if one is not caught."""
    if "--here" not in arguments:
        return in_a_copy("tests.mutants.planted", arguments)
    planted = read()
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder), planted)
        run_pytest(field, ["tests"])
    for defect in planted:
        by = field.caught.get(defect.name) or field.void.get(defect.name, "")
        word = "caught" if defect.name in field.caught else "VOID" if by else "MISSED"
        sys.stdout.write(f"   {word:<8}{defect.name:<44}{by}\n")
    sys.stdout.write(f"   {len(field.caught)} of {len(planted)} planted defects caught\n")
    return 0 if len(field.caught) == len(planted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
