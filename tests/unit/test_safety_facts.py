"""What holds of facts and wishes where nobody says otherwise."""

from __future__ import annotations

from safety.facts import Facts, Intent, IntentKind, PenIdentity, Role


def test_facts_of_which_nothing_was_said() -> None:
    """Nothing is durable, no session is open, nothing is calibrated: nothing is permitted."""
    facts = Facts(link_is_up=True, identity=None, telemetry=None, exchanged=None)

    assert (False, 0, "", 0) == (
        facts.epoch_changed,
        facts.durable,
        facts.record_failure,
        facts.late_ms,
    )
    assert (True, True) == (facts.driver_is_present, facts.link_is_wanted)
    assert ("", 0, False, None) == (
        facts.link_failure,
        facts.link_errors,
        facts.session_is_open,
        facts.calibration,
    )


def test_pen_of_which_nothing_was_said_has_no_cartridge() -> None:
    """Number 0 is that of no cartridge."""
    identity = PenIdentity(serial_number=42, epoch=7, limits_hash=1, depth_tolerance_um=200)

    assert ("", 0) == (identity.unfit, identity.cartridge_uid)


def test_wish_of_which_nothing_was_said_is_a_practitioners_and_names_no_area() -> None:
    """It may not do what a technician may, and starts nothing, since START needs an area."""
    intent = Intent(IntentKind.START)

    assert ("flow", Role.PRACTITIONER, "") == (intent.source, intent.role, intent.area)
