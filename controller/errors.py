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


class InputError(ControllerError):
    """A value from outside that breaks a rule.

    Args:
        field: Name of the setting or of the field, as the operator wrote it.
        value: The value that was found.
        rule: What a right value must be, as a phrase that starts with "must".
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(field, value, rule)
        self.field = field
        self.value = value
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.field} = {str(self.value)!r}: {self.rule}"


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
