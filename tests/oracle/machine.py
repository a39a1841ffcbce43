"""The oracle of the state machine: reads tests/data/oracle.toml and says what must happen.

It knows strings only, and imports nothing of the packages: it shares no code, no enum and no table
with the machine that it is compared with.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLE_PATH = Path(__file__).parents[1] / "data" / "oracle.toml"

SAME = "same"
"""The word of the table for: accepted, and the state stays."""


class OracleError(ValueError):
    """The table contradicts itself or leaves something out, or a name is none of its names."""


class Decision(NamedTuple):
    """What must happen to one event.

    ``next`` is the state afterwards; ``taken`` is false for a refusal, which changes nothing;
    ``missing`` holds the atoms that were required and not given, in alphabetical order.
    """

    next: str
    taken: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One rule of the table, its groups written out."""

    name: str
    states: tuple[str, ...]
    events: tuple[str, ...]
    atoms: frozenset[str]
    next: str
    basis: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Table:
    """The checked table: every pair has a rule, or its event has a reason to be refused."""

    states: Mapping[str, Mapping[str, Any]]
    events: tuple[str, ...]
    atoms: frozenset[str]
    stop_family: tuple[str, ...]
    severity: Mapping[str, str]
    rules: Mapping[tuple[str, str], Rule]
    refused: Mapping[str, str]

    def decide(self, state: str, event: str, atoms: frozenset[str]) -> Decision:
        """Return what must happen to ``event`` in ``state`` while exactly ``atoms`` hold.

        Raises:
            OracleError: a name is none of the table's.
        """
        known("state", {state}, self.states)
        known("event", {event}, self.events)
        known("atom", atoms, self.atoms)
        rule = self.rules.get((state, event))
        if rule is None:
            return Decision(state, taken=False, missing=())
        missing = tuple(sorted(rule.atoms - atoms))
        if missing:
            return Decision(state, taken=False, missing=missing)
        return Decision(after(rule, state), taken=True, missing=())

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield every pair of state and event, in the order of the table."""
        yield from ((state, event) for state in self.states for event in self.events)


def after(rule: Rule, state: str) -> str:
    """Return the state that a rule leads to when it is taken in ``state``."""
    return state if rule.next == SAME else rule.next


def known(kind: str, names: Sequence[str] | set[str] | frozenset[str], words: Any) -> None:
    """Raise OracleError if one of ``names`` is none of ``words``."""
    unknown = sorted(name for name in names if name not in words)
    if unknown:
        raise OracleError(f"unknown {kind}: {', '.join(unknown)}")


def written_out(names: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return state names with every ``@group`` replaced by its states."""
    states: list[str] = []
    for name in names:
        if name.startswith("@"):
            known("group", {name[1:]}, groups)
            states += groups[name[1:]]
        else:
            states.append(name)
    return tuple(states)


def read_rule(entry: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> Rule:
    """Return a rule from its entry in the table; a key that is missing or unknown is an error."""
    keys = {"id", "states", "events", "atoms", "next", "basis", "why"}
    wrong = keys - {"atoms"} - set(entry) or set(entry) - keys
    if wrong:
        raise OracleError(f"rule {entry.get('id')}: missing or unknown: {', '.join(sorted(wrong))}")
    return Rule(
        name=entry["id"],
        states=written_out(entry["states"], groups),
        events=tuple(entry["events"]),
        atoms=frozenset(entry.get("atoms", ())),
        next=entry["next"],
        basis=tuple(entry["basis"]),
        why=entry["why"],
    )


def read_table(text: str) -> Table:
    """Return the table in ``text``, after checking that it decides every pair exactly once.

    Raises:
        OracleError: two rules speak of one pair, a name is unknown, or a reason is missing.
    """
    data = tomllib.loads(text)
    groups = {**data["groups"], "all": list(data["states"])}
    events, atoms = tuple(data["events"]), frozenset(data["atoms"])
    rules: dict[tuple[str, str], Rule] = {}
    for rule in (read_rule(entry, groups) for entry in data["rule"]):
        known("state", {*rule.states} | {rule.next} - {SAME}, data["states"])
        known("event", rule.events, events)
        known("atom", rule.atoms, atoms)
        if not (rule.basis and rule.why):
            raise OracleError(f"rule {rule.name}: no basis or no reason")
        for pair in ((state, event) for state in rule.states for event in rule.events):
            if pair in rules:
                raise OracleError(f"{pair}: decided by {rules[pair].name} and by {rule.name}")
            rules[pair] = rule
    known("event", set(data["severity"]) | set(data["stop_family"]), events)
    left = {event for event in events for state in data["states"] if (state, event) not in rules}
    if left != set(data["refused"]):
        raise OracleError(f"refused, and a reason: {sorted(left ^ set(data['refused']))}")
    family = tuple(data["stop_family"])
    return Table(data["states"], events, atoms, family, data["severity"], rules, data["refused"])


@cache
def table() -> Table:
    """Return the table of tests/data/oracle.toml."""
    return read_table(TABLE_PATH.read_text(encoding="utf-8"))


def decide(state: str, event: str, atoms: frozenset[str]) -> Decision:
    """Return what must happen, by tests/data/oracle.toml: see `Table.decide`."""
    return table().decide(state, event, atoms)
