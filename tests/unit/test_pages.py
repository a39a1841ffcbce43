"""The pages that have a form: decision records and changelog; each check catches a slip."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RECORDS = sorted(p for p in (ROOT / "docs/adr").glob("*.md") if p.name != "COPYME.md")
ADR_LINES = (20, 100)
"""Fewest and most lines of a decision record. Source: docs/adr/0001."""
ADR_HEADINGS = ["Context", "Decision", "Consequences", "Rejected"]
CHANGE_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def adr_form(text: str) -> Iterator[str]:
    """A decision record has its title, date, state and four headings, on one or two pages."""
    lines = text.splitlines()
    headings = [line[3:] for line in lines if line.startswith("## ")]
    if headings != ADR_HEADINGS:
        yield f"headings {headings}, wanted {ADR_HEADINGS}"
    if not re.match(
        r"# \d{4} \S.*\n\n\d{4}-\d\d-\d\d, (proposed|accepted|superseded by \d{4})\n", text
    ):
        yield "begins with: # NNNN Title, an empty line, YYYY-MM-DD, accepted"
    if not ADR_LINES[0] <= len(lines) <= ADR_LINES[1]:
        yield f"{len(lines)} lines, wanted {ADR_LINES[0]} to {ADR_LINES[1]}"


def changelog_form(text: str) -> Iterator[str]:
    """The changelog is one of Keep a Changelog: Unreleased first, known kinds, newest on top."""
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    if not text.startswith("# Changelog\n") or headings[:1] != ["[Unreleased]"]:
        yield "begins with: # Changelog, and its first heading is ## [Unreleased]"
    for heading in headings[1:]:
        if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading):
            yield f"## {heading}: wanted [1.2.3] - YYYY-MM-DD"
    dates = [heading[-10:] for heading in headings[1:]]
    if any(newer < older for newer, older in pairwise(dates)):
        yield "the newest release comes first"
    for kind in set(re.findall(r"^### (.*)$", text, re.MULTILINE)) - CHANGE_KINDS:
        yield f"### {kind}: wanted one of {sorted(CHANGE_KINDS)}"


def misnumbered(names: list[str]) -> list[str]:
    """Return the names of decision records that are not the next number and words with hyphens."""
    numbered = enumerate(sorted(names), 1)
    return [n for i, n in numbered if not re.fullmatch(rf"{i:04}-[a-z0-9]+(-[a-z0-9]+)*\.md", n)]


ADR = "# 0001 Title\n\n2026-01-31, accepted\n\n" + "".join(
    f"## {heading}\n\na\n\nb\n\n" for heading in ADR_HEADINGS
)
CHANGES = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- a\n\n## [0.1.0] - 2026-01-31\n"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_decision_record_has_its_form(path: Path) -> None:
    """Every decision record has title, date, state and the four headings, on one or two pages."""
    assert [] == list(adr_form(path.read_text(encoding="utf-8")))


def test_changelog_has_its_form() -> None:
    """The changelog follows Keep a Changelog."""
    assert [] == list(changelog_form((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "slip",
    [
        ADR.replace("## Rejected", "## Other"),
        ADR.replace("accepted", "agreed"),
        ADR.replace("# 0001 ", "# "),
        ADR + "\n" * 80,
        ADR.replace("a\n\nb\n\n", ""),
    ],
)
def test_slip_in_a_decision_record_is_found(slip: str) -> None:
    """Each way to leave the form of a decision record is seen, and the form itself is none."""
    assert list(adr_form(slip))
    assert [] == list(adr_form(ADR))


@pytest.mark.parametrize(
    "slip",
    [
        CHANGES.replace("[Unreleased]", "Next"),
        CHANGES.replace("# Changelog\n", ""),
        CHANGES.replace("0.1.0] - ", "0.1.0] "),
        CHANGES.replace("Added", "New"),
        CHANGES + "## [0.2.0] - 2026-02-28\n",
    ],
)
def test_slip_in_a_changelog_is_found(slip: str) -> None:
    """Each way to leave the form of a changelog is seen, and the form itself is none."""
    assert list(changelog_form(slip))
    assert [] == list(changelog_form(CHANGES))


def test_decision_records_are_numbered_without_a_gap() -> None:
    """Decision records are named 0001-some-words.md, one after the other."""
    assert [] == misnumbered([path.name for path in RECORDS])
    assert len(RECORDS) > 1
    assert ["0002-b.md", "0003-c.md"] == misnumbered(["0002-b.md", "0003-c.md"])
    assert ["0001-B.md"] == misnumbered(["0001-B.md"])


def unresolved(text: str, sources: str) -> list[str]:
    """Return the citations of a text that the page of sources does not explain."""
    chapters = dict(
        re.findall(r"^## \[?(\w+)\]?(.*?)(?=^## |\Z)", sources, re.MULTILINE | re.DOTALL)
    )
    sections = re.findall(r"\[(DOM|SAF)\]? (\d(?:\.\d)?)", text)
    sections += [("DESIGN", number) for number in re.findall(r"\bDESIGN (\d)", text)]
    found = [f"{t} {n}" for t, n in sections if not re.search(rf"(?<![\d.]){n}\b", chapters[t])]
    ids = re.findall(r"\b(?:[DHRW]|AC|BY|FR|FW|HP|PO|SE|ST|TI|UX)\d\d\b", text)
    return found + [name for name in ids if not re.search(rf"\b{name}\b", chapters["SAF"])]


def test_every_citation_of_a_source_is_explained() -> None:
    """What the packages and requirements cite of DESIGN, [SAF] and [DOM] is in docs/sources.md."""
    sources = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    folders = ("controller", "drivers", "hil", "requirements", "safety", "simulator")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    texts = {path: path.read_text("utf-8") for path in paths if path.suffix in {".py", ".toml"}}

    found = {str(p): unresolved(text, sources) for p, text in texts.items()}

    assert {} == {name: citations for name, citations in found.items() if citations}


@pytest.mark.parametrize("slip", ["[DOM] 9.9", "[SAF 4.4]", "DESIGN 8", "[SAF] 3.1 H99", "FW42"])
def test_citation_is_found_where_the_page_does_not_explain_it(slip: str) -> None:
    """A section and an id that nobody explains are seen; those on the page are not."""
    page = "# S\n## DESIGN\n1. x\n## [SAF] f\n**3 I** 3.1 | H07 | FW06\n## [DOM] d\n**4.4 K**\n"

    assert unresolved(slip, page)
    assert [] == unresolved("DESIGN 1; [DOM 4.4], [DOM] 4.4, [SAF] 3.1 H07, FW06", page)
