"""Dose, link and host: strokes, dwell, damaged answers, another pen, late scans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from safety.facts import PenIdentity
from safety.ledger import Ledger, Outcome, Pass
from safety.monitors.rack import find_causes, measure
from safety.monitors.view import View
from safety.states import PenState, State
from tests.unit.tape import NOW_MS, PLAN, Tape

RUN = {"state": PenState.RUN, "is_driven": True, "depth_um": 750, "speed_dhz": 1_000}
ARMED = {"state": PenState.READY, "depth_um": 750, "is_settled": True}


def details(tape: Tape, now_ms: int = NOW_MS) -> dict[str, str]:
    """Return the active causes with their numbers."""
    view = View(tape.memory, tape.facts, now_ms)
    return {str(cause.code): cause.detail for cause in find_causes(view)}


def with_plan(tape: Tape, **changes: Any) -> None:
    """Let another plan be at hand."""
    assert tape.memory.current is not None
    tape.memory.current.plan = replace(PLAN, **changes)


@pytest.mark.req("SR-032", "SR-039")
@pytest.mark.parametrize(
    ("strokes", "found"),
    [
        (19_999, {}),
        (20_000, {"dose-near": "a: 20000 of 40000 strokes"}),
        (39_999, {"dose-near": "a: 39999 of 40000 strokes"}),
        (
            40_000,
            {
                "dose-near": "a: 40000 of 40000 strokes",
                "dose-reached": "a: 40000 of 40000 strokes",
            },
        ),
    ],
)
@pytest.mark.parametrize("before", [0, 15_000])
def test_dose_is_warned_of_at_half_and_paused_at_the_whole(
    strokes: int, found: dict[str, str], before: int, tape: Tape
) -> None:
    """Other passes over the area count, other areas and this pass's own entry do not."""
    passes = (
        Pass("a", 1, Outcome.PARTIAL, 7),
        Pass("a", 2, Outcome.DELIVERED, before),
        Pass("b", 1, Outcome.DELIVERED, 9_999),
    )
    tape.memory.ledger = Ledger(passes)
    assert tape.memory.current is not None
    tape.memory.current.strokes_in_contact = strokes - before
    tape.play(**RUN)

    doses = {code: text for code, text in details(tape).items() if code.startswith("dose")}

    assert found == doses


def test_dose_is_asked_of_the_ledger_once_a_run(tape: Tape) -> None:
    """What other passes gave does not change while this one runs."""
    tape.play(**RUN)
    tape.memory.ledger = Ledger((Pass("a", 2, Outcome.DELIVERED, 40_000),))
    during = tape.play()
    tape.play(is_driven=False)
    between = tape.watch.dose_before
    after = tape.play(is_driven=True)

    assert "dose-reached" not in during
    assert between is None
    assert "dose-reached" in after


def test_dose_and_dwell_need_a_pass(tape: Tape) -> None:
    """Without one there is no area."""
    tape.play(2, **(RUN | {"has_contact": True}))
    before = (tape.watch.contact_ms, tape.watch.contact_strokes, tape.watch.dose_before)
    tape.memory.current = None
    silent = details(tape)
    tape.play()
    after = (tape.watch.contact_ms, tape.watch.contact_strokes, tape.watch.dose_before)

    assert (100, 5, 0) == before
    assert (0, 0, None) == after
    assert not {"dwell", "dose-near", "dose-reached"} & set(silent)


@pytest.mark.req("SR-039", "SR-042")
@pytest.mark.parametrize(
    ("strokes_per_pass", "longest_ms"), [(200, 3_000), (999, 14_985), (1_001, 15_000)]
)
def test_contact_without_a_lift_is_reported(
    strokes_per_pass: int, longest_ms: int, tape: Tape
) -> None:
    """15 s are allowed, or half as long again as the strokes of the pass take at its speed."""
    with_plan(tape, strokes_per_pass=strokes_per_pass)
    tape.play(ms=1, **RUN)
    whole, rest = divmod(longest_ms, 50)
    tape.play(whole, has_contact=True)
    at_bound = tape.play(ms=rest) if rest else tape.play(0 + 1, ms=0, tick_ms=9)
    beyond = tape.play(ms=1)

    assert "dwell" not in at_bound
    assert "dwell" in beyond
    assert details(tape)["dwell"].endswith(f" in {longest_ms + 1} ms, allowed {longest_ms} ms")


def test_lifting_the_pen_begins_anew(tape: Tape) -> None:
    """One telemetry without contact is a lift; so is a motor that is off."""
    tape.play(10, **(RUN | {"has_contact": True}))
    tape.play(has_contact=False)
    lifted = (tape.watch.contact_ms, tape.watch.contact_strokes)
    tape.play(10, has_contact=True)
    tape.play(is_driven=False)

    assert (0, 0) == lifted
    assert (0, 0) == (tape.watch.contact_ms, tape.watch.contact_strokes)


