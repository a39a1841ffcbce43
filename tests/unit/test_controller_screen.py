"""The picture of a treatment: whole in every state, depth beside its area, nothing old as fresh."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from controller.treatment.screen import LEGEND, SIGNS, screen
from safety.causes import CATALOGUE
from safety.ledger import Outcome
from safety.states import State

AREAS = [
    {
        "area": name,
        "depth_um": {"granted": depth_um},
        "speed_dhz": {"granted": 1_000},
        "passes": {"granted": passes},
    }
    for name, depth_um, passes in (("forehead", 500, 2), ("cheek", 1_250, 3))
]
READY = {"plan": "Face", "serial_number": 42, "simulated": True, "areas": AREAS}
PEN = {"depth_um": 1_247, "speed_dhz": 998, "current_ma": 212, "has_contact": True, "state": "RUN"}
CURRENT = {
    "area": "cheek",
    "number": 2,
    "passes": 3,
    "depth_um": 1_250,
    "depth_um_max": 1_261,
    "speed_dhz": 1_000,
    "strokes_in_contact": 120,
    "strokes_total": 130,
    "strokes_per_pass": 400,
}
PASSES = [{"area": "cheek", "number": i, "outcome": str(o)} for i, o in enumerate(Outcome, 1)]


def frame(**changes: Any) -> dict[str, Any]:
    """Return a frame of a pen that treats the cheek."""
    plain = {"state": "RUNNING", "stop_reason": "", "current": CURRENT, "passes": [], "pen": PEN}
    return plain | {"age_ms": 12, "causes": []} | changes


def shown(
    given: dict[str, Any],
    ready: dict[str, Any] | None = None,
    elapsed_s: float = 0,
    width: int = 110,
) -> str:
    """Return the picture as text, as a terminal of so many columns without colours shows it."""
    out = StringIO()
    console = Console(file=out, width=width, color_system=None)
    console.print(screen(given, ready or READY, elapsed_s))
    return out.getvalue()


def line_with(text: str, word: str) -> str:
    """Return the first line that holds a word."""
    return next(line.replace("│", " ") for line in text.splitlines() if word in line)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("pen", [None, PEN], ids=["no-pen", "pen"])
@pytest.mark.parametrize("current", [None, CURRENT], ids=["no-pass", "pass"])
def test_picture_is_drawn_in_every_state(
    state: State, pen: dict[str, Any] | None, current: dict[str, Any] | None
) -> None:
    """With and without a pen or a pass, the state, both areas and the keys are there."""
    text = shown(frame(state=state.name, pen=pen, current=current, passes=PASSES))

    name = "STARTING" if state is State.UNKNOWN_OUTCOME else state.name
    for word in (name, "forehead", "cheek", "STOP", LEGEND[:11]):
        assert word in text, word


def test_depth_stands_beside_its_area() -> None:
    """An area's line holds its set depth, and during its pass the deepest that was measured."""
    text = shown(frame())

    assert ["cheek", "1.25", "1.26", "100"] == line_with(text, "cheek").split()[:4]
    assert ["forehead", "0.50", "100"] == line_with(text, "forehead").split()[:3]
    assert "120/400" in line_with(text, "cheek")
    assert "needles 1.25 mm    99.8 strokes/s   ● skin    212 mA" in text


@pytest.mark.parametrize("width", [200, 80, 60, 50, 44])
def test_depth_is_whole_in_a_narrow_terminal(width: int) -> None:
    """No column is so narrow that 1.25 mm would be read as 1."""
    text = shown(frame(), width=width)

    assert ["1.25", "1.26"] == line_with(text, "1.26").split()[1:3]
    assert "0.50" in text


@pytest.mark.parametrize("is_simulated", [True, False])
def test_simulated_pen_is_marked_as_such(*, is_simulated: bool) -> None:
    """Nobody takes a simulation for a pen, nor a pen for a simulation."""
    text = shown(frame(), READY | {"simulated": is_simulated})

    assert is_simulated == ("SIMULATED PEN" in text)


@pytest.mark.req("SR-025")
@pytest.mark.parametrize(
    ("age_ms", "says"), [(None, "nothing yet"), (900, "last heard 900 ms ago")]
)
def test_pen_that_is_not_fresh_shows_no_value(age_ms: int | None, says: str) -> None:
    """Without fresh data there is no depth, speed, current or contact, only when it was heard."""
    text = shown(frame(pen=None, age_ms=age_ms))

    assert f"pen: no fresh data, {says}" in text
    for word in ("needles", "strokes/s  ", "● skin", "○ air", " mA"):
        assert word not in text.replace("strokes/s  ┃", ""), word


@pytest.mark.req("SR-025")
def test_value_that_the_pen_could_not_measure_is_a_dash() -> None:
    """Unknown is not zero."""
    pen = PEN | {"depth_um": None, "speed_dhz": None, "current_ma": None, "has_contact": False}

    assert "needles - mm   - strokes/s   ○ air   - mA" in shown(frame(pen=pen))


def test_every_outcome_has_a_sign_of_its_own() -> None:
    """A pass is told by its sign, not by colour alone, and passes to come are circles."""
    assert {str(outcome) for outcome in Outcome} == set(SIGNS)
    assert len(SIGNS) == len({sign for sign, _ in SIGNS.values()})
    passes = [{"area": "cheek", "number": 1, "outcome": "uncertain"}]
    assert "? ○ ○" in line_with(shown(frame(passes=passes)), "cheek")
    passes[0]["outcome"] = "not_delivered"
    assert "· ○ ○ ○" in line_with(shown(frame(passes=passes)), "cheek")


@pytest.mark.parametrize("code", CATALOGUE)
def test_alarm_tells_what_happened_and_what_to_do(code: str) -> None:
    """Every cause of the catalogue fits into its panel with both of its sentences."""
    kind = next(kind for name, kind in CATALOGUE.items() if name == code)
    cause = {"severity": kind.severity.name, "text": kind.text, "next": kind.next_step}
    text = " ".join(shown(frame(causes=[cause])).replace("│", " ").split())

    assert f"!!! {kind.severity.name}" in text
    assert f"{kind.text}. {kind.next_step}" in text


@pytest.mark.parametrize(
    "text", ["[/]", "[/red]", "/disk[1]/records.db", "[bold]x", "{0}", "a\\[b"]
)
def test_text_from_outside_is_shown_as_it_stands(text: str) -> None:
    """Brackets in a path, a plan or a reason are characters, and break nothing."""
    cause = {"severity": "STOP", "text": text, "next": "Look."}
    picture = shown(frame(causes=[cause], stop_reason=text, state="PAUSED"), READY | {"plan": text})

    assert 3 == picture.count(text)


def test_strokes_beyond_the_plan_do_not_break_the_bar() -> None:
    """A pass that got a few strokes more shows them as they are."""
    assert "431/400" in shown(frame(current=CURRENT | {"strokes_in_contact": 431}))


def test_clock_of_the_session_runs_in_minutes() -> None:
    """Time since the beginning stands in the head."""
    assert "02:05.0" in shown(frame(), elapsed_s=125.04)
