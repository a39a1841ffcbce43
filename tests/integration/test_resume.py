"""A session that was killed and goes on: the pen's own stroke counter is the second account.

The first life and the second share the pen and the record, and nothing else; both run the shipped
loop in virtual time. What is written between the two is what the control process writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.config import Home
from controller.control import _Session
from controller.grants import granted_areas
from controller.opening import Opening, open_session
from controller.plan import AreaRequest, Patient, Plan
from controller.records.sessions import Session, fold, ledger
from controller.records.store import RecordStore
from hil.world import World
from safety.facts import IntentKind
from safety.memory import Memory
from safety.states import State
from simulator.parameters import PenParameters
from simulator.pen import Pen

NOW = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
PLAN = Plan("Face", (AreaRequest("cheek", 500, 1_000, 2, 200, "acne_scars"),), Patient())

Wait = Callable[[World], None]


class LaterPen:
    """The same pen under a world whose clock begins anew: its own time only goes on."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._since_us = pen.now_us

    def advance(self, to_us: int) -> None:
        """Live on."""
        self._pen.advance(self._since_us + to_us)

    def receive(self, data: bytes, at_us: int) -> bytes:
        """Answer a frame."""
        return self._pen.receive(data, self._since_us + at_us)


class Clinic:
    """A record and its sessions, one after the other.

    Args:
        folder: Where the record lies.
        stack: Closes it.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.home = Home(folder / "home").create()
        self.store = stack.enter_context(RecordStore(self.home.records_db, self.home.record_key))
        self.openings: list[Opening] = []
        self._stack = stack

    @property
    def session(self) -> Session:
        """The session, as it stands on record."""
        return fold(self.store.entries())[self.openings[-1].session]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of all entries of a kind."""
        return [entry.body for entry in self.store.entries() if entry.kind == kind]

    def begin(self, pen: Pen) -> World:
        """Open the session, or resume it, and put pen and host together."""
        asked: Any = LaterPen(pen)
        before = self.openings[-1].session if self.openings else None
        with closing(World((), asked)) as first:
            identity, epoch = first.identity, first.loop._identity.epoch
        opening = open_session(
            plan=PLAN, pen=identity, store=self.store, home=self.home, resume=before, now=NOW
        )
        self.openings.append(opening)
        rig = SimpleNamespace(opening=opening, pen=identity, port="/dev/pts/7", epoch=epoch)
        writer: Any = SimpleNamespace(_rig=rig, _journal=SimpleNamespace(write=self.write))
        _Session._write_opening(writer)
        areas, later = granted_areas(opening.grants), (opening.ledger, opening.unsettled)
        asked = LaterPen(pen)
        world = World(areas, asked, ledger=later[0], unsettled=later[1])
        return self._stack.enter_context(closing(world))

    def write(self, kind: str, body: dict[str, Any]) -> None:
        """Write down one entry of the session."""
        self.store.append(self.openings[-1].session, kind, body, NOW)

    def end(self, world: World, pen: Pen) -> None:
        """Let a life end without a word: what it wrote is on disk, and the pen is left alone."""
        for entry in world.journal.entries:
            self.write(entry.kind, dict(entry.body))
        pen.advance(pen.now_us + 2_000_000)
        assert (True, False) == (pen.needles_still, pen.bridge_is_on)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """A record without entries."""
    with ExitStack() as stack:
        yield Clinic(tmp_path, stack)


def is_written_down(memory: Memory) -> bool:
    """Return whether a pass was planned whose START has not left."""
    return memory.start_entry > 0 and not memory.start_sent


def before_start(world: World) -> None:
    """Go on to a pass that is written down, durably, and whose START has not left."""
    world.scan_until(is_written_down)


def start_lost(world: World) -> None:
    """Go on to a START that the wire loses."""
    world.scan_until(is_written_down)
    world.port.fault.is_cut = True
    world.scan_until(lambda m: m.start_sent, pushing=False)


def running(world: World) -> None:
    """Go on to needles that strike."""
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(12)


def first_answer_lost(world: World) -> None:
    """Go on to a START that the pen takes without the host ever hearing of it."""
    world.scan_until(is_written_down)
    world.port.fault.lose_answers = 100
    world.scan_until(lambda m: m.start_sent, pushing=False)


@pytest.mark.req("SR-007", "SR-011", "SR-022", "R08", "H05")
@pytest.mark.parametrize("until", [before_start, start_lost])
def test_pass_that_never_began_is_acquitted_when_the_session_goes_on(
    clinic: Clinic, until: Wait
) -> None:
    """Killed before the pen took START: the counter did not move, and the whole plan is left."""
    pen = Pen(seed=3)
    world = clinic.begin(pen)
    until(world)
    clinic.end(world, pen)
    assert ({"cheek": 1}, 0) == (ledger(clinic.session), pen.true_strokes)

    world = clinic.begin(pen)
    (open_pass,) = clinic.openings[-1].unsettled
    assert ("cheek", 1, 42) == (open_pass.area, open_pass.number, open_pass.serial_number)
    world.scan_until(lambda m: m.state is State.PLANNED)
    assert 0 == world.memory.ledger.counted("cheek")
    world.scan_until(lambda m: m.state is State.IDLE)
    clinic.end(world, pen)

    (settled,) = clinic.told("pass_reconciled")
    assert "not_delivered" == settled["outcome"]
    assert settled["strokes_before"] == settled["strokes_now"] == open_pass.strokes_before
    assert {"cheek": 2} == ledger(clinic.session)
    ended = [body for body in clinic.told("pass_ended") if body["outcome"] == "delivered"]
    assert sum(body["strokes_total"] for body in ended) == pen.true_strokes


