"""A plan, a pen and a record of their sessions, for tests of how sessions are opened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controller.config import Home
from controller.opening import Opening, open_session, opened_body
from controller.plan import AreaRequest, Patient, Plan
from controller.records.store import RecordStore
from drivers.block import Identity
from drivers.registers import Capability

NOW = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
AREA = AreaRequest("cheek", 500, 1_000, 2, 400, "acne_scars")
PLAN = Plan("Face", (AREA,), Patient())
PEN = Identity(
    version_minor=0,
    serial_number=42,
    firmware_major=1,
    firmware_minor=3,
    model=1,
    capabilities=Capability.LEASE | Capability.DEPTH_SENSE | Capability.SIMULATED,
    depth_um_max=2_500,
    depth_step_um=50,
    speed_dhz_min=500,
    speed_dhz_max=1_500,
    lease_ms=200,
    depth_tolerance_um=200,
    needles=12,
    cartridge_depth_um_max=2_500,
    cartridge_uid=0xC0FFEE01,
    limits_hash=0x957A,
    stop_ms_max=50,
    is_paired=True,
)


def begin(store: RecordStore, home: Home, **changes: Any) -> Opening:
    """Open a session, some things being otherwise."""
    given: dict[str, Any] = {"plan": PLAN, "pen": PEN, "resume": None} | changes
    return open_session(store=store, home=home, now=NOW, **given)


def record(store: RecordStore, home: Home, *passes: tuple[int, str], end: str = "") -> str:
    """Write a session with passes over the cheek, given by number and outcome; return its id."""
    opening = begin(store, home)
    name = opening.session
    store.append(name, "session_opened", opened_body(opening, "/dev/pts/7", PEN, 3), NOW)
    for number, outcome in passes:
        body = {"area": "cheek", "number": number}
        planned = {**body, "depth_um": 500, "speed_dhz": 1_000, "strokes_before": 0}
        store.append(name, "pass_planned", planned, NOW)
        if outcome:
            store.append(name, "pass_ended", {**body, "outcome": outcome, "reason": ""}, NOW)
    if end:
        store.append(name, "session_closed", {"outcome": end, "reason": "why"}, NOW)
    return name
