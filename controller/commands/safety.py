"""`penpilot safety`: the state machine as a table, as a diagram, and pair by pair in words."""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

import click

from controller.catalogue import remedy_of
from controller.commands.common import echo_json, failing_clearly, json_option
from controller.commands.safety_replay import replay
from controller.errors import InputError
from safety import render
from safety.states import Event, State

E = TypeVar("E", bound=Enum)


@click.group()
def safety() -> None:
    """Show the state machine: what is taken, what is refused, and why."""


safety.add_command(replay)


@safety.command()
@json_option
def table(*, as_json: bool) -> None:
    """List every state with every event: where it leads, under which guards, or refused."""
    if as_json:
        echo_json([as_document(pair) for pair in render.pairs()])
        return
    from rich.console import Console  # noqa: PLC0415 not needed for --json
    from rich.table import Table  # noqa: PLC0415 as above

    console = Console(highlight=False)
    for state in State:
        found = [render.pair_of(state, event) for event in Event]
        shown = Table("event", "next state", "guards", box=None, padding=(0, 2, 0, 0))
        for pair in found:
            if pair.next is not None:
                guards = ", ".join(render.in_words(name) for name in pair.guards)
                shown.add_row(pair.event.name, pair.next, guards)
        console.print(f"{state.name}: {render.STATE_WORDS[state]}", style="bold", markup=False)
        console.print(shown)
        refused = ", ".join(pair.event.name for pair in found if pair.next is None)
        console.print(f"refused: {refused}\n", style="dim", markup=False)


@safety.command()
@json_option
def diagram(*, as_json: bool) -> None:
    """Print the diagram as Mermaid text; events that many states take are left out."""
    if as_json:
        shared = [event.name for event in render.shared_events()]
        echo_json({"mermaid": render.diagram(), "left_out": shared})
    else:
        click.echo(render.diagram(), nl=False)


@safety.command()
@click.argument("state")
@click.argument("event")
@json_option
def explain(state: str, event: str, *, as_json: bool) -> None:
    """Say in words what EVENT does in STATE, or why it is refused.

    Exit code 2 if there is no such state or event.
    """
    with failing_clearly(as_json=as_json):
        pair = render.pair_of(named(State, "STATE", state), named(Event, "EVENT", event))
    text, guards = render.sentences(pair), guards_of(pair)
    if as_json:
        echo_json(as_document(pair) | {"text": text, "conditions": guards})
        return
    for sentence in text:
        click.echo(sentence)
    for guard in guards:
        click.echo(f"\n  {render.in_words(guard['guard'])} ({', '.join(guard['rules'])})")
        click.echo(f"    {guard['meaning']}")
        click.echo(f"    If not: {' Or: '.join(guard['fixes'])}")


def named(kind: type[E], field: str, name: str) -> E:
    """Return the member of that name, in any case. Raises InputError with the nearest names."""
    found = kind.__members__.get(name.upper().replace("-", "_"))
    if found is None:
        near = get_close_matches(name.upper(), kind.__members__, cutoff=0.4)
        listed = f"one of {', '.join(near)}" if near else "one that penpilot safety table lists"
        raise InputError(field, name, f"must be {listed}")
    return found


def as_document(pair: render.Pair) -> dict[str, Any]:
    """Return a pair for ``--json``."""
    return {
        "state": pair.state.name,
        "event": pair.event.name,
        "guards": pair.guards,
        "next": pair.next,
        "taken": pair.row is not None,
        "rule": pair.rule,
    }


def guards_of(pair: render.Pair) -> list[dict[str, Any]]:
    """Return what each guard of a pair means, under which rules it refuses, and what to do then."""
    if pair.row is None:
        return []
    return [
        {
            "guard": name,
            "meaning": meaning,
            "rules": list(remedy_of(name).rules),
            "fixes": list(remedy_of(name).fixes),
        }
        for name, meaning in render.meanings(pair.row)
    ]
