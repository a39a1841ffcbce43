"""`penpilot safety`: table, diagram and single pairs are those of the machine that runs."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.commands.safety import guards_of, safety
from controller.errors import ExitCode
from safety.machine import Machine
from safety.render import (
    EVENT_WORDS,
    STATE_WORDS,
    diagram,
    in_words,
    meanings,
    pair_of,
    sentences,
    shared_events,
)
from safety.states import LATCHED, Event, State
from safety.table import ROWS

PAIRS = tuple(product(State, Event))
DOCS = Path(__file__).parents[2] / "docs"


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command on a wide terminal."""
    result = CliRunner(env={"COLUMNS": "1000"}).invoke(safety, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: str) -> tuple[int, Any]:
    """Return exit code and the one JSON document of the command."""
    code, out, err = run(*arguments, "--json")
    assert ("", 1) == (err, out.count("\n"))
    return code, json.loads(out)


@pytest.mark.req("SR-004")
def test_table_as_json_holds_every_pair_once() -> None:
    """Refused pairs are included: 15 states with 44 events, each as the table has it."""
    code, told = run_json("table")

    assert (0, 15 * 44) == (code, len(told))
    assert [(s.name, e.name) for s, e in PAIRS] == [(row["state"], row["event"]) for row in told]
    for (state, event), row in zip(PAIRS, told, strict=True):
        known = ROWS.get((state, event))
        expected = {
            "state": state.name,
            "event": event.name,
            "guards": [guard.__name__ for guard in known.guards] if known else [],
            "next": known.next.name if known else None,
            "taken": known is not None,
            "rule": None if known else "SR-004",
        }
        assert expected == row


@pytest.mark.req("SR-004")
def test_pair_told_as_refused_is_refused_by_the_machine_under_that_rule() -> None:
    """The command and the machine give the same answer to every pair without a row."""
    machine = Machine()
    refused = [pair_of(state, event) for state, event in PAIRS if (state, event) not in ROWS]

    for pair in refused:
        # An unlisted pair is refused before anything is looked at.
        firing = machine.fire(pair.state, pair.event, None)  # type: ignore[arg-type]
        assert [pair.rule] == [refusal.rule for refusal in firing.refusals]
        assert pair.state is firing.after
    assert len(PAIRS) - len(ROWS) == len(refused)


def test_table_for_people_names_every_pair() -> None:
    """Each state has its rows with next state and guards, and one line of what it refuses."""
    code, out, err = run("table")

    assert (0, "") == (code, err)
    sections = re.split(r"^(\w+): (.*)\n", out, flags=re.MULTILINE)[1:]
    assert [s.name for s in State] == sections[0::6]
    assert [STATE_WORDS[s] for s in State] == sections[1::6]
    for state, rows, refused in zip(State, sections[2::6], sections[4::6], strict=True):
        found = [re.split(r" {2,}", line.strip()) for line in rows.splitlines()[1:]]
        taken = [ROWS[state, event] for event in Event if (state, event) in ROWS]
        expected = [
            [row.event.name, row.next.name]
            + [", ".join(in_words(guard.__name__) for guard in row.guards)] * bool(row.guards)
            for row in taken
        ]
        assert expected == found
        assert [e.name for e in Event if (state, e) not in ROWS] == refused.split(", ")


def test_diagram_is_the_one_of_the_page() -> None:
    """Page and command draw with the same hand."""
    page = (DOCS / "state-machine.md").read_text(encoding="utf-8")
    code, out, err = run("diagram")

    assert (0, "") == (code, err)
    assert out == diagram()
    assert f"```mermaid\n{out}```\n" in page
    names = [event.name for event in shared_events()]
    assert (0, {"mermaid": out, "left_out": names}) == run_json("diagram")


def test_every_state_and_event_has_words_of_its_own() -> None:
    """No name is left unexplained, and no two are explained alike."""
    assert list(State) == list(STATE_WORDS)
    assert list(Event) == list(EVENT_WORDS)
    words = [*STATE_WORDS.values(), *EVENT_WORDS.values()]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("state", State)
