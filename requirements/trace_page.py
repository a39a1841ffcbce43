"""The matrix as one self-contained HTML page; it judges nothing and loads nothing."""
# ruff: noqa: INP001  a script and its parts, not a package

from __future__ import annotations

from html import escape
from pathlib import Path

from trace_rows import ACTIONS, STPA, Row, Rows
from trace_tests import Test, proofs

TEMPLATE = Path(__file__).with_name("trace_page.html")
KINDS = {"hazard": "Hazards", "requirement": "Requirements", "invariant": "Invariants"}
OPEN_TESTS_MAX = 4
"""So many tests of a row are shown without being asked for."""


class Page:
    """The page of one state of the repository.

    Args:
        rows: All rows by kind.
        tests: All tests of the repository.
        outcomes: What became of each test, or empty where no run is looked at.
        findings: What is wrong, in words.
        run: Which run the outcomes are of, in words.
    """

    def __init__(
        self,
        rows: Rows,
        tests: list[Test],
        outcomes: dict[Test, str],
        findings: list[str],
        run: str = "",
    ) -> None:
        self.rows, self.tests, self.outcomes = rows, tests, outcomes
        self.findings, self.run = findings, run
        self.shown = proofs(tests)

    def state(self, row: Row) -> str:
        """Return ``waiting``, ``untested``, ``failed``, ``passed``, ``not run`` or ``tested``."""
        if "waits_for" in row:
            return "waiting"
        tests = self.shown.get(row["id"], [])
        if not tests or not self.outcomes:
            return "tested" if tests else "untested"
        outcomes = {self.outcomes[test] for test in tests}
        if outcomes & {"failed", "skipped"}:
            return "failed"
        return "passed" if "passed" in outcomes else "not run"

    def waiting(self) -> list[Row]:
        """Return the rows that wait for a part to come; nothing proves them yet."""
        return [row for kind in KINDS for row in self.rows[kind] if self.state(row) == "waiting"]

    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are, and how many wait or are untested."""
        states = [self.state(row) for kind in KINDS for row in self.rows[kind]]
        named = {kind + "s": len(self.rows[kind]) for kind in KINDS}
        marked = sum(bool(test.ids) for test in self.tests)
        return named | {
            "control cells": len(self.rows["cell"]),
            "marked tests": marked,
            "not proven yet": len(self.waiting()),
            "untested": states.count("untested"),
            "findings": len(self.findings),
        }

    def chips(self, ids: list[str]) -> str:
        """Return ids as links to their rows."""
        return " ".join(f'<a class="chip" href="#{escape(one)}">{escape(one)}</a>' for one in ids)

    def tests_of(self, row: Row) -> str:
        """Return the tests that name a row, with file, name and what became of them."""
        if "waits_for" in row:
            return f'<p class="wait">not proven yet: {self.awaited(row)}</p>'
        lines = []
        for test in self.shown.get(row["id"], []):
            outcome = self.outcomes.get(test, "")
            became = f' <b class="{outcome.replace(" ", "-")}">{outcome}</b>' if outcome else ""
            lines.append(f"<li><code>{escape(test.path)}</code> {escape(test.name)}{became}</li>")
        if not lines:
            return '<p class="none">no test names it</p>'
        named = f"{len(lines)} test{'s' * (len(lines) > 1)}"
        is_open = " open" if len(lines) <= OPEN_TESTS_MAX else ""
        return f"<details{is_open}><summary>{named}</summary><ul>{''.join(lines)}</ul></details>"

    def told(self, row: Row) -> str:
        """Return the words of a row: what it says, and for a hazard what is done about it."""
        words = f"<p>{escape(row['text'])}</p>"
        for field in ("cause", "detection", "reaction"):
            if field in row:
                words += f'<p class="more"><b>{field}</b> {escape(row[field])}</p>'
        return (
            words + f'<p class="source">{escape(row["group"])} &middot; {escape(row["source"])}</p>'
        )

    def line(self, kind: str, row: Row) -> str:
        """Return one row of a table."""
        state = self.state(row)
        severity = row.get("severity", "")
        limit = f"{row['limit_ms']} ms" if "limit_ms" in row else ""
        cells = [f'<a href="#{row["id"]}">{row["id"]}</a>']
        if kind == "hazard":
            stpa = f'<abbr title="{STPA[row["stpa"]]}">{row["stpa"]}</abbr>'
            cells += [f'<b class="s{severity}">{severity}</b>', stpa, limit]
        cells.append(self.told(row))
        if kind == "invariant":
            users = [
                r["id"]
                for k in ("hazard", "requirement")
                for r in self.rows[k]
                if row["id"] in r["invariants"]
            ]
            cells.append(self.chips(users))
        if kind == "requirement":
            users = [r["id"] for r in self.rows["hazard"] if row["id"] in r["requirements"]]
            cells += [self.chips(users) or "by decision", self.chips(row["invariants"])]
        if kind == "hazard":
            cells += [self.chips(row["requirements"]), self.chips(row["invariants"])]
        cells += [f'<span class="{state.replace(" ", "-")}">{state}</span>', self.tests_of(row)]
        data = f'id="{row["id"]}" data-state="{state}" data-severity="{severity}"'
        return f"<tr {data}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"

    def table(self, kind: str) -> str:
        """Return the table of one kind of rows."""
        heads = {
            "hazard": "id S STPA time hazard requirements invariants state tests",
            "requirement": "id requirement hazards invariants state tests",
            "invariant": "id invariant used&nbsp;by state tests",
        }[kind].split()
        head = "".join(f"<th>{one}</th>" for one in heads)
        body = "\n".join(self.line(kind, row) for row in self.rows[kind])
        return (
            f'<section><h2>{KINDS[kind]}</h2><table class="rows"><thead><tr>{head}</tr></thead>'
            f"<tbody>\n{body}\n</tbody></table></section>"
        )

    def grid(self) -> str:
        """Return the control actions with the four ways in which each can be unsafe."""
        cells = {row["id"]: row for row in self.rows["cell"]}
        head = "".join(f"<th>{name}</th>" for name in STPA.values())
        lines = []
        for action in ACTIONS:
            told = []
            for letter in STPA:
                row = cells.get(f"{action}-{letter}", {"text": "missing", "hazards": []})
                why = f'<p class="more">{escape(row["empty"])}</p>' if "empty" in row else ""
                told.append(
                    f"<td><p>{escape(row['text'])}</p>{self.chips(row['hazards'])}{why}</td>"
                )
            lines.append(f"<tr><th>{action}</th>{''.join(told)}</tr>")
        return (
            "<section><h2>Control actions</h2><table><thead><tr><th>action</th>"
            f"{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></section>"
        )

    def awaited(self, row: Row) -> str:
        """Return for which part a row waits."""
        return f"waits for <code>{escape(row['waits_for'])}</code>"

    def open_rows(self) -> str:
        """Return the rows that nothing proves yet, with what they wait for."""
        waiting = self.waiting()
        if not waiting:
            return "<p>No row waits.</p>"
        lines = "".join(f"<li>{row['id']} {self.awaited(row)}</li>" for row in waiting)
        head = f"<summary>Not proven yet: {len(waiting)}</summary>"
        return f'<details class="open-rows" open>{head}<ul>{lines}</ul></details>'

    def wrong(self) -> str:
        """Return the findings, or of which rows there are none."""
        if not self.findings:
            return "<p>No findings: a test names every row that does not wait.</p>"
        lines = "".join(f"<li>{escape(one)}</li>" for one in self.findings)
        head = f"<summary>{len(self.findings)} findings</summary>"
        return f'<details class="wrong">{head}<ul>{lines}</ul></details>'

    def html(self) -> str:
        """Return the whole page."""
        body = "\n".join([*(self.table(kind) for kind in KINDS), self.grid()])
        fields = {
            "COUNTS": "".join(f"<li><b>{n}</b> {name}</li>" for name, n in self.counts().items()),
            "RUN": escape(self.run or "No results of a run were given."),
            "FINDINGS": self.wrong() + self.open_rows(),
            "BODY": body,
        }
        page = TEMPLATE.read_text(encoding="utf-8")
        for name, text in fields.items():
            page = page.replace(f"<!--{name}-->", text)
        return page
