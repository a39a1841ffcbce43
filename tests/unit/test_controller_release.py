"""A pen with a technician's fault on record: refused until a named technician has released it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.cli import penpilot
from controller.config import Home
from controller.errors import ExitCode, RefusedError
from controller.opening import Opening, open_session, opened_body
from controller.plan import AreaRequest, Patient, Plan
from controller.records.entries import Entry
from controller.records.sessions import Session, fold
from controller.records.store import RecordStore
from safety.states import Severity
from tests.unit.granting import PEN

NOW = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)
PLAN = Plan("Face", (AreaRequest("cheek", 500, 1_000, 2, 400, "acne_scars"),), Patient())
OTHER_PLAN = replace(PLAN, name="Other")
TECHNICIAN = {"code": "over-depth", "severity": "FAULT_TECHNICIAN", "text": "deeper than set"}
ESTOP = {"code": "estop", "severity": "ESTOP", "text": "emergency stop"}
OPERATOR = {"code": "stall", "severity": "FAULT_OPERATOR", "text": "the motor is blocked"}
RELEASED = {"by": "T. Ech", "reason": "checked"}

Told = tuple[str, dict[str, Any]]


@pytest.fixture
def home(penpilot_home: Path) -> Home:
    """The data folder that the commands use as well."""
    return Home(penpilot_home).create()


@contextmanager
def record_of(home: Home) -> Iterator[RecordStore]:
    """Open the record of a home for a moment; no command runs meanwhile."""
    with RecordStore(home.records_db, home.record_key) as store:
        yield store


def begin(home: Home, **changes: Any) -> Opening:
    """Open a session, some things being otherwise."""
    given: dict[str, Any] = {"plan": OTHER_PLAN, "pen": PEN, "resume": None} | changes
    with record_of(home) as store:
        return open_session(store=store, home=home, now=NOW, **given)


def leave(home: Home, *told: Told) -> str:
    """Write a session with these entries, and end its program; return its id."""
    opening = begin(home, plan=PLAN)
    with record_of(home) as store:
        opened = opened_body(opening, "/dev/pts/7", PEN, 3)
        store.append(opening.session, "session_opened", opened, NOW)
        for kind, body in told:
            store.append(opening.session, kind, body, NOW)
    return opening.session


def entries(home: Home) -> list[tuple[str, str, dict[str, Any]]]:
    """Return all of the record: session, kind and body."""
    with record_of(home) as store:
        return [(one.session, one.kind, one.body) for one in store.entries()]


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of `penpilot records release`."""
    result = CliRunner().invoke(penpilot, ["records", "release", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def session_of(*told: Told) -> Session:
    """Return the session that these kinds and bodies tell of."""
    at = "2026-11-22T14:03:05.000Z"
    return fold([Entry(seq, "s", k, at, body, b"") for seq, (k, body) in enumerate(told, 1)])["s"]


@pytest.mark.req("SR-006", "SR-035", "HZ-03", "HZ-60")
@pytest.mark.parametrize("fault", [TECHNICIAN, ESTOP], ids=lambda one: str(one["severity"]))
@pytest.mark.parametrize("end", [[], [("session_closed", {"outcome": "faulted", "reason": "x"})]])
def test_pen_with_a_grave_fault_begins_no_session(
    home: Home, fault: dict[str, str], end: list[Told]
) -> None:
    """Ending the program is no reset; the refusal names session, fault and what to do."""
    name = leave(home, ("fault", fault), *end)
    for changes in ({}, {"plan": PLAN}, {"plan": PLAN, "resume": name}):
        with pytest.raises(RefusedError) as caught:
            begin(home, **changes)

        said = str(caught.value)
        assert all(part in said for part in ("pen 42", name, fault["text"], "a technician")), said
        assert f"penpilot records release {name} --by NAME --reason TEXT" in said
        assert ExitCode.REFUSED == caught.value.exit_code


@pytest.mark.req("SR-006", "HZ-33")
def test_another_pen_is_not_refused_for_it(home: Home) -> None:
    """The fault is that pen's own."""
    leave(home, ("fault", TECHNICIAN))

    assert OTHER_PLAN == begin(home, pen=replace(PEN, serial_number=43)).plan


@pytest.mark.req("SR-006", "HZ-60")
def test_fault_is_that_of_the_pen_that_was_at_the_port() -> None:
    """A session that went on with another pen charges and frees that one, and not the first."""
    other = ("resumed", {"serial_number": 43})
    reset = ("reset", {"role": "TECHNICIAN", "codes": "over-depth"})
    first = ("session_opened", {"pen": {"serial_number": 42}})
    fault = ("fault", TECHNICIAN)

    assert [43] == [serial for serial, _ in session_of(first, other, fault).grave]
    assert [42] == [serial for serial, _ in session_of(first, fault, other, fault, reset).grave]


@pytest.mark.req("SR-006", "SR-035", "HZ-60")
@pytest.mark.parametrize(
    "told",
    [
        [("fault", OPERATOR)],
        [("fault", OPERATOR), ("fault_gone", {"code": "stall"})],
        [("fault", TECHNICIAN), ("reset", {"role": "TECHNICIAN", "codes": "over-depth"})],
        [("fault", ESTOP), ("fault", TECHNICIAN), ("reset", {"role": "TECHNICIAN", "codes": ""})],
        [("fault", TECHNICIAN), ("released", RELEASED)],
    ],
)
def test_pen_that_a_technician_has_seen_or_needs_none_may_treat(
    home: Home, told: list[Told]
) -> None:
    """A fault of the operator's, a technician's reset, and a release let it go on."""
    leave(home, *told)

    assert OTHER_PLAN == begin(home).plan


@pytest.mark.req("SR-006", "SR-035", "HZ-60")
@pytest.mark.parametrize(
    "after",
    [
        [],
        [("reset", {"role": "PRACTITIONER", "codes": "stall"})],
        [("reset", {"codes": "over-depth"})],
        [("reset", {"role": 5})],
        [("fault_gone", {"code": "over-depth"})],
        [("session_closed", {"outcome": "completed", "reason": ""})],
        [("resumed", {"serial_number": 42})],
        [("alarms_acknowledged", {"source": "key"})],
    ],
)
def test_grave_fault_waits_whatever_else_is_on_record(after: list[Told]) -> None:
    """Nobody but a technician takes it away."""
    assert ((0, "deeper than set"),) == session_of(("fault", TECHNICIAN), *after).grave


@pytest.mark.req("SR-006")
@pytest.mark.parametrize("severity", list(Severity), ids=lambda one: str(one.name))
def test_fault_is_grave_if_only_a_technician_clears_it(severity: Severity) -> None:
    """The words in the record are those of the core's lattice."""
    grave = session_of(("fault", {**TECHNICIAN, "severity": severity.name})).grave

    assert (severity > Severity.FAULT_OPERATOR) == bool(grave)


@pytest.mark.req("SR-006", "HZ-60")
def test_fault_after_a_release_needs_another_one() -> None:
    """A release takes away what was there, nothing that comes later."""
    told = [("fault", TECHNICIAN), ("released", RELEASED), ("fault", ESTOP)]

    assert ((0, "emergency stop"),) == session_of(*told).grave


@pytest.mark.req("SR-006", "SR-035", "HZ-60")
def test_release_writes_who_and_why_and_lets_the_pen_go(home: Home) -> None:
    """One line for people; the record keeps the name, the reason and the faults."""
    name = leave(home, ("fault", TECHNICIAN), ("fault", ESTOP))
    code, out, err = run(name, "--by", " T. Ech ", "--reason", "zero point set anew")

    expected = f"The pen of session {name} is released by T. Ech: zero point set anew\n"
    assert (ExitCode.DONE, expected, "") == (code, out, err)
    body = {"by": "T. Ech", "reason": "zero point set anew"}
    body |= {"faults": "deeper than set; emergency stop"}
    assert (name, "released", body) == entries(home)[-1]
    assert OTHER_PLAN == begin(home).plan


@pytest.mark.req("SR-006")
def test_release_tells_a_script_in_one_object(home: Home) -> None:
    """The names are those of docs/cli.md."""
    name = leave(home, ("fault", ESTOP))
    code, out, err = run(name, "--by", "T. Ech", "--reason", "why", "--json")

    told = {"session": name, "released": True, "by": "T. Ech", "reason": "why"}
    assert (ExitCode.DONE, told, "") == (code, json.loads(out), err)


@pytest.mark.req("SR-006", "SR-017", "SR-035", "HZ-60")
@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
@pytest.mark.parametrize("field", ["--by", "--reason"])
def test_release_without_a_name_or_a_reason_is_refused(home: Home, field: str, blank: str) -> None:
    """Whoever lets a pen go says so with a name; nothing is written before."""
    name = leave(home, ("fault", TECHNICIAN))
    given = {"--by": "T. Ech", "--reason": "why"} | {field: blank}
    before = entries(home)
    code, out, err = run(name, *(word for pair in given.items() for word in pair))

    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"penpilot: {field} = {blank!r}: must be ")
    assert before == entries(home)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    "told",
    [[], [("fault", OPERATOR)], [("fault", TECHNICIAN), ("released", RELEASED)]],
    ids=["none", "operator", "released before"],
)
def test_release_of_a_pen_that_waits_for_nobody_is_refused(home: Home, told: list[Told]) -> None:
    """A release on stock would let the next fault go unseen."""
    name = leave(home, *told)
    before = entries(home)
    code, out, err = run(name, "--by", "T. Ech", "--reason", "why")

    assert (ExitCode.REFUSED, "", 1) == (code, out, err.count("\n"))
    assert f"session {name} holds no fault that waits for a technician" in err
    assert before == entries(home)

    code, out, _ = run(name, "--by", "T. Ech", "--reason", "why", "--json")
    assert (ExitCode.REFUSED, 3) == (code, json.loads(out)["exit_code"])


