"""Opens a session: plan, pen, grants and the ledger of what was already delivered.

Nothing is written to the pen here: it is asked who it is, and that is all.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.area_grant import AreaGrant
from controller.config import Home, home
from controller.errors import ConfigError, RefusedError
from controller.grants import grant_plan, granted_areas
from controller.pairing_keys import refuse_foreign
from controller.plan import Plan, load_plan
from controller.profile_force import SignedProfile, accept_in_force, in_force
from controller.records.bodies import text, whole
from controller.records.describe import describe_area
from controller.records.entries import Entry
from controller.records.kinds import SAMPLES, Kind, Status
from controller.records.kinds import Outcome as RecordOutcome
from controller.records.sessions import Pass as RecordedPass
from controller.records.sessions import Session, fold
from controller.running import find_running
from controller.space import refuse_full_disk
from drivers.block import Identity
from drivers.registers import Capability
from safety.ledger import AreaPlan, Ledger, Outcome, Pass
from safety.memory import Unsettled
from safety.passes import strokes_for_dose

if TYPE_CHECKING:
    from controller.records.store import RecordStore

_INTERRUPTED = frozenset({Status.OPEN, Status.INTERRUPTED})

NO_PATIENT = (
    "the plan says nothing of the patient: add [patient] with modifiers = [], or their names"
)
"""Why a plan without a patient is refused, and what to do."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A session that may begin.

    Args:
        session: Its id.
        plan: What was asked for.
        grants: What was granted, area by area.
        signed: The profile under which it was granted.
        ledger: What was delivered before, when a session is resumed.
        is_resumed: Whether it is.
        unended: Area and number of passes of which no entry tells the end.
        unsettled: Uncertain passes, which the pen's own stroke counter may acquit.
    """

    session: str
    plan: Plan
    grants: tuple[AreaGrant, ...]
    signed: SignedProfile
    ledger: Ledger
    is_resumed: bool
    unended: tuple[tuple[str, int], ...] = ()
    unsettled: tuple[Unsettled, ...] = ()


def new_session_id(now: datetime) -> str:
    """Return an id that sorts by time and that nobody has guessed: date, time, 4 random bytes."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def profile_here() -> SignedProfile:
    """Return the profile in force for this user, verified anew; nothing is written.

    Raises:
        ConfigError: As `controller.profile_force.in_force`.
    """
    return in_force(os.environ, home(os.environ))


def read_plan(path: Path) -> Plan:
    """Return the plan of a file, its names checked against the profile in force.

    Raises:
        PlanError: Naming field, value and rule.
        ConfigError: As `profile_here`.
    """
    return load_plan(path, profile_here().profile)


def open_session(
    *, plan: Plan, pen: Identity, store: RecordStore, home: Home, resume: str | None, now: datetime
) -> Opening:
    """Return the session that may begin with this plan and this pen.

    Raises:
        RefusedError: If the disk is nearly full, if the pen is another computer's, if a wish is
            above a limit, if an interrupted session of this plan waits for a decision, or if the
            session to be resumed is not one of this plan.
        ConfigError: If the profile is not signed, or older than one under which a session began.
        RecordError: If the record cannot be read.

    Rule: SR-001, SR-007, SR-022.
    """
    refuse_full_disk(home.folder)
    refuse_foreign(pen)
    signed = accept_in_force(os.environ, home)
    grants = grant_plan(plan, signed.profile, pen)
    refused = [sentence for one in grants for sentence in one.refusals()]
    if refused:
        unknown = [NO_PATIENT] if plan.patient is None else []
        raise RefusedError("; ".join(unknown + refused))
    alive = {running.session for running in find_running(home)}
    sessions = fold(store.entries(without=SAMPLES))
    _refuse_older_than_recorded(signed, sessions.values())
    _refuse_unchecked_pen(pen, sessions.values())
    if resume is not None:
        opening = _resume(resume, plan, grants, signed, sessions, alive)
        entries = store.entries(resume, without=SAMPLES)
        return without_settled(opening, entries, pen.serial_number)
    for session in sessions.values():
        is_same = session.opened.get("plan_hash") == plan.digest
        if is_same and session.id not in alive and session.status in _INTERRUPTED:
            raise RefusedError(
                f"session {session.id} of this plan was interrupted ({describe_areas(session)}). "
                f"An uncertain pass counts as delivered and nothing moves by itself. Go on with "
                f"--resume {session.id}, or set it aside with: "
                f"penpilot records close {session.id} --reason TEXT"
            )
    return Opening(new_session_id(now), plan, grants, signed, Ledger(), is_resumed=False)


def _refuse_older_than_recorded(signed: SignedProfile, sessions: Iterable[Session]) -> None:
    """Refuse a profile older than one on record: deleting the accepted versions gains nothing."""
    profile = signed.profile
    recorded = [body for s in sessions if isinstance(body := s.opened.get("profile"), dict)]
    ours = [body for body in recorded if body.get("jurisdiction") == profile.jurisdiction]
    newest = max((whole(body, "version") or 0 for body in ours), default=0)
    if not (profile.version >= newest):
        rule = f"must be at least {newest}, under which a session on record was opened"
        raise ConfigError(f"{profile.jurisdiction} version", profile.version, rule)


