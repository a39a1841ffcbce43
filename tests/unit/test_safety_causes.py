"""The catalogue of causes: complete, spoken in whole sentences, and ordered by severity."""

from __future__ import annotations

from itertools import product

import pytest

from safety.causes import CATALOGUE, PEN_FAULTS, Cause, CauseCode, CauseKind, Harm, Onset, worst
from safety.states import Event, Severity

HAZARDS = range(1, 43)
"""Rows of the hazard table. Source: [SAF] 4."""

BY_SEVERITY: dict[Severity, set[str]] = {
    Severity.WARN: {"temperature-high", "supply-low", "dose-near"},
    Severity.PAUSE: {
        "depth-tracking",
        "speed-droop",
        "speed-dragging",
        "supply-weak",
        "supply-too-low",
        "no-contact",
        "contact-stuck",
        "dwell",
        "dose-reached",
        "pass-too-long",
        "link-errors",
    },
    Severity.STOP: {
        "depth-unknown",
        "depth-no-effect",
        "over-temperature",
        "supply-empty",
        "telemetry-stale",
        "sensor-unknown",
        "pen-clock",
        "pen-button",
        "lease-ended",
        "pen-stopped-itself",
        "no-effect",
        "order-refused",
        "scan-late",
        "record-failed",
        "driver-lost",
    },
    Severity.FAULT_OPERATOR: {
        "overspeed",
        "speed-no-feedback",
        "over-current",
        "stall",
        "winding-hot",
        "cartridge-out",
        "link-bad",
        "pen-restarted",
        "identity-changed",
        "limits-changed",
        "pen-fault-operator",
        "selftest-timeout",
        "emergency-stop",
    },
    Severity.FAULT_TECHNICIAN: {
        "over-depth",
        "depth-flat",
        "speed-flat",
        "current-flat",
        "current-unasked",
        "temperature-implausible",
        "pen-fault-technician",
        "motion-unasked",
        "rest-not-seen",
        "selftest-failed",
    },
    Severity.ESTOP: {"stop-ignored"},
}
"""Who may clear what, and what needles do meanwhile, is decided here and nowhere else."""

OWN_EVENTS = {
    "identity-changed": Event.IDENTITY_CHANGED,
    "pen-button": Event.STOP_BUTTON,
    "selftest-failed": Event.SELFTEST_FAILED,
    "selftest-timeout": Event.SELFTEST_TIMEOUT,
    "driver-lost": Event.DRIVER_LOST,
    "emergency-stop": Event.ESTOP,
    "pen-restarted": Event.PEN_RESTARTED,
    "limits-changed": Event.LIMITS_CHANGED,
    "cartridge-out": Event.CARTRIDGE_OUT,
}


@pytest.mark.req("SR-006", "SR-020", "SR-045")
def test_severity_of_each_cause_is_the_one_decided() -> None:
    """Every cause has one, and after a depth fault a technician must look."""
    found: dict[Severity, set[str]] = {}
    for code, kind in CATALOGUE.items():
        found.setdefault(kind.severity, set()).add(str(code))

    assert found == BY_SEVERITY
    assert set(CauseCode) == set(CATALOGUE)


@pytest.mark.req("SR-045")
@pytest.mark.parametrize("code", list(CauseCode))
def test_every_cause_says_what_to_do(code: CauseCode) -> None:
    """What happened, what the pen does and what to do next are said in words; hazards are named."""
    kind = CATALOGUE[code]

    assert kind.text[0].islower()
    assert not kind.text.endswith(".")
    for sentence in (kind.pen, kind.next_step):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert kind.hazards == tuple(sorted({*kind.hazards} & {*HAZARDS}))
    assert kind.hazards


@pytest.mark.req("SR-045")
def test_texts_of_causes_tell_them_apart() -> None:
    """No two causes are described alike."""
    assert len(CATALOGUE) == len({kind.text for kind in CATALOGUE.values()})


