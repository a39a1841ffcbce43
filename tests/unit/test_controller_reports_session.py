"""The report of a session: complete, self-contained, honest, and safe from a hostile plan."""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from controller.errors import RecordError
from controller.records.entries import Entry
from controller.records.sessions import fold
from controller.records.verify import Damage, Verdict
from controller.reports.session import render, write_report

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
HEAD = "0123456789abcdef" * 4
GOOD = Verdict(True, 1_234, HEAD, None, None, "The record is whole and unchanged.")
BAD = Verdict(False, 16, HEAD, 17, Damage.EDITED, "Entry 17 is not the one that was written.")
VOID = {"meta", "br", "path", "rect"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "</style><link rel=stylesheet href=//evil.example>",
    "javascript:alert(1)",
    "&lt;b&gt;",
]


def area(name: str, **more: Any) -> dict[str, Any]:
    """Return an area of a plan."""
    plan = {"area": name, "depth_um_asked": 900, "depth_um": 750, "passes": 3, "binding": "device"}
    return {**plan, "speed_dhz": 1_000, "patch_mm2": 2_500, "strokes_per_pass": 600, **more}


def told(
    name: str = "Face", *, simulated: bool = True, area_name: str = "left cheek", pen: Any = None
) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries of a session with one delivered and one uncertain pass."""
    which = {"area": area_name, "number": 1}
    identity = {"serial_number": 42, "firmware": "1.0", "model": 1, "simulated": simulated}
    scan = {"area": area_name, "depth_um_set": 750, "speed_dhz": 1_000, "contact": True}
    return [
        (
            "session_opened",
            {
                "plan_name": name,
                "pen": {
                    **identity,
                    "limits_hash": 0x957A,
                    "cartridge_uid": 0xC0FFEE01,
                    **(pen or {}),
                },
                "areas": [area("forehead", depth_um=1_000), area(area_name, depth_um_limit=1_350)],
                "software": "penpilot 0.1.0",
            },
        ),
        ("pass_planned", {**which, "depth_um": 750, "speed_dhz": 1_000}),
        ("pass_started", which),
        ("scan", {**scan, "t_ms": 1_000, "depth_um": 748}),
        ("scan", {**scan, "t_ms": 1_250, "depth_um": -32_768}),
        (
            "pass_ended",
            {
                **which,
                "outcome": "delivered",
                "strokes_total": 12_345,
                "strokes_in_contact": 600,
                "depth_um_measured_max": 771,
            },
        ),
        ("pass_planned", {**which, "number": 2, "depth_um": 750}),
        ("scan", {**scan, "t_ms": 9_000, "depth_um": 802}),
        ("fault", {"code": 0x81, "severity": "technician", "text": "over-depth"}),
        ("stop", {"source": "trip", "latency_us": 412}),
        ("weather", {"outlook": "sunny"}),
        ("session_closed", {"outcome": "faulted", "reason": "over-depth"}),
    ]


def page(entries: list[tuple[str, dict[str, Any]]], verdict: Verdict = GOOD) -> str:
    """Return the report of a session that these kinds and bodies tell of."""
    made = [
        Entry(seq, "20261122-140305-aa", kind, f"2026-11-22T14:03:{seq:02d}.000Z", body, b"")
        for seq, (kind, body) in enumerate(entries, 1)
    ]
    return render(fold(made)["20261122-140305-aa"], made, verdict, NOW)


class Reading(HTMLParser):
    """Reads a page as a browser does: its elements, attributes and visible words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that elements end in the order in which they began."""
        if tag not in VOID:
            assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        """Keep what can be read."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that can be read, with single blanks."""
        return " ".join(" ".join(self.words).split())


