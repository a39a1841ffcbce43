"""What the guiding program wants: one small step at a time, never twice, and nothing by itself."""

from __future__ import annotations

from typing import Any

import pytest

from controller.ipc import _WISHES
from controller.treatment.guide import (
    AGAIN_MS,
    HINTS,
    Guide,
    counted,
    hint,
    label,
    millimetres,
    next_pass,
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


def frame(state: str, **changes: Any) -> dict[str, Any]:
    """Return the frame of a scan in that state."""
    plain = {"state": state, "passes": LEFT, "is_ready": False, "t_ms": 5_000, "current": None}
    return plain | {"stop_reason": ""} | changes


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


@pytest.mark.req("SR-006")
def test_nothing_is_resumed_armed_or_reset_by_itself() -> None:
    """Without a key a person at the pen sees nothing move, and nobody ever resumes or resets."""
    for state in State:
        for is_ready in (False, True):
            for passes in ([], LEFT, ALL):
                given = {"is_ready": is_ready, "passes": passes}
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
        for keys in KEYS
        for alone in (False, True)
        for is_ready in (False, True)
        for want in wants(state.name, keys, alone=alone, is_ready=is_ready)
    }

    assert {"arm", "start", "pause", "pass-done", "resume", "stop"} == wanted
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


def test_every_hint_and_label_belongs_to_a_state() -> None:
    """No text waits for a state that does not exist."""
    names = {state.name for state in State}

    assert set(HINTS) <= names
    assert "STARTING" == label("UNKNOWN_OUTCOME")
    assert names - {"UNKNOWN_OUTCOME"} == {label(n) for n in names} - {"STARTING"}


@pytest.mark.parametrize(
    ("depth_um", "shown"),
    [(None, "-"), (0, "0.00"), (250, "0.25"), (1_004, "1.00"), (2_500, "2.50"), (-12, "-0.01")],
)
def test_depth_is_shown_in_millimetres_or_as_a_dash(depth_um: int | None, shown: str) -> None:
    """Two decimals, as people read a protrusion; unknown is a dash, not a zero."""
    assert shown == millimetres(depth_um)
