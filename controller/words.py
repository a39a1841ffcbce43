"""Words that a person gave, such as a name or a reason; knows no option and no plan.

They go into plans, records and reports, and are shown on terminals. What is not fit for that is
refused, never mended in silence: a record must hold what was said.
"""

from __future__ import annotations

from controller.errors import InputError
from controller.tomlfile import shorten

NAME_LENGTH_MAX = 80
"""Longest name of a person or a plan; it stands in one line of a report. ASSUMED."""

NOTE_LENGTH_MAX = 200
"""Longest reason that is named on the command line; it stands in the record. ASSUMED."""


def words_of(field: str, value: object, length_max: int, error: type[InputError]) -> str:
    """Return words as they were given.

    Args:
        field: Name of the option or the field, as the operator wrote it.
        value: What was given.
        length_max: So many characters are taken.
        error: What to raise.

    Raises:
        InputError: Of the given kind, if it is no text, too long, blank, or if a character is not
            printable (a control character, a line break, a turn of the writing direction).
    """
    if not isinstance(value, str) or not (1 <= len(value) <= length_max):
        raise error(field, shorten(value), f"must be text of 1 to {length_max} characters")
    if not value.isprintable():
        raise error(field, shorten(value), "must be one line of printable characters")
    if not value.strip():
        raise error(field, shorten(value), "must be words, not blanks alone")
    return value
