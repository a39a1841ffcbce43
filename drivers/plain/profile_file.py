"""Reads a device profile from TOML, strictly: what is unknown, missing or out of range is refused.

It knows the form of the file and nothing of a port. docs/plain-pens.md says what each key means.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from drivers.plain.profile import (
    SWITCHES,
    UNITS,
    Cartridge,
    Expected,
    FaultCodes,
    Field,
    Limits,
    PlainProfile,
    Run,
    Switch,
    Watchdog,
)
from drivers.plain.supervised import LATENCY_MS_MAX, WATCHDOG_MS_MAX, WATCHDOG_MS_MIN
from drivers.plain.table import ProfileError, Table
from drivers.registers import BAUD_RATE, Fault

FORMAT = 1
KIND = "plain-modbus-pen"

BYTES_MAX = 65_536
"""The profile of a pen takes 4 KiB; larger files are none. ASSUMED."""

LINE_BYTES_MAX = 1_000
"""No line is longer; a dotted key of 60 KB takes `tomllib` half a minute. ASSUMED."""

IDENTITY_MAX = 8
"""Most registers that tell the device. ASSUMED: each is read by itself when it is identified."""

DEPTH_UM_MAX = 5_000
SPEED_DHZ_MAX = 5_000
STOP_MS_MAX = 10_000
NEEDLES_MAX = 100
"""What a file may say at all; what is granted is far less (`drivers.plain.supervised`). ASSUMED:
beyond these a number is a slip."""

SCALE_MAX = 1_000_000
"""Largest numerator and denominator. ASSUMED: micro to one."""

READ_HOLDING, READ_INPUT = 3, 4
WRITE_ONE, WRITE_MANY = 6, 16
"""Functions. Source: Modbus application protocol 1.1b3, 6."""

T = TypeVar("T")

_READS, _WRITES = (READ_HOLDING, READ_INPUT), (WRITE_ONE, WRITE_MANY)
_KIND_LINE = re.compile(rb'^kind\s*=\s*"%s"\s*(#.*)?\r?$' % KIND.encode(), re.MULTILINE)
_TICK_RULE = "must have words = 2, no sign and no scale: milliseconds modulo 2^32"


def is_device_profile(data: bytes) -> bool:
    """Return whether a file says of itself that it is a device profile; nothing is parsed."""
    return _KIND_LINE.search(data[:BYTES_MAX]) is not None


def load_profile(path: Path) -> PlainProfile:
    """Return the device profile of a file.

    Raises:
        ProfileError: Naming field, value and rule.
    """
    try:
        if not path.is_file():
            raise ProfileError("file", str(path), "must be there, as a regular file")
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProfileError("file", str(path), f"must be a readable file ({reason})") from error
    return parse_profile(data)


def parse_profile(data: bytes) -> PlainProfile:
    """Return the device profile that these bytes hold.

    Raises:
        ProfileError: Naming field, value and rule.
    """
    top = Table("", _document(data))
    top.number("format", FORMAT, FORMAT)
    top.word("kind", (KIND,))
    top.number("baud", BAUD_RATE, BAUD_RATE, default=BAUD_RATE)
    profile = PlainProfile(
        name=top.text("name"),
        model=top.number("model", 0, 0xFFFF),
        unit_id=top.number("unit_id", 1, 247, default=1),
        latency_ms=top.number("latency_ms", 1, LATENCY_MS_MAX),
        identity=tuple(_expected(one) for one in top.tables("identity", IDENTITY_MAX)),
        measured=_named(top, "measured", tuple(UNITS), _measured),
        switches=_named(top, "switch", SWITCHES, _switch),
        fault=_maybe(top, "fault", _fault),
        setpoints=_named(top, "setpoint", ("depth_um", "speed_dhz"), _setpoint),
        run=_maybe(top, "run", _run),
        reset=_maybe(top, "reset", _reset),
        watchdog=_maybe(top, "watchdog", _watchdog),
        limits=_maybe(top, "limits", _limits),
        cartridge=_maybe(top, "cartridge", _cartridge),
    )
    top.end()
    _check_together(profile)
    return profile


def _document(data: bytes) -> dict[str, Any]:
    if len(data) > BYTES_MAX:
        raise ProfileError("file", f"{len(data)} bytes", f"must be at most {BYTES_MAX} bytes")
    if max(map(len, data.splitlines()), default=0) > LINE_BYTES_MAX:
        raise ProfileError("file", "a line", f"must be at most {LINE_BYTES_MAX} bytes long")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ProfileError("file", f"byte {error.start}", "must be UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ProfileError("file", str(error), "must be TOML") from error


def _maybe(top: Table, name: str, read: Callable[[Table], T]) -> T | None:
    """Return what a table says, all of it, or None if there is no such table."""
    table = top.maybe_table(name)
    return None if table is None else _whole(table, read)


def _whole(table: Table, read: Callable[[Table], T]) -> T:
    value = read(table)
    table.end()
    return value


def _named(
    top: Table, kind: str, allowed: Sequence[str], read: Callable[[str, Table], T]
) -> dict[str, T]:
    """Return what the tables ``[kind.NAME]`` say, by name."""
    table = top.maybe_table(kind)
    if table is None:
        return {}
    found: dict[str, T] = {}
    for name in table.keys(allowed):
        inner = table.maybe_table(name)
        if inner is not None:
            found[name] = _whole(inner, partial(read, name))
    return found


def _expected(table: Table) -> Expected:
    one = Expected(_address(table), table.choice("read", _READS), table.number("value", 0, 0xFFFF))
    table.end()
    return one


def _address(table: Table) -> int:
    return table.number("address", 0, 0xFFFF)


def _field(name: str, table: Table, *, read: int | None, write: int | None) -> Field:
    """Return a number in its registers; how it is reached was taken before."""
    words = table.number("words", 1, 2, default=1)
    order = table.word("word_order", ("high first", "low first"), default="high first")
    is_signed = table.flag("signed")
    bits = 16 * words
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)
    field = Field(
        name=name,
        address=_address(table),
        read=read,
        write=write,
        words=words,
        is_low_word_first=order == "low first",
        is_signed=is_signed,
        numerator=table.number("numerator", 1, SCALE_MAX, default=1),
        denominator=table.number("denominator", 1, SCALE_MAX, default=1),
        unknown=table.maybe_number("unknown", low, high),
    )
    if field.address + words - 1 > 0xFFFF:
        raise table.error("address", field.address, "must leave room for all words")
    if words > 1 and write == WRITE_ONE:
        raise table.error("write", write, f"must be {WRITE_MANY} for a field of two words")
    return field


def _measured(name: str, table: Table) -> Field:
    table.word("unit", (UNITS[name],))
    field = _field(name, table, read=table.choice("read", _READS), write=None)
    scale = (field.numerator, field.denominator)
    is_plain = field.words == 2 and not field.is_signed and scale == (1, 1)
    if name == "tick_ms" and not is_plain:
        raise table.error("words", field.words, _TICK_RULE)
    return field


def _setpoint(name: str, table: Table) -> Field:
    table.word("unit", (UNITS[name],))
    # Coils and input registers cannot be written, so that what is written is read by function 03.
    read, write = table.choice("read", (READ_HOLDING,)), table.choice("write", _WRITES)
    return _field(name, table, read=read, write=write)


def _switch(name: str, table: Table) -> Switch:
    return Switch(
        name,
        _address(table),
        table.choice("read", _READS),
        table.number("mask", 1, 0xFFFF, default=0xFFFF),
        table.numbers("values", 0, 0xFFFF),
    )


def _fault(table: Table) -> FaultCodes:
    names = {str(one.name).lower().replace("_", " "): one for one in Fault if one}
    address, read = _address(table), table.choice("read", _READS)
    mask = table.number("mask", 1, 0xFFFF, default=0xFFFF)
    codes: dict[int, Fault] = {}
    inner = table.maybe_table("codes") or Table("", {})
    for key in inner.keys(None):
        if not (key.isascii() and key.isdigit() and 1 <= int(key[:6]) <= 0xFFFF):
            raise table.error("codes", key, "must have numbers of 1 to 65535 as keys")
        codes[int(key)] = names[inner.word(key, tuple(names))]
    return FaultCodes(address, read, mask, codes)


def _run(table: Table) -> Run:
    read, write = table.choice("read", (READ_HOLDING,)), table.choice("write", _WRITES)
    field = Field("run", _address(table), read, write)
    start, stop = table.number("start", 0, 0xFFFF), table.number("stop", 0, 0xFFFF)
    if start == stop:
        raise table.error("start", start, "must differ from stop")
    return Run(field, start, stop)


def _reset(table: Table) -> tuple[Field, int]:
    field = Field("reset", _address(table), write=table.choice("write", _WRITES))
    return field, table.number("value", 0, 0xFFFF)


def _watchdog(table: Table) -> Watchdog:
    read = table.maybe_choice("read", (READ_HOLDING,))
    field = Field("watchdog", _address(table), read, table.choice("write", _WRITES))
    is_counting = table.flag("counting")
    kick = None if is_counting else table.number("kick", 0, 0xFFFF)
    timeout_ms = table.number("timeout_ms", WATCHDOG_MS_MIN, WATCHDOG_MS_MAX)
    timeout = _maybe(table, "timeout", _timeout)
    if timeout is not None and timeout.registers_of(timeout_ms) is None:
        raise table.error("timeout_ms", timeout_ms, "must come out even in the register timeout")
    return Watchdog(field, kick, timeout_ms, timeout)


def _timeout(table: Table) -> Field:
    table.word("unit", ("ms",))
    read, write = table.choice("read", _READS), table.maybe_choice("write", _WRITES)
    return _field("watchdog_timeout_ms", table, read=read, write=write)


def _limits(table: Table) -> Limits:
    limits = Limits(
        depth_um_max=table.number("depth_um_max", 1, DEPTH_UM_MAX),
        depth_step_um=table.number("depth_step_um", 1, DEPTH_UM_MAX),
        speed_dhz_min=table.number("speed_dhz_min", 1, SPEED_DHZ_MAX),
        speed_dhz_max=table.number("speed_dhz_max", 1, SPEED_DHZ_MAX),
        depth_tolerance_um=table.number("depth_tolerance_um", 0, DEPTH_UM_MAX),
        stop_ms_max=table.number("stop_ms_max", 1, STOP_MS_MAX),
    )
    if limits.speed_dhz_min > limits.speed_dhz_max:
        raise table.error("speed_dhz_min", limits.speed_dhz_min, "must be at most speed_dhz_max")
    if limits.depth_step_um > limits.depth_um_max:
        raise table.error("depth_step_um", limits.depth_step_um, "must be at most depth_um_max")
    return limits


def _cartridge(table: Table) -> Cartridge:
    needles = table.number("needles", 1, NEEDLES_MAX)
    return Cartridge(needles, table.number("depth_um_max", 1, DEPTH_UM_MAX))


def _check_together(profile: PlainProfile) -> None:
    """Refuse registers that are written for two reasons, and setpoints that cannot be said."""
    written = [*profile.setpoints.values()]
    written += [profile.run.field] if profile.run else []
    written += [profile.reset[0]] if profile.reset else []
    dog = profile.watchdog
    if dog is not None:
        written.append(dog.field)
        written += [dog.timeout] if dog.timeout is not None and dog.timeout.write else []
    owners: dict[int, str] = {}
    for field in written:
        for address in range(field.address, field.address + field.words):
            other = owners.setdefault(address, field.name)
            if other != field.name:
                rule = f"must not be written as {other} too"
                raise ProfileError(f"{field.name}.address", address, rule)
    depth, limits = profile.setpoints.get("depth_um"), profile.limits
    if depth is not None and limits is not None:
        for value_um in (limits.depth_step_um, profile.depth_um_max, 0):
            if depth.registers_of(value_um) is None:
                rule = "must come out even in the register setpoint.depth_um, as 0 must"
                raise ProfileError("limits.depth_step_um", limits.depth_step_um, rule)
