"""Lines and live screen: what is printed, when, and that nothing is printed twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.config import Home
from controller.scanloop import Timing
from controller.snapshot import snapshot
from controller.treatment.parting import Place
from controller.treatment.views import SILENT, LineView, ScreenView
from safety.alarms import NO_ALARMS, Priority, priority_of
from safety.alarms_signals import TONES
from safety.causes import CATALOGUE, Cause, CauseCode
from safety.facts import Facts
from safety.memory import Decision, Memory
from safety.states import State

AREA = {
    "area": "cheek",
    "depth_um": {"granted": 1_250},
    "speed_dhz": {"granted": 1_000},
    "passes": {"granted": 2},
    "depth_limit": {"source": "cheek limit", "high": 1_500},
}
READY = {"plan": "Face", "serial_number": 42, "simulated": True, "session": "s-1", "areas": [AREA]}
CURRENT = {
    "area": "cheek",
    "number": 1,
    "passes": 2,
    "depth_um": 1_250,
    "depth_um_max": 1_261,
    "speed_dhz": 1_000,
    "strokes_in_contact": 120,
    "strokes_total": 130,
    "strokes_per_pass": 400,
}
PEN = {"depth_um": 1_247, "speed_dhz": 998, "current_ma": 2, "has_contact": True, "state": "RUN"}
ALARM = {
    "code": "over-depth",
    "priority": "HIGH",
    "symbol": "!!!",
    "colour": "red",
    "is_lit": True,
    "text": "too deep",
    "pen": "The pen stops.",
    "next": "Look.",
    "is_present": True,
    "is_acknowledged": False,
    "is_escalated": False,
}
ALARM_LINE = "!!! HIGH: too deep. The pen stops. Look."
HOME = Home(Path("/data"))
REPORT = Path("/data/reports/s-1.html")
CLOSED = {"outcome": "stopped", "reason": "stopped by key", "link_failure": "", "causes": []}
PLACE = Place("s-1", "face.toml", "/dev/pts/7")


def frame(**changes: Any) -> dict[str, Any]:
    """Return the frame of a pen that treats the cheek."""
    plain = {"state": "RUNNING", "current": CURRENT, "passes": [], "pen": PEN, "causes": []}
    quiet = {"alarms": [], "is_sounding": False, "burst_ms": None, "is_audio_paused": False}
    return plain | quiet | {"stop_reason": "", "age_ms": 3} | changes


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what was printed since the last call, without the times."""
    out = capsys.readouterr().out.splitlines()
    return [line.partition(" s  ")[2] for line in out]


@pytest.mark.parametrize("is_simulated", [True, False])
def test_first_lines_say_who_treats_what_with_which_pen(
    capsys: pytest.CaptureFixture[str], *, is_simulated: bool
) -> None:
    """Plan, pen and session stand first, then every area with its depth and the limit on it."""
    with LineView(READY | {"simulated": is_simulated}):
        head, area = lines(capsys)

    assert is_simulated == ("SIMULATED PEN 42" in head)
    assert all(word in head for word in ("Face", "42", "s-1"))
    assert all(word in area for word in ("cheek", "1.25 mm", "100 strokes/s", "passes 2"))
    assert "cheek limit 1.50 mm" in area


def test_change_is_one_line_with_depth_beside_its_area(capsys: pytest.CaptureFixture[str]) -> None:
    """Area, set depth and measured depth stand in one line; the same sight is not told again."""
    view = LineView(READY)
    view.show(frame())
    (line,) = lines(capsys)
    view.show(frame(pen=PEN | {"depth_um": 1_200}))

    assert line.startswith("RUNNING")
    assert line.index("cheek") < line.index("1.25 mm set") < line.index("1.25 mm measured")
    assert [] == lines(capsys)


@pytest.mark.req("SR-044", "H17")
def test_new_state_pass_or_alarm_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each of them is a change, and an alarm comes with what the pen does and what to do next."""
    view = LineView(READY)
    for changed in (
        frame(),
        frame(state="STOPPING"),
        frame(state="STOPPING", current=CURRENT | {"number": 2}),
        frame(state="STOPPING", current=None),
    ):
        view.show(changed)
        assert 1 == len(lines(capsys))
    view.show(frame(state="STOPPING", current=None, alarms=[ALARM]))

    assert ["STOPPING   1.25 mm measured", ALARM_LINE][1:] == lines(capsys)[1:]


@pytest.mark.req("SR-044")
def test_alarm_is_told_once_and_again_when_it_was_acknowledged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A light that goes on and off is no change in plain lines; that somebody saw it is one."""
    view = LineView(READY)
    view.show(frame(alarms=[ALARM]))
    assert ALARM_LINE in lines(capsys)
    for is_lit in (False, True, False):
        view.show(frame(alarms=[ALARM | {"is_lit": is_lit}]))
    assert [] == lines(capsys)

    view.show(frame(alarms=[ALARM | {"is_acknowledged": True}]))
    assert ALARM_LINE in lines(capsys)
    view.show(frame())
    assert ALARM_LINE not in lines(capsys)


