"""One table of a TOML file, taken apart key by key; what nobody asked for is refused at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TEXT_MAX = 100
"""Longest text of a profile; it stands in one line of a message. ASSUMED."""


class ProfileError(ValueError):
    """A device profile that breaks a rule.

    Args:
        field: Name of the field, with its tables before it.
        value: What was found; None for a missing one.
        rule: What a right value must be, as a phrase that starts with "must".
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(field, value, rule)
        self.field = field
        self.value = value
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.field} = {spelled(self.value)}: {self.rule}"


def spelled(value: object) -> str:
    """Return a value as one line of a message shows it, however large it is."""
    if value is None:
        return "missing"
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a thousand tables
        return f"a huge {type(value).__name__}"
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 3] + "..."


class Table:
    """A table whose keys are taken one by one.

    Args:
        where: Its name, with a dot behind it; empty for the whole file.
        found: What stands in it.
    """

    def __init__(self, where: str, found: Mapping[str, Any]) -> None:
        self.where = where
        self._left = dict(found)
        self._known: list[str] = []

    def number(self, key: str, low: int, high: int, *, default: int | None = None) -> int:
        """Take a whole number from low to high."""
        value = self._take(key, default)
        if type(value) is not int or not low <= value <= high:
            rule = f"must be {low}" if low == high else f"must be a whole number, {low} to {high}"
            raise self.error(key, value, rule)
        return value

    def choice(self, key: str, allowed: Sequence[int]) -> int:
        """Take one of some numbers."""
        value = self._take(key, None)
        if type(value) is not int or value not in allowed:
            raise self.error(key, value, f"must be {' or '.join(map(str, allowed))}")
        return value

    def maybe_choice(self, key: str, allowed: Sequence[int]) -> int | None:
        """Take one of some numbers, or None if the key is not there."""
        self._known.append(key)
        return self.choice(key, allowed) if key in self._left else None

    def maybe_number(self, key: str, low: int, high: int) -> int | None:
        """Take a whole number from low to high, or None if the key is not there."""
        self._known.append(key)
        return self.number(key, low, high) if key in self._left else None

    def flag(self, key: str) -> bool:
        """Take true or false; false if the key is not there."""
        value = self._take(key, default=False)
        if type(value) is not bool:
            raise self.error(key, value, "must be true or false")
        return value

    def text(self, key: str) -> str:
        """Take a text of one line."""
        value = self._take(key, None)
        if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= TEXT_MAX:
            raise self.error(key, value, f"must be a text of 1 to {TEXT_MAX} printable characters")
        return value

    def word(self, key: str, allowed: Sequence[str], *, default: str | None = None) -> str:
        """Take one of some words."""
        value = self._take(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise self.error(key, value, f"must be one of: {', '.join(allowed)}")
        return value

    def numbers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """Take a list of whole numbers from low to high; empty if the key is not there."""
        values = self._take(key, [])
        rule = f"must be a list of whole numbers, {low} to {high}"
        if not isinstance(values, list):
            raise self.error(key, values, rule)
        for value in values:
            if type(value) is not int or not low <= value <= high:
                raise self.error(key, value, rule)
        return tuple(values)

    def maybe_table(self, key: str) -> Table | None:
        """Take a table, or None if the key is not there."""
        value = self._take(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(key, value, "must be a table")
        return Table(f"{self.where}{key}.", value)

    def tables(self, key: str, most: int) -> list[Table]:
        """Take a list of tables, empty if the key is not there."""
        values = self._take(key, [])
        fits = isinstance(values, list) and all(isinstance(one, dict) for one in values)
        if not fits or len(values) > most:
            raise self.error(key, values, f"must be at most {most} tables [[{key}]]")
        return [Table(f"{self.where}{key}[{index}].", one) for index, one in enumerate(values)]

    def keys(self, allowed: Sequence[str] | None) -> list[str]:
        """Return the names of what is there; each must be one of the allowed, if they are named.

        Raises:
            ProfileError: Naming the first that is not.
        """
        for key in self._left:
            if allowed is not None and key not in allowed:
                raise self.error(key, self._left[key], f"must be one of: {', '.join(allowed)}")
        return list(self._left)

    def end(self) -> None:
        """Refuse what nobody asked for: a misspelt limit must not be lost in silence.

        Raises:
            ProfileError: Naming the first such key.
        """
        for key, value in self._left.items():
            known = ", ".join(sorted(set(self._known)))
            raise self.error(key, value, f"must be one of: {known}")

    def error(self, key: str, value: object, rule: str) -> ProfileError:
        """Return the error of one key."""
        shown = key if key.isprintable() else ascii(key)
        return ProfileError(self.where + shown[:TEXT_MAX], value, rule)

    def _take(self, key: str, default: Any) -> Any:
        self._known.append(key)
        return self._left.pop(key, default)