@pytest.mark.parametrize("code", list(CauseCode))
def test_event_of_a_cause_is_its_own_or_that_of_its_severity(code: CauseCode) -> None:
    """A warning fires nothing."""
    by_severity = {
        Severity.WARN: None,
        Severity.PAUSE: Event.PAUSE,
        Severity.STOP: Event.TRIP_STOP,
        Severity.FAULT_OPERATOR: Event.TRIP_FAULT,
        Severity.FAULT_TECHNICIAN: Event.TRIP_FAULT,
        Severity.ESTOP: Event.ESTOP,
    }
    kind = CATALOGUE[code]

    assert kind.event is OWN_EVENTS.get(str(code), by_severity[kind.severity])


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("severity", "clears", "event"),
    [
        (Severity.NONE, "nobody needs to", None),
        (Severity.WARN, "nobody needs to", None),
        (Severity.PAUSE, "nobody needs to", Event.PAUSE),
        (Severity.STOP, "nobody needs to", Event.TRIP_STOP),
        (Severity.FAULT_OPERATOR, "practitioner", Event.TRIP_FAULT),
        (Severity.FAULT_TECHNICIAN, "technician", Event.TRIP_FAULT),
        (Severity.ESTOP, "technician", Event.ESTOP),
    ],
)
def test_severity_decides_who_clears_and_what_is_fired(
    severity: Severity, clears: str, event: Event | None
) -> None:
    """Latched causes need a person, the graver ones a technician."""
    kind = CauseKind(severity, "text", "Pen.", "Step.", Harm.MINOR, Onset.DELAYED, (1,))

    assert (clears, event) == (kind.clears, kind.event)


def test_harm_and_onset_are_words() -> None:
    """Three of each, after IEC 60601-1-8."""
    assert ["MINOR", "REVERSIBLE", "SERIOUS"] == [harm.name for harm in Harm]
    assert ["IMMEDIATE", "PROMPT", "DELAYED"] == [onset.name for onset in Onset]


@pytest.mark.parametrize(
    ("harm", "onset", "codes"),
    [
        (
            Harm.SERIOUS,
            Onset.IMMEDIATE,
            {"over-depth", "current-unasked", "motion-unasked", "stop-ignored"},
        ),
        (
            Harm.SERIOUS,
            Onset.PROMPT,
            {"depth-flat", "pen-fault-technician", "rest-not-seen", "emergency-stop"},
        ),
        (Harm.REVERSIBLE, Onset.IMMEDIATE, {"overspeed"}),
        (Harm.REVERSIBLE, Onset.DELAYED, {"supply-low"}),
        (Harm.MINOR, Onset.IMMEDIATE, {"record-failed"}),
        (
            Harm.MINOR,
            Onset.PROMPT,
            {
                "temperature-high",
                "supply-weak",
                "supply-too-low",
                "no-contact",
                "contact-stuck",
                "dose-near",
                "pass-too-long",
                "link-errors",
            },
        ),
        (Harm.MINOR, Onset.DELAYED, {"pen-button"}),
        (Harm.SERIOUS, Onset.DELAYED, set()),
    ],
)
def test_harm_and_onset_of_each_cause_are_those_decided(
    harm: Harm, onset: Onset, codes: set[str]
) -> None:
    """All causes not named here may do reversible harm, promptly."""
    found = {str(c) for c, kind in CATALOGUE.items() if (kind.harm, kind.onset) == (harm, onset)}

    assert codes == found


def test_pen_faults_are_those_of_the_protocol() -> None:
    """Seven for operators, six for technicians."""
    assert [*range(0x01, 0x08), *range(0x81, 0x87)] == list(PEN_FAULTS)
    assert "stall" == PEN_FAULTS[0x01]
    assert "over-depth" == PEN_FAULTS[0x81]


def test_cause_speaks_with_and_without_numbers() -> None:
    """The detail stands in brackets after the text."""
    plain, detailed = Cause(CauseCode.OVER_DEPTH), Cause(CauseCode.OVER_DEPTH, "951 um")

    assert "the needles protrude deeper than set" == plain.sentence
    assert "the needles protrude deeper than set (951 um)" == detailed.sentence
    assert CATALOGUE[CauseCode.OVER_DEPTH] is plain.kind
    assert Severity.FAULT_TECHNICIAN is plain.severity


@pytest.mark.req("SR-006", "H11")
def test_worst_of_any_two_causes_acts() -> None:
    """Severity is a lattice, and its maximum counts, in any order."""
    for one, other in product(CauseCode, repeat=2):
        expected = max(CATALOGUE[one].severity, CATALOGUE[other].severity)

        assert expected == worst((Cause(one), Cause(other)))
    assert Severity.NONE == worst(())
