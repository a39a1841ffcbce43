"""The picture of a treatment: whole in every state, depth beside its area, nothing old as fresh."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.panel import Panel

from controller.treatment.screen import LEGEND, SIGNS, screen
from safety.alarms import Priority, priority_of
from safety.alarms_signals import LOOKS, Colour
from safety.causes import CATALOGUE, CauseCode
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
    quiet = {"alarms": [], "is_sounding": False, "is_audio_paused": False}
    return plain | quiet | {"age_ms": 12, "causes": []} | changes


def alarm(**changes: Any) -> dict[str, Any]:
    """Return an alarm of a frame: new, lit, unseen."""
    plain = {"code": "over-depth", "priority": "HIGH", "symbol": "!!!", "colour": "red"}
    plain |= {"text": "too deep (1251 um)", "pen": "The pen stops.", "next": "Look at it."}
    marks = {"is_present": True, "is_acknowledged": False, "is_escalated": False, "is_lit": True}
    return plain | marks | changes


def words(text: str) -> str:
    """Return a picture as one line of words, without its frames."""
    return " ".join(text.replace("│", " ").replace("─", " ").split())


def shown(
    given: dict[str, Any],
    ready: dict[str, Any] | None = None,
    elapsed_s: float = 0,
    width: int = 110,
    height: int = 90,
) -> str:
    """Return the picture as text, as a terminal of that size without colours shows it."""
    out = StringIO()
    console = Console(file=out, width=width, height=height, color_system=None)
    console.print(screen(given, ready or READY, elapsed_s, console))
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


@pytest.mark.req("SR-054", "HZ-67")
@pytest.mark.parametrize("is_simulated", [True, False])
def test_simulated_pen_is_marked_as_such(*, is_simulated: bool) -> None:
    """Nobody takes a simulation for a pen, nor a pen for a simulation."""
    text = shown(frame(), READY | {"simulated": is_simulated})

    assert is_simulated == ("SIMULATED PEN" in text)


@pytest.mark.req("SR-025", "HZ-31", "H16")
@pytest.mark.parametrize(
    ("age_ms", "says"), [(None, "nothing yet"), (900, "last heard 900 ms ago")]
)
def test_pen_that_is_not_fresh_shows_no_value(age_ms: int | None, says: str) -> None:
    """Without fresh data there is no depth, speed, current or contact, only when it was heard."""
    _expect_no_value(shown(frame(pen=None, age_ms=age_ms)), says)


@pytest.mark.req("SR-025", "HZ-31", "H16")
def test_pen_whose_link_was_lost_shows_no_value() -> None:
    """The picture stays on the screen; its last figures would pass for what the pen does now."""
    _expect_no_value(shown(frame(state="OFFLINE", age_ms=20)), "last heard 20 ms ago")


def _expect_no_value(text: str, says: str) -> None:
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


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("width", [110, 50])
@pytest.mark.parametrize("code", CATALOGUE)
def test_alarm_tells_what_happened_what_the_pen_does_and_what_to_do(
    code: CauseCode, width: int
) -> None:
    """Every cause of the catalogue fits into its panel with all its sentences, symbol, priority."""
    kind = CATALOGUE[code]
    priority = priority_of(kind)
    look = LOOKS[priority]
    one = alarm(priority=priority.name, symbol=look.symbol, colour=look.colour.value)
    one |= {"text": kind.text, "pen": kind.pen, "next": kind.next_step}
    text = words(shown(frame(alarms=[one]), width=width))

    name = "INFORMATION" if priority is Priority.NONE else priority.name
    assert f"{look.symbol} {name}" in text
    assert "NONE" not in text
    assert f"{kind.text}. {kind.pen} {kind.next_step}" in text


def panels(given: dict[str, Any]) -> list[Panel]:
    """Return the panels of a picture in a high terminal."""
    console = Console(file=StringIO(), width=110, height=90)
    return [one for one in screen(given, READY, 0, console).renderables if isinstance(one, Panel)]


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_alarm_is_never_hidden_while_its_light_is_off(*, is_acknowledged: bool) -> None:
    """Lit or not, the panel stands there in the same words; the light only turns its colours."""
    both = [
        frame(alarms=[alarm(is_lit=is_lit, is_acknowledged=is_acknowledged)])
        for is_lit in (True, False)
    ]
    (lit,), (dark,) = panels(both[0]), panels(both[1])

    assert shown(both[0]) == shown(both[1])
    assert "too deep (1251 um). The pen stops. Look at it." in words(shown(both[1]))
    assert ("red", "red" if is_acknowledged else "reverse red") == (dark.style, lit.style)


@pytest.mark.req("SR-044")
@pytest.mark.parametrize("colour", Colour)
def test_colour_of_every_priority_can_be_drawn(colour: Colour) -> None:
    """Red, yellow, cyan and white are colours of a terminal, plain and reversed."""
    for is_lit in (True, False):
        given = frame(alarms=[alarm(colour=colour.value, is_lit=is_lit)])
        out = StringIO()
        console = Console(file=out, width=110, force_terminal=True, color_system="standard")
        console.print(screen(given, READY, 0, console))
        assert "too deep" in out.getvalue()


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize(
    ("marks", "title"),
    [
        ({}, "!!! HIGH"),
        ({"is_acknowledged": True}, "!!! HIGH, seen"),
        ({"is_present": False}, "!!! HIGH, gone"),
        ({"is_escalated": True}, "!!! HIGH, NOBODY HAS ANSWERED"),
        ({"is_acknowledged": True, "is_present": False}, "!!! HIGH, seen, gone"),
        ({"is_present": False, "is_escalated": True}, "!!! HIGH, gone, NOBODY HAS ANSWERED"),
    ],
)
def test_alarm_says_in_words_whether_it_was_seen_is_gone_or_waits_too_long(
    marks: dict[str, bool], title: str
) -> None:
    """What is to be known at a glance stands in the title, and nothing else does."""
    given = frame(alarms=[alarm(**marks)])
    (panel,) = panels(given)

    assert title == panel.title
    assert title in words(shown(given))


@pytest.mark.req("SR-044", "H17")
def test_every_alarm_has_its_panel_in_the_order_of_the_frame() -> None:
    """Ten alarms are ten panels, where the terminal is high enough."""
    alarms = [alarm(text=f"cause number {i};", priority="LOW") for i in range(10)]
    text = shown(frame(alarms=alarms))

    places = [text.index(f"cause number {i};") for i in range(10)]
    assert sorted(places) == places
    assert 10 == len(panels(frame(alarms=alarms)))


@pytest.mark.req("SR-044", "H17")
def test_keys_for_alarms_and_a_paused_sound_are_told_while_there_is_an_alarm() -> None:
    """A and M stand there with an alarm, not without; a pause is told in words."""
    keys = "A: alarms seen M: pause the sound for 2 minutes"

    assert keys not in words(shown(frame()))
    loud, paused = (
        words(shown(frame(alarms=[alarm()], is_audio_paused=it))) for it in (False, True)
    )
    assert (True, False) == (keys in loud, "SOUND PAUSED" in loud)
    assert f"{keys} SOUND PAUSED" in paused


@pytest.mark.parametrize(
    "text", ["[/]", "[/red]", "/disk[1]/records.db", "[bold]x", "{0}", "a\\[b"]
)
def test_text_from_outside_is_shown_as_it_stands(text: str) -> None:
    """Brackets in a path, a plan or a reason are characters, and break nothing."""
    given = frame(alarms=[alarm(text=text)], stop_reason=text, state="PAUSED")
    picture = shown(given, READY | {"plan": text})

    assert 3 == picture.count(text)


PLANS = {
    count: READY | {"areas": [AREAS[1] | {"area": f"area {i:02d}"} for i in range(count)]}
    for count in (1, 3, 7, 12, 40)
}
"""Plans by their number of areas; 40 is the most that a plan may have."""

WORST = sorted(CATALOGUE, key=lambda code: -priority_of(CATALOGUE[code]))
"""All causes, as frames order them."""


def alarm_of(code: CauseCode, number: int) -> dict[str, Any]:
    """Return the alarm of a cause as a frame tells it, with a detail of a usual length."""
    kind, priority = CATALOGUE[code], priority_of(CATALOGUE[code])
    look = LOOKS[priority]
    words = {"text": f"{kind.text} (number {number}: measured 0.934 mm, set 0.500 mm)"}
    words |= {"pen": kind.pen, "next": kind.next_step, "code": str(code)}
    return alarm(priority=priority.name, symbol=look.symbol, colour=look.colour.value, **words)


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("areas", PLANS)
@pytest.mark.parametrize("count", [0, 1, 2, 4, 8])
@pytest.mark.parametrize("is_ended", [False, True])
@pytest.mark.parametrize("state", ["RUNNING", "FAULT", "NO ANSWER"])
def test_nothing_overflows_a_terminal_of_80_by_24(
    areas: int, count: int, state: str, *, is_ended: bool
) -> None:
    """Whatever stands in it, state, gravest alarm and keys are there, and the rest is counted."""
    alarms = [alarm_of(code, i) for i, code in enumerate(WORST[:count])]
    reason = "the pen stopped with a fault that needs a technician (pen fault 0x81, over-depth)"
    now = CURRENT | {"area": f"area {areas // 2:02d}"}
    given = frame(state=state, alarms=alarms, is_ended=is_ended, stop_reason=reason, current=now)
    text = shown(given, PLANS[areas], width=80, height=24)

    assert len(text.splitlines()) <= 24
    assert all(len(line) <= 80 for line in text.splitlines())
    assert state in text
    assert ("lease" if state == "NO ANSWER" else "Ctrl-C") in text
    if alarms:
        assert f"{alarms[0]['symbol']} {alarms[0]['priority']}" in text
        assert "number 0" in text
    panels_shown = text.count("╭")
    assert (f"+{count - panels_shown} more: !!!" in text) == (count > panels_shown)


@pytest.mark.req("SR-044", "H17")
def test_alarm_of_high_priority_is_never_hidden_by_a_lower_one() -> None:
    """Four boxes do not fit: the gravest have theirs, the others are counted with their names."""
    codes = (CauseCode.OVER_DEPTH, CauseCode.STALL, CauseCode.SCAN_LATE, CauseCode.NO_CONTACT)
    alarms = [alarm_of(code, i) for i, code in enumerate(codes)]
    text = shown(frame(state="FAULT", alarms=alarms), width=80, height=24)
    boxes, _, rest = text.partition("more: ")

    assert boxes.rstrip("+0123456789").count("╭") == boxes.count("!!! HIGH") + boxes.count("!! M")
    assert "!!! HIGH" in boxes
    assert "HIGH" not in rest
    assert "!! MEDIUM" in rest.splitlines()[0]


def test_areas_give_way_to_the_one_that_is_treated() -> None:
    """Of forty areas a terminal shows some, the present one among them, and counts the rest."""
    for name in ("area 00", "area 20", "area 39"):
        now = CURRENT | {"area": name}
        text = shown(frame(current=now), PLANS[40], width=80, height=24)
        visible = sum(f"area {i:02d}" in text.partition("RUNNING")[0] for i in range(40))

        assert name in text
        assert 10 <= visible < 40
        assert f"+{40 - visible} more areas" in text


@pytest.mark.req("SR-044")
def test_session_that_has_ended_tells_the_ways_out() -> None:
    """A, M and Q stand there, with a paused sound; the keys of a treatment do not."""
    given = frame(state="FAULT", alarms=[alarm()], is_ended=True, is_audio_paused=True)
    text = words(shown(given, width=80))

    assert "The session has ended. A: alarms seen" in text
    assert "Q, Ctrl-C: quit SOUND PAUSED" in text
    assert "Enter: go on" not in text


@pytest.mark.req("SR-025", "HZ-31", "H16")
def test_silence_of_the_control_process_is_told_plainly() -> None:
    """In words, with what the pen does meanwhile; nothing to press helps any more."""
    text = words(shown(frame(state="NO ANSWER", pen=None, age_ms=270), width=80))

    assert "NO ANSWER FROM THE CONTROL PROCESS pen: no fresh data, last heard 270 ms ago" in text
    assert "The pen stops itself by its lease." in text
    assert "Enter: go on" not in text


def test_strokes_beyond_the_plan_do_not_break_the_bar() -> None:
    """A pass that got a few strokes more shows them as they are."""
    assert "431/400" in shown(frame(current=CURRENT | {"strokes_in_contact": 431}))


def test_clock_of_the_session_runs_in_minutes() -> None:
    """Time since the beginning stands in the head."""
    assert "02:05.0" in shown(frame(), elapsed_s=125.04)
