"""Faults to inject, by name, each with a condition that sets it off and evidence that it struck.

``NAME[:VALUE]@tick=MS``, ``@strokes=N`` or ``@run=MS[#K]``: at that millisecond of the program,
at that many strokes since it began, or that long after the K-th START (the first unless told
otherwise). A fault bends the physics or the wire's end, never the firmware's decisions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.pen import Pen

_NEVER_MS = 1 << 62
_NUMBER_MAX = 10**9
_SYNTAX = re.compile(
    r"(?P<name>[a-z-]+)(:(?P<value>\d+))?@(?P<when>[a-z]+)=(?P<at>\d+)(#(?P<start>\d+))?",
    re.ASCII,
)
_CONDITIONS = ("tick", "strokes", "run")


class FaultSyntaxError(ValueError):
    """A fault as text that cannot be understood; the message is one line for its author."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way in which a pen fails: either a shock that stays or a switch that may go back.

    Args:
        text: What happens, and what the value means.
        shock: Strikes once and takes the value.
        switch: Goes on, and off again after the value in ms; 0 is never.
        default: Value unless told otherwise.
    """

    text: str
    shock: Callable[[Pen, int], None] | None = None
    switch: Callable[[Pen, bool], None] | None = None
    default: int = 0


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A fault that waits for its condition.

    Args:
        name: One of `KINDS`.
        value: See its kind.
        when: ``tick``, ``strokes`` or ``run``.
        at: Milliseconds, strokes, or milliseconds.
        start: Which START a ``run`` condition counts from, 1 the first.
    """

    name: str
    value: int
    when: str
    at: int
    start: int = 1


@dataclass(slots=True)
class Evidence:
    """That a fault truly struck. Ticks are milliseconds since the program began."""

    name: str
    value: int
    applied_at_tick: int
    cleared_at_tick: int | None = None


def _loosen_plate(pen: Pen, shift_um: int) -> None:
    pen.plant.depth.loosen_plate(shift_um)


def _restart(pen: Pen, _value: int) -> None:
    pen.restart()


def _pull_cable(pen: Pen, on: bool) -> None:
    pen.cable_in = not on


def _deafen(pen: Pen, on: bool) -> None:
    pen.is_deaf = on


def _mute(pen: Pen, on: bool) -> None:
    pen.is_mute = on


def _block_rotor(pen: Pen, on: bool) -> None:
    pen.plant.motor.locked = on


def _blind_encoder(pen: Pen, on: bool) -> None:
    pen.plant.motor.feedback_lost = on


def _run_away(pen: Pen, on: bool) -> None:
    pen.plant.motor.runaway = on


def _take_cartridge(pen: Pen, on: bool) -> None:
    pen.plant.seat_cartridge(is_in=not on)


def _stick_sensor(pen: Pen, on: bool) -> None:
    pen.plant.depth.sensor_stuck = on


def _jam_depth(pen: Pen, on: bool) -> None:
    pen.plant.depth.jammed = on


def _press_button(pen: Pen, on: bool) -> None:
    pen.plant.button_down = on


KINDS = {
    "over-depth": FaultKind(
        "cartridge plate loose: true protrusion grows at once by VALUE um",
        shock=_loosen_plate,
        default=500,
    ),
    "restart": FaultKind("brown-out: reboot, RAM lost", shock=_restart),
    "cable-pull": FaultKind("port gone for VALUE ms, the pen goes on", switch=_pull_cable),
    "deaf": FaultKind("pen receives nothing for VALUE ms", switch=_deafen),
    "mute": FaultKind("pen obeys but never answers for VALUE ms", switch=_mute),
    "stall": FaultKind("rotor blocked for VALUE ms", switch=_block_rotor),
    "no-feedback": FaultKind("encoder reads nothing for VALUE ms", switch=_blind_encoder),
    "runaway": FaultKind("driver gives all it can for VALUE ms", switch=_run_away),
    "cartridge-out": FaultKind("no cartridge in the pen for VALUE ms", switch=_take_cartridge),
    "stuck-depth-sensor": FaultKind("sensor keeps its last value VALUE ms", switch=_stick_sensor),
    "retract-fail": FaultKind("depth drive does not move for VALUE ms", switch=_jam_depth),
    "stop-button": FaultKind("the pen's own button held for VALUE ms", switch=_press_button),
}
"""Values in ms: 0, the default, is for ever. Source: fault catalogue AC01, AC02, AC05, AC07, AC10,
SE01, SE02, PO01, FR01, TI05 and TI07, and domain research 4.6."""