def test_page_is_well_formed_and_asks_for_nothing() -> None:
    """The page has no script, loads nothing, links nowhere, and says so to the browser."""
    html = page(told())
    reading = Reading(html)

    assert [] == reading.open
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "section", "article"}
    allowed |= {"h1", "h2", "h3", "p", "em", "strong", "span", "br", "bdi", "div", "ul", "li"}
    allowed |= {"table", "caption", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd"}
    allowed |= {"svg", "g", "path", "rect", "text"}
    assert reading.tags <= allowed
    assert not {"src", "href", "style", "xlink:href", "srcset", "action"} & reading.attributes
    assert not [name for name in reading.attributes if name.startswith("on")]
    assert not re.search(r"https?:|url\(|@import|//", html)
    assert "default-src 'none'" in html


def test_page_is_the_same_for_the_same_session() -> None:
    """Nothing of the page depends on the moment or on chance."""
    assert page(told()) == page(told())


@pytest.mark.req("SR-054", "HZ-67")
@pytest.mark.parametrize("simulated", [True, False, 1, 0])
def test_banner_stands_on_every_simulated_session_and_on_no_other(simulated: bool) -> None:
    """Nobody takes a simulated treatment for a real one, or the other way round."""
    text = Reading(page(told(simulated=simulated))).text

    assert bool(simulated) == text.startswith("Treatment record 2026-11-22: Face SIMULATED PEN")
    assert ("Pen simulated" if simulated else "Pen real") in text


def test_page_says_what_it_is_and_what_depth_means() -> None:
    """Every report carries the notice, and calls depth by its name."""
    text = Reading(page(told())).text

    assert "engineering software, not a cleared medical device" in text
    assert "Depth is needle protrusion" in text


def test_page_shows_plan_and_delivery_of_every_area() -> None:
    """Asked, granted, bound by, set, measured, passes and strokes stand beside each area's name."""
    text = Reading(page(told())).text

    assert (
        "left cheek 0.9 mm 0.75 mm device: 1.35 mm 0.75 mm 0.81 mm 100 strokes/s, not known "
        "1 of 3 1 at least 12,345 at least 600"
    ) in text
    assert "forehead 0.9 mm 1 mm device none not known none 0 of 3 0 0 0" in text
    assert "left cheek 0.75 mm needle protrusion 2 of 3 passes, 1 uncertain (counted" in text
    assert "Samples of unknown depth: 1. Nothing is drawn" in text


def test_page_tells_what_happened_in_words() -> None:
    """Every entry but the samples stands in the timeline, of known and of unknown kind."""
    text = Reading(page(told())).text

    for line in (
        "14:03:02 0:01 pass planned left cheek, pass 1: needle protrusion 0.75 mm, 100 strokes/s",
        "pass ended left cheek, pass 1: delivered; 12,345 strokes, 600 in contact; needle",
        "needle protrusion at most 0.78 mm",
        "fault 0x81, technician: over-depth",
        "stop by trip, on the wire after 0.4 ms",
        "weather outlook: sunny",
        "12 14:03:12 0:11 session closed faulted (over-depth)",
    ):
        assert line in text
    assert "t_ms" not in text
    assert "Ended by a fault Reason: over-depth" in text


def test_page_names_pen_and_software() -> None:
    """Who delivered it can be told from every other pen and program."""
    text = Reading(page(told())).text

    assert "Serial number 42 Model 1 Firmware 1.0 Boot number not known" in text
    assert "Hash of its limits 957A Cartridge C0FFEE01" in text
    assert "Software penpilot 0.1.0" in text


@pytest.mark.req("SR-014", "HZ-35", "R06")
def test_page_shows_how_far_the_record_can_be_believed() -> None:
    """Count, head in groups of four and verdict are on the page, whichever way it went."""
    good, bad = Reading(page(told())).text, Reading(page(told(), BAD)).text

    assert "Unchanged. All 1,234 entries of the record fit" in good
    assert "12 entries belong to this session. Checked 2026-11-22 14:30:00 UTC." in good
    assert "0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef" in good
    assert "CHANGED: edited. Entry 17 is not the one that was written. The first 16" in bad
    assert "Unchanged" not in bad


@pytest.mark.req("SR-017", "HZ-63")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    """Whatever stands in a plan is shown as it stands there and does nothing."""
    html = page(told(name, area_name=name, pen={"firmware": name, "serial_number": name}))
    reading = Reading(html)

    assert not {"script", "img", "link", "b"} & reading.tags
    assert not {"src", "href", "onerror"} & reading.attributes
    assert 4 <= reading.text.count(" ".join(name.split()))


@pytest.mark.parametrize("name", ["Zoë Müller", "山田 花子", "محمد", "😀", "e\u0301"])
def test_names_of_all_languages_come_through(name: str) -> None:
    """A name is not changed, and cannot turn the words around it."""
    html = page(told(name, area_name=name))

    assert f"<bdi>{name}</bdi>" in html


@pytest.mark.parametrize(
    "entries",
    [
        [("note", {})],
        [("session_opened", {"areas": [{}, 7], "pen": "none", "plan_name": None})],
        [("scan", {"area": 5}), ("scan", {"t_ms": "x", "area": "chin"}), ("scan", {})],
        [(kind, {"x": [1, {"y": None}]}) for kind, _ in told()],
        [("fault", {"code": "F1"}), ("stop", {"latency_us": "?"}), ("state", {}), ("resumed", {})],
    ],
)
def test_broken_entries_still_give_a_page(entries: list[tuple[str, dict[str, Any]]]) -> None:
    """A report can be had of every session, also of one that another program wrote."""
    reading = Reading(page(entries))

    assert [] == reading.open
    assert "Every entry of this session" in reading.text


def test_report_is_written_whole_and_private(tmp_path: Path) -> None:
    """The file is the page, for its owner alone; a newer report takes the place of the old."""
    write_report(tmp_path, "20261122-140305-aa", "old")
    path = write_report(tmp_path, "20261122-140305-aa", "näw")

    assert tmp_path / "20261122-140305-aa.html" == path
    assert "näw" == path.read_text(encoding="utf-8")
    assert [path] == list(tmp_path.iterdir())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    "session_id", ["../../etc/passwd", "/etc/passwd", "..", "a\\b", "C:x", "\0"]
)
def test_report_stays_in_its_folder(tmp_path: Path, session_id: str) -> None:
    """No session id leads a report out of its folder."""
    path = write_report(tmp_path, session_id, "page")

    assert tmp_path == path.parent
    assert re.fullmatch(r"[0-9A-Za-z_-]+\.html", path.name)


@pytest.mark.req("SR-017")
def test_report_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the older report and no half of a newer one."""
    old = write_report(tmp_path, "s1", "old")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        RecordError, match=r"s1\.html: cannot be written \(No space left on device\)"
    ):
        write_report(tmp_path, "s1", "new")
    with pytest.raises(RecordError, match="No such file or directory"):
        write_report(tmp_path / "missing", "s1", "new")

    assert [old] == list(tmp_path.iterdir())
    assert "old" == old.read_text()
