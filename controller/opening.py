"""Opens a session: plan, pen, grants and the ledger of what was already delivered.

Nothing is written to the pen here: it is asked who it is, and that is all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config import Home
from controller.errors import RefusedError
from controller.grants import AreaGrant, grant_plan
from controller.plan import Plan, load_plan
from controller.profile import load_default
from controller.records.describe import describe_area
from controller.records.kinds import SAMPLES, Status
from controller.records.sessions import Session, fold
from controller.running import find_running
from drivers.block import Identity
from drivers.registers import Capability
from safety.ledger import Ledger, Outcome, Pass

if TYPE_CHECKING:
    from controller.records.store import RecordStore

_INTERRUPTED = frozenset({Status.OPEN, Status.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Opening:
    """A session that may begin.

    Args:
        session: Its id.
        plan: What was asked for.
        grants: What was granted, area by area.
        ledger: What was delivered before, when a session is resumed.
        is_resumed: Whether it is.
        unended: Area and number of passes of which no entry tells the end.
    """

    session: str
    plan: Plan
    grants: tuple[AreaGrant, ...]
    ledger: Ledger
    is_resumed: bool
    unended: tuple[tuple[str, int], ...] = ()


def new_session_id(now: datetime) -> str:
    """Return an id that sorts by time and that nobody has guessed: date, time, 4 random bytes."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def read_plan(path: Path) -> Plan:
    """Return the plan of a file, its areas checked against the default profile.

    Raises:
        PlanError: Naming field, value and rule.
        ConfigError: If the profile is damaged.
    """
    return load_plan(path, frozenset(load_default().areas))


def open_session(
    *, plan: Plan, pen: Identity, store: RecordStore, home: Home, resume: str | None, now: datetime
) -> Opening:
    """Return the session that may begin with this plan and this pen.

    Raises:
        RefusedError: If a wish is above a limit, if an interrupted session of this plan waits for
            a decision, or if the session to be resumed is not one of this plan.
        RecordError: If the record cannot be read.

    Rule: SR-001, SR-007, SR-022.
    """
    grants = grant_plan(plan, load_default(), pen)
    refused = [sentence for one in grants for sentence in one.refusals()]
    if refused:
        raise RefusedError("; ".join(refused))
    alive = {running.session for running in find_running(home)}
    sessions = fold(store.entries(without=SAMPLES))
    if resume is not None:
        return _resume(resume, plan, grants, sessions, alive)
    for session in sessions.values():
        is_same = session.opened.get("plan_hash") == plan.digest
        if is_same and session.id not in alive and session.status in _INTERRUPTED:
            raise RefusedError(
                f"session {session.id} of this plan was interrupted ({describe_areas(session)}). "
                f"An uncertain pass counts as delivered and nothing moves by itself. Go on with "
                f"--resume {session.id}, or set it aside with: "
                f"penpilot records close {session.id} --reason TEXT"
            )
    return Opening(new_session_id(now), plan, grants, Ledger(), is_resumed=False)


def _resume(
    wanted: str,
    plan: Plan,
    grants: tuple[AreaGrant, ...],
    sessions: dict[str, Session],
    alive: set[str],
) -> Opening:
    """Return an unfinished session of the same plan with its ledger."""
    session = sessions.get(wanted)
    if session is None:
        raise RefusedError(f"there is no session {wanted}; see: penpilot records list")
    if wanted in alive:
        raise RefusedError(f"session {wanted} runs at this moment")
    if session.status is Status.COMPLETED:
        raise RefusedError(f"session {wanted} is completed and cannot be resumed")
    if session.opened.get("plan_hash") != plan.digest:
        raise RefusedError(f"session {wanted} was treated with another plan ({session.plan_name})")
    passes = [done for area in session.areas for done in area.passes]
    unended = tuple((done.area, done.number) for done in passes if not done.ended)
    return Opening(wanted, plan, grants, ledger_of(session), is_resumed=True, unended=unended)


def ledger_of(session: Session) -> Ledger:
    """Return the passes of an earlier session; one without an end is uncertain, hence counts."""
    return Ledger(
        tuple(
            Pass(done.area, done.number, Outcome(done.outcome))
            for area in session.areas
            for done in area.passes
        )
    )


def describe_areas(session: Session) -> str:
    """Return how many passes of each area count as delivered, in one line."""
    return ", ".join(describe_area(area) for area in session.areas) or "no pass was begun"


def opened_body(opening: Opening, port: str, pen: Identity, epoch: int) -> dict[str, Any]:
    """Return the body of the entry ``session_opened``; see docs/records.md."""
    return {
        "plan_name": opening.plan.name,
        "plan_hash": opening.plan.digest,
        "port": port,
        "pen": {
            "serial_number": pen.serial_number,
            "firmware": f"{pen.firmware_major}.{pen.firmware_minor}",
            "model": pen.model,
            "simulated": bool(pen.capabilities & Capability.SIMULATED),
            "limits_hash": pen.limits_hash,
            "epoch": epoch,
            "cartridge_uid": pen.cartridge_uid,
            "needles": pen.needles,
        },
        "areas": [_area_body(one) for one in opening.grants],
        "software": f"penpilot {version('penpilot')}",
    }


def _area_body(one: AreaGrant) -> dict[str, Any]:
    return {
        "area": one.request.area,
        "depth_um_asked": one.depth.asked,
        "depth_um": one.depth.granted or 0,
        "speed_dhz": one.speed.granted or 0,
        "passes": one.passes.granted or 0,
        "patch_mm2": one.request.patch_mm2,
        "strokes_per_pass": one.strokes_per_pass,
        "binding": one.depth_limit.source,
        "depth_um_limit": one.depth_limit.high,
    }