def parse_fault(text: str) -> FaultOrder:
    """Read one fault from the command line.

    Raises:
        FaultSyntaxError: If it is not ``NAME[:VALUE]@CONDITION=N``, or names what is not known.
    """
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise FaultSyntaxError(f"{text!r} is not NAME[:VALUE]@tick=MS, @strokes=N or @run=MS[#K]")
    name, when = match["name"], match["when"]
    if name not in KINDS:
        raise FaultSyntaxError(f"no fault {name!r}; known: {', '.join(KINDS)}")
    if when not in _CONDITIONS:
        raise FaultSyntaxError(f"no condition {when!r}; known: {', '.join(_CONDITIONS)}")
    if match["start"] is not None and when != "run":
        raise FaultSyntaxError(f"{text!r}: only @run counts STARTs with '#'")
    value = int(match["value"]) if match["value"] else KINDS[name].default
    at, start = int(match["at"]), int(match["start"] or 1)
    if not (value <= _NUMBER_MAX and at <= _NUMBER_MAX and 1 <= start <= _NUMBER_MAX):
        raise FaultSyntaxError(f"{text!r}: numbers go to {_NUMBER_MAX}, and STARTs count from 1")
    return FaultOrder(name, value, when, at, start)


@dataclass(slots=True)
class Injector:
    """Sets off waiting faults, and sets right those whose time is over.

    Args:
        waiting: Faults that have not struck yet.
    """

    waiting: list[FaultOrder]
    evidence: list[Evidence] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    _running: list[tuple[int, Evidence]] = field(default_factory=list)

    @classmethod
    def of(cls, orders: Iterable[FaultOrder]) -> Injector:
        """Return an injector for these faults."""
        return cls(waiting=list(orders))

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to watch for."""
        return not self.waiting and not self._running

    def next_ms(self) -> int:
        """Return the next millisecond at which something may happen while no needle moves."""
        due = [due_ms for due_ms, _ in self._running]
        due += [self._due_ms(order) for order in self.waiting if order.when != "strokes"]
        return min(due, default=_NEVER_MS)

    def step(self, pen: Pen, now_ms: int, strokes: int) -> None:
        """Go on to that millisecond of the program."""
        for due_ms, evidence in list(self._running):
            if now_ms >= due_ms:
                self._running.remove((due_ms, evidence))
                self._clear(pen, evidence, now_ms)
        for order in list(self.waiting):
            if (strokes if order.when == "strokes" else now_ms) >= self._due_ms(order):
                self.waiting.remove(order)
                self.strike(pen, order.name, order.value, now_ms)

    def strike(self, pen: Pen, name: str, value: int, now_ms: int) -> Evidence:
        """Let a fault happen now.

        Raises:
            KeyError: If there is no such fault.
        """
        kind = KINDS[name]
        evidence = Evidence(name, value, now_ms)
        self.evidence.append(evidence)
        pen.log("fault_injected", fault=name, value=value)
        if kind.shock:
            kind.shock(pen, value)
        if kind.switch:
            kind.switch(pen, True)
            if value:
                self._running.append((now_ms + value, evidence))
        return evidence

    def _clear(self, pen: Pen, evidence: Evidence, now_ms: int) -> None:
        switch = KINDS[evidence.name].switch
        if switch:
            switch(pen, False)
        evidence.cleared_at_tick = now_ms
        pen.log("fault_cleared", fault=evidence.name)

    def _due_ms(self, order: FaultOrder) -> int:
        if order.when != "run":
            return order.at
        if len(self.starts_ms) < order.start:
            return _NEVER_MS
        return self.starts_ms[order.start - 1] + order.at