@pytest.mark.req("SR-017")
def test_release_of_an_unknown_session_is_one_line(home: Home) -> None:
    """With a record and without one; an option that is missing is named."""
    words = ("--by", "T. Ech", "--reason", "why")
    without = run("none", *words)
    leave(home)
    for code, out, err in (without, run("none", *words)):
        assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))

    assert ExitCode.INPUT == run("none", "--by", "T. Ech")[0]


@pytest.mark.req("SR-017", "HZ-63")
@pytest.mark.parametrize("field", ["--by", "--reason"])
@pytest.mark.parametrize(
    ("value", "shown", "rule"),
    [
        ("T\n\x1b[2JEch", r"'T\n\x1b[2JEch'", "must be one line of printable characters"),
        ("T\rEch", r"'T\rEch'", "must be one line of printable characters"),
        ("T\u2028\u202eEch", r"'T\u2028\u202eEch'", "must be one line of printable characters"),
        ("x" * 201, "'" + "x" * 56 + "...", "must be text of 1 to "),
    ],
    ids=["escape", "return", "direction", "long"],
)
def test_release_refuses_hostile_words(
    home: Home, field: str, value: str, shown: str, rule: str
) -> None:
    """Field, value and rule are named on one printable line; nothing is mended and written."""
    name = leave(home, ("fault", TECHNICIAN))
    given = {"--by": "T. Ech", "--reason": "why"} | {field: value}
    before = entries(home)
    code, out, err = run(name, *(word for pair in given.items() for word in pair))

    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert err.startswith(f"penpilot: {field} = {shown}: {rule}")
    assert err.rstrip("\n").isprintable()
    assert before == entries(home)


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("reason", ["", " ", "a\x07b", "x" * 201])
def test_close_refuses_the_same_words(home: Home, reason: str) -> None:
    """The rule for a reason is one, whichever command takes it."""
    name = leave(home)
    before = entries(home)
    result = CliRunner().invoke(penpilot, ["records", "close", name, "--reason", reason])

    assert (ExitCode.INPUT, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("penpilot: --reason = ")
    assert before == entries(home)


def listed(*arguments: str) -> str:
    """Return what `penpilot records list` prints."""
    result = CliRunner().invoke(penpilot, ["records", "list", *arguments])
    assert (ExitCode.DONE, "") == (result.exit_code, result.stderr)
    return result.stdout


@pytest.mark.req("SR-006", "SR-035", "HZ-60")
def test_list_shows_what_waits_for_release_until_it_is_released(home: Home) -> None:
    """Session, pen, fault and the command stand there, for people and for scripts."""
    quiet = leave(home, ("fault", OPERATOR))
    with record_of(home) as store:
        opened = {"pen": {"serial_number": 43}}
        for kind, body in (("session_opened", opened), ("fault", TECHNICIAN), ("fault", ESTOP)):
            store.append("s-43", kind, body, NOW)

    told = {row["session"]: row["waits_for_release"] for row in json.loads(listed("--json"))}
    waits = [{"serial_number": 43, "fault": one["text"]} for one in (TECHNICIAN, ESTOP)]
    assert {quiet: [], "s-43": waits} == told
    text = listed()
    assert 2 == text.count("WAITS FOR RELEASE  pen 43: ")
    assert "penpilot records release s-43 --by NAME --reason TEXT" in text

    assert ExitCode.DONE == run("s-43", "--by", "T. Ech", "--reason", "why")[0]
    assert "RELEASE" not in listed()
    assert [[], []] == [row["waits_for_release"] for row in json.loads(listed("--json"))]