def test_pair_is_told_in_plain_words(state: State) -> None:
    """What holds, what happens, where it leads or why not; a latched state says how it is left."""
    for event in Event:
        row = ROWS.get((state, event))
        told = sentences(pair_of(state, event))

        assert [f"{state.name}: {STATE_WORDS[state]}.", f"{event.name}: {EVENT_WORDS[event]}."] == (
            told[:2]
        )
        if row is None:
            takers = [s.name for s in State if (s, event) in ROWS]
            refused = f"Refused under SR-004: {event.name} is not possible in {state.name}."
            where = told[3].removeprefix("Nothing changes. It is possible in ").removesuffix(".")
            assert refused == told[2]
            assert sorted(takers) == sorted(where.split(", "))
        else:
            count = len(row.guards)
            under = {0: " without a condition", 1: " if its guard holds"}
            after = f" leads to {row.next.name} ({STATE_WORDS[row.next]})."
            after = f" {state.name} stays." if row.next is state else after
            assert f"Taken{under.get(count, f' if all {count} guards hold')}:{after}" == told[2]
        is_stuck = state in LATCHED and event is not Event.RESET
        latched = [f"{state.name} is latched: only RESET leads out of it to rest."] * is_stuck
        assert latched == told[3 + (row is None) :]


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: f"{row.state.name}-{row.event.name}")
def test_guard_is_told_with_its_meaning_and_its_remedy(row: Any) -> None:
    """Each guard says what it looks at, under which requirement it refuses, and what to do."""
    told = guards_of(pair_of(row.state, row.event))

    assert [guard.__name__ for guard in row.guards] == [one["guard"] for one in told]
    assert meanings(row) == [(one["guard"], one["meaning"]) for one in told]
    for one in told:
        assert {"guard", "meaning", "rules", "fixes"} == set(one)
        assert one["meaning"].endswith((".", ":"))
        assert all(re.fullmatch(r"SR-\d{3}", rule) for rule in one["rules"])
        assert all(fix.endswith(".") for fix in one["fixes"])
        assert one["rules"]
        assert one["fixes"]


def test_explain_tells_a_taken_pair_with_its_guards() -> None:
    """The sentences come first, then each guard with its rule, its meaning and what to do."""
    code, out, err = run("explain", "planned", "Arm")
    pair = pair_of(State.PLANNED, Event.ARM)

    assert (0, "") == (code, err)
    assert out.startswith("\n".join(sentences(pair)) + "\n\n")
    blocks = out.strip().split("\n\n")[1:]
    assert len(pair.guards) == len(blocks)
    for block, guard in zip(blocks, guards_of(pair), strict=True):
        assert [
            f"  {in_words(guard['guard'])} ({', '.join(guard['rules'])})",
            f"    {guard['meaning']}",
            f"    If not: {' Or: '.join(guard['fixes'])}",
        ] == block.splitlines()


def test_explain_tells_a_refused_pair_with_its_requirement() -> None:
    """Nothing follows the sentences, and the document says the same."""
    code, out, err = run("explain", "IDLE", "START")
    pair = pair_of(State.IDLE, Event.START)

    assert (0, "", "\n".join(sentences(pair)) + "\n") == (code, err, out)
    assert "Refused under SR-004: START is not possible in IDLE." in out
    code, told = run_json("explain", "IDLE", "START")
    expected = {"state": "IDLE", "event": "START", "guards": [], "next": None, "taken": False}
    assert (0, expected | {"rule": "SR-004", "text": sentences(pair), "conditions": []}) == (
        code,
        told,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("idel", "START"), "STATE = 'idel': must be one of IDLE"),
        (("IDLE", "STRAT"), "EVENT = 'STRAT': must be one of START"),
        (("unknown-outcme", "EXECUTED"), "UNKNOWN_OUTCOME"),
        (("IDLE", "zzzz"), "EVENT = 'zzzz': must be one that penpilot safety table lists"),
        (("", "START"), "STATE = '': must be one that penpilot safety table lists"),
    ],
)
def test_unknown_name_is_one_line_with_the_nearest_names(
    arguments: tuple[str, str], says: str
) -> None:
    """The exit code is that of wrong input."""
    code, out, err = run("explain", *arguments)

    assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
    assert says in err
    code, told = run_json("explain", *arguments)
    assert (ExitCode.INPUT, {"error", "exit_code"}) == (code, set(told))


def test_name_with_hyphens_is_the_name_with_underlines() -> None:
    """Whoever types unknown-outcome is understood."""
    assert run("explain", "UNKNOWN_OUTCOME", "NOT_EXECUTED") == run(
        "explain", "unknown-outcome", "not-executed"
    )
