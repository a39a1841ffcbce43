"""What the guiding program wants: one small step at a time, never twice, and nothing by itself."""

from __future__ import annotations

from typing import Any

import pytest

from controller.ipc import _WISHES
from controller.treatment.guide import (
    AGAIN_MS,
    HINTS,
    NO_ANSWER,
    Guide,
    counted,
    hint,
    label,
    millimetres,
    next_pass,
    urgency,
)
from safety.ledger import Outcome
from safety.states import State

AREAS = [
    {"area": name, "passes": {"granted": passes}, "depth_um": {"granted": depth_um}}
    for name, passes, depth_um in (("forehead", 2, 500), ("cheek", 1, 1_250))
]
LEFT = [{"area": "forehead", "number": 1, "outcome": "delivered"}]
ALL = [
    *LEFT,
    {"area": "forehead", "number": 2, "outcome": "partial"},
    {"area": "cheek", "number": 1, "outcome": "uncertain"},
]
KEYS: tuple[list[str], ...] = ([], ["go"], ["pause"], ["done"], ["go", "pause"], ["done", "go"])
ALARM_KEYS: tuple[list[str], ...] = (["seen"], ["mute"])


def frame(state: str, **changes: Any) -> dict[str, Any]:
    """Return the frame of a scan in that state."""
    plain = {"state": state, "passes": LEFT, "is_ready": False, "is_done": False, "t_ms": 5_000}
    return plain | {"current": None, "stop_reason": ""} | changes


def wants(state: str, keys: list[str], *, alone: bool, **changes: Any) -> list[str]:
    """Return what a fresh guide wants."""
    return Guide(AREAS, is_unattended=alone).wants(frame(state, **changes), keys)


@pytest.mark.parametrize(
    ("state", "keys", "attended", "unattended"),
    [
        ("PLANNED", [], [], ["arm"]),
        ("PLANNED", ["go"], ["arm"], ["arm"]),
        ("PLANNED", ["pause"], [], ["arm"]),
        ("PLANNED", ["done"], [], ["arm"]),
        ("ARMED", [], [], []),
        ("ARMED", ["go"], [], []),
        ("ARMED", ["pause"], ["pause"], ["pause"]),
        ("ARMED", ["go", "pause"], ["pause"], ["pause"]),
        ("ARMED", ["done"], [], []),
        ("UNKNOWN_OUTCOME", ["go"], [], []),
        ("UNKNOWN_OUTCOME", ["pause"], ["pause"], ["pause"]),
        ("RUNNING", [], [], []),
        ("RUNNING", ["go"], [], []),
        ("RUNNING", ["pause"], ["pause"], ["pause"]),
        ("RUNNING", ["done"], ["pass-done"], ["pass-done"]),
        ("RUNNING", ["done", "pause"], ["pause"], ["pause"]),
        ("PAUSED", [], [], ["stop"]),
        ("PAUSED", ["go"], ["resume"], ["resume"]),
        ("PAUSED", ["pause"], [], ["stop"]),
        ("STOPPING", ["go"], [], []),
        ("FAULT", ["go"], [], []),
        ("ESTOP", ["go"], [], []),
        ("IDLE", ["go"], [], []),
        ("OFFLINE", ["go"], [], []),
        ("IDENTIFYING", ["go"], [], []),
    ],
)
def test_guide_wants_what_the_table_says(
    state: str, keys: list[str], attended: list[str], unattended: list[str]
) -> None:
    """By state and keys, with a person at the keys and without."""
    assert attended == wants(state, keys, alone=False)
    assert unattended == wants(state, keys, alone=True)


@pytest.mark.parametrize("alone", [False, True])
def test_start_is_wanted_only_once_the_needles_have_settled(*, alone: bool) -> None:
    """ARMED alone is not enough; the frame must say that START makes sense."""
    assert [] == wants("ARMED", ["go"], alone=alone, is_ready=False)
    assert ["start"] == wants("ARMED", ["go"], alone=alone, is_ready=True)
    assert (["start"] if alone else []) == wants("ARMED", [], alone=alone, is_ready=True)


@pytest.mark.parametrize("alone", [False, True])
def test_session_is_finished_when_every_pass_counts(*, alone: bool) -> None:
    """Delivered, partial and uncertain passes count, and then nothing is armed any more."""
    for keys in KEYS:
        assert ["finish"] == wants("PLANNED", keys, alone=alone, passes=ALL)


