"""Checks requirements/*.toml against the tests and writes the matrix as a page; it runs no test.

``python requirements/make_trace.py [--out build/trace.html] [--results JUNIT.xml]``. The rules
stand in requirements/README.md.
"""
# ruff: noqa: INP001  a script and its parts, not a package

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trace_page import Page
from trace_rows import faults_of, malformed, rows_of
from trace_tests import outcomes_in, tests_under, unproven, unshown

ROOT = Path(__file__).resolve().parents[1]


def page_of(root: Path, results: Path | None = None) -> Page:
    """Return the page of a repository, with all that is wrong with it.

    Args:
        root: The repository: its ``requirements`` and ``tests`` are read.
        results: JUnit file of a run of pytest, or None.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is no TOML, or rows are of a wrong shape.
        SyntaxError: A test is no Python, or the results are no XML.
    """
    rows, tests = rows_of(root / "requirements"), tests_under(root)
    if wrong := malformed(rows):
        raise ValueError("\n".join(wrong))
    found = [*faults_of(rows, root), *unshown(rows, tests)]
    if results is None:
        return Page(rows, tests, {}, found)
    outcomes = outcomes_in(results.read_text(encoding="utf-8"), tests)
    found += unproven(rows, tests, outcomes)
    return Page(rows, tests, outcomes, found, f"Results: {results.name}.")


def main(arguments: list[str]) -> int:
    """Write the page, print one line, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make_trace.py", description="Write the trace matrix.")
    parser.add_argument("--out", type=Path, default=ROOT / "build/trace.html")
    parser.add_argument("--results", type=Path, help="JUnit file of a run of pytest")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        page = page_of(options.root, options.results)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page.html(), encoding="utf-8", newline="\n")
    except (OSError, ValueError, SyntaxError) as error:
        sys.stderr.write(f"make_trace.py: {error}\n")
        return 2
    counts = ", ".join(f"{n} {name}" for name, n in page.counts().items())
    sys.stdout.write(f"trace: {counts}: {options.out}\n")
    sys.stderr.writelines(f"{finding}\n" for finding in page.findings)
    return 1 if page.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
