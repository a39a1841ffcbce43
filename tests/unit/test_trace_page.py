"""The page of the trace matrix: results by test, what it tells, and the script that writes it."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.small_matrix import ROOT, SHOWN, SMALL, Rows, part

trace, trace_page, trace_tests = part("make_trace"), part("trace_page"), part("trace_tests")


@pytest.fixture
def small() -> Rows:
    """A matrix of one's own to break."""
    return copy.deepcopy(SMALL)


RESULTS = """<testsuites><testsuite>
<testcase classname="tests.unit.test_x" name="test_a[1]"/>
<testcase classname="tests.unit.test_x" name="test_a[2]"><failure>no</failure></testcase>
<testcase classname="tests.unit.test_x" name="test_b@programs"/>
<testcase classname="tests.unit.test_x.TestC" name="test_c"><skipped/></testcase>
<testcase classname="tests.unit.test_x.TestC" name="test_d"/>
<testcase classname="tests.unit.test_x.TestMachine" name="runTest"/>
<testcase classname="tests.unit.test_xy" name="test_e"/>
</testsuite></testsuites>"""


def test_results_are_told_by_test_and_the_worst_counts() -> None:
    """Parameters, classes, workers' groups and base classes find their test; others do not."""
    source = "def test_a(): ...\ndef test_b(): ...\ndef test_e(): ...\nclass Base:\n"
    source += " def test_c(self): ...\n def test_d(self): ...\nTestMachine.pytestmark = []\n"
    tests = trace_tests.tests_in(source, "tests/unit/test_x.py")
    found = {t.name: outcome for t, outcome in trace_tests.outcomes_in(RESULTS, tests).items()}

    wanted = {"test_a": "failed", "test_b": "passed", "test_e": "not run"}
    wanted |= {"Base.test_c": "skipped", "Base.test_d": "passed", "TestMachine": "passed"}
    assert wanted == found


@pytest.mark.parametrize(
    ("outcomes", "findings"),
    [
        (("passed", "passed"), []),
        (("passed", "not run"), []),
        (("passed", "failed"), ["did not pass: test_b"]),
        (("skipped", "passed"), ["did not pass: test_a"]),
        (("not run", "not run"), ["none of its tests ran"]),
    ],
)
def test_row_fails_with_its_tests(
    small: Rows, outcomes: tuple[str, str], findings: list[str]
) -> None:
    """With results a row needs a test that passed, and none that did not."""
    tests = trace_tests.tests_in(SHOWN + SHOWN.replace("test_a", "test_b"), "t.py")
    found = trace_tests.unproven(small, tests, dict(zip(tests, outcomes, strict=True)))

    names = ("SR-001", "SR-002", "HZ-01", "H01")
    assert [f"{name}: {finding}" for name in names for finding in findings] == found


