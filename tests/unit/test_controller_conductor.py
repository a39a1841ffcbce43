"""The guiding program's loop: keys and frames in, wants and pictures out, and STOP above all."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controller.scanloop import Timing
from controller.snapshot import snapshot
from controller.treatment.conductor import BEAT_S, POLL_S, STUCK_S, Conductor
from controller.treatment.guide import Guide
from safety.facts import Facts
from safety.memory import Decision, Memory

AREAS = [{"area": "cheek", "passes": {"granted": 2}, "depth_um": {"granted": 500}}]
CLOSED = {"type": "closed", "outcome": "completed"}


def frame(state: str = "PLANNED", **changes: Any) -> dict[str, Any]:
    """Return the frame of a scan."""
    plain = {"type": "scan", "state": state, "passes": [], "is_ready": False, "is_done": False}
    return plain | {"t_ms": 0, "current": None, "stop_reason": ""} | changes


class Stage:
    """A session, its keys and its clock: what comes, step by step, and what was said.

    Args:
        steps: For every look at the connection the frames that come, or something to be done.
        keys: For every look at the keys what was pressed.
    """

    def __init__(self, steps: list[Any], keys: list[list[str]] | None = None) -> None:
        self.steps = iter(steps)
        self.keys = iter(keys or [])
        self.said: list[tuple[str, str]] = []
        self.areas: list[str] = []
        self.beats: list[float] = []
        self.shown: list[dict[str, Any]] = []
        self.now_s = 100.0
        self.is_closed = False
        self.client = self

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now_s

    def receive(self, timeout_s: float) -> list[dict[str, Any]]:
        """Give the frames of the next step; each takes as long as the conductor would wait."""
        self.now_s += timeout_s
        step = next(self.steps)
        if callable(step):
            step()
            return []
        return list(step)

    def pressed(self) -> list[str]:
        """Give the keys of the next step."""
        return next(self.keys, [])

    def want(self, what: str, source: str, area: str = "") -> None:
        """Take a wish."""
        self.said.append((what, source))
        self.areas.append(area)

    def beat(self) -> None:
        """Take a sign of life."""
        self.beats.append(self.now_s)

    def run(self, *, alone: bool = False) -> dict[str, Any] | None:
        """Conduct."""
        guide = Guide(AREAS, is_unattended=alone)
        given: Any = self
        return Conductor(given, guide, given, self.shown.append).run()


Make = Callable[..., Stage]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make stages whose time is that of the conductor."""

    def make_one(*arguments: Any) -> Stage:
        stage = Stage(*arguments)
        monkeypatch.setattr("controller.treatment.conductor.time.monotonic", stage.monotonic)
        return stage

    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    yield make_one
    assert before == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]


def test_session_is_conducted_to_its_closing_frame(make: Make) -> None:
    """Every frame is shown, also those that come together, and the closing one is given back."""
    frames = [frame("ARMED"), frame("RUNNING"), frame("STOPPING")]
    stage = make([[frames[0]], [], [frames[1], frames[2], CLOSED, frame()]])

    assert CLOSED == stage.run()
    assert frames == stage.shown
    assert [] == stage.said


def test_unattended_session_is_pushed_on_by_the_flow(make: Make) -> None:
    """Without a person the guide's wishes come from the flow."""
    stage = make([[frame()], [frame("ARMED", is_ready=True)], [CLOSED]])
    stage.run(alone=True)

    assert [("arm", "flow"), ("start", "flow")] == stage.said


@pytest.mark.req("SR-033", "HZ-19")
def test_wish_names_the_area_of_the_frame_that_was_seen(make: Make) -> None:
    """A start is for the area on the screen, and for no other."""
    shown = {"area": "cheek", "number": 1}
    stage = make([[frame()], [frame("ARMED", is_ready=True, current=shown)], [CLOSED]])
    stage.run(alone=True)

    assert ["", "cheek"] == stage.areas


def test_key_is_wanted_with_the_next_frame(make: Make) -> None:
    """What is pressed is a key's wish."""
    stage = make([[frame()], [frame("ARMED", is_ready=True)], [CLOSED]], [["go"], ["go"]])
    stage.run()

    assert [("arm", "key"), ("start", "key")] == stage.said


def test_key_that_was_pressed_while_no_frame_came_is_not_lost(make: Make) -> None:
    """A pause waits for the frame that it is about, and is said once."""
    stage = make([[], [], [frame("RUNNING")], [frame("RUNNING")], [CLOSED]], [["pause"]])
    stage.run()

    assert [("pause", "key")] == stage.said


@pytest.mark.req("SR-005", "SR-013")
def test_stop_key_is_said_at_once_and_every_time(make: Make) -> None:
    """STOP waits for no frame, is repeated when pressed again, and is the last wish of all."""
    keys = [["go", "stop"], [], ["stop"], ["go"], ["pause"]]
    stage = make([[], [frame()], [], [frame()], [frame("RUNNING")], [CLOSED]], keys)
    stage.run(alone=True)

    assert [("stop", "key"), ("stop", "key")] == stage.said


@pytest.mark.req("SR-005", "SR-013", "SR-044", "H10")
@pytest.mark.parametrize("keys", list(itertools.permutations(["seen", "mute", "stop"])))
def test_stop_key_wins_over_keys_for_alarms(make: Make, keys: tuple[str, ...]) -> None:
    """In whatever order A, M and STOP are pressed at once, STOP is all that is said."""
    stage = make([[frame("RUNNING")], [frame("RUNNING")], [CLOSED]], [list(keys)])
    stage.run()

    assert [("stop", "key")] == stage.said