@pytest.mark.req("SR-032")
@pytest.mark.parametrize(("strokes", "is_over"), [(40_000, False), (40_001, True)])
def test_strokes_of_one_contact_never_exceed_the_dose_of_the_area(
    strokes: int, is_over: bool, tape: Tape
) -> None:
    """They are counted here once more, whatever the ledger says; the counter may wrap."""
    tape.play(**(RUN | {"strokes": 2**32 - 1}))
    found = tape.play(has_contact=True, strokes=strokes - 1)

    assert strokes == tape.watch.contact_strokes
    assert is_over == ("dwell" in found)


@pytest.mark.parametrize(("run_ms", "is_long"), [(299_999, 0), (300_000, 0), (300_001, 1)])
def test_pass_is_reported_after_300_s_of_running(run_ms: int, is_long: int, tape: Tape) -> None:
    """Earlier parts do not count: whoever resumed has looked, and must not be paused at once."""
    assert tape.memory.current is not None
    tape.memory.current.run_ms = 100_000

    found = details(tape, NOW_MS + run_ms)
    tape.memory.current.begun_ms = None

    assert (f"{run_ms} ms" if is_long else None) == found.get("pass-too-long")
    assert "pass-too-long" not in details(tape, NOW_MS + run_ms)


def test_time_of_a_pass_needs_a_pass(tape: Tape) -> None:
    """Without one there is no time to be long."""
    tape.memory.current = None

    assert not {"pass-too-long", "no-contact"} & set(details(tape, 1_000_000))


def hear(tape: Tape, errors: int, now_ms: int) -> set[str]:
    """Let the link have counted so many damaged answers by then."""
    tape.facts = replace(tape.facts, link_errors=errors)
    view = View(tape.memory, tape.facts, now_ms)
    measure(view)
    return {str(cause.code) for cause in find_causes(view)}


@pytest.mark.req("SR-043", "W07")
@pytest.mark.parametrize(
    ("times", "is_many"),
    [
        ((0, 1, 2), False),
        ((0, 1, 2, 1_000), True),
        ((0, 1, 2, 1_001), False),
        ((0, 500, 1_001, 1_002, 1_500), True),
        ((0, 500, 1_001, 1_002, 1_501), False),
    ],
)
def test_more_than_three_damaged_answers_within_a_second_pause(
    times: tuple[int, ...], is_many: bool, tape: Tape
) -> None:
    """The window slides: any four within 1,000 ms count."""
    found = [hear(tape, n, 20_000 + ms) for n, ms in enumerate(times, 1)]

    assert is_many == ("link-errors" in found[-1])
    assert not any("link-errors" in causes for causes in found[:-1])


@pytest.mark.req("SR-043")
def test_damaged_answers_are_forgotten_after_a_second(tape: Tape) -> None:
    """Four at once, then silence; a count that falls begins anew."""
    at_once = hear(tape, 4, 20_000)
    details_then = details(tape, 20_000)

    assert "link-errors" in at_once
    assert "4 or more within 1000 ms" == details_then["link-errors"]
    assert "link-errors" in hear(tape, 4, 21_000)
    assert "link-errors" not in hear(tape, 4, 21_001)
    assert "link-errors" not in hear(tape, 0, 21_002)
    assert 0 == tape.watch.link_errors
    assert "link-errors" not in hear(tape, 3, 22_500)
    assert "link-errors" in hear(tape, 4, 22_501)


@pytest.mark.req("SR-043")
@pytest.mark.parametrize(("last_ms", "is_bad"), [(600_000, True), (600_001, False)])
def test_more_than_twenty_within_ten_minutes_are_a_fault(
    last_ms: int, is_bad: bool, tape: Tape
) -> None:
    """Twenty are allowed; the twenty-first comes in time or not."""
    found = [hear(tape, n + 1, 20_000 + n * 2_000) for n in range(20)]
    last = hear(tape, 21, 20_000 + last_ms)

    assert not any("link-bad" in causes for causes in found)
    assert is_bad == ("link-bad" in last)
    assert is_bad == ("21 or more within 600000 ms" in details(tape, 20_000 + last_ms).values())


@pytest.mark.req("SR-043")
def test_flood_of_damaged_answers_is_remembered_only_as_far_as_needed(tape: Tape) -> None:
    """Twenty-one times say it all."""
    hear(tape, 1_000_000, 20_000)
    first = tape.watch.error_times
    hear(tape, 1_000_001, 20_001)

    assert (20_000,) * 21 == first
    assert (*(20_000,) * 20, 20_001) == tape.watch.error_times


