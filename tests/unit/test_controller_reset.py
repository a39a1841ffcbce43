"""`penpilot reset`: what it refuses, and that the record knows before the pen does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controller.cli import penpilot
from controller.commands.common import this_home
from controller.errors import ExitCode
from controller.records.sessions import fold
from controller.records.store import RecordStore
from drivers.registers import TECHNICIAN_FAULT_FIRST, Command, Fault, PenState
from tests.unit.granting import PEN

pytestmark = pytest.mark.usefixtures("penpilot_home")

Look = tuple[PenState, Fault]
STALLED: Look = (PenState.FAULT, Fault.STALL)
GRAVE = [fault for fault in Fault if fault >= TECHNICIAN_FAULT_FIRST]
GOOD: Look = (PenState.SAFE, Fault.NONE)


def entries() -> list[tuple[str, str, dict[str, Any]]]:
    """Return all of the record: session, kind and body."""
    home = this_home()
    if not home.records_db.exists():
        return []
    with RecordStore(home.records_db, home.record_key) as store:
        assert store.verify().ok
        return [(one.session, one.kind, one.body) for one in store.entries()]


@dataclass
class FakeLink:
    """A pen that shows what it is told to show, one look after the other, and notes its orders."""

    looks: list[Look | None]
    orders: list[Command] = field(default_factory=list)
    known: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def exchange(self, command: Command, *, attempts: int) -> SimpleNamespace:
        """Note the order, and what is on record at that moment."""
        del attempts
        if command is not Command.POLL:
            self.orders.append(command)
            self.known = entries()
            return SimpleNamespace(status=None)
        look = self.looks.pop(0)
        if look is None:
            return SimpleNamespace(status=None)
        return SimpleNamespace(status=SimpleNamespace(state=look[0], fault=look[1], epoch=3))


Reset = Callable[..., tuple[FakeLink, Result]]


@pytest.fixture
def reset(monkeypatch: pytest.MonkeyPatch) -> Reset:
    """Run `penpilot reset` on a pen that shows these things, one look after the other."""

    def run(*looks: Look | None, words: tuple[str, ...] = ()) -> tuple[FakeLink, Result]:
        link = FakeLink(list(looks))

        @contextmanager
        def identified(_port: str, **_keys: object) -> Iterator[tuple[FakeLink, object]]:
            yield link, PEN

        monkeypatch.setattr("controller.session_link.identified", identified)
        arguments = ["reset", "--port", "/dev/pts/x", *words]
        return link, CliRunner().invoke(penpilot, arguments)

    return run


@pytest.mark.req("SR-006", "HZ-38")
def test_reset_is_on_record_before_the_pen_is_told(reset: Reset) -> None:
    """When RESET leaves, who resets which fault is durable; what came of it follows."""
    link, result = reset(STALLED, STALLED, GOOD, words=("--by", " P. Rac "))

    assert (ExitCode.DONE, "Pen 42: fault STALL is reset.\n") == (result.exit_code, result.stdout)
    assert [Command.RESET] == link.orders
    wanted = {"role": "PRACTITIONER", "by": "P. Rac", "codes": "0x01", "before": "STALL"}
    assert ["session_opened", "reset"] == [kind for _, kind, _ in link.known]
    assert wanted == link.known[1][2]
    told = entries()
    assert link.known == told[:2]
    assert 1 == len({session for session, _, _ in told})
    ending = {"outcome": "completed", "reason": "the fault is reset"}
    assert ("session_closed", ending | {"before": "STALL", "after": "NONE"}) == told[2][1:]


@pytest.mark.req("SR-006")
@pytest.mark.parametrize(
    ("after", "code", "outcome", "fault"),
    [
        (STALLED, ExitCode.REFUSED, "faulted", "STALL"),
        ((PenState.FAULT, Fault.NONE), ExitCode.REFUSED, "faulted", "NONE"),
        (None, ExitCode.LINK, "interrupted", ""),
    ],
    ids=["stays", "without a number", "silent"],
)
def test_reset_that_fails_is_told_as_it_ended(
    reset: Reset, after: Look | None, code: ExitCode, outcome: str, fault: str
) -> None:
    """A fault that stays is refused, a pen that goes silent is a matter of the link."""
    _, result = reset(STALLED, STALLED, after)

    assert (code, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    body = entries()[-1][2]
    assert (outcome, "STALL", fault) == (body["outcome"], body["before"], body["after"])


@pytest.mark.req("SR-006", "SR-035")
def test_fault_that_grew_meanwhile_is_left_alone(reset: Reset) -> None:
    """The pen is looked at once more after the record was written, and judged by that."""
    link, result = reset(STALLED, (PenState.FAULT, GRAVE[0]))

    assert (ExitCode.REFUSED, []) == (result.exit_code, link.orders)
    assert "only a technician" in result.stderr
    assert ("interrupted", "") == tuple(entries()[-1][2][name] for name in ("outcome", "after"))


@pytest.mark.req("SR-006")
def test_reset_is_not_sent_where_the_record_cannot_be_written(reset: Reset) -> None:
    """Nothing reaches the pen that would not be known afterwards."""
    reset(STALLED, STALLED, GOOD)
    this_home().record_key.unlink()
    link, result = reset(STALLED, STALLED, GOOD)

    assert (ExitCode.INPUT, []) == (result.exit_code, link.orders)
    assert "record.key" in result.stderr


@pytest.mark.req("SR-006", "SR-035")
@pytest.mark.parametrize(
    ("look", "says"),
    [
        *(
            ((PenState.FAULT, fault), f"{fault.name}, which only a technician clears")
            for fault in GRAVE
        ),
        ((PenState.FAULT, Fault.NONE), "is in FAULT, without a number, and what nobody knows is"),
    ],
    ids=[*(fault.name for fault in GRAVE), "without a number"],
)
def test_fault_that_is_not_a_practitioners_is_left_alone(
    reset: Reset, look: Look, says: str
) -> None:
    """Nothing is asked of the pen and nothing is written; the line says what to do."""
    link, result = reset(look)

    assert (ExitCode.REFUSED, "", 1) == (
        result.exit_code,
        result.stdout,
        result.stderr.count("\n"),
    )
    assert says in result.stderr
    assert "technician" in result.stderr
    assert ([], []) == (link.orders, entries())


def test_pen_without_a_fault_is_not_reset(reset: Reset) -> None:
    """There is nothing to do, and nothing to write down."""
    link, result = reset(GOOD)

    assert (0, "Pen 42 has no fault; it is SAFE.\n") == (result.exit_code, result.stdout)
    assert ([], []) == (link.orders, entries())


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("by", ["", " ", "a\x1b[2Jb", "x" * 81])
def test_name_that_is_none_is_refused_before_the_pen_is_asked(reset: Reset, by: str) -> None:
    """The rule for a name is that of every command."""
    link, result = reset(words=("--by", by))

    assert (ExitCode.INPUT, []) == (result.exit_code, link.orders)
    assert result.stderr.startswith("penpilot: --by = ")


@pytest.mark.parametrize("error", [OSError, KeyError, ImportError, None])
def test_reset_without_a_name_is_by_whoever_is_logged_in(
    reset: Reset, monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
) -> None:
    """Where the system knows nobody either, the record says so by an empty name."""

    def login() -> str:
        if error is not None:
            raise error
        return "kim"

    monkeypatch.setattr("getpass.getuser", login)
    reset(STALLED, STALLED, GOOD)

    assert ("kim" if error is None else "") == entries()[1][2]["by"]


def test_reset_is_a_session_that_can_be_listed_and_shown(reset: Reset) -> None:
    """The usual commands read it, it counts no pass, and it lets go of no grave fault."""
    reset(STALLED, STALLED, GOOD)
    home = this_home()
    with RecordStore(home.records_db, home.record_key) as store:
        (session,) = fold(store.entries()).values()
    listed = CliRunner().invoke(penpilot, ["records", "list", "--json"])
    shown = CliRunner().invoke(penpilot, ["records", "show", session.id])

    (row,) = json.loads(listed.stdout)
    assert ("completed", 42, []) == (row["status"], row["serial_number"], row["areas"])
    assert ("Reset of a fault", []) == (row["plan"], row["waits_for_release"])
    assert (0, "") == (shown.exit_code, shown.stderr)
    assert "before=STALL" in shown.stdout
    assert () == session.areas