def _refuse_unchecked_pen(pen: Identity, sessions: Iterable[Session]) -> None:
    """Refuse a pen with a fault on record that no technician has looked into. Rule: SR-006."""
    for session in sessions:
        faults = [fault for serial, fault in session.grave if serial == pen.serial_number]
        if faults:
            raise RefusedError(
                f"pen {pen.serial_number} stopped in session {session.id} with a fault that needs "
                f"a technician ({faults[0]}). When it has been checked, the technician "
                f"releases it: penpilot records release {session.id} --by NAME --reason TEXT"
            )


def _resume(
    wanted: str,
    plan: Plan,
    grants: tuple[AreaGrant, ...],
    signed: SignedProfile,
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
    return Opening(
        wanted,
        plan,
        grants,
        signed,
        ledger_of(session, granted_areas(grants)),
        is_resumed=True,
        unended=unended,
        unsettled=unsettled_of(session),
    )


def ledger_of(session: Session, areas: tuple[AreaPlan, ...]) -> Ledger:
    """Return the passes of an earlier session; one without an end is uncertain, hence counts.

    Its strokes count against the dose of its area; of an uncertain one, at least a whole pass.

    Raises:
        RefusedError: If it holds a pass over an area that the plan does not know.
    """
    plans = {one.area: one for one in areas}
    strange = sorted({area.name for area in session.areas if area.passes} - set(plans))
    if strange:
        raise RefusedError(
            f"session {session.id} holds passes over {', '.join(strange)}, not planned"
        )
    return Ledger(
        tuple(
            Pass(done.area, done.number, outcome, strokes)
            for area in session.areas
            for done in area.passes
            for outcome in (Outcome(done.outcome),)
            for strokes in (strokes_for_dose(plans[done.area], outcome, _on_skin(done)),)
        )
    )


def _on_skin(done: RecordedPass) -> int:
    """Return the strokes that are known to have been made on skin, earlier parts included."""
    return max(done.strokes_in_contact or 0, done.strokes_in_contact_before or 0)


def unsettled_of(session: Session) -> tuple[Unsettled, ...]:
    """Return the uncertain passes of which it is on record which pen made them, and from where."""
    passes = [done for area in session.areas for done in area.passes]
    return tuple(
        Unsettled(
            p.area,
            p.number,
            p.strokes_before,
            p.strokes_in_contact_before,
            p.serial_number,
            p.epoch,
        )
        for p in passes
        if p.outcome is RecordOutcome.UNCERTAIN
        and p.strokes_before is not None
        and p.strokes_in_contact_before is not None
        and p.serial_number is not None
        and p.epoch is not None
    )


def without_settled(opening: Opening, entries: Iterable[Entry], serial_number: int) -> Opening:
    """Return the opening without passes that were compared with this pen's counter already.

    What the counter says later is of other passes: one that it could not acquit then stays
    uncertain, unless it is taken up again. What another pen's counter said settles nothing.

    Args:
        opening: Of a session that is resumed.
        entries: Of that session, by ascending number.
        serial_number: Of the pen with which it is resumed now.

    Rule: SR-007.
    """
    settled: set[tuple[str, int | None]] = set()
    answering: int | None = None
    for entry in entries:
        named = (text(entry.body, "area"), whole(entry.body, "number"))
        if entry.kind == Kind.RESUMED:
            answering = whole(entry.body, "serial_number")
        elif entry.kind == Kind.PASS_RECONCILED and answering == serial_number:
            settled.add(named)
        elif entry.kind == Kind.PASS_PLANNED:
            settled.discard(named)
    left = tuple(one for one in opening.unsettled if (one.area, one.number) not in settled)
    return replace(opening, unsettled=left)


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
            "paired": pen.is_paired,
        },
        "profile": {
            "jurisdiction": opening.signed.profile.jurisdiction,
            "version": opening.signed.profile.version,
            "sha256": opening.signed.sha256,
            "key": opening.signed.key,
        },
        "areas": [_area_body(one) for one in opening.grants],
        "software": f"penpilot {version('penpilot')}",
    }


def _area_body(one: AreaGrant) -> dict[str, Any]:
    return {
        "area": one.request.area,
        "indication": one.request.indication,
        "tier": str(one.tier),
        "reason": one.request.reason,
        "depth_um_asked": one.depth.asked,
        "depth_um": one.depth.granted or 0,
        "speed_dhz": one.speed.granted or 0,
        "passes": one.passes.granted or 0,
        "patch_mm2": one.request.patch_mm2,
        "strokes_per_pass": one.strokes_per_pass,
        "strokes_max": one.strokes_max,
        "punctures_per_cm2": one.punctures_per_cm2,
        "guard_band_um": one.depth.guard_band,
        "binding": one.depth_limit.source,
        "depth_um_limit": one.depth_limit.high,
    }