@pytest.mark.req("SR-007", "SR-022", "HZ-13", "R08", "H05")
@pytest.mark.parametrize("until", [running, first_answer_lost])
def test_pass_that_moved_needles_stays_uncertain_and_counts(clinic: Clinic, until: Wait) -> None:
    """Killed with needles on the skin: the counter moved, and only the second pass is left."""
    pen = Pen(seed=3)
    world = clinic.begin(pen)
    until(world)
    clinic.end(world, pen)
    made = pen.true_strokes
    assert made > 0

    world = clinic.begin(pen)
    world.scan_until(lambda m: m.state is State.IDLE and m.ledger.counted("cheek") == 2)
    clinic.end(world, pen)

    (settled,) = clinic.told("pass_reconciled")
    assert "uncertain" == settled["outcome"]
    assert made == settled["strokes_now"] - settled["strokes_before"]
    assert {"cheek": 2} == ledger(clinic.session)
    outcomes = [str(done.outcome) for area in clinic.session.areas for done in area.passes]
    assert ["uncertain", "delivered"] == outcomes


@pytest.mark.req("SR-007", "R08")
def test_pass_stays_uncertain_where_another_pen_answers(clinic: Clinic) -> None:
    """The counter of a pen that did not make the pass acquits nothing."""
    pen, other = Pen(seed=3), Pen(PenParameters(serial_number=43), seed=3)
    world = clinic.begin(pen)
    before_start(world)
    clinic.end(world, pen)

    world = clinic.begin(other)
    world.scan_until(lambda m: m.state is State.PLANNED)
    clinic.end(world, other)

    assert ["uncertain"] == [body["outcome"] for body in clinic.told("pass_reconciled")]
    assert {"cheek": 1} == ledger(clinic.session)


@pytest.mark.req("SR-007", "R08")
def test_pass_stays_uncertain_where_the_pen_has_restarted(clinic: Clinic) -> None:
    """What a pen counted right before it lost its power may not have been kept."""
    pen = Pen(seed=3)
    world = clinic.begin(pen)
    before_start(world)
    clinic.end(world, pen)
    epoch = pen.epoch
    pen.inject("restart")
    pen.advance(pen.now_us + 2_000_000)
    assert epoch < pen.epoch

    world = clinic.begin(pen)
    world.scan_until(lambda m: m.state is State.PLANNED)
    clinic.end(world, pen)

    assert ["uncertain"] == [body["outcome"] for body in clinic.told("pass_reconciled")]
    assert {"cheek": 1} == ledger(clinic.session)


@pytest.mark.req("SR-007", "SR-022", "R08")
def test_session_that_is_killed_again_and_again_never_gives_too_much(clinic: Clinic) -> None:
    """Ten lives, each killed at another moment: never more passes than the plan grants."""
    pen = Pen(seed=3)
    for life in range(10):
        world = clinic.begin(pen)
        if world.memory.ledger.counted("cheek") == 2:
            break
        world.scan_until(is_written_down)
        world.scan(life + 1)
        clinic.end(world, pen)

    (granted,) = clinic.openings[-1].grants
    assert {"cheek": 2} == ledger(clinic.session)
    assert 0 < pen.true_strokes <= 2 * granted.strokes_per_pass


def paused_and_resumed(world: World) -> None:
    """Go on to half a pass, pause it, and take it up again up to its second announcement."""
    running(world)
    world.scan(20)
    world.want(IntentKind.PAUSE)
    world.scan_until(lambda m: m.state is State.PAUSED, pushing=False)
    world.want(IntentKind.RESUME)
    world.scan()
    world.scan_until(is_written_down)


@pytest.mark.req("SR-007", "R08")
def test_pass_that_was_half_done_before_a_pause_is_never_acquitted(clinic: Clinic) -> None:
    """The counter did not move since it was taken up again; what it made before stays partial."""
    pen = Pen(seed=3)
    world = clinic.begin(pen)
    paused_and_resumed(world)
    clinic.end(world, pen)
    assert pen.true_skin_strokes > 0

    world = clinic.begin(pen)
    world.scan_until(lambda m: m.state is State.PLANNED)
    (kept,) = world.memory.ledger.passes
    clinic.end(world, pen)

    (settled,) = clinic.told("pass_reconciled")
    assert "partial" == settled["outcome"]
    assert 0 < settled["strokes_in_contact"] == kept.strokes <= pen.true_strokes
    assert {"cheek": 1} == ledger(clinic.session)


@pytest.mark.req("SR-007", "R08")
def test_acquitted_pass_takes_no_other_pass_back(clinic: Clinic) -> None:
    """A second pen gave pass 2; when the first pen acquits pass 1, pass 1 is left and no other."""
    pen, other = Pen(seed=3), Pen(PenParameters(serial_number=43), seed=3)
    world = clinic.begin(pen)
    before_start(world)
    clinic.end(world, pen)
    world = clinic.begin(other)
    running(world)
    clinic.end(world, other)
    assert {"cheek": 2} == ledger(clinic.session)

    world = clinic.begin(pen)
    world.scan_until(lambda m: m.state is State.IDLE and m.ledger.counted("cheek") == 2)
    clinic.end(world, pen)

    outcomes = [
        (done.number, str(done.outcome)) for area in clinic.session.areas for done in area.passes
    ]
    assert [(1, "delivered"), (2, "uncertain")] == outcomes
