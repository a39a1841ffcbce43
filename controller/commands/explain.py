"""`penpilot explain`: what a code means, what the pen is doing, and what to do next."""

from __future__ import annotations

import re
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

import click

from controller.catalogue import Entry, entries, fault_code
from controller.commands.common import echo_json, fail, json_option
from controller.errors import ExitCode

SHOWN = 60
"""So much of an unknown code is repeated. ASSUMED: the longest known one has 25 characters."""

NEAREST = 3
"""So many names are offered for one that nobody knows. ASSUMED."""

_LABELS = {
    "pen": "the pen",
    "next_step": "next step",
    "clears": "may clear it",
    "severity": "severity",
    "priority": "alarm",
    "hazards": "hazards",
    "tests": "shown by",
}
"""What is printed of an entry after its text, in this order."""


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, *, as_json: bool) -> None:
    """Say what CODE means and what to do; without CODE list every code.

    CODE is a cause (over-depth), a fault of the pen (0x81), a rule (SR-009) or an exit code
    (exit-3). Exit code 2 if there is no such code.
    """
    known = entries()
    if code is None:
        _list(known, as_json=as_json)
        return
    entry = known.get(spelled(code, known))
    if entry is None:
        fail(_unknown(code, known), ExitCode.INPUT, as_json=as_json)
    elif as_json:
        echo_json(document(entry))
    else:
        _show(entry)


def spelled(code: str, known: dict[str, Entry]) -> str:
    """Return a code in the spelling of the catalogue, as far as it is one.

    Case does not matter, nor whether words are joined as on the wire (OVER_DEPTH).
    """
    by_lower = {name.lower(): name for name in known}
    lower = code.strip().lower().replace("_", "-")
    if re.fullmatch(r"0x[0-9a-f]{1,2}", lower):
        lower = fault_code(int(lower, 16))
    return by_lower.get(lower, code)


def document(entry: Entry) -> dict[str, Any]:
    """Return an entry for ``--json``; what it does not have is null."""
    told = asdict(entry)
    return told | {name: told[name] or None for name in ("severity", "priority")}


def _unknown(code: str, known: dict[str, Entry]) -> str:
    near = get_close_matches(code, list(known), n=NEAREST, cutoff=0.4)
    hint = f"nearest: {', '.join(near)}" if near else "penpilot explain lists every code"
    return f"there is no code {code[:SHOWN]!r}; {hint}"


def _list(known: dict[str, Entry], *, as_json: bool) -> None:
    if as_json:
        echo_json([document(entry) for entry in known.values()])
        return
    width = max(map(len, known))
    for kind in dict.fromkeys(entry.kind for entry in known.values()):
        click.echo(f"{kind.capitalize()}s")
        for entry in known.values():
            if entry.kind == kind:
                click.echo(f"  {entry.code:<{width}}  {entry.priority.lower():<6}  {entry.text}")


def _show(entry: Entry) -> None:
    width = max(map(len, _LABELS.values()))
    click.echo(f"{entry.code} ({entry.kind}): {entry.text}")
    for name, label in _LABELS.items():
        for line in _lines(getattr(entry, name)):
            click.echo(f"  {label:<{width}}  {line}")
            label = ""  # noqa: PLW2901 the label stands at the first line only


def _lines(value: str | tuple[object, ...]) -> list[str]:
    """Return the lines of one field: numbers on one line, tests one under the other."""
    if isinstance(value, str):
        return [value.lower().replace("_", " ") if value.isupper() else value] if value else []
    if all(isinstance(one, int) for one in value):
        return [", ".join(map(str, value))] if value else []
    return [str(one) for one in value]