@pytest.mark.req("SR-007")
@pytest.mark.parametrize("alone", [False, True])
def test_session_is_finished_when_no_dose_is_left(*, alone: bool) -> None:
    """Passes may be left on paper: what the core will not arm any more is not waited for."""
    for keys in KEYS:
        assert ["finish"] == wants("PLANNED", keys, alone=alone, is_done=True, passes=[])


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("state", State)
def test_alarms_are_acknowledged_and_their_sound_paused_in_every_state(
    state: State, *, alone: bool
) -> None:
    """A and M mean the same wherever the machine stands, every time, and A goes before M."""
    guide = Guide(AREAS, is_unattended=alone)
    for keys, wanted in (
        (["seen"], "acknowledge"),
        (["mute"], "pause-audio"),
        (["mute", "seen"], "acknowledge"),
    ):
        assert [[wanted]] * 3 == [guide.wants(frame(state.name), keys) for _ in range(3)]


@pytest.mark.req("SR-006", "SR-044")
def test_keys_for_alarms_move_nothing() -> None:
    """Whoever acknowledges with Enter still held neither arms nor starts in the same moment."""
    for key in ("seen", "mute"):
        for state in ("PLANNED", "ARMED", "PAUSED"):
            said = wants(state, [key, "go"], alone=False, is_ready=True)
            assert said in (["acknowledge"], ["pause-audio"])


@pytest.mark.req("SR-044", "H17")
@pytest.mark.parametrize("key", ["seen", "mute"])
@pytest.mark.parametrize("word", ["pause", "done"])
def test_pause_is_not_lost_behind_a_key_for_alarms(key: str, word: str) -> None:
    """P or D pressed within the same frame as A or M still stops the needles."""
    wanted = {"pause": "pause", "done": "pass-done"}[word]

    assert wanted in wants("RUNNING", [key, word], alone=False)


@pytest.mark.req("SR-006", "SR-034", "HZ-75")
def test_nothing_is_resumed_armed_or_reset_by_itself() -> None:
    """Without a key a person at the pen sees nothing move, and nobody ever resumes or resets."""
    for state in State:
        for is_ready in (False, True):
            for passes in ([], LEFT, ALL):
                given = {"is_ready": is_ready, "is_done": False, "passes": passes}
                assert wants(state.name, [], alone=False, **given) in ([], ["finish"])
                for keys in ([], ["pause"], ["done"]):
                    assert not {"resume", "reset"} & set(
                        wants(state.name, keys, alone=True, **given)
                    )


def test_guide_wants_only_what_the_control_process_knows() -> None:
    """Every want is a word of `controller.ipc`."""
    wanted = {
        want
        for state in State
        for keys in KEYS + ALARM_KEYS
        for alone in (False, True)
        for is_ready in (False, True)
        for want in wants(state.name, keys, alone=alone, is_ready=is_ready)
    }

    moving = {"arm", "start", "pause", "pass-done", "resume", "stop"}
    assert moving | {"acknowledge", "pause-audio"} == wanted
    assert wanted - {"stop"} <= set(_WISHES)


