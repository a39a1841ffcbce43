"""Which registers are read for one status, and what they say; it sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drivers.plain.frames import Request, read_request
from drivers.plain.profile import PlainProfile
from drivers.registers import Fault

READ_WORDS_MAX = 125
"""Registers of one request. Source: Modbus application protocol 1.1b3, 6.3."""


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive registers that are read together.

    Args:
        function: 3 or 4.
        address: Of the first.
        words: How many.
    """

    function: int
    address: int
    words: int

    def request(self, unit_id: int) -> Request:
        """Return the request that reads them."""
        return read_request(unit_id, self.function, self.address, self.words)


@dataclass(frozen=True, slots=True)
class Readings:
    """What one round of reading said.

    Args:
        numbers: What was measured, by name; None for "not known".
        switches: What is so and what is not, by name.
        fault: That the pen tells.
        setpoints: What the pen says that it was ordered.
        run: Register that starts and stops the motor, or None if it cannot be read.
        kick: Register of the watchdog, or None.
        watchdog_timeout_ms: What the pen says of it, or None.
    """

    numbers: Mapping[str, int | None] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    fault: Fault = Fault.NONE
    setpoints: Mapping[str, int | None] = field(default_factory=dict)
    run: int | None = None
    kick: int | None = None
    watchdog_timeout_ms: int | None = None

    def number(self, name: str) -> int | None:
        """Return a measurement, None if it is not known or the profile has none."""
        return self.numbers.get(name)

    def is_on(self, name: str) -> bool:
        """Return whether something is so; what the profile does not name is not."""
        return self.switches.get(name, False)


def spans_of(profile: PlainProfile) -> tuple[Span, ...]:
    """Return what is read for one status: only registers that are named, neighbours together."""
    cells: set[tuple[int, int]] = set()
    for function, address, words in _named(profile):
        cells |= {(function, at) for at in range(address, address + words)}
    spans: list[Span] = []
    for function, address in sorted(cells):
        last = spans[-1] if spans else None
        if (
            last is not None
            and last.function == function
            and last.address + last.words == address
            and last.words < READ_WORDS_MAX
        ):
            spans[-1] = Span(function, last.address, last.words + 1)
        else:
            spans.append(Span(function, address, 1))
    return tuple(spans)


def readings_of(profile: PlainProfile, cells: Mapping[tuple[int, int], int]) -> Readings:
    """Return what the registers say.

    Args:
        profile: What they mean.
        cells: Every register of `spans_of`, by function and address.
    """

    def at(function: int | None, address: int, words: int = 1) -> tuple[int, ...]:
        return tuple(cells[function or 0, address + one] for one in range(words))

    dog, run, fault = profile.watchdog, profile.run, profile.fault
    kick = None if dog is None or dog.field.read is None else at(dog.field.read, dog.field.address)
    timeout = None if dog is None else dog.timeout
    return Readings(
        numbers={
            name: one.value_of(at(one.read, one.address, one.words))
            for name, one in profile.measured.items()
        },
        switches={
            name: one.is_on(at(one.read, one.address)[0]) for name, one in profile.switches.items()
        },
        fault=Fault.NONE if fault is None else fault.fault_of(at(fault.read, fault.address)[0]),
        setpoints={
            name: one.value_of(at(one.read, one.address, one.words))
            for name, one in profile.setpoints.items()
        },
        run=None if run is None else at(run.field.read, run.field.address)[0],
        kick=None if kick is None else kick[0],
        watchdog_timeout_ms=None
        if timeout is None
        else timeout.value_of(at(timeout.read, timeout.address, timeout.words)),
    )


def _named(profile: PlainProfile) -> Iterator[tuple[int, int, int]]:
    """Yield function, address and words of everything that is read."""
    fields = [*profile.measured.values(), *profile.setpoints.values()]
    if profile.run is not None:
        fields.append(profile.run.field)
    if profile.watchdog is not None:
        fields.append(profile.watchdog.field)
        fields += [profile.watchdog.timeout] if profile.watchdog.timeout is not None else []
    for one in fields:
        if one.read is not None:
            yield one.read, one.address, one.words
    for switch in profile.switches.values():
        yield switch.read, switch.address, 1
    if profile.fault is not None:
        yield profile.fault.read, profile.fault.address, 1
