"""The talk of a trace turn by turn, and the first turn in which two traces differ.

A turn is what the host said and everything that was heard until it spoke again. Two sessions have
other tokens, ticks and measurements, and poll as often as they had time for; what is compared by
default is what was asked and how it was answered (docs/traces.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from drivers.registers import ORDER, STATUS
from drivers.trace.format import TO_PEN
from drivers.trace.frames import Frame, is_answer_to

_TOKENS = ("token", "token_echo", "last_order_token")
_MEANT = {
    ORDER.name: ("command", "depth_um", "speed_dhz", "token"),
    STATUS.name: ("state", "fault", "result"),
}
"""Fields that two sessions of the same plan have alike; of all other kinds every field counts."""

_UNHEARD = frozenset({"note", "line", "delimiter"})


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said and heard.

    Args:
        number: From 1; 0 before the host first spoke.
        said: What the host said, or None.
        heard: What was heard before it spoke again.
    """

    number: int
    said: Frame | None
    heard: tuple[Frame, ...]

    @property
    def at_us(self) -> int:
        """When it began."""
        first = self.said or next(iter(self.heard), None)
        return 0 if first is None else first.at_us

    @property
    def text(self) -> str:
        """The turn in one line."""
        said = "nothing" if self.said is None else _shown(self.said)
        return f"{said} -> {'; '.join(map(_shown, self.heard)) or 'no answer'}"


def turns(frames: Iterable[Frame]) -> Iterator[Turn]:
    """Yield the turns of a talk."""
    number, said = 0, None
    heard: list[Frame] = []
    for frame in frames:
        if frame.kind in _UNHEARD:
            continue
        if frame.direction != TO_PEN:
            heard.append(frame)
            continue
        if said is not None or heard:
            yield Turn(number, said, tuple(heard))
        number, said, heard = number + 1, frame, []
    if said is not None or heard:
        yield Turn(number, said, tuple(heard))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two traces part.

    Args:
        first: Turn of the first trace, or None if it has ended.
        second: Turn of the second one, or None if it has ended.
        fields: Name and both values of what differs.
    """

    first: Turn | None
    second: Turn | None
    fields: tuple[tuple[str, Any, Any], ...]


@dataclass(slots=True)
class _Seen:
    """A turn as it is compared."""

    turn: Turn
    fields: dict[str, Any]


@dataclass(slots=True)
class _Tokens:
    """Tokens by the order in which they came; 0 stays 0."""

    numbers: dict[int, int] = field(default_factory=dict)

    def number(self, token: int) -> int:
        low = token & 0xFFFF
        return self.numbers.setdefault(low, len(self.numbers) + 1) if low else 0


def first_difference(
    first: Iterable[Frame], second: Iterable[Frame], *, is_exact: bool = False
) -> Difference | None:
    """Return the first turn in which two traces differ, or None.

    Args:
        first: Frames of one.
        second: Frames of the other.
        is_exact: Compare every turn with every field, instead of what was meant.
    """
    pairs = zip_longest(_seen(turns(first), is_exact), _seen(turns(second), is_exact))
    for one, other in pairs:
        if one is None or other is None:
            turn_one = None if one is None else one.turn
            return Difference(turn_one, None if other is None else other.turn, ())
        if one.fields != other.fields:
            names = one.fields | other.fields
            differing = ((n, one.fields.get(n), other.fields.get(n)) for n in names)
            found = tuple(each for each in differing if each[1] != each[2])
            return Difference(one.turn, other.turn, found)
    return None


def _seen(found: Iterable[Turn], is_exact: bool) -> Iterator[_Seen]:
    """Yield turns as they are compared; without ``is_exact`` equal ones in a row only once."""
    tokens = _Tokens()
    last: dict[str, Any] | None = None
    for turn in found:
        fields = _fields("said", turn.said, is_exact, tokens)
        for number, frame in enumerate(turn.heard, 1):
            fields |= _fields(f"answer {number}", frame, is_exact, tokens)
            if turn.said is not None and not is_exact:
                fields[f"answer {number}.is its own"] = is_answer_to(frame, turn.said)
        if is_exact or fields != last:
            yield _Seen(turn, fields)
        last = fields


def _fields(place: str, frame: Frame | None, is_exact: bool, tokens: _Tokens) -> dict[str, Any]:
    if frame is None:
        return {place: None}
    found: dict[str, Any] = {place: frame.kind, f"{place}.defect": frame.defect}
    if is_exact:
        found[f"{place}.data"] = frame.data.hex()
    elif frame.defect:
        return found
    names = frame.fields if is_exact else _MEANT.get(frame.kind, frame.fields)
    for name in names:
        value = frame.fields[name]
        if name == "depth_um" and frame.fields.get("command") in ("open", "reset") and not is_exact:
            continue  # that is the epoch
        if name in _TOKENS and isinstance(value, int) and not is_exact:
            value = tokens.number(value)
        found[f"{place}.{name}"] = value
    return found


def _shown(frame: Frame) -> str:
    return f"DAMAGED ({frame.defect}) {frame.text}" if frame.defect else frame.text
