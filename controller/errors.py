"""What can go wrong in the controller, and the exit code of each; it prints nothing.

::

    ControllerError
    +-- ConfigError     a setting is wrong: the program does not start              INPUT
    +-- PlanError       a treatment plan is wrong: nothing is written to the pen    INPUT
    +-- RecordError     the record cannot be kept or read: no motion without it     INPUT
    +-- RefusedError    safety said no: the reason names the requirement            REFUSED

Link and device errors are those of ``drivers.errors``; the command line gives them LINK and DEVICE.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import PurePath


class ExitCode(IntEnum):
    """Exit codes of the `penpilot` command. 130 is a shell's own code for an interrupt."""

    DONE = 0
    INPUT = 2
    REFUSED = 3
    LINK = 4
    DEVICE = 5
    STOPPED = 130


class ControllerError(Exception):
    """Anything that the controller could not do; its text is one clear line for the operator."""

    exit_code = ExitCode.INPUT


class Spelled(str):
    """A value as a message shows it; it is not put into quotes once more."""

    __slots__ = ()


def spelled(value: object) -> Spelled:
    """Return a value from outside as a message shows it, however deep or strange it is.

    Text and paths stand in quotes, with what is not printable escaped; what is missing says so;
    all else is spelled as TOML does.
    """
    if isinstance(value, Spelled):
        return value
    if value is None:
        return Spelled("missing")
    if isinstance(value, bool):
        return Spelled(str(value).lower())
    try:
        return Spelled(repr(str(value) if isinstance(value, str | PurePath) else value))
    except (ValueError, RecursionError):  # an integer of thousands of digits, a thousand tables
        return Spelled(f"a huge {type(value).__name__}")


class InputError(ControllerError):
    """A value from outside that breaks a rule.

    Args:
        field: Name of the setting or of the field, as the operator wrote it.
        value: The value that was found, or as `spelled` shows it; None for a missing one.
        rule: What a right value must be, as a phrase that starts with "must".
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(field, value, rule)
        self.field = field
        self.value = value
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.field} = {spelled(self.value)}: {self.rule}"


class ConfigError(InputError):
    """A setting or an environment variable is wrong."""


class PlanError(InputError):
    """A treatment plan, or a field of it, is wrong."""


class RecordError(ControllerError):
    """The record cannot be written, read or believed.

    Args:
        where: The file, or the part of the record.
        what: What is wrong with it, and what to do where that is known.
    """

    def __init__(self, where: object, what: str) -> None:
        super().__init__(where, what)
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class RefusedError(ControllerError):
    """Safety refused what was asked for; the text gives its reason."""

    exit_code = ExitCode.REFUSED
