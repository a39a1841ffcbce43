"""The catalogue of causes: complete, spoken in whole sentences, and ordered by severity."""

from __future__ import annotations

from itertools import product

import pytest

from safety.causes import CATALOGUE, Cause, CauseCode, worst
from safety.states import Severity


def test_every_cause_has_its_kind() -> None:
    """No cause is without severity, text and next step."""
    assert set(CauseCode) == set(CATALOGUE)
    for kind in CATALOGUE.values():
        assert Severity.NONE < kind.severity
        assert kind.text
        assert kind.next_step.endswith((".", "!"))


def test_texts_of_causes_tell_them_apart() -> None:
    """No two causes are described alike."""
    assert len(CATALOGUE) == len({kind.text for kind in CATALOGUE.values()})


def test_cause_speaks_with_and_without_numbers() -> None:
    """The detail stands in brackets after the text."""
    plain, detailed = Cause(CauseCode.OVER_DEPTH), Cause(CauseCode.OVER_DEPTH, "951 um")

    assert "the needles protrude deeper than set" == plain.sentence
    assert "the needles protrude deeper than set (951 um)" == detailed.sentence
    assert CATALOGUE[CauseCode.OVER_DEPTH] is plain.kind
    assert Severity.FAULT_TECHNICIAN is plain.severity


@pytest.mark.req("SR-006")
def test_worst_of_any_two_causes_acts() -> None:
    """Severity is a lattice, and its maximum counts, in any order."""
    for one, other in product(CauseCode, repeat=2):
        expected = max(CATALOGUE[one].severity, CATALOGUE[other].severity)

        assert expected == worst((Cause(one), Cause(other)))
    assert Severity.NONE == worst(())


@pytest.mark.req("SR-006", "SR-020")
@pytest.mark.parametrize(
    ("severity", "codes"),
    [
        (Severity.PAUSE, {"no-contact", "pass-too-long"}),
        (
            Severity.FAULT_OPERATOR,
            {"pen-fault-operator", "overspeed", "pen-restarted", "limits-changed", "cartridge-out"},
        ),
        (
            Severity.FAULT_TECHNICIAN,
            {"pen-fault-technician", "over-depth", "motion-unasked", "rest-not-seen"},
        ),
        (Severity.ESTOP, {"stop-ignored"}),
    ],
)
def test_severity_of_each_cause_is_the_one_decided(severity: Severity, codes: set[str]) -> None:
    """Who may clear what is decided here and nowhere else; all other causes stop."""
    found = {str(code) for code, kind in CATALOGUE.items() if kind.severity is severity}

    assert codes == found


def test_causes_not_named_above_stop() -> None:
    """A cause of doubt about needles that may be out stops them."""
    expected = {
        "depth-unknown",
        "telemetry-stale",
        "pen-button",
        "lease-ended",
        "pen-stopped-itself",
        "order-refused",
        "scan-late",
        "record-failed",
        "driver-lost",
    }

    assert expected == {str(c) for c, kind in CATALOGUE.items() if kind.severity is Severity.STOP}
