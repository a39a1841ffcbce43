"""Every code that a person may meet, in plain words; it knows no session and prints nothing.

Causes are told by `safety.causes`. What only the sources know (the tests that show a code, the
rules and remedies in the guards) stands in ``catalogue.toml``, which docs/make_catalogue.py writes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from controller.errors import ExitCode
from drivers.registers import TECHNICIAN_FAULT_FIRST, Fault
from safety.alarms import priority_of
from safety.causes import CATALOGUE, CauseCode, CauseKind


@dataclass(frozen=True, slots=True)
class Entry:
    """One code, and all that is to be said of it.

    Args:
        code: As it is shown, such as ``over-depth``, ``0x81``, ``SR-009`` or ``exit-3``.
        kind: ``cause``, ``pen fault``, ``rule`` or ``exit code``.
        text: What happened.
        pen: What the pen is doing.
        next_step: What the person does next.
        clears: Who may clear it.
        severity: What it makes the machine do; empty where it makes it do nothing.
        priority: Of its alarm; empty where there is none.
        hazards: Rows of the hazard table that it stands against.
        tests: Tests that show it, the most specific first.
    """

    code: str
    kind: str
    text: str
    pen: str
    next_step: str
    clears: str
    severity: str = ""
    priority: str = ""
    hazards: tuple[int, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a guard says when it refuses: under which requirements, and what to do."""

    rules: tuple[str, ...]
    fixes: tuple[str, ...]


_AT_REST = "Motor off, needles retracted."
_NEEDLES_OUT = "Motor off, and so is the drive of the needles; they may be out."
_NEW_CARTRIDGE = "Use a new cartridge, then reset."
_ASIDE = "Lay the pen aside; a technician must check it."

FAULT_WORDS: dict[Fault, tuple[str, str, str, tuple[int, ...]]] = {
    Fault.STALL: ("the motor is driven and does not turn", _AT_REST, _NEW_CARTRIDGE, (20,)),
    Fault.NO_FEEDBACK: (
        "the motor is driven and its speed is not measured",
        _AT_REST,
        "Reset; if it comes back, lay the pen aside for a technician.",
        (17,),
    ),
    Fault.OVERSPEED: (
        "the needles ran faster than set",
        _AT_REST,
        "Reset; if it comes back, lay the pen aside for a technician.",
        (17,),
    ),
    Fault.OVER_CURRENT: ("the motor drew too much current", _AT_REST, _NEW_CARTRIDGE, (20,)),
    Fault.OVER_TEMPERATURE: (
        "the motor housing is too hot",
        _AT_REST,
        "Let the pen cool down, then reset.",
        (20,),
    ),
    Fault.LOW_SUPPLY: (
        "the supply is too low under load",
        _AT_REST,
        "Charge or change the supply, then reset.",
        (16, 42),
    ),
    Fault.CARTRIDGE: (
        "the cartridge was removed or changed while armed or running",
        _AT_REST,
        _NEW_CARTRIDGE,
        (22,),
    ),
    Fault.OVER_DEPTH: ("the needles protruded deeper than set", _NEEDLES_OUT, _ASIDE, (3,)),
    Fault.RETRACT_FAILED: ("the needles did not go back", _NEEDLES_OUT, _ASIDE, (3,)),
    Fault.INGRESS: ("there is fluid inside the pen", _AT_REST, _ASIDE, (23,)),
    Fault.SELF_TEST: ("the pen's own self-test failed", _AT_REST, _ASIDE, (39,)),
    Fault.MEMORY: ("the pen's memory is damaged", _AT_REST, _ASIDE, (13,)),
    Fault.BRIDGE_SHORT: (
        "the driver of the motor is shorted",
        _AT_REST,
        "Switch the pen off by hand now; a technician must check it.",
        (12,),
    ),
}
"""Cause, pen, next step and hazards of the pen's own faults. Source: docs/protocol.md, [SAF] 4."""

_BY_THE_USER = (
    "stopped by the user: Space, Esc, Ctrl-C, penpilot stop, the pen's own button, a signal, "
    "or whoever guided or read the output gone"
)

_BY_SAFETY = (
    "refused by safety: a limit, a fault that waits for somebody, an interrupted session, "
    "a session to be resumed or closed that still runs"
)

