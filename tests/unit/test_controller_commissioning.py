"""What a commissioning found is kept by line and pen, and decides whether a session may open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller import commissioning
from controller.commands.commission import document, lines
from controller.commissioning import (
    LOOKS,
    Commissioned,
    commission,
    keep,
    last_of,
    line_of,
    refuse_slow_line,
)
from controller.config import Home
from controller.errors import ConfigError, RefusedError
from drivers.commissioning import SHORT, Figures
from drivers.registers import PenState

PORT = "/dev/pts/77"
GOOD = Figures(1_000, 0, 400, 900, 1_400, 0, ((1_000, 990), (2_000, 10)), {"late": 2}, 5)
SLOW = replace(GOOD, p99_us=31_000, max_us=32_000, late=900, bins=((1_000, 0), (50_000, 1_000)))
PASSED = Commissioned(
    "2026-11-22T19:00:00+00:00", line_of(PORT), PORT, 42, False, 200, "A", (), "", GOOD
)
FAILED = replace(PASSED, faults=("too slow",), remedy="Do this", figures=SLOW)
PEN: Any = SimpleNamespace(serial_number=42, lease_ms=200, capabilities=0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder."""
    return Home(tmp_path / "home").create()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Figures]:
    """What the next looks at the line will measure; a look that is not foreseen fails."""
    found: list[Figures] = []

    def measured(_link: object, count: int, *_: object, late_max: int) -> Figures:
        assert (count, late_max) == (SHORT, 1)
        return found.pop(0)

    monkeypatch.setattr(commissioning, "_measured", measured)
    return found


def ask(home: Home, port: str = PORT, pen: Any = PEN) -> None:
    """Ask whether a session may open."""
    link: Any = object()
    refuse_slow_line(home, port, link, pen)


def test_what_is_kept_is_what_is_found_again(home: Home) -> None:
    """The last run of this line with this pen counts, whole, and for its owner only."""
    keep(home, FAILED)
    path = keep(home, PASSED)

    assert PASSED == last_of(home, PORT, 42)
    assert [path] == list(path.parent.iterdir())
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_another_line_or_pen_has_a_run_of_its_own(home: Home) -> None:
    """Port, driver and pen belong together; none of them speaks for another."""
    keep(home, PASSED)

    assert last_of(home, "/dev/pts/78", 42) is None
    assert last_of(home, f"native+{PORT}", 42) is None
    assert last_of(home, PORT, 43) is None


def test_same_line_is_found_under_another_name(home: Home) -> None:
    """A default driver that is written out names the same line."""
    keep(home, PASSED)

    assert PASSED == last_of(home, f"penlink+{PORT}", 42)


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", '{"at": 1}', "[" * 100_000])
def test_damaged_file_counts_as_none(home: Home, text: str) -> None:
    """What cannot be read proves nothing, and the line is looked at anew."""
    keep(home, PASSED).write_text(text)

    assert last_of(home, PORT, 42) is None


def test_run_of_another_profile_counts_as_none(home: Home) -> None:
    """Other times were held against it."""
    keep(home, replace(PASSED, profile="B"))

    assert last_of(home, PORT, 42) is None


@pytest.mark.req("SR-057")
def test_line_that_failed_is_refused_without_another_look(home: Home, looks: list[Figures]) -> None:
    """The refusal says when it failed, why, and what to do."""
    keep(home, FAILED)
    with pytest.raises(RefusedError) as caught:
        ask(home)
    text = str(caught.value)

    for part in (FAILED.at, "too slow. Do this.", f"penpilot commission --port {PORT}"):
        assert part in text
    assert [] == looks


def test_line_that_passed_is_not_looked_at(home: Home, looks: list[Figures]) -> None:
    """A session opens at once where the line was commissioned."""
    keep(home, PASSED)
    ask(home)

    assert [] == looks


@pytest.mark.req("SR-057")
def test_line_that_nobody_commissioned_is_looked_at(home: Home, looks: list[Figures]) -> None:
    """One good look is enough; one that fails is taken again, and the last decides."""
    looks += [GOOD]
    ask(home)
    looks += [SLOW] * (LOOKS - 1) + [GOOD]
    ask(home)
    looks += [SLOW] * LOOKS
    with pytest.raises(RefusedError, match="900 of 1000 answers took longer than 25 ms"):
        ask(home)

    assert [] == looks


def test_pen_whose_lease_is_too_short_is_refused(home: Home, looks: list[Figures]) -> None:
    """However quick the line, the lease must outlast an old echo and three attempts."""
    looks += [GOOD] * LOOKS
    with pytest.raises(RefusedError, match="lease of 100 ms"):
        ask(home, pen=SimpleNamespace(serial_number=42, lease_ms=100))


@pytest.mark.parametrize(
    ("state", "speed_dhz"), [(PenState.RUN, 0), (PenState.READY, 0), (PenState.SAFE, 1)]
)
def test_pen_that_is_not_at_rest_is_not_measured(
    state: PenState, speed_dhz: int, monkeypatch: pytest.MonkeyPatch, looks: list[Figures]
) -> None:
    """Somebody may be treating with it."""
    status = SimpleNamespace(state=state, speed_dhz=speed_dhz)
    exchanged = SimpleNamespace(status=status)

    class Met:
        def __enter__(self) -> Any:
            return SimpleNamespace(exchange=lambda *_, **__: exchanged), PEN

        def __exit__(self, *_: object) -> None:
            return

    monkeypatch.setattr(commissioning, "identified", lambda _: Met())
    with pytest.raises(RefusedError, match=f"pen 42 is in {state.name}"):
        commission(PORT, 100, "now")

    assert [] == looks


def test_folder_that_takes_no_file_is_a_clear_error(home: Home) -> None:
    """A file stands where the folder should be."""
    (home.folder / "lines").write_text("")

    with pytest.raises(ConfigError, match="must take files"):
        keep(home, PASSED)


def test_people_read_the_same_figures_as_scripts() -> None:
    """Verdict, figures, bars, what was discarded, why it is refused and what to do."""
    good, bad = lines(PASSED), lines(FAILED)

    assert "the line can hold the lease (profile A, lease 200 ms)." in good[0]
    assert "p50 0.4 ms, p99 0.9 ms, longest 1.4 ms" in good[1]
    assert "  up to     1 ms     990  " + "█" * 40 == good[2]
    assert "  up to     2 ms      10  █" == good[3]
    assert ["  2 discarded: late", "  5 bytes were part of no answer"] == good[4:]
    assert "CANNOT HOLD THE LEASE" in bad[0]
    assert "up to    50 ms" in bad[2]
    assert ["  Refused: too slow.", "  Do this"] == bad[-2:]
    assert (900, 31_000, ["too slow"]) == tuple(
        document(FAILED)[name] for name in ("late", "p99_us", "faults")
    )