@pytest.mark.parametrize("alone", [False, True])
def test_wish_is_not_repeated_for_the_same_sight(*, alone: bool) -> None:
    """Twenty frames a second that show the same are one wish; later it may be said again."""
    guide = Guide(AREAS, is_unattended=alone)
    keys = ["go"]
    said = [
        guide.wants(frame("PLANNED", t_ms=5_000 + 50 * i), keys) for i in range(AGAIN_MS // 50 + 1)
    ]

    assert [["arm"], *[[]] * (AGAIN_MS // 50 - 1), ["arm"]] == said


def test_wish_is_new_when_the_sight_is() -> None:
    """Another state, or one pass more, is another sight, however soon it comes."""
    guide = Guide(AREAS, is_unattended=True)

    assert ["arm"] == guide.wants(frame("PLANNED"), [])
    assert ["start"] == guide.wants(frame("ARMED", is_ready=True), [])
    assert [] == guide.wants(frame("RUNNING"), [])
    again = [*LEFT, {"area": "forehead", "number": 2, "outcome": "delivered"}]
    assert ["arm"] == guide.wants(frame("PLANNED", passes=again), [])


def test_pause_and_done_are_never_held_back() -> None:
    """What slows or ends a pass is passed on every time it is pressed."""
    guide = Guide(AREAS, is_unattended=False)

    assert [["pause"]] * 3 == [guide.wants(frame("RUNNING"), ["pause"]) for _ in range(3)]
    assert [["pass-done"]] * 3 == [guide.wants(frame("RUNNING"), ["done"]) for _ in range(3)]


@pytest.mark.parametrize("outcome", Outcome)
def test_pass_counts_here_as_it_counts_in_the_ledger(outcome: Outcome) -> None:
    """Screen and safety agree on which passes are left."""
    passes = [{"area": "cheek", "number": 1, "outcome": str(outcome)}]

    assert (outcome is not Outcome.NOT_DELIVERED) == counted(passes, "cheek")
    assert 0 == counted(passes, "forehead")


def test_next_pass_follows_the_plan() -> None:
    """Area by area in the order of the plan, until all are delivered."""
    assert ("forehead", 1) == next_pass({"passes": []}, AREAS)
    assert ("forehead", 2) == next_pass({"passes": LEFT}, AREAS)
    assert ("cheek", 1) == next_pass({"passes": ALL[:2]}, AREAS)
    assert next_pass({"passes": ALL}, AREAS) is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("passes", [[], LEFT, ALL])
def test_hint_is_whole_in_every_state(state: State, passes: list[dict[str, Any]]) -> None:
    """Whatever is at hand or left, the line holds no gap, and a reason may hold any character."""
    current = {"area": "cheek", "number": 1}
    for at_hand in (None, current):
        text = hint(
            frame(state.name, passes=passes, current=at_hand, stop_reason="a {b} [c]"), AREAS
        )
        assert "{area}" not in text
        assert state.name not in ("FAULT", "PAUSED") or "a {b} [c]" in text


def test_hint_names_area_pass_and_depth() -> None:
    """The person at the pen reads where to put it and how deep the needles stand."""
    wanted = "Put the pen to forehead, pass 2 of 2. Enter: set the needles"
    assert wanted == hint(frame("PLANNED"), AREAS)
    assert "All passes are delivered." == hint(frame("PLANNED", passes=ALL), AREAS)
    armed = hint(frame("ARMED", current={"area": "cheek", "number": 1}), AREAS)
    assert "Needles at 1.25 mm for cheek. Enter: start" == armed


@pytest.mark.req("SR-044")
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("state", State)
def test_session_that_has_ended_wants_nothing_but_its_alarms_seen(
    state: State, *, alone: bool
) -> None:
    """Whatever is pressed, nothing is armed, started or resumed while the alarms are read."""
    given = {"is_ended": True, "is_ready": True}
    for keys in ([], ["go"]):
        assert [] == wants(state.name, keys, alone=alone, **given)
    assert ["acknowledge"] == wants(state.name, ["seen"], alone=alone, **given)


@pytest.mark.req("SR-044")
def test_information_is_called_so_and_no_priority_none() -> None:
    """A signal that is no alarm has a word for people; the other priorities are words already."""
    assert "i INFORMATION" == urgency({"symbol": "i", "priority": "NONE"})
    assert "!!! HIGH" == urgency({"symbol": "!!!", "priority": "HIGH"})


@pytest.mark.req("SR-013")
def test_hint_of_an_emergency_stop_says_why_and_what_to_do() -> None:
    """Whoever pressed it, or nobody: the reason, and the switch if the needles still run."""
    text = hint(frame("ESTOP", stop_reason="stopped by pedal"), AREAS)

    assert text.startswith("EMERGENCY STOP: stopped by pedal.")
    assert "switch it off by hand" in text


def test_every_hint_and_label_belongs_to_a_state() -> None:
    """No text waits for a state that does not exist."""
    names = {state.name for state in State}

    assert set(HINTS) <= names | {NO_ANSWER}
    assert "STARTING" == label("UNKNOWN_OUTCOME")
    assert names - {"UNKNOWN_OUTCOME"} == {label(n) for n in names} - {"STARTING"}


@pytest.mark.parametrize(
    ("depth_um", "shown"),
    [(None, "-"), (0, "0.00"), (250, "0.25"), (1_004, "1.00"), (2_500, "2.50"), (-12, "-0.01")],
)
def test_depth_is_shown_in_millimetres_or_as_a_dash(depth_um: int | None, shown: str) -> None:
    """Two decimals, as people read a protrusion; unknown is a dash, not a zero."""
    assert shown == millimetres(depth_um)