_BY_THE_LINK = (
    "link: no such port, no pen on it, wrong device, port taken (by a session of ours as well), "
    "link lost"
)

EXIT_WORDS: dict[ExitCode, tuple[str, str, str, str]] = {
    ExitCode.DONE: (
        "done",
        "At rest, if it was driven at all.",
        "Nothing is left to do.",
        "nobody needs to",
    ),
    ExitCode.INPUT: (
        "wrong input or configuration: plan, option, data folder, record",
        "Nothing was written to it.",
        "Correct what the message names, then run the command again.",
        "whoever runs the command",
    ),
    ExitCode.REFUSED: (
        _BY_SAFETY,
        "Left as it was.",
        "The message names the limit or the session: change the plan, or close the session.",
        "nobody: no limit can be overridden",
    ),
    ExitCode.LINK: (
        _BY_THE_LINK,
        "If it was running, it has stopped by itself.",
        "Look at cable and port: penpilot ports, penpilot doctor.",
        "whoever runs the command",
    ),
    ExitCode.DEVICE: (
        "device fault, or a session that safety stopped for the pen's sake",
        "Stopped.",
        "Look up the cause that the message names: penpilot explain CODE.",
        "as that cause says",
    ),
    ExitCode.STOPPED: (
        _BY_THE_USER,
        "Stopped.",
        "Nothing goes on by itself: see penpilot records list, then resume or close the session.",
        "whoever runs the command",
    ),
}
"""Meaning, pen, next step and who clears it, of every exit code. Source: docs/cli.md."""


@cache
def sources() -> dict[str, Any]:
    """Return what docs/make_catalogue.py has read from the sources."""
    return tomllib.loads(files("controller").joinpath("catalogue.toml").read_text("utf-8"))


def entries() -> dict[str, Entry]:
    """Return every code: causes, pen faults, rules, exit codes, each in its own order."""
    found = [*_causes(), *_faults(), *_rules(), *_exits()]
    return {entry.code: entry for entry in found}


def remedy_of(guard: str) -> Remedy:
    """Return what the guard of that name says when it refuses. Raises KeyError if there is none."""
    told = sources()["refusal"][guard]
    return Remedy(tuple(told["rules"]), tuple(told["fixes"]))


def _tests(code: str) -> tuple[str, ...]:
    return tuple(sources()["tests"].get(code, ()))


def _causes() -> list[Entry]:
    return [_cause(code, kind) for code, kind in CATALOGUE.items()]


def _cause(code: CauseCode, kind: CauseKind) -> Entry:
    return Entry(
        code=str(code),
        kind="cause",
        text=kind.text,
        pen=kind.pen,
        next_step=kind.next_step,
        clears=kind.clears,
        severity=kind.severity.name,
        priority=priority_of(kind).name,
        hazards=kind.hazards,
        tests=_tests(str(code)),
    )


def fault_code(fault: int) -> str:
    """Return a pen's fault code as it is shown, such as ``0x81``."""
    return f"0x{fault:02x}"


def _faults() -> list[Entry]:
    found = []
    for fault, (text, pen, next_step, hazards) in FAULT_WORDS.items():
        is_grave = fault >= TECHNICIAN_FAULT_FIRST
        code = CauseCode.PEN_FAULT_TECHNICIAN if is_grave else CauseCode.PEN_FAULT_OPERATOR
        kind = CATALOGUE[code]
        found.append(
            Entry(
                code=fault_code(fault),
                kind="pen fault",
                text=text,
                pen=pen,
                next_step=next_step,
                clears=kind.clears,
                severity=kind.severity.name,
                priority=priority_of(kind).name,
                hazards=hazards,
                tests=_tests(fault_code(fault)),
            )
        )
    return found


def _rules() -> list[Entry]:
    return [
        Entry(
            code=code,
            kind="rule",
            text=rule["text"],
            pen="Left as it was: what is refused changes nothing.",
            next_step=" Or: ".join(rule["fixes"]),
            clears="nobody needs to: ask again when the condition holds",
            tests=_tests(code),
        )
        for code, rule in sources()["rule"].items()
    ]


def _exits() -> list[Entry]:
    return [
        Entry(f"exit-{int(code)}", "exit code", *words, tests=_tests(f"exit-{int(code)}"))
        for code, words in EXIT_WORDS.items()
    ]
