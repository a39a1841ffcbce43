"""Reading the body of an entry that may come from another version; it judges no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def whole(body: Mapping[str, Any], name: str) -> int | None:
    """Return an integer of a body, or None if it has no such integer."""
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(body: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return a text of a body, or the default if it has no such text."""
    value = body.get(name)
    return value if isinstance(value, str) else default