@pytest.mark.req("SR-044", "H17")
def test_alarm_keys_are_wanted_with_the_next_frame(make: Make) -> None:
    """A and M are wishes of the keys, each of its own frame."""
    stage = make([[frame("FAULT")], [frame("FAULT")], [CLOSED]], [["seen"], ["mute"]])
    stage.run()

    assert [("acknowledge", "key"), ("pause-audio", "key")] == stage.said


@pytest.mark.req("SR-044", "H17")
def test_alarms_can_be_acknowledged_after_a_stop(make: Make) -> None:
    """Whoever hits Space first reads the alarms afterwards; nothing else is wanted any more."""
    keys = [["stop"], ["seen"], ["mute"], ["go"], ["pause"]]
    frames: list[Any] = [[frame("FAULT", is_ended=True)]] * 4
    stage = make([[frame("RUNNING")], *frames, [CLOSED]], keys)
    stage.run()

    assert [("stop", "key"), ("acknowledge", "key"), ("pause-audio", "key")] == stage.said


@pytest.mark.req("SR-005", "SR-044")
@pytest.mark.parametrize(
    ("is_ended", "key", "wanted"),
    [
        (False, "quit", "stop"),
        (False, "stop", "stop"),
        (True, "quit", "finish"),
        (True, "stop", "stop"),
    ],
)
def test_quit_is_a_stop_until_the_session_has_ended(
    make: Make, key: str, wanted: str, *, is_ended: bool
) -> None:
    """Q never leaves needles running; it lets go of a session that has ended, Space does not."""
    stage = make([[frame("FAULT", is_ended=is_ended)], [], [CLOSED]], [[], [key]])
    stage.run()

    assert [(wanted, "key")] == stage.said


@pytest.mark.req("SR-044")
def test_signal_lets_go_of_a_session_that_has_ended(make: Make) -> None:
    """Ctrl-C is the way out of alarms that nobody acknowledges."""
    ended = [frame("FAULT", is_ended=True)]
    stage = make([ended, lambda: os.kill(os.getpid(), signal.SIGINT), [CLOSED]])
    stage.run()

    assert [("finish", "key")] == stage.said


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_a_stop(make: Make, number: signal.Signals) -> None:
    """Ctrl-C and a polite end are STOP, and the session is conducted to its end."""
    stage = make([lambda: os.kill(os.getpid(), number), [frame()], [CLOSED]])

    assert CLOSED == stage.run(alone=True)
    assert [("stop", "key")] == stage.said


def test_beats_come_five_times_a_second(make: Make) -> None:
    """The control process hears a sign of life in time, frames or not."""
    stage = make([[] for _ in range(round(2.0 / POLL_S))] + [[CLOSED]])
    stage.run()

    gaps = [later - earlier for earlier, later in zip(stage.beats, stage.beats[1:], strict=False)]
    assert 100.0 == stage.beats[0]
    assert len(gaps) >= 8
    assert all(BEAT_S <= gap + 1e-9 and gap <= BEAT_S + POLL_S + 1e-9 for gap in gaps)


def test_silent_control_process_is_given_up(make: Make) -> None:
    """After three seconds without a frame there is no closing frame to wait for."""
    stage = make([[frame()]] + [[] for _ in range(1_000)])

    assert stage.run() is None
    assert STUCK_S < stage.now_s - 100.0 < STUCK_S + 0.3


def test_control_process_that_hung_up_is_given_up_at_once(make: Make) -> None:
    """A closed connection without a closing frame is an end too."""
    stage = make([])
    stage.steps = iter([[frame()], lambda: setattr(stage, "is_closed", True), [CLOSED]])

    assert stage.run() is None


def test_signals_are_given_back_after_an_error(make: Make) -> None:
    """A view that breaks does not leave STOP handlers behind."""
    stage = make([[{"type": "scan"}]])
    with pytest.raises(KeyError):
        stage.run()


@pytest.mark.req("SR-025", "HZ-31", "H16")
def test_silence_is_shown_as_silence_and_not_as_the_last_measurement(make: Make) -> None:
    """After a quarter of a second without a frame nothing is live; alarms stay to be seen."""
    alarms = [{"code": "over-depth"}]
    running = frame("RUNNING", pen={"depth_um": 500}, age_ms=5, alarms=alarms)
    silences: list[list[Any]] = [[]] * (round(0.25 / POLL_S) + 2)
    stage = make([[running], *silences, [CLOSED]])
    stage.run()

    last = stage.shown[-1]
    assert ("NO ANSWER", None, alarms) == (last["state"], last["pen"], last["alarms"])
    assert last["age_ms"] > 250
    assert running == stage.shown[0]


@pytest.mark.req("SR-025", "HZ-31", "H16")
def test_last_picture_of_a_process_that_died_shows_that_nobody_answers(make: Make) -> None:
    """A picture that stands as if all were well is not the last one, whatever came before it."""
    stage = make([])
    running = frame("RUNNING", pen={"depth_um": 500}, age_ms=5)
    stage.steps = iter([[running], lambda: setattr(stage, "is_closed", True)])
    stage.run()

    last = stage.shown[-1]
    assert ("NO ANSWER", None) == (last["state"], last["pen"])
    assert stage.now_s - 100.0 < 0.3


@pytest.mark.req("SR-044")
def test_silence_from_the_beginning_has_every_name_of_a_frame(make: Make, facts: Facts) -> None:
    """A picture can be drawn of a process that never said anything: its names are a frame's."""
    silences: list[list[Any]] = [[]] * (round(0.25 / POLL_S) + 2)
    stage = make([*silences, [CLOSED]])
    stage.run()
    whole = snapshot(Decision(Memory(), None, (), ()), facts, Timing(), 10_100)

    unused = {"v", "is_latched", "late_ms_max", "scans"}
    assert set(whole) - unused == set(stage.shown[-1])
    assert [] == stage.shown[-1]["alarms"]