@pytest.mark.req("SR-043")
@pytest.mark.parametrize("state", [State.FAULT, State.ESTOP])
def test_latched_state_counts_damaged_answers_anew(state: State, tape: Tape) -> None:
    """A person looks at the cable before anything goes on."""
    hear(tape, 21, 20_000)
    tape.memory.state = state
    found = hear(tape, 22, 20_001)

    assert () == tape.watch.error_times
    assert 22 == tape.watch.link_errors
    assert "link-bad" not in found


@pytest.mark.req("SR-020")
@pytest.mark.parametrize("epoch_changed", [False, True])
def test_restart_is_reported(epoch_changed: bool, tape: Tape) -> None:
    """Another boot number is a cause."""
    tape.facts = replace(tape.facts, epoch_changed=epoch_changed)

    assert epoch_changed == ("pen-restarted" in details(tape))


@pytest.mark.req("SR-020")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({}, None),
        ({"limits_hash": 0x9579}, "0x9579"),
        ({"limits_hash": 0x957B}, "0x957B"),
        ({"limits_hash": 0, "has_cartridge": False}, None),
    ],
)
def test_other_limits_in_a_status_are_reported(
    changes: dict[str, Any], detail: str | None, tape: Tape
) -> None:
    """A pen whose limits are not those of the grants may not go on; an empty pen has others."""
    tape.play(**changes)
    found = details(tape)
    tape.memory.identity = None

    assert detail == found.get("limits-changed")
    assert "limits-changed" not in details(tape)


@pytest.mark.req("SR-020")
@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (None, {}),
        (PenIdentity(42, 7, 0x957A, 200), {}),
        (PenIdentity(42, 8, 0x957A, 200), {}),
        (PenIdentity(43, 7, 0x957A, 200), {"identity-changed": "pen 43"}),
        (PenIdentity(41, 7, 0x957A, 200), {"identity-changed": "pen 41"}),
        (PenIdentity(42, 7, 0x957B, 200), {"limits-changed": "0x957B"}),
        (PenIdentity(42, 7, 0x00A9, 200), {"limits-changed": "0x00A9"}),
        (PenIdentity(42, 7, 0x957A, 201), {"limits-changed": "tolerance 201 um"}),
        (PenIdentity(42, 7, 0x957A, 199), {"limits-changed": "tolerance 199 um"}),
    ],
)
@pytest.mark.parametrize("is_heard", [False, True])
def test_other_pen_is_reported(
    answers: PenIdentity | None, found: dict[str, str], is_heard: bool, tape: Tape
) -> None:
    """The grants are for one pen; it may be switched off and on, but not be another one."""
    tape.memory.state = State.IDLE
    telemetry = tape.facts.telemetry if is_heard else None
    tape.facts = replace(tape.facts, identity=answers, telemetry=telemetry)
    with_known = details(tape)
    tape.memory.identity = None

    assert found == with_known
    assert {} == details(tape)


@pytest.mark.req("SR-021")
@pytest.mark.parametrize("lateness", [0, 49, 50, 51])
def test_lateness_is_reported_beyond_its_bound(lateness: int, tape: Tape) -> None:
    """Fifty are allowed: two late scans and ten more, or two and a half."""
    tape.watch.lateness = lateness
    tape.facts = replace(tape.facts, late_ms=41)
    expected = "41 ms late, allowed are 40 ms" if lateness > 50 else None

    assert expected == details(tape).get("scan-late")


@pytest.mark.req("SR-021", "SR-041")
@pytest.mark.parametrize(
    ("late_ms", "before", "after"),
    [(-1, 0, 20), (0, 0, 0), (0, 7, 6), (40, 7, 6), (41, 7, 27), (41, 50, 70), (10_000, 70, 70)],
)
def test_lateness_rises_at_once_and_falls_slowly(
    late_ms: int, before: int, after: int, tape: Tape
) -> None:
    """Forty milliseconds are in time, and a negative lateness is nonsense, hence late."""
    tape.watch.lateness = before
    measure(View(tape.memory, replace(tape.facts, late_ms=late_ms), NOW_MS))

    assert after == tape.watch.lateness


@pytest.mark.req("SR-014")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, {}),
        ({"record_failure": "full"}, {"record-failed": "full"}),
        ({"driver_is_present": False}, {"driver-lost": ""}),
    ],
)
def test_failed_record_and_lost_driver_are_reported(
    changes: dict[str, Any], found: dict[str, str], tape: Tape
) -> None:
    """What cannot be written down, or is guided by nobody, may not go on."""
    tape.play(**RUN)
    tape.facts = replace(tape.facts, **changes)
    assert tape.facts.telemetry is not None

    assert found == details(tape, tape.facts.telemetry.received_ms)
