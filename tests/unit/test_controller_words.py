"""What words of a person may be, wherever they are given."""

from __future__ import annotations

import pytest

from controller.errors import ConfigError, InputError, PlanError
from controller.words import words_of

pytestmark = pytest.mark.req("SR-017")


@pytest.mark.parametrize(
    "value", ["T", "Größe 5, siehe Notiz", "\N{GREEK SMALL LETTER MU}m", " x "]
)
def test_words_are_taken_as_they_are(value: str) -> None:
    """Letters of any language, digits, punctuation and blanks between them are words."""
    assert value == words_of("--by", value, len(value), ConfigError)


@pytest.mark.parametrize("error", [ConfigError, PlanError])
@pytest.mark.parametrize(
    ("value", "shown", "rule"),
    [
        ("", "''", "must be text of 1 to 5 characters"),
        ("123456", "'123456'", "must be text of 1 to 5 characters"),
        (None, "missing", "must be text of 1 to 5 characters"),
        (7, "7", "must be text of 1 to 5 characters"),
        (True, "true", "must be text of 1 to 5 characters"),
        ("  ", "'  '", "must be words, not blanks alone"),
        ("a\x00", r"'a\x00'", "must be one line of printable characters"),
        ("a\nb", r"'a\nb'", "must be one line of printable characters"),
        ("\x1b[m", r"'\x1b[m'", "must be one line of printable characters"),
        ("\u202e", r"'\u202e'", "must be one line of printable characters"),
        ("\udc80", r"'\udc80'", "must be one line of printable characters"),
    ],
)
def test_anything_else_is_refused_by_field_value_and_rule(
    error: type[InputError], value: object, shown: str, rule: str
) -> None:
    """The line names all three, can be printed, and is of the kind that was asked for."""
    with pytest.raises(error) as caught:
        words_of("--by", value, 5, error)

    assert f"--by = {shown}: {rule}" == str(caught.value)
    assert str(caught.value).isprintable()
