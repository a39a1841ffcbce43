"""The mutation runner itself: what it changes, how it judges, and that a live mutant is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import planted
from tests.mutants.nursery import KILLED, SURVIVED, Ended
from tests.mutants.operators import Source, enum_members
from tests.mutants.survivors import Argued, report

ROOT = Path(__file__).parents[2]
SNIPPET = """
class Colour(Enum):
    RED = 1
    BLUE = 2

ROWS = ((Colour.RED, 3), 4)

def is_in(low: int, value: int = 5) -> bool:
    \"\"\"Text 6.\"\"\"
    return low <= value and value is not None
"""


def changes() -> set[tuple[str, str]]:
    """Return what the runner makes of the snippet: before and after."""
    source = Source("safety/x.py", SNIPPET, enum_members([SNIPPET]))
    return {(mutant.before, mutant.after) for mutant in source.mutants()}


@pytest.mark.parametrize(
    "after",
    [
        "ROWS = ((Colour.BLUE, 3), 4)",
        "ROWS = ((Colour.RED, 2), 4)",
        "ROWS = ((Colour.RED, 3),)",
        "return low < value and value is not None",
        "return low > value and value is not None",
        "return low <= value or value is not None",
        "return low <= value and value is None",
        "return low <= value",
        "return True",
        "RED = 2",
        "low: int, value: int=6",
    ],
)
def test_mutants_change_functions_tables_enums_and_defaults(after: str) -> None:
    """Each kind of change is made, in functions and outside of them."""
    assert after in {new for _, new in changes()}


def test_mutants_leave_docstrings_alone() -> None:
    """A number in a text is no mutant."""
    assert [] == [after for _, after in changes() if "Text" in after]


def test_code_of_a_mutant_is_that_of_the_module_with_one_change() -> None:
    """What is shown is what runs, and the next mutant starts from the module as it was."""
    source = Source("safety/x.py", "A = 1\nB = 2\n", {})
    values = []
    for mutant in source.mutants():
        space: dict[str, int] = {}
        exec(source.code(mutant), space)  # noqa: S102 - our own two lines
        values.append((mutant.after, space["A"], space["B"]))

    assert [("A = 2", 2, 2), ("A = 0", 0, 2), ("B = 3", 1, 3), ("B = 1", 1, 1)] == values


@pytest.mark.parametrize(
    ("text", "verdict", "is_well"),
    [
        ("", KILLED, True),
        ("", SURVIVED, False),
        ("[[survivor]]\nWHERE\nwhy = 'too short'", SURVIVED, False),
        ("[[survivor]]\nWHERE\nwhy = 'killed after all, so it must go'", KILLED, False),
        ("[[survivor]]\nGONE\nwhy = 'there is no such mutant any more'", KILLED, False),
    ],
)
def test_run_is_well_only_with_every_survivor_argued(
    text: str, verdict: str, is_well: bool
) -> None:
    """A survivor without an argument fails, and so does an argument without its survivor."""
    mutants = Source("safety/x.py", "A = 1\n", {}).mutants()[:1]
    where = "file = 'safety/x.py'\nfunction = ''\nbefore = 'A = 1'\nafter = 'A = {}'"
    argued = Argued(text.replace("WHERE", where.format(2)).replace("GONE", where.format(7)))

    assert is_well == report(mutants, {0: Ended("0", verdict, "")}, argued, is_sample=False)[2]


@pytest.mark.parametrize("defect", planted.read(), ids=lambda defect: defect.name)
def test_planted_defect_can_still_be_planted(
    defect: planted.Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its piece of text stands in its file once, and changes what the file means."""
    monkeypatch.chdir(ROOT)

    assert defect.code()
    assert all((ROOT / path).is_file() for path in defect.tests)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runner forks")
def test_sample_of_mutants_is_killed() -> None:
    """A few mutants of two small modules are all killed, or argued."""
    modules = ["safety/units.py", "safety/selftest.py"]
    command = [sys.executable, "-m", "tests.mutants", "--sample", "8", *modules]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == result.returncode, result.stdout + result.stderr
    assert "8 mutants: 8 killed" in result.stdout
