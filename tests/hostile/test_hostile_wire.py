"""A hostile line or device between host and pen: nothing wrong is believed, nothing done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import ours, theirs
from tests.hostile.stimuli import STIMULI, Stimulus

PAGE = Path(__file__).parents[2] / "docs" / "hostile-wire.md"
SEEDS = (1, 2)
NAMES = [f"{stimulus.ids}: {stimulus.text}" for stimulus in STIMULI]
EVERY = pytest.mark.parametrize("stimulus", STIMULI, ids=NAMES)


@EVERY
@pytest.mark.req("SR-010", "SR-011", "SR-016", "W01")
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_wrong_is_believed_and_nothing_done_twice(stimulus: Stimulus, seed: int) -> None:
    """Under the stimulus all the time, from before the first order to after the STOP."""
    outcome = ours.session(stimulus, seed)

    assert ([], [], [], []) == (outcome.wrong, outcome.twice, outcome.stale, outcome.late)


@EVERY
@pytest.mark.req("SR-010", "SR-011", "SR-016", "W04")
def test_line_that_was_bad_for_a_moment_is_good_again(stimulus: Stimulus) -> None:
    """Wherever in a session it strikes once: nothing wrong, and the end of it is believed."""
    for begin in range(len(ours.SCRIPT) - 2):
        outcome = ours.session(stimulus, seed=begin, begin=begin, end=begin + 1)

        assert ([], [], [], []) == (outcome.wrong, outcome.twice, outcome.stale, outcome.late)
        # The struck one, and at most one behind it; what may not follow it is not said at all.
        assert outcome.none <= 2
        assert outcome.right >= 5


def test_harness_sees_a_good_line_as_good() -> None:
    """Without any stimulus every operation is believed, so that the others are judged fairly."""
    outcome = ours.session(STIMULI[0], seed=1)

    assert (len(ours.SCRIPT), 0) == (outcome.right, outcome.none)


@pytest.mark.parametrize(
    ("text", "retries", "is_wrong", "is_twice"),
    [
        ("nothing goes wrong", 3, False, False),
        ("random registers, CRC-16 right", 0, True, False),
        ("another function answers", 0, True, False),
        ("one register instead of all", 0, True, False),
        ("the last answer and this in one read", 0, True, False),
        ("executed, but the answer lost", 3, False, True),
    ],
)
@pytest.mark.slow
def test_harness_sees_what_a_bare_client_believes(
    text: str, retries: int, *, is_wrong: bool, is_twice: bool
) -> None:
    """A bare client errs under them: a harness that finds nothing would prove nothing."""
    stimulus = next(one for one in STIMULI if one.text == text)
    found = theirs.session(stimulus, 1, retries)

    assert (is_wrong, is_twice) == (found.wrong > 0, found.twice > 0)


def test_page_has_every_stimulus() -> None:
    """docs/hostile-wire.md was written with the stimuli that there are now."""
    page = PAGE.read_text(encoding="utf-8")

    assert [] == [s.text for s in STIMULI if f"| {s.ids} | {s.text} |" not in page]