class Reader(HTMLParser):
    """Collects what a page asks for, which ids it has, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.tags: set[str] = set()
        self.asked: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self.tags.add(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.targets |= {(given.get("href") or "#")[1:]} if tag == "a" else set()
        self.asked |= {f"{tag} {name}" for name in given if name in {"src", "action", "srcset"}}


def test_page_tells_everything_and_asks_for_nothing() -> None:
    """Every row has its place, every link leads to one, and nothing is loaded from elsewhere."""
    page = trace.page_of(ROOT)
    html = page.html()
    read = Reader(html)
    wanted = {
        row["id"] for kind in ("requirement", "hazard", "invariant") for row in page.rows[kind]
    }

    assert wanted == read.targets
    assert wanted <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))
    assert (set(), {"link", "img", "iframe"} & read.tags) == (read.asked, set())
    assert "http" not in html.replace("http-equiv", "")
    assert "<!--" not in html
    waiting = sum("waits_for" in row for rows in page.rows.values() for row in rows)
    assert f"<li><b>{waiting}</b> not proven yet</li>" in html


def test_page_lists_what_is_not_proven_and_claims_nothing_of_it(small: Rows) -> None:
    """Rows that wait stand beside the findings, with what they wait for; none hides in a count."""
    tests = trace_tests.tests_in(SHOWN, "tests/t.py")
    page = trace_page.Page(small, tests, {}, [])
    html = page.html()

    assert ["HZ-02", "S01"] == [row["id"] for row in page.waiting()]
    assert "Nothing is wrong" not in html
    assert "No findings: a test names every row that does not wait." in html
    assert "<summary>Not proven yet: 2</summary>" in html
    assert "<li>HZ-02 waits for <code>later/part</code></li>" in html
    assert '<p class="wait">not proven yet: waits for <code>later/part</code></p>' in html
    for row in small["hazard"] + small["invariant"]:
        row.pop("waits_for", None)
    assert "<p>No row waits.</p>" in trace_page.Page(small, tests, {}, []).html()


def test_page_shows_texts_as_they_are_and_results_where_they_belong(small: Rows) -> None:
    """Markup in a row is text, and each state of a row has its word."""
    small["hazard"][0]["text"] = "<script>alert(1)</script>."
    tests = trace_tests.tests_in(SHOWN, "tests/t.py")
    html = {
        outcome: trace_page.Page(small, tests, {tests[0]: outcome}, ["<b>"]).html()
        for outcome in ("passed", "failed", "not run")
    }

    for outcome, text in html.items():
        assert f'id="HZ-01" data-state="{outcome}"' in text
        assert 'id="HZ-02" data-state="waiting"' in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;." in text
        assert "<li>&lt;b&gt;</li>" in text
    bare = trace_page.Page(small, [], {}, []).html()
    assert 'id="HZ-01" data-state="untested"' in bare


def repository(folder: Path, rows: Rows, source: str = SHOWN) -> Path:
    """Write a repository with these rows and one module of tests."""
    (folder / "requirements").mkdir()
    (folder / "tests").mkdir()
    for kind, found in rows.items():
        tables = ["\n".join(f"{k} = {json.dumps(v)}" for k, v in row.items()) for row in found]
        text = "\n".join(f"[[{kind}]]\n{table}\n" for table in tables)
        (folder / f"requirements/{kind}.toml").write_text(text)
    (folder / "tests/test_x.py").write_text(source)
    return folder


@pytest.mark.parametrize(
    ("result", "code", "says"),
    [
        (None, 0, ""),
        ("<testcase classname='tests.test_x' name='test_a'/>", 0, ""),
        ("<testcase classname='tests.test_x' name='test_b'/>", 1, "HZ-01: none of its tests ran"),
        ("<testcase", 2, "make_trace.py: "),
    ],
)
def test_script_writes_the_page_and_says_where(
    small: Rows,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    result: str | None,
    code: int,
    says: str,
) -> None:
    """One line names the counts and the path; what is wrong follows and decides the exit code."""
    root, out = repository(tmp_path, small), tmp_path / "build/trace.html"
    arguments = ["--root", str(root), "--out", str(out)]
    if result is not None:
        (tmp_path / "junit.xml").write_text(result)
        arguments += ["--results", str(tmp_path / "junit.xml")]
    found = trace.main(arguments)

    told, wrong = capsys.readouterr()
    assert code == found
    assert says in wrong
    assert (code != 2) == out.exists()
    line = "trace: 2 hazards, 2 requirements, 2 invariants, 36 control cells, 1 marked tests, "
    if code != 2:
        findings = len(wrong.splitlines())
        assert f"{line}2 not proven yet, 0 untested, {findings} findings: {out}\n" == told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements/requirement.toml", "[[requirement]"),
        ("requirements/requirement.toml", "requirement = 7"),
        ("requirements/requirement.toml", '[[requirement]]\ntext = "Fact."'),
        ("tests/test_x.py", "def test_a(:"),
    ],
)
def test_script_refuses_files_that_it_cannot_read(
    small: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    """No TOML, no rows, a row without an id and no Python end with code 2 and without a page."""
    root, out = repository(tmp_path, small), tmp_path / "build/trace.html"
    (root / name).write_text(text)

    assert 2 == trace.main(["--root", str(root), "--out", str(out)])
    assert capsys.readouterr().err.startswith("make_trace.py: ")
    assert not out.exists()
