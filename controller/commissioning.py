"""Whether a line may be treated over: commissioning runs, kept by line and pen, and a short look.

It only asks; what is asked and how it is judged stands in `drivers.commissioning`. A line whose
last commissioning failed is refused until another one passes. One that was never commissioned is
looked at for half a second when a session opens.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from controller.config import Home
from controller.errors import ConfigError, RefusedError
from controller.line_advice import remedy_for
from controller.session_link import identified
from drivers.address import parse_address
from drivers.block import Identity, Status
from drivers.choosing import chosen_url, steady_name
from drivers.commissioning import SHORT, Figures, faults_of, late_allowed, measure
from drivers.driver import Driver
from drivers.errors import SilentDevice
from drivers.registers import Capability, Command, PenState
from drivers.timing import PROFILE_A

LOOKS = 3
"""A short look that fails is taken again, so often in all: a slow line fails them all, a program
that was in the way does not. ASSUMED."""

_RESTING = frozenset({PenState.SAFE, PenState.FAULT, PenState.SERVICE})


@dataclass(frozen=True, slots=True)
class Commissioned:
    """What a commissioning run found.

    Args:
        at: When, in ISO 8601.
        line: Driver and steady name of the port.
        port: As the operator gave it.
        serial_number: Of the pen.
        simulated: Whether it is a simulated pen.
        lease_ms: As the pen states it.
        profile: Name of the timing profile that was asked for.
        faults: Why the line cannot hold the lease; empty if it can.
        remedy: What to do about it; empty if nothing is wrong.
        figures: What was measured.
    """

    at: str
    line: str
    port: str
    serial_number: int
    simulated: bool
    lease_ms: int
    profile: str
    faults: tuple[str, ...]
    remedy: str
    figures: Figures

    @property
    def has_passed(self) -> bool:
        """Whether the line can hold the lease."""
        return not self.faults


def commission(
    port: str, exchanges: int, at: str, on_progress: Callable[[int], None] = lambda _done: None
) -> Commissioned:
    """Measure the line to the pen on a port, which must be at rest; nothing moves.

    Args:
        port: Address of the pen, as `drivers.address` has it.
        exchanges: How often to ask, 1 or more.
        at: Date and time for the result.
        on_progress: Called with the number of questions asked so far.

    Raises:
        LinkError: If there is no such port, or no pen on it that answers.
        RefusedError: If the pen is not at rest.

    Rule: SR-057.
    """
    with identified(port) as (link, pen):
        status = link.exchange(Command.POLL, attempts=3).status
        if status is None:
            raise SilentDevice(port, 75)
        if not _rests(status):
            raise RefusedError(f"pen {pen.serial_number} is in {status.state.name}: stop it first")
        figures = _measured(link, exchanges, on_progress)
    faults = faults_of(figures, PROFILE_A, pen.lease_ms)
    return Commissioned(
        at=at,
        line=line_of(port),
        port=port,
        serial_number=pen.serial_number,
        simulated=bool(pen.capabilities & Capability.SIMULATED),
        lease_ms=pen.lease_ms,
        profile=PROFILE_A.name,
        faults=faults,
        remedy=remedy_for(chosen_url(parse_address(port).url)) if faults else "",
        figures=figures,
    )


def refuse_slow_line(home: Home, port: str, link: Driver, pen: Identity) -> None:
    """Refuse a line that cannot hold the lease: by its last commissioning, else by a short look.

    Args:
        home: Data folder.
        port: Address of the pen.
        link: The identified pen; it is asked by POLL only.
        pen: Who it is.

    Raises:
        RefusedError: With the reason, and what to do.
        LinkLost: If the port goes away.

    Rule: SR-057.
    """
    known = last_of(home, port, pen.serial_number)
    if known is not None:
        if not known.has_passed:
            raise _refusal(port, pen, known.faults, known.remedy, f" (commissioned {known.at})")
        return
    faults: tuple[str, ...] = ()
    for _ in range(LOOKS):
        faults = faults_of(_looked_at(link), PROFILE_A, pen.lease_ms)
        if not faults:
            return
    raise _refusal(port, pen, faults, remedy_for(chosen_url(parse_address(port).url)), "")


def keep(home: Home, result: Commissioned) -> Path:
    """Write down what was found, in place of what was found before; return the file.

    Raises:
        ConfigError: If it cannot be written.
    """
    path = _file(home, result.line, result.serial_number)
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ConfigError("data folder", path, f"must take files ({error.strerror})") from error
    return path


def last_of(home: Home, port: str, serial_number: int) -> Commissioned | None:
    """Return the last commissioning of this line with this pen.

    None if there is none, and for a damaged file: then the line is looked at anew.
    """
    line = line_of(port)
    try:
        text = _file(home, line, serial_number).read_bytes()
        found = msgspec.json.decode(text, type=Commissioned)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    is_of_it = (found.line, found.serial_number) == (line, serial_number)
    return found if is_of_it and found.profile == PROFILE_A.name else None


def line_of(port: str) -> str:
    """Return driver and steady name of a port: what was measured holds for both together."""
    address = parse_address(port)
    return f"{address.driver}+{steady_name(address.url)}"


def _measured(
    link: Driver,
    count: int,
    on_progress: Callable[[int], None] = lambda _done: None,
    late_max: int | None = None,
) -> Figures:
    return measure(
        link,
        count,
        answer_ms=PROFILE_A.answer_ms,
        wait_us=lambda us: time.sleep(us / 1e6),
        on_progress=on_progress,
        late_max=late_max,
    )


def _looked_at(link: Driver) -> Figures:
    """Measure for half a second, or until the line has failed: a session waits for it."""
    return _measured(link, SHORT, late_max=late_allowed(SHORT))


def _rests(status: Status) -> bool:
    return status.state in _RESTING and status.speed_dhz == 0


def _refusal(
    port: str, pen: Identity, faults: tuple[str, ...], remedy: str, when: str
) -> RefusedError:
    return RefusedError(
        f"the line to pen {pen.serial_number} on {port} cannot hold the lease{when}: "
        f"{'; '.join(faults)}. {remedy}. Then measure it: penpilot commission --port {port}"
    )


def _file(home: Home, line: str, serial_number: int) -> Path:
    digest = hashlib.sha256(line.encode()).hexdigest()[:16]
    return home.folder / "lines" / f"pen-{serial_number}-{digest}.json"