@pytest.mark.req("SR-044")
def test_every_alarm_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Two alarms at once are both told, the more urgent one first."""
    low = ALARM | {"code": "no-contact", "priority": "LOW", "symbol": "!", "text": "no skin"}
    LineView(READY).show(frame(alarms=[ALARM, low]))

    assert [ALARM_LINE, "! LOW: no skin. The pen stops. Look."] == lines(capsys)[1:]


def bells(capsys: pytest.CaptureFixture[str], frames: Iterable[dict[str, Any]]) -> int:
    """Return how often the terminal rings over these frames."""
    with ScreenView(READY) as view:
        for one in frames:
            view.show(one)
    return capsys.readouterr().out.count("\a")


@pytest.mark.req("SR-044", "H17")
def test_bell_rings_when_a_sound_begins_and_not_again_while_it_lasts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pulse that twenty frames a second show is one ring, and silence is none."""
    pulse = [frame(alarms=[ALARM], is_sounding=True, burst_ms=0)] * 3
    silence = [frame(alarms=[ALARM], is_sounding=False, burst_ms=0)] * 60

    assert 1 == bells(capsys, pulse)
    later = [one | {"burst_ms": 5_000} for one in pulse]
    assert 1 == bells(capsys, [*pulse, *silence, *pulse])
    assert 2 == bells(capsys, [*pulse, *silence, *later])
    assert 0 == bells(capsys, [frame(alarms=[ALARM | {"is_lit": lit}]) for lit in (True, False)])


def heard(code: CauseCode, facts: Facts, until_ms: int) -> Iterator[dict[str, Any]]:
    """Yield the frames of an alarm that nobody acknowledges, 50 ms apart."""
    alarms = NO_ALARMS.update((Cause(code, ""),), 0)
    for now_ms in range(0, until_ms, 50):
        decision = Decision(Memory(alarms=alarms), None, (), ())
        yield frame() | snapshot(decision, facts, Timing(), now_ms)


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.MEDIUM])
def test_bell_rings_once_for_every_burst(
    capsys: pytest.CaptureFixture[str], facts: Facts, priority: Priority
) -> None:
    """A burst of ten or three pulses is one ring, and the next burst is the next."""
    code = next(code for code, kind in CATALOGUE.items() if priority_of(kind) is priority)
    period_ms = TONES[priority].period_ms

    assert 1 == bells(capsys, heard(code, facts, period_ms))
    assert 3 == bells(capsys, heard(code, facts, 3 * period_ms))


@pytest.mark.req("SR-025")
def test_line_without_fresh_data_holds_no_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known is left out."""
    LineView(READY).show(frame(pen=None))

    assert "measured" not in lines(capsys)[0]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("pen", [None, PEN, PEN | {"depth_um": None}])
@pytest.mark.parametrize("current", [None, CURRENT])
def test_every_frame_can_be_shown_in_both_ways(
    state: State, pen: dict[str, Any] | None, current: dict[str, Any] | None
) -> None:
    """No state and no gap in what is known breaks a view."""
    given = frame(state=state.name, pen=pen, current=current, alarms=[ALARM])
    LineView(READY).show(given)
    with ScreenView(READY) as view:
        view.show(given)


@pytest.mark.parametrize("view", [LineView, ScreenView])
def test_last_lines_say_how_it_ended_and_where_everything_lies(
    capsys: pytest.CaptureFixture[str], view: type[LineView]
) -> None:
    """Outcome, reason, a lost link in its own words, pen, next step, record and report."""
    view(READY).end(CLOSED | {"link_failure": "no such device"}, 4, HOME, REPORT, PLACE)
    out = capsys.readouterr().out

    for text in ("s-1", "stopped: stopped by key", "no such device", str(HOME.records_db)):
        assert text in out
    assert "Pen     seen at rest" in out
    assert f"Next    Go on with what is left: {PLACE.resume}" in out
    assert str(REPORT) in out


def test_control_process_that_went_silent_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a closing frame the operator reads what the pen is doing, and how to go on."""
    LineView(READY).end(None, 5, HOME, REPORT, PLACE)
    out = capsys.readouterr().out

    for text in (SILENT, "by its own lease", "--resume s-1", "penpilot records close s-1"):
        assert text in out


@pytest.mark.req("SR-025", "SR-044")
def test_picture_of_a_new_state_is_drawn_without_waiting_for_its_turn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That nobody answers is on the screen as soon as it is known; else twelve pictures do."""
    drawn: list[str] = []
    with ScreenView(READY) as view:
        really = view._live.update

        def update(picture: Any, *, refresh: bool) -> None:
            drawn.append(f"{refresh}")
            really(picture, refresh=refresh)

        monkeypatch.setattr(view._live, "update", update)
        for state in ("RUNNING", "RUNNING", "NO ANSWER", "NO ANSWER"):
            view.show(frame(state=state))
    del capsys

    assert ["True", "False", "True", "False"] == drawn


@pytest.mark.req("SR-044")
def test_information_is_no_alarm_of_priority_none(capsys: pytest.CaptureFixture[str]) -> None:
    """The button on the pen is told as information."""
    told = ALARM | {"code": "pen-button", "priority": "NONE", "symbol": "i"}
    LineView(READY).show(frame(alarms=[told]))

    assert "i INFORMATION: too deep. The pen stops. Look." == lines(capsys)[1]
