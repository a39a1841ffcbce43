"""Every row of the table, written out a second time by hand: no change of it goes unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from safety.table import TABLE

MAY_PLAN = "session_is_open role_may_treat record_is_writable plan_is_given"
MAY_ARM = (
    "session_is_open role_may_treat plan_is_given pen_is_suitable selftest_is_good "
    "calibration_is_valid telemetry_is_fresh pen_is_at_rest cartridge_is_in nothing_is_wrong "
    "record_is_writable pass_is_left"
)
MAY_START = (
    "session_is_open role_may_treat area_is_confirmed telemetry_is_fresh pen_is_ready "
    "cartridge_is_in nothing_is_wrong record_is_writable entry_is_durable arm_is_young"
)
MAY_RESET = "pen_is_suitable telemetry_is_fresh pen_is_at_rest causes_are_gone role_may_reset"
MAY_UNLOCK = "session_is_open role_may_treat record_is_writable"
MAY_SERVICE = (
    "role_may_service no_session_is_open telemetry_is_fresh pen_is_at_rest record_is_writable"
)
TESTED, STILL = (
    "telemetry_is_fresh pen_is_at_rest selftest_is_good",
    "telemetry_is_fresh pen_is_at_rest",
)
STOP = "STOP_UI STOP_BUTTON STOP_PEDAL"
SURPRISES = "PEN_RESTARTED IDENTITY_CHANGED LIMITS_CHANGED"
CARTRIDGE = "CARTRIDGE_IN CARTRIDGE_OUT CARTRIDGE_CHANGED"

AT_REST = (
    ("LINK_LOST DISCONNECT", "OFFLINE", ""),
    (f"{SURPRISES} TRIP_FAULT", "FAULT", ""),
    ("ESTOP", "ESTOP", ""),
    ("CARTRIDGE_CHANGED", "IDENTIFYING", ""),
)
SEATED = (*AT_REST, (STOP, "STOPPING", ""), ("LOCK SESSION_EXPIRED", "LOCKED", ""))
UNDER_WAY = (
    ("LINK_LOST", "OFFLINE", ""),
    (f"{SURPRISES} TRIP_FAULT {CARTRIDGE}", "FAULT", ""),
    ("ESTOP", "ESTOP", ""),
    (f"SESSION_EXPIRED DRIVER_LOST TRIP_STOP {STOP}", "STOPPING", ""),
)
HERE = f"DRIVER_LOST TRIP_STOP {STOP} CARTRIDGE_IN CARTRIDGE_OUT ACKNOWLEDGE"
LATCHED = (
    f"CONNECT LINK_UP LINK_REFUSED LINK_LOST IDENTIFIED IDENTITY_REFUSED {SURPRISES} {CARTRIDGE} "
    f"SESSION_EXPIRED DRIVER_LOST TRIP_STOP TRIP_FAULT {STOP} ACKNOWLEDGE"
)

ROWS = {
    "OFFLINE": (
        ("CONNECT", "CONNECTING", ""),
        (f"{HERE} LINK_LOST {SURPRISES} CARTRIDGE_CHANGED SESSION_EXPIRED", "OFFLINE", ""),
        ("TRIP_FAULT ESTOP", "OFFLINE", ""),
    ),
    "CONNECTING": (
        ("LINK_UP", "IDENTIFYING", ""),
        ("LINK_REFUSED LINK_LOST DISCONNECT", "OFFLINE", ""),
        ("ESTOP", "ESTOP", ""),
        (f"{HERE} {SURPRISES} CARTRIDGE_CHANGED SESSION_EXPIRED TRIP_FAULT", "CONNECTING", ""),
    ),
    "IDENTIFYING": (
        ("IDENTIFIED", "SELFTEST", "pen_is_suitable"),
        ("IDENTITY_REFUSED LINK_LOST DISCONNECT", "OFFLINE", ""),
        ("ESTOP", "ESTOP", ""),
        ("TRIP_FAULT", "FAULT", ""),
        (f"{HERE} {SURPRISES} CARTRIDGE_CHANGED SESSION_EXPIRED", "IDENTIFYING", ""),
    ),
    "SELFTEST": (
        *AT_REST,
        ("SELFTEST_PASSED", "LOCKED", TESTED),
        ("SELFTEST_FAILED SELFTEST_TIMEOUT", "FAULT", ""),
        (f"{HERE} SESSION_EXPIRED", "SELFTEST", ""),
    ),
    "LOCKED": (
        *AT_REST,
        ("UNLOCK", "IDLE", MAY_UNLOCK),
        ("SERVICE_ENTER", "SERVICE", MAY_SERVICE),
        (f"{HERE} SESSION_EXPIRED", "LOCKED", ""),
    ),
    "IDLE": (
        *SEATED,
        ("PLAN", "PLANNED", MAY_PLAN),
        ("DRIVER_LOST TRIP_STOP ACKNOWLEDGE CARTRIDGE_IN CARTRIDGE_OUT", "IDLE", ""),
    ),
    "PLANNED": (
        *SEATED,
        ("PLAN", "PLANNED", MAY_PLAN),
        ("CHANGE_AREA", "PLANNED", "area_is_known"),
        ("ARM", "ARMED", MAY_ARM),
        ("FINISH CARTRIDGE_IN CARTRIDGE_OUT", "IDLE", ""),
        ("DRIVER_LOST TRIP_STOP ACKNOWLEDGE", "PLANNED", ""),
    ),
    "ARMED": (
        *UNDER_WAY,
        ("START", "UNKNOWN_OUTCOME", MAY_START),
        ("DISARM PAUSE", "STOPPING", ""),
        ("ACKNOWLEDGE", "ARMED", ""),
    ),
    "RUNNING": (
        *UNDER_WAY,
        ("PAUSE PASS_DONE", "STOPPING", ""),
        ("ACKNOWLEDGE", "RUNNING", ""),
    ),
    "PAUSED": (
        *SEATED,
        ("RESUME", "ARMED", MAY_ARM),
        ("CHANGE_AREA", "PLANNED", "area_is_known"),
        ("PASS_DONE", "PLANNED", ""),
        ("FINISH CARTRIDGE_IN CARTRIDGE_OUT", "IDLE", ""),
        ("DRIVER_LOST TRIP_STOP ACKNOWLEDGE", "PAUSED", ""),
    ),
    "STOPPING": (
        *UNDER_WAY,
        ("STILL_AFTER_PASS", "PLANNED", STILL),
        ("STILL_AFTER_PAUSE", "PAUSED", STILL),
        ("STILL_AFTER_STOP", "IDLE", STILL),
        ("ACKNOWLEDGE", "STOPPING", ""),
    ),
    "UNKNOWN_OUTCOME": (
        *UNDER_WAY,
        ("EXECUTED", "RUNNING", "telemetry_is_fresh"),
        ("NOT_EXECUTED", "ARMED", "telemetry_is_fresh"),
        ("PAUSE PASS_DONE", "STOPPING", ""),
        ("ACKNOWLEDGE", "UNKNOWN_OUTCOME", ""),
    ),
    "FAULT": (
        ("RESET", "SELFTEST", MAY_RESET),
        ("ESTOP", "ESTOP", ""),
        (LATCHED, "FAULT", ""),
    ),
    "ESTOP": (
        ("RESET", "SELFTEST", MAY_RESET),
        (f"{LATCHED} ESTOP", "ESTOP", ""),
    ),
    "SERVICE": (
        *AT_REST,
        ("SERVICE_LEAVE SESSION_EXPIRED", "SELFTEST", ""),
        (HERE, "SERVICE", ""),
    ),
}
"""By state: events, where they lead, and the guards in the order in which they speak."""


def written_out() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield every row above."""
    for state, groups in ROWS.items():
        for events, leads, guards in groups:
            for event in events.split():
                yield state, event, leads, tuple(guards.split())


@pytest.mark.req("SR-004", "SR-033")
def test_table_is_what_was_decided_row_by_row() -> None:
    """States, events, next states and guards, in the guards' order, none more and none fewer."""
    held = [
        (row.state.name, row.event.name, row.next.name, tuple(g.__name__ for g in row.guards))
        for row in TABLE
    ]

    assert sorted(written_out()) == sorted(held)
